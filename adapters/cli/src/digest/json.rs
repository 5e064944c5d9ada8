//! The digest for programs, as `digest.schema.json` describes it.

use std::io::{self, Write};

use serde::Serialize;

use super::facts::Line;
use super::tally::{Digest, Measure, Measures, Run, RunFailure};

/// Writes it as one object.
pub(super) fn write(digest: &Digest, mut out: impl Write) -> io::Result<()> {
    let most = |measure| {
        let runs = digest.most(measure, MOST_RANKED).into_iter();
        runs.map(Ranked::of).collect()
    };
    let first = digest.first_to_fail();
    let json = Json {
        reports: digest.runs().len(),
        succeeded: digest.runs().len() - digest.failed(),
        failed: digest.failed(),
        unreadable: digest.unreadable,
        missing: &digest.missing,
        hosts: digest.hosts(),
        first_started_unix_ns: digest.first_started(),
        first_to_fail: first.map(|(run, failure, first)| FirstToFail {
            run: FailedRun::of(run, failure),
            command: &first.command,
            tail: &first.tail,
        }),
        failures: digest
            .failures()
            .map(|(run, failure)| FailedRun::of(run, failure))
            .collect(),
        slowest: most(Measure::Duration),
        most_silent: most(Measure::Silence),
        most_memory: most(Measure::Memory),
        most_output: most(Measure::Output),
        median: digest.median(),
    };
    serde_json::to_writer_pretty(&mut out, &json)?;
    writeln!(out)?;
    out.flush()
}

#[derive(Serialize)]
struct Json<'a> {
    reports: usize,
    succeeded: usize,
    failed: usize,
    unreadable: usize,
    missing: &'a [String],
    hosts: usize,
    first_started_unix_ns: Option<u64>,
    first_to_fail: Option<FirstToFail<'a>>,
    failures: Vec<FailedRun<'a>>,
    slowest: Vec<Ranked<'a>>,
    most_silent: Vec<Ranked<'a>>,
    most_memory: Vec<Ranked<'a>>,
    most_output: Vec<Ranked<'a>>,
    median: Measures,
}

#[derive(Serialize)]
struct FirstToFail<'a> {
    #[serde(flatten)]
    run: FailedRun<'a>,
    command: &'a [String],
    tail: &'a [Line],
}

#[derive(Serialize)]
struct FailedRun<'a> {
    report: &'a str,
    host: &'a str,
    status: u8,
    #[serde(rename = "failed_unix_ns")]
    at_unix_ns: u64,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    message: &'a str,
    asked_by: Option<&'a str>,
    oom_kills: u64,
}

impl<'a> FailedRun<'a> {
    fn of(run: &'a Run, failure: &'a RunFailure) -> Self {
        Self {
            report: &run.name,
            host: &run.host,
            status: run.status,
            at_unix_ns: failure.at_unix_ns,
            kind: failure.kind.as_deref(),
            message: &failure.message,
            asked_by: failure.asked_by.as_deref(),
            oom_kills: failure.oom_kills,
        }
    }
}

#[derive(Serialize)]
struct Ranked<'a> {
    report: &'a str,
    host: &'a str,
    status: u8,
    #[serde(flatten)]
    measures: Measures,
}

impl<'a> Ranked<'a> {
    fn of(run: &'a Run) -> Self {
        Self {
            report: &run.name,
            host: &run.host,
            status: run.status,
            measures: run.measures,
        }
    }
}

/// How many runs are ranked.
const MOST_RANKED: usize = 10;
