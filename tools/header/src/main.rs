//! Writes `include/tlsbio.h`, its copy in the Go module and `docs/status.md`, or checks that they are what it would write.
//!
//! The header is the manual in `manual.h`, the constants of `tlsbio::status`, and what cbindgen
//! makes of `src/ffi`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod constants;
mod prototypes;

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    match run(check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("header: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(check: bool) -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let header = prototypes::header(&root)?;
    let files = [
        // A Go module has to have all that its build needs within itself.
        (root.join("bindings/go/tlsbio.h"), header.clone()),
        (root.join("include/tlsbio.h"), header),
        (root.join("docs/status.md"), constants::markdown()),
    ];
    let stale: Vec<&PathBuf> = files
        .iter()
        .filter(|(path, text)| std::fs::read_to_string(path).ok().as_ref() != Some(text))
        .map(|(path, _)| path)
        .collect();
    if check {
        return match stale.first() {
            None => Ok(()),
            Some(path) => Err(format!("{} is not up to date: run make header", path.display()).into()),
        };
    }
    for (path, text) in &files {
        std::fs::write(path, text)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}
