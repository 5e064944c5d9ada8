//! The page for a browser: the drawing, and a script that tells the details and zooms.

use std::fmt::{self, Write as _};

use crate::timeline::axis::Zero;
use crate::timeline::escape::Escaped;
use crate::timeline::lane::{GAP, HEIGHT, Lanes};
use crate::timeline::picture::{Picture, Row, Scale};
use crate::timeline::place::{Place, margin};
use crate::timeline::svg::{DEFS, PALETTE, STYLE, axis, grid, legend};
use crate::timeline::words::{bytes, end, limits, moment, span};
use crate::words::printable;

/// Draws it.
pub(crate) fn draw(picture: &Picture) -> String {
    let mut html = String::new();
    let drawn = write(&mut html, picture);
    drawn.expect("a string takes all that is written");
    html
}

fn write(html: &mut String, picture: &Picture) -> fmt::Result {
    let title = Escaped(&picture.title);
    write!(
        html,
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – childminder timeline</title>
<style>
{PALETTE}{STYLE}{PAGE}</style>
</head>
<body>
<svg class="symbols" aria-hidden="true">{DEFS}</svg>
<header>
<h1>{title}</h1>
"#
    )?;
    for note in std::iter::once(&picture.axis.title()).chain(&picture.notes) {
        writeln!(html, "<p>{}</p>", Escaped(note))?;
    }
    let lanes = Lanes::of(picture);
    write_legend(html, &lanes.scale)?;
    html.write_str("</header>\n<main>\n")?;
    write_axis(html, picture)?;
    html.write_str(r#"<ol class="lanes" aria-label="Runs">"#)?;
    for (row, index) in picture.rows.iter().zip(0..) {
        write_lane(html, picture, row, index, &lanes.draw(row))?;
    }
    html.write_str("</ol>\n</main>\n")?;
    write_table(html, picture)?;
    write!(
        html,
        r#"<aside id="details" aria-live="polite" hidden></aside>
<script>
{SCRIPT}</script>
</body>
</html>
"#
    )
}

fn write_legend(html: &mut String, scale: &Scale) -> fmt::Result {
    html.write_str("<details class=\"legend\" open><summary>Legend and keys</summary>\n<ul>")?;
    for entry in legend(scale) {
        write!(
            html,
            r#"<li><svg width="30" height="16" aria-hidden="true">{}</svg>{}</li>"#,
            entry.sample,
            Escaped(&entry.meaning)
        )?;
    }
    html.write_str(
        "</ul>\n<p class=\"keys\"><kbd>↑</kbd> <kbd>↓</kbd> run, <kbd>←</kbd> <kbd>→</kbd> what happened in it, \
         <kbd>Home</kbd> <kbd>End</kbd> its first and last, <kbd>+</kbd> <kbd>−</kbd> zoom, <kbd>Enter</kbd> zoom there, \
         <kbd>Esc</kbd> back. With the mouse: point at it, drag, <kbd>Ctrl</kbd> and the wheel.</p>\n</details>\n",
    )
}

fn write_axis(html: &mut String, picture: &Picture) -> fmt::Result {
    let unix = match picture.axis.zero {
        Zero::Start => String::new(),
        Zero::Clock(unix) => unix.to_string(),
    };
    write!(
        html,
        r#"<div class="head"><div class="tools"><button type="button" data-key="-" title="Zoom out (−)" aria-label="Zoom out">−</button><button type="button" data-key="+" title="Zoom in (+)" aria-label="Zoom in">+</button><button type="button" data-key="0" title="All (0)" aria-label="Show all">All</button><output id="zoom">1×</output></div><svg id="axis" height="24" data-length="{}" data-margin="{}" data-unix="{unix}" data-gap="{GAP}"><g>{}</g><text id="now" y="16"></text></svg></div>
<svg id="grid" aria-hidden="true"><g>{}</g><line id="cursor" y1="0" y2="100%" visibility="hidden"/></svg>
"#,
        picture.axis.length,
        margin(&picture.axis),
        axis(picture, 20),
        grid(picture, 0),
    )
}

fn write_lane(
    html: &mut String,
    picture: &Picture,
    row: &Row,
    index: usize,
    drawn: &str,
) -> fmt::Result {
    let [from, until] = [row.start, row.end()].map(|at| Place::on(&picture.axis, at).number());
    let verdict = &row.verdict;
    let first = if row.failed_first {
        "<strong>first to fail</strong>"
    } else {
        ""
    };
    let label = Escaped(&row.label);
    let (sign, word) = (verdict.grade.sign(), Escaped(&verdict.word));
    let length = span(row.story.end);
    let tab = if index == 0 { 0 } else { -1 };
    write!(
        html,
        r#"
<li class="row" id="run{index}" tabindex="{tab}" data-from="{from}" data-until="{until}"><div class="label" title="{label}"><b>{label}</b><small>{length}</small></div><svg class="lane" height="{HEIGHT}" role="img" aria-label="{label}: {word}, {length}">{drawn}</svg><div class="outcome {}"><span>{sign} {word}</span>{first}</div></li>"#,
        verdict.grade.class(),
    )
}

fn write_table(html: &mut String, picture: &Picture) -> fmt::Result {
    html.write_str(
        "<section>\n<h2>The runs</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>Run<th>Host<th>Starts<th>Lasts<th>Outcome<th>What ended it<th>Output<th>Limits<th>Record</tr></thead>\n<tbody>\n",
    )?;
    for (row, index) in picture.rows.iter().zip(0..) {
        let story = &row.story;
        let start = picture.axis.clock(row.start);
        let output = match story.bytes {
            [out, 0] => bytes(out),
            [out, err] => format!("{}, stderr {}", bytes(out), bytes(err)),
        };
        let failed = story
            .failure
            .map_or_else(String::new, |(at, _)| format!(" ({})", moment(at)));
        let first = if row.failed_first {
            ", first to fail"
        } else {
            ""
        };
        writeln!(
            html,
            r##"<tr><td><a href="#run{index}">{}</a><td>{}<td>{}<td>{}<td class="{}">{} {}{first}<td>{}{failed}<td>{output}<td>{}<td>{}</tr>"##,
            Escaped(&row.label),
            Escaped(&printable(story.host.as_deref().unwrap_or("–"))),
            start.unwrap_or_else(|| "–".to_owned()),
            span(story.end),
            row.verdict.grade.class(),
            row.verdict.grade.sign(),
            Escaped(&row.verdict.word),
            Escaped(&end(story)),
            Escaped(&limits(&story.config)),
            Escaped(&printable(&story.file)),
        )?;
    }
    html.write_str("</tbody>\n</table></div>\n</section>\n")
}

const PAGE: &str = include_str!("page.css");

const SCRIPT: &str = include_str!("page.js");
