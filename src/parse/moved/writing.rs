//! The inside of a connection that moves is written, as [`super::read`] reads it.

use super::walker::{Number, Walker};
use super::{Moved, walk};

/// Appends `moved` to `out`; None if a part of it is longer than a length can say.
pub(crate) fn write(moved: &Moved<'_>, out: &mut Vec<u8>) -> Option<()> {
    walk(&mut moved.clone(), &mut Writing(&mut |bytes| out.extend_from_slice(bytes)))
}

/// How many bytes [`write`] appends.
pub(crate) fn length(moved: &Moved<'_>) -> Option<usize> {
    let mut length = 0;
    walk(&mut moved.clone(), &mut Writing(&mut |bytes| length += bytes.len()))?;
    Some(length)
}

/// Leaves the members as they are.
struct Writing<'p>(&'p mut dyn FnMut(&[u8]));

impl<'a> Walker<'a> for Writing<'_> {
    fn number(&mut self, number: &mut impl Number) -> Option<()> {
        number.append(self.0);
        Some(())
    }

    fn bytes(&mut self, bytes: &mut &'a [u8]) -> Option<()> {
        let mut length = u32::try_from(bytes.len()).ok()?;
        self.number(&mut length)?;
        (self.0)(bytes);
        Some(())
    }
}
