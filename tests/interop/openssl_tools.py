"""`openssl s_server` and `openssl s_client`, and what they can do."""

import functools
import subprocess

import patience
from harness import P256, P384, X25519, X25519MLKEM768
from process import Process
from settings import pki

VERSION_FLAGS = {"1.2": "-tls1_2", "1.3": "-tls1_3"}
VERSION_NAMES = {"1.2": "TLSv1.2", "1.3": "TLSv1.3"}

# Name of the group for the command line, and how s_client speaks of the key that came for it.
GROUPS = {
    X25519: ("X25519", "X25519"),
    P256: ("P-256", "prime256v1"),
    P384: ("P-384", "secp384r1"),
    X25519MLKEM768: ("X25519MLKEM768", "X25519MLKEM768"),
}

SUITES = [
    ("1.3", "0x1301", "TLS_AES_128_GCM_SHA256", "ecdsa"),
    ("1.3", "0x1302", "TLS_AES_256_GCM_SHA384", "ecdsa"),
    ("1.3", "0x1303", "TLS_CHACHA20_POLY1305_SHA256", "ecdsa"),
    ("1.2", "0xc02b", "ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa"),
    ("1.2", "0xc02c", "ECDHE-ECDSA-AES256-GCM-SHA384", "ecdsa"),
    ("1.2", "0xcca9", "ECDHE-ECDSA-CHACHA20-POLY1305", "ecdsa"),
    ("1.2", "0xc02f", "ECDHE-RSA-AES128-GCM-SHA256", "rsa"),
    ("1.2", "0xc030", "ECDHE-RSA-AES256-GCM-SHA384", "rsa"),
    ("1.2", "0xcca8", "ECDHE-RSA-CHACHA20-POLY1305", "rsa"),
]


def suite_flag(version, name):
    return ("-cipher" if version == "1.2" else "-ciphersuites", name)


def identity(role, algorithm):
    """`role` with its intermediate, in the form that both programs take."""
    return (
        *("-cert", pki(f"{algorithm}/{role}.pem"), "-key", pki(f"{algorithm}/{role}.key")),
        *("-cert_chain", pki(f"{algorithm}/inter.pem")),
    )


@functools.cache
def missing_group(name):
    """Why this OpenSSL cannot use a group, or None. The option is refused before anything is connected."""
    probe = subprocess.run(
        ["openssl", "s_client", "-groups", name, "-connect", "127.0.0.1:1"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience.SECONDS,
    )
    if "SSL_CONF_cmd" in probe.stderr:
        release = subprocess.run(
            ["openssl", "version"], capture_output=True, text=True, timeout=patience.SECONDS
        ).stdout
        return f"{' '.join(release.split()[:2])} refuses -groups {name}"
    return None


class SServer(Process):
    """An echo server that reverses every line, unless it is told to be something else."""

    def __init__(self, *flags, mode=("-rev",), connections=1, server_identity=None, cwd=None):
        super().__init__(
            # Without stdbuf, what it says about its commands would stay in its buffer until the next data.
            *("stdbuf", "-oL", "openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", connections),
            *(server_identity or identity("server", "ecdsa")),
            *mode,
            *flags,
            cwd=cwd,
        )

    def port(self):
        return int(self.wait_for(r"ACCEPT \S*:(\d+)\n").group(1))


class SClient(Process):
    """A client that checks the chain and the name of the server. It ends when its stdin ends."""

    def __init__(self, port, *flags, brief=True, trust=None, name="server.test"):
        names = ("-servername", name, "-verify_hostname", name) if name else ("-noservername",)
        super().__init__(
            *("openssl", "s_client", "-connect", f"127.0.0.1:{port}"),
            *("-CAfile", trust or pki("trust/all.pem"), "-verify_return_error"),
            *names,
            *(("-brief", "-nocommands") if brief else ()),
            *flags,
        )


def reversed_lines(text):
    return b"".join(line[::-1] + b"\n" for line in text.splitlines())
