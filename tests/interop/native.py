"""libtlsbio called in this process, by ctypes: as much of it as the tests with Python's ssl module need."""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int16, c_int32, c_int64
from ctypes import c_size_t, c_ssize_t, c_uint16, c_uint32, c_void_p

from settings import settings


class Error(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("status", c_int32),
        ("reason", c_int32),
        ("alert_sent", c_int16),
        ("alert_received", c_int16),
        ("message", ctypes.c_char * 256),
    ]

    def __init__(self):
        super().__init__(size=ctypes.sizeof(Error))


SIGNATURES = {
    "tls_builder_new": (c_void_p,),
    "tls_builder_free": (None, c_void_p),
    "tls_builder_identity_file": (c_int32, c_void_p, c_char_p, c_char_p),
    "tls_builder_identity_external": (c_int32, c_void_p, c_void_p, c_size_t),
    "tls_builder_trust_file": (c_int32, c_void_p, c_char_p),
    "tls_builder_alpn": (c_int32, c_void_p, c_void_p, c_size_t),
    "tls_builder_versions": (c_int32, c_void_p, c_uint16, c_uint16),
    "tls_builder_client_auth": (c_int32, c_void_p, c_int32),
    "tls_builder_error": (c_int32, c_void_p, POINTER(Error)),
    "tls_context_client": (c_void_p, c_void_p, POINTER(Error)),
    "tls_context_server": (c_void_p, c_void_p, POINTER(Error)),
    "tls_context_free": (None, c_void_p),
    "tls_client_new": (c_void_p, c_void_p, c_char_p, POINTER(Error)),
    "tls_server_new": (c_void_p, c_void_p, POINTER(Error)),
    "tls_free": (None, c_void_p),
    "tls_feed": (c_ssize_t, c_void_p, c_void_p, c_size_t),
    "tls_feed_eof": (c_int32, c_void_p),
    "tls_drain_into": (c_ssize_t, c_void_p, c_void_p, c_size_t),
    "tls_advance": (c_int32, c_void_p),
    "tls_read_into": (c_ssize_t, c_void_p, c_void_p, c_size_t),
    "tls_write_from": (c_ssize_t, c_void_p, c_void_p, c_size_t),
    "tls_close_notify": (c_int32, c_void_p),
    "tls_state": (c_uint32, c_void_p),
    "tls_conn_error": (c_int32, c_void_p, POINTER(Error)),
    "tls_sni": (c_ssize_t, c_void_p, c_void_p, c_size_t),
    "tls_alpn": (c_ssize_t, c_void_p, c_void_p, c_size_t),
    "tls_peer_certificate": (c_ssize_t, c_void_p, c_size_t, c_void_p, c_size_t),
    "tls_protocol_version": (c_uint16, c_void_p),
    "tls_group": (c_uint16, c_void_p),
    "tls_resumed": (c_int32, c_void_p),
    "tls_sign_scheme": (c_uint16, c_void_p),
    "tls_sign_message": (c_ssize_t, c_void_p, c_void_p, c_size_t),
    "tls_answer_sign": (c_int32, c_void_p, c_void_p, c_size_t),
    "tls_surplus": (c_ssize_t, c_void_p, c_void_p, c_size_t),
    "tls_status_name": (c_char_p, c_int32),
    "tls_constant": (c_int32, c_char_p, POINTER(c_int64)),
}


class Library:
    """The functions as attributes, and the constants by name: `lib.tls_free`, `lib.TLS_CAN_READ`."""

    def __init__(self):
        self.handle = ctypes.CDLL(str(settings.library))
        for name, (result, *arguments) in SIGNATURES.items():
            function = getattr(self.handle, name)
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)

    def __getattr__(self, name):
        if not name.startswith("TLS_"):
            raise AttributeError(name)
        value = c_int64()
        if self.tls_constant(name.encode(), byref(value)) != 0:
            raise AttributeError(name)
        setattr(self, name, value.value)
        return value.value


class Refused(Exception):
    """What the library said no to, by status name and message."""


class Context:
    def __init__(self, lib, server, chain=None, key=None, trust=None, alpn=(), version=None, client_auth=0):
        self.lib = lib
        self.server = server
        builder = lib.tls_builder_new()
        try:
            self._configure(builder, chain, key, trust, alpn, version, client_auth)
            error = Error()
            make = lib.tls_context_server if server else lib.tls_context_client
            self.handle = make(builder, byref(error))
            if not self.handle:
                raise Refused(error.message.decode())
        finally:
            lib.tls_builder_free(builder)

    def _configure(self, builder, chain, key, trust, alpn, version, client_auth):
        lib = self.lib
        statuses = [lib.tls_builder_client_auth(builder, client_auth)]
        if chain:
            statuses.append(lib.tls_builder_identity_file(builder, chain.encode(), key.encode()))
        if trust:
            statuses.append(lib.tls_builder_trust_file(builder, trust.encode()))
        if alpn:
            wire = b"".join(bytes([len(name)]) + name.encode() for name in alpn)
            statuses.append(lib.tls_builder_alpn(builder, wire, len(wire)))
        if version:
            statuses.append(lib.tls_builder_versions(builder, version, version))
        if any(statuses):
            error = Error()
            lib.tls_builder_error(builder, byref(error))
            raise Refused(error.message.decode())

    def connection(self, name=None):
        error = Error()
        if self.server:
            handle = self.lib.tls_server_new(self.handle, byref(error))
        else:
            handle = self.lib.tls_client_new(self.handle, name.encode(), byref(error))
        if not handle:
            raise Refused(error.message.decode())
        return Connection(self.lib, handle)

    def free(self):
        self.lib.tls_context_free(self.handle)


class Connection:
    def __init__(self, lib, handle):
        self.lib = lib
        self.handle = handle

    def free(self):
        self.lib.tls_free(self.handle)

    def state(self):
        return self.lib.tls_state(self.handle)

    def status(self):
        return self.lib.tls_status_name(self.lib.tls_advance(self.handle)).decode()

    def feed(self, wire):
        return self.lib.tls_feed(self.handle, bytes(wire), len(wire))

    def feed_eof(self):
        return self.lib.tls_feed_eof(self.handle)

    def drain(self, limit):
        return self._taken(self.lib.tls_drain_into, limit)

    def read(self, limit):
        """Bytes, or the name of the status that came instead."""
        return self._taken(self.lib.tls_read_into, limit)

    def _taken(self, function, limit):
        buffer = ctypes.create_string_buffer(limit)
        count = function(self.handle, buffer, limit)
        if count < 0:
            return self.lib.tls_status_name(count).decode()
        return buffer.raw[:count]

    def write(self, plain):
        """How many bytes were taken, or the name of the status that came instead."""
        count = self.lib.tls_write_from(self.handle, bytes(plain), len(plain))
        return count if count >= 0 else self.lib.tls_status_name(count).decode()

    def close_notify(self):
        return self.lib.tls_status_name(self.lib.tls_close_notify(self.handle)).decode()

    def error(self):
        error = Error()
        self.lib.tls_conn_error(self.handle, byref(error))
        return error

    def _copied_out(self, function, *arguments):
        size = function(self.handle, *arguments, None, 0)
        if size <= 0:
            return b""
        # One more, for the NUL of a text.
        buffer = ctypes.create_string_buffer(size + 1)
        function(self.handle, *arguments, buffer, size + 1)
        return buffer.raw[:size]

    def alpn(self):
        return self._copied_out(self.lib.tls_alpn).decode()

    def sni(self):
        return self._copied_out(self.lib.tls_sni).decode()

    def surplus(self):
        return self._copied_out(self.lib.tls_surplus)

    def certificates(self):
        found = []
        while der := self._copied_out(self.lib.tls_peer_certificate, len(found)):
            found.append(der.hex())
        return found

    def version(self):
        return f"0x{self.lib.tls_protocol_version(self.handle):04x}"

    def group(self):
        return f"0x{self.lib.tls_group(self.handle):04x}"

    def resumed(self):
        return self.lib.tls_resumed(self.handle)
