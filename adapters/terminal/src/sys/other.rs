use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::thread;

use nix::sys::signal::SigSet;
use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::pty::{OpenptFlags, openpt};

/// A pipe into which a thread writes that waits for these signals by `sigwait(3)`. The thread ends with the
/// process, or at the first signal after the read end was closed.
pub(crate) fn signalfd(signals: &SigSet) -> io::Result<OwnedFd> {
    let (reader, mut writer) = io::pipe()?;
    ioctl_fionbio(&reader, true)?;
    let signals = *signals;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || while signals.wait().is_ok() && writer.write_all(b"!").is_ok() {})?;
    Ok(reader.into())
}

pub(crate) fn pty() -> io::Result<OwnedFd> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    fcntl_setfd(&master, FdFlags::CLOEXEC)?;
    Ok(master)
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::Command;

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::{Errno, fcntl_getfd, retry_on_intr};

    use super::*;

    #[test]
    fn a_signal_makes_the_pipe_readable() {
        const MARK: &str = "CHILDMINDER_TEST_PROCESS";
        // The other threads of the tests' process do not block the signal, so a process of its own does.
        if env::var_os(MARK).is_none() {
            let test = env::current_exe().expect("the test's program");
            let output = Command::new("env")
                .arg("--block-signal=TSTP")
                .arg(test)
                .args([
                    "--exact",
                    "sys::other::tests::a_signal_makes_the_pipe_readable",
                ])
                .env(MARK, "1")
                .output()
                .expect("the test's program runs");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("1 passed"), "{said}");
            return;
        }
        let signals = signalfd(&SigSet::from(Signal::SIGTSTP)).expect("a thread");
        assert!(!is_readable(&signals, 0));
        for _ in 0..2 {
            kill(Pid::this(), Signal::SIGTSTP).expect("sent");
            assert!(is_readable(&signals, 60));
            assert_eq!(rustix::io::read(&signals, &mut [0; 128]), Ok(1));
            assert_eq!(rustix::io::read(&signals, &mut [0; 128]), Err(Errno::AGAIN));
        }
    }

    #[test]
    fn a_terminal_is_not_inherited() {
        let master = pty().expect("a PTY");
        assert!(rustix::pty::ptsname(&master, Vec::new()).is_ok());
        assert_eq!(fcntl_getfd(&master), Ok(FdFlags::CLOEXEC));
    }

    fn is_readable(fd: &OwnedFd, seconds: i64) -> bool {
        let limit = Timespec {
            tv_sec: seconds,
            tv_nsec: 0,
        };
        let mut fds = [PollFd::new(fd, PollFlags::IN)];
        retry_on_intr(|| poll(&mut fds, Some(&limit))).expect("poll") > 0
    }
}
