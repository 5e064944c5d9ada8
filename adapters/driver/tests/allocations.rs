//! What is read, looked at and asked for, over and over, takes no new memory.

#[path = "shared/counting.rs"]
mod counting;

use std::io;
use std::time::Duration;

use childminder::{Activity, Config, ExitStatus, Instant, Signal, Stream, Target};
use childminder_driver::{
    BUDGET, ChildId, Control, Driver, Handler, Kernel, Lines, Netstrings, Ready, Shared, Sighting,
    Tail, Trigger, Turn,
};

use counting::allocations;

#[test]
fn a_turn_with_output_allocates_nothing() {
    let mut child = Child::new(Quiet);
    assert_eq!(child.allocations(b"anything\n"), 0);
}

#[test]
fn lines_and_their_tail_and_progress_allocate_nothing() {
    let mut child = Child::new(Reader {
        lines: Lines::default(),
        tail: Tail::default(),
    });
    assert_eq!(child.allocations(b"one\rtwo\n\nthree\nfo"), 0);
    assert_eq!(child.allocations(&b"0123456789 abcdef\n".repeat(3000)), 0);
    assert_eq!(child.allocations(&vec![b'x'; 60_000]), 0);
}

#[test]
fn netstrings_allocate_nothing() {
    let mut child = Child::new(Listener(Netstrings::new(100)));
    assert_eq!(child.allocations(b"4:ping,3:log,12:so and so on,"), 0);
}

struct Quiet;

impl Handler for Quiet {
    type Notification = ();
}

struct Reader {
    lines: Lines,
    tail: Tail,
}

impl Handler for Reader {
    type Notification = ();

    fn output(&mut self, control: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        self.tail.push(stream, bytes);
        self.lines.push(bytes, |_| control.progress());
    }
}

struct Listener(Netstrings);

impl Handler for Listener {
    type Notification = ();

    fn output(&mut self, control: &mut Control<()>, _: Stream, bytes: &[u8]) {
        let pushed = self.0.push(bytes, |_| control.progress());
        pushed.expect("netstrings");
    }
}

struct Child<H: Handler<Notification = ()>> {
    driver: Driver<()>,
    handler: H,
    shared: Shared<()>,
    now: Instant,
}

impl<H: Handler<Notification = ()>> Child<H> {
    fn new(handler: H) -> Self {
        let config = Config {
            idle_timeout: Some(Duration::from_secs(60)),
            activity: Activity::Stdout,
            ..Config::default()
        };
        let mut child = Self {
            driver: Driver::new(ChildId::FIRST, config),
            handler,
            shared: Shared::new(|| {}),
            now: Instant::ZERO,
        };
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method by itself is for one lifetime"
        )]
        child.drive(&[], |driver, turn| driver.start(turn));
        child
    }

    /// How many there are in a hundred turns that bring this on both streams, after some to begin with.
    fn allocations(&mut self, text: &[u8]) -> usize {
        self.write(10, text);
        let before = allocations();
        self.write(100, text);
        allocations() - before
    }

    fn write(&mut self, turns: usize, text: &[u8]) {
        for _ in 0..turns {
            self.now = self.now.after(Duration::from_millis(1));
            self.shared.begin();
            self.drive(text, |driver, turn| driver.turn(turn, Ready::ALL));
            self.shared.end();
        }
    }

    fn drive(
        &mut self,
        text: &[u8],
        act: impl FnOnce(&mut Driver<()>, &mut Turn<'_, H, Writes<'_>>),
    ) {
        let mut kernel = Writes([text; 2]);
        let mut turn = Turn {
            now: self.now,
            budget: BUDGET,
            kernel: &mut kernel,
            handler: &mut self.handler,
            shared: &mut self.shared,
        };
        act(&mut self.driver, &mut turn);
    }
}

/// What is still to be read of each stream.
struct Writes<'a>([&'a [u8]; 2]);

impl Kernel for Writes<'_> {
    fn is_open(&self, _: Stream) -> bool {
        true
    }

    fn trigger(&self) -> Trigger {
        Trigger::Level
    }

    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> io::Result<usize> {
        let text = &mut self.0[stream as usize];
        if text.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        io::Read::read(text, buffer)
    }

    fn waiting(&mut self, stream: Stream) -> io::Result<usize> {
        Ok(self.0[stream as usize].len())
    }

    fn close(&mut self, _: Stream) {}

    fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        Ok(None)
    }

    fn signal(&mut self, _: Signal, _: Target) -> io::Result<()> {
        Ok(())
    }

    fn pass_on(&mut self, _: Signal, _: Target) -> io::Result<()> {
        Ok(())
    }

    fn kill_strays(&mut self) {}

    fn find_strays(&mut self) -> Option<Sighting> {
        None
    }

    fn reap(&mut self) -> io::Result<()> {
        Ok(())
    }
}
