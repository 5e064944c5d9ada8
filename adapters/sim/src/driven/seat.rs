//! The machine as a driver's kernel.

use std::cell::RefCell;
use std::io;

use childminder::{Action, ExitStatus, Signal, Stream, Target};
use childminder_driver::{Forwarded, Kernel, Sighting, Trigger};

use super::Stage;
use crate::dice::Dice;
use crate::machine::Read;
use crate::moment::Delivery;
use crate::process::linux;

#[derive(Debug)]
pub(super) struct Seat<'a, 'm> {
    pub(super) stage: &'a RefCell<Stage<'m>>,
    pub(super) forwarding: Option<&'a mut Dice>,
}

impl Kernel for Seat<'_, '_> {
    fn is_open(&self, stream: Stream) -> bool {
        self.stage.borrow().machine.pipes[stream as usize].piped
    }

    fn trigger(&self) -> Trigger {
        self.stage.borrow().machine.scenario.weather.trigger
    }

    /// What a child does with its input is not simulated.
    fn give_input(&mut self, _: Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> io::Result<usize> {
        let Stage { machine, judge } = &mut *self.stage.borrow_mut();
        judge.uses(machine, stream);
        if judge.reads_for_ever(machine) {
            return Err(io::ErrorKind::Other.into());
        }
        match machine.read_into(stream, buffer) {
            Read::Bytes(bytes) => Ok(usize::try_from(bytes).unwrap_or_default()),
            Read::Empty => Err(io::ErrorKind::WouldBlock.into()),
            Read::Interrupted => Err(io::ErrorKind::Interrupted.into()),
            Read::End => Ok(0),
            Read::Failed => Err(judge.fault("the pipe cannot be read")),
        }
    }

    fn forward(
        &mut self,
        stream: Stream,
        _: usize,
        buffer: &mut [u8],
    ) -> Option<io::Result<Forwarded>> {
        let dice = self.forwarding.as_mut()?;
        let choice = dice.few(4);
        if choice == 0 && self.trigger() == Trigger::Level {
            return Some(Err(io::ErrorKind::WouldBlock.into()));
        }
        if choice < 2 || self.is_not_to_be_forwarded(stream) {
            return None;
        }
        let forwarded = match choice {
            2 => Forwarded::Seen,
            _ => Forwarded::Unseen,
        };
        Some(self.read(stream, buffer).map(forwarded))
    }

    fn waiting(&mut self, stream: Stream) -> io::Result<usize> {
        let Stage { machine, judge } = &mut *self.stage.borrow_mut();
        judge.uses(machine, stream);
        machine
            .waiting(stream)
            .ok_or_else(|| judge.blinded("it is not known how much can be read"))
    }

    fn close(&mut self, stream: Stream) {
        let Stage { machine, judge } = &mut *self.stage.borrow_mut();
        judge.closes(machine, stream);
        machine.close(stream);
    }

    fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        let Stage { machine, judge } = &mut *self.stage.borrow_mut();
        match machine.look_for_exit() {
            Some(ExitStatus::Lost) => Err(judge.lost("something else has reaped the child")),
            status => Ok(status),
        }
    }

    /// A stopped process does not see a signal until it is continued.
    fn signal(&mut self, signal: Signal, target: Target) -> io::Result<()> {
        let Stage { machine, judge } = &mut *self.stage.borrow_mut();
        judge.sends(machine, signal, target);
        match machine.signal(signal, target) {
            Delivery::Refused => return Err(judge.fault("the signal is not permitted")),
            Delivery::Sent if signal != Signal::KILL => {
                // Whether it was stopped, or has died meanwhile, is all the same.
                let _ = machine.signal(linux::CONT, target);
            }
            Delivery::Sent | Delivery::Gone => {}
        }
        Ok(())
    }

    fn pass_on(&mut self, signal: Signal, target: Target) -> io::Result<()> {
        let Stage { machine, judge } = &mut *self.stage.borrow_mut();
        judge.passes_on(machine, signal, target);
        match machine.pass_on(signal, target) {
            Delivery::Refused => Err(judge.refusal(signal, target, "it is not permitted")),
            Delivery::Sent | Delivery::Gone => Ok(()),
        }
    }

    fn find_strays(&mut self) -> Option<Sighting> {
        let Stage { machine, judge } = &mut *self.stage.borrow_mut();
        judge.performs(machine, Action::LookForStrays);
        let sighting = machine.find_strays();
        judge.sights(sighting);
        sighting
    }

    fn kill_strays(&mut self) {
        let Stage { machine, judge } = &mut *self.stage.borrow_mut();
        judge.performs(machine, Action::KillStrays);
        machine.kill_strays();
    }

    fn reap(&mut self) -> io::Result<()> {
        let Stage { machine, judge } = &mut *self.stage.borrow_mut();
        judge.performs(machine, Action::Reap);
        machine.reap();
        if machine.scenario.weather.failing_reap {
            machine.oracle.faulted();
            return Err(judge.fault("the child cannot be waited for"));
        }
        Ok(())
    }
}

impl Seat<'_, '_> {
    /// Nothing is there, or an end: that is for a read to find.
    fn is_not_to_be_forwarded(&self, stream: Stream) -> bool {
        self.stage.borrow().machine.pipes[stream as usize].waiting() == 0
    }
}
