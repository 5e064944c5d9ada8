//! What only reaping a child tells: what it has used, and whether it left a core.

use std::io;
use std::mem;
use std::time::Duration;

use nix::libc;
use rustix::process::Pid;

use crate::status::Usage;

/// What was told at the reap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remains {
    pub(super) usage: Usage,
    pub(super) dumped_core: bool,
}

/// Reaps `dead`, a dead child of ours that nothing else waits for.
pub(super) fn reap(dead: Pid) -> io::Result<Remains> {
    loop {
        match wait4(dead) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

fn wait4(child: Pid) -> io::Result<Remains> {
    let mut status = 0;
    // SAFETY: all zeroes is a value of this struct of numbers, and the call writes to nothing but the two
    // places that it is given, which outlive it.
    #[expect(
        unsafe_code,
        reason = "nothing else tells one child's usage, and no crate wraps it"
    )]
    let (reaped, usage) = unsafe {
        let mut usage = mem::zeroed();
        let reaped = libc::wait4(child.as_raw_pid(), &raw mut status, 0, &raw mut usage);
        (reaped, usage)
    };
    if reaped == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(Remains {
        usage: Usage {
            user: duration(usage.ru_utime),
            system: duration(usage.ru_stime),
            peak_memory: u64::try_from(usage.ru_maxrss).unwrap_or(0) * RSS_UNIT,
        },
        dumped_core: libc::WIFSIGNALED(status) && libc::WCOREDUMP(status),
    })
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

/// In bytes. `getrusage(2)`: kibibytes, but bytes on macOS.
const RSS_UNIT: u64 = if cfg!(target_vendor = "apple") {
    1
} else {
    1024
};
