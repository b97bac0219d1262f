//! BoringSSL, by memory BIOs.

use std::process::ExitCode;

// Links BoringSSL.
use boring_sys as _;

#[path = "../../entry.rs"]
mod entry;

fn main() -> ExitCode {
    entry::run()
}
