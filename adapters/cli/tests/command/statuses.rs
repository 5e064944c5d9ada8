//! Exit statuses, and the words that go with them.

use crate::support::{Place, minding_words, run, start, text};

#[test]
fn the_command_s_own() {
    for status in [0, 1, 3, 124, 125, 255] {
        run("", &format!("exit {status}")).expect(status, "");
    }
}

#[test]
fn a_signal_of_somebody_else_s() {
    let sh = |said: &str| format!("childminder: sh: {said}\n");
    run("", "kill -TERM $$").expect(143, &sh("killed by SIGTERM"));
    run("", "kill -KILL $$").expect(137, &sh("killed by SIGKILL"));
    run("", "kill -USR1 $$").expect(138, &sh("killed by SIGUSR1"));
    // These end commands every day.
    run("", "kill -INT $$").expect(130, "");
    run("", "kill -PIPE $$").expect(141, "");
}

#[test]
fn a_command_that_cannot_be_run() {
    let place = Place::new();
    let script = text(&place.program("script", "#!/no/such/interpreter\n"));
    let plain = text(&place.file("plain", ""));
    for (command, status, said) in [
        (
            "no-such-command",
            127,
            "no such command: \"no-such-command\" (not in PATH)".to_owned(),
        ),
        ("/no/such", 127, "no such command: \"/no/such\"".to_owned()),
        (
            &script,
            127,
            format!("cannot run {script:?}: the interpreter it names is not there"),
        ),
        (
            &plain,
            126,
            format!("cannot run {plain:?}: Permission denied (os error 13)"),
        ),
        (
            "/",
            126,
            "cannot run \"/\": Permission denied (os error 13)".to_owned(),
        ),
    ] {
        let ended = start(minding_words("", &[command])).finish();
        ended.expect(status, &format!("childminder: {said}\n"));
    }
}

#[test]
fn quiet_is_silent() {
    run("-q --idle 300ms", "exec sleep 60").expect(124, "");
    run("-q", "kill -TERM $$").expect(143, "");
    run("-q", "echo err >&2").expect(0, "err\n");
}

#[test]
fn verbose_tells_as_it_goes() {
    run("-v --idle 300ms", "exec sleep 60").expect(
        124,
        "childminder: no activity within the idle timeout\n\
         childminder: sending SIGINT\n\
         childminder: sending SIGKILL\n\
         childminder: sh: silent for 300ms (--idle); sent SIGINT; killed by SIGINT\n",
    );
}
