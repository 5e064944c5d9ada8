//! Each call between the clone and the exec fails once.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use childminder::ExitStatus;
use childminder_unix::{Child, Command, Place, SpawnOptions, Stdio};
use nix::libc;
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use crate::alone::again_in_a_process_of_its_own;
use crate::refusals::{Refusal, refused};
use crate::support::descriptors;

#[test]
fn a_call_that_fails_before_the_exec_is_the_error_of_the_spawn_and_leaves_nothing() {
    let name =
        "faults::a_call_that_fails_before_the_exec_is_the_error_of_the_spawn_and_leaves_nothing";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    for case in CASES {
        case.check(&[]);
    }
    // The same with a copy of our descriptors and handlers, from here on.
    let old = Refusal::new(libc::SYS_clone3, Errno::NOSYS);
    for case in CASES {
        case.check(&[old]);
    }
}

/// The thread cannot set its own mask either.
#[test]
fn signals_that_stay_blocked_are_the_error_of_the_spawn() {
    let name = "faults::signals_that_stay_blocked_are_the_error_of_the_spawn";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    // The child does not ask for the mask that was there before.
    let case = Case(libc::SYS_rt_sigprocmask, Some((2, 0)), plain);
    case.check(&[]);
    case.check(&[Refusal::new(libc::SYS_clone3, Errno::NOSYS)]);
}

/// A call of the child's, the argument by which it is known, and what asks for it.
struct Case(libc::c_long, Option<(u32, u64)>, fn() -> Asked);

type Asked = (Command, SpawnOptions);

const CASES: &[Case] = &[
    Case(libc::SYS_chdir, None, || {
        let (mut command, options) = plain();
        command.current_dir("/");
        (command, options)
    }),
    Case(libc::SYS_setpgid, None, plain),
    Case(libc::SYS_setsid, None, || placed(Place::Session)),
    Case(libc::SYS_rt_sigpending, None, plain),
    Case(libc::SYS_fcntl, Some((1, libc::F_SETOWN as u64)), || {
        let (command, options) = plain();
        let guardian = Some(file());
        (
            command,
            SpawnOptions {
                guardian,
                ..options
            },
        )
    }),
    Case(
        libc::SYS_rt_sigaction,
        Some((0, libc::SIGUSR1 as u64)),
        plain,
    ),
    Case(
        libc::SYS_rt_sigaction,
        Some((0, libc::SIGTSTP as u64)),
        plain,
    ),
    Case(libc::SYS_write, None, || {
        let (command, options) = plain();
        let cgroup = Some(file());
        (command, SpawnOptions { cgroup, ..options })
    }),
    Case(libc::SYS_ioctl, Some((1, libc::TIOCSPGRP)), || {
        placed(Place::Foreground(file()))
    }),
    Case(
        libc::SYS_prctl,
        Some((0, libc::PR_SET_PDEATHSIG as u64)),
        || {
            let (command, options) = plain();
            let kill_on_parent_death = true;
            (
                command,
                SpawnOptions {
                    kill_on_parent_death,
                    ..options
                },
            )
        },
    ),
    Case(OPEN, None, plain),
    Case(DUP, Some((1, 0)), plain),
    Case(DUP, Some((1, 1)), plain),
    Case(DUP, Some((1, 2)), plain),
    Case(libc::SYS_ioctl, Some((1, libc::TIOCSCTTY)), || {
        placed(Place::Terminal)
    }),
    Case(libc::SYS_execve, None, plain),
];

impl Case {
    fn check(&self, more: &[Refusal]) {
        let Self(call, only, ask) = *self;
        let (mut command, options) = ask();
        let works = refused(more, || run(&mut command, &options));
        // `/dev/null` is no terminal, and no cgroup.
        let is_a_stand_in = matches!(options.place, Place::Foreground(_) | Place::Terminal);
        assert!(works.is_ok() || is_a_stand_in, "call {call}: {works:?}");

        let refusal = Refusal {
            call,
            only,
            errno: Errno::LOOP,
        };
        let before = descriptors();
        let refusals = [more, &[refusal]].concat();
        let result = refused(&refusals, || run(&mut command, &options));
        let errno = result.as_ref().err().and_then(io::Error::raw_os_error);
        assert_eq!(errno, Some(libc::ELOOP), "call {call}: {result:?}");
        let any = waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        assert_eq!(any.err(), Some(Errno::CHILD), "call {call}");
        assert_eq!(descriptors(), before, "call {call}");
    }
}

#[test]
fn what_a_kernel_lacks_or_a_sandbox_denies_is_done_without() {
    let name = "faults::what_a_kernel_lacks_or_a_sandbox_denies_is_done_without";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let (mut command, options) = plain();
    for (call, errno) in [
        (libc::SYS_close_range, Errno::NOMEM),
        (libc::SYS_close_range, Errno::PERM),
        (libc::SYS_clone3, Errno::NOSYS),
    ] {
        let before = descriptors();
        let refusal = Refusal::new(call, errno);
        let status = refused(&[refusal], || run(&mut command, &options));
        assert_eq!(status.expect("another way"), ExitStatus::Code(0));
        assert_eq!(descriptors(), before);
    }
}

#[test]
fn no_room_for_a_process_is_the_error_of_the_spawn() {
    let name = "faults::no_room_for_a_process_is_the_error_of_the_spawn";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let (mut command, options) = plain();
    let before = descriptors();
    // The thread itself is made before.
    let refusal = Refusal::new(libc::SYS_clone3, Errno::AGAIN);
    let error = refused(&[refusal], || run(&mut command, &options)).expect_err("no process");
    assert_eq!(error.raw_os_error(), Some(libc::EAGAIN));
    assert_eq!(descriptors(), before);
}

fn run(command: &mut Command, options: &SpawnOptions) -> io::Result<ExitStatus> {
    Child::spawn_with(command, options)?.reap()
}

fn plain() -> Asked {
    let mut command = Command::new("/bin/true");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    (command, SpawnOptions::default())
}

fn placed(place: Place) -> Asked {
    let (command, options) = plain();
    (command, SpawnOptions { place, ..options })
}

/// What the kernel takes for anything, as long as it is asked for nothing.
fn file() -> OwnedFd {
    let file = File::options().write(true).open("/dev/null");
    file.expect("a file").into()
}

#[cfg(target_arch = "x86_64")]
const OPEN: libc::c_long = libc::SYS_open;
#[cfg(not(target_arch = "x86_64"))]
const OPEN: libc::c_long = libc::SYS_openat;
#[cfg(target_arch = "x86_64")]
const DUP: libc::c_long = libc::SYS_dup2;
#[cfg(not(target_arch = "x86_64"))]
const DUP: libc::c_long = libc::SYS_dup3;
