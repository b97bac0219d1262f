//! The host's pointers.

use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::ops::Range;

use super::types::{tls_iovec_t, tls_span_t};
use crate::connection::{PlainTarget, SpanSink};
use crate::copying::{self, PIECE};
use crate::failure::Failure;
use crate::record::traffic::PlainMemory;
use crate::status::{Status, TLS_ERR_ARGUMENT};

/// Whether `count` values can start at `pointer`. NULL is an empty buffer, and no other. No object is larger than
/// PTRDIFF_MAX bytes: a length above it is a negative number of the host's, or one that overflowed.
fn check<T>(pointer: *const T, count: usize) -> Result<(), Status> {
    let most = isize::MAX as usize / size_of::<T>().max(1);
    if (pointer.is_null() && count > 0) || count > most {
        return Err(TLS_ERR_ARGUMENT);
    }
    Ok(())
}

/// Bytes to read.
///
/// # Safety
/// `length` bytes at `pointer` must be initialised and stay unchanged for `'a`.
pub(super) unsafe fn bytes<'a>(pointer: *const c_void, length: usize) -> Result<&'a [u8], Status> {
    check(pointer, length)?;
    if length == 0 {
        return Ok(&[]);
    }
    // SAFETY: not NULL, not longer than `isize::MAX`, and valid as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), length) })
}

/// Bytes that a message calls `what` where they cannot be read.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn named_bytes<'a>(
    pointer: *const c_void,
    length: usize,
    what: &str,
) -> Result<&'a [u8], Failure> {
    // SAFETY: valid as the caller promises.
    unsafe { bytes(pointer, length) }.map_err(|status| not_there(status, what))
}

/// Why what the host calls `what` cannot be read.
pub(super) fn not_there(status: Status, what: &str) -> Failure {
    Failure::new(status, 0, format!("{what} is NULL, or longer than memory can be"))
}

/// Bytes to read and change.
///
/// # Safety
/// `length` bytes at `pointer` must be initialised and used by nobody else for `'a`.
pub(super) unsafe fn bytes_mut<'a>(pointer: *mut c_void, length: usize) -> Result<&'a mut [u8], Status> {
    check(pointer, length)?;
    if length == 0 {
        return Ok(&mut []);
    }
    // SAFETY: not NULL, not longer than `isize::MAX`, and valid as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer.cast(), length) })
}

/// Bytes to write, which may be uninitialised.
///
/// # Safety
/// `length` bytes at `pointer` must be valid for writes and used by nobody else for `'a`.
pub(super) unsafe fn unfilled<'a>(
    pointer: *mut c_void,
    length: usize,
) -> Result<&'a mut [MaybeUninit<u8>], Status> {
    check(pointer, length)?;
    if length == 0 {
        return Ok(&mut []);
    }
    // SAFETY: not NULL, not longer than `isize::MAX`, and valid as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer.cast(), length) })
}

/// A NUL-terminated text.
///
/// # Safety
/// `text` must be NULL or point to a NUL-terminated text that stays unchanged for `'a`.
pub(super) unsafe fn text<'a>(text: *const c_char) -> Result<&'a [u8], Status> {
    if text.is_null() {
        return Err(TLS_ERR_ARGUMENT);
    }
    // SAFETY: not NULL, and terminated as the caller promises.
    Ok(unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// Sets a variable of the host.
///
/// # Safety
/// `place` must be NULL, or valid for a write of `T`.
pub(super) unsafe fn store<T>(place: *mut T, value: T) -> Result<(), Status> {
    if place.is_null() {
        return Err(TLS_ERR_ARGUMENT);
    }
    // SAFETY: not NULL, and valid as the caller promises; it need not be aligned.
    unsafe { place.write_unaligned(value) };
    Ok(())
}

/// The first member of a struct of the host's, which says how much of the struct there is.
///
/// # Safety
/// `place` must be NULL, or valid for a read of a size.
pub(super) unsafe fn size_of_struct<T>(place: *const T) -> Result<usize, Status> {
    if place.is_null() {
        return Err(TLS_ERR_ARGUMENT);
    }
    // SAFETY: not NULL, and valid as the caller promises; it need not be aligned.
    Ok(unsafe { place.cast::<usize>().read_unaligned() })
}

/// Larger than any future form of a struct: a size that was not set is likely to be.
const MOST_STRUCT: usize = 4096;

/// A struct of the host's, which may be of an older or a newer header. Members that it lacks are as in `value`;
/// bytes that this version does not know must be 0, for they would have a meaning.
///
/// # Safety
/// `place` must be NULL, or valid for reads of as many bytes as its first member, a size, says. `T` must
/// begin with that size, and any bytes must be a valid `T`.
pub(super) unsafe fn load_struct<T: Copy>(place: *const T, mut value: T) -> Result<T, Status> {
    // SAFETY: valid as the caller promises.
    let size = unsafe { size_of_struct(place) }?;
    if !(size_of::<usize>()..=MOST_STRUCT).contains(&size) {
        return Err(TLS_ERR_ARGUMENT);
    }
    // SAFETY: as above.
    let given = unsafe { bytes(place.cast(), size) }?;
    let known = size.min(size_of::<T>());
    if given[known..].iter().any(|&byte| byte != 0) {
        return Err(TLS_ERR_ARGUMENT);
    }
    // SAFETY: `known` bytes are within both, which are different objects; any bytes are a valid `T`.
    unsafe { std::ptr::copy_nonoverlapping(given.as_ptr(), (&raw mut value).cast::<u8>(), known) };
    Ok(value)
}

/// Sets the first `size` bytes of a struct of the host's, or as many as this version knows, but for its
/// first member, the size.
///
/// # Safety
/// `place` must be valid for writes of `size` bytes, and `T` begin with a size.
pub(super) unsafe fn store_struct<T>(place: *mut T, value: &T, size: usize) {
    let skip = size_of::<usize>();
    let length = size.min(size_of::<T>()).saturating_sub(skip);
    // SAFETY: `T` begins with a size, so `skip` is inside it.
    let from = unsafe { (&raw const *value).cast::<u8>().add(skip) };
    let to = place.cast::<u8>().wrapping_add(skip);
    // SAFETY: `skip + length` is within both structs, which are different objects.
    unsafe { std::ptr::copy_nonoverlapping(from, to, length) };
}

/// Memory of the host to write to, which may be uninitialised: it is never read, and what lies
/// behind the bytes that were put stays untouched.
pub(super) struct HostBuffer {
    start: *mut u8,
    room: usize,
    filled: usize,
    /// How many bytes behind those were given to be written to, and what the last of them was.
    given: usize,
    last: MaybeUninit<u8>,
}

impl HostBuffer {
    /// # Safety
    /// `length` bytes at `pointer` must be valid for writes as long as this buffer lives.
    pub(super) unsafe fn new(pointer: *mut c_void, length: usize) -> Result<Self, Status> {
        check(pointer, length)?;
        Ok(Self::of(pointer.cast(), length))
    }

    /// What `new` asks for is the caller's to keep here too.
    fn of(start: *mut u8, room: usize) -> Self {
        Self { start, room, filled: 0, given: 0, last: MaybeUninit::uninit() }
    }

    /// See [`PlainTarget::put`].
    #[inline]
    fn put_piece(&mut self, plain: &[u8]) -> usize {
        let length = plain.len().min(self.room());
        if length > 0 {
            // SAFETY: `filled` never exceeds `room`, so this stays inside the host's buffer.
            let end = unsafe { self.start.add(self.filled) };
            // SAFETY: `room()` bytes are valid at `end`, as promised to `new`; `plain` is a buffer
            // of this library, which the host does not write to, so the two do not overlap.
            unsafe { std::ptr::copy_nonoverlapping(plain.as_ptr(), end, length) };
            self.filled += length;
        }
        length
    }
}

impl PlainMemory for HostBuffer {
    #[inline]
    fn next(&mut self, length: usize) -> Option<&mut [MaybeUninit<u8>]> {
        if length == 0 || length > self.room - self.filled {
            return None;
        }
        // SAFETY: `filled` never exceeds `room`, so this stays inside the host's buffer.
        let place = unsafe { self.start.add(self.filled) }.cast::<MaybeUninit<u8>>();
        self.given = length;
        // SAFETY: `length` is above 0, and as many bytes are inside the host's buffer.
        let last = unsafe { place.add(length - 1) };
        // SAFETY: valid as the one above. It may be uninitialised, and is copied as such.
        self.last = unsafe { last.read() };
        // SAFETY: `length` bytes at `place` are valid for writes, as promised to `new`, may be uninitialised, and are used
        // by nobody else while this is borrowed.
        Some(unsafe { std::slice::from_raw_parts_mut(place, length) })
    }

    #[inline]
    fn keep(&mut self, length: usize) {
        let given = std::mem::take(&mut self.given);
        if length < given {
            // SAFETY: `given` bytes behind the filled ones are inside the host's buffer, as `next` has checked.
            let last = unsafe { self.start.cast::<MaybeUninit<u8>>().add(self.filled + given - 1) };
            // SAFETY: as above; valid for a write, as promised to `new`.
            unsafe { last.write(self.last) };
        }
        self.filled += length.min(given);
    }
}

impl PlainTarget for HostBuffer {
    #[inline]
    fn room(&self) -> usize {
        self.room - self.filled
    }

    #[inline]
    fn put(&mut self, plain: &[u8]) -> usize {
        if copying::is_trap(plain, self.start.addr() + self.filled) {
            return plain.chunks(PIECE).map(|piece| self.put_piece(piece)).sum();
        }
        self.put_piece(plain)
    }
}

/// Whether all pieces can be, also together: what was moved is answered in one number.
pub(super) fn check_pieces(pieces: &[tls_iovec_t]) -> Result<(), Status> {
    let mut total = 0_usize;
    for piece in pieces {
        check(piece.base.cast::<u8>(), piece.len)?;
        total = total.checked_add(piece.len).ok_or(TLS_ERR_ARGUMENT)?;
    }
    check(std::ptr::NonNull::<u8>::dangling().as_ptr(), total)
}

/// Several pieces of the host's memory to write to, one after the other.
pub(super) struct HostBuffers<'a> {
    pieces: &'a [tls_iovec_t],
    current: HostBuffer,
}

impl<'a> HostBuffers<'a> {
    /// # Safety
    /// Each piece must be valid for writes as long as this lives.
    pub(super) unsafe fn new(pieces: &'a [tls_iovec_t]) -> Result<Self, Status> {
        check_pieces(pieces)?;
        Ok(Self { pieces, current: HostBuffer::of(std::ptr::null_mut(), 0) })
    }

    /// Goes on to the next piece that has room, if the current one has none.
    fn advance(&mut self) {
        while self.current.room() == 0 {
            let Some((next, rest)) = self.pieces.split_first() else { return };
            self.pieces = rest;
            self.current = HostBuffer::of(next.base.cast(), next.len);
        }
    }
}

/// A record that does not fit into the piece where its plain bytes begin is none for this.
impl PlainMemory for HostBuffers<'_> {
    fn next(&mut self, length: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.advance();
        self.current.next(length)
    }

    fn keep(&mut self, length: usize) {
        self.current.keep(length);
    }
}

impl PlainTarget for HostBuffers<'_> {
    fn room(&self) -> usize {
        let later = self.pieces.iter().fold(0_usize, |sum, piece| sum.saturating_add(piece.len));
        self.current.room().saturating_add(later)
    }

    fn put(&mut self, plain: &[u8]) -> usize {
        let mut put = 0;
        while put < plain.len() {
            self.advance();
            match self.current.put(&plain[put..]) {
                0 => break,
                taken => put += taken,
            }
        }
        put
    }
}

/// An array of the host that is only read.
///
/// # Safety
/// `count` values at `pointer` must be initialised and stay unchanged for `'a`.
pub(super) unsafe fn array<'a, T>(pointer: *const T, count: usize) -> Result<&'a [T], Status> {
    if !pointer.is_null() && !pointer.is_aligned() {
        return Err(TLS_ERR_ARGUMENT);
    }
    check(pointer, count)?;
    if count == 0 {
        return Ok(&[]);
    }
    // SAFETY: not NULL, aligned, not longer than `isize::MAX` bytes, and valid as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// An array of the host for spans, which may be uninitialised.
pub(super) struct HostSpans {
    start: *mut tls_span_t,
    room: usize,
    filled: usize,
}

impl HostSpans {
    /// # Safety
    /// `count` spans at `pointer` must be valid for writes as long as this array lives.
    pub(super) unsafe fn new(pointer: *mut tls_span_t, count: usize) -> Result<Self, Status> {
        check(pointer, count)?;
        Ok(Self { start: pointer, room: count, filled: 0 })
    }
}

impl SpanSink for HostSpans {
    #[inline]
    fn room(&self) -> usize {
        self.room - self.filled
    }

    #[inline]
    fn put(&mut self, span: Range<usize>) {
        if self.room() > 0 {
            // SAFETY: `filled` is below `room`, so this stays inside the host's array.
            let place = unsafe { self.start.add(self.filled) };
            // SAFETY: valid for a write, as promised to `new`; it need not be aligned.
            unsafe { place.write_unaligned(tls_span_t { offset: span.start, len: span.len() }) };
            self.filled += 1;
        }
    }
}

/// Copies `blob` out: the answer is its full size, whatever fits, or that the capacity is none.
///
/// # Safety
/// `pointer` must be NULL, which only asks the size, or valid for writes of `capacity` bytes.
pub(super) unsafe fn copy_out(blob: &[u8], pointer: *mut c_void, capacity: usize) -> isize {
    // SAFETY: valid as the caller promises.
    match unsafe { room(pointer, capacity) } {
        Ok(mut buffer) => {
            buffer.put(blob);
            blob.len() as isize
        }
        Err(status) => status as isize,
    }
}

/// The memory at `pointer`, which is none if that is NULL. A capacity that no memory has is wrong there too.
///
/// # Safety
/// `pointer` must be NULL or valid for writes of `capacity` bytes as long as the buffer lives.
pub(super) unsafe fn room(pointer: *mut c_void, capacity: usize) -> Result<HostBuffer, Status> {
    check(std::ptr::NonNull::<u8>::dangling().as_ptr(), capacity)?;
    // SAFETY: valid as the caller promises; at NULL there is no room.
    unsafe { HostBuffer::new(pointer, if pointer.is_null() { 0 } else { capacity }) }
}

/// Copies `text` out and terminates it: the answer is its full size without the terminator.
///
/// # Safety
/// As for [`copy_out`].
pub(super) unsafe fn copy_text_out(text: &str, pointer: *mut c_char, capacity: usize) -> isize {
    // SAFETY: valid as the caller promises.
    match unsafe { room(pointer.cast(), capacity) } {
        Ok(mut buffer) => {
            if let Some(most) = buffer.room().checked_sub(1) {
                buffer.put(&text.as_bytes()[..text.len().min(most)]);
                buffer.put(&[0]);
            }
            text.len() as isize
        }
        Err(status) => status as isize,
    }
}
