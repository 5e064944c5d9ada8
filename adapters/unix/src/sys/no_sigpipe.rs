//! Without the feature `sigpipe`.

pub(crate) fn sigpipe_was_ignored() -> bool {
    false
}
