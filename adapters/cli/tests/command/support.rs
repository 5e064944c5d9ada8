//! The command in a test: started, talked to, and waited for, but never for ever.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, PipeReader, PipeWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use childminder_record::{Reader, replay};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use serde_json::Value;
use tempfile::TempDir;

/// Far more than a loaded machine needs for a whole test.
pub(crate) const GUARD: Duration = Duration::from_secs(60);

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_childminder");

/// What a shell does that waits for signals, and is told of them soon. A child of it may miss one, and
/// its shell may say how it died.
pub(crate) const LOITER: &str =
    "i=0; while [ $i -lt 600 ]; do i=$((i + 1)); sleep 0.05; done 2>/dev/null";

/// An option that has output watched, so that it comes by way of us, and nothing else.
pub(crate) const WATCHED: &str = "--idle 600s";

/// `childminder` with these arguments.
pub(crate) fn childminder<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(BINARY);
    command.args(args);
    piped(command)
}

/// `childminder run OPTIONS -- sh -c SCRIPT`.
pub(crate) fn minding(options: &str, script: &str) -> Command {
    minding_words(options, &["sh", "-c", script])
}

/// `childminder run OPTIONS -- WORDS`.
pub(crate) fn minding_words(options: &str, words: &[&str]) -> Command {
    let mut command = childminder(["run"]);
    command
        .args(options.split_whitespace())
        .arg("--")
        .args(words);
    command
}

/// The same by way of another program, which takes a command at its end and becomes it.
pub(crate) fn through(words: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(words[0]);
    outer
        .args(&words[1..])
        .arg(command.get_program())
        .args(command.get_args());
    piped(outer)
}

pub(crate) fn run(options: &str, script: &str) -> Ended {
    start(minding(options, script)).finish()
}

pub(crate) fn start(command: Command) -> Running {
    Running::new(command, GUARD)
}

/// For what takes longer than a test, such as a compiler.
pub(crate) fn start_within(guard: Duration, command: Command) -> Running {
    Running::new(command, guard)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    /// Without the lines that were read before.
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) took: Duration,
}

impl Ended {
    pub(crate) fn stdout(&self) -> &str {
        str::from_utf8(&self.stdout).expect("text")
    }

    pub(crate) fn stderr(&self) -> &str {
        str::from_utf8(&self.stderr).expect("text")
    }

    /// Together, what is most often of interest; without what is measured.
    #[track_caller]
    pub(crate) fn expect(&self, status: i32, stderr: &str) {
        let said = unmeasured(self.stderr());
        assert_eq!((self.status, said.as_str()), (status, stderr));
    }

    /// About so long: not a moment less, and not much more even on a busy machine.
    #[track_caller]
    pub(crate) fn expect_took(&self, expected: Duration) {
        let late = self.took.checked_sub(expected).expect("not too early");
        assert!(late < millis(2500), "took {:?}", self.took);
    }
}

/// A `childminder` that is running; dropped, it is made to end.
pub(crate) struct Running {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    begun: Instant,
    _watchdog: Sender<()>,
}

impl Running {
    fn new(mut command: Command, guard: Duration) -> Self {
        let begun = Instant::now();
        let mut child = command.spawn().expect("childminder");
        let stdout = child.stdout.take().map(BufReader::new);
        let stderr = child.stderr.take().map(collect);
        Self {
            _watchdog: watch(&child, guard),
            child,
            stdout,
            stderr,
            begun,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn itself(&self) -> Process {
        Process(Pid::from_child(&self.child))
    }

    /// Of coreutils' `timeout`, around us or around others: it exits at once when a signal finds it just after its fork.
    /// Then it sleeps until its command ends.
    #[track_caller]
    pub(crate) fn wait_until_timeouts_sleep(&self) {
        let stat = |id: u32| fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let children = |parent: u32| {
            let parent = parent.to_string();
            let entries = fs::read_dir("/proc").expect("processes").flatten();
            let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
            ids.filter(move |id| {
                let stat = stat(*id);
                !stat.is_empty() && fields(&stat).nth(1) == Some(&parent)
            })
        };
        wait_until(|| {
            let mut family = vec![self.id()];
            let mut next = 0;
            while let Some(parent) = family.get(next) {
                family.extend(children(*parent));
                next += 1;
            }
            let mut stats = family.into_iter().map(stat);
            stats.all(|stat| !stat.contains("(timeout)") || fields(&stat).next() == Some("S"))
        });
    }

    /// The next line on standard output.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        let stdout = self.stdout.as_mut().expect("standard output");
        stdout.read_line(&mut line).expect("a line");
        line.strip_suffix('\n').expect("a whole line").to_owned()
    }

    /// The process whose id is the next line.
    #[track_caller]
    pub(crate) fn process(&mut self) -> Process {
        Process::named(&self.line())
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("standard input is piped")
    }

    /// Takes standard output away: it is read elsewhere.
    pub(crate) fn take_stdout(&mut self) -> BufReader<ChildStdout> {
        self.stdout.take().expect("standard output")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Sends this again and again, each time as another wish, until it ends: how long that takes it to notice is no
    /// matter.
    pub(crate) fn insist(&mut self, signal: Signal) {
        while matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(millis(500));
            self.signal(signal);
        }
    }

    /// Stops it, where no terminal does, and continues it so much later.
    pub(crate) fn stop_for(&self, time: Duration) {
        let us = self.itself();
        self.signal(Signal::TSTP);
        wait_until(|| us.is_stopped());
        thread::sleep(time);
        self.signal(Signal::CONT);
    }

    /// The time on the processor that it has used, `utime` and `stime`, in hundredths of a second.
    pub(crate) fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let number = |field: &str| field.parse::<u64>().expect("a number");
        let stat = stat.expect("it runs");
        fields(&stat).skip(11).take(2).map(number).sum()
    }

    #[track_caller]
    pub(crate) fn finish(mut self) -> Ended {
        let mut stdout = Vec::new();
        if let Some(mut rest) = self.stdout.take() {
            rest.read_to_end(&mut stdout).expect("standard output");
        }
        let stderr = self.stderr.take().map(JoinHandle::join);
        let status = self.child.wait().expect("its status");
        Ended {
            status: status.code().expect("it was ended by the watchdog"),
            stdout,
            stderr: stderr.transpose().expect("no panic").unwrap_or_default(),
            took: self.begun.elapsed(),
        }
    }
}

impl Drop for Running {
    /// Only a test that fails gets here with a living one.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stdout = None;
            self.signal(Signal::TERM);
            self.signal(Signal::INT);
            let _ = self.child.wait();
        }
    }
}

/// Any process, as its parent or as a stranger.
#[derive(Debug)]
pub(crate) struct Process(Pid);

impl Process {
    #[track_caller]
    pub(crate) fn named(id: &str) -> Self {
        let id = id.trim().parse().expect("a process id");
        Self(Pid::from_raw(id).expect("a process id"))
    }

    /// Dead; perhaps not yet reaped by whoever inherits it.
    pub(crate) fn is_gone(&self) -> bool {
        match fs::read_to_string(format!("/proc/{}/stat", self.0)) {
            Ok(stat) => matches!(fields(&stat).next(), Some("Z" | "X")),
            Err(_) => true,
        }
    }

    #[track_caller]
    pub(crate) fn wait_until_gone(&self) {
        wait_until(|| self.is_gone());
    }

    /// Whether job control has stopped it.
    pub(crate) fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).expect("it runs");
        fields(&stat).next() == Some("T")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.0, signal).expect("it runs");
    }

    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// This often, or as often as `CHILDMINDER_TEST_TIMES` says.
pub(crate) fn times(times: u32) -> u32 {
    let asked = env::var("CHILDMINDER_TEST_TIMES").ok();
    asked.map_or(times, |times| times.parse().expect("a number"))
}

/// A generator of numbers (`xorshift64`). It begins with `CHILDMINDER_TEST_SEED`, or otherwise with another number each
/// time, and prints which.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = u64::from(since.expect("a time").subsec_nanos());
        let asked = env::var("CHILDMINDER_TEST_SEED").ok();
        let seed = asked.map_or(now, |seed| seed.parse().expect("a number")) | 1;
        println!("CHILDMINDER_TEST_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// For what no descriptor tells.
#[track_caller]
pub(crate) fn wait_until(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < GUARD, "it does not come");
        thread::sleep(millis(5));
    }
}

/// That a report is as its documentation says.
#[track_caller]
pub(crate) fn validate(report: &Value) {
    let schema = json(include_bytes!("../../report.schema.json"));
    let documented = jsonschema::validator_for(&schema).expect("a schema");
    if let Err(error) = documented.validate(report) {
        panic!("{error}: {report:#}");
    }
}

/// A place for files.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file of this name, with these contents.
    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).expect("a file");
        path
    }

    /// The names of all that is here, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("a directory");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("a name").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).display().to_string())
            .collect();
        names.sort();
        names
    }

    /// A pipe of this name, and its reader, which does not read. It holds little.
    pub(crate) fn fifo(&self, name: &str) -> (String, File) {
        let path = self.path(name);
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        let reader = File::options().read(true).write(true).open(&path);
        let reader = reader.expect("a pipe");
        nix::fcntl::fcntl(&reader, nix::fcntl::FcntlArg::F_SETPIPE_SZ(4096)).expect("a pipe");
        (text(&path), reader)
    }

    /// A program of this name. It is written by another process: a descriptor of ours that is open for
    /// writing could be inherited by a child that another test starts, and then it could not be run
    /// (`ETXTBSY`).
    pub(crate) fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.path(name);
        let mut install = Command::new("install")
            .args(["-m", "755", "/dev/stdin"])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .expect("install");
        let mut stdin = install.stdin.take().expect("its input");
        stdin.write_all(script.as_bytes()).expect("a script");
        drop(stdin);
        assert!(install.wait().expect("install").success());
        path
    }

    /// The report that was written to `report`. It is as its documentation says.
    #[track_caller]
    pub(crate) fn report(&self) -> Value {
        let report = json(&fs::read(self.path("report")).expect("a report"));
        validate(&report);
        report
    }

    /// `OPTIONS --report … --record …`.
    pub(crate) fn options(&self, options: &str) -> String {
        let at = |name| self.path(name).display().to_string();
        format!(
            "{options} --report {} --record {}",
            at("report"),
            at("record")
        )
    }

    /// How many steps the flight record has that was written to `record`, if it replays as it was.
    #[track_caller]
    pub(crate) fn replay(&self) -> usize {
        let record = fs::read(self.path("record")).expect("a record");
        let runs: Result<Vec<_>, _> = Reader::new(record.as_slice()).collect();
        let runs = runs.expect("a record");
        assert_eq!(runs.len(), 1);
        if let Some(difference) = replay(&runs[0]) {
            panic!("{difference}");
        }
        runs[0].steps.len()
    }
}

#[track_caller]
pub(crate) fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).expect("JSON")
}

/// The numbers from 1 to this, a line each: easy to make, and hard to mix up unnoticed.
pub(crate) fn numbers(to: u32) -> Vec<u8> {
    let Output { stdout, .. } = Command::new("seq")
        .arg(to.to_string())
        .output()
        .expect("seq");
    stdout
}

/// Equal, without a megabyte of words if not.
#[track_caller]
pub(crate) fn assert_same(came: &[u8], expected: &[u8]) {
    let same = came.iter().zip(expected).take_while(|(a, b)| a == b);
    assert!(
        came == expected,
        "{} bytes came, {} were expected, the first {} are the same",
        came.len(),
        expected.len(),
        same.count(),
    );
}

/// The end of a pipe that has no room left; with the other one, which is not read.
pub(crate) fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = io::pipe().expect("a pipe");
    rustix::io::ioctl_fionbio(&writer, true).expect("not blocking");
    while writer.write(&[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).expect("blocking");
    (reader, writer)
}

/// All that comes through a pipe.
pub(crate) fn read_all(mut reader: PipeReader) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).expect("a pipe");
    bytes
}

pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}

/// These words of ours without the times of signals, the last words of the child and what it used.
pub(crate) fn unmeasured(said: &str) -> String {
    let is_measured = |part: &&str| part.starts_with("used ") || part.starts_with("last said ");
    let without = |line: &str| {
        let parts: Vec<_> = line.split("; ").filter(|part| !is_measured(part)).collect();
        let words: Vec<_> = parts.join("; ").split(" at ").map(str::to_owned).collect();
        let mut line = words[0].clone();
        for word in &words[1..] {
            let time = word.find([',', ';']).unwrap_or(word.len());
            line += &word[time..];
        }
        line
    };
    said.split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) if line.contains("; used ") => without(line) + "\n",
            _ => line.to_owned(),
        })
        .collect()
}

pub(crate) fn piped(mut command: Command) -> Command {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn collect(mut stderr: ChildStderr) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stderr.read_to_end(&mut bytes).expect("standard error");
        bytes
    })
}

/// Kills it if it is not done in time, so that a hang is a failure.
fn watch(child: &Child, guard: Duration) -> Sender<()> {
    let pidfd = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).expect("a pidfd");
    let (alive, over) = mpsc::channel();
    thread::spawn(move || {
        if over.recv_timeout(guard) == Err(RecvTimeoutError::Timeout) {
            // It may have ended this very moment.
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
    });
    alive
}

/// The fields of `/proc/ID/stat` from the state on; before it stands a name, which may hold anything.
pub(crate) fn fields(stat: &str) -> impl Iterator<Item = &str> {
    let (_, rest) = stat.rsplit_once(") ").expect("a name in parentheses");
    rest.split_whitespace()
}
