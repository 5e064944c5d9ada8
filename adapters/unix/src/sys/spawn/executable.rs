//! The program, ready to be executed where nothing can be allocated: `execvpe(3)` in two parts.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, c_char};
use std::io;
use std::mem;
use std::os::unix::ffi::OsStrExt as _;
use std::ptr;

use nix::libc;
use rustix::io::Errno;

use crate::command::Command;

/// What `execve(2)` takes. The pointers are into the strings, which do not move.
#[derive(Debug)]
pub(super) struct Executable {
    /// Where it may be.
    candidates: Vec<CString>,
    /// The first one is room for the shell of a script; the program's own arguments begin behind it.
    args: Pointers,
    environment: Pointers,
}

impl Executable {
    pub(super) fn new(command: &Command) -> io::Result<Self> {
        let program = command.get_program().as_bytes();
        let mut args = Strings::default();
        args.push(&[SHELL.to_bytes()])?;
        args.push(&[program])?;
        for arg in command.get_args() {
            args.push(&[arg.as_bytes()])?;
        }
        let mut environment = Strings::of_an_environment();
        let mut path = Cow::Borrowed(OsStr::new(DEFAULT_PATH));
        for (name, value) in command.environment() {
            environment.push(&[name.as_bytes(), b"=", value.as_bytes()])?;
            if *name == *"PATH" {
                path = value;
            }
        }
        Ok(Self {
            candidates: candidates(program, path.as_bytes())?,
            args: args.into(),
            environment: environment.into(),
        })
    }

    /// Executes the first candidate that can be, in the child; returns what has failed.
    pub(super) fn exec(&mut self) -> Errno {
        let mut failure = Errno::NOENT;
        let mut denied = false;
        for candidate in &self.candidates {
            failure = execve(candidate, self.args.after_first(), self.environment.all());
            if failure == Errno::NOEXEC {
                // As `execvp(3)` has it: a script that does not say what runs it.
                let mut second = candidate.as_ptr();
                self.args.swap_second(&mut second);
                failure = execve(SHELL, self.args.all(), self.environment.all());
                self.args.swap_second(&mut second);
            }
            match failure {
                Errno::ACCESS => denied = true,
                Errno::NOENT | Errno::NOTDIR | Errno::STALE | Errno::NODEV | Errno::TIMEDOUT => {}
                other => return other,
            }
        }
        if denied { Errno::ACCESS } else { failure }
    }
}

/// A name is looked for in `path`, where an empty entry is the current directory.
fn candidates(program: &[u8], path: &[u8]) -> io::Result<Vec<CString>> {
    if program.is_empty() {
        return Ok(Vec::new());
    }
    if program.contains(&b'/') {
        return Ok(vec![CString::new(program)?]);
    }
    path.split(|byte| *byte == b':')
        .map(|directory| {
            let mut candidate = directory.to_vec();
            if !directory.is_empty() {
                candidate.push(b'/');
            }
            candidate.extend(program);
            Ok(CString::new(candidate)?)
        })
        .collect()
}

/// Strings behind each other, each with a null byte at its end.
#[derive(Debug, Default)]
struct Strings {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Strings {
    /// With room for what most environments hold, so that it need not grow step by step.
    fn of_an_environment() -> Self {
        Self {
            bytes: Vec::with_capacity(4096),
            starts: Vec::with_capacity(64),
        }
    }

    /// One more, of these parts.
    fn push(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        self.starts.push(self.bytes.len());
        for part in parts {
            if part.contains(&0) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "a null byte in an argument or in a variable of the environment",
                ));
            }
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(0);
        Ok(())
    }
}

/// Strings, and pointers to them with a null behind the last.
#[derive(Debug)]
struct Pointers {
    _bytes: Vec<u8>,
    pointers: Vec<*const c_char>,
}

impl From<Strings> for Pointers {
    fn from(Strings { bytes, starts }: Strings) -> Self {
        let pointers = starts.iter().map(|start| bytes[*start..].as_ptr().cast());
        let pointers = pointers.chain([ptr::null()]).collect();
        Self {
            _bytes: bytes,
            pointers,
        }
    }
}

impl Pointers {
    fn swap_second(&mut self, other: &mut *const c_char) {
        if let Some(second) = self.pointers.get_mut(1) {
            mem::swap(second, other);
        }
    }

    fn all(&self) -> &[*const c_char] {
        &self.pointers
    }

    fn after_first(&self) -> &[*const c_char] {
        self.pointers.get(1..).unwrap_or_default()
    }
}

/// Of two lists of [`Pointers`]. Returns what has failed.
fn execve(path: &CStr, args: &[*const c_char], environment: &[*const c_char]) -> Errno {
    // SAFETY: both lists end with a null, and point to strings that live as long as the `Executable`, which the parent
    // keeps until the child has left its memory.
    #[expect(unsafe_code, reason = "every wrapper of `execve` allocates the lists")]
    unsafe {
        libc::execve(path.as_ptr(), args.as_ptr(), environment.as_ptr());
    }
    last_error()
}

/// The C library's `errno`, of the call before.
pub(super) fn last_error() -> Errno {
    Errno::from_raw_os_error(nix::errno::Errno::last_raw())
}

const SHELL: &CStr = c"/bin/sh";

/// What the C library takes without a `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";
