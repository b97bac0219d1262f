//! Names the shared library for the dynamic linker, and keeps it mapped once it is loaded: threads
//! and thread-local destructors of a library that was unmapped would run into nothing.
//!
//! And decides whether the library brings its allocator, which wipes what is freed (src/ffi/allocator.rs): in every
//! optimised build of this package. Where it is a dependency of a Rust program, the allocator is that program's, and in
//! builds for development that of a test, which counts with it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libtlsbio.so.0");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");

    println!("cargo:rustc-check-cfg=cfg(tlsbio_wipes)");
    // Cargo sets it for the packages that it was told to build, and for those that they depend on it does not.
    let is_dependency = option_env!("CARGO_PRIMARY_PACKAGE").is_none();
    if !is_dependency && std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rustc-cfg=tlsbio_wipes");
    }
}
