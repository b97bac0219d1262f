//! Header section "Constants and version".

use std::ffi::{CStr, CString, c_char};
use std::sync::LazyLock;

use super::boundary::without_handle;
use super::memory::{store, text};
use super::types::tls_status_t;
use crate::status::{self, Group, Status, TLS_ERR_ARGUMENT, TLS_ERR_INTERNAL, TLS_OK};

/// ---- 23. Constants and version --------------------------------------------------------------
///
/// tls_constant() gives the value of any TLS_* macro of this header by its name, for languages that cannot see
/// macros: `*value` is set.
/// Errors: TLS_ERR_ARGUMENT (NULL, or no such name; `*value` is left alone). Since 0.1.
///
/// # Safety
/// `name` must be NULL or NUL-terminated, `value` NULL or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tls_constant(name: *const c_char, value: *mut i64) -> tls_status_t {
    without_handle(|| {
        // SAFETY: terminated as the caller promises.
        let Ok(name) = (unsafe { text(name) }) else {
            return TLS_ERR_ARGUMENT;
        };
        let Some(constant) = status::constants().find(|constant| constant.name.as_bytes() == name) else {
            return TLS_ERR_ARGUMENT;
        };
        // SAFETY: valid as the caller promises.
        unsafe { store(value, constant.value) }.err().unwrap_or(TLS_OK)
    })
    .unwrap_or(TLS_ERR_INTERNAL)
}

/// The version of the library that is loaded: major << 16 | minor << 8 | patch. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn tls_version_number() -> u32 {
    VERSION
}

const VERSION: u32 = number(env!("CARGO_PKG_VERSION_MAJOR")) << 16
    | number(env!("CARGO_PKG_VERSION_MINOR")) << 8
    | number(env!("CARGO_PKG_VERSION_PATCH"));

const fn number(digits: &str) -> u32 {
    match u32::from_str_radix(digits, 10) {
        Ok(number) => number,
        Err(_) => panic!("a version is made of numbers"),
    }
}

/// Numbers and names, terminated, made once.
type Names = LazyLock<Vec<(i32, CString)>>;

static NAMES: Names = LazyLock::new(|| names(status::STATUS_GROUPS));

static REASON_NAMES: Names = LazyLock::new(|| names(status::REASON_GROUPS));

fn names(groups: &[Group]) -> Vec<(i32, CString)> {
    groups
        .iter()
        .flat_map(|group| group.constants)
        .filter_map(|constant| Some((constant.value as i32, CString::new(constant.name).ok()?)))
        .collect()
}

pub(super) fn name_of(status: Status) -> &'static CStr {
    found(&NAMES, status)
}

pub(super) fn name_of_reason(reason: i32) -> &'static CStr {
    found(&REASON_NAMES, reason)
}

fn found(names: &'static Names, wanted: i32) -> &'static CStr {
    let known = without_handle(|| names.iter().find(|(number, _)| *number == wanted));
    known.flatten().map_or(c"TLS_UNKNOWN", |(_, name)| name)
}
