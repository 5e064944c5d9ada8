//! Writes the manual pages and the completions for shells: `cargo run -p childminder-cli --example manual -- DIR [DATE]`.
//! They are laid out in DIR as below `share/` of a system.
//!
//! All of it comes from the definition of the command line and from `man/`. It is an example, so that what makes it is
//! part of no other build, and a subcommand needs nothing here to have its page and its completions.

mod completions;
mod page;
mod timeout;

use std::error::Error;
use std::fs;
use std::path::Path;

use childminder_cli::args::Args;
use clap::CommandFactory as _;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let directory = words.next().ok_or("usage: manual DIR [DATE]")?;
    let date = words.next().unwrap_or_default();
    let command = Args::command().mut_subcommand("timeout", timeout::with_its_options);

    let pages = page::all(&command, &date)?;
    for (path, text) in pages.into_iter().chain(completions::all(command)) {
        let path = Path::new(&directory).join(path);
        fs::create_dir_all(path.parent().ok_or("a path without a folder")?)?;
        fs::write(path, text)?;
    }
    Ok(())
}
