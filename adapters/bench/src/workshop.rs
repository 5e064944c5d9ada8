//! The programs that are measured, made on the spot.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::args;
use crate::contestant;
use crate::options::Options;
use crate::race::{Sample, printed_by};

pub(crate) struct Workshop {
    /// Where the floors are.
    floors: PathBuf,
    /// This program.
    pub(crate) us: PathBuf,
    pub(crate) childminder: PathBuf,
    pub(crate) brief: bool,
}

impl Workshop {
    /// Compiles what is in C, and allows as many descriptors as there may be.
    pub(crate) fn open(options: &Options) -> io::Result<Self> {
        let us = env::current_exe()?;
        let beside = us.parent().unwrap_or(Path::new("."));
        let floors = beside.join("floors");
        fs::create_dir_all(&floors)?;
        let header = floors.join("child.h");
        if fs::read_to_string(&header).is_ok_and(|old| old != HEADER) {
            // Everything that includes it is made anew.
            fs::remove_dir_all(&floors)?;
            fs::create_dir(&floors)?;
        }
        fs::write(header, HEADER)?;
        for (name, source, flags) in FLOORS {
            compile(&floors, name, source, flags)?;
        }
        let limit = getrlimit(Resource::Nofile);
        let all = Rlimit {
            current: limit.maximum,
            ..limit
        };
        setrlimit(Resource::Nofile, all)?;
        let childminder = options.childminder.clone();
        Ok(Self {
            childminder: childminder.unwrap_or_else(|| beside.join("childminder")),
            floors,
            us,
            brief: options.brief,
        })
    }

    /// The path of a program in C.
    pub(crate) fn floor(&self, name: &str) -> String {
        self.floors.join(name).display().to_string()
    }

    /// What a program in C prints.
    pub(crate) fn by_floor(&self, name: &str, args: Vec<OsString>) -> Sample {
        printed_by(self.floor(name), args)
    }

    /// What one of the [contestants](contestant) prints.
    pub(crate) fn by_contestant(&self, name: &str, args: Vec<OsString>) -> Sample {
        printed_by(&self.us, [args![contestant::WORD, name], args].concat())
    }

    /// How often something is done for one sample.
    pub(crate) fn times(&self, usual: usize) -> usize {
        if self.brief {
            (usual / 10).max(1)
        } else {
            usual
        }
    }
}

/// Whether so many descriptors may be open.
pub(crate) fn may_open(descriptors: usize) -> bool {
    let most = getrlimit(Resource::Nofile).maximum;
    most.is_none_or(|most| descriptors as u64 <= most)
}

/// The arguments of a program, each of which can be shown.
#[macro_export]
macro_rules! args {
    ($($arg:expr),* $(,)?) => {
        vec![$(std::ffi::OsString::from($arg.to_string())),*]
    };
}

fn compile(floors: &Path, name: &str, source: &str, flags: &[&str]) -> io::Result<()> {
    let file = floors.join(name).with_extension("c");
    if floors.join(name).exists() && fs::read_to_string(&file).is_ok_and(|old| old == source) {
        return Ok(());
    }
    fs::write(&file, source)?;
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-static", "-D_GNU_SOURCE", "-o"])
        .arg(floors.join(name))
        .arg(&file)
        .args(flags);
    if cc.status()?.success() {
        return Ok(());
    }
    // It is not to be taken for done.
    fs::remove_file(&file)?;
    Err(io::Error::other(format!("cc cannot make {name}")))
}

const HEADER: &str = include_str!("../floors/child.h");

const FLOORS: &[(&str, &str, &[&str])] = &[
    ("tiny", include_str!("../floors/tiny.c"), &["-nostdlib"]),
    ("spawn", include_str!("../floors/spawn.c"), &[]),
    ("lateness", include_str!("../floors/lateness.c"), &[]),
    ("scale", include_str!("../floors/scale.c"), &[]),
    ("monitors", include_str!("../floors/monitors.c"), &[]),
    ("source", include_str!("../floors/source.c"), &[]),
    ("sink", include_str!("../floors/sink.c"), &[]),
    ("splice", include_str!("../floors/splice.c"), &[]),
    ("limit", include_str!("../floors/limit.c"), &[]),
];
