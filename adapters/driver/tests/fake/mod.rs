//! A child whose kernel and handler write down what they are asked and told.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use childminder::{Config, Error, ExitStatus, Instant, Moment, Outcome, Signal, Stream, Target};
use childminder_driver::{
    Answer, ChildId, Control, Discarded, Driver, Failure, Forwarded, Handler, Job, Kernel, Ready,
    Shared, Sighting, Trigger, Turn,
};

pub(crate) struct Child {
    pub(crate) driver: Driver<&'static str>,
    pub(crate) kernel: Fake,
    pub(crate) shared: Shared<&'static str>,
    pub(crate) now: Instant,
    pub(crate) budget: usize,
    /// What becomes of an answer; what is returned is kept.
    pub(crate) answers: fn(Answer) -> Option<Answer>,
    pub(crate) kept: Option<Answer>,
    /// What the child is to read.
    pub(crate) input: Option<&'static str>,
    /// Whether the handler takes it on itself that a signal was not passed on.
    pub(crate) takes_refusals: bool,
    moments: Vec<Moment>,
    wishes: Vec<Wish>,
    diary: Diary,
}

/// At the line that begins so, this is asked for, once.
type Wish = (&'static str, fn(&mut Control<&'static str>));

type Diary = Rc<RefCell<Vec<String>>>;

pub(crate) struct Fake {
    pub(crate) trigger: Trigger,
    pub(crate) pieces: [VecDeque<Piece>; 2],
    /// What comes of the next attempts to forward something; none is a stream that is read.
    pub(crate) forwards: VecDeque<Result<Forwarded, io::ErrorKind>>,
    pub(crate) exit: Option<Result<ExitStatus, &'static str>>,
    pub(crate) refuses_signals: bool,
    pub(crate) refuses_input: bool,
    /// What the next looks for strays show; none is a kernel that cannot see them.
    pub(crate) strays: VecDeque<Sighting>,
    diary: Diary,
}

/// What one read brings.
pub(crate) enum Piece {
    Bytes(&'static str),
    Interrupted,
    Fails(&'static str),
    End,
}

impl Child {
    pub(crate) fn new(config: Config, budget: usize) -> Self {
        let diary = Diary::default();
        Self {
            driver: Driver::new(ChildId::FIRST, config),
            kernel: Fake {
                trigger: Trigger::Level,
                pieces: Default::default(),
                forwards: VecDeque::new(),
                exit: None,
                refuses_signals: false,
                refuses_input: false,
                strays: VecDeque::new(),
                diary: Rc::clone(&diary),
            },
            shared: Shared::new(|| {}),
            now: Instant::ZERO,
            budget,
            answers: |answer| {
                answer.succeed();
                None
            },
            kept: None,
            input: None,
            takes_refusals: false,
            moments: Vec::new(),
            wishes: Vec::new(),
            diary,
        }
    }

    pub(crate) fn starts(&mut self) {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method by itself is for one lifetime"
        )]
        self.drive(|driver, turn| driver.start(turn));
    }

    /// Mail is delivered first, as a loop does.
    pub(crate) fn turns(&mut self, ready: Ready) {
        self.shared.begin();
        while let Some((_, mail)) = self.shared.next_mail() {
            self.driver.deliver(mail);
        }
        self.drive(|driver, turn| driver.turn(turn, ready));
        self.shared.end();
    }

    pub(crate) fn kills(&mut self) {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method by itself is for one lifetime"
        )]
        self.drive(|driver, turn| driver.kill(turn));
    }

    pub(crate) fn writes(&mut self, stream: Stream, text: &'static str) {
        self.kernel.pieces[stream as usize].push_back(Piece::Bytes(text));
    }

    /// Both streams end.
    pub(crate) fn ends(&mut self) {
        for pieces in &mut self.kernel.pieces {
            pieces.push_back(Piece::End);
        }
    }

    pub(crate) fn exits(&mut self, status: ExitStatus) {
        self.kernel.exit = Some(Ok(status));
    }

    pub(crate) fn wishes(&mut self, at: &'static str, wish: fn(&mut Control<&'static str>)) {
        self.wishes.push((at, wish));
    }

    /// What was asked and told since the last time.
    pub(crate) fn take_told(&mut self) -> Vec<String> {
        self.diary.take()
    }

    /// What was observed since the last time.
    pub(crate) fn take_moments(&mut self) -> Vec<Moment> {
        std::mem::take(&mut self.moments)
    }

    fn drive(
        &mut self,
        act: impl FnOnce(&mut Driver<&'static str>, &mut Turn<'_, Writer<'_>, Fake>),
    ) {
        let mut handler = Writer {
            answers: self.answers,
            kept: &mut self.kept,
            input: self.input,
            takes_refusals: self.takes_refusals,
            moments: &mut self.moments,
            wishes: &mut self.wishes,
            diary: &self.diary,
        };
        let mut turn = Turn {
            now: self.now,
            budget: self.budget,
            kernel: &mut self.kernel,
            handler: &mut handler,
            shared: &mut self.shared,
        };
        act(&mut self.driver, &mut turn);
    }
}

impl Kernel for Fake {
    fn is_open(&self, _: Stream) -> bool {
        true
    }

    fn trigger(&self) -> Trigger {
        self.trigger
    }

    fn give_input(&mut self, input: Vec<u8>) -> io::Result<()> {
        let input = String::from_utf8_lossy(&input);
        self.diary.borrow_mut().push(format!("input {input}"));
        if self.refuses_input {
            return Err(io::Error::other("no pipe"));
        }
        Ok(())
    }

    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> io::Result<usize> {
        match self.pieces[stream as usize].pop_front() {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Piece::Bytes(text)) => {
                buffer[..text.len()].copy_from_slice(text.as_bytes());
                Ok(text.len())
            }
            Some(Piece::Interrupted) => Err(io::ErrorKind::Interrupted.into()),
            Some(Piece::Fails(words)) => Err(io::Error::other(words)),
            Some(Piece::End) => Ok(0),
        }
    }

    fn forward(&mut self, _: Stream, _: usize, buffer: &mut [u8]) -> Option<io::Result<Forwarded>> {
        let forwarded = self.forwards.pop_front()?;
        if let Ok(Forwarded::Seen(length)) = forwarded {
            buffer[..length].fill(b's');
        }
        Some(forwarded.map_err(Into::into))
    }

    fn waiting(&mut self, stream: Stream) -> io::Result<usize> {
        let length = |piece: &Piece| match piece {
            Piece::Bytes(text) => text.len(),
            _ => 0,
        };
        Ok(self.pieces[stream as usize].iter().map(length).sum())
    }

    fn close(&mut self, stream: Stream) {
        self.diary.borrow_mut().push(format!("close {stream:?}"));
    }

    fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.exit.transpose().map_err(io::Error::other)
    }

    fn signal(&mut self, signal: Signal, _: Target) -> io::Result<()> {
        self.diary.borrow_mut().push(format!("signal {signal}"));
        if self.refuses_signals {
            return Err(io::Error::other("not permitted"));
        }
        Ok(())
    }

    fn pass_on(&mut self, signal: Signal, _: Target) -> io::Result<()> {
        self.diary.borrow_mut().push(format!("pass on {signal}"));
        if self.refuses_signals {
            return Err(io::Error::other("not permitted"));
        }
        Ok(())
    }

    fn find_strays(&mut self) -> Option<Sighting> {
        self.diary.borrow_mut().push("find strays".into());
        self.strays.pop_front()
    }

    fn kill_strays(&mut self) {
        self.diary.borrow_mut().push("kill strays".into());
    }

    fn reap(&mut self) -> io::Result<()> {
        self.diary.borrow_mut().push("reap".into());
        Ok(())
    }
}

struct Writer<'a> {
    answers: fn(Answer) -> Option<Answer>,
    kept: &'a mut Option<Answer>,
    input: Option<&'static str>,
    takes_refusals: bool,
    moments: &'a mut Vec<Moment>,
    wishes: &'a mut Vec<Wish>,
    diary: &'a Diary,
}

impl Writer<'_> {
    fn write(&mut self, control: &mut Control<&'static str>, line: String) {
        if let Some(place) = self.wishes.iter().position(|(at, _)| line.starts_with(at)) {
            let (_, wish) = self.wishes.remove(place);
            wish(control);
        }
        self.diary.borrow_mut().push(line);
    }
}

impl Handler for Writer<'_> {
    type Notification = &'static str;

    fn input(&mut self) -> Option<Vec<u8>> {
        self.input.map(Into::into)
    }

    fn output(&mut self, control: &mut Control<&'static str>, _: Stream, bytes: &[u8]) {
        let line = format!("output {}", String::from_utf8_lossy(bytes));
        self.write(control, line);
    }

    fn forwarded(
        &mut self,
        control: &mut Control<&'static str>,
        _: Stream,
        length: usize,
        seen: Option<&[u8]>,
    ) {
        let seen = seen.map(String::from_utf8_lossy).unwrap_or_default();
        self.write(control, format!("forwarded {length} {seen}"));
    }

    fn output_ended(&mut self, control: &mut Control<&'static str>, stream: Stream) {
        self.write(control, format!("ended {stream:?}"));
    }

    fn exited(&mut self, control: &mut Control<&'static str>, status: ExitStatus) {
        self.write(control, format!("exited {status}"));
    }

    fn notify(
        &mut self,
        control: &mut Control<&'static str>,
        job: Job<&'static str>,
        answer: Answer,
    ) {
        let line = match job {
            Job::Requested(what) => format!("notify {what}"),
            _ => "heartbeat".into(),
        };
        self.write(control, line);
        *self.kept = (self.answers)(answer);
    }

    fn error(
        &mut self,
        control: &mut Control<&'static str>,
        error: Error,
        _: bool,
        failure: Option<Failure>,
    ) {
        let words = failure.map_or_else(String::new, |failure| format!(": {failure}"));
        self.write(control, format!("error {error}{words}"));
    }

    fn discarded(&mut self, what: Discarded<&'static str>) {
        if let Discarded::Notification(what) = what {
            self.diary.borrow_mut().push(format!("discarded {what}"));
        }
    }

    fn finished(&mut self, _: Outcome) {
        self.diary.borrow_mut().push("finished".into());
    }

    fn refused(
        &mut self,
        control: &mut Control<&'static str>,
        signal: Signal,
        _: Target,
        error: io::Error,
    ) {
        self.write(control, format!("refused {signal}"));
        if !self.takes_refusals {
            control.fail(error);
        }
    }

    fn observe(&mut self, _: Instant, moment: Moment) {
        self.moments.push(moment);
    }
}
