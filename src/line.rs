//! Apart from its neighbours in the processor's cache.

use std::ops::Deref;

/// What many threads write, or what many threads read beside something that others write. A core that writes takes the
/// whole line from all others: what they only read would be gone with it.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Line<T>(pub(crate) T);

impl<T> Deref for Line<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}
