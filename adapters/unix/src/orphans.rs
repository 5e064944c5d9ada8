//! Processes that lost their parent below us.

use std::collections::BTreeSet;
use std::fmt;
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
    /// Whether `/proc` shows them, once that is known. Process 1 may be without.
    sees_table: Option<bool>,
    /// Children that we had before, and their descendants: neither killed nor reaped.
    inherited: Kin,
    /// What children that are over left on purpose, and its descendants: reaped, and not killed.
    left: Kin,
    reaped: usize,
}

/// A process that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Its process id. It stays its own until [`Orphans::reap`] is called the next time, if it is a child of
    /// ours.
    pub pid: u32,
    /// The id of its process group; 0 if it is not known.
    pub group: u32,
    /// The name of its program, at most 15 bytes of it.
    pub name: String,
}

/// What is left below us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Living {
    /// The orphans, and their descendants. Some may have died since they were last reaped.
    pub known: Vec<Orphan>,
    /// Whether an orphan lives that `/proc` does not show us, as it may be mounted (`hidepid`).
    pub unknown: bool,
}

impl Orphan {
    /// The process of this id, as `/proc` has it; without a group and a name where it does not show it.
    pub fn of_pid(pid: u32) -> Self {
        table::entry(pid).map_or_else(|| Self::unseen(pid), |entry| entry.orphan())
    }

    pub(crate) fn unseen(pid: u32) -> Self {
        Self {
            pid,
            group: 0,
            name: String::new(),
        }
    }
}

impl Orphans {
    /// Makes orphans below us our children from now on. Children that we have already, as a program has
    /// that a shell became (`exec`), are not ours to touch, nor are their descendants, as far as they can be
    /// told: one that is started and loses its parent between two looks counts as an orphan.
    ///
    /// As process 1 we are given every orphan anyway, and take inherited children for orphans too, as an
    /// init does: nothing else would reap them.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other systems than Linux; and, unless we are process 1, a sentence where `/proc` is
    /// missing or shows another PID namespace: then no orphan could be found. Process 1 then does without: it
    /// reaps orphans, but does not know which live.
    pub fn adopt() -> io::Result<Self> {
        Self::adopt_beside(&[])
    }

    /// The same, where the children of `minded` run already: they are no inherited children, and what they
    /// leave from now on is adopted.
    ///
    /// # Errors
    ///
    /// As [`adopt`](Self::adopt).
    pub fn adopt_beside(minded: &[u32]) -> io::Result<Self> {
        let sees_table = Some(sees_table()?);
        Ok(Self {
            sees_table,
            ..Self::adopt_unchecked(minded)?
        })
    }

    /// The same, without a look whether `/proc` shows them: the first orphan that is looked for will tell. For a
    /// process that may be over before there is one.
    ///
    /// # Errors
    ///
    /// As [`adopt`](Self::adopt), but those of a `/proc` that is not needed yet.
    pub fn adopt_unchecked(minded: &[u32]) -> io::Result<Self> {
        let mut orphans = Self {
            sees_table: None,
            inherited: Kin::default(),
            left: Kin::default(),
            reaped: 0,
        };
        if std::process::id() == 1 {
            return Ok(orphans);
        }
        sys::adopt_orphans()?;
        if sys::look_at_children()? != sys::Look::Childless {
            let us = std::process::id();
            let table = orphans.table()?;
            let children = table
                .iter()
                .filter(|entry| entry.parent == us && !minded.contains(&entry.pid));
            orphans.inherited.extend(children);
        }
        Ok(orphans)
    }

    /// Whether `/proc` shows them, as [`adopt`](Self::adopt) looks.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn can_be_seen() -> io::Result<()> {
        table::is_ours()
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
                    count += self.reap_one(pid)?;
                }
                // Only one dead child is shown, and this one must stay: the table shows the others.
                sys::Look::Dead(_) => break,
                sys::Look::NoneDead if !self.inherited.is_empty() => break,
                sys::Look::NoneDead | sys::Look::Childless => return Ok(count),
            }
        }
        let table = self.table()?;
        for entry in self.descendants(&table, minded) {
            if entry.parent == std::process::id() {
                count += self.reap_one(entry.pid)?;
            }
        }
        Ok(count)
    }

    /// The orphans that are alive, and their descendants, but for the children of `minded`. No orphan is left when
    /// this is empty and [`reap`](Self::reap) has reaped none: one that dies may leave others.
    ///
    /// # Errors
    ///
    /// As [`reap`](Self::reap).
    pub fn living(&mut self, minded: &[u32]) -> io::Result<Living> {
        let (found, unknown) = self.survey(minded, |_| true)?;
        let known = found.iter().map(Entry::orphan).collect();
        Ok(Living { known, unknown })
    }

    /// Sends SIGKILL to an orphan that [`living`](Self::living) has shown, if it is a child of ours: no other process
    /// can have its id then. Its descendants become children of ours when it is dead.
    ///
    /// # Errors
    ///
    /// `PermissionDenied`, as `kill(2)` has it, when it runs as another user.
    pub fn kill(&self, orphan: &Orphan) -> io::Result<Delivery> {
        sys::kill_child(orphan.pid)
    }

    /// How many orphans have been reaped so far.
    pub fn reaped(&self) -> usize {
        self.reaped
    }

    /// The living orphans that `belongs` tells, with their descendants, parents first, without what is left on
    /// purpose; and whether an orphan lives that `/proc` does not show.
    pub(crate) fn survey(
        &mut self,
        minded: &[u32],
        belongs: impl Fn(u32) -> bool,
    ) -> io::Result<(Vec<Entry>, bool)> {
        if !sys::has_living_child()? {
            return Ok((Vec::new(), false));
        }
        let table = self.table()?;
        let us = std::process::id();
        let mut foreign = BTreeSet::new();
        let (mut found, mut sees_living_child) = (Vec::new(), false);
        for entry in self.descendants(&table, minded) {
            let is_child = entry.parent == us;
            // What is dead and no child of ours is reaped by its parent.
            if entry.is_dead && !is_child {
                continue;
            }
            sees_living_child |= is_child && !entry.is_dead;
            let is_foreign = self.left.has(entry)
                || foreign.contains(&entry.parent)
                || is_child && !belongs(entry.pid);
            if is_foreign {
                foreign.insert(entry.pid);
            } else {
                found.push(entry.clone());
            }
        }
        let is_explained = sees_living_child
            || !self.inherited.is_empty()
            || minded.iter().any(|pid| sys::lives(*pid).unwrap_or(true));
        let is_hidden = !is_explained && sys::has_living_child()?;
        Ok((found, is_hidden))
    }

    /// These live on: they are no strays of any child that is still to end, nor is what they start.
    pub(crate) fn leave<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) {
        self.left.extend(entries);
    }

    fn reap_one(&mut self, pid: u32) -> io::Result<usize> {
        let reaped = usize::from(sys::reap_child(pid)?);
        self.reaped += reaped;
        Ok(reaped)
    }

    fn is_ours_to_reap(&self, pid: u32, minded: &[u32]) -> bool {
        !minded.contains(&pid) && !self.inherited.has_id(pid)
    }

    /// All processes; none where they are not to be seen.
    fn table(&mut self) -> io::Result<Vec<Entry>> {
        let sees_table = self.sees_table.map_or_else(sees_table, Ok)?;
        self.sees_table = Some(sees_table);
        if !sees_table {
            return Ok(Vec::new());
        }
        let entries = read_table()?;
        self.inherited.follow(&entries);
        self.left.follow(&entries);
        Ok(entries)
    }

    /// Our descendants that are neither minded nor inherited, parents before children.
    fn descendants<'a>(&self, entries: &'a [Entry], minded: &[u32]) -> Vec<&'a Entry> {
        let foreign = |entry: &Entry| minded.contains(&entry.pid) || self.inherited.has(entry);
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

/// Whether the process table shows what we see. Only process 1 can do without.
fn sees_table() -> io::Result<bool> {
    match table::is_ours() {
        Ok(()) => Ok(true),
        Err(_) if std::process::id() == 1 => Ok(false),
        Err(error) => Err(error),
    }
}

/// All processes but our guardian, which is a child of ours and neither a child that is minded nor an orphan.
fn read_table() -> io::Result<Vec<Entry>> {
    let mut entries = table::read()?;
    entries.retain(|entry| !sys::is_unseen(entry.pid));
    Ok(entries)
}

/// Some processes, and what they have started.
#[derive(Debug, Default)]
struct Kin(BTreeSet<Identity>);

impl Kin {
    fn extend<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) {
        self.0.extend(entries.into_iter().map(Entry::identity));
    }

    /// Forgets what is gone, and adds what the others have started.
    fn follow(&mut self, entries: &[Entry]) {
        if self.is_empty() {
            return;
        }
        let there: BTreeSet<_> = entries.iter().map(Entry::identity).collect();
        self.0.retain(|known| there.contains(known));
        loop {
            let parents: BTreeSet<_> = self.0.iter().map(|known| known.pid).collect();
            let before = self.0.len();
            let of_theirs = entries
                .iter()
                .filter(|entry| parents.contains(&entry.parent));
            self.0.extend(of_theirs.map(Entry::identity));
            if self.0.len() == before {
                return;
            }
        }
    }

    fn has(&self, entry: &Entry) -> bool {
        self.0.contains(&entry.identity())
    }

    fn has_id(&self, pid: u32) -> bool {
        self.0.iter().any(|known| known.pid == pid)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Its name and its process id. Control characters of the name are escaped.
impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.name.chars() {
            if char.is_control() {
                write!(f, "{}", char.escape_default())?;
            } else {
                write!(f, "{char}")?;
            }
        }
        write!(f, " ({})", self.pid)
    }
}

impl Entry {
    pub(crate) fn orphan(&self) -> Orphan {
        Orphan {
            pid: self.pid,
            group: self.group,
            name: self.name.clone(),
        }
    }
}
