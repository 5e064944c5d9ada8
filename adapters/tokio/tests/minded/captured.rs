//! Captured runs, awaited.

use std::io;
use std::os::fd::AsRawFd as _;
use std::process::{self, Command};

use childminder_tokio::Captured;
use childminder_tokio::childminder::{Config, Sweep};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

use crate::capturing::patient;
use crate::support::{guarded, minder, on_both, polled, runtimes};

mod on_one_thread {
    crate::capturing::cases! { "captured::on_one_thread", super::one_thread }
}

mod on_many_threads {
    crate::capturing::cases! { "captured::on_many_threads", super::many_threads }
}

fn one_thread(command: &mut Command, config: Config, captured: Captured) -> io::Result<Captured> {
    let [runtime, _] = runtimes();
    runtime.block_on(guarded(async {
        minder().capture(command, config, captured).await
    }))
}

fn many_threads(command: &mut Command, config: Config, captured: Captured) -> io::Result<Captured> {
    let [_, runtime] = runtimes();
    runtime.block_on(guarded(async {
        minder().capture(command, config, captured).await
    }))
}

#[test]
fn a_future_that_is_dropped_at_any_await_leaves_no_process() {
    on_both(async |minder| {
        let mut times = 0;
        loop {
            // Each process that it starts has this open for as long as it lives.
            let (reader, writer) = io::pipe().expect("a pipe");
            let pipe = format!("/proc/{}/fd/{}", process::id(), writer.as_raw_fd());
            let script = format!("exec 9>{pipe}; sleep 1000 >&- 2>&- & echo begun >&9; exec cat");
            let mut command = Command::new("sh");
            let command = command.args(["-c", &script]);
            let captured = Captured::whole(1 << 20).with_input(vec![b'x'; 1 << 20]);
            let done = polled(times, minder.capture(command, ended_all(), captured)).await;
            drop(writer);
            let mut reader = Receiver::from_owned_fd(reader.into()).expect("a pipe");
            let mut said = Vec::new();
            reader.read_to_end(&mut said).await.expect("its end");
            if let Some(done) = done {
                assert!(done.expect("sh").is_success());
                break assert_eq!(said, b"begun\n");
            }
            times += 1;
        }
        assert!(times >= 3, "it was dropped at {times} awaits only");
    });
}

fn ended_all() -> Config {
    Config {
        sweep: Sweep::Always,
        ..patient()
    }
}

#[test]
fn it_can_be_awaited_in_a_task_of_its_own() {
    on_both(async |minder| {
        let captured = tokio::spawn(async move {
            let input = Captured::default().with_input("hello");
            minder
                .capture(&mut Command::new("cat"), patient(), input)
                .await
        });
        let captured = captured.await.expect("no panic").expect("cat");
        assert_eq!(captured.stdout().to_string(), "hello");
    });
}
