//! Buffers of the host's with canaries around them, at odd addresses.

use std::ffi::c_void;

const CANARY: u8 = 0xa5;
const MARGIN: usize = 17;

/// Memory that a call may write `length` bytes into.
pub struct Guarded {
    bytes: Vec<u8>,
    length: usize,
}

impl Guarded {
    pub fn new(length: usize) -> Self {
        Self { bytes: vec![CANARY; length + 2 * MARGIN], length }
    }

    pub fn holding(content: &[u8]) -> Self {
        let mut guarded = Self::new(content.len());
        guarded.content().copy_from_slice(content);
        guarded
    }

    pub fn pointer(&mut self) -> *mut c_void {
        self.bytes[MARGIN..].as_mut_ptr().cast()
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn content(&mut self) -> &mut [u8] {
        &mut self.bytes[MARGIN..MARGIN + self.length]
    }

    /// The first `count` bytes, which a call has written; nothing else was touched.
    pub fn written(&mut self, count: usize) -> &[u8] {
        assert!(count <= self.length, "{count} bytes in {}", self.length);
        let untouched = |bytes: &[u8]| bytes.iter().all(|&byte| byte == CANARY);
        assert!(untouched(&self.bytes[..MARGIN]), "written before the buffer");
        assert!(untouched(&self.bytes[MARGIN + count..]), "written behind {count} bytes");
        &self.bytes[MARGIN..MARGIN + count]
    }

    /// The first `count` bytes, which are plain ones that were read. What else was opened into the buffer and is not the
    /// host's, such as a ticket, was wiped; nothing around it was touched.
    pub fn read(&mut self, count: usize) -> &[u8] {
        assert!(count <= self.length, "{count} bytes in {}", self.length);
        self.check_margins();
        let behind = &self.bytes[MARGIN + count..MARGIN + self.length];
        assert!(behind.iter().all(|byte| [0, CANARY].contains(byte)), "left behind {count} bytes");
        &self.bytes[MARGIN..MARGIN + count]
    }

    /// The margins alone, where the whole buffer may be written.
    pub fn check_margins(&self) {
        let (front, rest) = self.bytes.split_at(MARGIN);
        let back = &rest[self.length..];
        assert!(front.iter().chain(back).all(|&byte| byte == CANARY), "written around the buffer");
    }
}
