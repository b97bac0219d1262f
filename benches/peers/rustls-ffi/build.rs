use building::Driver;

fn main() {
    building::worker(
        "rustls-ffi",
        Some(Driver { name: "rustls_ffi", include: building::include_of("RUSTLS_FFI"), define: None }),
    );
}
