//! Minders, children and runtimes are dropped in any order.

use std::future::pending;
use std::io::ErrorKind;
use std::thread;

use childminder_tokio::NotifyError;

use crate::support::{
    Bystander, guarded, minder, on_both, outcome, patient, read_to_end, runtimes, sh, spawn,
    succeed, until,
};

#[test]
fn a_runtime_that_is_dropped_ends_its_children() {
    for runtime in runtimes() {
        let (minder, mut children) = runtime.block_on(async {
            let minder = minder();
            let spawn = |_| spawn(&minder, "sleep 1000 & wait", patient());
            let children: Vec<_> = (0..10).map(spawn).collect();
            (minder, children)
        });
        let processes: Vec<_> = children.iter().map(|it| Bystander::of(it.id())).collect();
        let endless = children[0].notify(pending());
        drop(runtime);

        let [other, _] = runtimes();
        other.block_on(guarded(async {
            until(|| processes.iter().all(Bystander::is_gone)).await;
            assert!(matches!(endless.await, Err(NotifyError::Discarded)));
            let late = children[0].notify(async { unreachable!("nobody runs it") });
            assert!(matches!(late.await, Err(NotifyError::Discarded)));
            assert_eq!(read_to_end(children[0].take_stdout()).await, b"");
            let error = children[0].outcome().await.expect_err("nobody has seen it");
            assert_eq!(error.kind(), ErrorKind::Other);
            let error = minder.spawn(&mut sh("exit 0"), patient());
            assert_eq!(error.expect_err("nobody minds").kind(), ErrorKind::Other);
        }));
    }
}

#[test]
fn children_outlive_their_minder() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "exec sleep 1000", patient());
        drop(minder);
        child.notify(succeed()).await.expect("the task is there");
        child.terminate();
        assert!(outcome(&mut child).await.terminated);
    });
}

#[test]
fn a_thread_outside_of_the_runtime_spawns_and_drops() {
    on_both(async |minder| {
        let spawned = thread::spawn(move || {
            let child = spawn(&minder, "exec sleep 1000", patient());
            let process = Bystander::of(child.id());
            drop((child, minder));
            process
        });
        let process = spawned.join().expect("no panic");
        until(|| process.is_gone()).await;
    });
}
