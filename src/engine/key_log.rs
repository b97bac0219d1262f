//! Secrets for the debugging tools of the host (RFC 9850), as lines of a key-log file.
//!
//! rustls logs a secret without saying of which connection. It does so while it runs, on the thread
//! on which it runs: there the lines wait until that run is over.

use std::cell::RefCell;
use std::fmt::Write;

use rustls::KeyLog;
use zeroize::Zeroizing;

use super::collected;

/// One line without its end, wiped when dropped.
pub(crate) type KeyLogLine = Zeroizing<String>;

thread_local! {
    /// The lines of the run of the engine that is going on, if it logs.
    static LINES: RefCell<Option<Vec<KeyLogLine>>> = const { RefCell::new(None) };
}

/// Runs the engine, and collects the secrets that it derives if `wanted`.
pub(super) fn collect<R>(wanted: bool, run: impl FnOnce() -> R) -> (R, Vec<KeyLogLine>) {
    collected::collect(&LINES, wanted, run)
}

/// Whether the run of the engine that is going on, on this thread, logs.
fn is_collecting() -> bool {
    LINES.with_borrow(Option::is_some)
}

/// The key log of contexts that asked for one.
#[derive(Debug)]
pub(super) struct LinesOfThread;

impl KeyLog for LinesOfThread {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                lines.push(line(label, client_random, secret));
            }
        });
    }

    fn will_log(&self, _label: &str) -> bool {
        is_collecting()
    }
}

/// NSS's format: label, client random and secret.
fn line(label: &str, client_random: &[u8], secret: &[u8]) -> KeyLogLine {
    // As large as it gets, so that no copy of the secret is left behind in smaller memory.
    let length = label.len() + 2 + 2 * (client_random.len() + secret.len());
    let mut line = Zeroizing::new(String::with_capacity(length));
    line.push_str(label);
    for part in [client_random, secret] {
        line.push(' ');
        for byte in part {
            // Writing to a String cannot fail.
            let _ = write!(*line, "{byte:02x}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_to_the_run_that_wants_them() {
        let log = || LinesOfThread.log("LABEL", &[1, 0xab], &[0xff]);
        assert!(!LinesOfThread.will_log("LABEL"));
        log();
        let ((), lines) = collect(true, || {
            assert!(LinesOfThread.will_log("LABEL"));
            log();
        });
        assert_eq!(lines.iter().map(|line| line.as_str()).collect::<Vec<_>>(), ["LABEL 01ab ff"]);
        assert_eq!(lines[0].capacity(), lines[0].len());
        assert!(collect(false, log).1.is_empty());
    }

    #[test]
    fn a_panic_leaves_no_line_behind() {
        let panicked = std::panic::catch_unwind(|| {
            collect(true, || {
                LinesOfThread.log("LABEL", &[], &[1]);
                std::panic::resume_unwind(Box::new(()));
            })
        });
        assert!(panicked.is_err());
        assert!(!LinesOfThread.will_log("LABEL"));
    }
}
