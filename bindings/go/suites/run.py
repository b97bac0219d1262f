#!/usr/bin/env python3
"""Runs tests that others wrote for crypto/tls over this package: run.py GO [SUITE...]; all of them without a name.

The sources are the toolchain's and Debian's. Here they are copied and their imports changed, and nothing of them is kept. The
package is put beside the standard library of a copy of the toolchain, where net/http can import it. A suite passes if
no test fails but those that suites.txt names, with the reason, and if as many pass as it says.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import public

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent
TARGET = PACKAGE.parent.parent / "target"
WORK = TARGET / "go" / "suites"
NAME = "crypto/tlsbio"


def copy_toolchain(go, suite):
    """A copy of the toolchain, made of links, with the package in it."""
    root = Path(subprocess.check_output([go, "env", "GOROOT"], text=True).strip())
    copy = WORK / suite.replace("/", "-")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy, copy_function=os.link)
    package = copy / "src" / NAME
    package.mkdir()
    for file in PACKAGE.iterdir():
        if file.suffix in (".go", ".h") and not file.name.endswith("_test.go"):
            shutil.copy(file, package)
    return copy


def rewrite(file, change=lambda text: text):
    """Changes the import of crypto/tls. The file is a link: what it is a link to stays."""
    text = file.read_text()
    new = re.sub(r'^(\s*(?:import\s+)?)((?:[\w.]+\s+)?)"crypto/tls"', lambda m: f'{m[1]}{m[2] or "tls "}"{NAME}"', text, flags=re.M)
    new = change(new)
    if new != text:
        file.unlink()
        file.write_text(new)


def rewrite_all(directory):
    for file in directory.rglob("*.go"):
        rewrite(file)


def environment(copy, **more):
    return os.environ | {
        "GOROOT": str(copy), "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "-buildvcs=false -tags=tlsbio_flags", "CGO_ENABLED": "1",
        "GOCACHE": str(TARGET / "go" / "cache-suites"), "PATH": f"{copy}/bin:{os.environ['PATH']}",
        "CGO_LDFLAGS": f"{TARGET}/release/libtlsbio.a -lgcc_s -lpthread -lm -ldl",
    } | more


def listed(suite):
    """What suites.txt says: how many tests pass, and which do not apply."""
    passes, inapplicable = 0, {}
    current = None
    for line in (HERE / "suites.txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            current, count = line.rsplit(maxsplit=1)
            if current == suite:
                passes = int(count)
        elif current == suite:
            test, reason = line.split(": ", 1)
            inapplicable[test.strip()] = reason.strip()
    return passes, inapplicable


def run(suite, copy, packages, directory, **env):
    """Runs the tests of packages and compares what came of them with what is listed."""
    passes, inapplicable = listed(suite)
    patience = int(os.environ.get("TLSBIO_PATIENCE", "3"))
    command = ["go", "test", "-json", "-count=1", "-vet=off", f"-timeout={600 * patience}s", *packages]
    done = subprocess.run(command, cwd=directory, env=environment(copy, **env), stdout=subprocess.PIPE, text=True)
    results, output = {}, {}
    for line in done.stdout.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            print(line)
            continue
        key = (event.get("Package") or event.get("ImportPath"), event.get("Test"))
        if event["Action"] in ("output", "build-output"):
            output.setdefault(key, []).append(event["Output"])
        elif event["Action"] in ("pass", "fail", "skip"):
            results[key] = event["Action"]
    # gRPC has one test for each package, named Test, and all others in it.
    top = {key: action for key, action in results.items() if key[1] and "/" not in key[1].removeprefix("Test/") and key[1] != "Test"}
    wrong = [key for key, action in results.items() if action == "fail"]
    # What has failed by itself, and not because of a test in it; a package that has not been built, or has ended in the middle.
    leaves = [key for key in wrong if not any(inner(key, other) for other in wrong)]
    failed = [key for key in leaves if not any(re.fullmatch(pattern, key[1] or "") for pattern in inapplicable)]
    for key in failed:
        print("".join(output.get(key, []))[-3000:])
    good = {key for key, action in top.items() if action == "pass"}
    partly = {key for key in top if key in wrong and not any(key == f or inner(key, f) for f in failed)}
    skipped = sum(1 for action in top.values() if action == "skip")
    print(f"{suite}: {len(good)} tests passed, {skipped} skipped themselves, {len(partly)} do not apply, as a whole or in part; failed: "
          f"{sorted({key[1] or key[0] for key in failed})}", flush=True)
    if len(good) < passes:
        print(f"{suite}: {passes} tests passed when they were last counted")
    return not failed and len(good) >= passes


def inner(key, other):
    """Whether the second one is a test of the first, a package or a test."""
    return key[0] == other[0] and other != key and (key[1] is None or (other[1] or "").startswith(key[1] + "/"))


def http3(copy):
    """HTTP/3 is over QUIC, which stays crypto/tls's."""
    directory = copy / "src/vendor/golang.org/x/net/internal/http3"
    if directory.exists():
        rewrite(directory / "server.go", lambda text: text.replace("stdHandler.TLSConfig()", "stdHandler.TLSConfig().Std()"))
        rewrite(directory / "transport.go", lambda text: text.replace("tr.TLSClientConfig\n", "tr.TLSClientConfig.Std()\n"))


def net_http(copy):
    """net/http's own tests, with net/http itself, its HTTP/2 and httptest over this package at both ends; net/smtp's."""
    for directory in ("net/http", "net/smtp"):
        rewrite_all(copy / "src" / directory)
    http3(copy)
    http2 = ["net/http/internal/http2"] if (copy / "src/net/http/internal/http2").exists() else []
    return run("net/http", copy, ["net/http", "net/http/httptest", "net/http/httputil", "net/smtp", *http2], copy / "src")


def own_tests(copy):
    """The tests of crypto/tls itself, as far as they keep to what a program can see."""
    package = copy / "src" / NAME

    def errors():
        command = ["go", "test", "-vet=off", "-gcflags=-e", "-run=^$", NAME]
        return subprocess.run(command, cwd=copy / "src", env=environment(copy), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout

    public.extract(copy, package, errors)
    return run("crypto/tls", copy, [NAME], copy / "src")


def from_debian(copy, *packages):
    """A GOPATH with the sources of Debian's packages, their imports changed."""
    path = copy.parent / (copy.name + "-gopath")
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    archives = WORK / "debian"
    archives.mkdir(exist_ok=True)
    for package in packages:
        if not list(archives.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", "-qq", package], cwd=archives, check=True)
        for archive in archives.glob(f"{package}_*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive, path / "debian"], check=True)
    shutil.move(path / "debian/usr/share/gocode/src", path / "src")
    rewrite_all(path / "src")
    return path


def websocket(copy):
    """gorilla/websocket, over a net/http that is over this package as well."""
    path = from_debian(copy, "golang-github-gorilla-websocket-dev")
    rewrite_all(copy / "src/net/http")
    http3(copy)
    return run("gorilla/websocket", copy, ["github.com/gorilla/websocket"], path, GO111MODULE="off", GOPATH=str(path))


def x_net(copy):
    """golang.org/x/net/http2, over such a net/http."""
    path = from_debian(copy, "golang-golang-x-net-dev", "golang-golang-x-text-dev", "golang-golang-x-sys-dev", "golang-golang-x-term-dev")
    rewrite_all(copy / "src/net/http")
    http3(copy)
    return run("x/net/http2", copy, ["golang.org/x/net/http2", "golang.org/x/net/websocket"], path, GO111MODULE="off", GOPATH=str(path))


def grpc(copy):
    """gRPC with both ends over this package: its credentials, its transport and its end-to-end tests."""
    path = from_debian(copy, "golang-google-grpc-dev", "golang-golang-x-net-dev", "golang-golang-x-text-dev", "golang-golang-x-sys-dev",
                       "golang-golang-x-term-dev", "golang-golang-x-oauth2-dev", "golang-golang-x-oauth2-google-dev", "golang-glog-dev",
                       "golang-github-golang-protobuf-1-5-dev", "golang-google-protobuf-dev", "golang-github-google-go-cmp-dev",
                       "golang-google-genproto-dev", "golang-google-cloud-compute-metadata-dev")
    rewrite_all(copy / "src/net/http")
    http3(copy)
    # All tests pass with crypto/tls and this Go as well.
    grpc = "google.golang.org/grpc"
    # Of its credentials those that are TLS; ALTS is another protocol.
    credentials = [f"{grpc}/credentials", f"{grpc}/credentials/sts", f"{grpc}/credentials/tls/...", f"{grpc}/internal/credentials"]
    packages = [grpc, *credentials, f"{grpc}/internal/transport", f"{grpc}/test"]
    return run("grpc", copy, packages, path, GO111MODULE="off", GOPATH=str(path))


SUITES = {"net/http": net_http, "crypto/tls": own_tests, "gorilla/websocket": websocket, "x/net/http2": x_net, "grpc": grpc}


def main():
    go, *names = sys.argv[1:]
    good = True
    for name in names or SUITES:
        copy = copy_toolchain(go, name)
        good = SUITES[name](copy) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
