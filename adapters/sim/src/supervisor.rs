//! What is tested: a loop around one child.

use childminder::Instant;

use crate::machine::{Machine, Source};

/// A supervisor of one child: a loop, with a simulated machine under it.
///
/// [`Driven`](crate::Driven) is one. To test your own, let it do through the [`Machine`] what it
/// otherwise does through system calls; whether there is our core inside makes no difference.
pub trait Supervisor {
    /// Something may have happened: look, and act, and do not wait. The first turn comes right after
    /// the child was spawned. What is left unlooked at (output, an exit, an answer, a request) makes
    /// for another turn at once.
    fn turn(&mut self, machine: &mut Machine);

    /// When, by the machine's clock, the next turn must come though nothing happens; asked for after
    /// every turn. `None` is never.
    fn wake_at(&self) -> Option<Instant>;

    /// Whether its loop waits for this; asked for after every turn. One that holds a stream back does not
    /// wait for that stream meanwhile, if readiness is announced for as long as it lasts.
    fn waits_for(&self, source: Source) -> bool {
        let _ = source;
        true
    }

    /// Whether its loop goes on after the end, because it minds other children too. Then a late answer, or a
    /// wake-up for nothing, may bring it one more turn, in which it must do nothing.
    fn lingers(&self) -> bool {
        false
    }
}

impl<S: Supervisor + ?Sized> Supervisor for &mut S {
    fn turn(&mut self, machine: &mut Machine) {
        (**self).turn(machine);
    }

    fn wake_at(&self) -> Option<Instant> {
        (**self).wake_at()
    }

    fn waits_for(&self, source: Source) -> bool {
        (**self).waits_for(source)
    }

    fn lingers(&self) -> bool {
        (**self).lingers()
    }
}
