//! What a command says is what the child gets, by our way and by the standard library's.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use childminder::ExitStatus;
use childminder_unix::{Child, Command, Spawnable, Stdio};
use nix::libc;
use nix::unistd::close;
use rustix::io::{Errno, dup};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr, stdin, stdout};

use crate::alone::again_in_a_process_of_its_own;
use crate::support::descriptors;
use crate::waits::read_all;

#[test]
fn standard_streams_may_be_swapped() {
    let name = "commands::standard_streams_may_be_swapped";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let at = |name: &str| place.path().join(name);
    let report = at("report");
    let found = without_standard_streams(|| {
        let orders = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        orders.map(|order| {
            // They take the numbers of the standard streams, in this order.
            let files = ["0", "1", "2"].map(|name| File::create(at(name)));
            let mut streams = [const { None }; 3];
            for (file, number) in files.into_iter().zip(0..) {
                let stream = order.iter().position(|of| *of == number);
                streams[stream.expect("each is there")] = Some(file?);
            }
            let [stdin, stdout, stderr] = streams.map(|file| file.expect("each is taken"));
            let script = r#"found=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); echo "$found" >"$0""#;
            let mut command = Command::new("sh");
            command.args(["-c", script]).arg(&report);
            command.stdin(stdin).stdout(stdout).stderr(stderr);
            Child::spawn(&mut command)?.reap()?;
            Ok::<_, io::Error>((order, fs::read_to_string(&report)?))
        })
    });
    for result in found {
        let (order, text) = result.expect("no error");
        let expected = order.map(|number| at(&number.to_string()).display().to_string());
        assert!(text.lines().eq(expected.iter()), "{order:?}: {text}");
    }
}

#[test]
fn pipes_may_have_the_numbers_of_standard_streams() {
    let name = "commands::pipes_may_have_the_numbers_of_standard_streams";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let said = without_standard_streams(|| {
        let mut command = Command::new("sh");
        command
            .args(["-c", "read line; echo out $line; echo err >&2"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = Child::spawn(&mut command)?;
        let mut stdin = child.take_stdin().expect("its input");
        stdin.write_all(b"in\n")?;
        let said = [child.take_stdout(), child.take_stderr()];
        let said = said.map(|pipe| read_all(&pipe.expect("its output")));
        child.reap()?;
        Ok::<_, io::Error>(said)
    });
    assert_eq!(said.expect("no error"), ["out in\n", "err\n"]);
}

/// Nothing that is said meanwhile is seen.
fn without_standard_streams<T>(work: impl FnOnce() -> T) -> T {
    let [input, output, errors] =
        [stdin(), stdout(), stderr()].map(|stream| dup(stream).expect("a copy"));
    for number in 0..3 {
        close(number).expect("a standard stream");
    }
    let result = work();
    dup2_stdin(&input).expect("our input");
    dup2_stdout(&output).expect("our output");
    dup2_stderr(&errors).expect("our errors");
    result
}

/// What a command is told, by the names that both kinds have.
type Told = Vec<(&'static str, String)>;

macro_rules! tell {
    ($command:expr, $told:expr) => {
        for (what, value) in $told {
            let (name, rest) = value.split_once('=').unwrap_or((value, ""));
            match *what {
                "arg" => $command.arg(value),
                "env" => $command.env(name, rest),
                "remove" => $command.env_remove(value),
                "clear" => $command.env_clear(),
                _ => $command.current_dir(value),
            };
        }
    };
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn it_is_the_same_as_the_standard_librarys() {
    let name = "commands::it_is_the_same_as_the_standard_librarys";
    if again_in_a_process_of_its_own(name, &["MARK=1"]) {
        return;
    }
    let place = Programs::new();
    let show = [
        ("arg", "-c".to_owned()),
        ("arg", "pwd; env | sort; echo \"$0|$1|$2\"".to_owned()),
    ];
    let told = |more: &[(&'static str, &str)]| {
        let more = more
            .iter()
            .map(|(what, value)| (*what, (*value).to_owned()));
        more.chain(show.clone()).collect::<Told>()
    };
    let path = |entries: &[&str]| {
        let entries: Vec<_> = entries.iter().map(|entry| place.at(entry)).collect();
        format!("PATH={}", entries.join(":"))
    };
    let mut cases = Vec::new();
    let mut add = |program: &str, told: Told| cases.push((program.to_owned(), told));
    // Environments and directories.
    add("sh", told(&[]));
    add(
        "sh",
        told(&[("env", "A=1"), ("env", "A=2"), ("remove", "MARK")]),
    );
    add(
        "sh",
        told(&[("env", "A=1"), ("clear", ""), ("env", "B=x=y")]),
    );
    add("/bin/sh", told(&[("clear", "")]));
    add("sh", told(&[("clear", ""), ("env", "C="), ("remove", "C")]));
    add("sh", told(&[("dir", "/"), ("env", "MARK=")]));
    add("sh", told(&[("dir", &place.at("")), ("remove", "PATH")]));
    add("sh", told(&[("dir", "/nonexistent")]));
    add("sh", told(&[("dir", "/etc/passwd")]));
    // Where the program is.
    let paths: &[&[&str]] = &[
        &["one"],
        &["none", "one"],
        &["denied", "one"],
        &["denied", "none"],
        &["none", "denied", "none"],
        &["file", "one"],
        &["file"],
        &["none"],
        &["directory", "script"],
        &["script"],
        &["broken", "one"],
        &["script", "one"],
    ];
    for entries in paths {
        add(
            "program",
            vec![("env", path(entries)), ("arg", "1".to_owned())],
        );
    }
    let from_one = [("dir", place.at("one"))];
    for path in [
        "PATH=",
        "PATH=:",
        "PATH=/nonexistent:",
        "PATH=.",
        "PATH=../script",
    ] {
        let told = from_one.iter().cloned().chain([("env", path.to_owned())]);
        add("program", told.collect());
    }
    for program in [
        "./program",
        "program",
        "../script/program",
        "../none/program",
    ] {
        add(program, from_one.to_vec());
    }
    for program in [
        "",
        "/",
        "/etc/passwd",
        "/etc/passwd/x",
        "/nonexistent",
        "no\0program",
        "no-such-program",
    ] {
        add(program, Vec::new());
    }
    for (directory, argument) in [("one", "a\0b"), ("script", "a b"), ("denied", "")] {
        let program = place.at(directory) + "/program";
        add(
            &program,
            vec![("arg", argument.to_owned()), ("arg", "last".to_owned())],
        );
    }
    add("sh", vec![("env", "A=\0".to_owned())]);
    add("sh", vec![("dir", "/\0".to_owned())]);
    add(&"x".repeat(300), Vec::new());
    let long = "x".repeat(1 << 20);
    add("true", vec![("arg", long.clone())]);
    add("true", vec![("env", format!("A={long}"))]);

    for (program, told) in &cases {
        let mut theirs = std::process::Command::new(program);
        tell!(
            theirs,
            told.iter().map(|(what, value)| (what, value.as_str()))
        );
        theirs.stdout(std::process::Stdio::piped());
        let mut ours = Command::new(program);
        tell!(
            ours,
            told.iter().map(|(what, value)| (what, value.as_str()))
        );
        ours.stdout(Stdio::piped());
        let (expected, got) = (end(&mut theirs), end(&mut ours));
        let short: String = format!("{program:?} {told:?}").chars().take(300).collect();
        assert_eq!(got, expected, "{short}");
    }
}

/// Programs of the name `program`, in directories that say what they are.
struct Programs(tempfile::TempDir);

impl Programs {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a directory"));
        let make = |directory: &str, mode, text: &[u8]| {
            let path = place.0.path().join(directory);
            fs::create_dir_all(&path).expect("a directory");
            let path = path.join("program");
            // Written by another process, since a child of another test may have inherited what we write to, and then
            // it could not be run (`ETXTBSY`).
            let mut tee = std::process::Command::new("tee");
            tee.arg(&path).stdin(std::process::Stdio::piped());
            let tee = tee.stdout(std::process::Stdio::null()).spawn();
            let mut tee = tee.expect("tee");
            let mut input = tee.stdin.take().expect("its input");
            input.write_all(text).expect("its text");
            drop(input);
            tee.wait().expect("tee");
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
        };
        make("one", 0o755, b"#!/bin/sh\necho one \"$0\" \"$@\"\n");
        make("script", 0o755, b"echo script \"$0\" \"$@\"\n");
        make("denied", 0o644, b"#!/bin/sh\necho denied\n");
        make("broken", 0o755, b"#!/nonexistent/interpreter\n");
        fs::create_dir_all(place.0.path().join("none")).expect("a directory");
        fs::create_dir_all(place.0.path().join("directory/program")).expect("a directory");
        File::create(place.0.path().join("file")).expect("a file");
        place
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

/// What it says and how it ends, or why it cannot begin. The shell's own variable tells nothing.
fn end(command: &mut impl Spawnable) -> Result<(String, ExitStatus), (io::ErrorKind, Option<i32>)> {
    match Child::spawn(command) {
        Err(error) => Err((error.kind(), error.raw_os_error())),
        Ok(mut child) => {
            let said = read_all(&child.take_stdout().expect("its output"));
            Ok((said, child.reap().expect("a status")))
        }
    }
}

#[test]
fn what_cannot_be_run_is_an_error_and_leaves_nothing() {
    let name = "commands::what_cannot_be_run_is_an_error_and_leaves_nothing";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let place = Programs::new();
    let before = descriptors();
    let long = "x".repeat(1 << 20);
    let mut cases = vec![
        (Command::new("no-such-program"), libc::ENOENT),
        (Command::new("/etc/passwd"), libc::EACCES),
        (Command::new("/etc/passwd/x"), libc::ENOTDIR),
        (Command::new("true"), libc::E2BIG),
        (Command::new("true"), libc::ENOTDIR),
        (Command::new("true"), libc::ENOENT),
        (Command::new(place.at("broken/program")), libc::ENOENT),
    ];
    cases[3].0.arg(long);
    cases[4].0.current_dir("/etc/passwd");
    cases[5].0.current_dir("/nonexistent");
    for (command, errno) in &mut cases {
        for stream in [Stdio::piped, Stdio::null, Stdio::inherit] {
            command.stdin(stream()).stdout(stream()).stderr(stream());
            let error = Child::spawn(command).expect_err("it cannot be run");
            assert_eq!(error.raw_os_error(), Some(*errno), "{error}");
        }
    }
    let any = waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    assert_eq!(any.err(), Some(Errno::CHILD));
    assert_eq!(descriptors(), before);
}

#[test]
fn a_spawn_leaves_no_descriptor_but_its_own() {
    let name = "commands::a_spawn_leaves_no_descriptor_but_its_own";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let before = descriptors();
    let mut command = Command::new("cat");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut children = Vec::new();
    for _ in 0..3 {
        children.push(Child::spawn(&mut command).expect("a child"));
    }
    // A pidfd and two pipes each.
    assert_eq!(descriptors(), before + 9);
    for child in &mut children {
        drop(child.take_stdin());
        // Nothing else holds its input open.
        child.reap().expect("a status");
    }
    drop(children);
    assert_eq!(descriptors(), before);
}
