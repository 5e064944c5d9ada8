//! Completions for bash, zsh and fish: clap's, of our options, and behind them those of the command that is minded.

use std::fmt::Write as _;

use clap::builder::Str;
use clap::{Arg, Command, ValueHint};
use clap_complete::{Shell, generate};

/// Each shell's, with their paths.
pub(crate) fn all(command: Command) -> [(String, Vec<u8>); 3] {
    let mut command = command.mut_subcommands(|part| part.mut_args(for_completion));
    command.build();
    let minding: Vec<_> = command.get_subcommands().filter_map(Minding::of).collect();
    [
        (
            of(Shell::Bash, &command) + &bash(&minding),
            "bash-completion/completions/childminder",
        ),
        (
            // Only with the third colon is what precedes the command no word of its.
            of(Shell::Zsh, &command).replace("'*::command", "'*:::command"),
            "zsh/site-functions/_childminder",
        ),
        (
            fish(&of(Shell::Fish, &command), &minding),
            "fish/vendor_completions.d/childminder.fish",
        ),
    ]
    .map(|(script, path)| (path.to_owned(), script.into_bytes()))
}

fn of(shell: Shell, command: &Command) -> String {
    let mut script = Vec::new();
    generate(shell, &mut command.clone(), "childminder", &mut script);
    String::from_utf8(script).expect("text")
}

/// With one sentence of the manual's, since the words of the screen stand for other options too.
fn for_completion(argument: Arg) -> Arg {
    let help = argument.get_long_help().or(argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let sentence = help.split(". ").next().unwrap_or_default();
    let sentence = sentence.trim_end_matches('.').replace('`', "");
    let argument = argument.help(sentence).long_help(None::<&str>);
    let is_hinted = !matches!(
        argument.get_value_hint(),
        ValueHint::Unknown | ValueHint::AnyPath
    );
    if !takes_a_value(&argument) || is_hinted {
        return argument;
    }
    let name = argument.get_value_names().and_then(|names| names.first());
    match name.map(Str::as_str) {
        Some("FILE") => argument.value_hint(ValueHint::FilePath),
        Some("DIR") => argument.value_hint(ValueHint::DirPath),
        Some("SIGNAL") => argument.value_parser(SIGNALS),
        // zsh takes the colon for the end of the name.
        Some("SIGNAL:WAIT,…") => argument.value_name("LADDER").value_hint(ValueHint::Other),
        // Where a word may be an option, too, zsh completes neither if there is nothing for the other.
        _ if argument.is_positional() => argument,
        _ => argument.value_hint(ValueHint::Other),
    }
}

fn takes_a_value(argument: &Arg) -> bool {
    argument.get_action().takes_values()
}

/// A subcommand that ends with a command, which is completed as that command does it.
struct Minding<'a> {
    name: &'a str,
    /// Options whose values are words of their own.
    valued: Vec<String>,
    /// How many words there are between the options and the command.
    operands: usize,
}

impl<'a> Minding<'a> {
    fn of(command: &'a Command) -> Option<Self> {
        let positionals = || command.get_positionals();
        let operands = positionals().position(Arg::is_trailing_var_arg_set)?;
        let mut valued = Vec::new();
        for option in command.get_opts().filter(|option| takes_a_value(option)) {
            valued.extend(option.get_short().map(|short| format!("-{short}")));
            valued.extend(option.get_long().map(|long| format!("--{long}")));
        }
        Some(Self {
            name: command.get_name(),
            valued,
            operands,
        })
    }
}

fn bash(minding: &[Minding]) -> String {
    let mut cases = String::new();
    for Minding {
        name,
        valued,
        operands,
    } in minding
    {
        let valued = valued.join(" ");
        let _ = writeln!(
            cases,
            "        {name}) operands={operands} valued=' {valued} ' ;;"
        );
    }
    include_str!("command.bash").replace("        CASES\n", &cases)
}

fn fish(ours: &str, minding: &[Minding]) -> String {
    let (mut ours, mut cases) = (ours.to_owned(), String::new());
    for Minding {
        name,
        valued,
        operands,
    } in minding
    {
        let using = format!("__fish_childminder_using_subcommand {name}");
        let before_command = format!("{using}; and not __fish_childminder_command");
        ours = ours.replace(&using, &before_command);
        let valued = valued.join(" ");
        let _ = writeln!(cases, "        case {name}");
        let _ = writeln!(cases, "            set operands {operands}");
        let _ = writeln!(cases, "            set valued {valued}");
    }
    ours + &include_str!("command.fish").replace("        CASES\n", &cases)
}

const SIGNALS: [&str; 11] = [
    "ABRT", "ALRM", "CONT", "HUP", "INT", "KILL", "QUIT", "STOP", "TERM", "USR1", "USR2",
];
