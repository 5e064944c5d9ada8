//! The importer of the example, and services that are well and ill.

#[path = "../../examples/importer.rs"]
#[allow(dead_code, reason = "its `main` is for the example")]
mod owner;
#[path = "../../../mio/tests/shared/service.rs"]
#[allow(dead_code, reason = "each suite uses a part of it")]
mod service;

use std::time::Duration;

use childminder_tokio::Minder;
use childminder_tokio::childminder::{Config, Error, ExitStatus, NotificationId, Outcome};

use crate::support::{GUARD, millis, on_both, patient, sh};
use service::{Reply, Service};

/// Imports, told each tenth of a second, and how that ended; and all errors, in words.
async fn import(
    minder: &Minder,
    address: &str,
    script: &str,
    limit: Duration,
) -> (Outcome, String) {
    let config = Config {
        ladder: patient().ladder,
        notification_timeout: Some(limit),
        ..owner::config(millis(100))
    };
    let mut command = sh(script);
    let imported = owner::import(minder, &mut command, config, address.to_owned());
    imported.await.expect("sh")
}

fn ticket(number: u64) -> NotificationId {
    NotificationId::new(number).expect("not zero")
}

#[test]
fn the_log_is_posted_while_it_runs_and_the_result_in_the_end() {
    on_both(async |minder| {
        let service = Service::replying(&[]);
        let script = "seq -f 'line %g' 150; sleep 0.5; exit 3";
        let (outcome, errors) = import(&minder, &service.address, script, GUARD).await;
        assert_eq!(outcome.exit, Some(ExitStatus::Code(3)));
        assert_eq!(errors, "exit status 3");
        service.expect_log_and_result();
    });
}

#[test]
fn a_service_that_fails_hangs_or_answers_late_ends_it_with_the_reason() {
    for reply in [
        Reply::Unavailable,
        Reply::Closed,
        Reply::Hangs,
        Reply::Late(millis(1500)),
    ] {
        on_both(async |minder| {
            let service = Service::replying(&[Reply::Fine, reply]);
            let script = "exec sleep 1000";
            let (outcome, errors) = import(&minder, &service.address, script, millis(500)).await;
            let bad = match reply {
                Reply::Unavailable | Reply::Closed => Error::Notification(ticket(2)),
                _ => Error::NotificationTimeout(ticket(2)),
            };
            assert_eq!(outcome.error, Some(bad), "{errors}");
            assert!(outcome.terminated);
            let said = errors.contains("503");
            assert_eq!(said, reply == Reply::Unavailable, "{errors}");
            let (path, result) = service.requests().pop().expect("the result");
            assert_eq!((path, result), ("/result".to_owned(), outcome.to_string()));
        });
    }
}

#[test]
fn a_result_that_cannot_be_posted_makes_it_a_failure() {
    for reply in [Reply::Unavailable, Reply::Hangs] {
        on_both(async |minder| {
            let service = Service::replying(&[Reply::Fine, reply]);
            let (outcome, errors) = import(&minder, &service.address, "exit 0", millis(1000)).await;
            let bad = match reply {
                Reply::Hangs => Error::NotificationTimeout(ticket(2)),
                _ => Error::Notification(ticket(2)),
            };
            assert_eq!(outcome.error, Some(bad), "{errors}");
            assert_eq!(outcome.exit, Some(ExitStatus::Code(0)));
        });
    }
}

#[test]
fn a_service_that_is_not_there_ends_it() {
    on_both(async |minder| {
        let nowhere = Service::nowhere();
        let (outcome, errors) = import(&minder, &nowhere, "exec sleep 1000", GUARD).await;
        assert_eq!(outcome.error, Some(Error::Notification(ticket(1))));
        assert_eq!(errors.matches("refused").count(), 2, "{errors}");
    });
}
