//! Which events make sense.

use childminder::{Event, Misuse};

use super::end::OutputEnd;
use super::past::Past;

impl Past<'_> {
    /// What the monitor should say to `event`.
    pub fn judge(self, event: Event) -> Result<(), Misuse> {
        match event {
            // Ticks are harmless, always.
            Event::Tick => return Ok(()),
            // Answers are judged by their notification alone: a late one may come after the end.
            Event::NotifyDone { id, .. } if self.may_answer(id) => return Ok(()),
            Event::NotifyDone { id, .. } => return Err(Misuse::NotInFlight(id)),
            _ => {}
        }
        let is_too_late = event == Event::Notify && self.is_all_else_over();
        if is_too_late && self.config.final_notification || self.outcome().is_some() {
            return Err(Misuse::AlreadyFinished {
                event: variant(event),
            });
        }
        let closed = matches!(self.output_end(), Some((_, OutputEnd::Closed)));
        match (self.start(), event) {
            (None, Event::Started) => Ok(()),
            (None, _) => Err(Misuse::NotStarted {
                event: variant(event),
            }),
            (Some(_), Event::Started) => Err(Misuse::AlreadyStarted),
            (_, Event::ChildExited(_)) if self.exit().is_some() => Err(Misuse::AlreadyExited),
            (_, Event::Output { .. } | Event::OutputClosed) if closed => {
                Err(Misuse::OutputAlreadyClosed {
                    event: variant(event),
                })
            }
            _ => Ok(()),
        }
    }
}

/// The event as [`Event`] spells it.
fn variant(event: Event) -> &'static str {
    match event {
        Event::Started => "Started",
        Event::Output { .. } => "Output",
        Event::Progress => "Progress",
        Event::Ready => "Ready",
        Event::Tick => "Tick",
        Event::Notify => "Notify",
        Event::NotifyDone { .. } => "NotifyDone",
        Event::Fail => "Fail",
        Event::Terminate => "Terminate",
        Event::Escalate => "Escalate",
        Event::Kill => "Kill",
        Event::PassOn { .. } => "PassOn",
        Event::StraysSeen { .. } => "StraysSeen",
        Event::StraysUnseen => "StraysUnseen",
        Event::SetIdleTimeout(_) => "SetIdleTimeout",
        Event::SetLadder(_) => "SetLadder",
        Event::OutputClosed => "OutputClosed",
        Event::ChildExited(_) => "ChildExited",
        Event::Suspended => "Suspended",
        Event::Resumed => "Resumed",
        _ => event.name(),
    }
}
