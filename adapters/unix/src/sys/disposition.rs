//! What a signal does to this process.

use std::mem;
use std::ptr;

use nix::libc;

/// Back to what the system does by default.
pub(super) fn reset_to_default(signal: i32) {
    // SAFETY: SIG_DFL is no handler, so there is nothing to be async-signal-safe; a number that the C
    // library keeps for itself is refused, and then it is its business.
    #[expect(
        unsafe_code,
        reason = "every wrapper of `signal` takes handlers as well"
    )]
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
    }
}

/// Sends `signal` to this thread, which does not block it, and does by default what it does to a process.
/// Returns if that is nothing.
pub(crate) fn raise_by_default(signal: i32) {
    reset_to_default(signal);
    // SAFETY: the calls write to nothing but the set, which outlives them. The set is filled before it is read.
    #[expect(unsafe_code, reason = "the safe wrappers know no real-time signals")]
    unsafe {
        let mut set = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
        libc::raise(signal);
    }
}
