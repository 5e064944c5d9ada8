//! What our parent had SIGPIPE do, which Rust's runtime changes before `main`.

use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc::SIGPIPE;

use super::disposition::is_ignored;

pub(crate) fn sigpipe_was_ignored() -> bool {
    WAS_IGNORED.load(Ordering::Relaxed)
}

static WAS_IGNORED: AtomicBool = AtomicBool::new(false);

extern "C" fn look() {
    WAS_IGNORED.store(is_ignored(SIGPIPE), Ordering::Relaxed);
}

// SAFETY: the loader calls the functions in this section before `main`, when there is no other thread. `look`
// makes one system call and sets one atomic; it needs nothing of the runtime.
#[expect(unsafe_code, reason = "nothing else runs before Rust's runtime")]
#[used]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[cfg_attr(
    target_vendor = "apple",
    unsafe(link_section = "__DATA,__mod_init_func")
)]
static BEFORE_MAIN: extern "C" fn() = look;
