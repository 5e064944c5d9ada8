//! What is run.

#[cfg(target_os = "linux")]
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::stdio::{Source, Stdio};

/// A program and what it gets: a builder with the names and the meaning of [`std::process::Command`].
///
/// On Linux, spawning it costs the same however much memory this process has and however many descriptors, since
/// nothing of that is copied: the child shares it until its exec, as with `posix_spawn(3)`. A [`std::process::Command`] does not
/// tell what its streams shall be, so it can only be forked.
///
/// A descriptor of ours that is not close-on-exec is the child's too. But in a process that has more than some fifty, only
/// if its number is below 56.
///
/// The program is looked for as `execvp(3)` does it, in the `PATH` of the child, or in `/bin:/usr/bin` without one. A
/// file that is executable and has no known format is run by `/bin/sh`.
///
/// ```
/// use childminder_unix::{Child, Command, Stdio};
///
/// let mut command = Command::new("tr");
/// command.args(["a-z", "A-Z"]).stdin(Stdio::null()).stdout(Stdio::piped());
/// let mut child = Child::spawn(&mut command)?;
/// child.reap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    begins_without_ours: bool,
    /// What is set, or removed.
    changes: BTreeMap<OsString, Option<OsString>>,
    directory: Option<PathBuf>,
    streams: [Stdio; 3],
}

impl Command {
    /// The program of this name or path, with the environment, the directory and the streams of this process.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            begins_without_ours: false,
            changes: BTreeMap::new(),
            directory: None,
            streams: [Stdio::inherit(), Stdio::inherit(), Stdio::inherit()],
        }
    }

    /// One more argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    pub fn args<A: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = A>) -> &mut Self {
        for arg in args {
            self.arg(arg);
        }
        self
    }

    /// Sets a variable of the child's environment.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.change(name.as_ref(), Some(value.as_ref().to_owned()));
        self
    }

    /// Sets variables of the child's environment.
    pub fn envs<N, V>(&mut self, variables: impl IntoIterator<Item = (N, V)>) -> &mut Self
    where
        N: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        for (name, value) in variables {
            self.env(name, value);
        }
        self
    }

    /// Removes a variable from the child's environment.
    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.change(name.as_ref(), None);
        self
    }

    /// Gives the child none of our variables, and none of those set before.
    pub fn env_clear(&mut self) -> &mut Self {
        self.begins_without_ours = true;
        self.changes.clear();
        self
    }

    /// The directory that the child begins in. A relative path to the program begins there, too.
    pub fn current_dir(&mut self, directory: impl AsRef<Path>) -> &mut Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// The child's standard input.
    pub fn stdin(&mut self, stdio: impl Into<Stdio>) -> &mut Self {
        self.streams[0] = stdio.into();
        self
    }

    /// The child's standard output.
    pub fn stdout(&mut self, stdio: impl Into<Stdio>) -> &mut Self {
        self.streams[1] = stdio.into();
        self
    }

    /// The child's standard error.
    pub fn stderr(&mut self, stdio: impl Into<Stdio>) -> &mut Self {
        self.streams[2] = stdio.into();
        self
    }

    /// The program, as it was given.
    pub fn get_program(&self) -> &OsStr {
        &self.program
    }

    /// The arguments, without the program.
    pub fn get_args(&self) -> impl Iterator<Item = &OsStr> {
        self.args.iter().map(OsString::as_os_str)
    }

    /// The variables that were set, or removed, which have no value.
    pub fn get_envs(&self) -> impl Iterator<Item = (&OsStr, Option<&OsStr>)> {
        self.changes
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_deref()))
    }

    /// The directory that was set.
    pub fn get_current_dir(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// Standard input, output and error.
    #[cfg(target_os = "linux")]
    pub(crate) fn streams(&self) -> &[Stdio; 3] {
        &self.streams
    }

    /// The environment of the child, in our order, with what was added behind it.
    #[cfg(target_os = "linux")]
    pub(crate) fn environment(&self) -> impl Iterator<Item = (Cow<'_, OsStr>, Cow<'_, OsStr>)> {
        let ours = (!self.begins_without_ours).then(env::vars_os);
        let kept = ours
            .into_iter()
            .flatten()
            .filter(|(name, _)| !self.changes.contains_key(name))
            .map(|(name, value)| (name.into(), value.into()));
        let added = self
            .changes
            .iter()
            .filter_map(|(name, value)| Some((name.into(), value.as_ref()?.into())));
        kept.chain(added)
    }

    /// The same for the standard library.
    pub(crate) fn to_std(&self) -> io::Result<std::process::Command> {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args);
        if self.begins_without_ours {
            command.env_clear();
        }
        for (name, value) in &self.changes {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let [stdin, stdout, stderr] = &self.streams;
        command
            .stdin(stdin.to_std()?)
            .stdout(stdout.to_std()?)
            .stderr(stderr.to_std()?);
        Ok(command)
    }

    fn change(&mut self, name: &OsStr, value: Option<OsString>) {
        if value.is_none() && self.begins_without_ours {
            self.changes.remove(name);
        } else {
            self.changes.insert(name.to_owned(), value);
        }
    }
}

/// What can be spawned: a [`Command`] of this crate, or one of the standard library's.
///
/// The latter is always forked, which takes longer the more memory and descriptors this process has.
pub trait Spawnable: Begin {}

impl Spawnable for Command {}
impl Spawnable for std::process::Command {}

/// What can be spawned.
#[derive(Debug)]
pub enum Kind<'a> {
    /// Spawned without a fork.
    Ours(&'a Command),
    /// Always forked.
    Std(&'a mut std::process::Command),
}

/// Seals [`Spawnable`].
pub trait Begin {
    /// Which of them it is.
    fn kind(&mut self) -> Kind<'_>;

    /// Sets a variable of its environment, or removes it.
    fn set_variable(&mut self, name: &str, value: Option<&OsStr>);

    /// The value that its environment will have.
    fn variable(&self, name: &str) -> Option<OsString>;

    /// Pipes standard output and error, and standard input, or else has that empty. Tells the program, as it was given.
    fn pipe_streams(&mut self, has_input: bool) -> &OsStr;
}

impl Begin for Command {
    fn kind(&mut self) -> Kind<'_> {
        Kind::Ours(self)
    }

    fn set_variable(&mut self, name: &str, value: Option<&OsStr>) {
        self.change(name.as_ref(), value.map(OsStr::to_owned));
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        match self.changes.get(OsStr::new(name)) {
            Some(value) => value.clone(),
            None if self.begins_without_ours => None,
            None => env::var_os(name),
        }
    }

    fn pipe_streams(&mut self, has_input: bool) -> &OsStr {
        let stdin = if has_input { Stdio::piped } else { Stdio::null };
        self.streams = [stdin(), Stdio::piped(), Stdio::piped()];
        &self.program
    }
}

impl Begin for std::process::Command {
    fn kind(&mut self) -> Kind<'_> {
        Kind::Std(self)
    }

    fn set_variable(&mut self, name: &str, value: Option<&OsStr>) {
        match value {
            Some(value) => self.env(name, value),
            None => self.env_remove(name),
        };
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        let chosen = self.get_envs().find(|(set, _)| *set == name);
        match chosen {
            Some((_, value)) => value.map(OsStr::to_owned),
            None => env::var_os(name),
        }
    }

    fn pipe_streams(&mut self, has_input: bool) -> &OsStr {
        use std::process::Stdio;
        let stdin = if has_input { Stdio::piped } else { Stdio::null };
        self.stdin(stdin()).stdout(Stdio::piped());
        self.stderr(Stdio::piped()).get_program()
    }
}

impl Stdio {
    fn to_std(&self) -> io::Result<std::process::Stdio> {
        Ok(match &self.0 {
            Source::Inherit => std::process::Stdio::inherit(),
            Source::Null => std::process::Stdio::null(),
            Source::Piped => std::process::Stdio::piped(),
            Source::Given(fd) => fd.try_clone()?.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;

    use super::*;

    /// Where the system has no other way, or a sandbox denies it.
    #[test]
    fn the_standard_library_gets_the_same() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let mut command = Command::new("sh");
        command
            .args(["-c", "read line; echo $line; pwd; env >&2"])
            .env_clear()
            .env("A", "1")
            .env("B", "2")
            .env_remove("B")
            .env("PWD", "/")
            .current_dir("/")
            .stdin(File::open("/proc/version").expect("a file"))
            .stdout(Stdio::piped())
            .stderr(writer);
        let output = command.to_std().expect("no more descriptors").output();
        drop(command);
        let stdout = String::from_utf8(output.expect("sh").stdout).expect("text");
        assert!(stdout.starts_with("Linux version"), "{stdout}");
        assert!(stdout.ends_with("\n/\n"), "{stdout}");
        let mut environment = String::new();
        reader.read_to_string(&mut environment).expect("its errors");
        assert!(environment.contains("A=1\n"), "{environment}");
        assert!(!environment.contains("B="), "{environment}");
        assert!(!environment.contains("PATH="), "{environment}");

        let mut without = Command::new("sh");
        without.args(["-c", "echo \"<$HOME>\""]).env_remove("HOME");
        without.stdout(Stdio::piped());
        let output = without.to_std().expect("no more descriptors").output();
        assert_eq!(output.expect("sh").stdout, b"<>\n");
    }
}
