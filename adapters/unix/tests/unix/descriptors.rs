//! What a child has of our descriptors, however many there are.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use childminder::ExitStatus;
use childminder_unix::{Child, Command, SpawnOptions, Stdio};
use nix::libc;
use rustix::fs::{CWD, FileType, Mode, mknodat};
#[cfg(target_arch = "x86_64")]
use rustix::io::Errno;
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::alone::again_in_a_process_of_its_own;
#[cfg(target_arch = "x86_64")]
use crate::refusals::{Refusal, refused};
use crate::waits::{read_all, sh};

#[test]
fn a_child_has_what_is_not_close_on_exec_and_among_many_that_of_low_numbers() {
    let name =
        "descriptors::a_child_has_what_is_not_close_on_exec_and_among_many_that_of_low_numbers";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let _handed_on = [handed_on(40), handed_on(500)];
    assert_eq!(those_of_a_child(), ["40", "500"]);

    let _open = open_files(100);
    assert_eq!(those_of_a_child(), ["40"]);
}

/// Those of the two that are open in it.
fn those_of_a_child() -> Vec<String> {
    let script = "for fd in 40 500; do test -e /proc/$$/fd/$fd && echo $fd; done; :";
    let said = said_by(&mut sh(script));
    said.lines().map(str::to_owned).collect()
}

/// A file that is not close-on-exec, with a number from `first` on.
fn handed_on(first: i32) -> OwnedFd {
    let file = File::open("/dev/null").expect("a file");
    let fd = fcntl_dupfd_cloexec(&file, first).expect("a descriptor");
    fcntl_setfd(&fd, FdFlags::empty()).expect("no error");
    fd
}

#[test]
fn pipes_reach_a_child_past_thousands_of_descriptors() {
    let name = "descriptors::pipes_reach_a_child_past_thousands_of_descriptors";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let _open = open_files(19_000);
    pipes_reach_a_child();
    // As where a process may not be looked into: all is copied then. (Its loader has another call to open files.)
    #[cfg(target_arch = "x86_64")]
    refused(
        &[Refusal::new(libc::SYS_open, Errno::ACCESS)],
        pipes_reach_a_child,
    );
}

/// There our number is another process's, or nobody's.
#[test]
fn pipes_reach_a_child_where_proc_is_of_other_processes() {
    let name = "descriptors::pipes_reach_a_child_where_proc_is_of_other_processes";
    let fake = r#"mount -t tmpfs none /proc && exec "$0" "$@""#;
    if again_in_a_process_of_its_own(name, &["unshare", "--mount", "sh", "-c", fake]) {
        return;
    }
    let pipes = format!("/proc/{}/fd", std::process::id());
    fs::create_dir_all(&pipes).expect("a directory");
    for number in 0..200 {
        let pipe = format!("{pipes}/{number}");
        mknodat(CWD, pipe, FileType::Fifo, Mode::RWXU, 0).expect("a pipe");
    }
    let _open = open_files(100);
    // One that waits for the other end of such a pipe does not outlive the test.
    let options = SpawnOptions {
        kill_on_parent_death: true,
        ..SpawnOptions::default()
    };
    // A pipe to write to cannot be opened there, but one to read from can.
    for its_output_is_a_pipe in [true, false] {
        let mut file = tempfile::tempfile().expect("a file");
        let mut command = Command::new("/bin/cat");
        command.stdin(Stdio::piped());
        if its_output_is_a_pipe {
            command.stdout(Stdio::piped());
        } else {
            command.stdout(file.try_clone().expect("a copy"));
        }
        let mut child = Child::spawn_with(&mut command, &options).expect("a child");
        let mut stdin = child.take_stdin().expect("its input");
        stdin.write_all(b"here").expect("it reads");
        drop(stdin);
        child.reap().expect("a status");
        let said = child.take_stdout().map(|stdout| read_all(&stdout));
        let said = said.unwrap_or_else(|| text_of(&mut file));
        assert_eq!(said, "here");
    }
}

#[test]
fn standard_streams_that_are_closed_are_in_nobodys_way() {
    let name = "descriptors::standard_streams_that_are_closed_are_in_nobodys_way";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let mut file = tempfile::tempfile().expect("a file");
    let mut command = sh(r#"its=$(readlink /proc/$$/fd/1); echo "$its" >&2"#);
    command
        .stdin(file.try_clone().expect("a copy"))
        .stdout(Stdio::null())
        .stderr(file.try_clone().expect("a copy"));
    let (stdin, stdout) = (rustix::stdio::stdin(), rustix::stdio::stdout());
    let ours = [stdin, stdout].map(|stream| rustix::io::dup(stream).expect("a copy"));
    nix::unistd::close(0).expect("it is open");
    nix::unistd::close(1).expect("it is open");
    // The pidfd gets the number 0, and what the child opens, at first, the number 1.
    let status = Child::spawn(&mut command).and_then(|mut child| child.reap());
    rustix::stdio::dup2_stdin(&ours[0]).expect("it is back");
    rustix::stdio::dup2_stdout(&ours[1]).expect("it is back");
    assert_eq!(status.expect("a status"), ExitStatus::Code(0));
    assert_eq!(text_of(&mut file), "/dev/null\n");
}

fn pipes_reach_a_child() {
    let mut command = Command::new("/bin/sh");
    let script = "read line; echo $line; grep flags: /proc/self/fdinfo/0 >&2; cat";
    command.args(["-c", script]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = Child::spawn(&mut command).expect("a child");
    let mut stdin = child.take_stdin().expect("its input");
    stdin.write_all(b"one\ntwo\n").expect("it reads");
    drop(stdin);
    assert_eq!(
        read_all(&child.take_stdout().expect("its output")),
        "one\ntwo\n"
    );
    let flags = read_all(&child.take_stderr().expect("its errors"));
    let flags = flags.trim_start_matches("flags:").trim();
    let flags = i32::from_str_radix(flags, 8).expect("a number");
    assert_eq!(flags & (libc::O_NONBLOCK | libc::O_ACCMODE), libc::O_RDONLY);
    assert_eq!(child.reap().expect("a status"), ExitStatus::Code(0));
}

/// It is the same open file, with one position.
#[test]
fn a_file_that_is_given_is_shared_whatever_its_number() {
    let name = "descriptors::a_file_that_is_given_is_shared_whatever_its_number";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    for open in [0, 100] {
        let _open = open_files(open);
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"1\n").expect("written");
        let mut command = sh("echo 2");
        command.stdout(file.try_clone().expect("a copy"));
        let mut child = Child::spawn(&mut command).expect("a child");
        child.reap().expect("a status");
        file.write_all(b"3\n").expect("written");
        assert_eq!(text_of(&mut file), "1\n2\n3\n");
    }
}

/// From its beginning.
fn text_of(file: &mut File) -> String {
    file.rewind().expect("a file");
    let mut text = String::new();
    file.read_to_string(&mut text).expect("text");
    text
}

#[test]
fn a_cgroup_may_have_any_number() {
    let name = "descriptors::a_cgroup_may_have_any_number";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let _open = open_files(100);
    let (mut reader, writer) = io::pipe().expect("a pipe");
    let options = SpawnOptions {
        // It stands in for the list of a cgroup.
        cgroup: Some(writer.into()),
        ..SpawnOptions::default()
    };
    let mut child = Child::spawn_with(&mut sh("exit"), &options).expect("a child");
    child.reap().expect("a status");
    drop(options);
    let mut written = String::new();
    reader.read_to_string(&mut written).expect("what it wrote");
    assert_eq!(written, "0");
}

#[test]
fn other_threads_may_open_and_close_meanwhile() {
    let name = "descriptors::other_threads_may_open_and_close_meanwhile";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    // They come to be those of low numbers, and those beyond what a child has.
                    let files: Vec<_> = (0..70).map(|_| File::open("/dev/null")).collect();
                    assert!(files.iter().all(Result::is_ok));
                }
            });
        }
        for round in 0..300 {
            let said = said_by(sh("echo $0").arg(round.to_string()));
            assert_eq!(said, format!("{round}\n"));
            Child::spawn(&mut Command::new("/nonexistent")).expect_err("it is not there");
        }
        over.store(true, Ordering::Relaxed);
    });
}

fn said_by(command: &mut Command) -> String {
    let mut child = Child::spawn(command).expect("a child");
    let said = read_all(&child.take_stdout().expect("its output"));
    assert_eq!(child.reap().expect("a status"), ExitStatus::Code(0));
    said
}

/// As many as there may be, if that is less.
pub(crate) fn open_files(count: usize) -> Vec<File> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("within our limit");
    let room = limit.maximum.map_or(usize::MAX, |most| {
        usize::try_from(most)
            .unwrap_or(usize::MAX)
            .saturating_sub(600)
    });
    let files = (0..count.min(room)).map(|_| File::open("/dev/null"));
    files.collect::<Result<_, _>>().expect("files")
}
