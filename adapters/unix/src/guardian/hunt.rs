//! The search for what a dead process has left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::{NAME, ToldCgroup};
use crate::mark::Maker;
use crate::sys::table::{self, Entry, Identity};
use crate::sys::{self, GroupHandle};

/// What is ended: what bears a mark of the dead process, with its descendants, its group and its cgroup.
pub(super) struct Hunt<'a> {
    maker: &'a Maker,
    group: &'a mut GroupHandle,
    cgroup: Option<ToldCgroup>,
    /// Process ids that `/proc` shows are the ones that signals are sent to.
    sees_table: bool,
}

impl<'a> Hunt<'a> {
    pub(super) fn new(
        maker: &'a Maker,
        group: &'a mut GroupHandle,
        cgroup: Option<ToldCgroup>,
    ) -> Self {
        Self {
            maker,
            group,
            cgroup,
            sees_table: table::is_ours().is_ok(),
        }
    }

    /// Until nothing has been found for a while, or what is found does not die.
    pub(super) fn run(&mut self) {
        let begun = Instant::now();
        let mut seen = begun;
        let mut pause = FIRST_PAUSE;
        while begun.elapsed() < LIMIT {
            let held = self.stop_all();
            let _ = self.group.kill();
            self.end_cgroup();
            for pidfd in held.values() {
                let _ = sys::pidfd_send(pidfd, Signal::KILL);
            }
            if !held.is_empty() {
                seen = Instant::now();
            } else if self.cgroup.is_none() && seen.elapsed() >= QUIET {
                return;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// All that belong to the tree, stopped. What is found by its parent alone would be lost if that died first; and
    /// what is stopped starts nothing new.
    fn stop_all(&self) -> BTreeMap<Identity, OwnedFd> {
        let mut held = BTreeMap::new();
        loop {
            let before = held.len();
            for entry in self.tree() {
                if held.contains_key(&entry.identity()) {
                    continue;
                }
                // From here on, the pidfd is the process that is looked at, or that one is dead.
                let pid = Pid::from_raw(entry.pid.cast_signed());
                let Some(Ok(pidfd)) = pid.map(sys::pidfd_open) else {
                    continue;
                };
                if self.belongs(entry.pid, DEPTH) && sys::pidfd_send(&pidfd, Signal::STOP).is_ok() {
                    held.insert(entry.identity(), pidfd);
                }
            }
            if held.len() == before {
                return held;
            }
        }
    }

    /// The living that bear a mark, and their descendants.
    fn tree(&self) -> Vec<Entry> {
        if !self.sees_table {
            return Vec::new();
        }
        let mut table = table::read().unwrap_or_default();
        table.retain(|entry| !entry.is_dead && !is_guardian(entry));
        let marked = table.iter().map(|entry| entry.pid);
        let mut tree: BTreeSet<u32> = marked.filter(|pid| self.is_marked(*pid)).collect();
        loop {
            let before = tree.len();
            let children = table.iter().filter(|entry| tree.contains(&entry.parent));
            let children: Vec<_> = children.map(|entry| entry.pid).collect();
            tree.extend(children);
            if tree.len() == before {
                break;
            }
        }
        table.retain(|entry| tree.contains(&entry.pid));
        table
    }

    /// Whether it bears a mark, or its parent belongs. The parent is the same after as before: so it was alive, and its
    /// number its own.
    fn belongs(&self, pid: u32, depth: u32) -> bool {
        if self.is_marked(pid) {
            return true;
        }
        let parent = || Some(table::entry(pid)?.parent);
        let Some(before) = parent().filter(|parent| *parent > 1 && depth > 0) else {
            return false;
        };
        self.belongs(before, depth - 1) && parent() == Some(before)
    }

    fn is_marked(&self, pid: u32) -> bool {
        self.maker.mark_of(pid).is_some()
    }

    /// Kills what is in the cgroup, and forgets it once it is removed.
    fn end_cgroup(&mut self) {
        let is_over = match &mut self.cgroup {
            None => return,
            // If it was there before, it may hold processes of others, and then it is not removed.
            Some(ToldCgroup::Begun(path)) => {
                let _ = fs::remove_dir(path);
                true
            }
            Some(ToldCgroup::Made(cgroup)) if !cgroup.path().exists() => true,
            Some(ToldCgroup::Made(cgroup)) => {
                let _ = cgroup.kill();
                cgroup.members().is_ok_and(|members| members.is_empty()) && cgroup.remove().is_ok()
            }
        };
        if is_over {
            self.cgroup = None;
        }
    }
}

/// Whether it is the guardian of another process: one that the tree has in it, and that ends what that one has left.
fn is_guardian(entry: &Entry) -> bool {
    let program = |pid| fs::read_link(format!("/proc/{pid}/exe")).ok();
    NAME.to_str() == Ok(&entry.name)
        && (program(entry.pid).is_some() && program(entry.pid) == program(std::process::id()))
}

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_millis(64);

/// For how long nothing must be found. A process does not show its environment while it executes a program.
const QUIET: Duration = Duration::from_millis(100);

/// How long what is found may take to die: longer only if the kernel holds it.
const LIMIT: Duration = Duration::from_secs(60);

/// More generations than a tree has between two that bear a mark.
const DEPTH: u32 = 100;
