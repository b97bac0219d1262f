//! Names of the engine's, in plain words: for what it may learn to say one day.

/// `DuplicateExtension(5)` as "duplicate extension 5".
pub(super) fn spelled(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut words = String::new();
    for (index, &letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| letters.get(before));
        if !letter.is_alphanumeric() {
            separate(&mut words);
            continue;
        }
        let starts = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || letters.get(index + 1).is_some_and(|next| next.is_lowercase())
            });
        if starts {
            separate(&mut words);
        }
        words.extend(letter.to_lowercase());
    }
    words.truncate(words.trim_end().len());
    words
}

fn separate(words: &mut String) {
    if !words.is_empty() && !words.ends_with(' ') {
        words.push(' ');
    }
}

/// What the engine calls a part of a message.
pub(super) fn part(name: &str) -> String {
    match name {
        "u8" | "u16" | "u24" | "u32" | "u64" => "a number".into(),
        "SizedPayload" | "Empty" | "read_bytes" => "a field".into(),
        other => spelled(other.strip_suffix("Payload").unwrap_or(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        for (name, words) in [
            ("NamedGroup", "named group"),
            ("ECPointFormats", "ec point formats"),
            ("MissingData(\"NamedGroup\")", "missing data named group"),
            ("Tls12Session", "tls12 session"),
            ("SessionID", "session id"),
            ("UnknownCertificateType(7)", "unknown certificate type 7"),
            ("Context { name: \"X\" }", "context name x"),
            ("", ""),
        ] {
            assert_eq!(spelled(name), words);
        }
        assert_eq!(part("u16"), "a number");
        assert_eq!(part("ClientHelloPayload"), "client hello");
    }
}
