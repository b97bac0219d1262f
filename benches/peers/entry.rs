//! The program is the worker, which is in C.

use std::env;
use std::ffi::{CString, c_char, c_int};
use std::iter;
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;
use std::ptr;

unsafe extern "C" {
    /// `main` of worker.c.
    fn worker_main(argc: c_int, argv: *mut *mut c_char) -> c_int;
}

pub fn run() -> ExitCode {
    let arguments: Vec<CString> =
        env::args_os().map(|argument| CString::new(argument.into_vec()).expect("ends with its 0")).collect();
    let mut argv: Vec<*mut c_char> = arguments
        .iter()
        .map(|argument| argument.as_ptr().cast_mut())
        .chain(iter::once(ptr::null_mut()))
        .collect();
    // SAFETY: the arguments are strings that end with a 0, a NULL follows them, and all outlive the call; it does
    // not write to them.
    let status = unsafe { worker_main(arguments.len() as c_int, argv.as_mut_ptr()) };
    ExitCode::from(status as u8)
}
