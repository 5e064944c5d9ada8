//! Five hundred children at once. Alone in its process, since it counts the threads and descriptors of all of it.

#[path = "minded/support.rs"]
#[expect(dead_code, reason = "a crowd needs less than the others")]
mod support;

use std::fs;

use childminder_tokio::childminder::ExitStatus;
use childminder_tokio::{Child, Minder};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::runtime::Handle;

use support::{Bystander, on_both, outcome, patient, spawn, until};

#[test]
fn five_hundred_children_need_one_task_and_no_thread() {
    raise_the_limit_of_descriptors();
    on_both(async |minder| {
        let before = Usage::now();
        let mut children = crowd(&minder);
        assert_eq!(Usage::now().threads, before.threads);
        assert_eq!(tasks(), 1);

        // All at once are told their exit statuses.
        for (child, status) in children.iter_mut().zip((0..=250).cycle()) {
            let mut stdin = child.take_stdin().expect("it is piped");
            let line = format!("{status}\n");
            stdin.write_all(line.as_bytes()).await.expect("written");
        }
        for (child, status) in children.iter_mut().zip((0..=250).cycle()) {
            let exit = outcome(child).await.exit;
            assert_eq!(exit, Some(ExitStatus::Code(status)), "{:?}", child.errors());
        }
        assert_eq!(tasks(), 1);
        drop(children);
        until(|| Usage::now() == before).await;
    });
    on_both(async |minder| {
        let before = Usage::now();
        let children = crowd(&minder);
        let processes: Vec<_> = children.iter().map(|it| Bystander::of(it.id())).collect();
        drop(children);
        until(|| {
            assert_eq!(Usage::now().threads, before.threads);
            processes.iter().all(Bystander::is_gone)
        })
        .await;
        drop(processes);
        until(|| Usage::now() == before).await;
    });
}

fn crowd(minder: &Minder) -> Vec<Child> {
    let child = |_| spawn(minder, "read status; exit $status", patient());
    (0..CHILDREN).map(child).collect()
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

#[derive(Debug, PartialEq, Eq)]
struct Usage {
    threads: usize,
    descriptors: usize,
}

impl Usage {
    fn now() -> Self {
        let count = |folder| fs::read_dir(folder).expect("proc").count();
        Self {
            threads: count("/proc/self/task"),
            descriptors: count("/proc/self/fd"),
        }
    }
}

fn raise_the_limit_of_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("a soft limit may be raised");
}

const CHILDREN: usize = 500;
