//! Interrupting a wait.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;

use childminder_unix::Wakeup;

use crate::support::is_readable;
use crate::waits::wait_until_readable;

#[test]
fn another_thread_wakes_until_it_is_cleared() {
    let wakeup = Arc::new(Wakeup::new().expect("a wakeup"));
    assert!(!is_readable(wakeup.as_fd()));

    let another = Arc::clone(&wakeup);
    let waker = thread::spawn(move || another.wake());
    wait_until_readable(wakeup.as_fd());
    waker.join().expect("no panic").expect("woken");
    assert!(is_readable(wakeup.as_fd()));

    wakeup.clear().expect("cleared");
    assert!(!is_readable(wakeup.as_fd()));
}

#[test]
fn one_clear_is_enough_and_none_is_needed() {
    let wakeup = Wakeup::new().expect("a wakeup");
    wakeup.clear().expect("nothing to clear");
    for _ in 0..1000 {
        wakeup.wake().expect("woken");
    }
    wakeup.clear().expect("cleared");
    assert!(!is_readable(&wakeup));
}

#[test]
fn waking_never_blocks() {
    let wakeup = Wakeup::new().expect("a wakeup");
    let full = (u64::MAX - 1).to_ne_bytes();
    rustix::io::write(wakeup.as_fd(), &full).expect("the counter is full");
    wakeup.wake().expect("it is awake already");
    wakeup.clear().expect("cleared");
    assert!(!is_readable(&wakeup));
}
