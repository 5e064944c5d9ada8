//! What is asked for.

use std::io;
use std::path::PathBuf;

/// `[--rounds N] [--brief] [--childminder PATH] [WORD...]`: rows with one of these words in their names.
pub(crate) struct Options {
    pub(crate) rounds: usize,
    /// Shorter samples, whose figures mean little.
    pub(crate) brief: bool,
    /// The command that is measured.
    pub(crate) childminder: Option<PathBuf>,
    words: Vec<String>,
}

impl Options {
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> io::Result<Self> {
        let mut options = Self {
            rounds: 9,
            brief: false,
            childminder: None,
            words: Vec::new(),
        };
        while let Some(arg) = args.next() {
            let mut value = || {
                args.next()
                    .ok_or_else(|| io::Error::other(format!("{arg} wants a value")))
            };
            match arg.as_str() {
                "--rounds" => {
                    let rounds = value()?.parse();
                    options.rounds = rounds.map_err(io::Error::other)?;
                }
                "--childminder" => options.childminder = Some(value()?.into()),
                "--brief" => options.brief = true,
                _ => options.words.push(arg),
            }
        }
        Ok(options)
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word))
    }
}
