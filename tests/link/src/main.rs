//! Uses all of the core's public API, in a program that has no C library, no allocator and no panic
//! handler: the handler calls a function that exists nowhere. If any panic can be reached, or any
//! allocation, the program does not link. It is not meant to be run.
//!
//! Both `unsafe` here are about names that the linker sees, and neither is ever called: nobody starts the
//! program, and nobody can link it if it could panic.
#![no_std]
#![no_main]

use core::error::Error as _;
use core::fmt::{self, Debug, Display, Write};
use core::hash::{Hash, Hasher};
use core::hint::black_box;
use core::num::NonZeroU64;
use core::panic::PanicInfo;
use core::time::Duration;

use childminder::{
    Action, Activity, Config, Deadline, Error, Event, ExitStatus, FailureId, Instant, Ladder,
    Misuse, MonitorState, NoSuchSignal, NotificationId, NotificationKind, Outcome, Signal, Stage,
    Stream, Target, TooManyStages,
};

/// Where a program without start-up code begins.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    small_things();
    ladders();
    monitors();
    #[cfg(feature = "panics")]
    assert!(black_box(true));
    loop {}
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn the_core_can_panic_or_allocate() -> !;
    }
    the_core_can_panic_or_allocate()
}

fn small_things() {
    let number = black_box(7);
    if let Some(signal) = Signal::new(number) {
        shown(&signal);
        used(&signal);
        black_box(signal.number());
    }
    if let Err(error) = Signal::try_from(number) {
        let NoSuchSignal { .. } = error;
        shown(&error);
        black_box(error.source().is_some());
    }
    for status in [
        ExitStatus::Code(number),
        ExitStatus::Signal(Signal::KILL),
        ExitStatus::Lost,
    ] {
        shown(&black_box(status));
        used(&status);
        black_box(black_box(status).is_success());
    }
    if let Some(id) = NotificationId::new(black_box(7)) {
        used(&id);
        displayed(&id);
        black_box(NotificationId::from(black_box(NonZeroU64::MIN)));
        black_box(id.number());
    }
    if let Some(id) = FailureId::new(black_box(7)) {
        used(&id);
        displayed(&id);
        black_box(FailureId::from(black_box(NonZeroU64::MIN)));
        black_box(id.number());
    }
    let now = black_box(Instant(7));
    used(&now);
    black_box(now.after(span()).since(black_box(Instant::ZERO)));
    black_box(Instant::FAR_FUTURE.max(now));
    displayed(&now);
    used(&black_box(Deadline::Idle));
    black_box(Deadline::ALL);
    for stream in black_box(Stream::ALL) {
        used(&stream);
        shown(&stream);
        black_box(stream.name());
        black_box(black_box(Activity::default()).counts(stream));
    }
    used(&black_box(Target::Group));
    shown(&black_box(Target::Leader));
    black_box(black_box(Target::Group).name());
    used(&black_box(Activity::default()));
    black_box(black_box(Activity::Stderr).name());
    used(&black_box(NotificationKind::Requested));
    black_box(black_box(NotificationKind::Heartbeat).name());
}

fn ladders() {
    let stage = Stage {
        signal: Signal::INT,
        target: black_box(Target::Leader),
        wait: Some(span()),
    };
    used_but_not_debugged(&stage);
    match Ladder::new(black_box(&[stage; 5])) {
        Ok(ladder) => {
            used_but_not_debugged(&ladder);
            for stage in ladder.stages() {
                black_box(stage);
            }
            black_box(ladder.addresses_group());
        }
        Err(error) => {
            let TooManyStages { .. } = error;
            shown(&error);
            black_box(error.source().is_some());
        }
    }
    used_but_not_debugged(&black_box(Ladder::default()));
    used_but_not_debugged(&black_box(Ladder::NONE));
    used_but_not_debugged(&Ladder::from(black_box([stage])));
    used_but_not_debugged(&Ladder::from(black_box([stage; 2])));
    used_but_not_debugged(&Ladder::from(black_box([stage; 3])));
    used_but_not_debugged(&Ladder::from(black_box([stage; 4])));
}

fn monitors() {
    let config = Config {
        activity: black_box(Activity::Explicit),
        ..Config::launchpad(span())
    };
    used_but_not_debugged(&config);
    used_but_not_debugged(&black_box(Config::default()));
    let mut monitor = MonitorState::new(black_box(config));
    for _ in 0..black_box(7) {
        let now = black_box(Instant(7));
        let event = black_box(Event::Tick);
        used_but_not_debugged(&event);
        black_box(event.name());
        answered(monitor.handle(now, event));
        answered(monitor.notify(now));
        answered(monitor.fail(now));
        while let Some(action) = monitor.poll_action() {
            used(&action);
            if let Action::RecordError { error, .. } = action {
                error_used(error);
            }
        }
        black_box(monitor.poll_timeout());
        black_box(monitor.timeout_reason());
        black_box(monitor.deadline(black_box(Deadline::Drain)));
        black_box(monitor.is_terminating());
        black_box(monitor.is_suspended());
        if let Some(error) = monitor.first_error() {
            error_used(error);
        }
        if let Some(outcome) = monitor.outcome() {
            outcome_used(outcome);
        }
        monitor = black_box(monitor.rebased(now));
        black_box(MonitorState::REBASED_NOW);
        black_box(monitor.states());
        used_but_not_debugged(&monitor);
    }
}

fn error_used(error: Error) {
    shown(&error);
    used(&error);
    black_box(error.name());
    black_box(error.source().is_some());
}

fn outcome_used(outcome: Outcome) {
    used(&outcome);
    displayed(&outcome);
    used(&black_box(Outcome::default()));
    black_box(outcome.is_success());
}

fn answered<T: Copy>(answer: Result<T, Misuse>) {
    match answer {
        Ok(id) => {
            black_box(id);
        }
        Err(misuse) => {
            displayed(&misuse);
            black_box(misuse.source().is_some());
        }
    }
}

fn span() -> Duration {
    black_box(Duration::from_secs(7))
}

fn used<T: Clone + Debug + Eq + Hash>(value: &T) {
    let mut sink = Sink(0);
    black_box(write!(sink, "{value:?}").is_ok());
    used_but_not_debugged(value);
}

/// `Debug` of a [`Duration`], of a text, and of a struct of more than five fields, is code of the standard library's
/// `core`, with assertions that always hold and that no optimiser sees through.
fn used_but_not_debugged<T: Clone + Eq + Hash>(value: &T) {
    let mut sink = Sink(0);
    value.clone().hash(&mut sink);
    black_box((*value == black_box(value.clone()), sink.finish()));
}

fn displayed<T: Display>(value: &T) {
    let mut sink = Sink(0);
    let written = write!(sink, "{value}");
    black_box((written.is_ok(), sink.0));
}

fn shown<T: Debug + Display>(value: &T) {
    let mut sink = Sink(0);
    let written = write!(sink, "{value} {value:?}");
    black_box((written.is_ok(), sink.0));
}

/// Takes text and hashes, and keeps nothing of them but a number.
struct Sink(u64);

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

impl Hasher for Sink {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(5) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
