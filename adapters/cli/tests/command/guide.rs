//! What the guide has people type.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::service::Service;
use crate::support::{BINARY, Place, piped, start};

#[test]
fn the_shell_commands_of_the_guide_run() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let service = Service::replying(&[]).url();
    let mut count = 0;
    for chapter in fs::read_dir(docs).expect("the guide") {
        let path = chapter.expect("a chapter").path();
        let text = fs::read_to_string(&path).expect("a chapter");
        for script in scripts(&text) {
            count += 1;
            let place = Place::new();
            place.program("make", "#!/bin/sh\necho made\n");
            place.file("names.txt", "b\na\n");
            let us = Path::new(BINARY).parent().expect("its directory");
            let path = env::var("PATH").expect("a path");
            let mut sh = Command::new("sh");
            sh.args(["-e", "-c", script])
                .current_dir(place.path(""))
                .env("SERVICE", &service)
                .env(
                    "PATH",
                    format!("{}:{}:{path}", place.path("").display(), us.display()),
                );
            let ended = start(piped(sh)).finish();
            assert_eq!(ended.status, 0, "{script}\n{}", ended.stderr());
            assert_eq!(ended.stderr(), "", "{script}");
        }
    }
    assert!(count >= 6, "{count} scripts");
}

/// The blocks that are marked as such.
fn scripts(text: &str) -> impl Iterator<Item = &str> {
    let blocks = text.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().expect("its beginning"))
}
