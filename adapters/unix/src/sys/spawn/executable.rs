//! The program, ready to be executed where nothing can be allocated: `execvpe(3)` in two parts.

use std::ffi::{CStr, CString, OsStr, OsString, c_char};
use std::io;
use std::iter;
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
        let environment = command.environment();
        let program = command.get_program();
        let path = environment.iter().find(|(name, _)| name == "PATH");
        let path = path.map_or(OsStr::new(DEFAULT_PATH), |(_, value)| value);
        let args = iter::once(program).chain(command.get_args());
        let args = args.map(|arg| CString::new(arg.as_bytes()));
        let variables = environment.iter().map(|(name, value)| {
            let mut variable = OsString::with_capacity(name.len() + value.len() + 1);
            variable.push(name);
            variable.push("=");
            variable.push(value);
            CString::new(variable.as_bytes())
        });
        Ok(Self {
            candidates: candidates(program.as_bytes(), path.as_bytes())?,
            args: Pointers::new(
                iter::once(Ok(SHELL.to_owned()))
                    .chain(args)
                    .collect::<Result<_, _>>()?,
            ),
            environment: Pointers::new(variables.collect::<Result<_, _>>()?),
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

/// Strings, and pointers to them with a null behind the last.
#[derive(Debug)]
struct Pointers {
    _strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Pointers {
    fn new(strings: Vec<CString>) -> Self {
        let pointers = strings.iter().map(|string| string.as_ptr());
        let pointers = pointers.chain([ptr::null()]).collect();
        Self {
            _strings: strings,
            pointers,
        }
    }

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
