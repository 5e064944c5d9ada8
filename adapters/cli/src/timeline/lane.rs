//! A run as SVG: what both drawings for a browser show of it.
//!
//! Places on the axis are percentages of the width, so that a lane can be as wide as there is room, and a script can zoom
//! by making the element `time` wider than its lane, without touching what is in it. Only what lies in the element `run` is
//! stretched.

use std::cmp::Reverse;
use std::fmt::{self, Write as _};

use crate::timeline::axis::Axis;
use crate::timeline::flow::Slice;
use crate::timeline::mark::{Answer, Kind, Mark, What};
use crate::timeline::picture::{Picture, Row, Scale};
use crate::timeline::story::Ending;
use crate::timeline::words::{self, exited, moment, sentence, short_name};

/// How high a lane is.
pub(crate) const HEIGHT: u32 = 52;

/// Draws lanes of one picture, each with no more detail than that allows.
pub(crate) struct Lanes<'a> {
    picture: &'a Picture,
    pub(crate) scale: Scale,
    /// How many marks of a kind.
    most_marks: usize,
    most_slices: usize,
}

impl<'a> Lanes<'a> {
    pub(crate) fn of(picture: &'a Picture) -> Self {
        let lanes = picture.rows.len();
        Self {
            picture,
            scale: picture.scale(WIDTH.into()),
            most_marks: (MOST_MARKS / lanes).clamp(6, 128),
            most_slices: (MOST_SLICES / lanes).clamp(64, 512),
        }
    }

    /// The element `time` of this run.
    pub(crate) fn draw(&self, row: &Row) -> String {
        let mut svg = String::new();
        let drawn = self.write(&mut svg, row);
        drawn.expect("a string takes all that is written");
        svg
    }

    fn write(&self, svg: &mut String, row: &Row) -> fmt::Result {
        write!(
            svg,
            r#"<svg class="time" x="0" y="0" width="100%" height="{HEIGHT}" overflow="visible">"#
        )?;
        self.write_life(svg, row)?;
        self.write_flow(svg, row)?;
        self.write_end(svg, row)?;
        for kind in [Kind::Silence, Kind::Suspension, Kind::Notification] {
            let mut track = row.story.track(kind).clone();
            track.thin(self.most_marks);
            for mark in track.marks() {
                self.write_spell(svg, row, mark)?;
            }
        }
        for line in Line::ALL {
            self.write_line(svg, row, line)?;
        }
        svg.write_str("</svg>")
    }

    fn place(&self, row: &Row, at: u64) -> Place {
        Place::on(&self.picture.axis, row.start.saturating_add(at))
    }

    fn write_life(&self, svg: &mut String, row: &Row) -> fmt::Result {
        let story = &row.story;
        let exit = story.exit.map_or(story.end, |(exit, _)| exit);
        let [start, gone, end] = [0, exit, story.end].map(|at| self.place(row, at));
        write!(
            svg,
            r#"<rect class="life" x="{start}" width="{}" y="14" height="20"/><line class="axis" x1="{start}" x2="{gone}" y1="24" y2="24"/>"#,
            gone - start
        )?;
        self.open(svg, row, 0, "start", "starts")?;
        write!(
            svg,
            r#"{}<line x1="{start}" x2="{start}" y1="14" y2="34"/></g>"#,
            Hit(start)
        )?;
        if let Some(told) = exited(story) {
            self.open(svg, row, exit, "wait", &told)?;
            write!(
                svg,
                r#"<rect x="{gone}" width="{}" y="19" height="10"/></g>"#,
                end - gone
            )?;
        }
        Ok(())
    }

    /// Output, standard output above the middle and standard error below, and the fuse of the deadline that is nearest.
    fn write_flow(&self, svg: &mut String, row: &Row) -> fmt::Result {
        let story = &row.story;
        if story.end == 0 {
            return Ok(());
        }
        let flow = story.flow.clone().with_at_most(self.most_slices);
        let (slices, width) = (flow.slices(), flow.width());
        let [start, end] = [0, story.end].map(|at| self.place(row, at));
        let length = ratio(story.end, width);
        write!(
            svg,
            r#"<svg class="run" x="{start}" width="{}" y="14" height="20" viewBox="0 0 {length:.3} 20" preserveAspectRatio="none">"#,
            end - start
        )?;
        for (stream, class, sign) in [(0, "out", -1.0), (1, "err", 1.0)] {
            if story.bytes[stream] > 0 {
                let heights = slices.iter().map(|slice| match slice.bytes[stream] {
                    0.0 => 0.0,
                    bytes => (self.scale.height(bytes, width) * 10.0).max(1.0),
                });
                write!(svg, r#"<path class="{class}" d="M0 10"#)?;
                write_steps(svg, heights.map(|height| 10.0 + sign * height))?;
                svg.write_str(r#"V10Z"/>"#)?;
            }
        }
        write_fuse(svg, slices)?;
        svg.write_str("</svg>")
    }

    fn write_end(&self, svg: &mut String, row: &Row) -> fmt::Result {
        let story = &row.story;
        let end = self.place(row, story.end);
        let class = format!("end {}", row.verdict.grade.class());
        self.open(
            svg,
            row,
            story.end,
            &class,
            &format!("ends: {}", words::end(story)),
        )?;
        if matches!(story.ending, Ending::Finished(_)) || story.is_foreign {
            write!(svg, r#"<line x1="{end}" x2="{end}" y1="13" y2="35"/></g>"#)
        } else {
            write!(svg, r##"<use href="#torn" x="{end}" y="24"/></g>"##)
        }
    }

    /// What takes a while.
    fn write_spell(&self, svg: &mut String, row: &Row, mark: &Mark) -> fmt::Result {
        let [from, until] = [mark.at, mark.until].map(|at| self.place(row, at));
        let width = until - from;
        if mark.what == What::Silence && mark.until - mark.at < row.story.end / 50 {
            return Ok(());
        }
        self.open(svg, row, mark.at, class_of(mark), &sentence(mark))?;
        match mark.what {
            What::Notification { answer, .. } => {
                write!(svg, r#"<line x1="{from}" x2="{until}" y1="39" y2="39"/>"#)?;
                if matches!(answer, Answer::Failure | Answer::TimedOut) {
                    write!(svg, r##"<use href="#cross" x="{until}" y="39"/>"##)?;
                }
            }
            _ => write!(
                svg,
                r#"<rect x="{from}" width="{width}" y="14" height="20"/><line x1="{from}" x2="{until}" y1="24" y2="24"/>"#
            )?,
        }
        svg.write_str("</g>")
    }

    /// What happens at a moment. Of marks that would overlap, the first is shown, with how many there are; a page's script
    /// does the same for other widths.
    fn write_line(&self, svg: &mut String, row: &Row, line: Line) -> fmt::Result {
        let mut marks = Vec::new();
        for kind in line.kinds() {
            let mut track = row.story.track(*kind).clone();
            track.thin(self.most_marks);
            marks.extend_from_slice(track.marks());
        }
        if marks.is_empty() {
            return Ok(());
        }
        marks.sort_by_key(|mark| (mark.at, Reverse(mark.what.weight())));
        svg.write_str(r#"<g class="line">"#)?;
        for shown in self.uncrowded(row, &marks) {
            self.write_point(svg, row, line, &shown)?;
        }
        svg.write_str("</g>")
    }

    /// Which marks are shown, and which are only counted, because they would overlap.
    fn uncrowded<'m>(&self, row: &Row, marks: &'m [Mark]) -> Vec<Shown<'m>> {
        let mut all: Vec<_> = marks
            .iter()
            .map(|mark| Shown {
                mark,
                place: self.place(row, mark.at),
                room: None,
                more: None,
            })
            .collect();
        let mut last: Option<usize> = None;
        for index in 0..all.len() {
            let distance = last.map(|last| (all[index].place - all[last].place).pixels());
            match (last, distance) {
                (Some(last), Some(distance)) if distance < GAP => {
                    all[last].more = all[last].more.map(|more| more + 1);
                }
                _ => {
                    if let Some(last) = last {
                        all[last].room = distance;
                    }
                    all[index].more = Some(0);
                    last = Some(index);
                }
            }
        }
        all
    }

    fn write_point(
        &self,
        svg: &mut String,
        row: &Row,
        line: Line,
        shown: &Shown<'_>,
    ) -> fmt::Result {
        let mark = shown.mark;
        let crowded = if shown.more.is_none() { " crowded" } else { "" };
        let class = format!("{}{crowded}", class_of(mark));
        self.open(svg, row, mark.at, &class, &sentence(mark))?;
        let (x, y) = (shown.place, line.y());
        if let What::Stage { .. } = mark.what {
            let until = self.place(row, mark.until);
            write!(
                svg,
                r#"<line class="hold" x1="{x}" x2="{until}" y1="{y}" y2="{y}"/>"#
            )?;
        }
        if line == Line::Middle {
            write!(svg, r#"<line x1="{x}" x2="{x}" y1="14" y2="34"/>"#)?;
        }
        let symbol = symbol_of(mark);
        write!(svg, r##"<use href="#{symbol}" x="{x}" y="{y}"/>"##)?;
        let name = label_of(mark);
        let more = match shown.more {
            None | Some(0) => String::new(),
            Some(more) => format!("+{more}"),
        };
        let needed = 9 + 7 * u32::try_from(name.len() + more.len()).unwrap_or(99);
        let is_at_edge = x.pixels() + needed > WIDTH;
        let (anchor, aside) = if is_at_edge {
            ("end", -8)
        } else {
            ("start", 8)
        };
        let is_muted = shown.room.is_some_and(|room| room < needed);
        let class = if is_muted { r#" class="muted""# } else { "" };
        let text = y + 3;
        write!(
            svg,
            r#"<text x="{x}" y="{text}" dx="{aside}" text-anchor="{anchor}" data-name="{name}"{class}>{name}{more}</text></g>"#
        )
    }

    /// Opens the element of a mark, which says this.
    fn open(&self, svg: &mut String, row: &Row, at: u64, class: &str, told: &str) -> fmt::Result {
        let clock = self.picture.axis.clock(row.start.saturating_add(at));
        let clock = clock.map_or_else(String::new, |clock| format!(" ({clock})"));
        write!(
            svg,
            r#"<g class="mark {class}" data-x="{}"><title>{}{clock}: {}</title>"#,
            self.place(row, at).number(),
            moment(at),
            Escaped(told),
        )
    }
}

/// Where marks of a moment stand in a lane.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Signals.
    Above,
    /// Deadlines and all that concerns the child.
    Middle,
    /// Strays, beside the notifications.
    Below,
}

impl Line {
    const ALL: [Self; 3] = [Self::Middle, Self::Above, Self::Below];

    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Above => &[Kind::Stage, Kind::Signal],
            Self::Middle => &[Kind::Deadline, Kind::Request, Kind::Word],
            Self::Below => &[Kind::Strays],
        }
    }

    fn y(self) -> u32 {
        match self {
            Self::Above => 7,
            Self::Middle => 24,
            Self::Below => 46,
        }
    }
}

/// A mark of a line, as it is shown beside the others.
struct Shown<'a> {
    mark: &'a Mark,
    place: Place,
    /// How far it is to the next that is shown, in pixels.
    room: Option<u32>,
    /// How many it stands for besides itself; `None` if another stands for it.
    more: Option<usize>,
}

/// A place on the axis, or the distance of two, in hundred-thousandths of a percent of the width.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u32);

impl Place {
    /// There is a little room on both sides, for what is drawn around a moment.
    pub(crate) fn on(axis: &Axis, at: u64) -> Self {
        let margin = margin(axis);
        let whole = u128::from(axis.length) + 2 * margin;
        let place = (u128::from(at) + margin) * u128::from(WHOLE) / whole;
        Self(u32::try_from(place).unwrap_or(WHOLE))
    }

    /// At the width that a drawing is made for.
    fn pixels(self) -> u32 {
        self.0 / (WHOLE / WIDTH)
    }

    /// The class of a text here that would not fit in the middle.
    pub(crate) fn edge(self) -> &'static str {
        match self.pixels() {
            0..EDGE => " first-tick",
            pixels if pixels > WIDTH - EDGE => " last-tick",
            _ => "",
        }
    }

    /// In percent.
    pub(crate) fn number(self) -> String {
        let text = format!("{}.{:05}", self.0 / 100_000, self.0 % 100_000);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl std::ops::Sub for Place {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.number())
    }
}

/// Makes a thin line here easy to point at.
struct Hit(Place);

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<rect class="hit" x="{}" y="14" width="9" height="20" transform="translate(-4.5)"/>"#,
            self.0
        )
    }
}

/// The room on each side of the axis, in nanoseconds.
pub(crate) fn margin(axis: &Axis) -> u128 {
    u128::from(axis.length).div_ceil(60)
}

/// Text as it can stand in XML and HTML, in quotes too.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // XML has no place for these.
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                char if char.is_control() => f.write_char('\u{fffd}')?,
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

/// A line of steps, one for each of these, from where the path is.
fn write_steps(svg: &mut String, heights: impl Iterator<Item = f64>) -> fmt::Result {
    let mut heights = heights
        .map(|height| format!("{height:.1}"))
        .zip(1..)
        .peekable();
    while let Some((height, right)) = heights.next() {
        if heights.peek().is_none_or(|(next, _)| *next != height) {
            write!(svg, "V{}H{right}", height.trim_end_matches(".0"))?;
        }
    }
    Ok(())
}

/// How near the deadline was that was nearest: the line reaches the top when it is over. What is far off is not drawn.
fn write_fuse(svg: &mut String, slices: &[Slice]) -> fmt::Result {
    let mut path = String::new();
    let mut is_down = false;
    for (slice, left) in slices.iter().zip(0..) {
        let passed = slice.fuse.map_or(0, |(passed, _)| passed);
        if passed < NEAR {
            is_down = false;
            continue;
        }
        let y = 20.0 - f64::from(passed) / 50.0;
        if !is_down {
            write!(path, "M{left} {y:.1}")?;
        }
        write!(path, "L{} {y:.1}", left + 1)?;
        is_down = true;
    }
    if path.is_empty() {
        return Ok(());
    }
    write!(
        svg,
        r#"<path class="halo" d="{path}"/><path class="fuse" d="{path}"/>"#
    )
}

#[expect(clippy::cast_precision_loss, reason = "it is for the eye")]
fn ratio(length: u64, width: u64) -> f64 {
    length as f64 / width as f64
}

fn class_of(mark: &Mark) -> &'static str {
    match mark.what {
        What::Silence => "silence",
        What::Suspension => "suspension",
        What::Stage { .. } | What::PassedOn { .. } => "signal",
        What::Fired { .. } | What::Unkillable => "deadline",
        What::Warned => "warning",
        What::Asked(_) | What::Failed => "request",
        What::Ready | What::Progress | What::Changed => "word",
        What::Notification { answer, .. } => match answer {
            Answer::Success | Answer::None => "notification",
            Answer::Failure | Answer::TimedOut => "notification failed",
        },
        What::Strays(_) | What::StraysKilled | What::Swept => "strays",
    }
}

fn symbol_of(mark: &Mark) -> &'static str {
    match mark.what {
        What::Stage { .. } => "stage",
        What::PassedOn { .. } => "passed",
        What::Warned => "warn",
        What::Asked(_) => "asked",
        What::Failed => "failed",
        What::Ready => "ready",
        What::Progress => "vouched",
        What::Changed => "changed",
        What::Strays(_) => "strays",
        What::StraysKilled => "killed",
        What::Swept => "swept",
        _ => "deadline",
    }
}

/// What is written beside its symbol.
fn label_of(mark: &Mark) -> String {
    match mark.what {
        What::Stage { signal, .. } | What::PassedOn { signal, .. } => short_name(signal),
        What::Strays(living) => living.to_string(),
        _ => String::new(),
    }
}

/// A whole width, in the units of a [`Place`].
const WHOLE: u32 = 100 * 100_000;

/// How near the edge a label of the axis is too wide, in pixels.
const EDGE: u32 = 36;

/// The width that overlaps are looked for at, in pixels.
const WIDTH: u32 = 720;

/// How far marks must be apart not to overlap, in pixels.
pub(crate) const GAP: u32 = 12;

/// What is not drawn yet of a fuse, in thousandths.
const NEAR: u16 = 100;

/// In a picture, of each kind.
const MOST_MARKS: usize = 12_000;

const MOST_SLICES: usize = 60_000;
