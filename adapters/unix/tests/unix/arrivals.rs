//! Signals to this process. They are sent to the thread of the test, which alone blocks them.

use std::io::ErrorKind;

use childminder::Signal;
use childminder_unix::{Arrival, Arrivals, Origin};
use nix::sys::signal::{SigSet, Signal as Named, raise};

use crate::support::is_readable;

#[test]
fn they_come_with_where_they_are_from() {
    let mut arrivals = Arrivals::of([Signal::TERM]).expect("arrivals");
    arrivals.add([signal(Named::SIGUSR1)]).expect("one more");
    assert!(!is_readable(&arrivals));
    assert_eq!(arrivals.take().count(), 0);

    raise(Named::SIGUSR1).expect("sent");
    raise(Named::SIGTERM).expect("sent");
    assert!(is_readable(&arrivals));
    let came: Vec<_> = arrivals.take().collect();
    for sent in [signal(Named::SIGUSR1), Signal::TERM] {
        assert!(
            came.contains(&Arrival::new(sent, Origin::Ourselves)),
            "{came:?}"
        );
    }
    assert!(!is_readable(&arrivals));
    assert_eq!(arrivals.take().count(), 0);
}

/// By our parent, for instance.
#[cfg(target_os = "linux")]
#[test]
fn what_else_is_blocked_is_let_through() {
    let mut blocked = SigSet::from(Named::SIGUSR2);
    blocked.add(Named::SIGWINCH);
    blocked.thread_block().expect("blocked");
    raise(Named::SIGUSR2).expect("sent");
    let mut arrivals = Arrivals::of([signal(Named::SIGUSR2)]).expect("arrivals");
    arrivals.unblock_others().expect("a mask");
    let only = SigSet::from(Named::SIGUSR2);
    assert_eq!(SigSet::thread_get_mask(), Ok(only));
    assert_eq!(arrivals.take().count(), 1, "it has waited");
}

#[test]
fn what_cannot_be_handled_is_refused() {
    for named in [Named::SIGKILL, Named::SIGSTOP, Named::SIGSEGV] {
        let refused = Arrivals::of([signal(named)]).expect_err("no arrivals");
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{named}");
    }
}

fn signal(named: Named) -> Signal {
    Signal::new(named as i32).expect("a signal")
}
