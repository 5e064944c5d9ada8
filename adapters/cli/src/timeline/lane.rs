//! A run as SVG: what both drawings for a browser show of it.
//!
//! Places on the axis are percentages of the width, so that a lane can be as wide as there is room, and a script can zoom
//! by making the element `time` wider than its lane, without touching what is in it. Only what lies in the element `run` is
//! stretched.

use std::cmp::Reverse;
use std::fmt::{self, Write as _};

use crate::timeline::escape::Escaped;
use crate::timeline::flow::Slice;
use crate::timeline::mark::{Answer, Kind, Mark, What};
use crate::timeline::picture::{Picture, Row, Scale};
use crate::timeline::place::{Place, WIDTH};
use crate::timeline::sign::{class_of, label_of, symbol_of};
use crate::timeline::story::Ending;
use crate::timeline::words::{self, exited, moment, sentence};

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
        Place::on(&self.picture.axis, row.at(at))
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
                let heights = slices.iter().map(|slice| {
                    let bytes = slice.bytes[stream];
                    let height = (self.scale.height(bytes, width) * 10.0).max(1.0);
                    (bytes > 0.0).then_some(10.0 + sign * height)
                });
                write!(svg, r#"<path class="{class}" d=""#)?;
                write_steps(svg, heights)?;
                svg.write_str(r#""/>"#)?;
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
        let clock = self.picture.axis.clock(row.at(at));
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

/// An area between the middle and these heights, but for where they are none.
fn write_steps(svg: &mut String, heights: impl Iterator<Item = Option<f64>>) -> fmt::Result {
    let heights = heights.map(|height| height.map(|height| format!("{height:.1}")));
    let mut heights = heights.zip(0..).peekable();
    let mut is_open = false;
    while let Some((height, left)) = heights.next() {
        let Some(height) = height else { continue };
        if !is_open {
            write!(svg, "M{left} 10")?;
        }
        let next = heights.peek().map(|(next, _)| next.as_ref());
        if next != Some(Some(&height)) {
            write!(svg, "V{}H{}", height.trim_end_matches(".0"), left + 1)?;
        }
        is_open = matches!(next, Some(Some(_)));
        if !is_open {
            svg.write_str("V10Z")?;
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

/// How high a lane is.
pub(crate) const HEIGHT: u32 = 52;

/// How far marks must be apart not to overlap, in pixels.
pub(crate) const GAP: u32 = 12;

/// What is not drawn yet of a fuse, in thousandths.
const NEAR: u16 = 100;

/// In a picture, of each kind.
const MOST_MARKS: usize = 12_000;

const MOST_SLICES: usize = 60_000;
