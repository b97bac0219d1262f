#!/usr/bin/env python3
"""Runs the interop tests and prints one line per case: run.py --pki DIR --peer PROGRAM ... [PEER...]

PEER is one or more of openssl, gnutls, curl, pyssl, go, tlslite and hsm; run.sh does the set-up and starts this."""

import argparse
import faulthandler
import sys
import tempfile
import time
import traceback
import unittest
from pathlib import Path

import patience
from harness import InteropTest
from settings import settings

# A case of several processes, each with its own limit, is done by then. Only a call that never returns is not.
CASE_LIMIT_SECONDS = 4 * patience.SECONDS

MODULES = {
    "openssl": (
        "openssl_our_client",
        "openssl_our_server",
        "openssl_hello",
        "openssl_identities",
        "openssl_refusals",
        "openssl_verification",
        "openssl_signing",
        "openssl_tickets",
        "openssl_early_data",
        "openssl_secrets",
        "openssl_halves",
        "openssl_handover",
        "openssl_moving",
        "openssl_limits",
        "openssl_control",
        "openssl_options",
        "openssl_sending",
    ),
    "gnutls": (
        "gnutls_peer",
        "gnutls_raw_keys",
        "gnutls_hello",
        "gnutls_verification",
        "gnutls_signing",
        "gnutls_tickets",
        "gnutls_secrets",
        "gnutls_sending",
    ),
    "curl": ("curl_peer",),
    "pyssl": ("pyssl_peer",),
    "go": (
        "go_peer",
        "go_hello",
        "go_verification",
        "go_signing",
        "go_tickets",
        "go_secrets",
        "go_ech",
        "go_sending",
        "go_restart",
    ),
    "tlslite": ("tlslite_compression", "tlslite_names"),
    "hsm": ("hsm_peer",),
}


def title(test):
    """openssl: OurClient/identity 1.3 rsa"""
    peer = type(test).__module__.split("_")[0]
    role = type(test).__name__
    return f"{peer}: {role}/{test._testMethodName.removeprefix('test_')}"


class LineResult(unittest.TestResult):
    """One line per case, at once; the whole story only of what went wrong."""

    def __init__(self):
        super().__init__()
        self.passed = 0
        self.failed = 0
        self.skips = 0
        self.started = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()
        faulthandler.dump_traceback_later(CASE_LIMIT_SECONDS, exit=True)

    def stopTest(self, test):
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)

    def _line(self, verdict, test, more=""):
        seconds = time.monotonic() - self.started
        print(f"{verdict:4} {title(test)} ({seconds:.1f} s){more}", flush=True)

    def _wrong(self, test, error):
        self.failed += 1
        self._line("FAIL", test)
        print("".join(traceback.format_exception(*error)), flush=True)
        if isinstance(test, InteropTest):
            print(test.stories(), flush=True)

    def addSuccess(self, test):
        self.passed += 1
        self._line("ok", test)

    def addSkip(self, test, reason):
        self.skips += 1
        self._line("skip", test, f": {reason}")

    def addError(self, test, error):
        super().addError(test, error)
        self._wrong(test, error)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._wrong(test, error)


def arguments():
    parser = argparse.ArgumentParser(description="interop tests of libtlsbio")
    parser.add_argument("--pki", type=Path, required=True, help="what tests/pki/make.sh made")
    parser.add_argument("--peer", type=Path, required=True, help="the compiled peer.c")
    parser.add_argument("--library", type=Path, required=True, help="libtlsbio.so")
    parser.add_argument("--go-peer", type=Path, help="the compiled Go program; needed for the peer go")
    parser.add_argument("--tlslite-python", type=Path, help="a Python with tlslite-ng; needed for the peer tlslite")
    parser.add_argument("--case", default="", help="run only the cases whose title contains this")
    parser.add_argument("peers", nargs="*", help="of: " + " ".join(MODULES) + "; default: all")
    args = parser.parse_args()
    for peer in args.peers:
        if peer not in MODULES:
            parser.error(f"no such peer: {peer}")
    return args


def all_tests(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from all_tests(item)
        else:
            yield item


def main():
    args = arguments()
    result = LineResult()
    with tempfile.TemporaryDirectory(prefix="tlsbio-interop-") as scratch:
        settings.pki = args.pki.resolve()
        settings.peer = args.peer.resolve()
        settings.library = args.library.resolve()
        settings.go_peer = args.go_peer.resolve() if args.go_peer else None
        # Not resolved: a virtual environment is found by the name of its link.
        settings.tlslite_python = args.tlslite_python
        settings.scratch = Path(scratch)
        for peer in args.peers or MODULES:
            for module in MODULES[peer]:
                suite = unittest.defaultTestLoader.loadTestsFromName(module)
                unittest.TestSuite(test for test in all_tests(suite) if args.case in title(test)).run(result)
    if result.passed == 0:
        print("no case passed: nothing was tested")
    print(f"{result.passed} passed, {result.failed} failed, {result.skips} skipped")
    return 1 if result.failed or result.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
