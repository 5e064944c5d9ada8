//! The digest for people.
//!
//! It is for the day on which one task of many has failed: what matters most comes first, and no line is wider than the
//! terminal.

mod page;
mod table;

use std::time::{Duration, UNIX_EPOCH};

use self::page::Page;
use super::tally::{Digest, Group};
use crate::words::{printable, span};

/// All of it, for a terminal of so many columns, or for anything that does not mind the width of a line.
pub(super) fn text(digest: &Digest, columns: Option<usize>) -> String {
    let mut page = Page::new(columns);
    summarize(digest, &mut page);
    let first_at = tell_first(digest, &mut page);
    tell_others(digest, first_at, &mut page);
    tell_missing(digest, &mut page);
    table::tell(digest, &mut page);
    page.text()
}

fn summarize(digest: &Digest, page: &mut Page) {
    let count = digest.runs().len();
    let s = if count == 1 { "" } else { "s" };
    let failed = digest.failed();
    let mut parts = vec![
        format!("{} succeeded", count - failed),
        format!("{failed} failed"),
    ];
    for (count, what) in [
        (digest.missing.len(), "missing"),
        (digest.unreadable, "unreadable"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    let summary = format!("{count} report{s}: {}", parts.join(", "));
    if failed > 0 {
        page.alarm(&summary);
    } else {
        page.heading(&summary);
    }
}

/// Returns when that was.
fn tell_first(digest: &Digest, page: &mut Page) -> Option<u64> {
    let (run, failure, first) = digest.first_to_fail()?;
    page.blank();
    let name = printable(&run.name);
    page.heading(&format!(
        "First to fail: {name} on {}",
        printable(&run.host)
    ));
    let after = span(failure.at_unix_ns - run.started_unix_ns);
    page.line(&format!(
        "    {}, {after} after its start",
        utc(failure.at_unix_ns)
    ));
    page.line(&format!("    {}", printable(&failure.reason())));
    page.line(&format!("    $ {}", printable(&first.command.join(" "))));
    for line in &first.tail[first.tail.len().saturating_sub(MOST_LINES)..] {
        page.line(&format!("    | {}", printable(&line.text)));
    }
    Some(failure.at_unix_ns)
}

fn tell_others(digest: &Digest, first_at: Option<u64>, page: &mut Page) {
    let groups = digest.groups();
    let Some(earliest) = groups.first() else {
        return;
    };
    let clocks = match digest.hosts() {
        1 => String::new(),
        hosts => format!(" (by the clocks of {hosts} hosts, as they are)"),
    };
    let origin = first_at.unwrap_or_else(|| earliest.first_at());
    page.blank();
    page.heading(&match first_at {
        Some(_) => format!("The others that failed{clocks}:"),
        None => format!("None failed by itself; from {} on{clocks}:", utc(origin)),
    });
    let shown = &groups[..groups.len().min(MOST_GROUPS)];
    let rows = shown.iter().map(|group| row(group, origin)).collect();
    page.columns(rows);
    let rest = &groups[shown.len()..];
    if !rest.is_empty() {
        let count: usize = rest.iter().map(|group| group.runs.len()).sum();
        page.line(&format!("    and {count} more, for other reasons"));
    }
}

/// Of more than can be named, the first.
fn row(group: &Group, origin: u64) -> [String; 3] {
    let count = group.runs.len();
    let shown = if count > MOST_NAMES { 1 } else { count };
    let told: Vec<_> = group.runs[..shown].iter().map(|(run, _)| run).collect();
    let on_one_host = told.chunk_by(|run, next| run.host == next.host);
    let who: Vec<_> = on_one_host
        .map(|runs| {
            let names: Vec<_> = runs.iter().map(|run| printable(&run.name)).collect();
            format!("{} on {}", names.join(", "), printable(&runs[0].host))
        })
        .collect();
    let mut who = who.join(", ");
    if count > 1 {
        let last = since(origin, group.last_at());
        let is_first = if count > shown { ", first" } else { ":" };
        who = format!("{count} runs until {last}{is_first} {who}");
    }
    [
        since(origin, group.first_at()),
        printable(&group.reason),
        who,
    ]
}

fn tell_missing(digest: &Digest, page: &mut Page) {
    let names: Vec<_> = digest.missing.iter().map(|name| printable(name)).collect();
    let shown = &names[..names.len().min(MOST_NAMES)];
    if shown.is_empty() {
        return;
    }
    page.blank();
    page.heading("Missing, by the numbers in the names of the others:");
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    page.line(&format!("    {}{more}", shown.join(", ")));
}

/// How long after the origin, or before.
fn since(origin: u64, at: u64) -> String {
    let sign = if at < origin { '-' } else { '+' };
    format!("{sign}{}", span(at.abs_diff(origin)))
}

fn utc(unix_ns: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_nanos(unix_ns);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// How many of its last lines are quoted.
const MOST_LINES: usize = 10;

/// How many reasons are told.
const MOST_GROUPS: usize = 10;

/// How many names are told, of what failed for one reason and of what is missing.
const MOST_NAMES: usize = 5;
