//! s2n-tls, by callbacks.

use std::process::ExitCode;

// Links s2n-tls.
use s2n_tls_sys as _;

#[path = "../../entry.rs"]
mod entry;

fn main() -> ExitCode {
    entry::run()
}
