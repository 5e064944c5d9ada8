//! `childminder timeline`: flight records as a picture.
//!
//! A record is replayed, which tells what it means: a [`Story`] watches, and keeps no more than can be drawn. Stories that
//! stand on one axis are a [`Picture`], of which there are three drawings: text, SVG, and a page around that SVG. What is said
//! in them is said once, in `words`.

mod axis;
mod cell;
mod escape;
mod flow;
mod html;
mod lane;
mod mark;
mod picture;
mod place;
mod sign;
mod story;
mod svg;
mod text;
mod words;

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::path::Path;
use std::rc::Rc;

use childminder_record::{Finding, Replay, Scene};

use crate::args::{Drawing, TimelineArgs};
use crate::display;
use crate::failure::Failure;
use crate::files::cannot_write;
use crate::input;
use crate::report_file::ReportFile;
use crate::status::OURS;
use crate::timeline::picture::Picture;
use crate::timeline::story::Story;
use crate::words::complain;

/// Draws the records. A file that is no record does not keep the others from being drawn.
pub(crate) fn timeline(args: &TimelineArgs) -> Result<u8, Failure> {
    let canvas = Canvas::prepare(args.output.as_ref())?;
    let mut stories = Vec::new();
    let mut status = 0;
    for file in &args.files {
        let read = input::open(file).and_then(|(name, input)| read(&name, input, &mut stories));
        if let Err(why) = read {
            complain(&why);
            status = OURS;
        }
    }
    if !stories.is_empty() {
        canvas.draw(&Picture::new(stories, args.align)?)?;
    }
    Ok(status)
}

/// Reads the runs of a record, in the order of their beginnings. Where it is no record any more, what was read before
/// is kept.
fn read(file: &str, input: impl BufRead, stories: &mut Vec<Story>) -> Result<(), String> {
    let name: Rc<str> = file.into();
    let mut replay = Replay::new(input);
    let mut open = BTreeMap::new();
    let begun = stories.len();
    let result = loop {
        let found = replay.next_watched(|scene| match scene {
            Scene::Header(run) => {
                open.insert(run.number, stories.len());
                stories.push(Story::new(run, &name));
            }
            Scene::Step {
                run,
                step,
                actions,
                monitor,
            } => {
                if let Some(index) = open.get(&run.number) {
                    stories[*index].step(step, actions, monitor);
                }
            }
            Scene::Stopped { run, at } => {
                if let Some(index) = open.get(&run.number) {
                    stories[*index].stop(at);
                }
            }
            _ => {}
        });
        match found {
            None => break Ok(()),
            Some(Ok(Finding::Difference(difference))) => {
                let differing = stories[begun..].iter_mut().rev();
                let mut differing = differing.filter(|story| story.name == difference.run);
                if let Some(story) = differing.next() {
                    story.differs_from.get_or_insert(difference.at.0);
                }
            }
            Some(Ok(Finding::CutShort(_))) => {}
            Some(Err(error)) => break Err(format!("{file}: {error}")),
        }
    };
    stories[begun..].iter_mut().for_each(Story::close);
    result
}

/// What is drawn on.
enum Canvas<'a> {
    Terminal,
    File(&'a Drawing, ReportFile),
}

impl<'a> Canvas<'a> {
    /// Looks whether it can be drawn on, before the records are read.
    fn prepare(output: Option<&'a Drawing>) -> Result<Self, Failure> {
        let Some(drawing) = output else {
            return Ok(Self::Terminal);
        };
        let path = path_of(drawing);
        let file = ReportFile::open(path).map_err(|error| cannot_write(path, &error))?;
        Ok(Self::File(drawing, file))
    }

    fn draw(&self, picture: &Picture) -> Result<(), Failure> {
        match self {
            Self::Terminal => {
                let width = display::columns(io::stdout()).unwrap_or(text::DEFAULT_WIDTH);
                display::print(&text::draw(picture, width))
            }
            Self::File(drawing, file) => {
                let drawn = match drawing {
                    Drawing::Html(_) => html::draw(picture),
                    Drawing::Svg(_) => svg::draw(picture),
                };
                let written = file.write_at_once(&drawn);
                written.map_err(|error| cannot_write(path_of(drawing), &error))
            }
        }
    }
}

fn path_of(drawing: &Drawing) -> &Path {
    match drawing {
        Drawing::Html(path) | Drawing::Svg(path) => path,
    }
}
