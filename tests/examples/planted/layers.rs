//! The layers of tests, as programs that end well if they find nothing.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// One way of finding bugs.
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    program: PathBuf,
    args: &'static [&'static str],
}

impl Layer {
    /// Those that can see the core, from what cargo said when it built them.
    pub(crate) fn of_the_core(messages: &str) -> io::Result<Vec<Self>> {
        Self::all(&CORE, messages)
    }

    /// Those that can see the driver.
    pub(crate) fn of_the_driver(messages: &str) -> io::Result<Vec<Self>> {
        Self::all(&DRIVER, messages)
    }

    fn all(layers: &[Named], messages: &str) -> io::Result<Vec<Self>> {
        let layers = layers.iter().map(|(name, target, args)| {
            let program = program(messages, target)
                .ok_or_else(|| io::Error::other(format!("the layer '{name}' was not built")))?;
            Ok(Self {
                name,
                program,
                args,
            })
        });
        layers.collect()
    }

    /// Whether it finds the bug of this number, 0 for none. To hang is to find it, too: what waits for an
    /// end that never comes would be seen to.
    pub(crate) fn finds(&self, number: usize) -> io::Result<bool> {
        let ran = Command::new("timeout")
            .args(["--kill-after=1", LONGEST])
            .arg(&self.program)
            .args(self.args)
            .env("PLANTED_BUG", number.to_string())
            .env("PROPTEST_RNG_SEED", "1")
            .env("PROPTEST_CASES", "1000")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        Ok(!ran.success())
    }
}

/// A target of cargo's: its kind and its name.
struct Target(&'static str, &'static str);

fn program(messages: &str, Target(kind, name): &Target) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == *name)
        .filter(|message| message["target"]["kind"][0] == *kind)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

/// A name, what is built, and how it is run.
type Named = (&'static str, Target, &'static [&'static str]);

const CORE: [Named; 9] = [
    ("examples", Target("test", "monitor"), &[]),
    ("regressions", Target("test", "regressions"), &[]),
    ("strays", Target("test", "strays"), &[]),
    ("rules", Target("test", "rules"), &["rule_"]),
    ("model", Target("test", "rules"), &["model"]),
    ("ancestor", Target("test", "conformance"), &[]),
    ("seeds", Target("test", "seeds"), &["monitor"]),
    ("search", Target("example", "search"), &["8000", "2000"]),
    ("simulation", Target("example", "lifetimes"), &["100000"]),
];

const DRIVER: [Named; 4] = [
    ("turns", Target("test", "turns"), &[]),
    ("handlers", Target("test", "handlers"), &[]),
    ("fuzzed", Target("test", "fuzzed"), &["worth_keeping"]),
    ("simulation", Target("example", "lifetimes"), &["100000"]),
];

/// In seconds: many times what a layer takes.
const LONGEST: &str = "60";
