//! Our standard input on its way to the child's terminal.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread;

use childminder_unix::is_in_background;
use mio::Waker;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::stdio::stdin;

/// Our standard input, read by a thread of its own: it must not be made non-blocking, because others share
/// it, and must not hold up the loop.
pub(crate) struct Input {
    chunks: Receiver<io::Result<Vec<u8>>>,
    look_again: Sender<()>,
    ended: bool,
}

/// What there is of it now.
pub(crate) enum Typed {
    Nothing,
    Bytes(Vec<u8>),
    /// The end; told once.
    End,
    /// It cannot be read any more; told once.
    Failed(io::Error),
}

impl Input {
    /// `waker` is woken when there is more.
    pub(crate) fn new(waker: Arc<Waker>) -> io::Result<Self> {
        let stdin = stdin().try_clone_to_owned()?;
        let (send, chunks) = sync_channel(WAITING);
        let (look_again, looks) = channel();
        thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || {
                let failure = pass_on(&stdin, &send, &looks, &waker).err();
                // Nobody may be there any more, and then nobody needs to know.
                let _ = failure.map(|error| send.send(Err(error)));
                drop(send);
                let _ = waker.wake();
            })?;
        Ok(Self {
            chunks,
            look_again,
            ended: false,
        })
    }

    pub(crate) fn take(&mut self) -> Typed {
        match self.chunks.try_recv() {
            Ok(Ok(bytes)) => Typed::Bytes(bytes),
            Ok(Err(error)) => {
                self.ended = true;
                Typed::Failed(error)
            }
            Err(TryRecvError::Disconnected) if !self.ended => {
                self.ended = true;
                Typed::End
            }
            Err(_) => Typed::Nothing,
        }
    }

    /// We may be in the foreground again.
    pub(crate) fn look_again(&self) {
        // Without the thread there is nothing to look at.
        let _ = self.look_again.send(());
    }
}

/// Until the end, or until nobody wants it. In the background of a terminal its input is somebody else's,
/// and to read it would stop us.
fn pass_on(
    stdin: &OwnedFd,
    chunks: &SyncSender<io::Result<Vec<u8>>>,
    looks: &Receiver<()>,
    waker: &Waker,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        retry_on_intr(|| poll(&mut [PollFd::new(stdin, PollFlags::IN)], None))?;
        if is_in_background(stdin) {
            if looks.recv().is_err() {
                return Ok(());
            }
            continue;
        }
        match rustix::io::read(stdin, &mut buffer) {
            // A terminal that has hung up says EIO.
            Ok(0) | Err(Errno::IO) => return Ok(()),
            Ok(length) => {
                if chunks.send(Ok(buffer[..length].to_vec())).is_err() {
                    return Ok(());
                }
                waker.wake()?;
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Chunks that may wait for the child to read them.
const WAITING: usize = 4;

const CHUNK: usize = 16 * 1024;
