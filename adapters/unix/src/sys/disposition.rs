//! What a signal does to this process.

use std::mem;
use std::ops::RangeInclusive;
use std::ptr;
#[cfg(target_os = "linux")]
use std::sync::OnceLock;

use nix::libc;
use rustix::io::Errno;

/// A function that a signal may call at any moment. `spawn::stops` has those that there are, and
/// each keeps to what is async-signal-safe (`signal-safety(7)`).
pub(super) type Recorder = extern "C" fn(libc::c_int);

/// Outside of a spawn.
pub(crate) fn restore_default(signal: i32) {
    // It refuses only what is no signal, or has no other.
    let _ = reset_to_default(signal);
}

/// Back to what the system does by default.
pub(super) fn reset_to_default(signal: i32) -> Result<(), Errno> {
    set(signal, libc::SIG_DFL)
}

/// One that is pending is gone then.
pub(super) fn ignore(signal: i32) -> Result<(), Errno> {
    set(signal, libc::SIG_IGN)
}

pub(super) fn record(signal: i32, recorder: Recorder) -> Result<(), Errno> {
    set(signal, recorder as libc::sighandler_t)
}

/// Drops what is pending for this thread, or for the process. In one that has no handlers to lose: what is not ignored
/// is at its default then.
pub(super) fn drop_pending() -> Result<(), Errno> {
    // SAFETY: all zeroes is a value of this struct of numbers, and the calls write to nothing but the set, which
    // outlives them.
    #[expect(unsafe_code, reason = "no wrapper of `sigpending` knows all signals")]
    let is_pending = unsafe {
        let mut pending = mem::zeroed();
        done(libc::sigpending(&raw mut pending))?;
        move |signal: &i32| libc::sigismember(&raw const pending, *signal) == 1
    };
    for signal in SIGNALS.filter(is_pending) {
        let stays_ignored = is_ignored(signal);
        ignore(signal)?;
        if !stays_ignored {
            reset_to_default(signal)?;
        }
    }
    Ok(())
}

/// Whether this process ignores it.
pub(crate) fn is_ignored(signal: i32) -> bool {
    // SAFETY: all zeroes is a value of this struct of numbers, and the call writes to nothing but the struct,
    // which outlives it.
    #[expect(
        unsafe_code,
        reason = "no wrapper of `sigaction` asks without changing"
    )]
    let (asked, action) = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        let asked = libc::sigaction(signal, ptr::null(), &raw mut action);
        (asked, action)
    };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Sends `signal` to this thread, which does not block it, and does by default what it does to a process.
/// Returns if that is nothing.
pub(crate) fn raise_by_default(signal: i32) {
    let _ = reset_to_default(signal);
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

/// A number that is no signal, or that the C library keeps for itself, is left as it is.
fn set(signal: i32, handler: libc::sighandler_t) -> Result<(), Errno> {
    // SAFETY: all zeroes is a value of this struct of numbers: no flags, and an empty mask. `handler` is SIG_DFL,
    // SIG_IGN or a `Recorder`, which is async-signal-safe. The struct outlives the call.
    #[expect(unsafe_code, reason = "every wrapper of `sigaction` takes any handler")]
    let result = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = handler;
        libc::sigaction(signal, &raw const action, ptr::null_mut())
    };
    match done(result) {
        Err(Errno::INVAL) => Ok(()),
        result => result,
    }
}

fn done(result: libc::c_int) -> Result<(), Errno> {
    if result == 0 {
        return Ok(());
    }
    Err(Errno::from_raw_os_error(nix::errno::Errno::last_raw()))
}

/// A bit for each signal that is [seldom ignored](is_seldom_ignored) and that this process ignored when this was first
/// called, from signal 1 on. To look anew would take a call for each.
#[cfg(target_os = "linux")]
pub(super) fn ignored_though_seldom() -> u64 {
    static IGNORED: OnceLock<u64> = OnceLock::new();
    let is_ignored = |signal: &i32| is_seldom_ignored(*signal) && is_ignored(*signal);
    *IGNORED.get_or_init(|| SIGNALS.filter(is_ignored).map(bit).sum())
}

/// Whether a program that runs hardly begins to ignore it: those of its own faults, and those that no kernel sends by
/// itself.
pub(super) fn is_seldom_ignored(signal: i32) -> bool {
    matches!(
        signal,
        libc::SIGILL
            | libc::SIGTRAP
            | libc::SIGABRT
            | libc::SIGBUS
            | libc::SIGFPE
            | libc::SIGSEGV
            | libc::SIGSYS
            | 32..
    )
}

pub(super) fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// All numbers that may be signals. Those that are not do no harm.
pub(super) const SIGNALS: RangeInclusive<i32> = 1..=64;

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Nothing else in these tests uses the two.
    #[test]
    fn what_is_dropped_does_not_come_to_be_ignored() {
        let pending = || drop_pending_of([libc::SIGURG, REALTIME_END]);
        let is_ignored = thread::spawn(pending).join().expect("no panic");
        assert_eq!(is_ignored, [false, false]);

        ignore(libc::SIGURG).expect("ignored");
        let is_ignored = thread::spawn(pending).join().expect("no panic");
        reset_to_default(libc::SIGURG).expect("reset");
        assert_eq!(is_ignored, [true, false]);
    }

    fn drop_pending_of(signals: [i32; 2]) -> [bool; 2] {
        nix::sys::signal::SigSet::all()
            .thread_block()
            .expect("blocked");
        for signal in signals {
            // SAFETY: it is blocked.
            #[expect(unsafe_code, reason = "the safe wrappers know no real-time signals")]
            let raised = unsafe { libc::raise(signal) };
            assert_eq!(raised, 0);
        }
        drop_pending().expect("dropped");
        signals.map(is_ignored)
    }

    const REALTIME_END: i32 = *SIGNALS.end();
}
