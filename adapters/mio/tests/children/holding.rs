//! Output that its owner does not want, for now or any more.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::time::Duration;

use childminder::{Config, Error, ExitStatus, Signal, Stream};
use childminder_driver::Job;

use crate::support::{GUARD, Owner, Run, is_readable, millis, patient};

#[test]
fn nothing_is_lost_between_hold_and_release() {
    let owner = Owner::new().on_output(|control, stream, _| control.hold_output(stream));
    let mut run = Run::of("head -c 5000000 /dev/zero", patient(), owner);
    while run.outcome().is_none() {
        run.control().release_output(Stream::Stdout);
        run.step();
    }
    assert_eq!(run.finish().stdout.len(), 5_000_000);
}

/// What is released was announced before; no other event will come for it.
#[test]
fn a_stream_that_another_releases_is_read() {
    let owner = Owner::new().on_output(|control, _, bytes| {
        if bytes == b"release\n" {
            control.release_output(Stream::Stdout);
        }
    });
    let script = "echo held; echo written >&2; read go; echo release >&2; exec cat";
    let mut run = Run::of(script, patient(), owner);
    let mut stdin = run.stdin();
    run.control().hold_output(Stream::Stdout);
    run.until(|owner| owner.stderr == b"written\n");
    stdin.write_all(b"go\n").expect("written");
    run.until(|owner| owner.text() == "held\n");
}

#[test]
fn a_hold_takes_effect_at_once() {
    let script = "read go; head -c 600000 /dev/zero; echo written >&2; read go";
    let owner = Owner::new().on_output(|control, _, _| control.hold_output(Stream::Stdout));
    let mut run = Run::of(script, patient(), owner);
    run.widen_stdout();
    run.control().hold_output(Stream::Stdout);
    let mut stdin = run.stdin();
    stdin.write_all(b"go\n").expect("written");
    run.until(|owner| owner.stderr == b"written\n");

    run.control().release_output(Stream::Stdout);
    run.turn();
    let delivered = run.owner().stdout.len();
    assert!(delivered > 0 && delivered < 100_000, "{delivered} bytes");
    assert_eq!(run.children.deadline(), None, "what is held is no work");
}

#[test]
fn a_child_that_waits_for_its_reader_is_not_silent() {
    let mut run = Run::of(
        "head -c 130000 /dev/zero",
        quick_drain(),
        owner_that_holds(millis(1000)),
    );
    let owner = run.finish();
    assert_eq!(owner.errors, []);
    assert_eq!(owner.stdout.len(), 130_000);
    assert!(!owner.outcome().leaked);
}

#[test]
fn a_held_child_that_is_silent_is_noticed() {
    let mut run = Run::of(
        "echo hello; exec sleep 60",
        quick_drain(),
        owner_that_holds(millis(200)),
    );
    let owner = run.finish();
    assert_eq!(owner.outcome().error, Some(Error::IdleTimeout));
    assert_eq!(owner.text(), "hello\n");
}

/// Holds each stream as soon as it hears of it, and from then on expects to hear more in time.
fn owner_that_holds(idle: Duration) -> Owner {
    Owner::new().on_output(move |control, stream, _| {
        control.hold_output(stream);
        control.set_idle_timeout(Some(idle));
    })
}

/// What is held until the end would otherwise be waited for for ever.
fn quick_drain() -> Config {
    Config {
        drain_timeout: Some(millis(100)),
        ..patient()
    }
}

#[test]
fn a_heartbeat_does_not_overrule_a_hold() {
    let config = Config {
        heartbeat_interval: Some(millis(10)),
        ..patient()
    };
    let script = "echo held; echo written >&2; exec cat";
    let mut run = Run::of(script, config, Owner::new());
    run.control().hold_output(Stream::Stdout);
    run.until(|owner| owner.stderr == b"written\n");

    let beats = run.owner().jobs.len();
    run.until(|owner| owner.jobs.len() >= beats + 3);
    assert_eq!(run.owner().jobs[beats], Job::Heartbeat);
    assert_eq!(run.owner().stdout, b"");

    run.control().release_output(Stream::Stdout);
    drop(run.stdin());
    assert_eq!(run.finish().text(), "held\n");
}

#[test]
fn a_child_whose_output_is_closed_is_stopped_by_writing_on() {
    let owner = Owner::new().on_output(|control, stream, _| control.close_output(stream));
    let mut run = Run::of("exec yes", patient(), owner);
    let owner = run.finish();
    let pipe = Signal::new(13).expect("SIGPIPE");
    assert_eq!(owner.outcome().exit, Some(ExitStatus::Signal(pipe)));
    assert_eq!(owner.signals(), [], "it was not one of ours");
    assert_eq!(owner.ended[0], Stream::Stdout);
}

/// Another descriptor of the same pipe, such as a child of this process may have inherited, keeps a selector interested
/// in it beyond the close.
#[test]
fn a_stream_that_is_closed_is_not_heard_of_again() {
    let mut run = Run::of("read go; echo late; read go", patient(), Owner::new());
    let child = run.children.child(run.id).expect("in the set");
    let pipe = child.stdout().expect("its output").as_fd();
    let copy = pipe.try_clone_to_owned().expect("a copy");
    let mut stdin = run.stdin();
    run.control().close_output(Stream::Stdout);
    run.turn();
    assert_eq!(run.owner().ended, [Stream::Stdout]);
    stdin.write_all(b"go\n").expect("written");
    assert!(is_readable(&copy, GUARD), "the child has written");
    run.turn();
    assert!(!is_readable(&run.children, Duration::ZERO));
    assert!(!run.has_work());
    assert_eq!(run.owner().stdout, b"");
}
