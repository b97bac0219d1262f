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
    let text = polish(&String::from_utf8(bytes)?);
    let (declarations, end) =
        text.split_at(text.rfind("\n#ifdef __cplusplus").ok_or("the header has no end")?);
    Ok(format!("{declarations}{}{end}", initialisers(declarations)))
}

/// A macro for each struct that carries its size: with all members, so that no compiler warns of those that are missing.
fn initialisers(text: &str) -> String {
    let mut macros = String::from(
        "\n/* For variables of the structs that carry their size: tls_error_t error = TLS_ERROR_INIT; */\n",
    );
    for part in text.split("typedef struct ").skip(1) {
        let Some((body, rest)) = part.split_once("\n}") else { continue };
        let Some(name) = rest.split(';').next().map(str::trim) else { continue };
        let members: Vec<&str> = body.lines().map(str::trim).filter(|line| line.ends_with(';')).collect();
        if members.first() != Some(&"size_t size;") {
            continue;
        }
        let values: Vec<&str> = members[1..].iter().map(|member| nothing(member)).collect();
        let label = name.trim_start_matches("tls_").trim_end_matches("_t").to_uppercase();
        macros.push_str(&format!("#define TLS_{label}_INIT {{ sizeof({name}), {} }}\n", values.join(", ")));
    }
    macros
}

/// What stands for nothing in a member.
fn nothing(member: &str) -> &'static str {
    match member {
        array if array.contains('[') => "{0}",
        pointer if pointer.contains('*') => "NULL",
        alert if alert.contains(" alert_") => "-1",
        _ => "0",
    }
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
