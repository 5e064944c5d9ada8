//! What cannot be seen side by side.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use crate::support::{Ours, run, text};

#[test]
fn no_pipe_is_put_in_between() {
    let ours = Ours::new();
    let direct = run(crate::support::timeout(
        "/usr/bin/readlink".as_ref(),
        &["/proc/self/fd/0"],
    ));
    let through = run(ours.command(&["9", "readlink", "/proc/self/fd/0"]));
    assert_eq!(through, direct);
    let mut command = ours.command(&["9", "readlink", "/proc/self/fd/1"]);
    let file = ours.path("out");
    command.stdout(fs::File::create(&file).expect("a file"));
    assert_eq!(run(command).code, Some(0));
    assert_eq!(
        fs::read_to_string(&file).expect("text").trim(),
        file.to_str().expect("text")
    );
}

#[test]
fn a_script_without_an_interpreter_is_run_by_sh() {
    let ours = Ours::new();
    let script = ours.path("script");
    fs::write(&script, "echo $1; exit 5").expect("a file");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a mode");
    let ended = run(ours.command(&["9", script.to_str().expect("text"), "word"]));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(5), "word\n"));
}

#[test]
fn it_dies_as_its_command_did_but_leaves_no_core() {
    let ours = Ours::new();
    let place = ours.path("cores");
    fs::create_dir(&place).expect("a directory");
    let script = format!(
        "cd {}; ulimit -Sc unlimited; exec {} 9 sh -c 'ulimit -c 0; kill -SEGV $$'",
        place.display(),
        ours.program().display()
    );
    let status = Command::new("sh").args(["-c", &script]).status();
    let status = status.expect("a shell");
    assert_eq!((status.signal(), status.core_dumped()), (Some(11), false));
    let cores = fs::read_dir(&place).expect("a directory").count();
    assert_eq!(cores, 0);
}

#[test]
fn too_few_descriptors_are_our_failure() {
    let ours = Ours::new();
    let mut failures = 0;
    for most in 5..40 {
        let script = format!("ulimit -n {most}; exec {} 9 true", text(&ours.program()));
        let ended = run(crate::support::timeout("sh".as_ref(), &["-c", &script]));
        let is_failure = ended.code == Some(125);
        assert!(is_failure || ended.code == Some(0), "{most}: {ended:?}");
        failures += i32::from(is_failure);
    }
    assert!(failures > 1);
}

#[test]
fn silence_ends_it_with_idle() {
    let ours = Ours::new();
    let ended = run(ours.command(&["--idle", ".2", "0", "sh", "-c", "echo one; exec sleep 30"]));
    assert_eq!(
        (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
        (Some(124), "one\n", "")
    );
}

#[test]
fn parts_of_a_duration_add_up() {
    let ours = Ours::new();
    for good in ["1h30m", "1m1.5s", "1d2h3m4s", "+1h1e1m"] {
        let ended = run(ours.command(&[good, "sh", "-c", "exit 3"]));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(3), ""), "{good}");
    }
    for bad in [
        "30m1h", "1h30", "1m1m", "0x1h1m", "1h0x1m", "1s500ms", "-1h30m",
    ] {
        let ended = run(ours.command(&["--", bad, "true"]));
        assert_eq!(ended.code, Some(125), "{bad}");
    }
    let ended = run(ours.command(&["0h.01m.01s", "sleep", "30"]));
    assert_eq!(ended.code, Some(124));
}

#[test]
fn it_goes_by_the_names_that_coreutils_has_elsewhere() {
    let ours = Ours::new();
    for (name, is_timeout) in [
        ("gtimeout", true),
        ("timeout-9.5", true),
        ("gtimeout-9.5.1", true),
        ("timeout-", false),
        ("timeout-manager", false),
        ("mytimeout", false),
        ("timeouts", false),
    ] {
        let program = ours.path(name);
        symlink(ours.program(), &program).expect("a symlink");
        let mut command = Command::new(&program);
        command.args(["9", "sh", "-c", "exit 3"]);
        let output = command.output().expect("it starts");
        let expected = if is_timeout { 3 } else { 125 };
        assert_eq!(output.status.code(), Some(expected), "{name}");
    }
}

#[test]
fn signal_0_is_called_so() {
    let ours = Ours::new();
    let said = "timeout: sending signal 0 to command 'sleep'\n";
    for signal in ["0", "EXIT"] {
        let ended = run(ours.command(&["-v", "-s", signal, ".05", "sleep", ".2"]));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(124), said));
    }
}
