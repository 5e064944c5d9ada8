/* A child that is spawned as cheaply as the kernel can: in our memory and with our descriptors, until `close_range`
 * gives it a table of its own with nothing in it that it does not need. So neither costs anything. */
#include <err.h>
#include <fcntl.h>
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

struct child {
    int pid, pidfd, out, error;
};

/* Places in the table that we share, for the child's ends: below everything else, so that the rest need not be
 * copied. */
enum { FIRST_PLACE = 3, PLACES = 2, AFTER_PLACES = 5, UNSHARE = 2 };

static struct {
    char **program;
    int input, ends[PLACES], shares, session, placeholder;
} job;

static char child_stack[64 * 1024] __attribute__((aligned(16)));

/* Before everything else. */
static inline void keep_places(void) {
    job.placeholder = fcntl(open("/dev/null", O_RDWR), F_DUPFD_CLOEXEC, AFTER_PLACES);
    for (int place = FIRST_PLACE; place < AFTER_PLACES; place++)
        if (dup3(job.placeholder, place, O_CLOEXEC) < 0)
            err(1, "dup3");
}

static int child_main(void *unused) {
    (void)unused;
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    sigemptyset(&none);
    if (job.shares) {
        dup2(job.ends[0], FIRST_PLACE);
        dup2(job.ends[1], FIRST_PLACE + 1);
        if (syscall(SYS_close_range, AFTER_PLACES, ~0U, UNSHARE) < 0)
            _exit(125);
        dup2(FIRST_PLACE, 1);
        dup2(FIRST_PLACE + 1, 2);
        syscall(SYS_close_range, FIRST_PLACE, ~0U, 0);
    } else {
        dup2(job.ends[0], 1);
        dup2(job.ends[1], 2);
    }
    if (job.session)
        setsid();
    else
        setpgid(0, 0);
    sigaction(SIGUSR1, &usual, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(job.program[0], job.program, environ);
    _exit(127);
}

/* With pipes for both of its streams; in a group of its own, or a session. Forked, if it shares nothing. */
static inline struct child spawn_child(char **program, int shares, int session) {
    struct child child = {.pidfd = -1};
    int out[2], error[2];
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(error, O_CLOEXEC) < 0)
        err(1, "pipe2");
    job.program = program;
    job.ends[0] = out[1];
    job.ends[1] = error[1];
    job.shares = shares;
    job.session = session;
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    if (shares) {
        int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD;
        child.pid = clone(child_main, child_stack + sizeof child_stack, flags, NULL, &child.pidfd);
    } else {
        child.pid = fork();
        if (child.pid == 0)
            child_main(NULL);
        child.pidfd = syscall(SYS_pidfd_open, child.pid, 0);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (child.pid < 0 || child.pidfd < 0)
        err(1, "clone");
    for (int place = FIRST_PLACE; shares && place < AFTER_PLACES; place++)
        dup3(job.placeholder, place, O_CLOEXEC);
    close(out[1]);
    close(error[1]);
    child.out = out[0];
    child.error = error[0];
    return child;
}

static inline void watch(int epoll, int fd, unsigned long key) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = key};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll_ctl");
}

/* In microseconds. */
static inline double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static inline int compare(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}
