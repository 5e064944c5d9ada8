//! A future that owns a child is dropped at each of its awaits, and leaves no process.

use std::sync::Mutex;

use childminder_tokio::Minder;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use crate::support::{
    Bystander, on_both, outcome, patient, polled, read_to_end, spawn, succeed, until,
};

#[test]
fn a_future_that_is_dropped_at_any_await_leaves_no_process() {
    on_both(async |minder| {
        let mut times = 0;
        loop {
            let seen = Mutex::new(Vec::new());
            let done = polled(times, whole_life(&minder, &seen)).await;
            let seen = seen.into_inner().expect("the list");
            until(|| seen.iter().all(Process::is_gone)).await;
            if done.is_some() {
                break assert_eq!(seen.len(), 2);
            }
            times += 1;
        }
        assert!(times >= 5, "it was dropped at {times} awaits only");
    });
}

/// Spawns, reads, writes, notifies, terminates and awaits the end.
async fn whole_life(minder: &Minder, seen: &Mutex<Vec<Process>>) {
    let see = |process| seen.lock().expect("the list").push(process);
    let mut child = spawn(minder, "sleep 1000 & echo $!; cat; sleep 1000", patient());
    see(Process::Ours(Bystander::of(child.id())));
    let mut stdin = child.take_stdin().expect("it is piped");
    let mut stdout = BufReader::new(child.take_stdout().expect("it is piped"));

    let mut line = String::new();
    stdout.read_line(&mut line).await.expect("a line");
    let pid = line.trim_end().parse().expect("a process id");
    see(Process::Grandchild(Bystander::of(pid)));

    // More than a pipe holds.
    let bytes = vec![b'x'; 100_000];
    let mut echo = vec![0; bytes.len()];
    let write = async { stdin.write_all(&bytes).await.expect("written") };
    let read = async { stdout.read_exact(&mut echo).await.expect("read") };
    tokio::join!(write, read);
    assert_eq!(echo, bytes);

    child.notify(succeed()).await.expect("it succeeds");
    child.terminate();
    assert!(outcome(&mut child).await.terminated);
}

enum Process {
    Ours(Bystander),
    /// Somebody else reaps it.
    Grandchild(Bystander),
}

impl Process {
    fn is_gone(&self) -> bool {
        match self {
            Self::Ours(process) => process.is_gone(),
            Self::Grandchild(process) => process.is_dead(),
        }
    }
}

#[test]
fn an_outcome_that_was_dropped_can_be_awaited_again() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "exec sleep 1000", patient());
        for _ in 0..2 {
            assert!(polled(1, child.outcome()).await.is_none());
            assert!(polled(1, child.handle().outcome()).await.is_none());
        }
        child.terminate();
        assert!(outcome(&mut child).await.terminated);
    });
}

#[test]
fn a_read_that_was_dropped_loses_nothing() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "cat", patient());
        let mut stdin = child.take_stdin().expect("it is piped");
        let mut stdout = child.take_stdout();
        let reader = stdout.as_mut().expect("it is piped");
        let mut buffer = [0; 3];
        assert!(polled(1, reader.read(&mut buffer)).await.is_none());
        stdin.write_all(b"hello").await.expect("written");
        drop(stdin);
        assert_eq!(read_to_end(stdout).await, b"hello");
        assert!(outcome(&mut child).await.is_success());
    });
}

#[test]
fn a_child_that_is_dropped_while_it_is_terminated_is_killed() {
    on_both(async |minder| {
        let script = "trap '' TERM; echo ready; while :; do sleep 1000; done";
        let mut child = spawn(&minder, script, patient());
        let mut stdout = BufReader::new(child.take_stdout().expect("it is piped"));
        stdout.read_line(&mut String::new()).await.expect("a line");
        let process = Bystander::of(child.id());
        child.terminate();
        drop(child);
        until(|| process.is_gone()).await;
    });
}

#[test]
fn a_child_that_is_dropped_does_not_wait_for_what_holds_its_output() {
    on_both(async |minder| {
        // It has left the group, and lives for as long as its standard input.
        let script = "exec 3<&0; setsid sh -c 'echo ready; exec cat' <&3 & wait";
        let mut child = spawn(&minder, script, patient());
        let stdin = child.take_stdin();
        let mut stdout = BufReader::new(child.take_stdout().expect("it is piped"));
        stdout.read_line(&mut String::new()).await.expect("a line");
        drop((child, minder));
        let runtime = tokio::runtime::Handle::current();
        until(|| runtime.metrics().num_alive_tasks() == 0).await;
        drop(stdin);
    });
}

#[test]
fn what_is_left_of_the_group_of_a_dropped_child_is_killed() {
    on_both(async |minder| {
        // The leader has exited, and what it left holds the pipe.
        let mut child = spawn(&minder, "sleep 1000 & echo $!", patient());
        let mut stdout = BufReader::new(child.take_stdout().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).await.expect("a line");
        let left = Bystander::of(line.trim_end().parse().expect("a process id"));
        let leader = Bystander::of(child.id());
        until(|| leader.is_dead()).await;
        assert!(!left.is_dead());
        drop(child);
        until(|| left.is_dead() && leader.is_gone()).await;
    });
}

#[test]
fn an_outcome_that_is_not_awaited_to_its_end_loses_no_output() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "echo hello; read go", patient());
        let stdin = child.take_stdin();
        assert!(polled(1, child.outcome()).await.is_none());
        drop(stdin);
        child.outcome().await.expect("the end");
        assert_eq!(read_to_end(child.take_stdout()).await, b"hello\n");
    });
}
