//! The importer of the example, and services that are well and ill.

#[path = "../../examples/importer.rs"]
#[allow(dead_code, reason = "its `main` is for the example")]
mod owner;
#[path = "../shared/service.rs"]
#[allow(dead_code, reason = "each suite uses a part of it")]
mod service;

use std::time::Duration;

use childminder::{Config, Error, ExitStatus, NotificationId, Outcome};
use childminder_mio::run_to_end;

use crate::support::{GUARD, millis, patient, sh};
use owner::Importer;
use service::{Reply, Service};

/// Imports, told each tenth of a second, and how that ended; and all errors, in words.
fn import(address: &str, script: &str, limit: Duration) -> (Outcome, String) {
    let config = Config {
        ladder: patient().ladder,
        notification_timeout: Some(limit),
        run_timeout: Some(GUARD),
        ..owner::config(millis(100))
    };
    let importer = Importer::new(address.to_owned());
    let (outcome, importer) = run_to_end(&mut sh(script), config, importer).expect("sh");
    (outcome, importer.errors.to_string())
}

fn ticket(number: u64) -> NotificationId {
    NotificationId::new(number).expect("not zero")
}

#[test]
fn the_log_is_posted_while_it_runs_and_the_result_in_the_end() {
    let service = Service::replying(&[]);
    let script =
        "i=0; while [ $i -lt 150 ]; do i=$((i + 1)); echo line $i; done; sleep 0.5; exit 3";
    let (outcome, errors) = import(&service.address, script, GUARD);
    assert_eq!(outcome.exit, Some(ExitStatus::Code(3)));
    assert_eq!(errors, "exit status 3");
    service.expect_log_and_result();
}

/// With the first heartbeat, with a later one, or with the result.
#[test]
fn a_service_that_fails_at_any_moment_ends_it_with_the_reason() {
    for (reply, words) in [
        (
            Reply::Unavailable,
            "said \"HTTP/1.1 503 Service Unavailable\"",
        ),
        (Reply::Closed, "said \"\""),
    ] {
        for well in 0..3 {
            let replies: Vec<_> = [Reply::Fine]
                .repeat(well)
                .into_iter()
                .chain([reply])
                .collect();
            let service = Service::replying(&replies);
            let (outcome, errors) = import(&service.address, "exec sleep 1000", GUARD);
            let failed = Error::Notification(ticket(well as u64 + 1));
            assert_eq!(outcome.error, Some(failed), "{errors}");
            assert!(outcome.terminated);
            assert!(errors.contains(words), "{errors}");
            // That is told too.
            let requests = service.requests();
            assert_eq!(requests.len(), well + 2, "{requests:?}");
            assert_eq!(requests[well + 1].0, "/result");
        }
    }
}

#[test]
fn a_result_that_cannot_be_posted_makes_it_a_failure() {
    for reply in [Reply::Unavailable, Reply::Closed, Reply::Hangs] {
        let service = Service::replying(&[Reply::Fine, reply]);
        let (outcome, errors) = import(&service.address, "exit 0", millis(1000));
        let bad = match reply {
            Reply::Hangs => Error::NotificationTimeout(ticket(2)),
            _ => Error::Notification(ticket(2)),
        };
        assert_eq!(outcome.error, Some(bad), "{errors}");
        assert_eq!(outcome.exit, Some(ExitStatus::Code(0)));
        assert!(!outcome.terminated);
    }
}

#[test]
fn a_service_that_hangs_or_answers_late_ends_it() {
    for reply in [Reply::Hangs, Reply::Late(millis(1500))] {
        let service = Service::replying(&[Reply::Fine, reply]);
        let (outcome, errors) = import(&service.address, "exec sleep 1000", millis(500));
        let overdue = Error::NotificationTimeout(ticket(2));
        assert_eq!(outcome.error, Some(overdue), "{errors}");
        assert!(outcome.terminated);
        let (path, result) = service.requests().pop().expect("the result");
        assert_eq!(path, "/result");
        assert_eq!(result, outcome.to_string());
    }
}

#[test]
fn a_service_that_is_not_there_ends_it() {
    let (outcome, errors) = import(&Service::nowhere(), "exec sleep 1000", GUARD);
    assert_eq!(outcome.error, Some(Error::Notification(ticket(1))));
    // Neither can that be told.
    let refused = errors.matches("refused").count();
    assert_eq!(refused, 2, "{errors}");
}
