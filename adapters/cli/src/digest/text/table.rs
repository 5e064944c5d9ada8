//! Which runs stand out.

use std::array;

use unicode_width::UnicodeWidthStr as _;

use super::page::Page;
use crate::digest::tally::{Digest, Measure, Measures, Run};
use crate::display::{cut, cut_beginning, padded};
use crate::words::{bytes, memory, printable, span};

/// The slowest, the most silent, the largest; and what is usual. A few runs are all told.
pub(super) fn tell(digest: &Digest, page: &mut Page) {
    let rows = rows(digest);
    if rows.is_empty() {
        return;
    }
    let headings = MEASURES.map(|(_, heading, _)| heading.to_owned());
    let heading = cells("", None, headings);
    let widest = |column: usize| {
        let rows = rows.iter().chain([&heading]);
        rows.map(|row| row[column].width()).max().unwrap_or(0)
    };
    let mut widths: [usize; COLUMNS] = array::from_fn(widest);
    widths[HOST] = match digest.hosts() {
        1 => 0,
        _ => widths[HOST].min(WIDEST_HOST),
    };
    let room = |widths: &[usize; COLUMNS]| {
        let others = widths.iter().enumerate();
        let others = others.filter(|(column, width)| *column != NAME && **width > 0);
        page.beside(others.map(|(_, width)| width + GAP.len()).sum())
    };
    if room(&widths).is_some_and(|room| room < LEAST_NAME) {
        widths[HOST] = 0;
    }
    if let Some(room) = room(&widths) {
        widths[NAME] = widths[NAME].min(room.max(LEAST_NAME));
    }
    page.blank();
    page.heading(&line(&heading, widths));
    for row in &rows {
        page.line(&line(row, widths));
    }
}

/// A label, a report's name, a host, and a number of each measure.
type Row = [String; COLUMNS];

fn rows(digest: &Digest) -> Vec<Row> {
    if digest.runs().len() <= MOST_RANKED {
        let runs = digest.runs().iter();
        return runs
            .map(|run| cells("", Some(run), numbers(run.measures)))
            .collect();
    }
    let mut rows = Vec::new();
    for (label, _, measure) in MEASURES {
        for (place, run) in digest.most(measure, MOST_RANKED).into_iter().enumerate() {
            let label = if place == 0 { label } else { "" };
            rows.push(cells(label, Some(run), numbers(run.measures)));
        }
    }
    rows.push(cells("median", None, numbers(digest.median())));
    rows
}

fn cells(label: &str, run: Option<&Run>, [took, silent, memory, output]: [String; 4]) -> Row {
    let name = run.map_or(String::new(), |run| printable(&run.name));
    let host = run.map_or(String::new(), |run| printable(&run.host));
    [label.to_owned(), name, host, took, silent, memory, output]
}

fn numbers(measures: Measures) -> [String; 4] {
    MEASURES.map(|(_, _, measure)| match (measures.get(measure), measure) {
        (None, _) => "-".to_owned(),
        (Some(nanos), Measure::Duration | Measure::Silence) => span(nanos),
        (Some(amount), Measure::Memory) => memory(amount),
        (Some(amount), Measure::Output) => bytes(amount),
    })
}

/// A column without a width is left out.
fn line(row: &Row, widths: [usize; COLUMNS]) -> String {
    let columns = row.iter().zip(widths).enumerate();
    let shown: Vec<_> = columns
        .filter(|(_, (_, width))| *width > 0)
        .map(|(column, (cell, width))| match column {
            NAME => padded(&cut_beginning(cell, width), width),
            ..=HOST => padded(&cut(cell, width), width),
            _ => format!("{cell:>width$}"),
        })
        .collect();
    shown.join(GAP)
}

const COLUMNS: usize = 7;
const NAME: usize = 1;
const HOST: usize = 2;

const GAP: &str = "  ";

/// What it is called to have the most of it, and it.
const MEASURES: [(&str, &str, Measure); 4] = [
    ("slowest", "took", Measure::Duration),
    ("most silent", "silent", Measure::Silence),
    ("most memory", "memory", Measure::Memory),
    ("most output", "output", Measure::Output),
];

/// How many runs stand out in each way.
const MOST_RANKED: usize = 3;

/// The most columns of a host's name.
const WIDEST_HOST: usize = 16;

/// The fewest columns of a report's name, even on a terminal that is too narrow.
const LEAST_NAME: usize = 8;
