//! Notifications are futures, one at a time, in order, and their failures keep their words.

use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use childminder_tokio::childminder::{Config, Error, NotificationId};
use childminder_tokio::{Child, NotifyError, Options};
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;

use crate::support::{Bystander, millis, on_both, outcome, patient, read_to_end, spawn, until};

#[test]
fn they_run_one_at_a_time_and_in_order() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "cat", patient());
        let running = Arc::new(AtomicUsize::new(0));
        let order = Arc::new(Mutex::new(Vec::new()));
        for number in 0..10 {
            let (running, order) = (Arc::clone(&running), Arc::clone(&order));
            child.notify(async move {
                assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
                yield_now().await;
                order.lock().expect("the list").push(number);
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            });
        }
        assert!(
            outcome(&mut child).await.is_success(),
            "{:?}",
            child.errors()
        );
        assert_eq!(
            *order.lock().expect("the list"),
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        );
    });
}

#[test]
fn a_failure_keeps_its_words_and_discards_what_is_queued() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "exec sleep 1000", patient());
        let failed = child.notify(async { Err(io::Error::other("the endpoint said 503").into()) });
        let queued = child.notify(async { unreachable!("an error came before") });

        assert!(matches!(failed.await, Err(NotifyError::Failed(_))));
        assert!(matches!(queued.await, Err(NotifyError::Discarded)));
        let error = Error::Notification(NotificationId::FIRST);
        assert_eq!(outcome(&mut child).await.error, Some(error));
        let errors = child.errors();
        assert_eq!(errors[0].error, error);
        let words = "notification 1 failed: the endpoint said 503";
        assert_eq!(errors[0].to_string(), words);
        let reason = errors[0].reason.as_ref().expect("it was given");
        assert!(reason.downcast_ref::<io::Error>().is_some());
    });
}

#[test]
fn one_that_panics_has_failed() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "exec sleep 1000", patient());
        let notified = child.notify(async { panic!("no {}", "endpoint") });
        let error = notified.await.expect_err("it panicked");
        assert_eq!(error.to_string(), "it panicked: no endpoint");
        outcome(&mut child).await;
        assert_eq!(
            child.errors()[0].to_string(),
            "notification 1 failed: it panicked: no endpoint"
        );
    });
}

#[test]
fn one_that_is_overdue_is_dropped() {
    on_both(async |minder| {
        let config = Config {
            notification_timeout: Some(millis(50)),
            ..patient()
        };
        let mut child = spawn(&minder, "exec sleep 1000", config);
        let (notified, dropped) = never(&child);
        assert!(matches!(notified.await, Err(NotifyError::Overdue)));
        assert!(dropped.await.is_err());
        let overdue = Error::NotificationTimeout(NotificationId::FIRST);
        assert_eq!(outcome(&mut child).await.error, Some(overdue));
    });
}

#[test]
fn those_of_a_dropped_child_are_dropped() {
    on_both(async |minder| {
        let child = spawn(&minder, "exec sleep 1000", patient());
        let (runs, run_dropped) = never(&child);
        let (queued, queued_dropped) = never(&child);
        drop(child);
        assert!(matches!(runs.await, Err(NotifyError::Discarded)));
        assert!(matches!(queued.await, Err(NotifyError::Discarded)));
        assert!(run_dropped.await.is_err() && queued_dropped.await.is_err());
    });
}

/// A minder that ran the drop under its own lock would wait for itself.
#[test]
fn one_that_is_discarded_may_own_a_child_and_a_minder() {
    on_both(async |minder| {
        let child = spawn(&minder, "exec sleep 1000", patient());
        for _ in 0..2 {
            let (owned, minder) = (spawn(&minder, "exec sleep 1000", patient()), minder.clone());
            child.notify(async move {
                let _owned = (owned, minder);
                pending().await
            });
        }
        child.fail("to discard the second");
        until(|| !child.errors().is_empty()).await;
    });
}

/// The failure comes too late to be told, and is dropped in a turn of the set, which is locked then.
#[test]
fn a_failure_that_comes_too_late_may_own_a_child() {
    on_both(async |minder| {
        let other = spawn(&minder, "exec sleep 1000", patient());
        // The leader is gone, and something holds its output for as long as there is input.
        let mut child = spawn(&minder, "{ cat <&3 & } 3<&0", patient());
        let leader = Bystander::of(child.id());
        let _stdin = child.take_stdin();
        until(|| leader.is_dead()).await;
        child.notify(async { Ok(()) }).await.expect("a turn");
        drop((child.take_stdout(), child.take_stderr()));
        child.fail(Owning(other));
        child.outcome().await.expect("the end");
    });
}

#[derive(Debug)]
struct Owning(#[expect(dead_code, reason = "it is there to be dropped")] Child);

impl std::fmt::Display for Owning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it owns a child")
    }
}

impl std::error::Error for Owning {}

#[test]
fn one_that_comes_after_the_end_is_discarded() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "exit 0", patient());
        assert!(outcome(&mut child).await.is_success());
        let notified = child.notify(async { unreachable!("the child has ended") });
        assert!(matches!(notified.await, Err(NotifyError::Discarded)));
    });
}

#[test]
fn a_clean_exit_whose_last_notification_fails_is_a_failure() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "cat", patient());
        let output = child.take_stdout();
        child.notify(async {
            read_to_end(output).await;
            Err("it came too late".into())
        });
        let error = Error::Notification(NotificationId::FIRST);
        assert_eq!(outcome(&mut child).await.error, Some(error));
    });
}

#[test]
fn heartbeats_are_futures_too() {
    on_both(async |minder| {
        let config = Config {
            heartbeat_interval: Some(millis(10)),
            ..patient()
        };
        let (sender, mut beats) = mpsc::unbounded_channel();
        let options = Options::from(config).on_heartbeat(move || {
            let sender = sender.clone();
            async move { Ok(sender.send(())?) }
        });
        let mut child = spawn(&minder, "exec sleep 1000", options);
        for _ in 0..3 {
            beats.recv().await.expect("a heartbeat");
        }
        drop(beats);
        outcome(&mut child).await;
        let words = child.errors()[0].to_string();
        assert!(words.ends_with("failed: channel closed"), "{words}");
    });
}

#[test]
fn a_heartbeat_that_does_nothing_succeeds() {
    on_both(async |minder| {
        let config = Config {
            heartbeat_interval: Some(millis(1)),
            ..patient()
        };
        let mut child = spawn(&minder, "sleep 0.1", config);
        assert!(outcome(&mut child).await.is_success());
    });
}

/// Queues a notification that never ends, and tells when it is dropped.
fn never(child: &Child) -> (childminder_tokio::Notified, oneshot::Receiver<()>) {
    let (alive, dropped) = oneshot::channel::<()>();
    let notified = child.notify(async {
        let _alive = alive;
        pending().await
    });
    (notified, dropped)
}

#[test]
fn the_end_is_told_once_when_all_else_is_over() {
    on_both(async |minder| {
        let (told, mut ends) = mpsc::unbounded_channel();
        let options = Options::from(patient()).on_end(move |outcome| {
            let told = told.clone();
            async move { Ok(told.send(outcome)?) }
        });
        let mut child = spawn(&minder, "exit 3", options);
        let outcome = outcome(&mut child).await;
        assert_eq!(ends.recv().await, Some(outcome));
        assert_eq!(ends.recv().await, None);
    });
}

#[test]
fn an_end_that_cannot_be_told_is_an_error() {
    on_both(async |minder| {
        let options = Options::from(patient())
            .on_end(|_| async { Err(io::Error::other("the endpoint said 503").into()) });
        let mut child = spawn(&minder, "exit 0", options);
        let error = Error::Notification(NotificationId::FIRST);
        assert_eq!(outcome(&mut child).await.error, Some(error));
        let words = "notification 1 failed: the endpoint said 503";
        assert_eq!(child.errors()[0].to_string(), words);
    });
}

/// Its handle is what would have told of it.
#[test]
fn the_end_of_a_child_that_is_dropped_is_not_told() {
    on_both(async |minder| {
        let (told, mut ends) = mpsc::unbounded_channel::<()>();
        let options = Options::from(patient()).on_end(move |_| {
            let told = told.clone();
            async move { Ok(told.send(())?) }
        });
        drop(spawn(&minder, "exec sleep 1000", options));
        assert_eq!(ends.recv().await, None);
    });
}
