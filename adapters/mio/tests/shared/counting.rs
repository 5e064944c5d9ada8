//! An allocator that counts, for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How many bytes are allocated now.
pub(crate) fn allocated() -> usize {
    BYTES.load(Relaxed)
}

/// How often something was allocated so far.
pub(crate) fn allocations() -> usize {
    ALLOCATIONS.load(Relaxed)
}

/// The system's allocator, counting.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is left to the system's allocator, and what was asked of us is asked of it.
#[expect(unsafe_code, reason = "an allocator's trait is unsafe to implement")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        BYTES.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller keeps to the trait's contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above; each block is from `System`.
        unsafe { System.dealloc(block, layout) }
    }
}
