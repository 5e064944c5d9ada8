//! Processes that lost their parent below us.

use std::collections::BTreeSet;
use std::io;

use crate::status::Delivery;
use crate::sys;
use crate::sys::table::{self, Entry, Identity};

/// The orphans among our descendants: what a child left behind when it died, in whatever process group or
/// session. The system would give them to init; here they become children of ours, as
/// `PR_SET_CHILD_SUBREAPER(2const)` has it.
///
/// A process has one of these at most. Whatever child is not named as minded counts as an orphan, so other
/// ways to start children do not go together with this.
///
/// ```standalone_crate
/// use childminder_unix::{Child, Orphans};
/// use std::process::Command;
///
/// let mut orphans = Orphans::adopt()?;
/// // The shell is gone at once; what it started in a session of its own is not.
/// let mut child = Child::spawn(Command::new("sh").args(["-c", "setsid sleep 1000 &"]))?;
/// child.reap()?;
/// loop {
///     let reaped = orphans.reap(&[])?;
///     let living = orphans.living(&[])?;
///     if reaped == 0 && living.known.is_empty() {
///         break;
///     }
///     for orphan in &living.known {
///         orphans.kill(orphan)?;
///     }
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Orphans {
    /// Process 1 may be without.
    sees_table: bool,
    inherited: BTreeSet<Identity>,
}

/// A process that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Its process id. It stays its own until [`Orphans::reap`] is called the next time, if it is a child of
    /// ours.
    pub pid: u32,
    /// The id of its process group.
    pub group: u32,
    /// The name of its program, at most 15 bytes of it.
    pub name: String,
}

/// Who is left below us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Living {
    /// The orphans, and their descendants. Some may have died since they were last reaped.
    pub known: Vec<Orphan>,
    /// Whether there is somebody whom `/proc` does not show us, as it may be mounted (`hidepid`).
    pub unknown: bool,
}

impl Orphans {
    /// Makes orphans below us our children from now on. Children that we have already, as a program has
    /// that a shell became (`exec`), are not ours to touch, nor are their descendants, as far as they can be
    /// told: one that is started and loses its parent between two looks counts as an orphan.
    ///
    /// As process 1 we are given every orphan anyway, and take inherited children for orphans too, as an
    /// init does: somebody has to reap them.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other systems than Linux; and, unless we are process 1, a sentence where `/proc` is
    /// missing or shows another PID namespace: then nobody could be found. Process 1 then does without: it
    /// reaps, but knows nobody who lives.
    pub fn adopt() -> io::Result<Self> {
        let table = table::is_ours();
        let mut orphans = Self {
            sees_table: table.is_ok(),
            inherited: BTreeSet::new(),
        };
        if std::process::id() == 1 {
            return Ok(orphans);
        }
        table?;
        sys::adopt_orphans()?;
        if sys::look_at_children()? != sys::Look::Childless {
            let us = std::process::id();
            let mut children = table::read()?;
            children.retain(|entry| entry.parent == us);
            orphans.inherited = children.iter().map(Entry::identity).collect();
        }
        Ok(orphans)
    }

    /// Reaps the orphans that are dead, each by its own process id, and no child of `minded`: those that
    /// have not been reaped by their owners yet. Never blocks.
    ///
    /// # Errors
    ///
    /// What the system says when it has no descriptor left for `/proc`.
    pub fn reap(&mut self, minded: &[u32]) -> io::Result<usize> {
        let mut count = 0;
        loop {
            match sys::look_at_children()? {
                sys::Look::Dead(pid) if self.is_ours_to_reap(pid, minded) => {
                    count += usize::from(sys::reap_child(pid)?);
                }
                // It hides the dead behind it.
                sys::Look::Dead(_) => break,
                sys::Look::NoneDead if !self.inherited.is_empty() => break,
                sys::Look::NoneDead | sys::Look::Childless => return Ok(count),
            }
        }
        let table = self.table()?;
        for entry in self.descendants(&table, minded) {
            let is_child = entry.parent == std::process::id();
            count += usize::from(is_child && sys::reap_child(entry.pid)?);
        }
        Ok(count)
    }

    /// Who lives, of the orphans and those below them, but for the children of `minded`. When nobody does, and
    /// [`reap`](Self::reap) reaps none, nobody is left; whoever dies may leave orphans in turn.
    ///
    /// # Errors
    ///
    /// As [`reap`](Self::reap).
    pub fn living(&mut self, minded: &[u32]) -> io::Result<Living> {
        if sys::look_at_children()? == sys::Look::Childless {
            return Ok(Living::default());
        }
        let table = self.table()?;
        let known: Vec<_> = self
            .descendants(&table, minded)
            .into_iter()
            .filter(|entry| !entry.is_dead || entry.parent == std::process::id())
            .map(Entry::orphan)
            .collect();
        let explained = !known.is_empty() || !minded.is_empty() || !self.inherited.is_empty();
        Ok(Living {
            unknown: !explained && sys::look_at_children()? == sys::Look::NoneDead,
            known,
        })
    }

    /// Sends SIGKILL to an orphan that [`reap`](Self::reap) found living. Only to a child of ours, whose
    /// process id nobody else can have: its descendants are children of ours when it is dead.
    ///
    /// # Errors
    ///
    /// `PermissionDenied`, as `kill(2)` has it, when it runs as somebody else.
    pub fn kill(&self, orphan: &Orphan) -> io::Result<Delivery> {
        sys::kill_child(orphan.pid)
    }

    fn is_ours_to_reap(&self, pid: u32, minded: &[u32]) -> bool {
        let inherited = self.inherited.iter().any(|known| known.pid == pid);
        !minded.contains(&pid) && !inherited
    }

    /// All processes; none where they are not to be seen.
    fn table(&mut self) -> io::Result<Vec<Entry>> {
        if !self.sees_table {
            return Ok(Vec::new());
        }
        let entries = table::read()?;
        self.follow_inherited(&entries);
        Ok(entries)
    }

    /// What inherited children start is not ours either.
    fn follow_inherited(&mut self, entries: &[Entry]) {
        if self.inherited.is_empty() {
            return;
        }
        let there: BTreeSet<_> = entries.iter().map(Entry::identity).collect();
        self.inherited.retain(|known| there.contains(known));
        loop {
            let parents: BTreeSet<_> = self.inherited.iter().map(|known| known.pid).collect();
            let before = self.inherited.len();
            let of_theirs = entries
                .iter()
                .filter(|entry| parents.contains(&entry.parent));
            self.inherited.extend(of_theirs.map(Entry::identity));
            if self.inherited.len() == before {
                return;
            }
        }
    }

    /// Those of ours and theirs, parents first.
    fn descendants<'a>(&self, entries: &'a [Entry], minded: &[u32]) -> Vec<&'a Entry> {
        let foreign = |entry: &Entry| {
            minded.contains(&entry.pid) || self.inherited.contains(&entry.identity())
        };
        let children_of = |parent: u32| {
            entries
                .iter()
                .filter(move |entry| entry.parent == parent && entry.pid != parent)
        };
        let mut found: Vec<_> = children_of(std::process::id())
            .filter(|entry| !foreign(entry))
            .collect();
        let mut next = 0;
        while let Some(entry) = found.get(next) {
            found.extend(
                children_of(entry.pid)
                    .filter(|child| !foreign(child))
                    .collect::<Vec<_>>(),
            );
            next += 1;
        }
        found
    }
}

impl Entry {
    fn orphan(&self) -> Orphan {
        Orphan {
            pid: self.pid,
            group: self.group,
            name: self.name.clone(),
        }
    }
}
