//! The constants, as C macros and as a table for people.

use std::fmt::Write as _;

use tlsbio::status::{GROUPS, Group, constants};

/// One block of `#define`s per group.
pub fn macros() -> String {
    let width = constants().map(|constant| constant.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for group in GROUPS {
        let _ = writeln!(text, "\n/* {}. */", group.title);
        for constant in group.constants {
            let value = value(group, constant.value);
            let _ = writeln!(text, "#define {:width$} {value:>7} /* {} */", constant.name, constant.text);
        }
    }
    text
}

/// `docs/status.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Every number of the interface\n\nGenerated from `src/status.rs` by `make header`; do not edit.\n",
    );
    for group in GROUPS {
        let _ = writeln!(text, "\n## {}\n\n| name | value | meaning |\n|---|---|---|", group.title);
        for constant in group.constants {
            let value = value(group, constant.value);
            let value = value.trim_matches(['(', ')']);
            let _ = writeln!(text, "| `{}` | {value} | {} |", constant.name, constant.text);
        }
    }
    text
}

fn value(group: &Group, value: i64) -> String {
    let versions = group.constants.iter().any(|constant| constant.name == "TLS_VERSION_1_3");
    match value {
        _ if versions && (0x0300..0x0400).contains(&value) => format!("{value:#06x}"),
        negative if negative < 0 => format!("({negative})"),
        other => other.to_string(),
    }
}
