//! `worker/driver.h`, for drivers in Rust.
#![allow(dead_code, reason = "no driver needs all of it")]

use std::ffi::{CStr, CString, c_char, c_int, c_uchar, c_void};
use std::fmt::Display;
use std::slice;

pub const WIRE_ROOM: usize = 65536 + 32768;

pub const CLIENT: c_int = 0;

#[repr(C)]
pub struct Setting {
    roots: *const c_char,
    chain: *const c_char,
    key: *const c_char,
    pub suite: u16,
    pub version: u16,
    pub group: u16,
    pub resume: c_int,
}

impl Setting {
    pub fn roots(&self) -> &str {
        // SAFETY: the worker gives a string that ends with a 0, and outlives the setting.
        path(unsafe { CStr::from_ptr(self.roots) })
    }

    pub fn chain(&self) -> &str {
        // SAFETY: as in roots().
        path(unsafe { CStr::from_ptr(self.chain) })
    }

    pub fn key(&self) -> &str {
        // SAFETY: as in roots().
        path(unsafe { CStr::from_ptr(self.key) })
    }
}

fn path(path: &CStr) -> &str {
    path.to_str().unwrap_or_else(|error| fail("path", error))
}

#[repr(C)]
#[derive(Default)]
pub struct Facts {
    pub version: u16,
    pub suite: u16,
    pub group: u16,
    pub resumed: c_int,
}

#[repr(C)]
pub struct Sink {
    room: *mut c_uchar,
    got: usize,
    expected: *const c_uchar,
    compare: c_int,
}

impl Sink {
    pub fn got(&self) -> usize {
        self.got
    }

    /// Reports bytes that lie anywhere.
    pub fn deliver(&mut self, plain: &[u8]) {
        // SAFETY: the sink is the worker's, and the bytes are as long as they are said to be.
        unsafe { delivered(self, plain.as_ptr(), plain.len()) }
    }

    /// Reports bytes that are copied to where the worker wants them, as a way does that reads into a buffer.
    pub fn deliver_copy(&mut self, plain: &[u8]) {
        // SAFETY: there is room for all bytes of the move, and no more of them come: the sender had no more.
        let room = unsafe { slice::from_raw_parts_mut(self.room.add(self.got), plain.len()) };
        room.copy_from_slice(plain);
        self.deliver(room);
    }
}

pub type Move = unsafe extern "C" fn(
    from: *mut c_void,
    to: *mut c_void,
    plain: *const c_uchar,
    len: usize,
    wire: *mut c_uchar,
    sink: *mut Sink,
);

#[repr(C)]
pub struct Way {
    pub name: *const c_char,
    pub what: *const c_char,
    pub r#move: Option<Move>,
}

impl Way {
    pub const fn new(name: &'static CStr, what: &'static CStr, r#move: Move) -> Self {
        Self { name: name.as_ptr(), what: what.as_ptr(), r#move: Some(r#move) }
    }

    pub const END: Self = Self { name: std::ptr::null(), what: std::ptr::null(), r#move: None };
}

#[repr(C)]
pub struct Driver {
    pub library: *const c_char,
    pub version: extern "C" fn() -> *const c_char,
    pub prepare: Option<unsafe extern "C" fn(setting: *const Setting) -> *const c_char>,
    /// None if it has only ways, and no connections.
    pub open: Option<extern "C" fn(role: c_int) -> *mut c_void>,
    pub out: unsafe extern "C" fn(conn: *mut c_void, wire: *mut c_uchar, room: usize) -> usize,
    pub r#in: unsafe extern "C" fn(conn: *mut c_void, wire: *const c_uchar, len: usize),
    pub done: unsafe extern "C" fn(conn: *mut c_void) -> c_int,
    pub facts: unsafe extern "C" fn(conn: *mut c_void) -> Facts,
    pub keep: unsafe extern "C" fn(conn: *mut c_void),
    pub close: unsafe extern "C" fn(conn: *mut c_void),
    pub ways: *const Way,
}

// SAFETY: all that it points to is constant.
unsafe impl Sync for Way {}
// SAFETY: as above.
unsafe impl Sync for Driver {}

unsafe extern "C" {
    fn delivered(sink: *mut Sink, plain: *const c_uchar, len: usize);

    #[link_name = "fail"]
    fn fail_with_format(format: *const c_char, ...) -> !;
}

/// Ends the program with a sentence.
pub fn fail(what: &str, error: impl Display) -> ! {
    let text = CString::new(format!("{what}: {error}")).unwrap_or_default();
    // SAFETY: the format asks for one string that ends with a 0, and gets it.
    unsafe { fail_with_format(c"%s".as_ptr(), text.as_ptr()) }
}
