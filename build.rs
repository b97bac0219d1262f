//! Names the shared library for the dynamic linker, and keeps it mapped once it is loaded: threads
//! and thread-local destructors of a library that was unmapped would run into nothing.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libtlsbio.so.0");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
