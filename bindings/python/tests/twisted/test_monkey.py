"""A monkey at the calls of a connection: any order, any sizes, damaged bytes. Nothing but the documented
exceptions comes."""

from __future__ import annotations

import random
from typing import Any

from OpenSSL import SSL
from pairs import ROLES, openssl_client, openssl_server, our_client, our_server
from twisted.trial.unittest import SynchronousTestCase

SEEDS = 60
STEPS = 300


class Monkey(SynchronousTestCase):
    def pair(self, role: str) -> tuple[Any, Any]:
        return (our_server(), openssl_client()) if role == "server" else (our_client(), openssl_server())

    def test_any_cut_any_order(self) -> None:
        """What one side sends is what the other receives, however calls and bytes are cut."""
        total = 0
        for seed in range(SEEDS):
            chance = random.Random(seed)
            ours, theirs = self.pair(ROLES[seed % 2])
            wires: dict[Any, bytearray] = {ours: bytearray(), theirs: bytearray()}
            sent = {ours: bytearray(), theirs: bytearray()}
            received = {ours: bytearray(), theirs: bytearray()}
            for _ in range(STEPS):
                source, sink = chance.choice([(ours, theirs), (theirs, ours)])
                try:
                    match chance.randrange(6):
                        case 0:
                            source.do_handshake()
                        case 1:
                            plain = chance.randbytes(chance.choice((1, 100, 5000, 40000)))
                            sent[source] += plain[: source.send(plain)]
                        case 2:
                            received[source] += source.recv(chance.choice((1, 100, 70000)))
                        case 3:
                            room = bytearray(chance.choice((1, 3000)))
                            received[source] += room[: source.recv_into(room)]
                        case 4:
                            wires[sink] += source.bio_read(chance.choice((1, 50, 2000, 1 << 20)))
                        case 5 if wires[source]:
                            cut = chance.choice((1, 50, 2000, 1 << 20))
                            source.bio_write(bytes(wires[source][:cut]))
                            del wires[source][:cut]
                except SSL.WantReadError:
                    pass
            self.settle(ours, theirs, wires, received)
            self.assertEqual(received[theirs], sent[ours], seed)
            self.assertEqual(received[ours], sent[theirs], seed)
            total += len(sent[ours]) + len(sent[theirs])
        self.assertGreater(total, SEEDS * 100_000)

    def settle(self, ours: Any, theirs: Any, wires: dict[Any, bytearray], received: dict[Any, bytearray]) -> None:
        """Carries all that is on its way."""
        for _ in range(20):
            for source, sink in ((ours, theirs), (theirs, ours)):
                while True:
                    try:
                        wires[sink] += source.bio_read(1 << 20)
                    except SSL.WantReadError:
                        break
                if wires[sink]:
                    sink.bio_write(bytes(wires[sink]))
                    wires[sink].clear()
                while True:
                    try:
                        sink.do_handshake()
                        received[sink] += sink.recv(1 << 16)
                    except SSL.WantReadError:
                        break

    def test_damage(self) -> None:
        """A flipped bit somewhere: an error at one side at most, and never other data than was sent."""
        for seed in range(SEEDS):
            chance = random.Random(seed)
            ours, theirs = self.pair(ROLES[seed % 2])
            message = chance.randbytes(30000)
            seen = bytearray()
            ended = False
            for _ in range(30):
                for source, sink in ((ours, theirs), (theirs, ours)):
                    try:
                        source.do_handshake()
                        if source is theirs:
                            theirs.sendall(message)
                        else:
                            while True:
                                seen += ours.recv(1 << 16)
                    except SSL.WantReadError:
                        pass
                    except SSL.Error:
                        ended = ended or source is ours
                    try:
                        wire = bytearray(source.bio_read(1 << 20))
                    except SSL.WantReadError:
                        continue
                    if chance.random() < 0.3:
                        wire[chance.randrange(len(wire))] ^= 1 << chance.randrange(8)
                    sink.bio_write(bytes(wire))
            self.assertTrue(
                all(seen[i : i + 30000] == message[: len(seen) - i] for i in range(0, len(seen), 30000)), seed
            )
            if ended:
                # Whatever happened, the connection still answers, and says the same again.
                self.assertRaises(SSL.Error, ours.do_handshake)
                self.assertRaises(SSL.Error, ours.recv, 1)
                self.assertRaises(SSL.Error, ours.send, b"x")
                self.assertRaises(SSL.Error, ours.shutdown)

    def test_any_call_at_any_time(self) -> None:
        """With nonsense from the peer and wrong arguments in between."""
        for seed in range(SEEDS):
            chance = random.Random(seed)
            ours, theirs = self.pair(ROLES[seed % 2])
            for _ in range(STEPS):
                try:
                    self.any_call(ours, theirs, chance)
                except (SSL.Error, ValueError, TypeError, BufferError):
                    pass

    def any_call(self, ours: Any, theirs: Any, chance: random.Random) -> None:
        number = chance.choice((-1, 0, 1, 100, 1 << 40))
        data = chance.randbytes(chance.choice((0, 1, 5, 3000)))
        calls = [
            lambda: ours.do_handshake(),
            lambda: ours.recv(number),
            lambda: ours.recv_into(bytearray(10), number),
            lambda: ours.recv_into(data),
            lambda: ours.bio_read(number),
            lambda: ours.bio_write(theirs.bio_read(1 << 20)),
            lambda: ours.bio_write(theirs.bio_read(1 << 20)),
            lambda: theirs.bio_write(ours.bio_read(1 << 20)),
            lambda: theirs.bio_write(ours.bio_read(1 << 20)),
            lambda: theirs.do_handshake(),
            lambda: theirs.send(data or b"x"),
            lambda: ours.send(data),
            lambda: ours.get_peer_certificate(),
            lambda: ours.get_peer_cert_chain(),
            lambda: ours.get_alpn_proto_negotiated(),
            lambda: ours.get_cipher_name(),
            lambda: ours.get_servername(),
            lambda: ours.export_keying_material(b"EXPERIMENTAL", number),
            lambda: ours.pending(),
            lambda: ours.set_app_data(self),
        ]
        # What ends a connection, so that most live for a while.
        rare = [
            lambda: ours.bio_write(data),
            lambda: ours.shutdown(),
            lambda: ours.bio_shutdown(),
            lambda: ours.set_accept_state(),
            lambda: ours.set_connect_state(),
        ]
        chance.choice(rare if chance.random() < 0.02 else calls)()
