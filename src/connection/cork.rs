//! Plain bytes that are kept until a record is full.

use std::mem;

use super::chunks::Chunks;
use super::{Answer, Connection};
use crate::buffer::Held;
use crate::record::layout::MAX_PLAIN;
use crate::status::TLS_ERR_STATE;

/// What a host set for what it sends on one connection, and where that stands.
#[derive(Default)]
pub(super) struct Sending {
    /// The most plain bytes of a record, where it is not the context's.
    pub(super) most: Option<usize>,
    /// How many plain bytes still go into small records, once some did.
    pub(super) ramp: Option<usize>,
    corked: bool,
    /// Less than a record.
    held: Held,
}

impl Connection {
    /// From now on, writes become records only as far as they fill them.
    pub(crate) fn cork(&mut self) -> Answer<()> {
        self.begin()?;
        if self.we_closed {
            return Err(TLS_ERR_STATE);
        }
        self.sending_mut().corked = true;
        Ok(())
    }

    /// Makes a record of what is held, and writes become records at once again.
    pub(crate) fn uncork(&mut self) -> Answer<()> {
        self.begin()?;
        if self.is_corked() {
            self.seal_held()?;
            self.sending_mut().corked = false;
        }
        Ok(())
    }

    #[inline]
    pub(super) fn sending(&self) -> Option<&Sending> {
        self.cold.as_ref()?.sending.as_ref()
    }

    /// Stays once it is there, so that corking again and again allocates nothing.
    pub(super) fn sending_mut(&mut self) -> &mut Sending {
        self.cold.get_or_insert_default().sending.get_or_insert_default()
    }

    #[inline]
    pub(super) fn is_corked(&self) -> bool {
        self.sending().is_some_and(|sending| sending.corked)
    }

    /// How many plain bytes are held.
    #[inline]
    pub(super) fn corked_len(&self) -> usize {
        self.sending().map_or(0, |sending| sending.held.len())
    }

    /// Wire bytes that are queued, and those that what is held takes at most.
    pub(super) fn committed(&self) -> usize {
        let held = match self.corked_len() {
            0 => 0,
            length => self.sizing().wire(length),
        };
        self.outbound.len() + held
    }

    /// Takes `length` bytes: seals the records that they fill, and holds the rest.
    pub(super) fn hold(&mut self, chunks: &mut Chunks<'_, '_>, length: usize) -> Answer<()> {
        // One that has moved may hold more than fills a record here.
        if self.corked_len() >= self.sizing().next() {
            self.seal_held()?;
        }
        let size = self.sizing().next();
        let held = self.corked_len();
        let mut left = length;
        if held > 0 && held + left >= size {
            left -= size - held;
            self.append_held(chunks, size - held, size);
            self.seal_held()?;
        }
        if self.corked_len() == 0 {
            let full = self.sizing().whole(left);
            if full > 0 {
                self.seal(chunks, full)?;
                left -= full;
            }
        }
        if left > 0 {
            let size = self.sizing().next();
            self.append_held(chunks, left, size);
        }
        Ok(())
    }

    /// What is held.
    pub(super) fn held(&self) -> &[u8] {
        self.sending().map_or(&[], |sending| sending.held.bytes())
    }

    /// Goes on as a connection of another process did, which had `held` so much.
    pub(super) fn take_over_sending(
        &mut self,
        most: Option<usize>,
        ramp: Option<usize>,
        corked: bool,
        held: &[u8],
    ) {
        let mut taken = Held::default();
        if !held.is_empty() {
            taken.append(held, MAX_PLAIN, &self.shared.pool);
        }
        *self.sending_mut() = Sending { most, ramp, corked, held: taken };
    }

    fn append_held(&mut self, chunks: &mut Chunks<'_, '_>, length: usize, most: usize) {
        let mut held = mem::take(&mut self.sending_mut().held);
        chunks.take_front(length, |front| {
            for piece in front {
                held.append(piece, most, &self.shared.pool);
            }
        });
        self.sending_mut().held = held;
    }

    /// Makes a record of what is held. Its room in the outbound queue was kept free.
    #[inline]
    pub(super) fn seal_held(&mut self) -> Answer<()> {
        match self.corked_len() {
            0 => Ok(()),
            length => self.seal_all_held(length),
        }
    }

    fn seal_all_held(&mut self, length: usize) -> Answer<()> {
        let mut held = mem::take(&mut self.sending_mut().held);
        let result = self.seal(&mut Chunks::new(&mut [held.bytes()]), length);
        held.release(&self.shared.pool);
        result
    }

    /// Forgets what is held: it can not be sent any more.
    pub(super) fn drop_held(&mut self) {
        if let Some(sending) = self.cold.as_mut().and_then(|cold| cold.sending.as_mut()) {
            sending.held.release(&self.shared.pool);
        }
    }
}
