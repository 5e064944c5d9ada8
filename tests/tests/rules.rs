//! The twenty-three rules, each of every run.
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

use childminder::{Action, Deadline, Event};
use childminder_tests::history::History;
use childminder_tests::model::{self, What};
use childminder_tests::op::{Case, Drain, Op, any_case};
use childminder_tests::property::{holds_of_all, holds_of_every_run, keeps_the_rules, runner};
use childminder_tests::rules::{self, Rule};
use childminder_tests::run::Run;
use proptest::strategy::{Strategy, ValueTree};

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
fn rule_13_polled_eagerly_or_lazily_it_ends_the_same() {
    holds_of_all(&any_case(50), |case| {
        let eager = Run::of(&drained_always(case));
        let lazy = told_lazily(eager.history(), case);
        rules::same_outcome(eager.history(), lazy.history())
    });
}

#[test]
fn rule_14_nobody_sleeps_through_a_deadline() {
    holds(rules::rule_14_never_stalls);
}

/// Whoever only ever sleeps gets somewhere: the next deadline lies ahead of the one just served.
#[test]
fn rule_14_whoever_sleeps_until_each_deadline_moves_on() {
    holds_of_every_run(|run| {
        let mut run = run.clone();
        run.drain(Drain::All);
        for _ in 0..20 {
            let Some(wake) = run.monitor().poll_timeout() else {
                break;
            };
            run.tell(wake, Event::Tick);
            if run
                .monitor()
                .poll_timeout()
                .is_some_and(|next| next <= wake)
            {
                return Err(format!("stuck at {wake:?}"));
            }
        }
        rules::rule_14_never_stalls(run.history()).map_err(|violation| violation.to_string())
    });
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
fn rule_16_output_does_the_same_by_the_long_way() {
    holds(rules::rule_16_the_long_way);
}

#[test]
fn rule_17_a_signal_that_is_passed_on_is_sent_as_it_is() {
    holds(rules::rule_17_passed_on);
}

#[test]
fn rule_18_strays_are_looked_for_and_waited_for() {
    holds(rules::rule_18_strays_are_looked_for);
}

#[test]
fn rule_19_strays_are_killed_only_where_all_is_swept() {
    holds(rules::rule_19_strays_are_killed);
}

#[test]
fn rule_20_the_outcome_says_what_became_of_strays() {
    holds(rules::rule_20_fate_of_strays);
}

#[test]
fn rule_21_every_deadline_waits_while_suspended() {
    holds(rules::rule_21_waits_while_suspended);
}

#[test]
fn rule_22_the_final_notification_is_last_of_all() {
    holds(rules::rule_22_final_notification);
}

#[test]
fn rule_23_a_warning_comes_once_in_a_silence() {
    holds(rules::rule_23_warnings);
}

#[test]
fn the_model_agrees() {
    holds_of_every_run(|run| model::check(run.history()));
}

/// What eager polling gives is what the model predicts from the events alone.
#[test]
fn the_model_predicts_every_action() {
    holds_of_all(&any_case(50), |case| {
        let run = Run::of(&drained_always(case));
        let turns = &run.history().turns;
        let events: Vec<_> = turns.iter().map(|turn| (turn.at, turn.event)).collect();
        let expected = model::expected_actions(case.config, &events);
        let polled = turns.iter().map(|turn| turn.polled.clone());
        let is_same = polled.eq(expected);
        is_same.then_some(()).ok_or("another action than expected")
    });
}

/// Any bytes make a case, and its run keeps the rules: what the fuzz targets rely on.
#[test]
fn any_bytes_are_a_story() {
    let (mut runner, seed) = runner();
    let bytes = proptest::collection::vec(proptest::num::u8::ANY, 0..200);
    for _ in 0..50 {
        let bytes = bytes.new_tree(&mut runner).expect("bytes").current();
        println!("PROPTEST_RNG_SEED={seed}, {bytes:?}");
        keeps_the_rules(&Run::of(&Case::from_bytes(&bytes)));
    }
}

/// A property that nothing puts to the test holds trivially; so every kind of thing must come up.
#[test]
fn the_stories_go_everywhere() {
    let (mut runner, seed) = runner();
    let cases = any_case(50);
    let mut wanted = Vec::from(EVENTS_OF_NOTE);
    for _ in 0..5_000 {
        let case = cases.new_tree(&mut runner).expect("a case").current();
        let met = events_of_note(Run::of(&case).history());
        wanted.retain(|wanted| !met.iter().any(|met| met.starts_with(wanted)));
        if wanted.is_empty() {
            return;
        }
    }
    panic!("PROPTEST_RNG_SEED={seed} never meets {wanted:?}");
}

/// The same story, polled dry after each event.
fn drained_always(case: &Case) -> Case {
    let ops = case.ops.iter().copied();
    Case {
        config: case.config,
        ops: ops.filter(|op| !matches!(op, Op::Drain(_))).collect(),
    }
}

/// The same events, polled as the case's own operations say; but dry before each answer, which whoever
/// was not told of the notification could not give.
fn told_lazily(eager: &History, case: &Case) -> Run {
    let mut drains = case.ops.iter().filter_map(|op| match op {
        Op::Drain(drain) => Some(*drain),
        _ => None,
    });
    let mut run = Run::new(eager.config);
    let mut lazily = Drain::Nothing;
    for (index, turn) in eager.turns.iter().enumerate() {
        let next = eager.turns.get(index + 1).map(|turn| turn.event);
        if index % 4 == 3 {
            lazily = drains.next().unwrap_or(Drain::AtMost(1));
        }
        run.drain(match next {
            Some(Event::NotifyDone { .. }) => Drain::All,
            _ => lazily,
        });
        run.tell(turn.at, turn.event);
    }
    run
}

/// The kinds of errors, misuse and actions in a run, and its rarer turns.
fn events_of_note(history: &History) -> Vec<String> {
    let mut met = Vec::new();
    let (chronicle, _) = model::Chronicle::of(history);
    let past = chronicle.past();
    met.extend(past.errors().iter().map(|(_, error)| format!("{error:?}")));
    met.extend(history.actions().map(|(_, action)| format!("{action:?}")));
    let misuse = history.turns.iter().filter_map(|turn| turn.result.err());
    met.extend(misuse.map(|misuse| format!("{misuse:?}")));
    if let Some(outcome) = history.outcome() {
        let clean = if outcome.is_success() { "clean" } else { "bad" };
        met.push(format!("{clean} end"));
        met.push(format!("strays {:?}", outcome.strays));
        if outcome.leaked {
            met.push("leaked".into());
        }
    }
    let actions: Vec<_> = history.actions().map(|(_, action)| action).collect();
    if past.given_up().is_some() && actions.contains(&Action::Reap) {
        met.push("exit after giving up".into());
    }
    if past.ladder_start() > past.exit().map(|(entry, _)| entry) && past.exit().is_some() {
        met.push("ladder after the exit".into());
    }
    if past.signals().len() < past.sent().len() && past.kill().is_none() {
        met.push("withdrawn signal".into());
    }
    let fired = What::Fired(Deadline::Warning);
    let warnings = past.all().filter(|(_, what)| *what == fired).count();
    let warned = actions.iter().filter(|action| **action == Action::Warn);
    if warnings > warned.count() + usize::from(past.is_to_warn()) {
        met.push("withdrawn warning".into());
    }
    if past.starts().len() > past.kept() {
        met.push("notification taken back".into());
    }
    met
}

const EVENTS_OF_NOTE: [&str; 39] = [
    "IdleTimeout",
    "FirstOutputTimeout",
    "RunTimeout",
    "Exit(Code",
    "Exit(Signal",
    "Notification(",
    "NotificationTimeout(",
    "External(",
    "Unkillable",
    "NotStarted",
    "AlreadyStarted",
    "AlreadyExited",
    "OutputAlreadyClosed",
    "NotInFlight(",
    "AlreadyFinished",
    "RecordError",
    "Warn",
    "SendSignal",
    "DiscardNotifications",
    "RunNotification",
    "ScheduleTimer(Some",
    "ScheduleTimer(None",
    "Reap",
    "Finish",
    "KillStrays",
    "LookForStrays",
    "strays None",
    "strays Killed",
    "strays Left",
    "strays Survived",
    "clean end",
    "bad end",
    "leaked",
    "exit after giving up",
    "ladder after the exit",
    "withdrawn signal",
    "withdrawn warning",
    "notification taken back",
    "RecordError { error: Unkillable, first: false",
];
