//! The order of a turn: one rule a test, over a kernel that is told what it does.

mod fake;

use std::io;
use std::time::Duration;

use childminder::{
    Action, Config, Event, ExitStatus, Instant, Ladder, Moment, Signal, Strays, Stream, Target,
};
use childminder_driver::{
    Answer, BUDGET, ChildId, Control, Forwarded, Ready, Request, Sighting, Trigger,
};

use crate::fake::{Child, Piece};

#[test]
fn strays_are_looked_for_in_the_turn_that_asks_for_it_and_killed_at_once() {
    let (mut child, told) = ended_with_strays([(1, 0), (0, 0)]);
    assert_eq!(told, ["signal SIGKILL", "find strays", "kill strays"]);
    child.now = child.driver.wake_at().expect("the next look");
    child.turns(Ready::NONE);
    child.told(&["find strays", "reap", "finished"]);
    assert_eq!(fate(&child), Some(Strays::Killed));
}

#[test]
fn the_answer_to_a_look_comes_after_all_that_was_asked_for_with_it() {
    let mut child = Child::new(looking_for_strays(), BUDGET);
    child.starts();
    child.kernel.strays.push_back(Sighting::default());
    child.ends();
    child.exits(ExitStatus::Code(0));
    child.turns(Ready::ALL);
    let moments = child.take_moments();
    let at = |wanted: fn(&Moment) -> bool| {
        let found = moments.iter().rposition(wanted);
        found.expect("it was observed")
    };
    let look = at(|moment| *moment == Moment::Action(Action::LookForStrays));
    let answer = at(|moment| matches!(moment, Moment::Event(Event::StraysSeen { .. })));
    let between = &moments[look + 1..answer];
    assert!(
        matches!(between, [Moment::Action(Action::ScheduleTimer(_))]),
        "{between:?}"
    );
}

#[test]
fn a_kernel_that_cannot_see_strays_keeps_nothing_waiting() {
    let (child, told) = ended_with_strays([]);
    assert_eq!(told, ["signal SIGKILL", "find strays", "reap", "finished"]);
    assert_eq!(fate(&child), Some(Strays::Unknown));
}

#[test]
fn strays_that_refuse_to_be_killed_are_not_waited_for() {
    let (child, told) = ended_with_strays([(1, 1)]);
    assert_eq!(told, ["signal SIGKILL", "find strays", "reap", "finished"]);
    assert_eq!(fate(&child), Some(Strays::Survived));
}

#[test]
fn what_the_handler_has_for_the_child_to_read_is_given_at_the_start_once() {
    let mut child = Child::new(Config::default(), BUDGET);
    child.input = Some("hello");
    child.starts();
    child.told(&["input hello"]);
    child.turns(Ready::ALL);
    child.told(&[]);
}

#[test]
fn input_that_cannot_be_given_fails_the_run() {
    let mut child = Child::new(Config::default(), BUDGET);
    child.input = Some("hello");
    child.kernel.refuses_input = true;
    child.starts();
    let words = "error failure 1 outside the child: no pipe";
    child.told(&["input hello", words, "signal SIGINT"]);
}

#[test]
fn what_is_forwarded_is_output_that_the_handler_does_not_pass_on() {
    let mut child = Child::started();
    let forwards = [Ok(Forwarded::Seen(3)), Ok(Forwarded::Unseen(70_000))];
    for forwarded in forwards {
        child.kernel.forwards.push_back(forwarded);
        child.turns(Ready::STDOUT);
    }
    child.told(&["forwarded 3 sss", "forwarded 70000 "]);
    let output = |moment: &Moment| match moment {
        Moment::Event(Event::Output { bytes, .. }) => Some(*bytes),
        _ => None,
    };
    let counted: Vec<_> = child.take_moments().iter().filter_map(output).collect();
    assert_eq!(counted, [3, 70_000]);
}

#[test]
fn what_waits_for_room_on_its_way_is_read_once_it_is_due() {
    let mut child = Child::started();
    child.kernel.forwards = [Err(io::ErrorKind::WouldBlock); 2].into();
    child.writes(Stream::Stdout, "waits");
    child.turns(Ready::STDOUT);
    child.told(&[]);
    assert!(!child.driver.has_work());
    child.exits(ExitStatus::Code(0));
    child.turns(Ready::EXIT);
    child.told(&["output waits", "exited exit status 0"]);
}

#[test]
fn what_cannot_be_forwarded_for_another_reason_is_a_failure() {
    let mut child = Child::started();
    child.kernel.forwards = [Err(io::ErrorKind::OutOfMemory)].into();
    child.turns(Ready::STDOUT);
    let told = child.take_told();
    assert!(told[0].starts_with("error "), "{told:?}");
    assert!(told.contains(&"close Stdout".to_owned()), "{told:?}");
}

#[test]
fn what_is_passed_on_goes_as_it_is() {
    let mut child = Child::started();
    let usr1 = Signal::new(10).expect("a signal");
    child.driver.ask(Request::PassOn(usr1, Target::Leader));
    child.driver.ask(Request::Terminate);
    child.turns(Ready::NONE);
    child.told(&["pass on signal 10", "signal SIGINT"]);
}

#[test]
fn that_a_signal_was_not_passed_on_is_the_handlers_to_judge() {
    for takes in [true, false] {
        let mut child = Child::started();
        child.takes_refusals = takes;
        child.kernel.refuses_signals = true;
        child
            .driver
            .ask(Request::PassOn(Signal::HUP, Target::Leader));
        child.turns(Ready::NONE);
        let told = child.take_told();
        assert_eq!(told[..2], ["pass on SIGHUP", "refused SIGHUP"]);
        assert_eq!(told.len() == 2, takes, "{told:?}");
        assert_eq!(child.driver.monitor().is_terminating(), !takes);
    }
}

#[test]
fn a_kill_takes_the_place_of_the_ladder() {
    let mut child = Child::started();
    child.driver.ask(Request::Terminate);
    child.driver.ask(Request::Kill);
    child.turns(Ready::NONE);
    child.told(&["signal SIGINT", "signal SIGKILL"]);
}

/// A run that was ended, with its leader dead, and these sightings ahead, of living and immune strays; and what was
/// asked and told from the sweep on.
fn ended_with_strays<const N: usize>(sightings: [(u64, u64); N]) -> (Child, Vec<String>) {
    let mut child = Child::new(looking_for_strays(), BUDGET);
    child.starts();
    let seen = |(living, immune)| Sighting { living, immune };
    child.kernel.strays.extend(sightings.map(seen));
    child.driver.ask(Request::Terminate);
    child.turns(Ready::NONE);
    child.ends();
    child.exits(ExitStatus::Code(0));
    child.turns(Ready::ALL);
    let told = child.take_told().into_iter();
    let told = told.skip_while(|line| line != "signal SIGKILL").collect();
    (child, told)
}

fn looking_for_strays() -> Config {
    Config {
        stray_timeout: Some(Duration::from_secs(5)),
        ..Config::default()
    }
}

fn fate(child: &Child) -> Option<Strays> {
    Some(child.driver.outcome()?.strays)
}

#[test]
fn what_was_asked_comes_before_output() {
    let mut child = Child::started();
    child.writes(Stream::Stdout, "x");
    child.driver.ask(Request::Notify("hello"));
    child.turns(Ready::STDOUT);
    child.told(&["notify hello", "output x"]);
}

#[test]
fn requests_are_carried_out_in_the_order_of_asking() {
    let mut child = Child::started();
    child.driver.ask(Request::Notify("first"));
    child.driver.ask(Request::Notify("second"));
    child.driver.ask(Request::Terminate);
    child.turns(Ready::NONE);
    child.told(&["notify first", "signal SIGINT", "notify second"]);
}

#[test]
fn what_a_callback_asks_is_carried_out_before_the_next_read() {
    let mut child = Child::started();
    child.wishes("output one", |control| control.hold_output(Stream::Stdout));
    child.kernel.trigger = Trigger::Edge;
    child.writes(Stream::Stdout, "one");
    child.writes(Stream::Stdout, "two");
    child.turns(Ready::STDOUT);
    child.told(&["output one"]);
}

#[test]
fn output_comes_before_the_exit_though_nothing_announced_it() {
    let mut child = Child::started();
    child.writes(Stream::Stderr, "last words");
    child.exits(ExitStatus::Code(0));
    child.turns(Ready::EXIT);
    child.told(&["output last words", "exited exit status 0"]);
}

#[test]
fn an_end_that_is_there_at_the_exit_is_seen_before_it() {
    let mut child = Child::started();
    child.ends();
    child.exits(ExitStatus::Code(0));
    child.turns(Ready::EXIT);
    child.told(&[
        "close Stdout",
        "ended Stdout",
        "close Stderr",
        "ended Stderr",
        "exited exit status 0",
        "reap",
        "finished",
    ]);
}

#[test]
fn the_handler_hears_of_the_exit_before_its_error() {
    let mut child = Child::started();
    child.wishes("exited", |control| control.fail("because"));
    child.exits(ExitStatus::Code(1));
    child.turns(Ready::EXIT);
    child.told(&[
        "exited exit status 1",
        "error failure 1 outside the child: because",
        "signal SIGINT",
    ]);
}

#[test]
fn an_answer_comes_after_the_exit() {
    let mut child = Child::started();
    child.answers = |answer| Some(answer);
    child.driver.ask(Request::Notify("hello"));
    child.turns(Ready::NONE);
    child.exits(ExitStatus::Code(1));
    child.answer(|answer| answer.fail("too late"));
    child.turns(Ready::EXIT);
    child.told(&[
        "notify hello",
        "exited exit status 1",
        "error exit status 1",
        "error notification 1 failed: too late",
        "signal SIGINT",
    ]);
}

#[test]
fn an_answer_given_at_once_is_taken_in_the_same_turn() {
    let mut child = Child::started();
    child.driver.ask(Request::Notify("first"));
    child.driver.ask(Request::Notify("second"));
    child.turns(Ready::NONE);
    child.told(&["notify first", "notify second"]);
    assert!(!child.driver.has_work());
}

#[test]
fn an_answer_that_is_dropped_is_a_failure_that_says_so() {
    let mut child = Child::started();
    child.answers = |answer| {
        drop(answer);
        None
    };
    child.driver.ask(Request::Notify("hello"));
    child.turns(Ready::NONE);
    child.told(&[
        "notify hello",
        "error notification 1 failed: it was dropped without an answer",
        "signal SIGINT",
    ]);
}

#[test]
fn output_that_comes_with_its_deadline_puts_it_off() {
    let mut child = Child::started();
    child.writes(Stream::Stdout, "just in time");
    child.now = Instant::ZERO.after(IDLE);
    child.turns(Ready::NONE);
    child.told(&["output just in time"]);
}

#[test]
fn an_exit_that_nothing_announced_is_seen_before_a_deadline() {
    let mut child = Child::started();
    child.exits(ExitStatus::Code(0));
    child.now = Instant::ZERO.after(IDLE);
    child.turns(Ready::NONE);
    child.told(&["exited exit status 0"]);
}

#[test]
fn what_is_held_is_not_read() {
    let mut child = Child::started();
    child.driver.ask(Request::HoldOutput(Stream::Stdout));
    child.writes(Stream::Stdout, "x");
    child.turns(Ready::STDOUT);
    child.exits(ExitStatus::Code(0));
    child.turns(Ready::EXIT);
    child.told(&["exited exit status 0"]);
}

#[test]
fn before_a_deadline_that_output_decides_it_is_read_though_it_is_held() {
    let mut child = Child::started();
    child.driver.ask(Request::HoldOutput(Stream::Stdout));
    child.writes(Stream::Stdout, "x");
    child.turns(Ready::STDOUT);
    child.told(&[]);
    child.now = Instant::ZERO.after(IDLE);
    child.turns(Ready::NONE);
    child.told(&["output x"]);
}

#[test]
fn what_is_released_is_read_without_being_announced_again() {
    let mut child = Child::started();
    child.driver.ask(Request::HoldOutput(Stream::Stdout));
    child.turns(Ready::NONE);
    child.writes(Stream::Stdout, "x");
    child.driver.ask(Request::ReleaseOutput(Stream::Stdout));
    child.turns(Ready::NONE);
    child.told(&["output x"]);
}

#[test]
fn a_short_read_is_enough_where_what_is_left_is_announced() {
    let mut child = Child::started();
    child.writes(Stream::Stdout, "one");
    child.writes(Stream::Stdout, "two");
    child.turns(Ready::STDOUT);
    child.told(&["output one"]);
    assert!(!child.driver.has_work());
}

#[test]
fn on_the_edge_a_stream_is_read_until_it_would_block() {
    let mut child = Child::started();
    child.kernel.trigger = Trigger::Edge;
    child.writes(Stream::Stdout, "one");
    child.writes(Stream::Stdout, "two");
    child.turns(Ready::STDOUT);
    child.told(&["output one", "output two"]);
    assert!(!child.driver.has_work());
}

#[test]
fn what_a_budget_leaves_is_work() {
    let mut child = Child::started();
    child.kernel.trigger = Trigger::Edge;
    child.budget = 3;
    child.writes(Stream::Stdout, "one");
    child.writes(Stream::Stdout, "two");
    child.turns(Ready::STDOUT);
    child.told(&["output one"]);
    assert_eq!(child.driver.wake_at(), Some(Instant::ZERO));
    child.turns(Ready::NONE);
    child.told(&["output two"]);
}

#[test]
fn a_flood_does_not_starve_the_other_stream() {
    let mut child = Child::started();
    child.kernel.trigger = Trigger::Edge;
    child.budget = 6;
    child.writes(Stream::Stdout, "one");
    child.writes(Stream::Stdout, "two");
    child.writes(Stream::Stderr, "bad");
    child.turns(Ready::STDOUT | Ready::STDERR);
    child.told(&["output one", "output bad"]);
}

#[test]
fn an_interrupted_read_is_begun_again() {
    let mut child = Child::started();
    child.kernel.pieces[0].push_back(Piece::Interrupted);
    child.writes(Stream::Stdout, "x");
    child.turns(Ready::STDOUT);
    child.told(&["output x"]);
}

#[test]
fn a_read_that_fails_is_told_and_closes_the_stream() {
    let mut child = Child::started();
    child.kernel.pieces[0].push_back(Piece::Fails("broken"));
    child.turns(Ready::STDOUT);
    child.told(&[
        "error failure 1 outside the child: broken",
        "signal SIGINT",
        "close Stdout",
        "ended Stdout",
    ]);
}

#[test]
fn a_stream_that_ends_is_closed_and_told_once() {
    let mut child = Child::started();
    child.kernel.pieces[0].push_back(Piece::End);
    child.turns(Ready::STDOUT);
    child.driver.ask(Request::CloseOutput(Stream::Stdout));
    child.turns(Ready::STDOUT);
    child.told(&["close Stdout", "ended Stdout"]);
    assert!(!child.driver.wants(Stream::Stdout));
}

#[test]
fn what_is_still_open_at_the_end_is_closed_before_it_is_told() {
    let mut child = Child::started();
    child.exits(ExitStatus::Code(0));
    child.turns(Ready::EXIT);
    child.now = Instant::ZERO.after(DRAIN);
    child.turns(Ready::NONE);
    child.told(&[
        "exited exit status 0",
        "reap",
        "close Stdout",
        "ended Stdout",
        "close Stderr",
        "ended Stderr",
        "finished",
    ]);
    assert!(child.driver.outcome().is_some_and(|outcome| outcome.leaked));
}

#[test]
fn what_is_asked_for_in_the_last_callbacks_comes_back() {
    let mut child = Child::started();
    child.wishes("ended Stderr", |control| control.notify("too late"));
    child.exits(ExitStatus::Code(0));
    child.turns(Ready::EXIT);
    child.now = Instant::ZERO.after(DRAIN);
    child.turns(Ready::NONE);
    let told = child.take_told();
    assert_eq!(told.last().map(String::as_str), Some("discarded too late"));
    assert_eq!(child.driver.wake_at(), None);
}

#[test]
fn a_lost_exit_is_told_with_its_reason_and_not_reaped() {
    let mut child = Child::started();
    child.wishes("exited", progress);
    child.ends();
    child.kernel.exit = Some(Err("reaped by another"));
    child.turns(Ready::ALL);
    let told = child.take_told();
    assert_eq!(
        told[4..],
        [
            &format!("exited {}", ExitStatus::Lost),
            &format!("error {}: reaped by another", ExitStatus::Lost),
            "finished"
        ]
    );
}

#[test]
fn a_signal_that_fails_is_told() {
    let mut child = Child::started();
    child.kernel.refuses_signals = true;
    child.driver.ask(Request::Terminate);
    child.turns(Ready::NONE);
    child.told(&[
        "signal SIGINT",
        "error failure 1 outside the child: not permitted",
    ]);
}

#[test]
fn a_child_is_killed_at_once_whatever_its_ladder_and_not_again_after_its_end() {
    let mut child = Child::started();
    child.driver.ask(Request::SetLadder(Ladder::NONE));
    child.turns(Ready::NONE);
    child.kills();
    child.told(&["signal SIGKILL"]);
    child.ends();
    child.exits(ExitStatus::Code(0));
    child.turns(Ready::ALL);
    child.take_told();
    child.kills();
    child.told(&[]);
}

#[test]
fn a_request_for_another_child_is_left_for_it() {
    let mut child = Child::started();
    child.wishes("output x", |control| {
        control.child(ChildId::FIRST.next()).terminate();
    });
    child.writes(Stream::Stdout, "x");
    child.turns(Ready::STDOUT);
    child.told(&["output x"]);
    let left = child.shared.next_request();
    assert!(matches!(left, Some((id, Request::Terminate)) if id == ChildId::FIRST.next()));
}

#[test]
fn a_turn_too_many_changes_nothing() {
    let mut child = Child::started();
    child.turns(Ready::ALL);
    child.turns(Ready::NONE);
    child.told(&[]);
}

impl Child {
    /// With a child that is ended when it is silent for [`IDLE`].
    fn started() -> Self {
        let config = Config {
            idle_timeout: Some(IDLE),
            ..Config::default()
        };
        let mut child = Self::new(config, BUDGET);
        child.starts();
        child
    }

    #[track_caller]
    fn told(&mut self, expected: &[&str]) {
        assert_eq!(self.take_told(), expected);
    }

    fn answer(&mut self, answer: impl FnOnce(Answer)) {
        answer(self.kept.take().expect("an answer was kept"));
    }
}

const IDLE: Duration = Duration::from_secs(10);
const DRAIN: Duration = Duration::from_secs(2);

fn progress(control: &mut Control<&'static str>) {
    control.progress();
}
