//! `timeout` reads its command line itself; what clap does not know of it stands in its help.

use clap::{Arg, ArgAction, Command, ValueHint};

use crate::page::{Block, blocks, heading_of};

/// The same command, with the options of its help, and the rest of the help as its description.
pub(crate) fn with_its_options(command: Command) -> Command {
    // clap takes names that live on.
    let help: &'static str = command.clone().render_help().to_string().leak();
    let (usage, rest) = help.split_once('\n').expect("a usage, and more");
    let usage = usage.strip_prefix("Usage: ").expect("a usage");
    let short_about = command.get_about().cloned().unwrap_or_default();
    let (mut texts, mut options) = (Vec::new(), Vec::new());
    for block in blocks(rest) {
        match block {
            Block::Terms(terms) => options.extend(terms.iter().flat_map(options_of)),
            Block::Text(text) => texts.push(text),
            Block::Heading(_) | Block::Literal(_) => unreachable!("not in this help"),
        }
    }
    let (about, sections): (Vec<_>, Vec<_>) = texts
        .into_iter()
        .partition(|text| heading_of(text).is_none());
    command
        .long_about(format!("{short_about}\n\n{}", about.join("\n\n")))
        .override_usage(usage)
        .after_help(sections.join("\n"))
        .disable_version_flag(true)
        .mut_arg("words", |words| {
            let duration = words.value_name("DURATION").num_args(1);
            duration.hide(true).required(true)
        })
        .args(options)
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .hide(true)
                .required(true)
                .num_args(1..)
                .trailing_var_arg(true)
                .value_hint(ValueHint::CommandWithArguments),
        )
}

/// The options of `-k, --kill-after DURATION`, or of `--help, --version`.
fn options_of((term, meaning): &(&'static str, String)) -> Vec<Arg> {
    let help = sentence(meaning);
    let mut short = None;
    let mut options = Vec::new();
    for names in term.split(", ") {
        let (name, value) = match names.split_once(' ') {
            Some((name, value)) => (name, Some(value)),
            None => (names, None),
        };
        let Some(long) = name.strip_prefix("--") else {
            short = name.chars().nth(1);
            continue;
        };
        let option = Arg::new(long)
            .long(long)
            .short(short.take())
            .help(help.clone());
        options.push(match value {
            Some(value) => option.value_name(value),
            None => option.action(ArgAction::SetTrue),
        });
    }
    options
}

fn sentence(words: &str) -> String {
    let (first, rest) = words.split_at(1);
    format!("{}{rest}.", first.to_uppercase())
}
