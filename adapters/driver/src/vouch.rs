//! What a child says of itself, by systemd's protocol (`sd_notify(3)`).

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::Control;

/// Something that a child says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vouch {
    /// `READY=1`: its start-up is over.
    Ready,
    /// `WATCHDOG=1`: it is alive.
    Alive,
    /// `WATCHDOG=trigger`: it has found itself broken.
    Broken,
    /// `WATCHDOG_USEC=`: how long it may be silent from now on; `None`, said by 0 or the largest number, is for ever.
    IdleTimeout(Option<Duration>),
    /// `EXTEND_TIMEOUT_USEC=`: it has something to do that takes as long.
    Extend(Duration),
    /// `STATUS=`: what it is doing, in one line for people.
    Status(String),
    /// `STOPPING=1`: it is about to end.
    Stopping,
    /// A message that was dropped, or a part of one: this is why.
    Refused(String),
}

impl Vouch {
    /// What one message says, in order. What is not listed above is left out; what is, but with a value that makes no
    /// sense, is [`Refused`](Self::Refused).
    ///
    /// ```
    /// use childminder_driver::Vouch;
    ///
    /// let said: Vec<_> = Vouch::all_of(b"READY=1\nSTATUS=serving\nMAINPID=7").collect();
    /// assert_eq!(said, [Vouch::Ready, Vouch::Status("serving".to_owned())]);
    /// ```
    pub fn all_of(message: &[u8]) -> impl Iterator<Item = Self> + '_ {
        message.split(|byte| *byte == b'\n').filter_map(Self::of)
    }

    fn of(line: &[u8]) -> Option<Self> {
        let equals = line.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&line[..equals], &line[equals + 1..]);
        let value = str::from_utf8(value).ok();
        let (said, right) = match name {
            b"READY" => (one(value).map(|()| Self::Ready), "1"),
            b"STOPPING" => (one(value).map(|()| Self::Stopping), "1"),
            b"WATCHDOG" if value == Some("trigger") => (Some(Self::Broken), ""),
            b"WATCHDOG" => (one(value).map(|()| Self::Alive), "1 or trigger"),
            b"WATCHDOG_USEC" => (micros(value).map(Self::IdleTimeout), MICROSECONDS),
            b"EXTEND_TIMEOUT_USEC" => {
                let longest = Duration::from_micros(u64::MAX);
                let given = micros(value).map(|time| time.unwrap_or(longest));
                (given.map(Self::Extend), MICROSECONDS)
            }
            b"STATUS" => (value.map(|text| Self::Status(text.to_owned())), "UTF-8"),
            _ => return None,
        };
        Some(said.unwrap_or_else(|| {
            let line = String::from_utf8_lossy(line);
            Self::Refused(format!("`{}` must be {right}", shortened(&line)))
        }))
    }
}

/// What a child's words mean for its deadlines.
///
/// - [`Ready`](Vouch::Ready) ends the first-output deadline, as output does, and is progress, as
///   [`Alive`](Vouch::Alive) is.
/// - [`Broken`](Vouch::Broken) is a failure of the run: [`WatchdogTriggered`].
/// - [`IdleTimeout`](Vouch::IdleTimeout) changes the idle timeout, which counts anew.
/// - [`Extend`](Vouch::Extend) is progress, and until the next time that the child is alive or ready, it may be silent
///   for as long as it has said, if that is longer than usual. (The limit on the whole run stands; that of
///   `sd_notify(3)` would move.) Without an idle timeout it means nothing.
/// - The others mean nothing: a child that is stopping must stay alive as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vouching {
    idle_timeout: Option<Duration>,
    is_extended: bool,
}

impl Vouching {
    /// For a child with this idle timeout.
    pub fn new(idle_timeout: Option<Duration>) -> Self {
        Self {
            idle_timeout,
            is_extended: false,
        }
    }

    /// Asks for what this means.
    pub fn heard<N>(&mut self, control: &mut Control<'_, N>, vouch: &Vouch) {
        match vouch {
            Vouch::Ready => {
                control.ready();
                self.end_extension(control);
            }
            Vouch::Alive if self.is_extended => self.end_extension(control),
            Vouch::Alive => control.progress(),
            Vouch::Broken => control.fail(WatchdogTriggered),
            Vouch::IdleTimeout(timeout) => {
                self.is_extended = false;
                self.idle_timeout = *timeout;
                control.set_idle_timeout(*timeout);
            }
            Vouch::Extend(time) => {
                if let Some(usual) = self.idle_timeout {
                    self.is_extended = true;
                    control.set_idle_timeout(Some(usual.max(*time)));
                }
            }
            Vouch::Status(_) | Vouch::Stopping | Vouch::Refused(_) => {}
        }
    }

    fn end_extension<N>(&mut self, control: &mut Control<'_, N>) {
        if std::mem::take(&mut self.is_extended) {
            control.set_idle_timeout(self.idle_timeout);
        }
    }
}

/// The failure of a child that says that it is [broken](Vouch::Broken).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchdogTriggered;

impl fmt::Display for WatchdogTriggered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the child has triggered its watchdog")
    }
}

impl Error for WatchdogTriggered {}

fn one(value: Option<&str>) -> Option<()> {
    (value == Some("1")).then_some(())
}

/// `Some(None)` is for ever.
#[expect(clippy::option_option, reason = "no number, and no limit")]
fn micros(value: Option<&str>) -> Option<Option<Duration>> {
    let digits = value?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let micros = digits.parse().ok()?;
    Some((micros != 0 && micros != u64::MAX).then(|| Duration::from_micros(micros)))
}

fn shortened(line: &str) -> String {
    line.chars().take(LONGEST_QUOTE).collect()
}

const MICROSECONDS: &str = "a number of microseconds";

/// How much of a wrong line is quoted, in characters.
const LONGEST_QUOTE: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChildId, Request, Requests};

    fn said(message: &[u8]) -> Vec<Vouch> {
        Vouch::all_of(message).collect()
    }

    #[test]
    fn a_message_says_several_things() {
        let idle = |micros| Vouch::IdleTimeout(Some(Duration::from_micros(micros)));
        assert_eq!(
            said(b"READY=1\nWATCHDOG=1\nWATCHDOG_USEC=5\nSTATUS=a=b\nSTOPPING=1\n"),
            [
                Vouch::Ready,
                Vouch::Alive,
                idle(5),
                Vouch::Status("a=b".to_owned()),
                Vouch::Stopping
            ]
        );
        assert_eq!(said(b"WATCHDOG=trigger"), [Vouch::Broken]);
        assert_eq!(
            said(b"EXTEND_TIMEOUT_USEC=2000000"),
            [Vouch::Extend(Duration::from_secs(2))]
        );
        for forever in ["0", "18446744073709551615"] {
            let message = format!("WATCHDOG_USEC={forever}");
            assert_eq!(said(message.as_bytes()), [Vouch::IdleTimeout(None)]);
        }
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        assert_eq!(said(b""), []);
        assert_eq!(
            said(b"\n\n=\nREADY\nready=1\nERRNO=5\nBARRIER=1\n\xff=1"),
            []
        );
    }

    #[test]
    fn a_wrong_value_is_named() {
        for (line, why) in [
            (&b"READY=yes"[..], "`READY=yes` must be 1"),
            (b"STOPPING=", "`STOPPING=` must be 1"),
            (b"WATCHDOG=2", "`WATCHDOG=2` must be 1 or trigger"),
            (
                b"WATCHDOG_USEC=+5",
                "`WATCHDOG_USEC=+5` must be a number of microseconds",
            ),
            (
                b"EXTEND_TIMEOUT_USEC=18446744073709551616",
                "`EXTEND_TIMEOUT_USEC=18446744073709551616` must be a number of microseconds",
            ),
            (b"STATUS=\xff", "`STATUS=\u{fffd}` must be UTF-8"),
        ] {
            assert_eq!(said(line), [Vouch::Refused(why.to_owned())]);
        }
        let long = [b"READY=".as_slice(), &[b'x'; 5000]].concat();
        let [Vouch::Refused(why)] = &said(&long)[..] else {
            panic!("one refusal");
        };
        assert!(why.len() < 100, "{why}");
    }

    /// What is asked for when the child says this.
    fn asked(vouching: &mut Vouching, vouch: &Vouch) -> String {
        let mut requests = Requests::<()>::new();
        vouching.heard(&mut requests.control(ChildId::FIRST), vouch);
        let mut asked = Vec::new();
        while let Some((_, request)) = requests.pop() {
            asked.push(match request {
                Request::Fail(why) => why.to_string(),
                request => format!("{request:?}"),
            });
        }
        asked.join(", ")
    }

    #[test]
    fn an_extension_lasts_until_the_next_word() {
        let seconds = Duration::from_secs;
        let mut child = Vouching::new(Some(seconds(5)));
        let mut expect = |vouch, request: &str| assert_eq!(asked(&mut child, &vouch), request);
        expect(Vouch::Alive, "Progress");
        expect(Vouch::Extend(seconds(60)), "SetIdleTimeout(Some(60s))");
        expect(Vouch::Status("busy".to_owned()), "");
        expect(Vouch::Alive, "SetIdleTimeout(Some(5s))");
        expect(Vouch::Alive, "Progress");
        // A shorter one does not shorten anything.
        expect(Vouch::Extend(seconds(1)), "SetIdleTimeout(Some(5s))");
        expect(
            Vouch::IdleTimeout(Some(seconds(9))),
            "SetIdleTimeout(Some(9s))",
        );
        expect(Vouch::Ready, "Ready");
        expect(Vouch::Extend(seconds(10)), "SetIdleTimeout(Some(10s))");
        expect(Vouch::Ready, "Ready, SetIdleTimeout(Some(9s))");
        expect(Vouch::IdleTimeout(None), "SetIdleTimeout(None)");
        expect(Vouch::Extend(seconds(10)), "");
        expect(Vouch::Stopping, "");
        expect(Vouch::Broken, "the child has triggered its watchdog");
    }
}
