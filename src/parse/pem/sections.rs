//! The sections of a PEM text (RFC 7468), wherever it comes from: the one reader of all of them.
//!
//! Between sections there may be any text, in front of lines blanks or a byte-order mark, and a section may
//! begin in the line in which another one ends. What looks like a part of a section and is none is refused,
//! so that no section is passed over because of a slip. Nothing of the text gets into a message but labels that
//! are known: a text may be a secret, whatever it was taken for.

use pki_types::pem::{Error, PemObject, SectionKind};
use zeroize::Zeroizing;

use super::label::{Kind, Label, begins_with_label, known};
use crate::failure::Failure;
use crate::status::{TLS_REASON_PEM_LABEL, TLS_REASON_PEM_MALFORMED};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const HYPHENS: &[u8] = b"-----";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One section, not decoded yet.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) label: &'static Label,
    /// Which one of what it is, from 1.
    number: usize,
    /// The line in which it begins, from 1.
    pub(super) line: usize,
    /// Whether its headers say that it is encrypted (RFC 1421, 4.6.1.1).
    pub(super) is_encrypted: bool,
    body: &'a [u8],
}

/// All sections of `text`, in their order.
pub(super) fn sections(text: &[u8]) -> Result<Vec<Section<'_>>, Failure> {
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return Err(malformed(1, "the text is UTF-16: write it as ASCII"));
    }
    let mut found = Vec::new();
    let mut lines = Lines { text, next: 0, number: 0 };
    // Where there is no section at all, that is what is told.
    let mut lost = None;
    // What was left of a line behind the end of a section.
    let mut rest: Option<&[u8]> = None;
    while let Some(line) = rest.take().or_else(|| lines.next().map(|line| line.bytes)) {
        let line = trimmed(line);
        let begins = lines.number;
        if let Some(behind) = line.strip_prefix(BEGIN) {
            let label = opened(behind, begins)?;
            let of_its_kind = |other: &&Section<'_>| other.label.kind.name() == label.kind.name();
            let number = found.iter().filter(of_its_kind).count() + 1;
            let (section, behind) = section(label, number, &mut lines)?;
            found.push(section);
            rest = Some(behind);
        } else {
            check_text(line, begins)?;
            lost = lost.or_else(|| lost_in(line, begins));
        }
    }
    match lost {
        Some(failure) if !found.is_empty() => Err(failure),
        _ => Ok(found),
    }
}

/// Whether a section begins anywhere in what may be no text at all.
pub(super) fn holds_boundary(data: &[u8]) -> bool {
    find(data, BEGIN).is_some()
}

/// The label of a section's first line; `behind` is what follows "-----BEGIN ".
fn opened(behind: &[u8], line: usize) -> Result<&'static Label, Failure> {
    let Some(end) = find(behind, HYPHENS) else {
        return Err(malformed(line, "a line that begins with -----BEGIN ends with five hyphens"));
    };
    let Some(label) = known(&behind[..end]) else {
        return Err(Failure::config(
            TLS_REASON_PEM_LABEL,
            format!(
                "PEM text, line {line}: a section of this kind is not known here (its label stands behind -----BEGIN)"
            ),
        ));
    };
    let behind = &behind[end + HYPHENS.len()..];
    if behind.is_empty() {
        return Ok(label);
    }
    let why = if behind.starts_with(b"\\n") || behind.starts_with(b"\\r") {
        "its line ends are written as a backslash and a letter: they have to be line ends"
    } else {
        "a line ends behind the label and its five hyphens: the line ends of this text became spaces or got lost (as in \
         an environment variable)"
    };
    Err(malformed(line, why))
}

/// The rest of a section whose first line was the last one read, and what follows in its last line.
fn section<'a>(
    label: &'static Label,
    number: usize,
    lines: &mut Lines<'a>,
) -> Result<(Section<'a>, &'a [u8]), Failure> {
    let begun = lines.number;
    let malformed = |line, why: &str| malformed_in(label, number, line, why);
    let mut start = lines.next;
    let mut is_encrypted = false;
    let mut headers = Headers::Possible;
    while let Some(Line { at, bytes }) = lines.next() {
        let line = trimmed(bytes);
        if let Some(behind) = line.strip_prefix(END) {
            let behind = behind.strip_prefix(label.text.as_bytes());
            let Some(behind) = behind.and_then(|behind| behind.strip_prefix(HYPHENS)) else {
                let why = format!(
                    "the section {} of line {begun} does not end with -----END {}-----",
                    label.text, label.text
                );
                return Err(malformed(lines.number, &why));
            };
            if headers == Headers::Inside {
                let why = "the headers of a section are followed by an empty line";
                return Err(malformed(begun, why));
            }
            let body = &lines.text[start..at];
            return Ok((Section { label, number, line: begun, is_encrypted, body }, behind));
        }
        if line.starts_with(b"--") {
            let why = format!("the section {} of line {begun} is not ended before this line", label.text);
            return Err(malformed(lines.number, &why));
        }
        match headers {
            Headers::Possible if line.contains(&b':') => headers = Headers::Inside,
            Headers::Possible if !line.is_empty() => headers = Headers::Over,
            Headers::Inside if line.is_empty() => {
                headers = Headers::Over;
                start = lines.next;
            }
            _ => {}
        }
        is_encrypted |= headers == Headers::Inside
            && line.starts_with(b"Proc-Type:")
            && find(line, b"ENCRYPTED").is_some();
    }
    let why = format!("the section {} is cut off before its line -----END {}-----", label.text, label.text);
    Err(malformed(begun, &why))
}

#[derive(PartialEq, Eq)]
enum Headers {
    Possible,
    Inside,
    Over,
}

/// Whether a line between sections is text, or was to be the boundary of one.
fn check_text(line: &[u8], number: usize) -> Result<(), Failure> {
    // Who puts this in front of a section does not want it.
    if line.starts_with(b"#") {
        return Ok(());
    }
    if line.starts_with(END) {
        return Err(malformed(number, "no section begins before this line, which ends one"));
    }
    if [&b"BEGIN"[..], b"END"].iter().any(|word| stands_behind_hyphens(line, word)) {
        let why = "this looks like the boundary of a section and is none: one begins its line, with five hyphens and \
                   BEGIN or END in capital letters";
        return Err(malformed(number, why));
    }
    Ok(())
}

/// What a line between sections is, if it is no text that a person wrote: what was to be a section is not passed over, in
/// whatever form it came.
fn lost_in(line: &[u8], number: usize) -> Option<Failure> {
    let why =
        if line.iter().any(|&byte| byte.is_ascii_control() && !byte.is_ascii_whitespace() && byte != 0x0b) {
            "this is no text: DER, or UTF-16, where PEM is expected"
        } else if !line.starts_with(b"#") && names_section(line) {
            "this looks like the boundary of a section and is none: one begins its line, with five hyphens"
        } else if line.split(u8::is_ascii_whitespace).any(is_bare_der) {
            "this looks like base64, and no section begins before it"
        } else {
            return None;
        };
    Some(malformed(number, why))
}

/// Whether BEGIN or END is followed by a label that is known, whatever stands around them.
fn names_section(line: &[u8]) -> bool {
    [&b"BEGIN "[..], b"END "].iter().any(|word| {
        let mut places = line.windows(word.len()).enumerate();
        places.any(|(at, window)| window == *word && begins_with_label(&line[at + word.len()..]))
    })
}

/// Whether a word is base64 of what begins as a certificate or a key does: a SEQUENCE (0x30) with a length.
fn is_bare_der(word: &[u8]) -> bool {
    const SHORTEST: usize = 40;
    word.len() >= SHORTEST
        && matches!(word, [b'M', b'A'..=b'P', ..])
        && word.iter().all(|&byte| is_base64(byte))
}

fn stands_behind_hyphens(line: &[u8], word: &[u8]) -> bool {
    line.windows(word.len()).enumerate().any(|(at, window)| {
        let before = line[..at].trim_ascii_end();
        window.eq_ignore_ascii_case(word) && (before.ends_with(b"--") || ends_with_dash(before))
    })
}

/// U+2010 to U+2015, and U+2212: what programs for letters make of hyphens.
fn ends_with_dash(text: &[u8]) -> bool {
    matches!(text, [.., 0xe2, 0x80, (0x90..=0x95)] | [.., 0xe2, 0x88, 0x92])
}

impl Section<'_> {
    /// What is in it. A key's characters do not decide how long this takes.
    pub(super) fn decode(&self) -> Result<Vec<u8>, Failure> {
        // The reader of the engine's vocabulary knows fewer labels, and the boundaries in their strict form only.
        let label = match self.label.kind {
            Kind::Key => "PRIVATE KEY",
            _ => "CERTIFICATE",
        };
        let mut strict = Zeroizing::new(Vec::with_capacity(self.body.len() + 80));
        for part in [
            b"-----BEGIN ",
            label.as_bytes(),
            b"-----\n",
            self.body,
            b"\n-----END ",
            label.as_bytes(),
            b"-----",
        ] {
            strict.extend_from_slice(part);
        }
        match <(SectionKind, Vec<u8>)>::from_pem_slice(&strict) {
            // The reader takes what ends without its padding; whether something is missing then nobody knows.
            Ok((_, der)) if self.characters() % 4 == 0 => Ok(der),
            Err(Error::SectionTooLarge) => Err(self.malformed("the section is longer than 256 MB")),
            _ => Err(self.not_base64()),
        }
    }

    fn malformed(&self, why: &str) -> Failure {
        malformed_in(self.label, self.number, self.line, why)
    }

    fn characters(&self) -> usize {
        self.body.iter().filter(|byte| !matches!(byte, b'\t'..=b'\r' | b' ')).count()
    }

    /// Where it is not base64.
    fn not_base64(&self) -> Failure {
        let mut lines = Lines { text: self.body, next: 0, number: 0 };
        while let Some(Line { bytes, .. }) = lines.next() {
            if let Some(column) = bytes.iter().position(|&byte| !is_base64(byte)) {
                let why = format!(
                    "line {} of the section {} is not base64: its character {} cannot be in it",
                    lines.number,
                    self.label.text,
                    column + 1
                );
                return self.malformed(&why);
            }
        }
        let why =
            format!("the base64 of the section {} is cut off, or its padding is wrong", self.label.text);
        self.malformed(&why)
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b' ' | b'\t' | b'\x0b' | b'\x0c')
}

/// Lines that end with LF, CR or both.
struct Lines<'a> {
    text: &'a [u8],
    /// Where the next line begins.
    next: usize,
    /// Of the line that was read last, from 1.
    number: usize,
}

struct Line<'a> {
    at: usize,
    bytes: &'a [u8],
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<Line<'a>> {
        let at = self.next;
        let rest = self.text.get(at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let ending = if rest[length..].starts_with(b"\r\n") { 2 } else { 1 };
        self.next = self.text.len().min(at + length + ending);
        self.number += 1;
        Some(Line { at, bytes: &rest[..length] })
    }
}

/// Without blanks at both ends, NUL included, and without byte-order marks, as joined files have them inside.
fn trimmed(line: &[u8]) -> &[u8] {
    let is_shown = |&byte: &u8| byte > b' ';
    let end = line.iter().rposition(is_shown).map_or(0, |last| last + 1);
    let mut line = &line[..end];
    loop {
        line = &line[line.iter().position(is_shown).unwrap_or(line.len())..];
        match line.strip_prefix(BYTE_ORDER_MARK) {
            Some(behind) => line = behind,
            None => return line,
        }
    }
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

fn malformed(line: usize, why: &str) -> Failure {
    Failure::config(TLS_REASON_PEM_MALFORMED, format!("PEM text, line {line}: {why}"))
}

fn malformed_in(label: &Label, number: usize, line: usize, why: &str) -> Failure {
    let what = label.kind.name();
    Failure::config(TLS_REASON_PEM_MALFORMED, format!("{what} {number} of the PEM text, line {line}: {why}"))
}
