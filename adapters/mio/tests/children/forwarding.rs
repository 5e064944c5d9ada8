//! Output that goes on inside the kernel, and how often a stream is read.
//!
//! Elsewhere than on Linux, nothing is forwarded, and the same comes by way of the relay.

use std::io::{self, PipeReader, Read as _};
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use childminder::{Config, ExitStatus, Outcome, Stream};
use childminder_driver::{ChildId, Control, Handler, Remote, Request};
use childminder_mio::Children;
use childminder_unix::{Flow, Relay, RelayEvent};
use rustix::event::{PollFd, PollFlags, poll};

use crate::support::{GUARD, millis, patient, sh};

#[test]
fn what_is_forwarded_comes_whole_and_in_order() {
    for sight in [Sight::Seen, Sight::Unseen] {
        let (mut minded, mut reader) = Minded::of("exec seq 1 200000", patient(), sight);
        // It reads little at a time, so that there is no room again and again, and once for long.
        let read = thread::spawn(move || {
            let (mut text, mut some) = (Vec::new(), [0; 5000]);
            while let Ok(length @ 1..) = reader.read(&mut some) {
                let before = text.len() / 400_000;
                text.extend_from_slice(&some[..length]);
                if before < text.len() / 400_000 {
                    thread::sleep(millis(50));
                }
            }
            text
        });
        let outcome = minded.finish();
        assert!(outcome.is_success(), "{outcome:?}");
        let handler = minded.let_go();
        let text = String::from_utf8(read.join().expect("the reader")).expect("text");
        let expected: String = (1..=200_000).map(|n| n.to_string() + "\n").collect();
        assert!(text == expected, "{} bytes came", text.len());
        assert_eq!(handler.read + handler.forwarded, expected.len());
        if sight == Sight::Seen {
            assert!(
                handler.bytes == expected.as_bytes(),
                "something else was seen"
            );
        }
        assert!(!cfg!(target_os = "linux") || handler.forwarded > 0);
    }
}

#[test]
fn a_child_can_end_though_nobody_reads_what_is_forwarded() {
    let (mut minded, mut reader) = Minded::of("exec seq 1 100000", patient(), Sight::Unseen);
    assert!(minded.finish().is_success());
    drop(minded.let_go());
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("text");
    assert!(text.ends_with("\n99999\n100000\n"));
    assert_eq!(text.lines().count(), 100_000);
}

#[test]
fn a_child_whose_output_is_forwarded_is_not_silent_while_it_waits_for_its_reader() {
    let config = Config {
        idle_timeout: Some(millis(500)),
        ..patient()
    };
    let (mut minded, mut reader) = Minded::of("head -c 9000000 /dev/zero", config, Sight::Unseen);
    let read = thread::spawn(move || {
        thread::sleep(millis(2000));
        reader.read_to_end(&mut Vec::new()).expect("the end")
    });
    assert!(minded.finish().is_success());
    drop(minded.let_go());
    assert_eq!(read.join().expect("the reader"), 9_000_000);
}

#[test]
fn a_reader_that_leaves_is_told_by_the_relay() {
    for sight in [Sight::Seen, Sight::Unseen] {
        let (mut minded, reader) = Minded::of("trap '' PIPE; yes; exit 7", patient(), sight);
        drop(reader);
        let outcome = minded.finish();
        assert_eq!(outcome.exit, Some(ExitStatus::Code(7)), "{outcome:?}");
    }
}

/// As fast as they can be written.
#[test]
fn many_small_writes_come_in_few_reads() {
    let script = "exec dd if=/dev/zero bs=64 count=10000 status=none";
    let (mut minded, reader) = Minded::of(script, patient(), Sight::None);
    assert!(minded.finish().is_success());
    let handler = minded.let_go();
    assert_eq!(handler.read, 640_000);
    assert!(handler.reads <= 500, "{} reads", handler.reads);
    drop(reader);
}

/// Each could be read by itself. A rest is half a millisecond at most, so how many there can be depends on the time.
#[test]
fn small_writes_that_are_a_little_apart_come_in_few_reads_too() {
    let script = "exec perl -e 'for (1..10000) { syswrite STDOUT, q(x) x 64; for (1..100) {} }'";
    let begun = Instant::now();
    let (mut minded, reader) = Minded::of(script, patient(), Sight::None);
    assert!(minded.finish().is_success());
    let handler = minded.let_go();
    assert_eq!(handler.read, 640_000);
    let quarters = begun.elapsed().as_micros() / 250;
    let reads = handler.reads;
    assert!(reads as u128 <= 500 + quarters, "{reads} reads");
    drop(reader);
}

/// A pause between two reads holds up neither the exit nor what was written before it.
#[test]
fn the_end_of_a_burst_comes_with_the_exit() {
    let script = "for n in 1 2 3 4 5 6 7 8 9 10; do echo $n; done; exec sh -c 'echo last; exit 3'";
    for _ in 0..50 {
        let (mut minded, _reader) = Minded::of(script, patient(), Sight::None);
        let outcome = minded.finish();
        assert_eq!(outcome.exit, Some(ExitStatus::Code(3)));
        assert!(minded.let_go().bytes.ends_with(b"\n10\nlast\n"));
    }
}

/// What of the output the handler sees, if it is forwarded at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    None,
    Seen,
    Unseen,
}

struct Minded {
    children: Children<Forwards>,
    id: ChildId,
}

impl Minded {
    /// Its standard output goes where the reader reads.
    fn of(script: &str, config: Config, sight: Sight) -> (Self, PipeReader) {
        let (reader, writer) = io::pipe().expect("a pipe");
        let mut children: Children<Forwards> = Children::new().expect("a set");
        let mut command: Command = sh(script);
        command.stderr(std::process::Stdio::inherit());
        let relay = Arc::new(relay(&writer, children.remote()));
        let handler = Forwards {
            relay: (sight != Sight::None).then(|| Arc::clone(&relay)),
            ..Forwards::default()
        };
        let id = children
            .spawn(&mut command, config, handler)
            .expect("a child");
        assert_eq!(id, ChildId::FIRST);
        match sight {
            Sight::None => Some(()),
            Sight::Seen => children.forward_seen(id, Stream::Stdout, relay),
            Sight::Unseen => children.forward(id, Stream::Stdout, relay),
        }
        .expect("in the set");
        (Self { children, id }, reader)
    }

    fn finish(&mut self) -> Outcome {
        let begun = Instant::now();
        loop {
            if let Some(outcome) = self.children.outcome(self.id) {
                return outcome;
            }
            assert!(begun.elapsed() < GUARD, "nothing comes");
            let mut fds = [PollFd::from_borrowed_fd(
                self.children.as_fd(),
                PollFlags::IN,
            )];
            let limit = rustix::event::Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            };
            let _ = poll(&mut fds, Some(&limit));
            self.children.turn();
        }
    }

    /// Nothing else is written by the relay then.
    fn let_go(mut self) -> Forwards {
        let mut handler = self.children.remove(self.id).expect("in the set");
        handler.relay = None;
        handler
    }
}

fn relay(target: impl AsFd, remote: Remote<()>) -> Relay {
    let tell = move |event| match event {
        RelayEvent::Room => remote.release_output(ChildId::FIRST, Stream::Stdout),
        RelayEvent::Failed(_) => remote.ask(ChildId::FIRST, Request::CloseOutput(Stream::Stdout)),
        _ => {}
    };
    Relay::new(target, tell).expect("a relay")
}

/// Passes on what is not forwarded.
#[derive(Default)]
struct Forwards {
    relay: Option<Arc<Relay>>,
    reads: usize,
    read: usize,
    forwarded: usize,
    bytes: Vec<u8>,
}

impl Handler for Forwards {
    type Notification = ();

    fn output(&mut self, control: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        self.reads += 1;
        self.read += bytes.len();
        self.bytes.extend_from_slice(bytes);
        if let Some(relay) = &self.relay
            && relay.write(bytes) == Flow::Hold
        {
            control.hold_output(stream);
        }
    }

    fn forwarded(&mut self, _: &mut Control<()>, _: Stream, length: usize, seen: Option<&[u8]>) {
        self.forwarded += length;
        self.bytes.extend_from_slice(seen.unwrap_or_default());
    }
}
