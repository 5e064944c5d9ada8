//! What the command has said of itself.

use childminder::Instant;
use childminder_driver::Vouch;

/// What a report tells of it.
#[derive(Debug, Default)]
pub(crate) struct Testimony {
    /// What it was doing, by its latest word.
    pub(crate) status: Option<String>,
    pub(crate) ready: Option<Instant>,
    pub(crate) stopping: Option<Instant>,
    /// The first reasons why something was not heard.
    refusals: Vec<String>,
    refused: usize,
}

impl Testimony {
    /// It says this, at this time.
    pub(crate) fn hear(&mut self, at: Instant, vouch: &Vouch) {
        match vouch {
            Vouch::Ready => _ = self.ready.get_or_insert(at),
            Vouch::Stopping => _ = self.stopping.get_or_insert(at),
            Vouch::Status(status) => self.status = Some(status.clone()),
            Vouch::Refused(why) => {
                self.refused += 1;
                if self.refusals.len() < MOST_REFUSALS && !self.refusals.contains(why) {
                    self.refusals.push(why.clone());
                }
            }
            _ => {}
        }
    }

    /// What was not heard, if anything was not.
    pub(crate) fn note(&self) -> Option<String> {
        let messages = match self.refused {
            0 => return None,
            1 => "a message was".to_owned(),
            many => format!("{many} messages were"),
        };
        Some(format!(
            "{messages} refused (--activity notify): {}",
            self.refusals.join(", ")
        ))
    }
}

/// How many reasons are told.
const MOST_REFUSALS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_refusals_are_told() {
        let mut testimony = Testimony::default();
        assert_eq!(testimony.note(), None);
        for why in ["a", "a", "b", "c", "d"] {
            testimony.hear(Instant::ZERO, &Vouch::Refused(why.to_owned()));
        }
        let note = "5 messages were refused (--activity notify): a, b, c";
        assert_eq!(testimony.note().as_deref(), Some(note));
    }
}
