//! Bytes in TLS's presentation language (RFC 8446, section 3), from front to back.

/// Bytes that were not looked at yet, and where they begin in the whole input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) offset: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        self.offset += length;
        Some(taken)
    }

    /// A number of `width` bytes, which are three at most.
    pub(super) fn number(&mut self, width: usize) -> Option<usize> {
        Some(self.take(width)?.iter().fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    /// What stands behind a length of `width` bytes.
    pub(super) fn list(&mut self, width: usize) -> Option<Self> {
        let length = self.number(width)?;
        let offset = self.offset;
        Some(Self { bytes: self.take(length)?, offset })
    }
}
