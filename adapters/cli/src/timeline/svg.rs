//! The drawing alone, as one file.

use std::fmt::{self, Write as _};

use crate::timeline::escape::Escaped;
use crate::timeline::lane::{HEIGHT, Lanes};
use crate::timeline::picture::{Picture, Row, Scale};
use crate::timeline::place::Place;
use crate::timeline::words::{self, span};

/// Draws it.
pub(crate) fn draw(picture: &Picture) -> String {
    let mut svg = String::new();
    let drawn = write(&mut svg, picture);
    drawn.expect("a string takes all that is written");
    svg
}

fn write(svg: &mut String, picture: &Picture) -> fmt::Result {
    let lanes = Lanes::of(picture);
    let count = u32::try_from(picture.rows.len()).unwrap_or(u32::MAX / HEIGHT);
    let notes = 1 + u32::try_from(picture.notes.len()).unwrap_or(0);
    let axis_y = 40 + notes * 16;
    let lanes_y = axis_y + 26;
    let legend_y = lanes_y + count.saturating_mul(HEIGHT) + 24;
    let height = legend_y + LEGEND_ROWS * 22 + 10;
    write!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 {height}" width="1200" height="{height}" role="img" class="picture"><title>{}</title><style>{}{}</style>{DEFS}<rect class="paper" width="100%" height="100%"/>"#,
        Escaped(&picture.title),
        PALETTE,
        STYLE,
    )?;
    write!(
        svg,
        r#"<text class="title" x="12" y="26">{}</text>"#,
        Escaped(&shortened(&picture.title, 120))
    )?;
    let notes = std::iter::once(&picture.axis.title())
        .chain(&picture.notes)
        .cloned()
        .collect::<Vec<_>>();
    for (note, y) in notes.iter().zip((46..).step_by(16)) {
        write!(
            svg,
            r#"<text class="note" x="12" y="{y}">{}</text>"#,
            Escaped(note)
        )?;
    }
    write!(
        svg,
        r#"<svg x="{TIME_X}" y="{axis_y}" width="{TIME_WIDTH}" height="{}">{}</svg>"#,
        legend_y - axis_y - 18,
        axis(picture, 22)
    )?;
    for (row, y) in picture
        .rows
        .iter()
        .zip((lanes_y..).step_by(HEIGHT as usize))
    {
        write!(
            svg,
            r#"<g><svg x="0" y="{y}" width="1200" height="{HEIGHT}">{}"#,
            texts(row)
        )?;
        write!(
            svg,
            r#"<svg x="{TIME_X}" width="{TIME_WIDTH}" height="{HEIGHT}">{}</svg></svg></g>"#,
            lanes.draw(row)
        )?;
    }
    write!(svg, r#"<g transform="translate(12 {legend_y})">"#)?;
    for (index, entry) in (0..).zip(legend(&lanes.scale)) {
        let (x, y) = (index % 3 * 390, index / 3 * 22);
        write!(
            svg,
            r#"<g transform="translate({x} {y})"><svg width="30" height="16">{}</svg><text class="note" x="38" y="12">{}</text></g>"#,
            entry.sample,
            Escaped(&entry.meaning)
        )?;
    }
    svg.write_str("</g></svg>\n")
}

/// The ticks, with a line down from this height, which goes through the lanes.
pub(crate) fn axis(picture: &Picture, top: u32) -> String {
    let mut svg = grid(picture, top);
    for (place, label) in ticks(picture) {
        let _ = write!(
            svg,
            r#"<text class="tick{}" x="{place}" y="{}">{}</text>"#,
            place.edge(),
            top - 4,
            Escaped(&label)
        );
    }
    svg
}

/// The lines of the ticks.
pub(crate) fn grid(picture: &Picture, top: u32) -> String {
    let mut svg = String::new();
    for (place, _) in ticks(picture) {
        let _ = write!(
            svg,
            r#"<line class="tick" x1="{place}" x2="{place}" y1="{top}" y2="100%"/>"#
        );
    }
    svg
}

fn ticks(picture: &Picture) -> impl Iterator<Item = (Place, String)> {
    let ticks = picture.axis.ticks(TICKS).into_iter();
    ticks.map(|tick| (Place::on(&picture.axis, tick.at), tick.label))
}

/// What the legend says of a sign.
pub(crate) struct Entry {
    /// In a picture of 30 by 16.
    pub(crate) sample: &'static str,
    pub(crate) meaning: String,
}

pub(crate) fn legend(scale: &Scale) -> Vec<Entry> {
    let entry = |sample, meaning: &str| Entry {
        sample,
        meaning: meaning.to_owned(),
    };
    let scale = words::rate(scale.most_per_second);
    vec![
        Entry {
            sample: r#"<path class="out" stroke="none" d="M2 14V9H8V3H14V7H20V5H28V14Z"/>"#,
            meaning: format!("standard output, logarithmic, up to {scale}"),
        },
        entry(
            r#"<path class="err" d="M2 2V7H8V13H14V9H20V11H28V2Z"/>"#,
            "standard error, below the middle",
        ),
        entry(
            r#"<g class="silence"><line x1="2" x2="28" y1="8" y2="8"/></g>"#,
            "silence: nothing that is activity",
        ),
        entry(
            r#"<path class="fuse" d="M2 14L28 2"/>"#,
            "how much of the nearest deadline's time is over",
        ),
        entry(
            r##"<use href="#deadline" x="15" y="8"/>"##,
            "a deadline is over",
        ),
        entry(
            r##"<use href="#warn" x="15" y="8"/>"##,
            "a warning of silence",
        ),
        entry(
            r##"<g class="signal"><line class="hold" x1="8" x2="28" y1="8" y2="8"/><use href="#stage" x="8" y="8"/></g>"##,
            "a stage of the ladder, and its wait",
        ),
        entry(
            r##"<g class="signal"><use href="#passed" x="15" y="8"/></g>"##,
            "a signal that is passed on",
        ),
        entry(
            r##"<use href="#asked" x="8" y="8"/><use href="#failed" x="24" y="8"/>"##,
            "asked to end; a failure outside",
        ),
        entry(
            r#"<g class="notification"><line x1="4" x2="26" y1="8" y2="8"/></g>"#,
            "a notification, as long as it took",
        ),
        entry(
            r##"<g class="notification failed"><line x1="4" x2="22" y1="8" y2="8"/><use href="#cross" x="22" y="8"/></g>"##,
            "one that failed",
        ),
        entry(
            r#"<g class="suspension"><rect x="2" width="26" y="1" height="14"/></g>"#,
            "suspended: every deadline waits",
        ),
        entry(
            r##"<g class="strays"><use href="#strays" x="15" y="8"/></g>"##,
            "strays, and how many are alive",
        ),
        entry(
            r##"<g class="strays"><use href="#killed" x="8" y="8"/><use href="#swept" x="24" y="8"/></g>"##,
            "SIGKILL to strays; to the rest of the group",
        ),
        entry(
            r#"<g class="wait"><rect x="2" width="26" y="3" height="10"/></g>"#,
            "exited, but not yet over",
        ),
        entry(
            r##"<use href="#vouched" x="8" y="8"/><use href="#ready" x="24" y="8"/>"##,
            "vouched for; ready",
        ),
        entry(
            r##"<use href="#changed" x="15" y="8"/>"##,
            "a limit or the ladder was set anew",
        ),
        entry(
            r##"<svg viewBox="0 12 30 24"><use href="#torn" x="15" y="24"/></svg>"##,
            "the record ends, though the run does not",
        ),
    ]
}

fn texts(row: &Row) -> String {
    let length = span(row.story.end);
    let first = if row.failed_first {
        "first to fail"
    } else {
        ""
    };
    let sign = row.verdict.grade.sign();
    format!(
        r#"<text class="name" x="12" y="23">{}</text><text class="about" x="12" y="38">{length}</text><text class="outcome {}" x="{OUTCOME_X}" y="{}">{sign} {}</text><text class="first" x="{OUTCOME_X}" y="38">{first}</text>"#,
        Escaped(&shortened(&row.label, 28)),
        row.verdict.grade.class(),
        if row.failed_first { 24 } else { 29 },
        Escaped(&row.verdict.word),
    )
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The symbols, each around its place.
pub(crate) const DEFS: &str = include_str!("symbols.svg");

/// Colours, in light and in dark.
pub(crate) const PALETTE: &str = include_str!("palette.css");

/// How what is in a lane looks.
pub(crate) const STYLE: &str = include_str!("lane.css");

/// How many ticks an axis has.
pub(crate) const TICKS: u64 = 8;

const LEGEND_ROWS: u32 = 6;

const TIME_X: u32 = 250;

const TIME_WIDTH: u32 = 720;

const OUTCOME_X: u32 = 982;
