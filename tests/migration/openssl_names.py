#!/usr/bin/env python3
"""Whether docs/migration*.md name every call of OpenSSL's TLS interface, as its installed headers have it.

openssl_names.py [INCLUDE_DIRECTORY]

From ssl.h and tls1.h all functions and macros that stand for some; from bio.h and x509_vfy.h what sets a callback, and
what is used with memory BIOs; from others what fills in a table of callbacks. In the documents a name stands in the first column of a table, in backticks; '*' is for the
rest of a name.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CALL = r"\b((?:SSL|DTLS|TLS|BIO|X509_STORE|X509_STORE_CTX|X509_LOOKUP|OPENSSL|RSA|EC|EVP|UI|d2i|i2d)_[A-Za-z0-9_]*)\s*\("
# Containers and their like: no part of TLS.
NOT_TLS = re.compile(r"^(OPENSSL_sk_|SSL_CTRL|SSL_CB_|OPENSSL_VERSION|SSL_F_|SSL_R_)|^[A-Z0-9_]+$")
CALLBACK = re.compile(r"callback|_info_cb$|_cb$|^BIO_meth_set_|^X509_STORE_set_(?!default|flags|depth|purpose|trust|ex_)")
# Tables of functions that a host fills in: how to sign, where certificates are found, how to ask for a password.
METHODS = {
    "x509_vfy.h": r"X509_LOOKUP_meth_set_|X509_STORE_CTX_set_verify$",
    "rsa.h": r"RSA_meth_set_",
    "ec.h": r"EC_KEY_METHOD_set_",
    "evp.h": r"EVP_PKEY_meth_set_",
    "ui.h": r"UI_method_set_",
}
MEMORY = {
    "BIO_s_mem", "BIO_new_mem_buf", "BIO_get_mem_data", "BIO_get_mem_ptr", "BIO_set_mem_buf", "BIO_set_mem_eof_return",
    "BIO_s_bio", "BIO_new_bio_pair", "BIO_make_bio_pair", "BIO_destroy_bio_pair", "BIO_shutdown_wr",
    "BIO_nread0", "BIO_nread", "BIO_nwrite0", "BIO_nwrite", "BIO_get_write_guarantee", "BIO_ctrl_get_write_guarantee",
    "BIO_get_read_request", "BIO_ctrl_get_read_request", "BIO_ctrl_reset_read_request", "BIO_set_write_buf_size",
    "BIO_get_write_buf_size", "BIO_read", "BIO_read_ex", "BIO_write", "BIO_write_ex", "BIO_pending", "BIO_wpending",
    "BIO_ctrl_pending", "BIO_ctrl_wpending", "BIO_should_retry", "BIO_should_read", "BIO_should_write", "BIO_eof", "BIO_flush",
    "BIO_reset", "BIO_new", "BIO_free", "BIO_free_all", "BIO_number_read", "BIO_number_written",
}  # fmt: skip


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def calls(header):
    text = without_comments(header.read_text(errors="replace"))
    # `# define NAME NAME2`, an old name for a call, has no parenthesis.
    renamed = re.findall(r"#\s*define\s+((?:SSL|DTLS)_\w+)\s+(?:SSL|DTLS)_\w*[a-z]", text)
    return {name for name in re.findall(CALL, text) + renamed if not NOT_TLS.search(name)}


def named():
    patterns = set()
    for document in sorted((ROOT / "docs").glob("migration*.md")):
        for line in document.read_text().splitlines():
            if line.startswith("| "):
                first = line.replace("\\|", " ").split(" | ")[0]
                for code in re.findall(r"`([^`]+)`", first):
                    patterns.update(re.findall(r"[A-Za-z0-9_]+\*?", code))
    return patterns


def main():
    include = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/include") / "openssl"
    if not (include / "ssl.h").exists():
        sys.exit(f"{include}/ssl.h: not there; it is in Debian's libssl-dev")
    wanted = calls(include / "ssl.h") | calls(include / "tls1.h")
    wanted = {name for name in wanted if not name.startswith(("X509", "BIO_ADDR"))}
    bio = calls(include / "bio.h")
    wanted |= {name for name in bio if CALLBACK.search(name)} | (MEMORY & bio)
    store = calls(include / "x509_vfy.h")
    wanted |= {name for name in store if name.startswith("X509_STORE") and "_set_" in name and CALLBACK.search(name)}
    for header, pattern in METHODS.items():
        wanted |= {name for name in calls(include / header) if re.match(pattern, name)}

    patterns = named()
    prefixes = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
    missing = sorted(name for name in wanted if name not in patterns and not name.startswith(prefixes))
    for name in missing:
        print(f"{name} is not in docs/migration*.md")
    print(f"{len(wanted) - len(missing)} of {len(wanted)} calls of OpenSSL's headers are named")
    sys.exit(bool(missing) or len(wanted) < 500)


main()
