//! The `childminder` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(childminder_cli::main(std::env::args_os()))
}
