//! Commands that are given their input and whose output is kept.

use std::io;

use childminder::Config;
use childminder_driver::{Captured, ChildId};
use childminder_unix::Spawnable;

use crate::{Children, SpawnError, run_to_end};

/// Runs `command` to its end, as [`run_to_end`] does, gives it its input and keeps its output.
///
/// ```
/// use childminder::Config;
/// use childminder_driver::Captured;
/// use childminder_mio::capture;
/// use std::process::Command;
/// use std::time::Duration;
///
/// let config = Config { run_timeout: Some(Duration::from_secs(60)), ..Config::default() };
/// let mut command = Command::new("tr");
/// let captured = capture(command.args(["a-z", "A-Z"]), config, Captured::default().with_input("hello"))?;
/// assert_eq!(captured.check()?.stdout().to_string(), "HELLO");
///
/// let failed = capture(Command::new("ls").arg("/nowhere"), config, Captured::default())?;
/// let why = failed.check().unwrap_err().to_string();
/// assert!(why.starts_with("ls: exit status 2; standard error: "), "{why}");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Its streams are set here, in place of what the command says: standard output and error are pipes, and so is
/// standard input, if there is [something to read](Captured::with_input); otherwise it is empty. To have a stream go
/// elsewhere, use [`run_to_end`] with a [`Captured`].
///
/// The child cannot deadlock with us, whatever it reads and writes, and in whatever order; a child that does not read
/// its input, or closes it early, is no error. What it reads is no activity: the idle timeout counts its output.
///
/// # What it leaves behind
///
/// A run that is ended takes the whole process group with it. A child that ends by itself may leave processes that
/// hold its output: they are waited for as long as the [`drain_timeout`](Config::drain_timeout) says, two seconds by
/// default, and then [leaked](childminder::Outcome::leaked). To have nothing left alive, wherever it has gone:
///
/// ```
/// # use childminder::{Config, Strays, Sweep};
/// # use childminder_driver::Captured;
/// # use childminder_mio::capture;
/// # use std::process::Command;
/// # use std::time::Duration;
/// let config = Config {
///     sweep: Sweep::Always,
///     stray_timeout: Some(Duration::from_secs(5)),
///     drain_timeout: Some(Duration::ZERO),
///     ..Config::default()
/// };
/// let mut command = Command::new("sh");
/// command.args(["-c", "setsid sleep 1000 & echo done"]);
/// let captured = capture(&mut command, config, Captured::default())?.check()?;
/// assert_eq!(captured.stdout().to_string(), "done\n");
/// assert_ne!(captured.outcome().map(|outcome| outcome.strays), Some(Strays::Left));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Strays take a program that has no other children meanwhile: see [`Children`].
///
/// # Errors
///
/// As [`Children::capture`], and what the system says when there are too many descriptors. What the child does is
/// none: a failure is the [`Captured`]'s, and [`Captured::check`] makes an error of it.
pub fn capture(
    command: &mut impl Spawnable,
    config: Config,
    captured: Captured,
) -> io::Result<Captured> {
    let program = command.pipe_streams(captured.has_input());
    let captured = captured.named(program);
    match run_to_end(command, config, captured) {
        Ok((_, captured)) => Ok(captured),
        Err(SpawnError { error, handler }) => Err(handler.not_run(error)),
    }
}

impl Children<Captured> {
    /// Spawns `command`, as [`spawn`](Self::spawn) does, gives it its input and keeps its output. Its streams are set
    /// here, as [`capture`] sets them.
    ///
    /// ```
    /// use childminder::Config;
    /// use childminder_driver::Captured;
    /// use childminder_mio::Children;
    /// use std::process::Command;
    ///
    /// let mut children = Children::new()?;
    /// let captured = Captured::default().with_input("hello");
    /// children.capture(&mut Command::new("cat"), Config::default(), captured)?;
    /// while !children.is_empty() {
    ///     // … wait until `children` is readable …
    ///     children.turn();
    ///     while let Some((_, _, captured)) = children.next_finished() {
    ///         assert_eq!(captured.check()?.stdout().to_string(), "hello");
    ///     }
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// In a set with handlers of other kinds, have the handler hand on to its `Captured` what it is told, and what it
    /// is asked ([`input`](childminder_driver::Handler::input)).
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn), without the `Captured`. The words name the program.
    pub fn capture(
        &mut self,
        command: &mut impl Spawnable,
        config: Config,
        captured: Captured,
    ) -> io::Result<ChildId> {
        let program = command.pipe_streams(captured.has_input());
        let captured = captured.named(program);
        let spawned = self.spawn(command, config, captured);
        spawned.map_err(|SpawnError { error, handler }| handler.not_run(error))
    }
}
