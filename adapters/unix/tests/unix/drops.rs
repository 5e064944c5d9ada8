//! What is left when a child is dropped: nothing, unless it was reaped.

use crate::support::{Bystander, deserter, family, state, wait_until_dead};
use crate::waits::wait_until;

#[test]
fn a_drop_ends_the_group_and_leaves_no_zombie() {
    let (child, member) = family("wait");
    let leader = Bystander::of(child.id());
    drop(child);
    leader.wait_until_dead();
    member.wait_until_dead();
    wait_until("the leader is reaped", || leader.is_reaped());
}

#[test]
fn a_drop_ends_a_group_that_was_stopped_and_ignores_what_it_can() {
    let (child, member) = family("trap '' HUP INT TERM; kill -STOP $$");
    wait_until("the child is stopped", || state(child.id()) == Some('T'));
    let leader = Bystander::of(child.id());
    drop(child);
    leader.wait_until_dead();
    member.wait_until_dead();
    wait_until("the leader is reaped", || leader.is_reaped());
}

#[test]
fn a_drop_reaps_the_dead_at_once_and_ends_what_is_left_of_its_group() {
    let (child, member) = family("exit 0");
    wait_until_dead(&child);
    let leader = Bystander::of(child.id());
    drop(child);
    assert!(leader.is_reaped());
    member.wait_until_dead();
}

#[test]
fn a_drop_after_the_reap_sends_nothing() {
    let (mut child, member) = family("exit 0");
    child.reap().expect("a status");
    drop(child);
    assert!(member.is_spared());
}

#[test]
fn a_drop_ends_a_leader_that_has_left_its_group() {
    let (child, elsewhere) = deserter();
    let leader = Bystander::of(child.id());

    drop(child);
    leader.wait_until_dead();
    assert!(elsewhere.is_spared());
}
