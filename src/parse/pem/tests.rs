use super::*;
use crate::status::{TLS_REASON_PEM_LABEL, TLS_REASON_PEM_MALFORMED};

/// Three octets that are told apart: AAEC is 0 1 2.
const FIRST: &str = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----";
const SECOND: &str = "-----BEGIN CERTIFICATE-----\nAwQF\n-----END CERTIFICATE-----";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nBgcI\n-----END PRIVATE KEY-----";

fn bodies(text: impl AsRef<[u8]>) -> Vec<Vec<u8>> {
    let found = certificates(text.as_ref()).unwrap_or_else(|failure| panic!("{}", failure.message));
    found.iter().map(|certificate| certificate.to_vec()).collect()
}

fn both() -> Vec<Vec<u8>> {
    vec![vec![0, 1, 2], vec![3, 4, 5]]
}

#[test]
fn every_certificate_is_found_however_texts_were_joined() {
    for between in [
        "\n",
        "\r\n",
        "\r",
        "",
        " ",
        "\n\n",
        "\u{feff}",
        "\n\u{feff}",
        " \t\n \t",
        "\n# of 2020\n",
        "# of 2020\n",
        "\nof --x 2020\n",
    ] {
        for (in_front, behind) in
            [("", ""), ("\u{feff}", "\n"), ("  ", "  "), ("text\n", "\ntext"), ("", "\0")]
        {
            assert_eq!(bodies(format!("{in_front}{FIRST}{between}{SECOND}{behind}")), both(), "{between:?}");
        }
    }
    assert_eq!(bodies(format!("{KEY}\n{FIRST}\n{KEY}\n{SECOND}\n{KEY}")), both());
}

#[test]
fn lines_end_and_are_indented_in_any_way() {
    let text = format!("{FIRST}\n{SECOND}\n");
    for ending in ["\r\n", "\r", " \n", "\t\r\n", "\n  ", "\n\t"] {
        assert_eq!(bodies(text.replace('\n', ending)), both(), "{ending:?}");
    }
    // Headers as RFC 1421 has them, and a body in one line or in many.
    assert_eq!(bodies(FIRST.replace("AAEC", "a: b\n c\n\nAAEC")), both()[..1]);
    assert_eq!(bodies(FIRST.replace("AAEC", "A\n\nAE\nC")), both()[..1]);
}

#[test]
fn marks_in_front_of_a_line_are_as_many_as_a_text_has() {
    let marks = "\u{feff} ".repeat(400_000);
    assert_eq!(bodies(format!("{marks}{FIRST}\n{SECOND}")), both());
}

#[test]
fn other_labels_of_certificates_are_taken() {
    assert_eq!(bodies(FIRST.replace("CERTIFICATE", "X509 CERTIFICATE")), both()[..1]);
    // MAAwAA== is a certificate (an empty SEQUENCE) and what it is trusted for.
    let trusted = FIRST.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    assert_eq!(bodies(trusted.replace("AAEC", "MAA=")), [[0x30, 0]]);
    check_refused(certificates(trusted.replace("AAEC", "MAAwAA==").as_bytes()), TLS_REASON_PEM_MISPLACED, 1);
}

#[track_caller]
fn check_refused<T>(result: Result<T, Failure>, reason: i32, line: usize) {
    let Err(failure) = result else { panic!("taken, not refused for line {line}") };
    assert_eq!(failure.reason, reason, "{}", failure.message);
    let place = format!("PEM text, line {line}: ");
    assert!(failure.message.contains(&place), "{} is not in line {line}", failure.message);
}

/// [R-136]
#[test]
fn nothing_is_passed_over_because_of_a_slip() {
    let second = |from: &str, to: &str| format!("{FIRST}\n{}\n", SECOND.replacen(from, to, 1));
    for (text, line) in [
        // Boundaries that are none.
        (second("-----BEGIN", "----BEGIN"), 4),
        (second("-----BEGIN", "------BEGIN"), 4),
        (second("-----BEGIN", "—BEGIN"), 4),
        (second("-----BEGIN", "--- BEGIN"), 4),
        (second("-----BEGIN", "-----begin"), 4),
        (second("-----BEGIN ", "-----BEGIN"), 4),
        (second("-----BEGIN", "x -----BEGIN"), 4),
        (second("-----BEGIN", "\u{a0}-----BEGIN"), 4),
        (second("-----\n", "----\n"), 4),
        (second("-----\n", "------\n"), 4),
        (second("-----END", "----END"), 6),
        (second("-----END CERTIFICATE", "-----END PRIVATE KEY"), 6),
        (second("-----END CERTIFICATE-----", "-----END CERTIFICATE----"), 6),
        (second("-----BEGIN CERTIFICATE-----\n", ""), 5),
        (second("-----BEGIN", "-----END CERTIFICATE-----\n-----BEGIN"), 4),
        // Sections without an end.
        (second("\n-----END CERTIFICATE-----", ""), 4),
        (format!("-----BEGIN CERTIFICATE-----\nAAEC\n{SECOND}"), 3),
        (second("-----END CERTIFICATE-----", "-----END CERTIFICATE-----\n-----END CERTIFICATE-----"), 7),
        // Line ends that are gone.
        (second("-----\nAwQF\n", "----- AwQF "), 4),
        (second("-----\nAwQF\n", "-----AwQF"), 4),
        (second("-----\nAwQF\n", "-----\\nAwQF\\n"), 4),
        (second("AwQF\n", "AwQF"), 4),
        // What is no base64.
        (second("AwQF", "AwQ"), 4),
        (second("AwQF", "AwQ!"), 4),
        (second("AwQF", "Aw==QF"), 4),
        (second("AwQF", "a: b\nAwQF"), 4),
    ] {
        check_refused(certificates(text.as_bytes()), TLS_REASON_PEM_MALFORMED, line);
    }
    check_refused(certificates(b"\xff\xfe-\0-\0"), TLS_REASON_PEM_MALFORMED, 1);
    let cut = certificates(second("\n-----END CERTIFICATE-----", "").as_bytes()).unwrap_err();
    assert!(cut.message.starts_with("certificate 2 of the PEM text, line 4: "), "{}", cut.message);
}

#[test]
fn sections_of_other_kinds_are_passed_over_only_if_they_say_nothing_that_is_lost() {
    let other = |label: &str| format!("{FIRST}\n{}", SECOND.replace("CERTIFICATE", label));
    for label in
        ["EC PARAMETERS", "DH PARAMETERS", "CERTIFICATE REQUEST", "ECHCONFIG", "ENCRYPTED PRIVATE KEY"]
    {
        assert_eq!(bodies(other(label)), both()[..1]);
    }
    for label in ["X509 CRL", "PKCS7", "CMS"] {
        assert_eq!(usable_certificates(other(label).as_bytes()).unwrap().1, 1);
        check_refused(certificates(other(label).as_bytes()), TLS_REASON_PEM_MISPLACED, 4);
    }
    for label in ["CERTIFICATES", "certificate", "", "X.509 CERTIFICATE", "CERTIFICATE "] {
        check_refused(certificates(other(label).as_bytes()), TLS_REASON_PEM_LABEL, 4);
    }
    assert_eq!(
        bodies(
            other("X509 CRL").replace("-----BEGIN X509", "# -----BEGIN X509").replace("-----END X509", "#")
        ),
        both()[..1]
    );
}

#[test]
fn one_private_key_is_found_beside_anything() {
    let key = |text: &str| private_key(text.as_bytes()).map(|key| key.secret_der().to_vec());
    for text in [
        format!("{FIRST}\n{KEY}"),
        format!("{KEY}{FIRST}"),
        format!("\u{feff}{KEY}\n{KEY}\n{SECOND}"),
        KEY.replace('\n', "\r\n  "),
        format!("{}\n{KEY}", KEY.replace("PRIVATE KEY", "EC PARAMETERS")),
    ] {
        assert_eq!(key(&text).unwrap(), [6, 7, 8]);
    }
    check_refused(key(&format!("{KEY}\n{}", KEY.replace("BgcI", "AAEC"))), TLS_REASON_SEVERAL_KEYS, 4);
    check_refused(key(&KEY.replace("PRIVATE", "ENCRYPTED PRIVATE")), TLS_REASON_KEY_ENCRYPTED, 1);
    check_refused(
        key(&KEY.replace("BgcI", "Proc-Type: 4,ENCRYPTED\nDEK-Info: x\n\nBgcI")),
        TLS_REASON_KEY_ENCRYPTED,
        1,
    );
    check_refused(key(&KEY.replace("PRIVATE", "OPENSSH PRIVATE")), TLS_REASON_KEY_UNUSABLE, 1);
    check_refused(key(&KEY.replace('\n', " ")), TLS_REASON_PEM_MALFORMED, 1);
    check_refused(key(&KEY.replace('\n', "")), TLS_REASON_PEM_MALFORMED, 1);
    assert_eq!(key(FIRST).unwrap_err().reason, TLS_REASON_NO_KEY);
    let container = FIRST.replace("CERTIFICATE", "PKCS7");
    check_refused(key(&format!("{container}\n{KEY}")), TLS_REASON_PEM_MISPLACED, 1);
}

#[test]
fn lists_and_public_keys_come_by_the_same_reader() {
    let crl = FIRST.replace("CERTIFICATE", "X509 CRL");
    assert_eq!(revocation_lists(format!("\u{feff}{crl}{crl}{SECOND}").as_bytes()).unwrap().len(), 2);
    assert_eq!(revocation_lists(&[SEQUENCE, 0]).unwrap()[0].as_ref(), [SEQUENCE, 0]);
    assert_eq!(revocation_lists(b"neither").unwrap()[0].as_ref(), b"neither");
    assert_eq!(revocation_lists(FIRST.as_bytes()).unwrap_err().reason, TLS_REASON_CRL_UNUSABLE);
    check_refused(revocation_lists(crl.replace("BEGIN ", "BEGIN").as_bytes()), TLS_REASON_PEM_MALFORMED, 1);
    let key = FIRST.replace("CERTIFICATE", "PUBLIC KEY");
    assert_eq!(public_keys(format!("{key}{key}").as_bytes()).unwrap().len(), 2);
    check_refused(public_keys(key.replace("PUBLIC", "RSA PUBLIC").as_bytes()), TLS_REASON_PEM_MISPLACED, 1);
    let container = FIRST.replace("CERTIFICATE", "PKCS7");
    check_refused(public_keys(format!("{key}{container}").as_bytes()), TLS_REASON_PEM_MISPLACED, 3);
}

/// [R-136]: whatever was to be a second certificate.
#[test]
fn what_is_no_text_between_sections_is_an_error() {
    let utf16 = |wide: fn(u16) -> [u8; 2]| SECOND.encode_utf16().flat_map(wide).collect::<Vec<_>>();
    let hyphens = |other: &[u8]| {
        let parts: Vec<_> = SECOND.split("-----").map(str::as_bytes).collect();
        parts.join(&other.repeat(5)[..])
    };
    let mut seconds = vec![
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        [&b"\xff\xfe"[..], &utf16(u16::to_le_bytes)].concat(),
        b"0\x82\x01\x02\x06\x03\xff".to_vec(),
        b"MIIBojCCAUmgAwIBAgIUYDh7XoP2mYxKdFv1QnGz3lZmZm8w\nCgYIKoZIzj0EAwIw\n".to_vec(),
        b"MC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_vec(),
        SECOND.replace("-----", "-").into_bytes(),
        SECOND.replace("-----", "").into_bytes(),
        SECOND.replace('-', "=2D").into_bytes(),
        SECOND.replace('-', "&#45;").into_bytes(),
    ];
    for other in ["\u{ad}", "\u{ff0d}", "\u{fe63}", "\u{2043}", "_", "=", "~"] {
        seconds.push(hyphens(other.as_bytes()));
    }
    seconds.push(hyphens(b"\x96"));
    for second in seconds {
        let text = [FIRST.as_bytes(), b"\n", &second].concat();
        check_refused(certificates(&text), TLS_REASON_PEM_MALFORMED, 4);
        let alone = certificates(&second).unwrap_err();
        assert!([TLS_REASON_PEM_MALFORMED, TLS_REASON_NO_CERTIFICATE].contains(&alone.reason));
    }
}

#[test]
fn what_a_person_writes_between_sections_is_text() {
    for text in [
        "GlobalSign Root CA\n==================\n",
        "Bag Attributes\n    localKeyID: 01 \nsubject=CN = \u{e9}\u{2014} the END of --x\n",
        "SHA256 Fingerprint=AA:BB\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
        "\tModulus: the BEGINning, or the END of it. Begin certificate 7\n\x0b\x0c\n",
        "MITLICENSE applies to all that is here, https://MI.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
        "# BEGIN CERTIFICATE of old\n",
    ] {
        assert_eq!(bodies(format!("{text}{FIRST}\n{text}{SECOND}\n{text}")), both(), "{text}");
    }
    assert_eq!(bodies([b"caf\xe9 \x97 \xa9\n", FIRST.as_bytes()].concat()), both()[..1]);
}

/// [R-136], for every slip of one byte.
#[test]
fn one_wrong_byte_is_an_error_or_loses_nothing() {
    let text = format!("{FIRST}\r\n{SECOND}\n").into_bytes();
    for at in 0..text.len() {
        for byte in [
            None,
            Some(b' '),
            Some(b'\n'),
            Some(b'-'),
            Some(b'x'),
            Some(b'#'),
            Some(0),
            Some(0xff),
            Some(b':'),
        ] {
            for replaced in 0..=1 {
                let mut slipped = text.clone();
                slipped.splice(at..at + replaced, byte);
                if let Ok(found) = certificates(&slipped) {
                    assert_eq!(found.len(), 2, "{}", slipped.escape_ascii());
                }
            }
        }
    }
}
