//! A run, one thing at a time.

use crate::action::{Action, FailureId, NotificationId};
use crate::event::Event;

/// One moment of a run: what a flight record is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The monitor took this event. `Notify` and `Fail` come as the two below.
    Event(Event),
    /// The monitor took a `Notify`, and gave it this ticket.
    Notified(NotificationId),
    /// The monitor took a `Fail`, and gave it this ticket.
    Failed(FailureId),
    /// The monitor asked for this, because of the event before it.
    Action(Action),
}
