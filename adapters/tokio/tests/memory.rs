//! What a minded child keeps in memory, counted by the allocator.

#[path = "../../driver/tests/shared/counting.rs"]
mod counting;

use std::io::{self, Write as _};
use std::time::Duration;

use childminder_tokio::childminder::{Config, MonitorState};
use childminder_tokio::childminder_unix::{Command, Stdio};
use childminder_tokio::{Child, Minder};
use tokio::io::AsyncReadExt as _;

use counting::{allocated, allocations};

#[tokio::test]
async fn an_idle_child_takes_a_kilobyte_and_output_allocates_nothing() {
    let minder = Minder::new().expect("a minder");
    let (reader, silence) = io::pipe().expect("a pipe");
    let mut cat = Command::new("cat");
    cat.stdin(reader)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // What grows by doubling is full now, and after as many again.
    let mut some = || -> Vec<Child> {
        let spawn = |_| minder.spawn(&mut cat, config()).expect("a child");
        (0..COUNT).map(spawn).collect()
    };
    let first = some();
    let bytes = allocated();
    let second = some();
    let bytes = (allocated() - bytes).div_ceil(COUNT) - size_of::<Child>();
    let monitor = size_of::<MonitorState>();
    assert!(
        bytes <= monitor + BESIDES,
        "{bytes} bytes, {monitor} of them its monitor"
    );
    drop((first, second, silence));

    let (reader, mut writer) = io::pipe().expect("a pipe");
    let mut child = minder.spawn(cat.stdin(reader), config()).expect("a child");
    let mut output = child.take_stdout().expect("piped");
    let mut before = 0;
    for line in 0..LINES {
        if line == LINES / 2 {
            before = allocations();
        }
        writer.write_all(b"a line\n").expect("written");
        output.read_exact(&mut [0; 7]).await.expect("the line");
    }
    assert_eq!(allocations() - before, 0, "in {} lines", LINES / 2);
}

fn config() -> Config {
    Config {
        idle_timeout: Some(Duration::from_secs(3600)),
        ..Config::default()
    }
}

/// A power of two.
const COUNT: usize = 32;

const LINES: usize = 200;

/// What a child takes besides its monitor and its handle.
const BESIDES: usize = 512;
