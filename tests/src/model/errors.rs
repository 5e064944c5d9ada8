//! What went wrong, in order.

use childminder::{Deadline, Error, Event, FailureId};

use super::notifications::ticket;
use super::past::{Past, What};

impl Past<'_> {
    /// Every error, with the entry that was it.
    pub fn errors(self) -> Vec<(usize, Error)> {
        let given_up = self.given_up();
        let mut failures = 0;
        let mut answered = 0;
        let overdue = self.overdue();
        let mut errors: Vec<(usize, Error)> = Vec::new();
        for (entry, what) in self.all() {
            let error = match what {
                What::Fired(Deadline::Idle) => Error::IdleTimeout,
                What::Fired(Deadline::FirstOutput) => Error::FirstOutputTimeout,
                What::Fired(Deadline::Run) => Error::RunTimeout,
                What::Fired(Deadline::Notification) if overdue == Some(entry) => {
                    Error::NotificationTimeout(ticket(answered + 1))
                }
                What::Fired(Deadline::Notification) => {
                    Error::NotificationTimeout(ticket(self.final_number()))
                }
                What::Fired(Deadline::Stage) if given_up == Some(entry) => Error::Unkillable,
                What::Told(Event::Fail) => {
                    failures += 1;
                    Error::External(FailureId::new(failures).expect("counts from one"))
                }
                What::Told(Event::NotifyDone { id, ok }) => {
                    answered += 1;
                    if ok || self.is_late_answer(entry, id) {
                        continue;
                    }
                    Error::Notification(id)
                }
                // A bad exit after an error is its consequence.
                What::Told(Event::ChildExited(status))
                    if !status.is_success() && errors.is_empty() =>
                {
                    Error::Exit(status)
                }
                _ => continue,
            };
            errors.push((entry, error));
        }
        errors
    }

    /// The first error: the one that the outcome carries.
    pub fn first_error(self) -> Option<(usize, Error)> {
        self.errors().first().copied()
    }
}
