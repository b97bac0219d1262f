//! rustls-ffi, by callbacks.

use std::process::ExitCode;

use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
// Links rustls-ffi.
use rustls_ffi as _;

#[path = "../../entry.rs"]
mod entry;

fn main() -> ExitCode {
    let mut provider = default_provider();
    // What the C interface can start from, but not choose: see provider_of() in the driver.
    provider.kx_groups = vec![kx_group::X25519];
    provider.install_default().expect("no provider was installed before");
    entry::run()
}
