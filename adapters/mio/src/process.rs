//! The real kernel.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

use childminder::{ExitStatus, Instant, Signal, Stream, Target};
use childminder_driver::{Forwarded, Kernel, Sighting, Trigger};
use childminder_unix::{Child, Pipe, Selector, Strays};

use crate::family::Family;
use crate::feed::Feed;
use crate::pace::Pace;
use crate::way::Way;

/// A child process, and what of it a selector watches.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) child: Child,
    watched: [bool; 3],
    /// None as long as the child is silent, its output goes nowhere, and it has no input.
    flows: Option<Box<Flows>>,
}

/// What is on its way to and from the child.
#[derive(Debug, Default)]
struct Flows {
    outputs: [Flow; 2],
    /// What is left for the child to read.
    feed: Option<Feed>,
}

/// The course of a stream.
#[derive(Debug, Default)]
struct Flow {
    pace: Pace,
    /// Where it is forwarded to, if it is.
    way: Option<Way>,
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Stdout,
    Stderr,
    Exit,
}

impl Source {
    pub(crate) const ALL: [Self; 3] = [Self::Stdout, Self::Stderr, Self::Exit];

    pub(crate) fn of(stream: Stream) -> Self {
        match stream {
            Stream::Stdout => Self::Stdout,
            Stream::Stderr => Self::Stderr,
        }
    }
}

impl Process {
    pub(crate) fn new(child: Child) -> Self {
        Self {
            child,
            watched: [false; 3],
            flows: None,
        }
    }

    /// After a turn, in which so much has come by each stream that was read.
    pub(crate) fn was_read(&mut self, now: Instant, brought: [Option<usize>; 2]) {
        for stream in Stream::ALL {
            if let Some(bytes) = brought[stream as usize] {
                let pipe = pipe_of(&self.child, stream);
                let capacity = || pipe.and_then(Pipe::capacity).unwrap_or(USUAL_CAPACITY);
                let flows = self.flows.get_or_insert_default();
                flows.outputs[stream as usize]
                    .pace
                    .was_read(now, bytes, capacity);
            }
        }
    }

    /// Until when this stream rests, if it does.
    pub(crate) fn rests_until(&self, stream: Stream) -> Option<Instant> {
        self.flows.as_ref()?.outputs[stream as usize]
            .pace
            .rests_until()
    }

    /// Whether the rest of this stream is over. It is read then.
    pub(crate) fn is_rested(&self, stream: Stream, now: Instant) -> bool {
        let flows = self.flows.as_ref();
        flows.is_some_and(|flows| flows.outputs[stream as usize].pace.is_rested(now))
    }

    fn flow(&mut self, stream: Stream) -> &mut Flow {
        &mut self.flows.get_or_insert_default().outputs[stream as usize]
    }

    fn way(&self, stream: Stream) -> Option<&Way> {
        self.flows.as_ref()?.outputs[stream as usize].way.as_ref()
    }

    fn way_mut(&mut self, stream: Stream) -> Option<&mut Way> {
        self.flows.as_mut()?.outputs[stream as usize].way.as_mut()
    }

    /// Has this stream go this way from now on.
    pub(crate) fn forward(&mut self, selector: &Selector, stream: Stream, way: Way) {
        self.end_way(selector, stream);
        self.flow(stream).way = Some(way);
    }

    /// Whether this stream waits for room on its way, and for nothing else.
    pub(crate) fn is_blocked(&self, stream: Stream) -> bool {
        self.way(stream).is_some_and(Way::is_blocked)
    }

    /// There is room on the way of this stream; whether it waited for that.
    pub(crate) fn has_room(&mut self, stream: Stream) -> bool {
        self.way_mut(stream).is_some_and(Way::unblock)
    }

    /// After a turn: begins to wait for room, where there is none.
    pub(crate) fn wait_for_room(&mut self, now: Instant) {
        for stream in Stream::ALL {
            if let Some(way) = self.way_mut(stream) {
                way.begin_waiting(now);
            }
        }
    }

    /// Until when this stream waits for room on its way, if it does.
    pub(crate) fn waits_until(&self, stream: Stream) -> Option<Instant> {
        self.way(stream)?.waits_until()
    }

    /// Whether this stream has waited for room in vain. It is read then.
    pub(crate) fn has_waited(&mut self, stream: Stream, now: Instant) -> bool {
        self.way_mut(stream).is_some_and(|way| way.end_waiting(now))
    }

    /// Has the selector tell of room on the way of a stream that waits for it.
    pub(crate) fn watch_way(
        &mut self,
        selector: &Selector,
        stream: Stream,
        key: u64,
    ) -> io::Result<()> {
        match self.way_mut(stream) {
            Some(way) => way.watch(selector, key),
            None => Ok(()),
        }
    }

    pub(crate) fn end_way(&mut self, selector: &Selector, stream: Stream) {
        let flows = self.flows.as_mut();
        if let Some(way) = flows.and_then(|flows| flows.outputs[stream as usize].way.take()) {
            way.end(selector);
        }
    }

    fn give_input(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let Some(stdin) = self.child.take_stdin() else {
            let why =
                "there is something for the child to read, and its standard input is not piped";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        };
        if let Some(feed) = Feed::begin(stdin, bytes)? {
            self.flows.get_or_insert_default().feed = Some(feed);
        }
        Ok(())
    }

    /// There is room for more of the child's input.
    pub(crate) fn go_on_with_input(&mut self, selector: &Selector) -> io::Result<()> {
        let left = self.feed().map(Feed::go_on).transpose();
        if !matches!(left, Ok(Some(true))) {
            self.end_input(selector);
        }
        left.map(drop)
    }

    /// Has the selector tell of room for the child's input, if something is left of it.
    pub(crate) fn watch_input(&mut self, selector: &Selector, key: u64) -> io::Result<()> {
        match self.feed() {
            Some(feed) => feed.watch(selector, key),
            None => Ok(()),
        }
    }

    pub(crate) fn end_input(&mut self, selector: &Selector) {
        let flows = self.flows.as_mut();
        if let Some(feed) = flows.and_then(|flows| flows.feed.take()) {
            feed.end(selector);
        }
    }

    fn feed(&mut self) -> Option<&mut Feed> {
        self.flows.as_mut()?.feed.as_mut()
    }

    pub(crate) fn is_open(&self, stream: Stream) -> bool {
        self.pipe(stream).is_some()
    }

    /// Has the selector watch this, or watch it no more.
    pub(crate) fn watch(
        &mut self,
        selector: &Selector,
        source: Source,
        wanted: bool,
        key: u64,
    ) -> io::Result<()> {
        if wanted == self.watched[source as usize] {
            return Ok(());
        }
        if !wanted {
            self.forget(selector, source);
            return Ok(());
        }
        if let Some(fd) = self.fd(source) {
            selector.add(fd, key)?;
            self.watched[source as usize] = true;
        }
        Ok(())
    }

    pub(crate) fn forget(&mut self, selector: &Selector, source: Source) {
        if !std::mem::take(&mut self.watched[source as usize]) {
            return;
        }
        if let Some(fd) = self.fd(source) {
            // It is watched, so the selector knows it; an error would leave an event too many.
            let _ = selector.remove(fd);
        }
    }

    fn fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        match source {
            Source::Stdout => Some(self.child.stdout()?.as_fd()),
            Source::Stderr => Some(self.child.stderr()?.as_fd()),
            Source::Exit => Some(self.child.exit_fd()),
        }
    }

    fn pipe(&self, stream: Stream) -> Option<&Pipe> {
        pipe_of(&self.child, stream)
    }
}

/// How much a pipe holds, in bytes, where that cannot be told.
const USUAL_CAPACITY: usize = 64 * 1024;

fn pipe_of(child: &Child, stream: Stream) -> Option<&Pipe> {
    match stream {
        Stream::Stdout => child.stdout(),
        Stream::Stderr => child.stderr(),
    }
}

/// A process and what it shares with others of its set, for the length of a turn.
pub(crate) struct Seat<'a> {
    pub(crate) process: &'a mut Process,
    /// None if they are not wanted.
    pub(crate) strays: Option<&'a mut Strays>,
    pub(crate) selector: &'a Selector,
    pub(crate) family: &'a mut Family,
    /// What has come by each stream in this turn, if it was read.
    pub(crate) brought: [Option<usize>; 2],
}

impl Seat<'_> {
    fn brings(&mut self, stream: Stream, bytes: usize) {
        *self.brought[stream as usize].get_or_insert_default() += bytes;
    }

    fn pipe(&self, stream: Stream) -> io::Result<&Pipe> {
        self.process
            .pipe(stream)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Kernel for Seat<'_> {
    fn is_open(&self, stream: Stream) -> bool {
        self.process.is_open(stream)
    }

    fn trigger(&self) -> Trigger {
        Trigger::Level
    }

    fn give_input(&mut self, input: Vec<u8>) -> io::Result<()> {
        self.process.give_input(input)
    }

    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.pipe(stream)?.read(buffer);
        self.brings(stream, *result.as_ref().unwrap_or(&0));
        result
    }

    fn forward(
        &mut self,
        stream: Stream,
        most: usize,
        buffer: &mut [u8],
    ) -> Option<io::Result<Forwarded>> {
        let process = &mut *self.process;
        let way = process.flows.as_mut()?.outputs[stream as usize]
            .way
            .as_mut()?;
        let pipe = pipe_of(&process.child, stream)?;
        let taken = way.take(pipe, most, buffer)?;
        let bytes = taken.as_ref().map_or(0, |forwarded| forwarded.length());
        self.brings(stream, bytes);
        Some(taken)
    }

    fn waiting(&mut self, stream: Stream) -> io::Result<usize> {
        self.pipe(stream)?.waiting()
    }

    fn close(&mut self, stream: Stream) {
        self.process.forget(self.selector, Source::of(stream));
        self.process.end_way(self.selector, stream);
        let child = &mut self.process.child;
        drop(match stream {
            Stream::Stdout => child.take_stdout(),
            Stream::Stderr => child.take_stderr(),
        });
    }

    fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.process.child.exit_status();
        if !matches!(status, Ok(None)) {
            self.family.died();
        }
        status
    }

    fn signal(&mut self, signal: Signal, target: Target) -> io::Result<()> {
        self.process.child.signal(signal, target)?;
        if let Some(strays) = &mut self.strays {
            strays.signalled(signal, target);
        }
        Ok(())
    }

    fn pass_on(&mut self, signal: Signal, target: Target) -> io::Result<()> {
        self.process.child.pass_on(signal, target)?;
        Ok(())
    }

    fn find_strays(&mut self) -> Option<Sighting> {
        let strays = self.strays.as_mut()?;
        let unreaped = self.family.unreaped();
        let orphans = self.family.orphans.as_mut();
        let count = strays.find(&self.process.child, orphans, &unreaped)?;
        Some(Sighting {
            living: count.living,
            immune: count.immune,
        })
    }

    fn kill_strays(&mut self) {
        if let Some(strays) = &mut self.strays {
            strays.kill(&self.process.child, self.family.orphans.as_ref());
        }
    }

    fn reap(&mut self) -> io::Result<()> {
        self.process.child.reap()?;
        self.family.remove(self.process.child.id());
        Ok(())
    }
}
