//! How a mark is shown in a drawing for a browser.

use crate::timeline::mark::{Answer, Mark, What};
use crate::timeline::words::short_name;

/// What a style sheet calls it.
pub(crate) fn class_of(mark: &Mark) -> &'static str {
    match mark.what {
        What::Silence => "silence",
        What::Suspension => "suspension",
        What::Stage { .. } | What::PassedOn { .. } => "signal",
        What::Fired { .. } | What::Unkillable => "deadline",
        What::Warned => "warning",
        What::Asked(_) | What::Failed => "request",
        What::Ready | What::Progress | What::Changed => "word",
        What::Notification { answer, .. } => match answer {
            Answer::Success | Answer::None => "notification",
            Answer::Failure | Answer::TimedOut => "notification failed",
        },
        What::Strays(_) | What::StraysKilled | What::Swept => "strays",
    }
}

/// The symbol that stands for it.
pub(crate) fn symbol_of(mark: &Mark) -> &'static str {
    match mark.what {
        What::Stage { .. } => "stage",
        What::PassedOn { .. } => "passed",
        What::Warned => "warn",
        What::Asked(_) => "asked",
        What::Failed => "failed",
        What::Ready => "ready",
        What::Progress => "vouched",
        What::Changed => "changed",
        What::Strays(_) => "strays",
        What::StraysKilled => "killed",
        What::Swept => "swept",
        _ => "deadline",
    }
}

/// What is written beside its symbol.
pub(crate) fn label_of(mark: &Mark) -> String {
    match mark.what {
        What::Stage { signal, .. } | What::PassedOn { signal, .. } => short_name(signal),
        What::Strays(living) => living.to_string(),
        _ => String::new(),
    }
}
