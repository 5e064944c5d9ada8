//! The oracle fires: each of these supervisors has one bug, and each is found within a few seeds.

mod buggy;

use childminder::{Deadline, Error, Signal, Target};
use childminder_sim::{Rule, Violation, assert_holds, search};

use crate::buggy::{Bug, Buggy};

#[test]
fn without_a_bug_nothing_is_found() {
    assert_holds(0..20_000, |scenario| Buggy::new(scenario, Bug::None));
}

#[test]
fn it_kills_what_is_left_after_the_reap() {
    found(Bug::KillsAfterReap, |rule| {
        matches!(rule, Rule::SignalledStranger(Signal::KILL))
    });
}

#[test]
fn it_signals_a_leader_that_it_knows_is_dead() {
    found(Bug::SignalsTheDead, |rule| {
        matches!(rule, Rule::SignalledDeadLeader(Signal::TERM))
    });
}

#[test]
fn it_kills_what_outlives_a_leader_that_ended_well() {
    found(Bug::KillsUnprovoked, |rule| {
        matches!(rule, Rule::SignalledUnprovoked(Signal::KILL))
    });
}

#[test]
fn it_sends_what_the_ladder_does_not_have() {
    found(Bug::SendsAnother, |rule| {
        matches!(rule, Rule::SignalledOffLadder(_, Target::Group))
    });
}

#[test]
fn it_does_not_wait_between_the_stages() {
    found(Bug::IsImpatient, |rule| {
        matches!(rule, Rule::StageTooSoon(_))
    });
}

#[test]
fn it_never_signals() {
    found(Bug::NeverSignals, |rule| rule == Rule::NeverSignals);
}

#[test]
fn it_reaps_as_soon_as_it_sees_the_exit() {
    found(Bug::ReapsAtOnce, |rule| {
        matches!(
            rule,
            Rule::ReapedNobody
                | Rule::ReapedBeforeLook
                | Rule::SignalledAfterReap(_)
                | Rule::SignalledStranger(_)
        )
    });
}

#[test]
fn it_never_tells_the_end() {
    found(Bug::NeverTellsTheEnd, |rule| rule == Rule::NeverRanFinal);
}

#[test]
fn it_tells_the_end_twice() {
    found(Bug::TellsTheEndTwice, |rule| {
        matches!(rule, Rule::RanTwoAtOnce(_) | Rule::RanAfterFinal(_))
    });
}

#[test]
fn it_tells_an_end_that_nobody_wants_to_know() {
    found(Bug::TellsTheEndUnasked, |rule| {
        matches!(rule, Rule::RanFinalUnasked | Rule::RanAfterFinal(_))
    });
}

#[test]
fn it_never_warns() {
    found(Bug::NeverWarns, |rule| {
        rule == Rule::SleepsThrough(Deadline::Warning)
    });
}

#[test]
fn it_warns_twice_of_one_silence() {
    found(Bug::WarnsTwice, |rule| rule == Rule::WarnedWithoutReason);
}

#[test]
fn it_warns_without_a_silence() {
    found(Bug::WarnsAtTheStart, |rule| {
        rule == Rule::WarnedWithoutReason
    });
}

#[test]
fn it_runs_the_next_notification_before_the_answer() {
    found(Bug::AnswersItself, |rule| {
        matches!(
            rule,
            Rule::RanTwoAtOnce(_)
                | Rule::SleepsThrough(Deadline::Notification)
                | Rule::FinishedInFlight
        )
    });
}

#[test]
fn it_runs_the_latest_notification_first() {
    found(Bug::TurnsTheQueueRound, |rule| {
        matches!(rule, Rule::RanOutOfOrder(_) | Rule::DiscardedOutOfOrder(_))
    });
}

#[test]
fn it_loses_what_it_should_discard() {
    found(Bug::NeverDiscards, |rule| {
        matches!(rule, Rule::LostNotification(_))
    });
}

#[test]
fn it_does_not_tell_its_core_of_failures() {
    found(Bug::SwallowsFailures, |rule| {
        matches!(rule, Rule::SwallowedError | Rule::NotedLaterErrorFirst(_))
    });
}

#[test]
fn its_latest_error_wins() {
    found(Bug::LatestErrorWins, |rule| {
        rule == Rule::FinishedWithWrongError
    });
}

#[test]
fn it_finishes_twice() {
    found(Bug::FinishesTwice, |rule| rule == Rule::ActedAfterFinish);
}

#[test]
fn it_leaves_a_zombie() {
    found(Bug::NeverReaps, |rule| rule == Rule::FinishedUnreaped);
}

#[test]
fn it_leaves_survivors() {
    found(Bug::NeverSweeps, |rule| {
        matches!(rule, Rule::LeftSurvivor { .. } | Rule::KilledStraysTooSoon)
    });
}

#[test]
fn it_takes_the_exit_for_the_end_of_the_output() {
    found(Bug::EndsWithTheExit, |rule| {
        matches!(
            rule,
            Rule::FinishedBeforeOutputEnded
                | Rule::SignalledOffLadder(Signal::KILL, _)
                | Rule::StageTooSoon(_)
        )
    });
}

#[test]
fn it_calls_everything_a_leak() {
    found(Bug::CriesLeak, |rule| rule == Rule::FinishedWithFalseLeak);
}

#[test]
fn it_forgets_that_it_terminated() {
    found(Bug::ForgetsTermination, |rule| {
        rule == Rule::FinishedWithWrongTerminated
    });
}

#[test]
fn it_looks_at_the_clock_before_it_reads() {
    found(Bug::TicksBeforeItReads, |rule| {
        matches!(
            rule,
            Rule::NotedWithoutReason(Error::IdleTimeout | Error::FirstOutputTimeout)
        )
    });
}

#[test]
fn it_does_not_know_that_owners_suspend() {
    found(Bug::IgnoresSuspension, |rule| {
        matches!(rule, Rule::NotedWithoutReason(_))
    });
}

#[test]
fn it_sleeps_a_second_longer() {
    found(Bug::Oversleeps, |rule| {
        matches!(rule, Rule::SleepsThrough(_))
    });
}

#[test]
fn it_sets_no_timer() {
    found(Bug::NeverWakes, |rule| {
        matches!(rule, Rule::SleepsThrough(_))
    });
}

#[test]
fn it_never_looks_for_the_exit() {
    found(Bug::IgnoresTheExit, |rule| {
        matches!(rule, Rule::Spins | Rule::Stalls)
    });
}

#[test]
fn it_waits_for_an_end_of_output_that_has_been() {
    found(Bug::ForgetsTheEnd, |rule| {
        matches!(rule, Rule::Stalls | Rule::FinishedWithFalseLeak)
    });
}

#[test]
fn it_says_twice_that_the_child_has_exited() {
    found(Bug::TellsTheExitTwice, |rule| {
        matches!(rule, Rule::Misuse(_))
    });
}

#[test]
fn it_never_looks_for_strays() {
    found(Bug::NeverLooksForStrays, |rule| {
        matches!(
            rule,
            Rule::ReapedBeforeLook | Rule::FinishedWithWrongStrays | Rule::OverlookedStray { .. }
        )
    });
}

#[test]
fn it_says_that_all_strays_are_dead() {
    found(Bug::SaysAllStraysAreDead, |rule| {
        rule == Rule::FinishedWithWrongStrays
    });
}

#[test]
fn it_kills_strays_of_a_run_that_is_not_swept() {
    found(Bug::KillsUnsweptStrays, |rule| {
        rule == Rule::KilledUnsweptStrays
    });
}

#[test]
fn it_leaves_strays_of_a_run_that_is_swept() {
    found(Bug::LeavesSweptStrays, |rule| {
        matches!(rule, Rule::NeverKillsStrays | Rule::FinishedWithWrongStrays)
    });
}

#[test]
fn it_gives_strays_up_at_once() {
    found(Bug::GivesStraysUpAtOnce, |rule| {
        matches!(rule, Rule::FinishedWithWrongStrays | Rule::NeverKillsStrays)
    });
}

#[test]
fn it_reaps_before_it_looks_for_strays() {
    found(Bug::ReapsBeforeItLooks, |rule| {
        rule == Rule::ReapedBeforeLook
    });
}

#[test]
fn it_sleeps_until_the_time_for_strays_is_over() {
    found(Bug::SleepsOverStrays, |rule| {
        matches!(
            rule,
            Rule::SleepsThrough(Deadline::StrayLook | Deadline::Drain)
        )
    });
}

#[test]
fn it_passes_no_signal_on() {
    found(Bug::NeverPassesOn, |rule| {
        matches!(rule, Rule::NeverPassedOn(_))
    });
}

#[test]
fn it_takes_a_signal_that_is_passed_on_for_one_of_its_own() {
    found(Bug::PassesOnToTheLadder, |rule| {
        matches!(
            rule,
            Rule::SignalledUnprovoked(_) | Rule::SignalledOffLadder(..)
        )
    });
}

#[test]
fn it_takes_a_kill_for_a_polite_request() {
    found(Bug::IgnoresKill, |rule| {
        matches!(
            rule,
            Rule::SignalledOffLadder(..) | Rule::NeverSignals | Rule::FinishedWithWrongTerminated
        )
    });
}

/// The first violation is of that rule, and comes soon.
#[track_caller]
fn found(bug: Bug, is_it: impl Fn(Rule) -> bool) {
    match search(0..ENOUGH, |scenario| Buggy::new(scenario, bug)) {
        Ok(_) => panic!("{bug:?} was not found in {ENOUGH} seeds"),
        Err(violation) => {
            assert!(is_it(violation.rule), "not as expected: {violation}");
            is_a_story(&violation);
        }
    }
}

/// It names the rule, the seed that brings it back, and what happened up to there.
fn is_a_story(violation: &Violation) {
    let story = violation.to_string();
    let rule = violation.rule.to_string();
    let mut lines = story.lines();
    assert_eq!(
        lines.next(),
        Some(format!("the supervisor {rule}").as_str())
    );
    let seed = format!("seed {}, turn ", violation.seed);
    assert!(
        lines.next().is_some_and(|line| line.starts_with(&seed)),
        "{story}"
    );
    let end = lines.next_back();
    assert!(
        end.is_some_and(|line| line.ends_with(&format!("here it {rule}"))),
        "{story}"
    );
    assert!(lines.any(|line| line.ends_with("starts")), "{story}");
}

const ENOUGH: u64 = 3_000;
