//! Memory and descriptors.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;

use crate::units::counted;

/// What this process holds.
pub(crate) struct Held {
    resident: f64,
    /// The first descriptor that is free.
    descriptor: f64,
}

impl Held {
    pub(crate) fn now() -> io::Result<Self> {
        // That of `statm` is rounded by some hundred pages.
        let rollup = fs::read_to_string("/proc/self/smaps_rollup")?;
        let resident = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
        let kibibytes =
            resident.and_then(|line| line.split_whitespace().next()?.parse::<u32>().ok());
        let kibibytes = kibibytes.ok_or_else(|| io::Error::other("no Rss in smaps_rollup"))?;
        Ok(Self {
            resident: f64::from(kibibytes) * 1024.0,
            descriptor: f64::from(File::open("/dev/null")?.as_raw_fd()),
        })
    }

    /// For each of so many: bytes and descriptors.
    pub(crate) fn since(&self, before: &Self, count: usize) -> [f64; 2] {
        let count = counted(count);
        [
            (self.resident - before.resident) / count,
            (self.descriptor - before.descriptor) / count,
        ]
    }
}
