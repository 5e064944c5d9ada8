//! A child that runs a function in our memory, on a stack of its own, while this thread waits in the kernel until the
//! child has executed a program or is dead: `vfork(2)` with more to choose. Other threads run on.
//!
//! There are two calls for it. `clone3(2)` also sets the signals that we handle to their defaults in the child, which
//! would take a call for each; the C library has no function for it that gives the child a stack, so here are the few
//! instructions. `clone(2)` is for where that is missing or denied.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;

use nix::libc;
use rustix::io::Errno;
use rustix::process::Pid;

use super::executable::last_error;

/// What the child does, and what it is given for it. What it returns is its exit status.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) begin: extern "C" fn(*mut c_void) -> c_int,
    /// The child uses what this points to until it is gone or has executed a program.
    pub(super) argument: *mut c_void,
    /// Where the kernel puts the number of the pidfd, before the child begins; null if none is wanted.
    pub(super) pidfd: *mut c_int,
}

/// The child shares our table of descriptors, and has the signals that we handle at their defaults: Linux 5.5.
pub(super) fn with_our_descriptors(work: Work) -> Result<Pid, Errno> {
    let mut stack = stack();
    let flags = work.flags() | libc::CLONE_FILES;
    let arguments = Clone3 {
        flags: u64::from(flags.cast_unsigned()) | CLONE_CLEAR_SIGHAND,
        pidfd: work.pidfd.expose_provenance() as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: libc::SIGCHLD.cast_unsigned().into(),
        stack: stack.as_mut_ptr().expose_provenance() as u64,
        stack_size: size_of_val(stack.spare_capacity_mut()) as u64,
        tls: 0,
    };
    Pid::from_raw(clone3(&arguments, work)?).ok_or(Errno::SRCH)
}

/// The child has a copy of our table of descriptors, and of our handlers of signals.
pub(super) fn with_copied_descriptors(work: Work) -> Result<Pid, Errno> {
    let mut stack = stack();
    let flags = work.flags() | libc::SIGCHLD;
    // SAFETY: the child runs on a stack that nothing else uses, as large as it says; stacks grow downwards from the
    // end, which the C library aligns. The stack outlives the child's use of it, since this thread goes on only when the
    // child has left our memory; so does what `work` points to, as its owner says.
    #[expect(
        unsafe_code,
        reason = "a child in our memory is beyond what any type can promise"
    )]
    let child = unsafe {
        let top = stack.as_mut_ptr().add(stack.capacity()).cast();
        libc::clone(work.begin, top, flags, work.argument, work.pidfd)
    };
    Pid::from_raw(child.max(0)).ok_or_else(last_error)
}

impl Work {
    fn flags(self) -> c_int {
        let flags = libc::CLONE_VM | libc::CLONE_VFORK;
        if self.pidfd.is_null() {
            flags
        } else {
            flags | libc::CLONE_PIDFD
        }
    }
}

/// What `clone3(2)` takes.
#[derive(Debug)]
#[repr(C)]
struct Clone3 {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
fn clone3(arguments: &Clone3, work: Work) -> Result<c_int, Errno> {
    let result: i64;
    // SAFETY: as for `clone` above. The child finds `work` in registers, which it has a copy of, calls the function as the
    // processor's ABI wants it, with the stack aligned, and never comes to the end of these instructions.
    #[expect(
        unsafe_code,
        reason = "a child in our memory is beyond what any type can promise"
    )]
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, {argument}",
            "call {begin}",
            "mov edi, eax",
            "mov eax, {exit}",
            "syscall",
            "ud2",
            "2:",
            argument = in(reg) work.argument,
            begin = in(reg) work.begin,
            exit = const libc::SYS_exit,
            inlateout("rax") libc::SYS_clone3 => result,
            in("rdi") arguments,
            in("rsi") size_of::<Clone3>(),
            out("rcx") _,
            out("r11") _,
        );
    }
    outcome(result)
}

#[cfg(target_arch = "aarch64")]
fn clone3(arguments: &Clone3, work: Work) -> Result<c_int, Errno> {
    let result: i64;
    // SAFETY: as for `clone` above. The child finds `work` in registers, which it has a copy of, calls the function as the
    // processor's ABI wants it, with the stack aligned, and never comes to the end of these instructions.
    #[expect(
        unsafe_code,
        reason = "a child in our memory is beyond what any type can promise"
    )]
    unsafe {
        std::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, {argument}",
            "blr {begin}",
            "mov x8, {exit}",
            "svc #0",
            "brk #1",
            "2:",
            argument = in(reg) work.argument,
            begin = in(reg) work.begin,
            exit = const libc::SYS_exit,
            in("x8") libc::SYS_clone3,
            inlateout("x0") arguments => result,
            in("x1") size_of::<Clone3>(),
        );
    }
    outcome(result)
}

#[cfg(not(any(
    all(target_arch = "x86_64", target_pointer_width = "64"),
    target_arch = "aarch64"
)))]
fn clone3(_: &Clone3, _: Work) -> Result<c_int, Errno> {
    Err(Errno::NOSYS)
}

/// The kernel returns an error as a negative number.
#[cfg(any(
    all(target_arch = "x86_64", target_pointer_width = "64"),
    target_arch = "aarch64"
))]
fn outcome(result: i64) -> Result<c_int, Errno> {
    let result = i32::try_from(result).unwrap_or(-libc::EOVERFLOW);
    if result < 0 {
        return Err(Errno::from_raw_os_error(-result));
    }
    Ok(result)
}

/// A processor's stack is aligned to 16 bytes.
fn stack() -> Vec<MaybeUninit<u128>> {
    Vec::with_capacity(STACK_SIZE / size_of::<u128>())
}

/// The `libc` crate has it as a number that is too small for it.
const CLONE_CLEAR_SIGHAND: u64 = 1 << 32;

/// In bytes. What runs there is not deep; a handler's frame takes some 11 KiB on a processor with large registers.
/// From 64 KiB on, the C library tidies all of its heap when this is freed.
const STACK_SIZE: usize = 48 * 1024;
