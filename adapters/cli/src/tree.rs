//! The processes that the command started in turn, and what becomes of them.
//!
//! The ladder's signals reach the process group. A process that has left the group becomes our child when its
//! parent dies, because we are a subreaper; and it is in the cgroup, if there is one.
//!
//! In a run that is ended, such processes are killed when the leader is dead and the group has had SIGKILL. We
//! look again until none is left, for at most five seconds. Only children of ours are signalled: no other process
//! can get their numbers before we reap them. A `waitid(P_ALL)` with `WNOWAIT` tells which child is dead. The
//! process table is read only to see which live, or when a dead child that must not be reaped yet hides others.
//!
//! What is left by a run that ended by itself is not touched. It is not named either if it is gone within a tenth
//! of a second: a process that closes our pipe is often about to exit.
//!
//! As process 1 we take every process along at the end, because the kernel would: this way the report can name
//! them.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use childminder::{Signal, Target};
use childminder_unix::{Cgroup, Child, Delivery, Orphan, Orphans, Place, signals};
use mio::{Interest, Registry, Token};
use serde_json::{Value, json};
use signal_hook::consts::SIGCHLD;
use signal_hook_mio::v1_0::Signals;

use crate::args::RunArgs;
use crate::report::printable;

/// The processes of one run.
pub(crate) struct Tree {
    mechanism: Mechanism,
    orphans: Option<Orphans>,
    signals: Signals,
    reaped: usize,
    killed: Vec<Orphan>,
    living: Vec<Orphan>,
    /// Why there is no cgroup, if one was wanted.
    without_cgroup: Option<String>,
    /// What could not be had, or done.
    notes: Vec<String>,
}

/// What holds the processes together.
#[derive(Debug)]
enum Mechanism {
    Group,
    Session,
    Cgroup(Cgroup),
}

impl Tree {
    /// From here on, orphans come to us.
    pub(crate) fn new(args: &RunArgs, registry: &Registry, token: Token) -> io::Result<Self> {
        let mut wanted = vec![SIGCHLD];
        wanted.extend(passed_on().map(Signal::number));
        let mut signals = Signals::new(wanted)?;
        registry.register(&mut signals, token, Interest::READABLE)?;
        let mut notes = Vec::new();
        let mut note = |error: io::Error| notes.push(error.to_string());
        let orphans = Orphans::adopt().map_err(&mut note).ok();
        let cgroup = args.cgroup.then(Cgroup::create).transpose();
        let without_cgroup = cgroup.as_ref().err().map(ToString::to_string);
        let mechanism = match cgroup.map_err(&mut note) {
            Ok(Some(cgroup)) => Mechanism::Cgroup(cgroup),
            _ if args.session => Mechanism::Session,
            _ => Mechanism::Group,
        };
        Ok(Self {
            mechanism,
            orphans,
            signals,
            reaped: 0,
            killed: Vec::new(),
            living: Vec::new(),
            without_cgroup,
            notes,
        })
    }

    /// Starts the command in its place and its cgroup; in a process group where the cgroup takes nobody in.
    pub(crate) fn start(
        &mut self,
        mut attempt: impl FnMut(Place, Option<OwnedFd>) -> io::Result<Child>,
    ) -> io::Result<Child> {
        let started = match &self.mechanism {
            Mechanism::Group => attempt(Place::Group, None),
            Mechanism::Session => attempt(Place::Session, None),
            Mechanism::Cgroup(cgroup) => attempt(Place::Group, Some(cgroup.entrance()?)),
        };
        let (Err(error), Mechanism::Cgroup(cgroup)) = (&started, &self.mechanism) else {
            return started;
        };
        // It may be the command's fault; then this fails too.
        let child = attempt(Place::Group, None)?;
        let path = cgroup.path().display();
        let note = format!("cannot use the cgroup {path}: {error}");
        self.without_cgroup = Some(note.clone());
        self.notes.push(note);
        self.mechanism = Mechanism::Group;
        Ok(child)
    }

    /// Reaps the orphans that have died, and passes signals on.
    pub(crate) fn look_after(&mut self, child: &Child) {
        let mut died = false;
        for number in self.signals.pending().collect::<Vec<_>>() {
            died |= number == SIGCHLD;
            let passed = Signal::new(number).filter(|_| number != SIGCHLD);
            let Some(signal) = passed else { continue };
            if let Err(error) = child.pass_on(signal, Target::Leader) {
                let name = signals::name(signal);
                self.note(format!("cannot pass {name} on: {error}"));
            }
        }
        if died {
            self.reap(child);
        }
    }

    /// Kills who is left, if they are not to live on. Whether to look again: somebody may be about to end.
    pub(crate) fn wind_up(&mut self, child: &Child, end: End) -> bool {
        let mut may_end = self.reap(child);
        let members = self.look(child);
        if end == End::Natural {
            return may_end || !self.living.is_empty();
        }
        let members_killed = self.kill_members();
        for orphan in self.living.clone() {
            let killed = members_killed && members.contains(&orphan.pid) || self.kill(&orphan);
            may_end |= killed;
            // Its group has had SIGKILL already.
            let was_reached = end == End::Swept && orphan.group == child.id();
            let is_known = self.killed.iter().any(|known| known.pid == orphan.pid);
            if killed && !was_reached && !is_known {
                self.killed.push(orphan);
            }
        }
        // Who died meanwhile could not be killed any more.
        self.reap(child) || may_end
    }

    /// Nothing more is done to anybody. The cgroup goes; who is in it lives on elsewhere.
    pub(crate) fn let_go(&mut self, child: &Child) {
        self.reap(child);
        self.look(child);
        let left = &self.living;
        self.killed
            .retain(|killed| !left.iter().any(|living| living.pid == killed.pid));
        if let Mechanism::Cgroup(cgroup) = &mut self.mechanism
            && let Err(error) = cgroup.remove()
        {
            let path = cgroup.path().display();
            self.notes
                .push(format!("cannot remove the cgroup {path}: {error}"));
        }
    }

    /// Why there is no cgroup, if one was wanted.
    pub(crate) fn without_cgroup(&self) -> Option<&str> {
        self.without_cgroup.as_deref()
    }

    /// Who was killed though the ladder's signals did not reach them.
    pub(crate) fn killed(&self) -> &[Orphan] {
        &self.killed
    }

    /// Who lives on, briefly, for people.
    pub(crate) fn left_running(&self) -> Option<String> {
        let shown = self.living.iter().take(SHOWN);
        let names: Vec<_> = shown.map(named).collect();
        let more = match self.living.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!names.is_empty()).then(|| format!("left running: {}{more}", names.join(", ")))
    }

    pub(crate) fn json(&self) -> Value {
        let list = |orphans: &[Orphan]| {
            let list = orphans.iter();
            list.map(|orphan| json!({ "pid": orphan.pid, "name": orphan.name }))
                .collect::<Vec<_>>()
        };
        json!({
            "mechanism": match self.mechanism {
                Mechanism::Group => "group",
                Mechanism::Session => "session",
                Mechanism::Cgroup(_) => "cgroup",
            },
            "init": is_init(),
            "orphans_reaped": self.reaped,
            "killed": list(&self.killed),
            "survivors": list(&self.living),
            "notes": self.notes,
        })
    }

    /// Whether there was anybody to reap.
    fn reap(&mut self, child: &Child) -> bool {
        let Some(orphans) = &mut self.orphans else {
            return false;
        };
        match orphans.reap(minded(child).as_slice()) {
            Ok(reaped) => {
                self.reaped += reaped;
                reaped > 0
            }
            Err(error) => {
                self.note(format!("cannot reap orphans: {error}"));
                false
            }
        }
    }

    /// Sees who lives; returns the members of the cgroup.
    fn look(&mut self, child: &Child) -> Vec<u32> {
        self.living.clear();
        let orphans = self.orphans.as_mut();
        match orphans.map(|orphans| orphans.living(minded(child).as_slice())) {
            None => {}
            Some(Ok(living)) => {
                self.living = living.known;
                if living.unknown {
                    self.note("somebody is left whom /proc does not show".to_owned());
                }
            }
            Some(Err(error)) => self.note(format!("cannot look for orphans: {error}")),
        }
        let members = self.members(child);
        for pid in &members {
            if !self.living.iter().any(|orphan| orphan.pid == *pid) {
                self.living.push(described(*pid));
            }
        }
        members
    }

    /// Whether this orphan was sent SIGKILL. It may be no child of ours yet, but below one.
    fn kill(&mut self, orphan: &Orphan) -> bool {
        match self.orphans.as_ref().map(|orphans| orphans.kill(orphan)) {
            Some(Ok(delivery)) => delivery == Delivery::Sent,
            Some(Err(error)) => {
                self.note(format!("cannot kill {}: {error}", named(orphan)));
                false
            }
            None => false,
        }
    }

    /// Whether there is a cgroup and its members were sent SIGKILL.
    fn kill_members(&mut self) -> bool {
        let Mechanism::Cgroup(cgroup) = &self.mechanism else {
            return false;
        };
        match cgroup.kill() {
            Ok(()) => true,
            Err(error) => {
                self.note(format!("cannot kill the cgroup: {error}"));
                false
            }
        }
    }

    /// Who is in the cgroup besides the child.
    fn members(&mut self, child: &Child) -> Vec<u32> {
        let Mechanism::Cgroup(cgroup) = &self.mechanism else {
            return Vec::new();
        };
        match cgroup.members() {
            Ok(mut members) => {
                members.retain(|pid| Some(*pid) != minded(child));
                members
            }
            Err(error) => {
                self.note(format!("cannot look into the cgroup: {error}"));
                Vec::new()
            }
        }
    }

    /// Once, however often it happens.
    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// What the end of the run is for those whom the command left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// They live on.
    Natural,
    /// They end with the run, and their process group has got SIGKILL.
    Swept,
    /// They end with us, as the system has it; this way it can be told who.
    Init,
}

impl End {
    pub(crate) fn new(is_swept: bool) -> Self {
        match (is_swept, is_init()) {
            (true, _) => Self::Swept,
            (false, true) => Self::Init,
            (false, false) => Self::Natural,
        }
    }
}

/// A name and a process id, for people.
pub(crate) fn named(orphan: &Orphan) -> String {
    format!("{} ({})", printable(&orphan.name), orphan.pid)
}

/// The child is reaped by its owner, and nobody else.
fn minded(child: &Child) -> Option<u32> {
    (!child.is_reaped()).then(|| child.id())
}

pub(crate) fn is_init() -> bool {
    std::process::id() == 1
}

/// What is passed on to the child as it is: what would end us, where it does not start the ladder, as SIGINT,
/// SIGTERM, SIGHUP and SIGQUIT do; by an init, also what a terminal or a shell would tell the child otherwise.
fn passed_on() -> impl Iterator<Item = Signal> {
    let to_init: &[&str] = if is_init() { &["CONT", "WINCH"] } else { &[] };
    let named = ENDING.iter().chain(to_init).map(ToString::to_string);
    let realtime = (0..).map(|n| format!("RTMIN+{n}"));
    let known = |name: String| signals::parse(&name).ok();
    named.filter_map(known).chain(realtime.map_while(known))
}

/// One of whom only the process id is known.
pub(crate) fn described(pid: u32) -> Orphan {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Orphan {
        pid,
        group: 0,
        name: name.trim_end().to_owned(),
    }
}

/// The signals that are for programs to use, or for the kernel to tell of a limit or a device, and end who does
/// not handle them. Not every system has them all.
const ENDING: [&str; 9] = [
    "USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "PWR", "STKFLT", "XCPU",
];

/// How many names a sentence can bear.
const SHOWN: usize = 3;
