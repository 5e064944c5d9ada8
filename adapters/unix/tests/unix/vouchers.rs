//! A socket on which a child says how it is.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use childminder::{Signal, Target};
use childminder_unix::{Child, Command, NotifySocket, Stdio, Strays};
use rustix::io::{FdFlags, fcntl_getfd};

use crate::support::read_line;
use crate::waits::{sh, wait_until_readable};

type Heard = Option<Result<String, String>>;

fn heard(socket: &mut NotifySocket, child: &Child, strays: Option<&Strays>) -> Heard {
    let next = socket.next(child, strays).expect("no failure");
    next.map(|next| next.map(|message| String::from_utf8_lossy(message).into_owned()))
}

fn begun(socket: &NotifySocket, script: &str) -> Child {
    let mut command = sh(script);
    let child = socket.with(&mut command, None, Child::spawn);
    child.expect("a child")
}

/// Sends a status, and waits until it was heard.
const SAYS: &str = "systemd-notify --status=";

fn send(socket: &NotifySocket, message: &str) {
    let address = socket.address().to_str().expect("text");
    let address = SocketAddr::from_abstract_name(&address[1..]).expect("an address");
    let ours = UnixDatagram::unbound().expect("a socket");
    ours.send_to_addr(message.as_bytes(), &address)
        .expect("sent");
}

fn end(mut child: Child) {
    child.signal(Signal::KILL, Target::Group).expect("sent");
    child.reap().expect("a status");
}

#[test]
fn nothing_has_come_at_first() {
    let mut socket = NotifySocket::new().expect("a socket");
    let flags = fcntl_getfd(&socket).expect("flags");
    assert!(flags.contains(FdFlags::CLOEXEC));
    let child = begun(&socket, "sleep 1000");
    assert_eq!(heard(&mut socket, &child, None), None);
    end(child);
}

#[test]
fn a_descendant_is_heard_and_a_stranger_is_not() {
    let mut socket = NotifySocket::new().expect("a socket");
    let child = begun(
        &socket,
        &format!("setsid -w sh -c '{SAYS}deep; :'; sleep 1000"),
    );
    send(&socket, "STATUS=strange");
    let mut all = Vec::new();
    while all.len() < 3 {
        wait_until_readable(&socket);
        all.extend(heard(&mut socket, &child, None));
    }
    let us = format!("process {} is none of the command's", std::process::id());
    assert!(all.contains(&Err(us)), "{all:?}");
    assert!(all.contains(&Ok("STATUS=deep".to_owned())), "{all:?}");
    // The descriptor that came with it is closed, so the sender goes on.
    assert!(all.contains(&Ok("BARRIER=1".to_owned())), "{all:?}");
    end(child);
}

/// It has no parent and no group that would tell.
#[test]
fn a_daemon_is_heard_by_its_mark() {
    for is_marked in [true, false] {
        let mut socket = NotifySocket::new().expect("a socket");
        let mut strays = Strays::new();
        let script = format!(
            "(setsid sh -c 'while ps -o ppid= -p $(ps -o ppid= $$) | grep -qw $PARENT; do :; done; {SAYS}daemon' >&- & ) ; sleep 1000"
        );
        let mut command = sh(&format!("PARENT=$$; export PARENT; {script}"));
        let child = socket.with(&mut command, None, |command| {
            if is_marked {
                strays.spawn_marked(command, Child::spawn)
            } else {
                Child::spawn(command)
            }
        });
        let child = child.expect("a child");
        wait_until_readable(&socket);
        let first = heard(&mut socket, &child, Some(&strays)).expect("a message");
        assert_eq!(first.is_ok(), is_marked, "{first:?}");
        end(child);
    }
}

#[test]
fn one_that_is_gone_is_believed() {
    let mut socket = NotifySocket::new().expect("a socket");
    let mut child = begun(
        &socket,
        "systemd-notify --no-block STATUS=short; echo over; sleep 1000",
    );
    let stdout = child.take_stdout().expect("its output");
    assert_eq!(read_line(&stdout), "over");
    assert_eq!(
        heard(&mut socket, &child, None),
        Some(Ok("STATUS=short".to_owned()))
    );
    assert_eq!(heard(&mut socket, &child, None), None);
    end(child);
}

#[test]
fn a_long_message_is_refused_whole() {
    let mut socket = NotifySocket::new().expect("a socket");
    for (length, fits) in [(4089, true), (4090, false)] {
        let child = begun(
            &socket,
            &format!("{SAYS}$(head -c {length} /dev/zero | tr '\\0' x); sleep 1000"),
        );
        wait_until_readable(&socket);
        let first = heard(&mut socket, &child, None).expect("a message");
        assert_eq!(first.is_ok(), fits, "{first:?}");
        if let Err(why) = first {
            assert!(why.ends_with(" is longer than 4096 bytes"), "{why}");
        }
        end(child);
        while heard(
            &mut socket,
            &Child::spawn(&mut Command::new("true")).expect("a child"),
            None,
        )
        .is_some()
        {}
    }
}

#[test]
fn the_command_is_left_as_it_was() {
    let socket = NotifySocket::new().expect("a socket");
    let mut command = sh("echo $NOTIFY_SOCKET $WATCHDOG_USEC $WATCHDOG_PID");
    command.envs([("NOTIFY_SOCKET", "outer"), ("WATCHDOG_PID", "1")]);
    command.stdout(Stdio::piped());
    let line = |child: std::io::Result<Child>| {
        let mut child = child.expect("a child");
        let line = read_line(&child.take_stdout().expect("its output"));
        child.reap().expect("a status");
        line
    };
    let idle = Some(std::time::Duration::from_millis(5));
    let with = line(socket.with(&mut command, idle, Child::spawn));
    assert_eq!(with, format!("{} 5000", socket.address().display()));
    assert_eq!(line(Child::spawn(&mut command)), "outer 1");
}
