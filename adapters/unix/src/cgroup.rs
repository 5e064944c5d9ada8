//! A cgroup of a child's own: it holds whatever the child starts, in whatever process group or session.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal};

use crate::sys;

/// A leaf of the cgroup v2 hierarchy (`cgroups(7)`), made beside us and removed when it is dropped. It
/// shows which processes belong to a child, kills all of them at once, and [limits](Self::limit) what they use.
///
/// ```no_run
/// use childminder_unix::{Cgroup, Child, SpawnOptions};
/// use std::process::Command;
///
/// let mut cgroup = Cgroup::create()?;
/// let start = SpawnOptions { cgroup: Some(cgroup.entrance()?), ..SpawnOptions::default() };
/// let mut child = Child::spawn_with(Command::new("make").arg("test"), &start)?;
/// cgroup.kill()?;
/// child.reap()?;
/// cgroup.remove()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
    is_limited: bool,
    /// As of its removal.
    oom_kills: u64,
    is_removed: bool,
}

/// What the members of a cgroup may use together. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Memory in bytes, the page cache included and swap not, as with systemd's `MemoryMax=`. The kernel kills
    /// members that need more.
    pub memory: Option<u64>,
    /// Processes and threads at a time. Beyond, none can be started.
    pub pids: Option<u64>,
    /// Processors, or parts of one: in each tenth of a second, so much time on all of them together. 0.01 is the
    /// least.
    pub cpus: Option<f64>,
}

impl Limits {
    /// Whether nothing is limited.
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }

    /// The controllers, the names of what they limit, and what is written there.
    fn settings(&self) -> io::Result<Vec<Setting>> {
        let setting = |controller, file, value| Setting {
            controller,
            file,
            value,
        };
        let mut settings = Vec::new();
        if let Some(bytes) = self.memory {
            settings.push(setting("memory", "memory.max", bytes.to_string()));
        }
        if let Some(count) = self.pids {
            settings.push(setting("pids", "pids.max", count.to_string()));
        }
        if let Some(cpus) = self.cpus {
            let quota = Duration::try_from_secs_f64(cpus * CPU_PERIOD.as_secs_f64())
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            let value = format!("{} {}", quota.as_micros(), CPU_PERIOD.as_micros());
            settings.push(setting("cpu", "cpu.max", value));
        }
        Ok(settings)
    }
}

impl Cgroup {
    /// Makes a leaf in our own cgroup, under a name that is free: `childminder-PID-N`. Where our own
    /// cgroup is, `/proc/self/cgroup` and `/proc/self/mountinfo` say.
    ///
    /// # Errors
    ///
    /// A sentence that says why none may be made: no cgroup v2 is mounted, or not our part of it, or
    /// it is not ours to write.
    pub fn create() -> io::Result<Self> {
        Self::create_telling(|_| Ok(()))
    }

    /// The same, but `tell` is told of each directory before it is made.
    pub(crate) fn create_telling(
        mut tell: impl FnMut(&Path) -> io::Result<()>,
    ) -> io::Result<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").map_err(unreadable)?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").map_err(unreadable)?;
        let mut first = None;
        for own in directories(&own, &mounts) {
            let parent = match own.parent() {
                Some(parent) if own.ends_with(leaf_of_ours()) => parent.to_owned(),
                _ => own,
            };
            match Self::create_in(&parent, &mut tell) {
                Ok(cgroup) => return Ok(cgroup),
                Err(error) => first = first.or(Some((parent, error))),
            }
        }
        Err(match first {
            Some((parent, error)) => io::Error::new(
                error.kind(),
                format!("cannot make a cgroup in {}: {error}", parent.display()),
            ),
            None => io::Error::new(
                io::ErrorKind::Unsupported,
                "cannot make a cgroup: no cgroup v2 with ours in it is mounted",
            ),
        })
    }

    fn create_in(
        parent: &Path,
        tell: &mut impl FnMut(&Path) -> io::Result<()>,
    ) -> io::Result<Self> {
        for number in 0.. {
            let path = parent.join(format!("childminder-{}-{number}", std::process::id()));
            tell(&path)?;
            match fs::create_dir(&path) {
                Ok(()) => {
                    // From here on, dropping it removes it.
                    let cgroup = Self::at(path);
                    cgroup.entrance()?;
                    return Ok(cgroup);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The one that another process has made there.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self {
            path,
            is_limited: false,
            oom_kills: 0,
            is_removed: false,
        }
    }

    /// Limits what its members, and those of cgroups below it, may use together. What is `None` stays as it was.
    ///
    /// A cgroup has the controllers for it (`memory`, `pids`, `cpu`) if its parent hands them on
    /// (`cgroup.subtree_control`); the parent is told to. The kernel allows that only where the parent has no
    /// processes of its own. If this process is alone in it, it moves to a leaf, `childminder-PID-own`, and stays
    /// there.
    ///
    /// ```no_run
    /// use childminder_unix::{Cgroup, Limits};
    ///
    /// let mut cgroup = Cgroup::create()?;
    /// let limits = Limits { memory: Some(512 << 20), cpus: Some(1.5), ..Limits::default() };
    /// cgroup.limit(&limits)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A sentence that says which controller is missing and why, and what can be done; `InvalidInput` for a number
    /// of processors that is none. Some limits may be set then.
    pub fn limit(&mut self, limits: &Limits) -> io::Result<()> {
        for setting in limits.settings()? {
            let file = self.path.join(setting.file);
            if !file.exists() {
                let parent = self.path.parent().unwrap_or(&self.path);
                hand_on(parent, setting.controller).map_err(|error| setting.refused(&error))?;
            }
            write(&file, &setting.value).map_err(|error| setting.refused(&error))?;
            self.is_limited = true;
        }
        Ok(())
    }

    /// Its `cgroup.procs`, opened for [`SpawnOptions::cgroup`](crate::SpawnOptions::cgroup).
    ///
    /// # Errors
    ///
    /// What `open(2)` says.
    pub fn entrance(&self) -> io::Result<OwnedFd> {
        let list = File::options().write(true).open(self.path.join(LIST))?;
        Ok(list.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether [`limit`](Self::limit) has set anything.
    pub fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// How many of its members, and of those of cgroups below it, the kernel has killed for want of memory, up to
    /// now or to its removal; 0 also where that is not counted, since it has no `memory` controller.
    pub fn oom_kills(&self) -> u64 {
        if self.is_removed {
            return self.oom_kills;
        }
        let events = fs::read_to_string(self.path.join("memory.events")).unwrap_or_default();
        let kills = events
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill "));
        kills.and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// The process ids of its members, and of those of cgroups below it. Dead processes are no members, and those in
    /// a PID namespace that is not below ours are not shown.
    ///
    /// # Errors
    ///
    /// What the system says when the lists cannot be read.
    pub fn members(&self) -> io::Result<Vec<u32>> {
        let mut members = Vec::new();
        for directory in subtree(&self.path)? {
            members.extend(listed(&directory)?);
        }
        Ok(members)
    }

    /// Sends SIGKILL to all members, those of cgroups below it included, and to what they start meanwhile:
    /// `cgroup.kill`, of Linux 5.14. Before that, to each that is listed: call it again until there are no
    /// [`members`](Self::members) left.
    ///
    /// # Errors
    ///
    /// What the system says, such as `PermissionDenied`.
    pub fn kill(&self) -> io::Result<()> {
        let all = File::options()
            .write(true)
            .open(self.path.join("cgroup.kill"));
        match all {
            Ok(mut file) => file.write_all(b"1"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.kill_each(),
            Err(error) => Err(error),
        }
    }

    /// By pidfds, opened before the list is read again: a process that is listed then is the one that the pidfd
    /// stands for, or that one is dead.
    fn kill_each(&self) -> io::Result<()> {
        let mut opened = Vec::new();
        for pid in self.members()? {
            let Some(number) = Pid::from_raw(pid.cast_signed()) else {
                continue;
            };
            match sys::pidfd_open(number) {
                Ok(pidfd) => opened.push((pid, pidfd)),
                Err(Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let still = self.members()?;
        let mut result = Ok(());
        for (_, pidfd) in opened.iter().filter(|(pid, _)| still.contains(pid)) {
            match sys::pidfd_send(pidfd, Signal::KILL) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(error) => result = Err(error.into()),
            }
        }
        result
    }

    /// Removes it, and what was made below it. Members are moved to our own cgroup, since a cgroup with members
    /// cannot be removed.
    ///
    /// # Errors
    ///
    /// What the system says when members cannot be moved, or when it is still busy after a second. It is
    /// left then. Removing it a second time is an error too.
    pub fn remove(&mut self) -> io::Result<()> {
        self.oom_kills = self.oom_kills();
        self.is_removed = true;
        let mut result = Ok(());
        for _ in 0..ATTEMPTS {
            result = self.try_remove();
            match &result {
                // There is a new member, or one that is just dying.
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    thread::sleep(PAUSE);
                }
                _ => break,
            }
        }
        result
    }

    fn try_remove(&self) -> io::Result<()> {
        let parent = self.path.parent().unwrap_or(&self.path);
        let ours = parent.join(leaf_of_ours());
        let home = if ours.is_dir() { &ours } else { parent }.join(LIST);
        for directory in subtree(&self.path)?.iter().rev() {
            for pid in listed(directory)? {
                let moved = write(&home, &pid.to_string());
                match moved {
                    // It died first.
                    Err(error) if error.raw_os_error() == Some(nix::libc::ESRCH) => {}
                    moved => moved?,
                }
            }
            fs::remove_dir(directory)?;
        }
        Ok(())
    }
}

impl Drop for Cgroup {
    /// Errors are dropped: there is no way to report them from here.
    fn drop(&mut self) {
        if !self.is_removed {
            let _ = self.remove();
        }
    }
}

/// One limit.
struct Setting {
    controller: &'static str,
    file: &'static str,
    value: String,
}

impl Setting {
    fn refused(&self, error: &io::Error) -> io::Error {
        let file = self.file;
        io::Error::new(error.kind(), format!("cannot set {file}: {error}"))
    }
}

/// Has `parent` hand this controller on to the cgroups in it.
fn hand_on(parent: &Path, controller: &str) -> io::Result<()> {
    let shown = parent.display();
    let available = fs::read_to_string(parent.join("cgroup.controllers"))?;
    if !available.split_whitespace().any(|name| name == controller) {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("the {controller} controller is not to be had in {shown}; {DELEGATE}"),
        ));
    }
    let enabled = enable(parent, controller).or_else(|error| {
        let is_busy = error.kind() == io::ErrorKind::ResourceBusy;
        if !is_busy || !listed(parent)?.into_iter().all(is_of_us) {
            return Err(error);
        }
        beside_none(parent, || enable(parent, controller))
    });
    enabled.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::ResourceBusy => "other processes are in it".to_owned(),
            _ => error.to_string(),
        };
        io::Error::new(
            error.kind(),
            format!(
                "the {controller} controller cannot be handed on in {shown}: {why}; {DELEGATE}"
            ),
        )
    })
}

fn enable(parent: &Path, controller: &str) -> io::Result<()> {
    write(
        &parent.join("cgroup.subtree_control"),
        &format!("+{controller}"),
    )
}

/// Moves us out of `parent`, and back if `attempt` fails then.
fn beside_none(parent: &Path, attempt: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let leaf = parent.join(leaf_of_ours());
    let all_move = |from: &Path, to: &Path| {
        let mut members = listed(from)?.into_iter().filter(|pid| is_of_us(*pid));
        members.try_for_each(|member| write(&to.join(LIST), &member.to_string()))
    };
    match fs::create_dir(&leaf) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let done = all_move(parent, &leaf).and_then(|()| attempt());
    if done.is_err() {
        // The error is told; nothing is lost if we stay.
        let _ = all_move(&leaf, parent).and_then(|()| fs::remove_dir(&leaf));
    }
    done
}

/// Whether this is our process, or its guardian.
fn is_of_us(pid: u32) -> bool {
    pid == std::process::id() || sys::is_unseen(pid)
}

/// Where we go, so that the cgroup we were in can hand controllers on.
fn leaf_of_ours() -> String {
    format!("childminder-{}-own", std::process::id())
}

/// Makes no file: the kernel does.
fn write(file: &Path, value: &str) -> io::Result<()> {
    File::options()
        .write(true)
        .open(file)?
        .write_all(value.as_bytes())
}

/// The members of this cgroup itself. The kernel lists a process of a PID namespace that we cannot see as 0.
fn listed(directory: &Path) -> io::Result<Vec<u32>> {
    let list = match fs::read_to_string(directory.join(LIST)) {
        // Something else is mounted there, or it was removed just now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        list => list?,
    };
    let pids = list.lines().filter_map(|line| line.parse().ok());
    Ok(pids.filter(|pid| *pid != 0).collect())
}

/// The directory and those below it, parents first.
fn subtree(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![path.to_owned()];
    let mut next = 0;
    while let Some(directory) = found.get(next).cloned() {
        let entries = match fs::read_dir(&directory) {
            // It was removed just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            entries => Some(entries?),
        };
        for entry in entries.into_iter().flatten() {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                found.push(entry.path());
            }
        }
        next += 1;
    }
    Ok(found)
}

/// Where our own cgroup can be seen: in every mounted cgroup v2 that shows it (`cgroups(7)`,
/// `proc_pid_mountinfo(5)`).
fn directories(own: &str, mounts: &str) -> Vec<PathBuf> {
    let own = own.lines().find_map(|line| line.strip_prefix("0::"));
    let Some(own) = own.map(Path::new) else {
        return Vec::new();
    };
    mounts
        .lines()
        .filter_map(|line| {
            let (mount, filesystem) = line.split_once(" - ")?;
            if filesystem.split(' ').next() != Some("cgroup2") {
                return None;
            }
            let mut fields = mount.split(' ').skip(3);
            let (root, point) = (unescaped(fields.next()?), unescaped(fields.next()?));
            let below = own.strip_prefix(root).ok()?;
            let outside = below.components().any(|part| part.as_os_str() == "..");
            (!outside).then(|| Path::new(&point).join(below).components().collect())
        })
        .collect()
}

/// The four characters that stand there as octal numbers.
fn unescaped(field: &str) -> String {
    let spaces = field.replace("\\040", " ").replace("\\011", "\t");
    spaces.replace("\\012", "\n").replace("\\134", "\\")
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreadable(error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot make a cgroup: ours is not known, since /proc cannot be read: {error}"),
    )
}

const LIST: &str = "cgroup.procs";

/// What the kernel takes if it is told of none.
const CPU_PERIOD: Duration = Duration::from_millis(100);

/// What helps where no controller is to be had.
const DELEGATE: &str = "start this program alone in a cgroup that has it, as `systemd-run --scope -p Delegate=yes` does";
const ATTEMPTS: u32 = 1000;
const PAUSE: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use std::process::Command;

    use childminder::ExitStatus;

    use super::*;
    use crate::{Child, SpawnOptions};

    fn seen(own: &str, mounts: &str) -> Vec<String> {
        let found = directories(own, mounts);
        found
            .iter()
            .map(|path| path.display().to_string())
            .collect()
    }

    #[test]
    fn our_cgroup_is_found_where_v2_is_mounted() {
        let hybrid = "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n";
        let own = "9:name=systemd:/x\n0::/user.slice/a b\n";
        assert_eq!(seen(own, hybrid), ["/sys/fs/cgroup/unified/user.slice/a b"]);
        assert_eq!(seen("9:name=systemd:/x\n", hybrid), [""; 0]);
        assert_eq!(seen("0::/", "1 1 0:1 / / rw - ext4 /dev/vda rw\n"), [""; 0]);
    }

    /// A cgroup that is none, with these files in it and in its parent.
    fn imitated(place: &Path, files: &[(&str, &str)]) -> Cgroup {
        let path = place.join("leaf");
        fs::create_dir_all(&path).expect("a directory");
        for (name, contents) in files {
            fs::write(place.join(name), contents).expect("a file");
        }
        Cgroup::at(path)
    }

    #[test]
    fn limits_are_written_where_the_kernel_reads_them() {
        let place = tempfile::tempdir().expect("a directory");
        let files = [
            ("leaf/memory.max", ""),
            ("leaf/pids.max", ""),
            ("leaf/cpu.max", ""),
        ];
        let mut cgroup = imitated(place.path(), &files);
        cgroup.limit(&Limits::default()).expect("nothing to do");
        assert!(!cgroup.is_limited());
        let limits = Limits {
            memory: Some(512 << 20),
            pids: Some(7),
            cpus: Some(1.5),
        };
        cgroup.limit(&limits).expect("files");
        assert!(cgroup.is_limited());
        let written = files.map(|(name, _)| fs::read_to_string(place.path().join(name)).ok());
        let expected = ["536870912", "7", "150000 100000"];
        assert_eq!(written, expected.map(|value| Some(value.to_owned())));
        for cpus in [f64::NAN, f64::INFINITY, -1.0] {
            let error = cgroup.limit(&Limits {
                cpus: Some(cpus),
                ..Limits::default()
            });
            assert_eq!(error.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn a_controller_that_is_missing_is_asked_for_and_named() {
        let place = tempfile::tempdir().expect("a directory");
        let files = [
            ("cgroup.controllers", "cpu memory\n"),
            ("cgroup.subtree_control", ""),
        ];
        let mut cgroup = imitated(place.path(), &files);
        let memory = Limits {
            memory: Some(1),
            ..Limits::default()
        };
        // A real parent would make the file appear.
        cgroup.limit(&memory).expect_err("there is no file");
        let asked = fs::read_to_string(place.path().join("cgroup.subtree_control"));
        assert_eq!(asked.expect("a file"), "+memory");
        let pids = Limits {
            pids: Some(1),
            ..Limits::default()
        };
        let error = cgroup.limit(&pids).expect_err("there is no controller");
        assert_eq!(
            error.to_string(),
            format!(
                "cannot set pids.max: the pids controller is not to be had in {}; {DELEGATE}",
                place.path().display()
            )
        );
        assert!(!cgroup.is_limited());
    }

    #[test]
    fn kills_for_want_of_memory_are_counted() {
        let place = tempfile::tempdir().expect("a directory");
        let mut cgroup = imitated(place.path(), &[]);
        assert_eq!(cgroup.oom_kills(), 0);
        let events = "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 1\n";
        fs::write(cgroup.path.join("memory.events"), events).expect("a file");
        assert_eq!(cgroup.oom_kills(), 2);
        fs::remove_file(cgroup.path.join("memory.events")).expect("a file");
        assert_eq!(cgroup.oom_kills(), 0);
        fs::write(cgroup.path.join("memory.events"), events).expect("a file");
        let _ = cgroup.remove();
        assert_eq!(cgroup.oom_kills(), 2);
    }

    #[test]
    fn without_the_file_that_kills_all_each_is_killed() {
        let mut cgroup = Cgroup::create().expect("a cgroup");
        let start = SpawnOptions {
            cgroup: Some(cgroup.entrance().expect("an entrance")),
            ..SpawnOptions::default()
        };
        let mut command = Command::new("sh");
        command.args(["-c", "setsid sleep 1000 & sleep 1000"]);
        let mut child = Child::spawn_with(&mut command, &start).expect("a child");
        while cgroup.members().expect("a list").len() < 3 {
            thread::yield_now();
        }
        while !cgroup.members().expect("a list").is_empty() {
            cgroup.kill_each().expect("ours");
        }
        let killed = ExitStatus::Signal(childminder::Signal::KILL);
        assert_eq!(child.reap().expect("a status"), killed);
        cgroup.remove().expect("it is empty");
    }

    #[test]
    fn a_part_of_the_hierarchy_may_be_mounted_anywhere() {
        let part = "41 31 0:38 /user.slice /a\\040place rw - cgroup2 none rw\n";
        assert_eq!(seen("0::/user.slice/b", part), ["/a place/b"]);
        assert_eq!(seen("0::/user.slice", part), ["/a place"]);
        assert_eq!(seen("0::/system.slice", part), [""; 0]);
        assert_eq!(seen("0::/user.slice/../b", part), [""; 0]);
    }
}
