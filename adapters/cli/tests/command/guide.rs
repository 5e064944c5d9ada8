//! What the guide has people type.
//!
//! A chapter is followed to the letter: its blocks are done in order, by one shell, and what their fences say decides
//! how.
//!
//! | fence | what is done |
//! | --- | --- |
//! | `rust` | nothing here: the documentation tests of `childminder-tests` run it |
//! | `sh` | it is run as a script: each command must succeed, and none may write to standard error |
//! | `console` | each command after `$ ` is run, and what it writes is compared with what is shown. A command that fails has `$ echo $?` behind it |
//! | `LANGUAGE file: NAME` | it is written to that file |
//! | `LANGUAGE not run: REASON` | nothing |
//!
//! In what is shown, `…` stands for anything within a line, or for any lines if it has one to itself; and what is
//! measured may be another number: fractions, sizes in memory, times in nanoseconds, process ids.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::{self, JoinHandle};

use regex::Regex;

use crate::support::{BINARY, GUARD, Place, piped, start_within};

#[test]
fn the_guide_can_be_followed_to_the_letter() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let files = fs::read_dir(guide).expect("the guide");
    let chapters = files.map(|file| file.expect("a chapter").path());
    let chapters = chapters.filter(|path| path.extension().is_some_and(|end| end == "md"));
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

/// Does what this chapter says, and returns how much it had to do.
fn follow(chapter: &Path) -> usize {
    let text = fs::read_to_string(chapter).expect("a chapter");
    let (place, notes) = (Place::new(), Place::new());
    let mut script = String::from("exec 2>&1\n");
    let mut tasks = Vec::new();
    for block in blocks(&text, chapter) {
        let at = format!("{}:{}", chapter.display(), block.line);
        let (part, more) = block.tasks(&at, &notes.path("stderr"));
        script += &part;
        tasks.extend(more);
    }
    // One block may build a project.
    let ended = start_within(5 * GUARD, shell(&place, &script)).finish();
    let written = ended.stdout().split(END).collect::<Vec<_>>();
    let mut written = written.chunks(2);
    for task in &tasks {
        let Some([came, status]) = written.next() else {
            let stderr = fs::read_to_string(notes.path("stderr")).unwrap_or_default();
            panic!("{} ended the shell\n{stderr}{}", task.what, ended.stdout());
        };
        task.expect(came, status);
    }
    tasks.len()
}

/// A command that the shell is to run, and what must come of it.
struct Task {
    what: String,
    shown: String,
    may_fail: bool,
}

impl Task {
    #[track_caller]
    fn expect(&self, came: &str, status: &str) {
        let Self { what, shown, .. } = self;
        let pattern = Regex::new(&pattern(shown)).expect("a pattern");
        assert!(
            pattern.is_match(came),
            "{what}\n--- shows\n{shown}--- but it wrote\n{came}---",
        );
        assert!(
            self.may_fail || status == "0",
            "{what} fails with {status}, which is not shown by `$ echo $?`",
        );
    }
}

/// A block of a chapter.
struct Block {
    line: usize,
    fence: String,
    text: String,
}

impl Block {
    /// What it has the reader do, as a script, and what must come of it.
    #[track_caller]
    fn tasks(&self, at: &str, stderr: &Path) -> (String, Vec<Task>) {
        let (language, rest) = self.fence.split_once(' ').unwrap_or((&self.fence, ""));
        let (text, stderr) = (&self.text, stderr.display());
        match (language, rest) {
            ("sh", "") => {
                let script = format!(
                    "set -e\n{{\n{text}}} > /dev/null 2> {stderr}\nset +e\n\
                     cat {stderr}; printf '{END}0{END}'\n"
                );
                // What it writes to standard error stands in the place of its output.
                let task = Task {
                    what: at.to_owned(),
                    shown: String::new(),
                    may_fail: false,
                };
                (script, vec![task])
            }
            ("console", "") => session(text, at),
            _ if rest.starts_with("file: ") => {
                let name = &rest["file: ".len()..];
                let script = format!("cat > '{name}' << 'the end of it'\n{text}the end of it\n");
                (script, Vec::new())
            }
            _ if self.is_left_out() => (String::new(), Vec::new()),
            _ => panic!(
                "{at}: the block `{}` is neither run nor says why not: `rust`, `sh`, `console`, \
                 `LANGUAGE file: NAME` or `LANGUAGE not run: REASON` would",
                self.fence,
            ),
        }
    }

    /// Whether another test runs it, or it says why it is not run.
    fn is_left_out(&self) -> bool {
        let reason = self.fence.split_once(" not run: ");
        self.fence == "rust" || reason.is_some_and(|(_, why)| !why.is_empty())
    }
}

fn blocks(text: &str, chapter: &Path) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let is_odd = ["    ", "~~~"].iter().any(|start| line.starts_with(start))
            || (line.starts_with(' ') && line.trim_start().starts_with("```"));
        let (chapter, number) = (chapter.display(), at + 1);
        assert!(
            !is_odd,
            "{chapter}:{number}: code stands in ``` at the margin"
        );
        if let Some(fence) = line.strip_prefix("```") {
            let text = lines.by_ref().map(|(_, line)| line);
            let text: String = text
                .take_while(|line| !line.starts_with("```"))
                .flat_map(|line| [line, "\n"])
                .collect();
            let (line, fence) = (number, fence.to_owned());
            blocks.push(Block { line, fence, text });
        }
    }
    blocks
}

/// A shell as the reader has it, with the command in its path.
fn shell(place: &Place, script: &str) -> Command {
    let us = Path::new(BINARY).parent().expect("its directory");
    let path = env::var("PATH").expect("a path");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let repository = repository.canonicalize().expect("a path");
    let mut sh = Command::new("sh");
    // What we are built with, to be measured for instance, is no business of the reader's, nor is a make around us.
    for variable in [
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "MAKELEVEL",
        "MAKEFLAGS",
    ] {
        sh.env_remove(variable);
    }
    sh.args(["-c", script])
        .current_dir(place.path(""))
        .env("PATH", format!("{}:{path}", us.display()))
        .env("CHILDMINDER", &repository)
        // The reader's projects are built once, and from what has been fetched.
        .env("CARGO_TARGET_DIR", repository.join("target/guide"))
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_NET_OFFLINE", "true");
    piped(sh)
}

/// The commands of a session, and what they must write.
#[track_caller]
fn session(text: &str, at: &str) -> (String, Vec<Task>) {
    let exchanges = exchanges(text);
    assert!(!exchanges.is_empty(), "{at}: no command");
    let mut script = String::new();
    let mut tasks = Vec::new();
    for (nth, Exchange { command, shown }) in exchanges.iter().enumerate() {
        script += command;
        // The next command is to find the status of this one.
        script += &"\nguide=$?; printf 'END%sEND' $guide; (exit $guide)\n".replace("END", END);
        let next = exchanges.get(nth + 1);
        tasks.push(Task {
            what: format!("{at}: `{command}`"),
            shown: shown.clone(),
            may_fail: next.is_some_and(|next| next.command == "echo $?"),
        });
    }
    (script, tasks)
}

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

/// The page that needs other programs.
const COMPARED: &str = "compared.md";

/// Nothing that a command writes.
const END: &str = "\u{1e}";
