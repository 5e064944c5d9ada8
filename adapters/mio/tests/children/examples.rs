//! The examples do what they say.

use std::env;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::support::is_readable;

#[test]
fn the_echo_server_answers_while_its_child_runs_and_ends_with_it() {
    let mut server = example("echo_server", &["cat"]);
    let mut address = String::new();
    BufReader::new(server.stdout.take().expect("piped"))
        .read_line(&mut address)
        .expect("its first line");
    let address = address.trim_start_matches("connect to ").trim();

    // The child reads what the server was given as its standard input.
    let mut stdin = server.stdin.take().expect("piped");
    stdin.write_all(b"hello").expect("written");
    while ask(address) != "5 bytes so far\n" {}
    drop(stdin);
    assert!(server.wait().expect("its exit").success());
}

fn ask(address: &str) -> String {
    let mut answer = String::new();
    TcpStream::connect(address)
        .and_then(|mut stream| stream.read_to_string(&mut answer))
        .expect("an answer");
    answer
}

#[test]
fn the_puller_reports_what_its_child_says() {
    let output = command("puller", &[]).output().expect("it was built");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        said.trim_end(),
        "reported: startMirroring\nreported: mirrorSucceeded 7 8\nsuccess"
    );
}

#[test]
fn poll_minds_a_child() {
    assert_minds_a_child("poll");
}

#[test]
fn calloop_minds_a_child() {
    assert_minds_a_child("calloop");
}

#[test]
fn async_io_minds_a_child() {
    assert_minds_a_child("async_io");
}

#[test]
fn the_relay_holds_a_command_whose_reader_is_slow_and_loses_nothing() {
    // Much more than pipes and the relay hold.
    let script = "head -c 8000000 /dev/zero; echo written >&2; sleep 0.1";
    let (mut written, stderr) = io::pipe().expect("a pipe");
    let mut command = command("relay", &["sh", "-c", script]);
    let mut example = command.stderr(stderr).spawn().expect("it was built");
    drop(command);
    let mut stdout = example.stdout.take().expect("piped");
    stdout.read_exact(&mut [0]).expect("its first byte");
    // It is held now, or will be. Only then is the rest read.
    wait_until_blocked(&stdout);
    assert!(
        !is_readable(&written, Duration::from_millis(200)),
        "it is held"
    );
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).expect("the rest");
    assert_eq!(rest.len(), 8_000_000 - 1);
    written.read_exact(&mut [0]).expect("it ended");
    assert_eq!(example.wait().expect("its exit").code(), Some(0));
}

#[test]
fn a_reader_that_leaves_closes_the_pipe_of_the_relays_command() {
    let mut example = example(
        "relay",
        &["sh", "-c", "trap '' PIPE; while echo x; do :; done"],
    );
    drop(example.stdout.take());
    assert_eq!(example.wait().expect("its exit").code(), Some(0));
}

/// Until the pipe is full.
fn wait_until_blocked(pipe: &ChildStdout) {
    let capacity = rustix::pipe::fcntl_getpipe_size(pipe).expect("a pipe") as u64;
    while rustix::io::ioctl_fionread(pipe).expect("a pipe") + 8192 < capacity {
        std::thread::yield_now();
    }
}

fn assert_minds_a_child(name: &str) {
    let writes_and_exits = example(name, &["sh", "-c", "echo hello; sleep 0.1; echo again"]);
    let fails = example(name, &["sh", "-c", "echo hello; exit 3"]);
    let is_silent = example(name, &["sleep", "60"]);
    let status = |mut example: Child| example.wait().expect("its exit").code();
    assert_eq!(status(writes_and_exits), Some(0));
    assert_eq!(status(fails), Some(1));
    assert_eq!(status(is_silent), Some(1));
}

#[test]
fn poll_is_told_by_a_line_to_end_the_child() {
    let script = "while :; do echo busy; sleep 0.1; done";
    let mut example = example("poll", &["sh", "-c", script]);
    let mut stdin = example.stdin.take().expect("piped");
    stdin.write_all(b"\n").expect("written");
    assert_eq!(example.wait().expect("its exit").code(), Some(1));
}

/// One that was built by `cargo build --examples`, and by `cargo test` unless it is told otherwise.
fn example(name: &str, arguments: &[&str]) -> Child {
    command(name, arguments).spawn().expect("it was built")
}

fn command(name: &str, arguments: &[&str]) -> Command {
    let test = env::current_exe().expect("this test");
    let target = test.ancestors().nth(2).expect("where it was built");
    let mut command = Command::new(target.join("examples").join(name));
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}
