//! The drawing in text: a lane a line.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::iter;

use unicode_width::UnicodeWidthStr;

use crate::display::{cut, padded};
use crate::timeline::cell::{Cell, Ink};
use crate::timeline::mark::Kind;
use crate::timeline::picture::{Picture, Row, Scale};
use crate::timeline::story::Ending;
use crate::timeline::words::{Grade, Verdict, rate};

/// The lines, in colour, none of which is wider than so many columns, if that is at all possible.
pub(crate) fn draw(picture: &Picture, width: usize) -> String {
    let outcomes: Vec<_> = picture
        .rows
        .iter()
        .map(|row| {
            let Verdict { word, grade } = &row.verdict;
            let first = if row.failed_first { FIRST } else { "" };
            format!("{} {first}{word}", grade.sign())
        })
        .collect();
    let widest = |texts: &mut dyn Iterator<Item = &str>| {
        texts.map(UnicodeWidthStr::width).max().unwrap_or(0)
    };
    let label_width = widest(&mut picture.rows.iter().map(|row| &*row.label)).min(width / 4);
    let outcome_width = widest(&mut outcomes.iter().map(|text| &**text)).min(width * 2 / 5);
    let room = width.saturating_sub(label_width + outcome_width + SPARE_CELLS + 2);
    let cells = room.max(LEAST_CELLS);
    let canvas = Canvas {
        picture,
        width,
        scale: picture.scale(cells as u64),
        cells,
    };
    let mut drawn = String::new();
    let _ = writeln!(drawn, "{}", cut(&picture.title, width));
    for note in iter::once(&picture.axis.title()).chain(&picture.notes) {
        wrap(&mut drawn, note.split(' '), " ", width);
    }
    let axis = canvas.axis(label_width, width);
    drawn.push_str(&axis);
    let mut seen = BTreeSet::new();
    for (row, outcome) in picture.rows.iter().zip(&outcomes) {
        let label = padded(&cut(&row.label, label_width), label_width);
        let bar = canvas.bar(row, &mut seen);
        let ink = match row.verdict.grade {
            Grade::Success => Ink::Good,
            Grade::Failure => Ink::Bad,
            Grade::Unknown => Ink::Odd,
        };
        let outcome = inked(&cut(outcome, outcome_width), ink);
        let _ = writeln!(drawn, "{label} {bar} {outcome}");
    }
    if picture.rows.len() > LANES_WITH_ONE_AXIS {
        drawn.push_str(&axis);
    }
    canvas.legend(&mut drawn, &seen);
    drawn
}

struct Canvas<'a> {
    picture: &'a Picture,
    /// Of the whole drawing, in columns.
    width: usize,
    scale: Scale,
    /// How many columns a lane has.
    cells: usize,
}

impl Canvas<'_> {
    fn axis(&self, indent: usize, width: usize) -> String {
        let most = (self.cells / COLUMNS_OF_TICK).max(1) as u64;
        let ticks = self.picture.axis.ticks(most);
        let mut line = " ".repeat(indent + 1);
        let mut column = 0;
        for tick in ticks {
            let place = self.cell(tick.at);
            let label = format!("│{} ", tick.label);
            let fits = indent + 1 + place + label.width() <= width + 1;
            if place >= column && fits {
                line.push_str(&" ".repeat(place - column));
                line.push_str(&label);
                column = place + label.width();
            }
        }
        format!("{}\n", inked(line.trim_end(), Ink::Faint))
    }

    fn bar(&self, row: &Row, seen: &mut BTreeSet<Cell>) -> String {
        let mut cells = vec![Cell::Nothing; self.cells + SPARE_CELLS];
        self.paint_life(row, &mut cells);
        self.paint_output(row, &mut cells);
        self.paint_marks(row, &mut cells);
        seen.extend(&cells);
        let mut bar = String::new();
        for same in cells.chunk_by(|one, next| one.ink() == next.ink()) {
            let text: String = same.iter().map(|cell| cell.char()).collect();
            bar.push_str(&inked(&text, same[0].ink()));
        }
        bar
    }

    fn paint_life(&self, row: &Row, cells: &mut [Cell]) {
        let story = &row.story;
        let exit = story.exit.map_or(story.end, |(exit, _)| exit);
        cells[self.cell(row.start)..=self.cell(row.end())].fill(Cell::Waiting);
        cells[self.cell(row.start)..=self.cell(row.at(exit))].fill(Cell::Silent);
        for mark in story.track(Kind::Suspension).marks() {
            let (from, until) = (row.at(mark.at), row.at(mark.until));
            cells[self.cell(from)..=self.cell(until)].fill(Cell::Suspended);
        }
    }

    fn paint_output(&self, row: &Row, cells: &mut [Cell]) {
        let flow = &row.story.flow;
        let mut written = vec![0.0; cells.len()];
        for (slice, number) in flow.slices().iter().zip(0..) {
            let at = flow.width().saturating_mul(number);
            let cell = self.cell(row.at(at));
            written[cell] += slice.bytes[0] + slice.bytes[1];
            let near = match slice.fuse {
                Some((800.., _)) => Cell::Nearer,
                Some((500.., _)) => Cell::Near,
                _ => Cell::Silent,
            };
            if cells[cell] >= Cell::Silent {
                cells[cell] = cells[cell].max(near);
            }
        }
        let time = (self.picture.axis.length / self.cells as u64).max(1);
        for (cell, written) in cells.iter_mut().zip(written) {
            if written > 0.0 {
                let height = self.scale.height(written, time);
                let level = (1..8).find(|level| height * 8.0 <= f64::from(*level));
                *cell = Cell::Output(level.unwrap_or(8));
            }
        }
    }

    /// What coincides stands side by side, as far as there is room.
    fn paint_marks(&self, row: &Row, cells: &mut [Cell]) {
        let story = &row.story;
        let kinds = Kind::ALL.into_iter();
        let marks = kinds.flat_map(|kind| story.track(kind).marks());
        let mut marks: Vec<_> = marks
            .filter_map(|mark| Some((mark.at, Cell::of(mark)?)))
            .collect();
        if !matches!(story.ending, Ending::Finished(_)) && !story.is_foreign {
            marks.push((story.end, Cell::Torn));
        }
        marks.sort_by_key(|(at, cell)| (*at, Reverse(*cell)));
        for (at, mark) in marks {
            let cell = self.cell(row.at(at));
            let near = cell..=cell + SPARE_CELLS;
            if near.clone().any(|cell| cells[cell] == mark) {
                continue;
            }
            let free = near.into_iter().find(|cell| cells[*cell] < Cell::Strays);
            let place = free.unwrap_or(cell);
            cells[place] = cells[place].max(mark);
        }
    }

    fn legend(&self, drawn: &mut String, seen: &BTreeSet<Cell>) {
        let mut meanings: Vec<_> = seen.iter().filter_map(|cell| cell.meaning()).collect();
        meanings.dedup();
        let most = format!(" up to {}", rate(self.scale.most_per_second));
        let words = meanings.into_iter().map(|(sign, meaning)| {
            let scale = if sign == "▁…█" { &*most } else { "" };
            format!("{sign} {meaning}{scale}")
        });
        let words: Vec<_> = words.collect();
        wrap(drawn, words.iter().map(|word| &**word), "   ", self.width);
    }

    /// Which cell a moment of the axis is in.
    fn cell(&self, at: u64) -> usize {
        let cells = self.cells as u128;
        let cell = u128::from(at) * cells / u128::from(self.picture.axis.length);
        usize::try_from(cell)
            .unwrap_or(usize::MAX)
            .min(self.cells - 1)
    }
}

fn inked(text: &str, ink: Ink) -> String {
    let code = match ink {
        Ink::Plain => return text.to_owned(),
        Ink::Faint => "2",
        Ink::Good => "32",
        Ink::Odd => "33",
        Ink::Bad => "1;31",
        Ink::Strong => "1;35",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// Parts that do not fit go on in the next line.
fn wrap<'a>(drawn: &mut String, parts: impl Iterator<Item = &'a str>, gap: &str, width: usize) {
    let mut column = 0;
    for part in parts {
        if column > 0 && column + gap.len() + part.width() > width {
            drawn.push('\n');
            column = 0;
        }
        if column > 0 {
            drawn.push_str(gap);
            column += gap.len();
        }
        drawn.push_str(part);
        column += part.width();
    }
    drawn.push('\n');
}

/// Said of the run that failed before all others.
const FIRST: &str = "first: ";

/// Behind the end of the axis, for what coincides there.
const SPARE_CELLS: usize = 2;

/// Where no terminal shows it.
pub(crate) const DEFAULT_WIDTH: usize = 80;

/// A lane is never narrower.
const LEAST_CELLS: usize = 10;

/// How far ticks are apart, at least.
const COLUMNS_OF_TICK: usize = 12;

/// With more of them there is an axis below, too.
const LANES_WITH_ONE_AXIS: usize = 20;
