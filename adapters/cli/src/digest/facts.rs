//! What is read of a report.

use serde::Deserialize;

/// A report, as far as it matters here; `report.schema.json` has the meaning.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    pub(super) command: Vec<String>,
    pub(super) host: String,
    pub(super) started_unix_ns: u64,
    pub(super) status: u8,
    pub(super) error: Option<Error>,
    pub(super) asked_by: Option<String>,
    pub(super) duration_ns: u64,
    pub(super) longest_silence_ns: Option<u64>,
    pub(super) output_bytes: Option<u64>,
    pub(super) tree: Tree,
    pub(super) tail: Vec<Line>,
    pub(super) usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Error {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) at_ns: u64,
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tree {
    pub(super) oom_kills: u64,
}

#[derive(Debug, Deserialize, serde::Serialize)]
pub(super) struct Line {
    pub(super) stream: String,
    pub(super) text: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Usage {
    pub(super) peak_memory_bytes: u64,
}
