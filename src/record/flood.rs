//! What a peer may send without anything coming of it, and no more.

use super::fault::Fault;

/// Records without a byte in a row.
const EMPTY: u8 = 32;
/// Handshake messages in a row.
const MESSAGES: u8 = 32;
/// Warning alerts, in all.
const WARNINGS: u8 = 4;
/// Requests for a renegotiation, in all.
const RENEGOTIATIONS: u8 = 1;

pub(super) struct Flood {
    empty: u8,
    messages: u8,
    warnings: u8,
    renegotiations: u8,
}

fn one_more(count: &mut u8, most: u8, fault: Fault) -> Result<(), Fault> {
    if *count >= most {
        return Err(fault);
    }
    *count += 1;
    Ok(())
}

impl Flood {
    /// `messages` were counted by whoever made the handshake.
    pub(super) fn after(messages: u32) -> Self {
        let messages = messages.min(MESSAGES.into()) as u8;
        Self { empty: 0, messages, warnings: 0, renegotiations: 0 }
    }

    /// As it stands, for whoever goes on with it.
    pub(super) fn counts(&self) -> [u8; 4] {
        let Self { empty, messages, warnings, renegotiations } = *self;
        [empty, messages, warnings, renegotiations]
    }

    /// Where another one stood.
    pub(super) fn from_counts([empty, messages, warnings, renegotiations]: [u8; 4]) -> Self {
        Self { empty, messages, warnings, renegotiations }
    }

    pub(super) fn note_empty(&mut self) -> Result<(), Fault> {
        one_more(&mut self.empty, EMPTY, Fault::TooManyEmpty)
    }

    /// A record of a handshake message or of application data that has bytes.
    pub(super) fn note_content(&mut self) {
        self.empty = 0;
    }

    pub(super) fn note_message(&mut self) -> Result<(), Fault> {
        one_more(&mut self.messages, MESSAGES, Fault::TooManyMessages)
    }

    /// Application data, even if it is a record without a byte.
    pub(super) fn note_application_data(&mut self) {
        self.messages = 0;
    }

    pub(super) fn note_warning(&mut self) -> Result<(), Fault> {
        one_more(&mut self.warnings, WARNINGS, Fault::TooManyWarnings)
    }

    pub(super) fn note_renegotiation(&mut self) -> Result<(), Fault> {
        one_more(&mut self.renegotiations, RENEGOTIATIONS, Fault::TooManyRenegotiations)
    }
}
