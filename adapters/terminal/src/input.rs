//! Our standard input on its way to the child's terminal.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use childminder_unix::Wakeup;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::stdio::stdin;

use crate::pty::Pty;
use crate::terminal::is_in_background;

/// A thread that reads our standard input and types it at a PTY. Standard input must not be made non-blocking, since
/// other processes share it, and a read must not hold up the loop. Dropping this ends the thread.
#[derive(Debug)]
pub(crate) struct Input {
    signals: Arc<Signals>,
    failures: Receiver<io::Error>,
}

/// What the loop tells the thread.
#[derive(Debug)]
struct Signals {
    wakeup: Wakeup,
    ends: AtomicBool,
}

impl Input {
    /// `failed` is woken when the input cannot be passed on any more.
    pub(crate) fn new(pty: Arc<Pty>, failed: Arc<Wakeup>) -> io::Result<Self> {
        let signals = Arc::new(Signals {
            wakeup: Wakeup::new()?,
            ends: AtomicBool::new(false),
        });
        let (send, failures) = channel();
        let typist = Typist {
            stdin: stdin().try_clone_to_owned()?,
            pty,
            signals: Arc::clone(&signals),
            last: None,
        };
        thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || report_failure(typist.run(), &send, &failed))?;
        Ok(Self { signals, failures })
    }

    /// Why the input could not be passed on; told once.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        self.failures.try_recv().ok()
    }

    /// We may be in the foreground again, and so may read our terminal.
    pub(crate) fn retry(&self) {
        // Waking does not fail.
        let _ = self.signals.wakeup.wake();
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.signals.ends.store(true, Ordering::Release);
        self.retry();
    }
}

fn report_failure(result: io::Result<Flow>, send: &Sender<io::Error>, failed: &Wakeup) {
    let Err(error) = result else {
        return;
    };
    // The owner of the input may be gone, and then does not need to know.
    let _ = send.send(error);
    let _ = failed.wake();
}

/// What the thread has.
struct Typist {
    stdin: OwnedFd,
    pty: Arc<Pty>,
    signals: Arc<Signals>,
    /// What was typed last.
    last: Option<u8>,
}

/// Whether to go on.
enum Flow {
    GoOn,
    End,
}

impl Typist {
    /// Until the end of the input, or of its owner.
    fn run(mut self) -> io::Result<Flow> {
        let mut buffer = vec![0; CHUNK];
        loop {
            if let Flow::End = self.wait_for_input()? {
                return Ok(Flow::End);
            }
            match rustix::io::read(&self.stdin, &mut buffer) {
                // A terminal that has hung up says EIO.
                Ok(0) | Err(Errno::IO) => {
                    let end = self.pty.end_of_input(self.last)?;
                    return self.type_all(&end);
                }
                Ok(length) => {
                    if let Flow::End = self.type_all(&buffer[..length])? {
                        return Ok(Flow::End);
                    }
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// In the background of a terminal, its input belongs to another group, and to read it would stop us. Then this
    /// waits for a [retry](Input::retry) alone.
    fn wait_for_input(&self) -> io::Result<Flow> {
        let mut in_background = false;
        loop {
            let mut fds = vec![PollFd::new(&self.signals.wakeup, PollFlags::IN)];
            if !in_background {
                fds.push(PollFd::new(&self.stdin, PollFlags::IN));
            }
            retry_on_intr(|| poll(&mut fds, None))?;
            let has_input = fds.get(1).is_some_and(|stdin| !stdin.revents().is_empty());
            if !fds[0].revents().is_empty() {
                self.signals.wakeup.clear()?;
                in_background = false;
            }
            if self.signals.ends.load(Ordering::Acquire) {
                return Ok(Flow::End);
            }
            if has_input {
                in_background = is_in_background(&self.stdin);
                if !in_background {
                    return Ok(Flow::GoOn);
                }
            }
        }
    }

    fn type_all(&mut self, mut bytes: &[u8]) -> io::Result<Flow> {
        while !bytes.is_empty() {
            match self.pty.write(bytes) {
                Ok(written) => {
                    self.last = bytes[..written].last().copied().or(self.last);
                    bytes = &bytes[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if let Flow::End = self.wait_for_room()? {
                        return Ok(Flow::End);
                    }
                }
                // No process is there to read it.
                Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Flow::GoOn)
    }

    fn wait_for_room(&self) -> io::Result<Flow> {
        let mut fds = [
            PollFd::new(&self.signals.wakeup, PollFlags::IN),
            PollFd::new(&*self.pty, PollFlags::OUT),
        ];
        retry_on_intr(|| poll(&mut fds, None))?;
        self.signals.wakeup.clear()?;
        Ok(if self.signals.ends.load(Ordering::Acquire) {
            Flow::End
        } else {
            Flow::GoOn
        })
    }
}

const CHUNK: usize = 16 * 1024;
