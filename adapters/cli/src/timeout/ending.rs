//! Ending as the command did.

use childminder::Signal;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::low_level::{emulate_default_handler, raise};

use crate::status::of_signal;

/// Dies of this signal, without a core of our own beside the command's; if it cannot, the status that
/// a shell would have for that.
pub(super) fn die_of(signal: Signal) -> u8 {
    let maximum = getrlimit(Resource::Core).maximum;
    let none = Rlimit {
        current: Some(0),
        maximum,
    };
    // If it may not dump core, that is for the best; if not, a core too many is no reason to live on.
    let _ = setrlimit(Resource::Core, none);
    // The one for signals that we handle, the other for those that it does not know.
    let _ = emulate_default_handler(signal.number());
    let _ = raise(signal.number());
    of_signal(signal)
}
