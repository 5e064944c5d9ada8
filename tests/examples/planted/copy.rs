//! A copy of the workspace that has every bug, each behind a switch.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Bed;
use crate::bugs::Bug;

/// Makes the copy. A bug is on in a process whose environment has `PLANTED_BUG` set to its
/// [number](Bed::number).
pub(crate) fn with(beds: &[Bed]) -> io::Result<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let copy = workspace.join("target/planted/workspace");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    fs::create_dir_all(&copy)?;
    for name in [
        "Cargo.toml",
        "Cargo.lock",
        "core",
        "adapters",
        "tests",
        "fuzz",
    ] {
        copy_all(&workspace.join(name), &copy.join(name))?;
    }
    for bed in beds {
        let sources = copy.join(bed.sources);
        for (index, bug) in bed.bugs.iter().enumerate() {
            plant(&sources.join(bug.file), bug, bed.number(index))?;
        }
        let root = sources.join("lib.rs");
        let source = fs::read_to_string(&root)?;
        fs::write(root, source.replace("#![no_std]", "") + SWITCH)?;
    }
    Ok(copy)
}

/// Builds the copy's tests; what cargo says of them, a JSON object a line.
pub(crate) fn build(copy: &Path) -> io::Result<String> {
    let built = Command::new(env!("CARGO"))
        .current_dir(copy)
        .args(["build", "--release", "--locked", "--message-format=json"])
        .args([
            "-p",
            "childminder-tests",
            "-p",
            "childminder-sim",
            "-p",
            "childminder-driver",
        ])
        .args(["--tests", "--example", "search", "--example", "lifetimes"])
        .env("CARGO_TARGET_DIR", copy.join("../target"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true")
        .stderr(Stdio::inherit())
        .output()?;
    if !built.status.success() {
        return Err(io::Error::other("the copy with the bugs does not build"));
    }
    String::from_utf8(built.stdout).map_err(io::Error::other)
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        if name != "target" {
            copy_all(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}

fn plant(file: &Path, bug: &Bug, number: usize) -> io::Result<()> {
    let source = fs::read_to_string(file)?;
    let places = source.matches(bug.was).count();
    if places != 1 {
        let (name, file) = (bug.name, bug.file);
        return Err(io::Error::other(format!(
            "'{name}' cannot be planted: its text stands in {file} {places} times, not once"
        )));
    }
    let is = bug.is.replace("BUG", &format!("crate::planted({number})"));
    fs::write(file, source.replace(bug.was, &is))
}

const SWITCH: &str = r#"
fn planted(number: usize) -> bool {
    static ON: std::sync::LazyLock<usize> = std::sync::LazyLock::new(|| {
        std::env::var("PLANTED_BUG").ok().and_then(|on| on.parse().ok()).unwrap_or(0)
    });
    *ON == number
}
"#;
