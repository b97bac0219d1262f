//! The whole header: manual, constants, types and prototypes.

use std::error::Error;
use std::path::Path;

use crate::constants;

const MANUAL: &str = include_str!("../manual.h");

pub fn header(root: &Path) -> Result<String, Box<dyn Error>> {
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    config.header = Some(MANUAL.trim_end().to_owned());
    config.after_includes = Some(constants::macros());
    let bindings = cbindgen::Builder::new().with_crate(root).with_config(config).generate()?;
    let mut bytes = Vec::new();
    bindings.write(&mut bytes);
    Ok(polish(&String::from_utf8(bytes)?))
}

/// What cbindgen cannot be told: tags for the structs, and no notes for Rust programmers.
fn polish(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut in_safety_note = false;
    let mut lines = raw.lines().map(str::trim_end);
    while let Some(line) = lines.next() {
        match line {
            " * # Safety" => in_safety_note = true,
            " */" => {
                in_safety_note = false;
                // The blank line in front of a note that was left out.
                text.truncate(text.strip_suffix("\n *").map_or(text.len(), str::len));
                text.truncate(text.strip_suffix(" *\n").map_or(text.len(), str::len));
            }
            _ => {}
        }
        if in_safety_note {
            continue;
        }
        if line == "typedef struct {" {
            let tag = lines.clone().find_map(|line| line.strip_prefix("} ")?.strip_suffix("_t;"));
            text.push_str(&format!("typedef struct {} {{", tag.unwrap_or_default()));
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}
