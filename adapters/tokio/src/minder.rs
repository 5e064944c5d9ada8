//! Minds all children of a runtime.

use std::fmt;
use std::io;
use std::sync::Arc;

use childminder::{Config, Outcome, Stream};
use childminder_driver::{ChildId, Failure};
use childminder_mio::{Children, SpawnError};
use childminder_unix as unix;
use tokio::net::unix::pipe;
use tokio::runtime;

use crate::child::{Child, Handle};
use crate::notification::Work;
use crate::output::{Buffers, Output};
use crate::relay::{Extras, Relay};
use crate::report;
use crate::set::{Owner, Set};
use crate::task::Task;

/// Minds children, in one task of the runtime that it was made on, however many they are. Clones mind
/// together.
///
/// Children are minded whether their handles are polled or not. They live on when the minder is
/// dropped; the task ends with the last of minders and children. When the runtime is dropped, every child
/// is killed with its process group.
///
/// Where a config has a [`stray_timeout`](Config::stray_timeout), what the child starts is ended with it, even what
/// has left its process group: see "Strays" at `childminder_mio::Children`, also for what that means for all other
/// processes that the program starts.
#[derive(Clone)]
pub struct Minder {
    owner: Owner,
}

impl Minder {
    /// A minder on the current runtime: a task and four descriptors.
    ///
    /// # Errors
    ///
    /// What the system says when there are too many descriptors.
    ///
    /// # Panics
    ///
    /// Outside of a runtime, or on one that has its I/O disabled.
    pub fn new() -> io::Result<Self> {
        let set = Arc::new(Set::new(runtime::Handle::current())?);
        let (owner, owners) = Owner::new(set);
        let task = Task::new(Arc::clone(&owner.set), owners)?;
        tokio::spawn(task.run());
        Ok(Self { owner })
    }

    /// Spawns `command` in a process group of its own and minds it. Of its output, what was set to
    /// [`Stdio::piped`](std::process::Stdio::piped) can be read. `options` are a [`Config`], or [`Options`]
    /// made from one.
    ///
    /// It spawns on the caller's thread and does not await, so there is nothing to cancel.
    ///
    /// # Errors
    ///
    /// - What [`unix::Child::spawn`] reports: a command that cannot be run, or a system without pidfds.
    /// - As [`mind`](Self::mind).
    pub fn spawn(
        &self,
        command: &mut impl unix::Spawnable,
        options: impl Into<Options>,
    ) -> io::Result<Child> {
        // With the set locked: until it is there, the new child would count as an orphan, where these are adopted.
        self.begin(options.into(), |children, config, relay| {
            children.spawn(command, config, relay)
        })
    }

    /// The same for a command that vouches for itself by systemd's protocol (`sd_notify(3)`): see
    /// `childminder_mio::Children::spawn_vouching`. What it says moves its deadlines, and is told nobody.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn); `Unsupported` on other systems than Linux.
    pub fn spawn_vouching(
        &self,
        command: &mut impl unix::Spawnable,
        options: impl Into<Options>,
    ) -> io::Result<Child> {
        self.begin(options.into(), |children, config, relay| {
            children.spawn_vouching(command, config, relay)
        })
    }

    /// Minds a child that was just started, in whatever way. What is left of its pipes is taken.
    ///
    /// # Errors
    ///
    /// The child has been killed then.
    ///
    /// - `InvalidInput` if the config has a deadline that only output can put off, and no pipe would bring
    ///   such output: it would be a limit on the whole life of the child, in silence.
    /// - What the system says when there are too many descriptors, or too little memory.
    /// - If the minder's runtime has been dropped.
    pub fn mind(&self, child: unix::Child, options: impl Into<Options>) -> io::Result<Child> {
        self.begin(options.into(), |children, config, relay| {
            children.mind(child, config, relay)
        })
    }

    fn begin(
        &self,
        options: Options,
        start: impl FnOnce(&mut Children<Relay>, Config, Relay) -> Result<ChildId, SpawnError<Relay>>,
    ) -> io::Result<Child> {
        let Options { config, extras } = options;
        let (reporter, reports) = report::channel();
        let buffers = Arc::new(Buffers::new(&config));
        let relay = Relay {
            reporter,
            buffers: Arc::clone(&buffers),
            extras,
            errands: self.owner.set.errands(),
            running: None,
            is_disowned: false,
        };
        let minded = self.owner.set.with(|children| {
            let id = start(children, config, relay)?;
            let stdin = children.take_stdin(id);
            let process_id = children.child(id).map_or(0, unix::Child::id);
            // The task must hear of the deadline.
            #[cfg(not(target_os = "linux"))]
            let _ = children.control(id);
            let output = |stream| {
                let remote = children.remote();
                let output = || Output::new(stream, id, remote, Arc::clone(&buffers));
                children.is_open(id, stream).then(output)
            };
            let outputs = Stream::ALL.map(output);
            let handle = Handle::new(
                id,
                process_id,
                children.remote(),
                reports,
                Arc::clone(&buffers),
                self.owner.set.errands(),
            );
            Ok::<_, SpawnError<Relay>>((handle, stdin, outputs))
        });
        let (handle, stdin, outputs) = minded??;
        // From here on, dropping the child ends it.
        let mut child = Child::new(handle, self.owner.clone(), outputs);
        if let Some(stdin) = stdin {
            let _runtime = self.owner.set.runtime().enter();
            child.set_stdin(pipe::Sender::from_owned_fd(stdin.into())?);
        }
        Ok(child)
    }
}

impl fmt::Debug for Minder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minder").finish_non_exhaustive()
    }
}

/// How a child is minded: a [`Config`], what a heartbeat does, and what is told the end.
///
/// ```no_run
/// use childminder_tokio::{Minder, Options, childminder::Config};
/// use std::process::Command;
/// use std::time::Duration;
///
/// # async fn post(_: &str) -> Result<(), std::io::Error> { Ok(()) }
/// # async fn example() -> std::io::Result<()> {
/// let config = Config { heartbeat_interval: Some(Duration::from_secs(30)), ..Config::default() };
/// let options = Options::from(config).on_heartbeat(|| async {
///     post("it lives").await?;
///     Ok(())
/// });
/// let child = Minder::new()?.spawn(Command::new("make").arg("all"), options)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Options {
    config: Config,
    extras: Option<Box<Extras>>,
}

impl Options {
    /// What is run every `heartbeat_interval`, beginning at once: a notification like others, so an
    /// error of it is an error of the run. Unless set, a heartbeat does nothing.
    #[must_use]
    pub fn on_heartbeat<F>(mut self, beat: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.extras.get_or_insert_default().heartbeat = Some(Arc::new(move || Box::pin(beat())));
        self
    }

    /// What the child is to read.
    pub(crate) fn with_input(mut self, input: Option<Vec<u8>>) -> Self {
        if input.is_some() {
            self.extras.get_or_insert_default().input = input;
        }
        self
    }

    /// What is run once when all else is over, and is told how it ended
    /// ([`final_notification`](Config::final_notification)). The child's outcome comes after it, and an error of it is an
    /// error of the run. It is not run when the child's handle has been dropped.
    #[must_use]
    pub fn on_end<F>(mut self, end: impl Fn(Outcome) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.config.final_notification = true;
        let end = Arc::new(move |outcome| -> Work { Box::pin(end(outcome)) });
        self.extras.get_or_insert_default().end = Some(end);
        self
    }
}

impl From<Config> for Options {
    fn from(config: Config) -> Self {
        Self {
            config,
            extras: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
