//! The example does what it says.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[test]
fn the_echo_server_answers_while_its_child_runs_and_ends_with_it() {
    let test = env::current_exe().expect("this test");
    let target = test.ancestors().nth(2).expect("where it was built");
    let mut server = Command::new(target.join("examples/echo_server"))
        .arg("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect(
            "built by `cargo build --examples`, and by `cargo test` unless it is told otherwise",
        );
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
