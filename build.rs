//! Names the shared library for the dynamic linker, and keeps it mapped once it is loaded: handlers of fork()
//! and thread-local destructors of a library that was unmapped would run into nothing.
//!
//! And decides whether the library brings its allocator, which wipes what is freed (src/ffi/allocator.rs): in every
//! optimised build of this package. Where it is a dependency of a Rust program, the allocator is that program's, and in
//! builds for development that of a test, which counts with it.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libtlsbio.so.0");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");

    println!("cargo:rustc-check-cfg=cfg(tlsbio_wipes)");
    // Cargo sets it for the packages that it was told to build, and for those that they depend on it does not.
    let is_dependency = option_env!("CARGO_PRIMARY_PACKAGE").is_none();
    if !is_dependency && env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rustc-cfg=tlsbio_wipes");
    }

    println!("cargo:rustc-env=TLSBIO_CRYPTO_PREFIX={}", prefix_of_cryptography());
}

/// What every symbol of the cryptographic library begins with: its own version, as in the name of its archive.
fn prefix_of_cryptography() -> String {
    let package =
        if env::var_os("CARGO_FEATURE_FIPS").is_some() { "DEP_AWS_LC_FIPS_" } else { "DEP_AWS_LC_" };
    let archive = env::vars().find(|(name, _)| name.starts_with(package) && name.ends_with("_LIBCRYPTO"));
    archive.and_then(|(_, name)| Some(name.strip_suffix("crypto")?.to_owned())).unwrap_or_default()
}
