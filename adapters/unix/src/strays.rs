//! What one child started and that outlives it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;

use childminder::{Signal, Target};

use crate::cgroup::Cgroup;
use crate::child::Child;
use crate::command::Spawnable;
use crate::mark::{self, Maker};
use crate::orphans::{Orphan, Orphans};
use crate::status::Delivery;
use crate::sys;
use crate::sys::table::{self, Entry, Identity};

/// The strays of one child: what it started, directly or not, and that outlives it, in whatever process group or
/// session. It finds, kills and counts them, and remembers their names.
///
/// They are found among the [`Orphans`] of this process, which are lent for each call, and in a [`Cgroup`], if the
/// child has one of its own. When to look and when to kill is decided by the caller.
///
/// # Several children
///
/// An orphan does not show which child it came from. With a [mark](Self::spawn_marked) in its environment, it
/// belongs to the child that was given the mark. Without one, which may also be hidden or have been removed, it
/// belongs to a child that has no sister; while there are sisters, it belongs to none and is left alone.
///
/// ```standalone_crate
/// use childminder_unix::{Child, Orphans, Strays};
/// use std::process::Command;
///
/// let mut orphans = Orphans::adopt()?;
/// let mut strays = Strays::new();
/// let mut child = Child::spawn(Command::new("sh").args(["-c", "setsid sleep 1000 &"]))?;
/// let minded = [child.id()];
/// while child.exit_status()?.is_none() {
///     std::thread::yield_now();
/// }
/// while strays.find(&child, Some(&mut orphans), &minded).is_some_and(|seen| seen.living > 0) {
///     strays.kill(&child, Some(&orphans));
/// }
/// child.reap()?;
/// strays.end(&child, Some(&mut orphans), &[]);
/// assert_eq!(strays.killed().len(), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Strays {
    cgroup: Option<Cgroup>,
    mark: Option<String>,
    group: Group,
    /// Those that the latest look has shown.
    found: Vec<Found>,
    living: Vec<Orphan>,
    killed: Vec<Orphan>,
    /// Those that have refused SIGKILL.
    refused: BTreeSet<Identity>,
    notes: Vec<String>,
}

/// How many strays a look has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StrayCount {
    /// How many are alive.
    pub living: u64,
    /// How many of these cannot be killed: they have refused it (`EPERM`), or their parent has, or `/proc` does
    /// not show them.
    pub immune: u64,
}

impl Strays {
    /// The environment variable with the marks: `PROCESS-ID.NUMBER.TOKEN` of each process of this kind that a process
    /// is below, separated by colons, the innermost last.
    pub const VARIABLE: &str = mark::VARIABLE;

    /// Those of a child without a cgroup.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of a child that is to be spawned in this cgroup, by [`spawn`](Self::spawn). It is removed at the
    /// [end](Self::end).
    pub fn in_cgroup(cgroup: Cgroup) -> Self {
        Self {
            cgroup: Some(cgroup),
            ..Self::default()
        }
    }

    /// Gives the child that is spawned next a mark, as [`spawn_marked`](Self::spawn_marked) does: what
    /// [`VARIABLE`](Self::VARIABLE) must be in its environment.
    pub fn mark(&mut self) -> OsString {
        self.mark_within(mark::ours())
    }

    /// Spawns `command` by `spawn` with a mark of its own: of all orphans, those that bear it are its strays. The
    /// mark is added to those that this process bears itself, and the command is left as it was.
    ///
    /// # Errors
    ///
    /// Those of `spawn`.
    pub fn spawn_marked<C: Spawnable>(
        &mut self,
        command: &mut C,
        spawn: impl FnOnce(&mut C) -> io::Result<Child>,
    ) -> io::Result<Child> {
        let before = command.variable(Self::VARIABLE);
        let marks = self.mark_within(before.clone());
        command.set_variable(Self::VARIABLE, Some(&marks));
        let spawned = spawn(command);
        command.set_variable(Self::VARIABLE, before.as_deref());
        spawned
    }

    /// Spawns the child by `attempt`, which is given the [entrance](Cgroup::entrance) of its cgroup. Where the cgroup
    /// takes no process in, for instance because it is threaded, the child is spawned without, and a note says so;
    /// but not where the cgroup is [limited](Cgroup::is_limited).
    ///
    /// # Errors
    ///
    /// Those of `attempt` without a cgroup or with a limited one, and of the entrance.
    pub fn spawn(
        &mut self,
        mut attempt: impl FnMut(Option<OwnedFd>) -> io::Result<Child>,
    ) -> io::Result<Child> {
        let Some(cgroup) = &self.cgroup else {
            return attempt(None);
        };
        let refusal = match attempt(Some(cgroup.entrance()?)) {
            Ok(child) => return Ok(child),
            Err(error) if cgroup.is_limited() => return Err(error),
            Err(error) => error,
        };
        // It may be the command's fault; then this fails too.
        let child = attempt(None)?;
        let note = format!(
            "cannot use the cgroup {}: {refusal}",
            cgroup.path().display()
        );
        self.note(note);
        self.cgroup = None;
        Ok(child)
    }

    /// The child, or its group, was sent this signal. Members of a group that was sent SIGKILL are not listed as
    /// [`killed`](Self::killed): they were within reach.
    pub fn signalled(&mut self, signal: Signal, target: Target) {
        if signal == Signal::KILL && target == Target::Group {
            self.group = Group::Killed;
        }
    }

    /// Reaps the dead and counts the living. `None` if strays cannot be seen; then a [note](Self::notes) says why.
    ///
    /// `minded` are the process ids of all children of this process that have not been reaped and are no orphans; the
    /// child itself may be among them. If others are, it has sisters.
    pub fn find(
        &mut self,
        child: &Child,
        mut orphans: Option<&mut Orphans>,
        minded: &[u32],
    ) -> Option<StrayCount> {
        // What lives below us has a living child of ours above it. So the process table need not be read for it, nor
        // for the dead that are hidden by a child which must not be reaped yet.
        let nothing_lives = || sys::has_living_child().is_ok_and(|lives| !lives);
        if self.cgroup.is_none() && orphans.is_some() && nothing_lives() {
            self.found.clear();
            self.living.clear();
            return Some(StrayCount::default());
        }
        loop {
            let reaped = self.reap(orphans.as_deref_mut(), minded);
            let count = self.look(child, orphans.as_deref_mut(), minded);
            // What has died may have left others.
            if reaped == 0 || count.is_none_or(|count| count.living > 0) {
                return count;
            }
        }
    }

    /// Sends SIGKILL to each that the latest look has shown: to the cgroup, then to each that is a child of ours.
    /// The others become children of ours when their parents are dead.
    pub fn kill(&mut self, child: &Child, orphans: Option<&Orphans>) {
        let cgroup = self.kill_members();
        for found in self.found.clone() {
            let is_reached = found.is_member && cgroup == Killing::Sent;
            if !is_reached && self.kill_one(&found, orphans) != Killing::Sent {
                continue;
            }
            let orphan = found.orphan();
            let was_reached = self.group == Group::Killed && orphan.group == child.id();
            let is_known = self.killed.iter().any(|known| known.pid == orphan.pid);
            if !was_reached && !is_known {
                self.killed.push(orphan);
            }
        }
    }

    /// The child is over: looks for the last time, and removes the cgroup. What is alive lives on elsewhere, and is
    /// no stray of any other child.
    pub fn end(&mut self, child: &Child, mut orphans: Option<&mut Orphans>, minded: &[u32]) {
        self.reap(orphans.as_deref_mut(), minded);
        self.look(child, orphans.as_deref_mut(), minded);
        let living = &self.living;
        self.killed
            .retain(|killed| !living.iter().any(|left| left.pid == killed.pid));
        if let Some(orphans) = orphans {
            orphans.leave(self.found.iter().filter_map(|found| found.entry.as_ref()));
        }
        if let Some(cgroup) = &mut self.cgroup
            && let Err(error) = cgroup.remove()
        {
            let path = cgroup.path().display();
            let note = format!("cannot remove the cgroup {path}: {error}");
            self.note(note);
        }
    }

    /// Adds a sentence about something that could not be done, unless it is there already.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// What could not be had or done, each once, as sentences without a full stop.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Those that the latest look has shown alive. Some may have died since.
    pub fn living(&self) -> &[Orphan] {
        &self.living
    }

    /// Those that were killed though the signals to the child's group did not reach them; from the
    /// [end](Self::end) on, without those that live all the same.
    pub fn killed(&self) -> &[Orphan] {
        &self.killed
    }

    /// The child's cgroup, if it has one.
    pub fn cgroup(&self) -> Option<&Cgroup> {
        self.cgroup.as_ref()
    }

    /// Whether this process bears the child's mark, or is in its cgroup.
    pub(crate) fn shows(&self, pid: u32) -> bool {
        let is_marked = || self.mark.is_some() && Maker::this_process().mark_of(pid) == self.mark;
        let members = || self.cgroup.as_ref()?.members().ok();
        is_marked() || members().is_some_and(|members| members.contains(&pid))
    }

    fn mark_within(&mut self, outer: Option<OsString>) -> OsString {
        let mark = self.mark.insert(Maker::this_process().mark());
        mark::within(outer, mark)
    }

    fn reap(&mut self, orphans: Option<&mut Orphans>, minded: &[u32]) -> usize {
        let Some(orphans) = orphans else { return 0 };
        orphans.reap(minded).unwrap_or_else(|error| {
            self.note(format!("cannot reap orphans: {error}"));
            0
        })
    }

    fn look(
        &mut self,
        child: &Child,
        orphans: Option<&mut Orphans>,
        minded: &[u32],
    ) -> Option<StrayCount> {
        self.found.clear();
        self.living.clear();
        // A dead child has none of its own; a living one is no stray.
        let minded: Vec<u32> = if child.is_reaped() {
            let others = minded.iter().filter(|pid| **pid != child.id());
            others.copied().collect()
        } else {
            [minded, &[child.id()]].concat()
        };
        let seen = self.look_for_orphans(child, orphans, &minded);
        let members = self.look_for_members(&minded);
        if seen.is_none() && members.is_none() {
            return None;
        }
        self.living = self.found.iter().map(Found::orphan).collect();
        let immune = self.found.iter().filter(|found| self.is_immune(found));
        let hidden = seen.max(members).unwrap_or(Hidden::None);
        Some(StrayCount {
            living: self.found.len() as u64 + u64::from(hidden != Hidden::None),
            immune: immune.count() as u64 + u64::from(hidden == Hidden::Always),
        })
    }

    fn look_for_orphans(
        &mut self,
        child: &Child,
        orphans: Option<&mut Orphans>,
        minded: &[u32],
    ) -> Option<Hidden> {
        let has_sisters = minded.iter().any(|pid| *pid != child.id());
        let maker = Maker::this_process();
        let belongs = |pid| match maker.mark_of(pid) {
            Some(mark) => self.mark.as_ref() == Some(&mark),
            None => !has_sisters,
        };
        match orphans?.survey(minded, belongs) {
            Ok((entries, is_hidden)) => {
                self.found = entries.into_iter().map(Found::from).collect();
                if !is_hidden {
                    return Some(Hidden::None);
                }
                self.note("a process is left that /proc does not show");
                Some(Hidden::Always)
            }
            Err(error) => {
                self.note(format!("cannot look for orphans: {error}"));
                Hidden::by(&error)
            }
        }
    }

    /// What is in the cgroup besides children.
    fn look_for_members(&mut self, minded: &[u32]) -> Option<Hidden> {
        let members = self.cgroup.as_ref()?.members();
        match members {
            Ok(mut members) => {
                members.retain(|pid| !minded.contains(pid));
                for pid in members {
                    match self.found.iter_mut().find(|found| found.pid == pid) {
                        Some(found) => found.is_member = true,
                        None => self.found.push(Found::member(pid)),
                    }
                }
                Some(Hidden::None)
            }
            Err(error) => {
                self.note(format!("cannot look into the cgroup: {error}"));
                Hidden::by(&error)
            }
        }
    }

    fn kill_members(&mut self) -> Killing {
        match self.cgroup.as_ref().map(Cgroup::kill) {
            Some(Ok(())) => Killing::Sent,
            Some(Err(error)) => {
                self.note(format!("cannot kill the cgroup: {error}"));
                let members = self.found.iter().filter(|found| found.is_member);
                self.refused.extend(members.filter_map(Found::identity));
                Killing::Refused
            }
            None => Killing::OutOfReach,
        }
    }

    fn kill_one(&mut self, found: &Found, orphans: Option<&Orphans>) -> Killing {
        match orphans.map(|orphans| orphans.kill(&found.orphan())) {
            Some(Ok(Delivery::Sent)) => {
                // A cgroup that could not be killed is no obstacle then.
                found.identity().map(|known| self.refused.remove(&known));
                Killing::Sent
            }
            Some(Ok(Delivery::Gone)) | None => Killing::OutOfReach,
            Some(Err(error)) => {
                self.note(format!("cannot kill {found}: {error}"));
                if error.kind() == io::ErrorKind::PermissionDenied {
                    self.refused.extend(found.identity());
                }
                Killing::Refused
            }
        }
    }

    /// Whether it has refused SIGKILL, or is out of reach below one that has.
    fn is_immune(&self, found: &Found) -> bool {
        let mut next = Some(found);
        while let Some(found) = next {
            if found
                .identity()
                .is_some_and(|known| self.refused.contains(&known))
            {
                return true;
            }
            let parent = found.entry.as_ref().map(|entry| entry.parent);
            next = self
                .found
                .iter()
                .find(|other| Some(other.pid) == parent && other.pid != found.pid);
        }
        false
    }
}

/// Whether the child's group has been sent SIGKILL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Group {
    #[default]
    Spared,
    Killed,
}

/// Whether there may be strays that a look has not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hidden {
    None,
    /// The look has failed, and the next one may not.
    FromThisLook,
    Always,
}

impl Hidden {
    /// After a look that has failed like this. None where every look would.
    fn by(error: &io::Error) -> Option<Self> {
        (!table::is_final(error)).then_some(Self::FromThisLook)
    }
}

/// What SIGKILL came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Killing {
    Sent,
    Refused,
    /// It is gone, or no child of ours.
    OutOfReach,
}

/// A stray that is there.
#[derive(Clone, Debug)]
struct Found {
    pid: u32,
    /// None of a member of the cgroup that `/proc` does not show.
    entry: Option<Entry>,
    is_member: bool,
}

impl Found {
    fn member(pid: u32) -> Self {
        Self {
            pid,
            entry: table::entry(pid),
            is_member: true,
        }
    }

    fn orphan(&self) -> Orphan {
        match &self.entry {
            Some(entry) => entry.orphan(),
            None => Orphan::unseen(self.pid),
        }
    }

    fn identity(&self) -> Option<Identity> {
        self.entry.as_ref().map(Entry::identity)
    }
}

impl From<Entry> for Found {
    fn from(entry: Entry) -> Self {
        Self {
            pid: entry.pid,
            entry: Some(entry),
            is_member: false,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.orphan().fmt(f)
    }
}
