//! What `timeout --help` says.

/// The help, for a program that is called so.
pub(crate) fn text(call: &str) -> String {
    format!("Usage: {call} [OPTION]... DURATION COMMAND [ARG]...\n{HELP}")
}

const HELP: &str = "\
Runs COMMAND, and sends it a signal if it still runs after DURATION.

  -k, --kill-after DURATION  send KILL this long after the first signal
  -s, --signal SIGNAL        send this, a name or a number, in place of TERM
  -f, --foreground           leave COMMAND in our process group, so that it can
                             use the terminal; its children get no signal
  -p, --preserve-status      exit with COMMAND's status when the time is up, too
  -v, --verbose              say on standard error which signals are sent
      --idle DURATION        end it after this long without output, too; its
                             output then goes through pipes
      --help, --version      show this, or the version

DURATION is a number, also with a fraction or exponent, and s (the default), m,
h or d; 0 is no limit. Options end at the first word that is none, or at --.

Exit status: COMMAND's own; 124 if the time was up; 125 if timeout failed; 126 if
COMMAND cannot be run, 127 if it is not found; 137 if it was sent KILL.

Differences from coreutils: COMMAND leads a process group of its own, and timeout
does not, so nothing else in a pipeline is signalled, a STOP to the job does not
stop COMMAND, and COMMAND cannot call setsid(2) without forking, as setsid(1) does;
the time stands still while Ctrl-Z has stopped the job; Ctrl-C at the terminal goes
to COMMAND alone and does not begin --kill-after; COMMAND gets KILL if timeout is
killed; USR1 and USR2 are passed on; a signal twice in 0.2s is passed on once;
a standard stream that is closed is /dev/null; what is not 0 is never rounded to it.
";
