//! Stories that once broke a rule, as the property tests printed them.

#![allow(
    clippy::wildcard_imports,
    reason = "a story is pasted as it was printed, whatever it names"
)]

use std::time::Duration;

use childminder::*;
use childminder_tests::property::keeps_the_rules;
use childminder_tests::run::Run;

/// A suspension may put a deadline off beyond the end of time. Then it is none.
#[test]
fn a_deadline_put_off_for_ever_never_fires() {
    let mut run = Run::new(Config {
        run_timeout: Some(Duration::from_secs(1)),
        ..Config::default()
    });
    run.tell(Instant(0), Event::Started);
    run.tell(Instant(1_000_000_000), Event::Suspended);
    run.tell(Instant(18_446_744_073_709_551_615), Event::Resumed);
    run.tell(Instant(18_446_744_073_709_551_615), Event::Tick);
    keeps_the_rules(&run);
}

/// The leader's exit leaves nobody to whom impatience could send the rest of the ladder.
#[test]
fn impatience_after_the_exit_ends_the_wait_of_the_last_stage_that_mattered() {
    let mut run = Run::new(Config {
        drain_timeout: None,
        ladder: Ladder::from([
            Stage {
                signal: Signal::INT,
                target: Target::Group,
                wait: Some(Duration::from_secs(1)),
            },
            Stage {
                signal: Signal::KILL,
                target: Target::Leader,
                wait: None,
            },
        ]),
        ..Config::default()
    });
    run.tell(Instant(0), Event::Started);
    run.tell(Instant(0), Event::Terminate);
    run.tell(Instant(0), Event::ChildExited(ExitStatus::Code(0)));
    run.tell(Instant(0), Event::Escalate);
    keeps_the_rules(&run);
}

/// Of two deadlines that one late `Tick` meets, the drain was due first and ended the run: nothing is left for the
/// stage to be sent to.
#[test]
fn a_stage_is_not_sent_once_an_earlier_drain_has_ended_the_run() {
    let stage = |signal| Stage {
        signal,
        target: Target::Group,
        wait: Some(Duration::from_secs(2)),
    };
    let mut run = Run::new(Config {
        drain_timeout: Some(Duration::from_secs(1)),
        ladder: Ladder::from([stage(Signal::INT), stage(Signal::TERM)]),
        sweep: Sweep::Never,
        ..Config::default()
    });
    run.tell(Instant(0), Event::Started);
    run.tell(Instant(0), Event::Terminate);
    run.tell(Instant(0), Event::ChildExited(ExitStatus::Code(0)));
    let actions = run.tell(Instant(9_000_000_000), Event::Tick);
    let is_signal = |action: &Action| matches!(action, Action::SendSignal { .. });
    assert!(!actions.iter().any(is_signal), "{actions:?}");
    keeps_the_rules(&run);
}
