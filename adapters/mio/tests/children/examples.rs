//! The examples do what they say.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

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
    let test = env::current_exe().expect("this test");
    let target = test.ancestors().nth(2).expect("where it was built");
    Command::new(target.join("examples").join(name))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it was built")
}
