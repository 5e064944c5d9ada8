//! Marks in the environment: they tell which child of which process another process descends from, also when all
//! that were between them are dead.

use std::env;
use std::ffi::OsString;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys::table;

/// `PROCESS-ID.NUMBER.TOKEN` of each process that has marked a child, separated by colons, the innermost last.
pub(crate) const VARIABLE: &str = "CHILDMINDER_CHILD";

/// The marks of one process. No other process ever makes the same: a process id is given again, a random number of 128
/// bits is not.
#[derive(Clone, Debug)]
pub(crate) struct Maker {
    id: u32,
    token: &'static str,
}

impl Maker {
    /// This process.
    pub(crate) fn this_process() -> Self {
        static TOKEN: OnceLock<String> = OnceLock::new();
        let token = TOKEN.get_or_init(|| {
            // The keys of the hash are random.
            let random = RandomState::new();
            format!("{:016x}{:016x}", random.hash_one(0), random.hash_one(1))
        });
        Self {
            id: std::process::id(),
            token,
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// A mark for one more child.
    pub(crate) fn mark(&self) -> String {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        format!("{}.{number}.{}", self.id, self.token)
    }

    /// The innermost mark from here, of those in the environment of the process `pid`.
    pub(crate) fn mark_of(&self, pid: u32) -> Option<String> {
        let marks = table::variable(pid, VARIABLE)?;
        let mark = marks.rsplit(':').find(|mark| self.has_made(mark))?;
        Some(mark.to_owned())
    }

    fn has_made(&self, mark: &str) -> bool {
        let mut parts = mark.split('.');
        let id = parts.next().and_then(|id| id.parse().ok());
        id == Some(self.id) && parts.nth(1) == Some(self.token) && parts.next().is_none()
    }
}

/// What the variable is to be for a child with this mark, where it is `outer` without.
pub(crate) fn within(outer: Option<OsString>, mark: &str) -> OsString {
    let mut marks = outer.map_or_else(OsString::new, |mut outer| {
        outer.push(":");
        outer
    });
    marks.push(mark);
    marks
}

/// What the variable is in this process.
pub(crate) fn ours() -> Option<OsString> {
    env::var_os(VARIABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_known_by_its_maker_alone() {
        let maker = Maker::this_process();
        let mark = maker.mark();
        assert!(maker.has_made(&mark));
        let (id, token) = (maker.id, maker.token);
        for other in [
            format!("{id}.1"),
            format!("{id}.1.{}", token.replace(|_| true, "0")),
            format!("{}.1.{token}", id + 1),
            format!("{mark}.1"),
            String::new(),
        ] {
            assert!(!maker.has_made(&other), "{other}");
        }
        assert_ne!(mark, maker.mark());
    }
}
