//! Memory is wiped when it is freed.
//!
//! Secrets lie in more places than their owners know: a value that is moved leaves its bytes in the block that it was
//! moved out of, and a vector that grows in the one that it has outgrown. rustls wipes what it drops; this wipes the
//! rest. The cryptographic library's own allocations do not come this way: it wipes those that it frees itself.
//!
//! An allocator is the whole program's, so it is there in the shared and in the static library, whose program on
//! the Rust side is this crate, and not in the Rust library (build.rs).

use std::alloc::{GlobalAlloc, Layout};
use std::arch::asm;

#[cfg(tlsbio_wipes)]
#[global_allocator]
static ALLOCATOR: Wiping<std::alloc::System> = Wiping(std::alloc::System);

/// Another allocator, whose blocks are wiped before it gets them back.
#[cfg_attr(
    not(any(tlsbio_wipes, test)),
    allow(dead_code, reason = "the Rust library has the program's allocator")
)]
struct Wiping<A>(A);

// SAFETY: every block is one of the inner allocator's, with the layout that it was asked for; what is written to it
// lies within that layout, and only after the owner has given it back. `realloc` is the trait's own: a new block, a
// copy, and the old one freed, because what a block leaves behind when it is moved would not be wiped otherwise.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Wiping<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { self.0.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block has this size, and nobody uses it any more.
        unsafe { block.write_bytes(0, layout.size()) };
        // Nothing reads these zeros, and a compiler may leave out what nothing reads. What might read them is this.
        // SAFETY: no instruction is executed.
        unsafe { asm!("/* {0} */", in(reg) block, options(nostack, preserves_flags, readonly)) };
        // SAFETY: as the caller promises.
        unsafe { self.0.dealloc(block, layout) }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::System;
    use std::cell::Cell;

    use super::*;

    /// Looks at blocks that come back.
    struct Looking {
        freed: Cell<usize>,
        dirty: Cell<usize>,
    }

    // SAFETY: all is the system's; a block that comes back is still readable.
    unsafe impl GlobalAlloc for Looking {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: as the caller promises.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            // SAFETY: the block has this size, and was written to as a whole.
            let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
            self.freed.set(self.freed.get() + bytes.len());
            self.dirty.set(self.dirty.get() + bytes.iter().filter(|&&byte| byte != 0).count());
            // SAFETY: as the caller promises.
            unsafe { System.dealloc(block, layout) }
        }
    }

    #[test]
    fn what_is_freed_or_outgrown_is_wiped() {
        let heap = Wiping(Looking { freed: Cell::new(0), dirty: Cell::new(0) });
        let mut sizes = 0;
        for (first, second) in [(1, 7), (32, 48), (100, 9), (4096, 2_400_000), (5_000_000, 1)] {
            let layout = Layout::from_size_align(first, 8).unwrap();
            // SAFETY: the size is not 0.
            let block = unsafe { heap.alloc(layout) };
            // SAFETY: it is as large as that.
            unsafe { block.write_bytes(0xA5, first) };
            // SAFETY: the block and its layout belong together.
            let block = unsafe { heap.realloc(block, layout, second) };
            // SAFETY: what was there was kept.
            assert_eq!(unsafe { block.read() }, 0xA5);
            // SAFETY: it is as large as that.
            unsafe { block.write_bytes(0xA5, second) };
            // SAFETY: this is its layout now.
            unsafe { heap.dealloc(block, Layout::from_size_align(second, 8).unwrap()) };
            sizes += first + second;
        }
        assert_eq!((heap.0.freed.get(), heap.0.dirty.get()), (sizes, 0));
    }
}
