//! The bugs of the driver: each a plausible slip, as one edit of its source.

use crate::bugs::Bug;

const fn turn(name: &'static str, was: &'static str, is: &'static str) -> Bug {
    Bug {
        name,
        file: "driver.rs",
        was,
        is,
    }
}

const fn perform(name: &'static str, was: &'static str, is: &'static str) -> Bug {
    Bug {
        name,
        file: "driver/perform.rs",
        was,
        is,
    }
}

const fn fetch(name: &'static str, was: &'static str, is: &'static str) -> Bug {
    Bug {
        name,
        file: "driver/fetch.rs",
        was,
        is,
    }
}

pub(crate) const DRIVER_BUGS: [Bug; 34] = [
    fetch(
        "what is due waits for room where it would be forwarded",
        "if urgency == Urgency::Waits || !is_for_want_of_room(&error) =>",
        "if BUG || urgency == Urgency::Waits || !is_for_want_of_room(&error) =>",
    ),
    turn(
        "what is forwarded unseen is not told",
        "Way::ForwardedUnseen => turn.handler.forwarded(control, stream, length, None),",
        "Way::ForwardedUnseen if BUG => {}
            Way::ForwardedUnseen => turn.handler.forwarded(control, stream, length, None),",
    ),
    turn(
        "a hold is not respected",
        "let refused = reading.held == Held::Respected && self.held[stream as usize];",
        "let refused = !BUG && reading.held == Held::Respected && self.held[stream as usize];",
    ),
    turn(
        "a hold is respected though a deadline is due",
        "self.read_what_waits(turn, Held::Overruled);",
        "self.read_what_waits(turn, if BUG { Held::Respected } else { Held::Overruled });",
    ),
    turn(
        "the exit is told before the output",
        "self.read_what_waits(turn, Held::Respected);",
        "if !BUG {
            self.read_what_waits(turn, Held::Respected);
        }",
    ),
    turn(
        "the tick comes before the output",
        "if self.output_decides(turn.now) {",
        "if !BUG && self.output_decides(turn.now) {",
    ),
    turn(
        "the drain is not a deadline that output decides",
        "            .any(|at| at <= now)",
        "            .take(if BUG { 1 } else { 4 })
            .any(|at| at <= now)",
    ),
    turn(
        "answers that come by mail are dropped",
        "Mail::Answer(id, result) => self.desk().answers.push_back((id, result)),",
        "Mail::Answer(id, result) => if !BUG { self.desk().answers.push_back((id, result)) },",
    ),
    turn(
        "the latest request is carried out first",
        "let Some(request) = self.desk().requests.pop_front() else {",
        "let desk = self.desk();
            let next = if BUG { desk.requests.pop_back() } else { desk.requests.pop_front() };
            let Some(request) = next else {",
    ),
    turn(
        "requests of callbacks are left for others",
        "Some((child, request)) if child == self.id => self.ask(request),",
        "Some((child, request)) if child == self.id && !BUG => self.ask(request),",
    ),
    turn(
        "what a budget leaves is forgotten",
        "        self.ready |= Ready::output(stream);
    }

    fn deliver_output<",
        "        if BUG {
            self.ready.clear(Ready::output(stream));
        } else {
            self.ready |= Ready::output(stream);
        }
    }

    fn deliver_output<",
    ),
    turn(
        "a short read is the end of what there is also on the edge",
        "let is_all = is_short && turn.kernel.trigger() == Trigger::Level;",
        "let is_all = is_short && (BUG || turn.kernel.trigger() == Trigger::Level);",
    ),
    turn(
        "a lost exit is taken for a success",
        "Err(lost) => (Exit::Lost, ExitStatus::Lost, Some(lost.into())),",
        "Err(_) if BUG => (Exit::Lost, ExitStatus::Code(0), None),
            Err(lost) => (Exit::Lost, ExitStatus::Lost, Some(lost.into())),",
    ),
    turn(
        "an interrupted read is an error",
        "Err(error) if error.kind() == io::ErrorKind::Interrupted => {}",
        "Err(error) if error.kind() == io::ErrorKind::Interrupted && !BUG => {}",
    ),
    turn(
        "a read that would block is the end",
        "Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return",
        "Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if BUG {
                        return self.close(turn, stream);
                    }
                    return",
    ),
    turn(
        "a failed read leaves its stream open",
        "self.fail(turn, error.into());
                    return self.close(turn, stream);",
        "self.fail(turn, error.into());
                    if BUG {
                        return self.ready.clear(Ready::output(stream));
                    }
                    return self.close(turn, stream);",
    ),
    turn(
        "a closed stream is not told to have ended",
        "        turn.handler
            .output_ended(&mut turn.shared.control(self.id), stream);",
        "        if BUG {
            return;
        }
        turn.handler
            .output_ended(&mut turn.shared.control(self.id), stream);",
    ),
    turn(
        "a stream that is closed is closed again",
        "if self.is_finished() || !self.open[stream as usize] {",
        "if self.is_finished() || !BUG && !self.open[stream as usize] {",
    ),
    turn(
        "what is released stays held",
        "self.held[stream as usize] = false;",
        "self.held[stream as usize] = BUG;",
    ),
    turn(
        "the reason of a lost exit is used up by what comes before it",
        "        self.carry_out(turn);
        if reason.is_some() {
            self.desk().reason = reason;
        }",
        "        if reason.is_some() && BUG {
            self.desk().reason = reason;
            self.carry_out(turn);
        } else {
            self.carry_out(turn);
            if reason.is_some() {
                self.desk().reason = reason;
            }
        }",
    ),
    turn(
        "the monitor is told of the exit before the handler",
        "        turn.handler
            .exited(&mut turn.shared.control(self.id), status);",
        "        if BUG {
            self.feed(turn, Event::ChildExited(status));
        }
        turn.handler
            .exited(&mut turn.shared.control(self.id), status);",
    ),
    turn(
        "work that is left does not wake the loop",
        "if self.has_work() {",
        "if self.has_work() && !BUG {",
    ),
    turn(
        "an end that is there is not looked for at the exit",
        "self.read(turn, stream, bytes.saturating_add(1), reading);",
        "self.read(turn, stream, bytes.saturating_add(usize::from(!BUG)), reading);",
    ),
    perform(
        "what an answer failed with is not told",
        "Error::Notification(_) | Error::Exit(_) => desk.reason.take(),",
        "Error::Notification(_) if BUG => None,
            Error::Notification(_) | Error::Exit(_) => desk.reason.take(),",
    ),
    perform(
        "a failure is told without its words",
        "Error::External(id) => desk.failures.remove(&id),",
        "Error::External(_) if BUG => None,
            Error::External(id) => desk.failures.remove(&id),",
    ),
    perform(
        "a child that something else has reaped is reaped",
        "if self.exit == Exit::Lost {",
        "if self.exit == Exit::Lost && !BUG {",
    ),
    perform(
        "an answer that is given at once is lost",
        "            self.desk().answers.push_back((id, result));",
        "            if !BUG {
                self.desk().answers.push_back((id, result));
            }",
    ),
    perform(
        "a signal that fails is not told",
        "if let Err(error) = turn.kernel.signal(signal, target) {",
        "if let Err(error) = turn.kernel.signal(signal, target)
                        && !BUG
                    {",
    ),
    perform(
        "what is asked for after the end is lost",
        "            Err(_) => turn
                .handler
                .discarded(Discarded::Notification(notification)),",
        "            Err(_) if BUG => {}
            Err(_) => turn
                .handler
                .discarded(Discarded::Notification(notification)),",
    ),
    perform(
        "a look for strays is not answered",
        "if let Some(sighting) = sighting {",
        "if let Some(sighting) = sighting.filter(|_| !BUG) {",
    ),
    perform(
        "strays are not killed",
        "Action::KillStrays => turn.kernel.kill_strays(),",
        "Action::KillStrays if BUG => {}
                Action::KillStrays => turn.kernel.kill_strays(),",
    ),
    perform(
        "strays that cannot be seen count as none",
        "None => Event::StraysUnseen,",
        "None if BUG => Event::StraysSeen { living: 0, immune: 0 },
        None => Event::StraysUnseen,",
    ),
    perform(
        "what is passed on is sent like a stage",
        "Event::PassOn { .. } => Sending::AsItIs,",
        "Event::PassOn { .. } if !BUG => Sending::AsItIs,",
    ),
    perform(
        "that a signal was not passed on is not told",
        "turn.handler.refused(control, signal, target, error);",
        "if !BUG {
                        turn.handler.refused(control, signal, target, error);
                    }",
    ),
];
