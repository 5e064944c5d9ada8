//! What the guide has people type.
//!
//! A chapter is followed to the letter: its blocks are done in order, in one directory, and what their fences say
//! decides how.
//!
//! | fence | what is done |
//! | --- | --- |
//! | `rust` | nothing here: the documentation tests of `childminder-tests` run it |
//! | `sh` | it is run by `sh -e`, must succeed, and write nothing to standard error |
//! | `console` | each command after `$ ` is run, all by one shell, and what it writes is compared with what is shown. A command that fails has `$ echo $?` behind it |
//! | `LANGUAGE file: NAME` | it is written to that file |
//! | `LANGUAGE not run: REASON` | nothing |
//!
//! In what is shown, `…` stands for anything within a line, or for any lines if it has one to itself; and what is
//! measured may be another number: fractions, sizes in memory, times in nanoseconds, process ids.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::{self, JoinHandle};

use regex::Regex;

use crate::support::{BINARY, Ended, GUARD, Place, piped, start_within};

#[test]
fn the_guide_can_be_followed_to_the_letter() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let files = fs::read_dir(guide).expect("the guide");
    let chapters = files.map(|file| file.expect("a chapter").path());
    let chapters = chapters.filter(|path| !path.ends_with(COMPARED));
    let followed: Vec<_> = chapters
        .map(|path| thread::spawn(move || follow(&path)))
        .collect();
    // All of them are waited for, also when one is wrong.
    let followed: Vec<_> = followed.into_iter().map(JoinHandle::join).collect();
    let right: Result<Vec<_>, _> = followed.into_iter().collect();
    let count: usize = right.expect("chapters that are right").iter().sum();
    assert!(count >= 20, "{count} blocks");
}

#[test]
#[ignore = "needs the programs that it compares with: `make compared`"]
fn the_comparison_shows_what_it_says() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    assert!(follow(&guide.join(COMPARED)) >= 10);
}

/// The page that needs other programs.
const COMPARED: &str = "compared.md";

/// Does what this chapter says, and returns how many of its blocks were run.
fn follow(chapter: &Path) -> usize {
    let text = fs::read_to_string(chapter).expect("a chapter");
    let place = Place::new();
    let mut run = 0;
    for block in blocks(&text) {
        let at = format!("{}:{}", chapter.display(), block.line);
        match block.kind(&at) {
            Kind::Script => {
                let ended = carry_out(shell(&place, &["-e", "-c", &block.text]));
                let (status, stderr) = (ended.status, ended.stderr());
                assert_eq!((status, stderr), (0, ""), "{at}\n{}", ended.stdout());
                run += 1;
            }
            Kind::Session => {
                hold_session(&block, &place, &at);
                run += 1;
            }
            Kind::File(name) => {
                place.file(name, &block.text);
            }
            Kind::Elsewhere => {}
        }
    }
    run
}

/// A block of a chapter.
struct Block {
    line: usize,
    fence: String,
    text: String,
}

enum Kind<'a> {
    Script,
    Session,
    File(&'a str),
    /// It is run by another test, or is not to be run.
    Elsewhere,
}

impl Block {
    #[track_caller]
    fn kind(&self, at: &str) -> Kind<'_> {
        let (language, rest) = self.fence.split_once(' ').unwrap_or((&self.fence, ""));
        match (language, rest) {
            ("sh", "") => Kind::Script,
            ("console", "") => Kind::Session,
            ("rust", "") => Kind::Elsewhere,
            _ if rest.starts_with("file: ") => Kind::File(&rest["file: ".len()..]),
            _ if rest
                .strip_prefix("not run: ")
                .is_some_and(|why| !why.is_empty()) =>
            {
                Kind::Elsewhere
            }
            _ => panic!(
                "{at}: the block `{}` is neither run nor says why not: `rust`, `sh`, `console`, \
                 `LANGUAGE file: NAME` or `LANGUAGE not run: REASON` would",
                self.fence,
            ),
        }
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(fence) = line.strip_prefix("```") {
            let text = lines.by_ref().map(|(_, line)| line);
            let text: String = text
                .take_while(|line| !line.starts_with("```"))
                .flat_map(|line| [line, "\n"])
                .collect();
            let (line, fence) = (at + 1, fence.to_owned());
            blocks.push(Block { line, fence, text });
        }
    }
    blocks
}

/// A shell as the reader has it, with the command in its path.
fn shell(place: &Place, arguments: &[&str]) -> Command {
    let us = Path::new(BINARY).parent().expect("its directory");
    let path = env::var("PATH").expect("a path");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let repository = repository.canonicalize().expect("a path");
    let mut sh = Command::new("sh");
    sh.args(arguments)
        .current_dir(place.path(""))
        .env("PATH", format!("{}:{path}", us.display()))
        .env("CHILDMINDER", &repository)
        // The reader's projects are built once, and from what has been fetched.
        .env("CARGO_TARGET_DIR", repository.join("target/guide"))
        .env("CARGO_NET_OFFLINE", "true");
    piped(sh)
}

/// One block may build a project.
fn carry_out(command: Command) -> Ended {
    start_within(5 * GUARD, command).finish()
}

/// Has one shell run the commands of this block, and compares what they write.
#[track_caller]
fn hold_session(block: &Block, place: &Place, at: &str) {
    let exchanges = exchanges(&block.text);
    assert!(!exchanges.is_empty(), "{at}: no command");
    let mut script = String::from("exec 2>&1\n");
    for Exchange { command, .. } in &exchanges {
        // The next command is to find the status of this one.
        writeln!(script, "{command}\nguide=$?").expect("a string");
        writeln!(script, "printf '{END}%s{END}' $guide; (exit $guide)").expect("a string");
    }
    let ended = carry_out(shell(place, &["-c", &script]));
    let written = ended.stdout().split(END).collect::<Vec<_>>();
    let mut written = written.chunks(2);
    for (nth, exchange) in exchanges.iter().enumerate() {
        let Some([came, status]) = written.next() else {
            panic!("{at}: `{}` ended the shell", exchange.command);
        };
        let shown = &exchange.shown;
        let pattern = Regex::new(&pattern(shown)).expect("a pattern");
        assert!(
            pattern.is_match(came),
            "{at}: `{}`\n--- shows\n{shown}--- but it wrote\n{came}---",
            exchange.command,
        );
        let next = exchanges.get(nth + 1);
        let is_told = next.is_some_and(|next| next.command == "echo $?");
        assert!(
            is_told || *status == "0",
            "{at}: `{}` fails with {status}, which is not shown by `$ echo $?`",
            exchange.command,
        );
    }
}

/// Nothing that a command writes.
const END: &str = "\u{1e}";

/// A command, and what is shown of it.
struct Exchange {
    command: String,
    shown: String,
}

fn exchanges(text: &str) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            let (command, shown) = (command.to_owned(), String::new());
            exchanges.push(Exchange { command, shown });
        } else {
            let exchange = exchanges.last_mut().expect("a command comes first");
            match line.strip_prefix("> ") {
                Some(more) if exchange.shown.is_empty() => {
                    exchange.command += "\n";
                    exchange.command += more;
                }
                _ => {
                    exchange.shown += line;
                    exchange.shown += "\n";
                }
            }
        }
    }
    exchanges
}

/// A regular expression for all that may come where this is shown.
fn pattern(shown: &str) -> String {
    let numbers =
        r#"[0-9]+ ns|[0-9]+\.[0-9]+|[0-9]+ [KMG]iB|\([0-9]+\)|"pid": ?[0-9]+|_ns": ?[0-9]+"#;
    let open = Regex::new(&format!("(?m)^…\n|…|{numbers}")).expect("a pattern");
    let digits = Regex::new("[0-9]+").expect("a pattern");
    let mut pattern = String::from("^");
    let mut done = 0;
    for found in open.find_iter(shown) {
        pattern += &regex::escape(&shown[done..found.start()]);
        match found.as_str() {
            "…\n" => pattern += "(?:.*\n)*",
            "…" => pattern += ".*",
            number => pattern += &digits.replace_all(&regex::escape(number), "[0-9]+"),
        }
        done = found.end();
    }
    pattern + &regex::escape(&shown[done..]) + "$"
}
