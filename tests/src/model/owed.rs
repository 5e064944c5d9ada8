//! The actions decided and not yet polled.

use childminder::{Action, Event, Instant, NotificationKind, Signal, Target};

use super::notifications::ticket;
use super::past::{Past, What, precedes};

impl Past<'_> {
    /// What `poll_action` still has to tell, in the order in which it does.
    pub fn owed(self) -> Vec<Action> {
        let told = |is: fn(&Action) -> bool| self.asked().filter(|(_, a)| is(a)).count();
        let errors = self.recorded_errors().into_iter();
        let mut signals = self.signals();
        let sweep = signals.pop_if(|_| self.is_swept());
        let stages = signals.len();
        let sent = told(|a| matches!(a, Action::SendSignal { .. }));
        let is_hunted = self.config.stray_timeout.is_some() && self.hunt().over().is_none();
        let reap = self
            .reap()
            .filter(|_| !is_hunted)
            .map(|_| Action::Reap)
            .into_iter();
        let finish = self.outcome().map(Action::Finish).into_iter();

        let mut owed = Vec::new();
        owed.extend(errors.skip(told(|a| matches!(a, Action::RecordError { .. }))));
        owed.extend(self.is_to_warn().then_some(Action::Warn));
        owed.extend(signals.into_iter().skip(sent));
        owed.extend(self.to_pass_on());
        owed.extend(sweep.filter(|_| sent <= stages));
        owed.extend(self.to_kill_strays());
        owed.extend(self.to_look_for_strays());
        owed.extend(self.discard());
        owed.extend(self.run_notification());
        owed.extend(self.schedule_timer());
        owed.extend(reap.skip(told(|a| matches!(a, Action::Reap))));
        owed.extend(finish.skip(told(|a| matches!(a, Action::Finish(_)))));
        owed
    }

    /// Every error, of which the first is the outcome's.
    fn recorded_errors(self) -> Vec<Action> {
        let errors = self.errors().into_iter().enumerate();
        errors
            .map(|(index, (_, error))| Action::RecordError {
                error,
                first: index == 0,
            })
            .collect()
    }

    /// Every signal, the sweep last. One to the leader that had not been told when it exited is
    /// withdrawn; before the exit nothing is, so those told by then are the first ones sent.
    pub fn signals(self) -> Vec<Action> {
        let exit = self.exit().map(|(entry, _)| entry);
        let told_by_exit = self
            .asked()
            .filter(|(entry, _)| precedes(*entry, exit))
            .filter(|(_, action)| matches!(action, Action::SendSignal { .. }))
            .count();
        let kill = self.kill();
        let told_by_kill = self
            .asked()
            .filter(|(entry, _)| precedes(*entry, kill))
            .filter(|(_, action)| matches!(action, Action::SendSignal { .. }))
            .count();
        let mut kept = 0;
        let mut signals: Vec<_> = self
            .sent()
            .into_iter()
            .enumerate()
            .filter(|(index, sent)| {
                exit.is_none() || sent.stage.target == Target::Group || *index < told_by_exit
            })
            .filter(|(_, sent)| {
                // What a kill replaces is withdrawn too.
                kept += 1;
                kill.is_none_or(|kill| sent.entry >= kill || kept <= told_by_kill)
            })
            .map(|(_, sent)| Action::SendSignal {
                signal: sent.stage.signal,
                target: sent.stage.target,
            })
            .collect();
        if self.is_swept() {
            signals.push(Action::SendSignal {
                signal: Signal::KILL,
                target: Target::Group,
            });
        }
        signals
    }

    fn discard(self) -> Option<Action> {
        let (first, last) = self.to_discard()?;
        Some(Action::DiscardNotifications {
            first: ticket(first),
            last: ticket(last),
        })
    }

    fn run_notification(self) -> Option<Action> {
        if self.is_final_in_flight() {
            return (!self.final_is_told()).then_some(Action::RunNotification {
                id: ticket(self.final_number()),
                kind: NotificationKind::Final,
            });
        }
        let number = self.in_flight()?;
        let kind = self.tickets()[number - 1].kind;
        (number > self.runs_told()).then_some(Action::RunNotification {
            id: ticket(number),
            kind,
        })
    }

    /// A wake-up, if the one that the owner has would come too late; at the end, its cancellation.
    fn schedule_timer(self) -> Option<Action> {
        let armed = self.armed();
        if self.outcome().is_some() {
            return armed.map(|_| Action::ScheduleTimer(None));
        }
        let (next, _) = self.next_deadline()?;
        let late = armed.is_none_or(|armed| next < armed);
        late.then_some(Action::ScheduleTimer(Some(next)))
    }

    /// The wake-up that the owner was told of last. A `Tick` uses it up.
    pub fn armed(self) -> Option<Instant> {
        self.all()
            .rev()
            .find_map(|(_, what)| match what {
                What::Told(Event::Tick) => Some(None),
                What::Asked(Action::ScheduleTimer(at)) => Some(at),
                _ => None,
            })
            .flatten()
    }
}
