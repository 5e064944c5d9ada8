//! The process table, as `proc_pid_stat(5)` shows it.
//!
//! `/proc/PID/task/TID/children` would be shorter, but many kernels are built without it.

use std::fs;
use std::io;

/// One process of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) name: String,
    /// A zombie. (Or one whose main thread alone has ended; the kernel does not let that be reaped.)
    pub(crate) is_dead: bool,
    started: u64,
}

/// What a process is known by, though its id is given to another when it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    /// In clock ticks since the system's start.
    started: u64,
}

impl Entry {
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            pid: self.pid,
            started: self.started,
        }
    }

    /// `PID (NAME) STATE PARENT GROUP …`, where the name may hold anything.
    fn parse(stat: &str) -> Option<Self> {
        let (pid, rest) = stat.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let fields: Vec<_> = rest.split_whitespace().collect();
        Some(Self {
            pid: pid.parse().ok()?,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            name: name.to_owned(),
            is_dead: matches!(*fields.first()?, "Z" | "X"),
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

/// Every process that is there from the beginning of the call to its end, and perhaps others.
pub(crate) fn read() -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for dir in fs::read_dir("/proc")? {
        let path = dir?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str()?.parse::<u32>().ok());
        if number.is_none() {
            continue;
        }
        match fs::read(path.join("stat")) {
            Ok(stat) => entries.extend(Entry::parse(&String::from_utf8_lossy(&stat))),
            // It has gone meanwhile, or is not shown to us (`hidepid`).
            Err(error) if is_final(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(entries)
}

/// This process, if it is there and shown to us.
pub(crate) fn entry(pid: u32) -> Option<Entry> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    Entry::parse(&String::from_utf8_lossy(&stat))
}

/// What this variable was when the process was executed; none if it is not set, or not shown to us.
pub(crate) fn variable(pid: u32, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let value = environment
        .split(|byte| *byte == 0)
        .find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// An error unless `/proc` is there and numbers processes as `kill(2)` does here. (`pid_namespaces(7)`: the
/// `/proc` of another namespace shows that one's numbers.)
pub(crate) fn is_ours() -> io::Result<()> {
    let status = fs::read_to_string("/proc/self/status")
        .map_err(|error| io::Error::new(error.kind(), format!("cannot read /proc: {error}")))?;
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    if ids.map(str::trim) == Some(&std::process::id().to_string()) {
        return Ok(());
    }
    Err(io::Error::other("/proc belongs to another PID namespace"))
}

/// Whether another attempt would fail the same way. A shortage of descriptors or memory passes.
pub(crate) fn is_final(error: &io::Error) -> bool {
    let is_gone = error.raw_os_error() == Some(nix::libc::ESRCH);
    is_gone
        || matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let rest = "1 2 3 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        let entry = Entry::parse(&format!("12 (a) Z (b)) S {rest}")).expect("a process");
        assert_eq!((entry.name.as_str(), entry.is_dead), ("a) Z (b)", false));
        assert_eq!(
            (entry.pid, entry.parent, entry.group, entry.started),
            (12, 1, 2, 4711)
        );
        assert!(
            Entry::parse(&format!("12 (a) Z {rest}"))
                .expect("a process")
                .is_dead
        );
        assert_eq!(Entry::parse(""), None);
    }

    #[test]
    fn we_are_in_the_table() {
        is_ours().expect("our own /proc");
        let us = std::process::id();
        let table = read().expect("the table");
        assert!(table.iter().any(|entry| entry.pid == us && !entry.is_dead));
    }
}
