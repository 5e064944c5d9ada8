/* What the kernel takes to spawn a child with two pipes, see it end, and reap it.
 *
 * spawn clone|fork PROGRAM COUNT DESCRIPTORS MEBIBYTES SESSION
 *
 * Prints the microseconds that each took. The clone shares our memory and our descriptors until `close_range` gives
 * it a table of its own, with nothing in it that it does not need: so neither costs anything. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static char *program[2];
static int is_clone, session;
char *memory;
static int child_ends[2], null;
static char stack[64 * 1024] __attribute__((aligned(16)));

/* In the table that we share, places for the child's ends, below everything else, so that the rest of the table need not be copied. */
enum { FIRST = 3, AFTER = 5 };

static int child(void *unused) {
    (void)unused;
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    sigemptyset(&none);
    if (is_clone) {
        dup2(child_ends[0], FIRST);
        dup2(child_ends[1], FIRST + 1);
        if (syscall(SYS_close_range, AFTER, ~0U, CLOSE_RANGE_UNSHARE) < 0)
            _exit(125);
        dup2(FIRST, 1);
        dup2(FIRST + 1, 2);
        syscall(SYS_close_range, FIRST, ~0U, 0);
    } else {
        dup2(child_ends[0], 1);
        dup2(child_ends[1], 2);
    }
    if (session)
        setsid();
    else
        setpgid(0, 0);
    sigaction(SIGUSR1, &usual, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(program[0], program, environ);
    _exit(127);
}

static void watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void mind(int epoll) {
    int out[2], error[2], pidfd = -1;
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(error, O_CLOEXEC) < 0)
        err(1, "pipe2");
    child_ends[0] = out[1];
    child_ends[1] = error[1];
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    int pid;
    if (is_clone) {
        int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD;
        pid = clone(child, stack + sizeof stack, flags, NULL, &pidfd);
    } else {
        pid = fork();
        if (pid == 0)
            child(NULL);
        pidfd = syscall(SYS_pidfd_open, pid, 0);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0 || pidfd < 0)
        err(1, "clone");
    for (int fd = FIRST; is_clone && fd < AFTER; fd++)
        dup3(null, fd, O_CLOEXEC);
    close(out[1]);
    close(error[1]);
    watch(epoll, out[0]);
    watch(epoll, error[0]);
    watch(epoll, pidfd);
    for (int open = 3; open > 0;) {
        struct epoll_event events[3];
        int count = epoll_wait(epoll, events, 3, -1);
        if (count < 0 && errno != EINTR)
            err(1, "epoll_wait");
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            static char buffer[64 * 1024];
            siginfo_t info;
            if (fd != pidfd && read(fd, buffer, sizeof buffer) > 0)
                continue;
            if (fd == pidfd) {
                if (waitid(P_PIDFD, pidfd, &info, WEXITED) < 0)
                    err(1, "waitid");
                if (info.si_code != CLD_EXITED || info.si_status != 0)
                    errx(1, "the child has failed: %d", info.si_status);
            }
            close(fd);
            open--;
        }
    }
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
    if (argc != 7)
        errx(2, "six arguments");
    is_clone = !strcmp(argv[1], "clone");
    program[0] = argv[2];
    int count = atoi(argv[3]), descriptors = atoi(argv[4]);
    size_t bytes = (size_t)atoi(argv[5]) << 20;
    session = atoi(argv[6]);
    null = fcntl(open("/dev/null", O_RDWR), F_DUPFD_CLOEXEC, AFTER);
    for (int fd = FIRST; fd < AFTER; fd++)
        if (dup3(null, fd, O_CLOEXEC) < 0)
            err(1, "dup3");
    for (int i = 0; i < descriptors; i++)
        if (fcntl(null, F_DUPFD_CLOEXEC, AFTER) < 0)
            err(1, "fcntl");
    if (bytes) {
        /* As if it had come in small pieces. */
        prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
        memory = malloc(bytes);
        memset(memory, 1, bytes);
    }
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count / 10 + 1; i++)
        mind(epoll);
    double begun = now();
    for (int i = 0; i < count; i++)
        mind(epoll);
    printf("%.3f\n", (now() - begun) / count);
    return 0;
}
