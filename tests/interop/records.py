"""A record layer out of a tls_traffic_secret_t, with the ciphers of the cryptography package: the part that a kernel has
after tls_secrets_take()."""

import ctypes
import struct

try:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

    MISSING = None
except ImportError as error:
    MISSING = f"python3-cryptography: {error}"

ALERT, HANDSHAKE, DATA = 21, 22, 23
CHACHA = (0x1303, 0xCCA8, 0xCCA9)


class Secret(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("sequence", ctypes.c_uint64),
        ("most_records", ctypes.c_uint64),
        ("version", ctypes.c_uint16),
        ("suite", ctypes.c_uint16),
        ("key_len", ctypes.c_uint16),
        ("iv_len", ctypes.c_uint16),
        ("key", ctypes.c_uint8 * 32),
        ("iv", ctypes.c_uint8 * 16),
    ]

    def __init__(self):
        super().__init__(size=ctypes.sizeof(Secret))


class Direction:
    """Seals or opens the records of one direction."""

    def __init__(self, secret):
        key = bytes(secret.key)[: secret.key_len]
        self.is_13 = secret.version == 0x0304
        self.explicit = not self.is_13 and secret.suite not in CHACHA
        self.cipher = ChaCha20Poly1305(key) if secret.suite in CHACHA else AESGCM(key)
        self.iv = bytes(secret.iv)[: secret.iv_len]
        self.sequence = secret.sequence

    def _nonce(self):
        combined = int.from_bytes(self.iv, "big") ^ self.sequence
        return combined.to_bytes(12, "big")

    def _additional(self, kind, header, length):
        return header if self.is_13 else struct.pack(">QBHH", self.sequence, kind, 0x0303, length)

    def seal(self, kind, plain):
        inner = plain + bytes([kind]) if self.is_13 else plain
        head = b""
        nonce = self._nonce()
        if self.explicit:
            # Counted up, not combined, as the kernel does it.
            nonce = self.iv
            head = nonce[4:]
            self.iv = nonce[:4] + (int.from_bytes(head, "big") + 1 & 2**64 - 1).to_bytes(8, "big")
        header = struct.pack(">BHH", DATA if self.is_13 else kind, 0x0303, len(head) + len(inner) + 16)
        record = header + head + self.cipher.encrypt(nonce, inner, self._additional(kind, header, len(plain)))
        self.sequence += 1
        return record

    def open(self, record):
        """The type and the plain bytes of a whole record."""
        kind, header, payload = record[0], record[:5], record[5:]
        nonce = self._nonce()
        if self.explicit:
            nonce, payload = self.iv[:4] + payload[:8], payload[8:]
        plain = self.cipher.decrypt(nonce, payload, self._additional(kind, header, len(payload) - 16))
        self.sequence += 1
        return (plain[-1], plain[:-1]) if self.is_13 else (kind, plain)


def receive_record(sock):
    """Exactly one record, and nothing of the next one."""
    record = b""
    while len(record) < 5 or len(record) < 5 + int.from_bytes(record[3:5], "big"):
        wanted = 5 if len(record) < 5 else 5 + int.from_bytes(record[3:5], "big")
        received = sock.recv(wanted - len(record))
        if not received:
            raise EOFError(f"the peer ended in the middle of a record: {record!r}")
        record += received
    return record
