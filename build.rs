//! Names the shared library for the dynamic linker, and keeps it mapped once it is loaded: handlers of fork()
//! and thread-local destructors of a library that was unmapped would run into nothing.
//!
//! And decides whether the library brings its allocator, which wipes what is freed (src/ffi/allocator.rs): in every
//! optimised build of this package. Where it is a dependency of a Rust program, the allocator is that program's, and in
//! builds for development that of a test, which counts with it.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if is_elf() {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libtlsbio.so.0");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // The cryptographic library calls functions for memory that a program may define (OPENSSL_memory_alloc). Those of a
        // program that defines them for another library are not ours to call. What a sanitizer calls is the program's.
        if env::var_os("CARGO_FEATURE_SANITIZER").is_none() {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodynamic-undefined-weak");
        }
        check_that_symbols_get_versions();
    }

    // Newer Rusts than the oldest know of fuzzing by themselves.
    println!("cargo:rustc-check-cfg=cfg(tlsbio_wipes, fuzzing)");
    // Cargo sets it for the packages that it was told to build, and for those that they depend on it does not.
    let is_dependency = option_env!("CARGO_PRIMARY_PACKAGE").is_none();
    if !is_dependency && env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rustc-cfg=tlsbio_wipes");
    }

    println!("cargo:rustc-env=TLSBIO_CRYPTO_PREFIX={}", prefix_of_cryptography());
}

fn is_elf() -> bool {
    let says = |name: &str| env::var(name).unwrap_or_default();
    says("CARGO_CFG_TARGET_FAMILY").contains("unix") && says("CARGO_CFG_TARGET_VENDOR") != "apple"
}

/// A shared library whose symbols have no version looks whole, and is not: programs that are linked with it get whatever
/// tls_free comes first. .cargo/config.toml has the linker that gives them one, for each target that this asks
/// about; who names a linker for a target takes its place.
fn check_that_symbols_get_versions() {
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    let linker = env::var("RUSTC_LINKER").unwrap_or_default();
    let is_dependency = option_env!("CARGO_PRIMARY_PACKAGE").is_none();
    assert!(
        is_dependency || linker.ends_with("cc-versioned"),
        "libtlsbio.so would have no symbol versions: set the linker of {} to scripts/cc-versioned, as .cargo/config.toml does, or by \
         CARGO_TARGET_<TARGET>_LINKER (the compiler that it calls is TLSBIO_CC_<target>, TLSBIO_CC or cc)",
        env::var("TARGET").unwrap_or_default()
    );
}

/// What every symbol of the cryptographic library begins with: its own version, as in the name of its archive.
fn prefix_of_cryptography() -> String {
    let package =
        if env::var_os("CARGO_FEATURE_FIPS").is_some() { "DEP_AWS_LC_FIPS_" } else { "DEP_AWS_LC_" };
    let archive = env::vars().find(|(name, _)| name.starts_with(package) && name.ends_with("_LIBCRYPTO"));
    archive.and_then(|(_, name)| Some(name.strip_suffix("crypto")?.to_owned())).unwrap_or_default()
}
