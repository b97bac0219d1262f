//! Texts that others wrote, as they may stand in a message: on one line, of one script, and not long.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The longest form of one text.
const MOST: usize = 64;

/// The longest form of a list of texts, without what is said about the rest.
const MOST_LISTED: usize = 128;

const CUT: &str = "...";

/// The bytes of a name as RFC 4514 (2.4) writes them: visible ASCII stays, all else becomes `\XX`, and so does what
/// would look like the end of the name. A log can neither be given lines by it nor a terminal orders, and nothing in
/// it looks like something else.
pub(crate) fn shown(text: &[u8]) -> String {
    let mut out = String::new();
    let mut end = 0;
    for (index, &byte) in text.iter().enumerate() {
        let at_an_edge = index == 0 || index == text.len() - 1;
        if is_plain(byte, at_an_edge) {
            out.push(char::from(byte));
        } else {
            escape(&mut out, byte);
        }
        if out.len() > MOST {
            out.truncate(end);
            out.push_str(CUT);
            break;
        }
        if out.len() <= MOST - CUT.len() {
            end = out.len();
        }
    }
    out
}

fn is_plain(byte: u8, at_an_edge: bool) -> bool {
    match byte {
        b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' => false,
        b' ' => !at_an_edge,
        _ => byte.is_ascii_graphic(),
    }
}

fn escape(out: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\{byte:02X}");
}

/// As many of these names as there is room for, in the form of [`shown`], and how many more there are.
pub(crate) fn listed<'a>(names: impl ExactSizeIterator<Item = Cow<'a, [u8]>>) -> String {
    let count = names.len();
    let mut out = String::new();
    for (index, name) in names.enumerate() {
        let name = shown(&name);
        if index > 0 && out.len() + name.len() > MOST_LISTED {
            let _ = write!(out, " and {} more", count - index);
            break;
        }
        out.push_str(if index > 0 { ", " } else { "" });
        out.push_str(&name);
    }
    out
}

/// A whole message, in which nothing ends a line, moves a cursor or turns the direction of the text: the last thing
/// that is done to it. Letters of all scripts stay, for a message can have the host's own words, such as a path.
pub(crate) fn printable(message: &str) -> Cow<'_, str> {
    if !message.chars().any(is_order) {
        return message.into();
    }
    let mut out = String::with_capacity(message.len());
    for letter in message.chars() {
        if is_order(letter) {
            letter.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| escape(&mut out, byte));
        } else {
            out.push(letter);
        }
    }
    out.into()
}

/// Whether a character is there for what it does to others: controls, ends of lines, directions, and what is not
/// seen (categories Cc, Zl, Zp and Cf of Unicode).
fn is_order(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&[u8]]) -> String {
        listed(names.iter().map(|name| Cow::Borrowed(*name)))
    }

    #[test]
    fn names_stay_and_everything_else_is_a_number() {
        assert_eq!(shown(b"*.example.com"), "*.example.com");
        assert_eq!(shown(b"a\r\nb"), r"a\0D\0Ab");
        assert_eq!(shown(b"\x1b[31mred\x1b[0m"), r"\1B[31mred\1B[0m");
        assert_eq!(shown(b"good.test\0.bad.test"), r"good.test\00.bad.test");
        assert_eq!(shown(b"\x7f\x80\x9b\xff"), r"\7F\80\9B\FF");
        assert_eq!(shown("\u{202e}\u{e9}".as_bytes()), r"\E2\80\AE\C3\A9");
        assert_eq!(shown(br#"a\b"c,d;e+f<g>"#), r"a\5Cb\22c\2Cd\3Be\2Bf\3Cg\3E");
        assert_eq!(shown(b" a b "), r"\20a b\20");
        assert_eq!(shown(b""), "");
    }

    #[test]
    fn what_is_long_is_cut_between_two_bytes_and_says_so() {
        for unit in [&b"x"[..], b"\n", b"x\n", "\u{e9}".as_bytes()] {
            for count in 0..3 * MOST {
                let out = shown(&unit.repeat(count));
                assert!(out.len() <= MOST, "{out}");
                let whole = unit.repeat(count);
                assert_eq!(out.ends_with(CUT), shown_in_full(&whole).len() > MOST, "{out}");
                assert!(shown_in_full(&whole).starts_with(out.trim_end_matches(CUT)), "{out}");
            }
        }
    }

    fn shown_in_full(text: &[u8]) -> String {
        text.iter().map(|&byte| if byte == b'x' { "x".into() } else { format!("\\{byte:02X}") }).collect()
    }

    #[test]
    fn a_list_has_the_first_names_and_the_number_of_the_others() {
        assert_eq!(list(&[]), "");
        assert_eq!(list(&[b"a.test", b"b.test"]), "a.test, b.test");
        assert_eq!(list(&[b"a, b", b"c"]), r"a\2C b, c");
        let many = list(&[&b"0123456789abcdef.example"[..]; 900]);
        assert!(many.ends_with("example and 895 more"), "{many}");
        assert!(list(&[&[b'\n'; 200][..]; 3]).len() <= MOST_LISTED + MOST);
    }

    #[test]
    fn a_message_has_no_orders_in_it() {
        assert_eq!(printable("/etc/\u{e9}.pem: no file"), "/etc/\u{e9}.pem: no file");
        assert_eq!(printable("a\nb\u{9b}c\u{202e}d"), r"a\0Ab\C2\9Bc\E2\80\AEd");
    }
}
