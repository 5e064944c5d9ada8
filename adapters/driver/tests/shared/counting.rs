//! An allocator that counts, for each thread by itself: so each test counts its own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// How many bytes this thread has allocated, less those that it has freed.
#[allow(dead_code, reason = "not all tests ask")]
pub(crate) fn allocated() -> usize {
    BYTES.get()
}

/// How often this thread has allocated something so far.
pub(crate) fn allocations() -> usize {
    ALLOCATIONS.get()
}

/// The system's allocator, counting.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static BYTES: Cell<usize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all is left to the system's allocator, and what was asked of us is asked of it.
#[expect(unsafe_code, reason = "an allocator's trait is unsafe to implement")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        BYTES.set(BYTES.get().wrapping_add(layout.size()));
        // SAFETY: the caller keeps to the trait's contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // It may be another thread's.
        BYTES.set(BYTES.get().wrapping_sub(layout.size()));
        // SAFETY: as above; each block is from `System`.
        unsafe { System.dealloc(block, layout) }
    }
}
