//! The end of the output, the reap and the finish.

use childminder::{Deadline, Event, Outcome, Strays, Sweep};

use super::past::Past;

/// How the output ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutputEnd {
    /// Nobody holds it any more.
    Closed,
    /// It was given up while somebody still held it.
    Leaked,
}

impl Past<'_> {
    /// When the output ended, and how: whichever came first of its closing, the end of the drain, and
    /// the child being given up. What comes later changes nothing.
    pub fn output_end(self) -> Option<(usize, OutputEnd)> {
        let given_up = self.given_up().map(|entry| (entry, OutputEnd::Leaked));
        self.output_end_by_itself()
            .into_iter()
            .chain(given_up)
            .min()
    }

    /// The same, but for a child given up.
    pub fn output_end_by_itself(self) -> Option<(usize, OutputEnd)> {
        let closed = self.first_told(Event::OutputClosed);
        let drained = self.first_fired(Deadline::Drain);
        let closed = closed.map(|entry| (entry, OutputEnd::Closed));
        let drained = drained.map(|entry| (entry, OutputEnd::Leaked));
        closed.into_iter().chain(drained).min()
    }

    /// When the leader became free to be reaped: dead, and its output at an end.
    pub fn reap(self) -> Option<usize> {
        let (exit, _) = self.exit()?;
        let (end, _) = self.output_end()?;
        Some(exit.max(end))
    }

    /// Whether the reap is preceded by a SIGKILL to the group.
    pub fn is_swept(self) -> bool {
        self.swept_since().is_some() && self.reap().is_some()
    }

    /// Since when what is left of the group, and of the strays, is to be killed.
    pub fn swept_since(self) -> Option<usize> {
        match self.config.sweep {
            Sweep::Always => self.start(),
            Sweep::Terminated => self.ladder_start(),
            _ => None,
        }
    }

    /// When the child was over: free to be reaped, or given up.
    pub fn child_over(self) -> Option<usize> {
        self.reap().into_iter().chain(self.given_up()).min()
    }

    /// How it ended, once there is nothing left to wait for.
    pub fn outcome(self) -> Option<Outcome> {
        let is_told = self.final_start().is_some() && !self.is_final_in_flight();
        let is_over = is_told || !self.config.final_notification;
        self.preliminary_outcome().filter(|_| is_over)
    }

    /// Whether nothing is left to wait for but the final notification.
    pub fn is_all_else_over(self) -> bool {
        self.preliminary_outcome().is_some()
    }

    /// How it ended, once there is nothing left to wait for but the final notification: neither the child, nor its
    /// output, nor another notification.
    pub fn preliminary_outcome(self) -> Option<Outcome> {
        let exit = self.exit();
        if exit.is_none() && self.given_up().is_none() {
            return None;
        }
        let (_, output) = self.output_end()?;
        if self.in_flight().is_some() || self.is_anything_queued() {
            return None;
        }
        let strays = self.hunt().over();
        if self.config.stray_timeout.is_some() && strays.is_none() {
            return None;
        }
        let mut outcome = Outcome::default();
        outcome.error = self.first_error().map(|(_, error)| error);
        outcome.exit = exit.map(|(_, status)| status);
        outcome.leaked = output == OutputEnd::Leaked;
        outcome.terminated = self.ladder_start().is_some();
        outcome.strays = strays.unwrap_or(Strays::Unknown);
        Some(outcome)
    }
}
