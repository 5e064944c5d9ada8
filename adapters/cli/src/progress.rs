//! `--progress`: one line on our terminal that tells how the run goes, while it goes.
//!
//! The line stands below what the command writes. It is erased before anything else is written to that terminal, and drawn
//! again behind a whole line: never behind one that the command has not ended, which a progress bar of its own may be. It
//! goes the way of all that we write, so a terminal that stands still holds up no loop; and there is no frame in the queue
//! while anything else is, so none can be late. What is not ours is not touched: the line never takes more than a row.
//!
//! In the background the terminal is our shell's, or another job's, and nothing is drawn.

use std::cell::Cell;
use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use childminder::{Deadline, Signal};
use childminder_terminal::Minded as _;
use childminder_unix::{clock, signals};
use indicatif::{FormattedDuration, HumanBytes, HumanCount};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{tcgetpgrp, tcgetwinsize};

use crate::display;
use crate::event_loop::EventLoop;
use crate::owner::Minder;

/// Whether our standard error is a terminal that can erase a line.
pub(crate) fn can_be_shown() -> bool {
    let terminal = env::var_os("TERM");
    io::stderr().is_terminal() && terminal.is_some_and(|name| !name.is_empty() && name != "dumb")
}

/// When the line is drawn, and whether it is there.
#[derive(Debug)]
pub(crate) struct Progress {
    is_there: Cell<bool>,
    drawn_at: Cell<Instant>,
    due_at: Cell<Instant>,
    /// Whether anything but frames may wait in the queue.
    owes: Cell<bool>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            is_there: Cell::new(false),
            drawn_at: Cell::new(now),
            due_at: Cell::new(now + TENTH),
            owes: Cell::new(false),
        }
    }

    /// What erases the line, if it is there, and the terminal too. Write it at once.
    pub(crate) fn erasure(&self) -> Option<&'static str> {
        if !self.is_there.take() {
            return None;
        }
        self.due_at.set(self.drawn_at.get() + TENTH);
        tcgetwinsize(io::stderr()).is_ok().then_some(ERASURE)
    }

    /// Something else is written.
    pub(crate) fn owes(&self) {
        self.owes.set(true);
    }

    /// Whether only a frame is lost when what waits now is given up.
    pub(crate) fn owes_nothing(&self) -> bool {
        !self.owes.get()
    }

    /// When to draw it next: a second after the last time, or a tenth of one where it was erased.
    pub(crate) fn due_at(&self) -> Instant {
        self.due_at.get()
    }

    /// The bytes that draw this in place of what is there. Write them at once, behind nothing. None where the line cannot
    /// be drawn now, or there is no room for it.
    pub(crate) fn frame(&self, parts: Option<&[String]>) -> Option<String> {
        let now = Instant::now();
        self.due_at.set(now + SECOND);
        let columns = display::columns(io::stderr()).unwrap_or(DEFAULT_COLUMNS);
        let line = fitting(parts?, columns);
        self.drawn_at.set(now);
        self.owes.set(false);
        let was_there = self.is_there.replace(line.is_some());
        let line = line.or(was_there.then(String::new))?;
        Some(format!("{ERASURE}{line}"))
    }
}

/// What there is to tell, the most important first.
pub(crate) fn parts(child: &EventLoop<Minder>) -> Vec<String> {
    let minder = child.handler();
    let elapsed = Duration::from_nanos(minder.log.elapsed().0);
    let monitor = child.monitor();
    let mut silence = monitor.silence();
    if !monitor.is_suspended() {
        // The monitor knows the time of its latest event.
        silence += minder.log.elapsed().since(minder.log.duration());
    }
    let mut parts = vec![format!("{}", FormattedDuration(elapsed))];
    parts.extend(next_deadline(child));
    parts.push(format!("silent for {}", brief(silence)));
    let mut written = HumanBytes(minder.log.bytes).to_string();
    let _ = match minder.lines {
        1 => write!(written, " in 1 line"),
        lines => write!(written, " in {} lines", HumanCount(lines)),
    };
    parts.push(written);
    parts
}

/// What comes next if nothing happens, and when.
fn next_deadline(child: &EventLoop<Minder>) -> Option<String> {
    let monitor = child.monitor();
    let of = |deadline| Some((monitor.deadline(deadline)?, deadline));
    let (at, deadline) = Deadline::ALL
        .into_iter()
        .filter_map(of)
        .filter(|(_, deadline)| told(*deadline))
        .min()?;
    let what = match deadline {
        Deadline::Idle => "--idle",
        Deadline::FirstOutput => "--first-output",
        Deadline::Run => "--wall",
        Deadline::Warning => "--warn",
        Deadline::Drain => "--drain",
        Deadline::Notification => "--notify-timeout",
        Deadline::Stage => match next_signal(child.handler()) {
            Some(signal) => {
                return Some(format!("{} in {}", signals::name(signal), brief_until(at)));
            }
            None => "given up",
        },
        _ => "strays given up",
    };
    Some(format!("{what} in {}", brief_until(at)))
}

/// Not what only the machinery needs to know.
fn told(deadline: Deadline) -> bool {
    !matches!(deadline, Deadline::Heartbeat | Deadline::StrayLook)
}

/// The ladder's next stage, if there is one.
fn next_signal(minder: &Minder) -> Option<Signal> {
    let sent = minder.log.signals.iter().filter(|sent| sent.is_a_stage);
    Some(minder.ladder().stages().nth(sent.count())?.signal)
}

fn brief_until(at: childminder::Instant) -> String {
    // Rounded up: at zero it is there.
    brief(at.since(clock::now()) + NEARLY_A_SECOND)
}

fn brief(span: Duration) -> String {
    match span.as_secs() {
        seconds @ ..60 => format!("{seconds}s"),
        _ => FormattedDuration(span).to_string(),
    }
}

/// As many parts as fit, and our name before them if that fits too. All of it is ASCII, so a byte takes a column.
fn fitting(parts: &[String], columns: usize) -> Option<String> {
    // In the last column some terminals go on to the next row.
    let room = columns.saturating_sub(1);
    let whole = format!("childminder: {}", parts.join(", "));
    if whole.len() <= room {
        return Some(whole);
    }
    let shorter = (1..=parts.len())
        .rev()
        .map(|count| parts[..count].join(", "));
    shorter.into_iter().find(|line| line.len() <= room)
}

/// Whether the terminal is ours, or lent to the child, and not of another job. It is nobody's if it controls no session, or
/// one outside our PID namespace; and gone where it says anything else.
pub(crate) fn has_foreground(child: &EventLoop<Minder>) -> bool {
    match tcgetpgrp(io::stderr()) {
        Ok(group) => group == getpgrp() || group.as_raw_pid().unsigned_abs() == child.child().id(),
        Err(error) => matches!(error, Errno::NOTTY | Errno::OPNOTSUPP),
    }
}

const ERASURE: &str = "\r\x1b[K";
/// Of a terminal that does not say how wide it is.
const DEFAULT_COLUMNS: usize = 80;

const SECOND: Duration = Duration::from_secs(1);
const NEARLY_A_SECOND: Duration = Duration::from_nanos(999_999_999);
const TENTH: Duration = Duration::from_millis(100);
