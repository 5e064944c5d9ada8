//! All that is measured.

mod spawn;

use std::io;

use crate::contestant::Args;
use crate::race::Race;
use crate::workshop::Workshop;

/// Takes a sample.
pub(crate) type Contest = fn(&mut Args<'_>) -> io::Result<Vec<f64>>;

pub(crate) const CONTESTANTS: &[&[(&str, Contest)]] = &[spawn::CONTESTANTS];

pub(crate) fn all(workshop: &Workshop) -> Vec<Race> {
    [spawn::races(workshop)].into_iter().flatten().collect()
}
