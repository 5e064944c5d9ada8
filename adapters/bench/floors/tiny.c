/* The smallest child there is: it exits, or sleeps when it has an argument. */
#include <sys/syscall.h>

static long call(long number, long argument) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(argument) : "rcx", "r11", "memory");
    return result;
}

__asm__(".globl _start\n_start:\n\tmov (%rsp), %rdi\n\tand $-16, %rsp\n\tcall begin\n");

void begin(long arguments) {
    if (arguments > 1)
        for (;;)
            call(SYS_pause, 0);
    call(SYS_exit_group, 0);
}
