//! The command line of `timeout`, read as `getopt_long(3)` does: short options in one word, long ones
//! abbreviated, all of them before the first operand. (clap has neither these rules nor these words.)

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::time::Duration;

use childminder::Signal;
use childminder_unix::signals;

use super::duration;

/// What is asked for.
#[derive(Debug)]
pub(super) enum Asked {
    Help,
    Version,
    Run(Options),
}

#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) foreground: bool,
    pub(super) preserve_status: bool,
    pub(super) verbose: bool,
    pub(super) kill_after: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) signal: Sending,
    pub(super) limit: Option<Duration>,
    pub(super) command: Vec<OsString>,
}

/// The signal to send when the time is up; signal 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sending(pub(super) Option<Signal>);

impl Default for Sending {
    fn default() -> Self {
        Self(Some(Signal::TERM))
    }
}

/// Reads what follows the program's name; an error is the line to say, if there is one.
pub(super) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, Option<String>> {
    let mut words: VecDeque<OsString> = args.into_iter().collect();
    let mut options = Options::default();
    while let Some(word) = words.front().map(|word| word.as_bytes().to_vec()) {
        if word == b"-" || !word.starts_with(b"-") {
            break;
        }
        words.pop_front();
        if word == b"--" {
            break;
        }
        let asked = match word.strip_prefix(b"--") {
            Some(long) => options.long(long, &mut words)?,
            None => options.short(&word[1..], &mut words)?,
        };
        if let Some(asked) = asked {
            return Ok(asked);
        }
    }
    if words.len() < 2 {
        return Err(None);
    }
    options.limit = words.pop_front().as_deref().map_or(Ok(None), interval)?;
    options.command = words.into();
    Ok(Asked::Run(options))
}

impl Options {
    fn long(
        &mut self,
        word: &[u8],
        words: &mut VecDeque<OsString>,
    ) -> Result<Option<Asked>, Option<String>> {
        let (given, value) = match word.iter().position(|byte| *byte == b'=') {
            Some(at) => (
                &word[..at],
                Some(OsString::from_vec(word[at + 1..].to_vec())),
            ),
            None => (word, None),
        };
        let shown = String::from_utf8_lossy(given);
        let fits = |option: &&Long| option.name.as_bytes().starts_with(given);
        let exact = LONG.iter().find(|option| option.name.as_bytes() == given);
        let mut possible = LONG.iter().filter(fits);
        let option = match (
            exact.or_else(|| possible.next()),
            exact.is_none() && possible.next().is_some(),
        ) {
            (None, _) => {
                let whole = String::from_utf8_lossy(word);
                return Err(Some(format!("unrecognized option '--{whole}'")));
            }
            (Some(_), true) => {
                let names: Vec<_> = LONG
                    .iter()
                    .filter(fits)
                    .map(|o| format!("'--{}'", o.name))
                    .collect();
                return Err(Some(format!(
                    "option '--{shown}' is ambiguous; possibilities: {}",
                    names.join(" ")
                )));
            }
            (Some(option), false) => option,
        };
        let name = option.name;
        let value = match (option.takes, value) {
            (false, Some(_)) => {
                return Err(Some(format!("option '--{name}' doesn't allow an argument")));
            }
            (false, None) => OsString::new(),
            (true, Some(value)) => value,
            (true, None) => words
                .pop_front()
                .ok_or_else(|| Some(format!("option '--{name}' requires an argument")))?,
        };
        self.set(option.stands_for, &value)
    }

    fn short(
        &mut self,
        letters: &[u8],
        words: &mut VecDeque<OsString>,
    ) -> Result<Option<Asked>, Option<String>> {
        for (at, letter) in letters.iter().enumerate() {
            if !matches!(letter, b'k' | b's' | b'v' | b'f' | b'p') {
                let shown = quoted_byte(*letter);
                return Err(Some(format!("invalid option -- '{shown}'")));
            }
            if !matches!(letter, b'k' | b's') {
                self.set(*letter, OsStr::new(""))?;
                continue;
            }
            let rest = &letters[at + 1..];
            let value = if rest.is_empty() {
                words.pop_front().ok_or_else(|| {
                    Some(format!(
                        "option requires an argument -- '{}'",
                        char::from(*letter)
                    ))
                })?
            } else {
                OsString::from_vec(rest.to_vec())
            };
            return self.set(*letter, &value);
        }
        Ok(None)
    }

    fn set(&mut self, option: u8, value: &OsStr) -> Result<Option<Asked>, Option<String>> {
        match option {
            b'k' => self.kill_after = interval(value)?,
            b'i' => self.idle = interval(value)?,
            b's' => self.signal = signal(value)?,
            b'v' => self.verbose = true,
            b'f' => self.foreground = true,
            b'p' => self.preserve_status = true,
            b'h' => return Ok(Some(Asked::Help)),
            _ => return Ok(Some(Asked::Version)),
        }
        Ok(None)
    }
}

/// `'text'`, with what cannot be shown as an escape.
pub(super) fn quote(text: &OsStr) -> String {
    let mut quoted = "'".to_owned();
    for chunk in text.as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' => quoted.push_str("\\'"),
                '\\' | '\n' | '\t' | '\r' => quoted.extend(c.escape_default()),
                '\u{7}' => quoted.push_str("\\a"),
                '\u{8}' => quoted.push_str("\\b"),
                '\u{b}' => quoted.push_str("\\v"),
                '\u{c}' => quoted.push_str("\\f"),
                c if c.is_ascii_control() => quoted += &octal(u32::from(c)),
                c => quoted.push(c),
            }
        }
        for byte in chunk.invalid() {
            quoted += &octal(u32::from(*byte));
        }
    }
    quoted.push('\'');
    quoted
}

fn octal(byte: u32) -> String {
    format!("\\{byte:03o}")
}

/// The signal's name without SIG, as `kill -l` has it: real-time signals count from the nearer end.
pub(super) fn signal_name(signal: Signal) -> String {
    let name = signals::name(signal);
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    match name
        .strip_prefix("RTMIN+")
        .and_then(|n| n.parse::<i32>().ok())
    {
        Some(30) => "RTMAX".to_owned(),
        Some(n) if n > 15 => format!("RTMAX-{}", 30 - n),
        _ => name.to_owned(),
    }
}

/// No limit is zero.
fn interval(text: &OsStr) -> Result<Option<Duration>, Option<String>> {
    text.to_str()
        .and_then(duration::parse)
        .map(|limit| Some(limit).filter(|limit| !limit.is_zero()))
        .ok_or_else(|| Some(format!("invalid time interval {}", quote(text))))
}

fn signal(text: &OsStr) -> Result<Sending, Option<String>> {
    text.to_str()
        .and_then(signal_named)
        .ok_or_else(|| Some(format!("{}: invalid signal", quote(text))))
}

/// By name or number, or by the status that a shell has for a command that it ended.
fn signal_named(text: &str) -> Option<Sending> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: i32 = text.parse().ok()?;
        let number = if (128..=192).contains(&number) {
            number - 128
        } else {
            number
        };
        if number == 0 {
            return Some(Sending(None));
        }
        let signal = signals::parse(&number.to_string()).ok()?;
        // Those that the C library keeps for itself have no name.
        return signals::name(signal)
            .starts_with("SIG")
            .then_some(Sending(Some(signal)));
    }
    let upper = text.to_ascii_uppercase();
    if upper.strip_prefix("SIG").unwrap_or(&upper) == "EXIT" {
        return Some(Sending(None));
    }
    signals::parse(text)
        .ok()
        .map(|signal| Sending(Some(signal)))
}

fn quoted_byte(byte: u8) -> String {
    String::from_utf8_lossy(&[byte]).into_owned()
}

struct Long {
    name: &'static str,
    takes: bool,
    stands_for: u8,
}

const fn long(name: &'static str, takes: bool, stands_for: u8) -> Long {
    Long {
        name,
        takes,
        stands_for,
    }
}

const LONG: [Long; 8] = [
    long("kill-after", true, b'k'),
    long("signal", true, b's'),
    long("verbose", false, b'v'),
    long("foreground", false, b'f'),
    long("preserve-status", false, b'p'),
    long("idle", true, b'i'),
    long("help", false, b'h'),
    long("version", false, b'V'),
];
