//! Plain bytes that wait to become a record.

use super::Pool;
use super::inbound::InboundBuffer;

/// Nothing, while nothing waits. Its buffer is of the same kind as the inbound queue's, which is wiped before
/// it goes anywhere else.
#[derive(Default)]
pub(crate) struct Held(Option<Box<InboundBuffer>>);

impl Held {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |buffer| buffer.plain())
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Appends plain bytes, of which there will be `most` at most before the next release.
    pub(crate) fn append(&mut self, bytes: &[u8], most: usize, pool: &Pool) {
        self.0.get_or_insert_with(|| pool.lend_inbound(most)).append_plain(bytes);
    }

    /// Forgets the bytes, and returns the buffer to the pool.
    pub(crate) fn release(&mut self, pool: &Pool) {
        if let Some(mut buffer) = self.0.take() {
            buffer.reset();
            pool.take_back_inbound(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //
    #[test]
    fn a_released_buffer_holds_no_plain_bytes() {
        const SECRET: u8 = 0x5e;
        let pool = Pool::new(1 << 20);
        let mut held = Held::default();
        held.append(&[SECRET; 100], 5000, &pool);
        held.append(&[SECRET; 4900], 5000, &pool);
        assert_eq!(held.bytes(), [SECRET; 5000]);
        held.release(&pool);
        assert!(held.len() == 0 && held.0.is_none());

        let mut inbound = super::super::Inbound::default();
        let window = inbound.open_window(1, usize::MAX, &pool);
        assert_eq!(window.len(), 8 * 1024, "the same buffer");
        assert!(window.iter().all(|&byte| byte != SECRET));
    }
}
