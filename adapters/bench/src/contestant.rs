//! What this program does in a process of its own, to be measured.

use std::io;

/// Takes a sample.
pub(crate) type Contest = fn(&mut Args<'_>) -> io::Result<Vec<f64>>;

/// `childminder-bench contestant NAME ARG...`
pub(crate) const WORD: &str = "contestant";

/// Prints the figures of a sample, by the one of these that has the name.
pub(crate) fn run(known: &[&[(&str, Contest)]], name: &str, args: &[String]) -> io::Result<()> {
    let Some((_, contest)) = known.concat().into_iter().find(|(known, _)| *known == name) else {
        return Err(io::Error::other(format!("no contestant is called {name}")));
    };
    let figures = contest(&mut Args(args.iter()))?;
    // One that has its standard output for something else is timed from outside.
    if !figures.is_empty() {
        let figures: Vec<_> = figures.iter().map(f64::to_string).collect();
        println!("{}", figures.join(" "));
    }
    Ok(())
}

/// What a contestant was given, taken one by one.
pub(crate) struct Args<'a>(std::slice::Iter<'a, String>);

impl Args<'_> {
    pub(crate) fn word(&mut self) -> io::Result<&str> {
        let word = self.0.next().map(String::as_str);
        word.ok_or_else(|| io::Error::other("an argument is missing"))
    }

    pub(crate) fn number(&mut self) -> io::Result<usize> {
        self.word()?.parse().map_err(io::Error::other)
    }
}
