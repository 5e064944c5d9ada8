//! The sixteen rules, each of every run.
//!
//! Each test makes up a few hundred configurations and stories, lets a monitor live them, and judges
//! the histories. A failure prints the smallest story found that still breaks the rule, as a
//! regression test to paste into `regressions.rs`, and the seed that leads to it:
//!
//! ```text
//! PROPTEST_RNG_SEED=5123848347000866345 cargo test -p childminder-tests --test rules rule_06
//! ```
//!
//! makes up the same stories again. `PROPTEST_CASES=100000` makes up more.

use childminder_tests::model;
use childminder_tests::property::holds_of_every_run;
use childminder_tests::rules::{self, Rule};

fn holds(rule: Rule) {
    holds_of_every_run(|run| rule(run.history()));
}

#[test]
fn rule_01_finish_comes_once_and_last() {
    holds(rules::rule_1_finish_once_last);
}

#[test]
fn rule_02_the_first_error_wins() {
    holds(rules::rule_2_first_error_wins);
}

#[test]
fn rule_03_a_clean_exit_whose_last_notification_fails_is_a_failure() {
    holds(rules::rule_3_last_notification_counts);
}

#[test]
fn rule_04_notifications_run_in_order_and_none_after_an_error() {
    holds(rules::rule_4_one_at_a_time);
}

#[test]
fn rule_05_a_bad_notification_is_an_error_and_starts_the_ladder() {
    holds(rules::rule_5_bad_notifications);
}

#[test]
fn rule_06_the_ladder_starts_once_and_waits_at_every_stage() {
    holds(rules::rule_6_ladder_once);
}

#[test]
fn rule_07_no_signal_after_the_exit_or_the_reap() {
    holds(rules::rule_7_no_signal_too_late);
}

#[test]
fn rule_08_output_held_after_the_exit_is_seen_to() {
    holds(rules::rule_8_leaks);
}

#[test]
fn rule_09_a_sweep_precedes_the_reap() {
    holds(rules::rule_9_sweep);
}

#[test]
fn rule_10_the_idle_deadline_fires_at_the_first_tick_after_it() {
    holds(rules::rule_10_idle);
}

#[test]
fn rule_11_first_output_ends_one_deadline_and_the_exit_the_other() {
    holds(rules::rule_11_first_output_and_run);
}

#[test]
fn rule_12_heartbeats_are_on_time_or_skipped() {
    holds(rules::rule_12_heartbeats);
}

#[test]
fn rule_13_a_spurious_tick_changes_nothing() {
    holds(rules::rule_13_spurious_ticks);
}

#[test]
fn rule_14_nobody_sleeps_through_a_deadline() {
    holds(rules::rule_14_never_stalls);
}

#[test]
fn rule_15_misuse_changes_nothing() {
    holds(rules::rule_15_misuse_changes_nothing);
}

#[test]
fn rule_16_the_same_events_give_the_same_actions() {
    holds(rules::rule_16_repeatable);
}

#[test]
fn the_model_agrees() {
    holds_of_every_run(|run| model::check(run.history()));
}
