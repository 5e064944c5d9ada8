//! `{NAME}` in a file name: so many tasks that are started by one line write a file each.
//!
//! What a file is called must be meant. So a variable that is not set or empty is an error, and a slash in a value too,
//! since it would make directories of a job's name. But a variable may be the directory with which a name begins, as
//! that of a machine's temporary files is: `{TMPDIR}/report.json`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process;

use crate::failure::Failure;
use crate::words::printable;

/// The name that this pattern, given to this option, stands for: `{NAME}` is an environment variable, `{pid}` our process
/// id, `{{` and `}}` are braces.
pub(crate) fn expand(option: &str, pattern: &Path) -> Result<PathBuf, Failure> {
    let shown = |text: &OsStr| printable(&text.to_string_lossy());
    filled(pattern.as_os_str().as_bytes(), |name| env::var_os(name))
        .map(|name| OsString::from_vec(name).into())
        .map_err(|why| {
            let why = match why {
                BadName::Brace(brace) => format!(
                    "`{brace}` stands alone: write {{NAME}} for an environment variable, {{pid}} for the process id, \
                     {brace}{brace} for a brace"
                ),
                BadName::Unset(name) => {
                    format!("the environment variable {} is not set", shown(&name))
                }
                BadName::Empty(name) => {
                    format!("the environment variable {} is empty", shown(&name))
                }
                BadName::Slash(name, value) => format!(
                    "the environment variable {name} is {:?}: only where a name begins with {{{name}}}/ may there be a slash in it",
                    value.to_string_lossy(),
                    name = shown(&name),
                ),
            };
            Failure::ours(format!("{option} {}: {why}", shown(pattern.as_os_str())))
        })
}

/// What is wrong with a pattern, or with a variable in it.
#[derive(Debug, PartialEq, Eq)]
enum BadName {
    /// A brace that none belongs to.
    Brace(char),
    Unset(OsString),
    Empty(OsString),
    Slash(OsString, OsString),
}

fn filled(
    pattern: &[u8],
    variable: impl Fn(&OsStr) -> Option<OsString>,
) -> Result<Vec<u8>, BadName> {
    let mut name = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'{' | b'}' if behind.first() == Some(&byte) => {
                name.push(byte);
                rest = &behind[1..];
            }
            b'{' => {
                let end = behind.iter().position(|byte| b"{}".contains(byte));
                let end = end.filter(|&end| end > 0 && behind[end] == b'}');
                let (inner, closed) = behind.split_at(end.ok_or(BadName::Brace('{'))?);
                rest = &closed[1..];
                let is_directory = name.is_empty() && rest.starts_with(b"/");
                let value = value(OsStr::from_bytes(inner), is_directory, &variable)?;
                name.extend(value.into_vec());
            }
            b'}' => return Err(BadName::Brace('}')),
            _ => name.push(byte),
        }
    }
    Ok(name)
}

fn value(
    name: &OsStr,
    is_directory: bool,
    variable: impl Fn(&OsStr) -> Option<OsString>,
) -> Result<OsString, BadName> {
    if name == "pid" {
        return Ok(process::id().to_string().into());
    }
    let value = variable(name).ok_or_else(|| BadName::Unset(name.to_owned()))?;
    if value.is_empty() {
        return Err(BadName::Empty(name.to_owned()));
    }
    if !is_directory && value.as_bytes().contains(&b'/') {
        return Err(BadName::Slash(name.to_owned(), value));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled_in(pattern: &str) -> Result<String, BadName> {
        let variable = |name: &OsStr| {
            let value = match name.to_str()? {
                "JOB" => "17",
                "TASK" => "{JOB}",
                "DIR" => "/tmp/a",
                "NONE" => "",
                _ => return None,
            };
            Some(value.into())
        };
        let name = filled(pattern.as_bytes(), variable)?;
        Ok(String::from_utf8(name).expect("text"))
    }

    #[test]
    fn values_take_the_places_of_names() {
        let pid = process::id();
        for (pattern, name) in [
            ("", ""),
            ("r.json", "r.json"),
            ("r/{JOB}.{JOB}", "r/17.17"),
            // A value is not looked into.
            ("{TASK}", "{JOB}"),
            ("{DIR}/{JOB}", "/tmp/a/17"),
            ("{{JOB}}", "{JOB}"),
            ("{{{JOB}}}", "{17}"),
            ("}}{{", "}{"),
            ("{pid}", &pid.to_string()),
        ] {
            assert_eq!(filled_in(pattern).as_deref(), Ok(name), "{pattern}");
        }
    }

    #[test]
    fn what_is_not_meant_is_an_error() {
        for brace in ["{", "{JOB", "{}", "a{{{", "{JOB{pid}", "{ {{"] {
            assert_eq!(filled_in(brace), Err(BadName::Brace('{')), "{brace}");
        }
        for brace in ["}", "JOB}", "{JOB}}", "}}}"] {
            assert_eq!(filled_in(brace), Err(BadName::Brace('}')), "{brace}");
        }
        assert_eq!(filled_in("{X}"), Err(BadName::Unset("X".into())));
        assert_eq!(filled_in("{PID}"), Err(BadName::Unset("PID".into())));
        assert_eq!(filled_in("a{NONE}b"), Err(BadName::Empty("NONE".into())));
        for slash in ["{DIR}", "{DIR}.json", "r/{DIR}/x", "{JOB}{DIR}/x"] {
            let expected = BadName::Slash("DIR".into(), "/tmp/a".into());
            assert_eq!(filled_in(slash), Err(expected), "{slash}");
        }
    }
}
