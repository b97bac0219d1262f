//! What goes along the members of a connection that moves.

use super::super::reader::Reader;

/// A whole number that stands in as many bytes as its type has.
pub(super) trait Number: Copy {
    fn append(self, put: &mut dyn FnMut(&[u8]));

    /// The number at the front of what the reader has.
    fn take(reader: &mut Reader<'_>) -> Option<Self>;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Number for $number {
            fn append(self, put: &mut dyn FnMut(&[u8])) {
                put(&self.to_be_bytes());
            }

            fn take(reader: &mut Reader<'_>) -> Option<Self> {
                reader.take(size_of::<Self>())?.first_chunk().copied().map(Self::from_be_bytes)
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64);

/// Reads members, or writes them.
pub(super) trait Walker<'a> {
    fn number(&mut self, number: &mut impl Number) -> Option<()>;

    /// Bytes behind their length, which is a [`u32`].
    fn bytes(&mut self, bytes: &mut &'a [u8]) -> Option<()>;

    /// Eight of them in one byte, the first one in its lowest bit.
    fn flags(&mut self, flags: [&mut bool; 8]) -> Option<()> {
        let mut byte = flags.iter().rev().fold(0, |byte: u8, flag| byte << 1 | u8::from(**flag));
        self.number(&mut byte)?;
        for (bit, flag) in flags.into_iter().enumerate() {
            *flag = byte >> bit & 1 == 1;
        }
        Some(())
    }
}

/// Sets the members to what the bytes say.
pub(super) struct Reading<'a>(pub(super) Reader<'a>);

impl<'a> Walker<'a> for Reading<'a> {
    fn number(&mut self, number: &mut impl Number) -> Option<()> {
        *number = Number::take(&mut self.0)?;
        Some(())
    }

    fn bytes(&mut self, bytes: &mut &'a [u8]) -> Option<()> {
        let mut length = 0_u32;
        self.number(&mut length)?;
        *bytes = self.0.take(usize::try_from(length).ok()?)?;
        Some(())
    }
}
