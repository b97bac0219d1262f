"""Where the sources of the library are, and what is built of them."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# In a checkout the package is its bindings/python; an sdist has the library's sources beside it.
ROOT = PACKAGE / "library" if (PACKAGE / "library").exists() else PACKAGE.parents[1]
HEADER = ROOT / "include" / "tlsbio.h"
LIBRARY = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "libtlsbio.so"
# What an sdist has of the library: all that it takes to build it.
SOURCES = [
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-ISC",
    "LICENSE-MIT",
    "THIRD-PARTY-NOTICES",
    "build.rs",
    "include",
    "scripts/cc-versioned",
    "scripts/notices.py",
    "scripts/sbom.py",
    "src",
    "tools/header",
]
