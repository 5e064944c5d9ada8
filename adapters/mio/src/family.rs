//! The processes of one set that are known to the kernel as our children.

use std::collections::BTreeSet;
use std::io;

use childminder_unix::Orphans;

/// The children of a set that have not been reaped, from the first on whose strays are looked for, and the orphans, once
/// they are adopted.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) orphans: Option<Orphans>,
    /// None as long as nobody asks for them.
    unreaped: Option<BTreeSet<u32>>,
    /// A child has died, which may have left orphans that are dead by now.
    death: bool,
}

impl Family {
    /// Strays will be looked for: the unreaped are known from now on, and these are those so far.
    pub(crate) fn meet<I: Iterator<Item = u32>>(&mut self, unreaped: impl FnOnce() -> I) {
        self.unreaped.get_or_insert_with(|| unreaped().collect());
    }

    /// Makes orphans children of ours from now on, if they are not yet.
    pub(crate) fn adopt(&mut self) -> io::Result<()> {
        if self.orphans.is_none() {
            self.orphans = Some(Orphans::adopt_beside(&self.unreaped())?);
        }
        Ok(())
    }

    pub(crate) fn adopt_unchecked(&mut self) -> io::Result<()> {
        if self.orphans.is_none() {
            self.orphans = Some(Orphans::adopt_unchecked(&self.unreaped())?);
        }
        Ok(())
    }

    pub(crate) fn reap_orphans(&mut self) -> io::Result<usize> {
        self.death = false;
        let unreaped = self.unreaped();
        let orphans = self.orphans.as_mut();
        orphans.map_or(Ok(0), |orphans| orphans.reap(&unreaped))
    }

    /// Once for each turn in which a child has died.
    pub(crate) fn reap_orphans_after_death(&mut self) {
        if self.death {
            // The next look for strays meets the same error, and notes it.
            let _ = self.reap_orphans();
        }
    }

    pub(crate) fn died(&mut self) {
        self.death = self.orphans.is_some();
    }

    pub(crate) fn add(&mut self, process_id: u32) {
        if let Some(unreaped) = &mut self.unreaped {
            unreaped.insert(process_id);
        }
    }

    pub(crate) fn remove(&mut self, process_id: u32) {
        if let Some(unreaped) = &mut self.unreaped {
            unreaped.remove(&process_id);
        }
    }

    pub(crate) fn unreaped(&self) -> Vec<u32> {
        self.unreaped.iter().flatten().copied().collect()
    }
}
