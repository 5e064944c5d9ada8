//! A terminal of the child's own, with our standard input typed at it.

use childminder_unix::Command;
use std::os::fd::OwnedFd;

use childminder::{ExitStatus, Signal};
use childminder_driver::{ChildId, Request, Requests};
use childminder_terminal::Tty;
use childminder_unix::SpawnOptions;

use crate::alone::again_in_a_process_of_its_own;
use crate::waits::{read_all, wait_until_readable};

#[test]
fn what_comes_from_standard_input_is_typed_to_its_end() {
    let name = "ttys::what_comes_from_standard_input_is_typed_to_its_end";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    // More than a terminal takes at once, in lines that it takes whole.
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let lines = 20_000;
    let typist = std::thread::spawn(move || {
        use std::io::Write as _;
        for number in 0..lines {
            writeln!(writer, "{number}").expect("room");
        }
        // To end the input after an unfinished line takes two end-of-file characters.
        write!(writer, "unfinished").expect("room");
    });
    rustix::stdio::dup2_stdin(OwnedFd::from(reader)).expect("our standard input");
    let mut tty = Tty::new(None).expect("a terminal");
    let mut command = Command::new("sh");
    command.args(["-c", "stty -echo; wc -l; exec >&- 2>&- <&-"]);
    let mut child = tty
        .spawn(command, SpawnOptions::default())
        .expect("a child");
    let stdout = child.take_stdout().expect("a terminal");
    wait_until_readable(child.exit_fd());
    tty.close_slave();
    let said = read_all(&stdout);
    assert!(said.contains(&format!("{lines}\r\n")), "{said:?}");
    typist.join().expect("all was read");
    child.reap().expect("a status");
}

#[test]
fn a_dropped_terminal_hangs_up_on_the_child() {
    let name = "ttys::a_dropped_terminal_hangs_up_on_the_child";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    // Input may come at any time, so the thread that types it waits.
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    rustix::stdio::dup2_stdin(OwnedFd::from(reader)).expect("our standard input");
    let mut tty = Tty::new(None).expect("a terminal");
    let mut command = Command::new("sleep");
    command.arg("1000");
    let mut child = tty
        .spawn(command, SpawnOptions::default())
        .expect("a child");
    drop(child.take_stdout());
    drop(tty);
    wait_until_readable(child.exit_fd());
    let hangup = ExitStatus::Signal(Signal::HUP);
    assert_eq!(child.reap().expect("a status"), hangup);
}

#[test]
fn input_that_cannot_be_read_is_a_failure_of_the_child() {
    let name = "ttys::input_that_cannot_be_read_is_a_failure_of_the_child";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    // A directory cannot be read as a file.
    let directory = std::fs::File::open("/").expect("the root");
    rustix::stdio::dup2_stdin(OwnedFd::from(directory)).expect("our standard input");
    let mut tty = Tty::new(None).expect("a terminal");
    let _child = tty
        .spawn(Command::new("cat"), SpawnOptions::default())
        .expect("a child");
    wait_until_readable(&tty);
    let mut requests = Requests::<()>::new();
    tty.attend(&mut requests.control(ChildId::FIRST));
    let Some((_, Request::Fail(failure))) = requests.pop() else {
        panic!("no failure");
    };
    assert!(
        failure
            .to_string()
            .contains("cannot pass on standard input")
    );
    // It is told once.
    tty.attend(&mut requests.control(ChildId::FIRST));
    assert!(requests.is_empty());
}
