//! Manual pages: what clap knows of a command, and what stands in `man/` of it.

use std::fs;
use std::io;

use clap::Command;
use clap_mangen::Man;
use roff::{Roff, bold, roman};

/// The page of the command, and of each of its subcommands, with their paths.
pub(crate) fn all(command: &Command, date: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = command.clone().disable_help_subcommand(true);
    command.build();
    let parts = || [&command].into_iter().chain(command.get_subcommands());
    let names: Vec<_> = parts().map(name_of).collect();
    let version = command.get_version().unwrap_or_default();
    parts()
        .zip(&names)
        .map(|(part, name)| {
            let part = for_a_page(part.clone()).display_name(name);
            let man = Man::new(part.clone())
                .title(name.to_uppercase())
                .date(date)
                .source(format!("childminder {version}"))
                .manual("User Commands");
            let others = names.iter().filter(|other| *other != name);
            let see: Vec<_> = others.map(|other| format!("{other}(1)")).collect();
            let text = page(&part, &man, &see)?;
            Ok((format!("man/man1/{name}.1"), text.into_bytes()))
        })
        .collect()
}

fn name_of(command: &Command) -> String {
    match command.get_name() {
        ROOT => ROOT.to_owned(),
        subcommand => format!("{ROOT}-{subcommand}"),
    }
}

/// With the usage of the help as the synopsis, and without the sentence in the description that NAME has already.
fn for_a_page(mut command: Command) -> Command {
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").expect("a usage").to_owned();
    let long_about = command.get_long_about().map(ToString::to_string);
    let description = long_about.and_then(|about| Some(about.split_once("\n\n")?.1.to_owned()));
    let command = command.override_usage(usage);
    match description {
        Some(description) => command.long_about(description),
        None => command,
    }
}

fn page(command: &Command, man: &Man, see: &[String]) -> io::Result<String> {
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command
        .get_arguments()
        .any(|argument| !argument.is_hide_set())
    {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let said = after_help(command);
    let more = match fs::read_to_string(format!("{TEXTS}/{}.txt", command.get_name())) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read?,
    };
    let text = format!("{said}\n\n{more}");
    // The other pages come first of what to see.
    let (text, see_also) = text.split_once(SEE_ALSO).unwrap_or((&text, ""));
    let see = [see.join(", "), see_also.trim().to_owned()];
    let see = see.iter().filter(|pages| !pages.is_empty());
    let see = see.map(String::as_str).collect::<Vec<_>>().join(", ");
    sections(&format!("{}\n\n{SEE_ALSO}\n{see}\n", text.trim_end())).to_writer(&mut page)?;
    Ok(typeset(&String::from_utf8(page).map_err(io::Error::other)?))
}

/// What stands behind the options on the screen: a text with headings, or lines of which some begin with one.
fn after_help(command: &Command) -> String {
    if let Some(text) = command.get_after_long_help() {
        return text.to_string();
    }
    let Some(text) = command.get_after_help() else {
        return String::new();
    };
    let text = text.to_string();
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| match heading_of(line) {
            Some((heading, rest)) => format!("\n{}\n{rest}\n", heading.to_uppercase()),
            None if index == 0 => format!("NOTES\n{line}\n"),
            None => format!("{line}\n"),
        });
    lines.collect()
}

/// `Exit status: 0 without a difference` begins with one.
pub(crate) fn heading_of(text: &str) -> Option<(&str, &str)> {
    let (heading, rest) = text.split_once(": ")?;
    let is_heading = heading.len() < 30
        && heading.starts_with(|c: char| c.is_ascii_uppercase())
        && heading
            .chars()
            .skip(1)
            .all(|c| c.is_ascii_lowercase() || c == ' ');
    is_heading.then_some((heading, rest))
}

/// A part of a text for people.
pub(crate) enum Block<'a> {
    /// A line of capitals.
    Heading(&'a str),
    /// Lines that begin at the margin.
    Text(&'a str),
    /// Terms, which begin behind two spaces, and what they mean.
    Terms(Vec<(&'a str, String)>),
    /// Lines that begin behind four spaces, as they are.
    Literal(&'a str),
}

/// The parts of a text, which blank lines separate. A heading is followed by its text.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let blocks = text.split("\n\n").map(|block| block.trim_matches('\n'));
    blocks.filter(|block| !block.is_empty()).flat_map(|block| {
        let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
        let is_heading = first.starts_with(|c: char| c.is_ascii_uppercase())
            && first.chars().all(|c| c.is_ascii_uppercase() || c == ' ');
        let (heading, rest) = if is_heading {
            (Some(first), rest)
        } else {
            (None, block)
        };
        heading.map(Block::Heading).into_iter().chain([body(rest)])
    })
}

fn body(block: &str) -> Block<'_> {
    if block.starts_with("    ") && !block.trim_start().starts_with("--") {
        return Block::Literal(block);
    }
    if !block.starts_with("  ") {
        return Block::Text(block);
    }
    let mut terms: Vec<(&str, String)> = Vec::new();
    for line in block.lines() {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim_start();
        match terms.last_mut() {
            Some((_, meaning)) if indent > 2 && !line.starts_with("--") => {
                meaning.push_str(if meaning.is_empty() { "" } else { "\n" });
                meaning.push_str(line);
            }
            _ => {
                let (term, meaning) = line.split_once("  ").unwrap_or((line, ""));
                terms.push((term, meaning.trim_start().to_owned()));
            }
        }
    }
    Block::Terms(terms)
}

fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    let mut is_first = true;
    for block in blocks(text) {
        match block {
            Block::Heading(heading) => {
                roff.control("SH", [heading]);
                is_first = true;
                continue;
            }
            Block::Text(text) => {
                if !is_first {
                    roff.control("PP", []);
                }
                roff.text([roman(text)]);
            }
            Block::Terms(terms) => {
                for (term, meaning) in terms {
                    roff.control("TP", ["12"]);
                    roff.text([bold(term)]);
                    roff.text([roman(meaning)]);
                }
            }
            Block::Literal(lines) => {
                let lines: Vec<_> = lines.lines().map(|line| &line[4..]).collect();
                if !is_first {
                    roff.control("PP", []);
                }
                roff.control("RS", ["4"]).control("nf", []);
                roff.text([roman(lines.join("\n"))]);
                roff.control("fi", []).control("RE", []);
            }
        }
        is_first = false;
    }
    roff
}

/// Paragraphs within an option, and names in backquotes.
fn typeset(page: &str) -> String {
    let mut is_name = true;
    let parts = page.split('`').map(|part| {
        is_name = !is_name;
        if is_name {
            format!("\\fB{part}\\fR")
        } else {
            part.to_owned()
        }
    });
    parts.collect::<String>().replace("\n\n", "\n.sp\n")
}

const ROOT: &str = "childminder";
const SEE_ALSO: &str = "SEE ALSO";
const TEXTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/man");
