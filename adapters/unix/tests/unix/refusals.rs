//! A thread to which the kernel refuses a system call, and the children that it makes with it (`seccomp(2)`).

use std::thread;

use nix::libc;
use rustix::io::Errno;

/// What is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) call: libc::c_long,
    /// Only where this argument, counted from 0, has this value.
    pub(crate) only: Option<(u32, u64)>,
    pub(crate) errno: Errno,
}

/// What `work` returns on a thread of its own.
pub(crate) fn refused<T: Send>(refusals: &[Refusal], work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let refused = scope.spawn(|| {
            for refusal in refusals {
                refusal.install();
            }
            work()
        });
        refused.join().expect("no panic")
    })
}

impl Refusal {
    pub(crate) fn new(call: libc::c_long, errno: Errno) -> Self {
        Self {
            call,
            only: None,
            errno,
        }
    }

    /// For this thread, for ever.
    fn install(self) {
        let load = |offset| instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0);
        // Goes on if it is equal.
        let compare = |value, otherwise| {
            instruction(
                libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
                value,
                otherwise,
            )
        };
        let answer = |value| instruction(libc::BPF_RET | libc::BPF_K, value, 0);
        let call = u32::try_from(self.call).expect("a call's number");
        let errno = self.errno.raw_os_error().unsigned_abs();
        let refuse = answer(libc::SECCOMP_RET_ERRNO | errno);
        let allow = answer(libc::SECCOMP_RET_ALLOW);
        let mut program = match self.only {
            None => vec![load(0), compare(call, 1), refuse, allow],
            Some((argument, value)) => vec![
                load(0),
                compare(call, 3),
                // The lower half, where numbers are little-endian.
                load(16 + 8 * argument),
                compare(u32::try_from(value).expect("a small number"), 1),
                refuse,
                allow,
            ],
        };
        let program = libc::sock_fprog {
            len: u16::try_from(program.len()).expect("a few"),
            filter: program.as_mut_ptr(),
        };
        // SAFETY: the kernel reads the program, which outlives the calls.
        #[expect(unsafe_code, reason = "no crate here wraps it")]
        unsafe {
            assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
            let installed = libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            );
            assert_eq!(installed, 0);
        }
    }
}

fn instruction(code: u32, k: u32, otherwise: u8) -> libc::sock_filter {
    libc::sock_filter {
        code: u16::try_from(code).expect("a code"),
        jt: 0,
        jf: otherwise,
        k,
    }
}
