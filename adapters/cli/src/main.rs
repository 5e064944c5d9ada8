//! The `childminder` command.

fn main() {}
