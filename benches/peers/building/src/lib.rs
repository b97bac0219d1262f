//! For build scripts: compiles the worker, which is in C, and a driver for it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The parts of the worker, all but `tally.c`: that is for a library of its own.
const WORKER: [&str; 4] = ["worker/worker.c", "worker/work.c", "worker/at_once.c", "worker/tally_reader.c"];

/// A driver in C: its name in the directory of drivers, and where the library's headers are.
pub struct Driver {
    pub name: &'static str,
    pub include: PathBuf,
    /// What chooses one of its forms.
    pub define: Option<&'static str>,
}

/// The worker, and the driver if it is in C, to be linked with the program. `peer` is the package that brings the
/// library.
pub fn worker(peer: &str, driver: Option<Driver>) {
    let benches = benches();
    let version = pinned_version(peer);
    let mut build = cc::Build::new();

    // For libraries that cannot be asked.
    println!("cargo::rustc-env=PEER_VERSION={version}");
    build.define("PEER_VERSION", format!("\"{version}\"").as_str());
    build.files(WORKER.map(|file| benches.join(file)));
    if let Some(Driver { name, include, define }) = driver {
        build.file(benches.join(format!("drivers/{name}.c"))).include(include);
        if let Some(define) = define {
            build.define(define, None);
        }
    }
    build
        .include(benches.join("worker"))
        .define("_GNU_SOURCE", None)
        // The program is Rust's, which calls this.
        .define("main", "worker_main")
        .std("c11")
        // As the drivers that are compiled without Cargo.
        .opt_level(2)
        .debug(true)
        .extra_warnings(true)
        .compile("worker");
    for directory in ["worker", "drivers"] {
        println!("cargo::rerun-if-changed={}", benches.join(directory).display());
    }
}

fn benches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The version that this member, or the workspace, pins a package to.
fn pinned_version(package: &str) -> String {
    let member = env::var("CARGO_MANIFEST_DIR").expect("Cargo sets CARGO_MANIFEST_DIR");
    let manifests = [Path::new(&member).join("Cargo.toml"), benches().join("peers/Cargo.toml")];
    let pin = |manifest: &PathBuf| {
        println!("cargo::rerun-if-changed={}", manifest.display());
        let text = fs::read_to_string(manifest).expect("the manifest can be read");
        let line = text.lines().find(|line| line.starts_with(&format!("{package} = ")))?;
        Some(line.split_once("\"=")?.1.split('"').next()?.to_owned())
    };
    manifests.iter().find_map(pin).expect("the package is pinned")
}

/// The directory of headers that the build script of the crate with this `links` name tells of.
pub fn include_of(links: &str) -> PathBuf {
    let name = format!("DEP_{links}_INCLUDE");
    env::var_os(&name).unwrap_or_else(|| panic!("{name} is not set")).into()
}
