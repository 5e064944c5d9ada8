//! What is written to the child.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::ChildStdin;

use rustix::io::Errno;

/// Bytes on their way to a child's standard input, which ends when this is dropped. Never blocks.
///
/// A child that closes its input early has read what it wanted, which is no error. This process must ignore SIGPIPE
/// then, as Rust's runtime has it do.
///
/// ```
/// use childminder_unix::{Child, Command, Input, Stdio};
///
/// let mut command = Command::new("wc");
/// let mut child = Child::spawn(command.arg("-c").stdin(Stdio::piped()).stdout(Stdio::null()))?;
/// let stdin = child.take_stdin().expect("standard input is piped");
/// let mut input = Input::new(stdin, b"hello".to_vec())?;
/// while input.write()? {
///     // … wait until `input.as_fd()` is writable …
/// }
/// drop(input);
/// child.reap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Input {
    pipe: OwnedFd,
    bytes: Vec<u8>,
    written: usize,
}

impl Input {
    /// These bytes, none of which is written yet.
    ///
    /// # Errors
    ///
    /// What `ioctl(2)` says when `stdin` cannot be made non-blocking.
    pub fn new(stdin: ChildStdin, bytes: Vec<u8>) -> io::Result<Self> {
        let pipe = OwnedFd::from(stdin);
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self {
            pipe,
            bytes,
            written: 0,
        })
    }

    /// Writes what there is room for, at most what the pipe holds. Whether something is left to be written: it is not
    /// when that was all, and when nothing reads it any more.
    ///
    /// # Errors
    ///
    /// None that a pipe has; if the kernel finds one, here it is.
    pub fn write(&mut self) -> io::Result<bool> {
        let rest = &self.bytes[self.written..];
        match rustix::io::retry_on_intr(|| rustix::io::write(&self.pipe, rest)) {
            Ok(written) => self.written += written,
            Err(Errno::AGAIN) => {}
            Err(Errno::PIPE) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(self.written < self.bytes.len())
    }
}

/// To wait for room in the pipe.
impl AsFd for Input {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn input(bytes: Vec<u8>) -> (io::PipeReader, Input) {
        let (reader, writer) = io::pipe().expect("a pipe");
        let stdin = ChildStdin::from(OwnedFd::from(writer));
        (reader, Input::new(stdin, bytes).expect("a pipe"))
    }

    #[test]
    fn more_than_a_pipe_holds_is_written_as_it_is_read() {
        let bytes: Vec<u8> = (0..=250).cycle().take(300_000).collect();
        let (mut reader, mut input) = input(bytes.clone());
        let mut read = Vec::new();
        while input.write().expect("written") {
            let mut piece = [0; 5_000];
            let length = reader.read(&mut piece).expect("some");
            read.extend_from_slice(&piece[..length]);
        }
        drop(input);
        reader.read_to_end(&mut read).expect("the rest");
        assert_eq!(read, bytes);
    }

    #[test]
    fn a_full_pipe_leaves_what_it_has_no_room_for() {
        let (_reader, mut input) = input(vec![0; 300_000]);
        assert!(input.write().expect("written"));
        assert!(input.write().expect("it does not block"));
    }

    #[test]
    fn a_reader_that_has_gone_wants_no_more() {
        let (reader, mut input) = input(vec![0; 300_000]);
        drop(reader);
        assert!(!input.write().expect("no error"));
    }
}
