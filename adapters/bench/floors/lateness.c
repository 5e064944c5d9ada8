/* How late a child is dead after a deadline, with one timerfd.
 *
 * lateness PROGRAM KILLS [FLOOD-PROGRAM]
 *
 * Prints the median and the 99th percentile in microseconds. The flood is the output of another child. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static int spawn(char **program, int output) {
    int pid = vfork();
    if (pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (output >= 0)
            dup2(output, 1);
        execv(program[0], program);
        _exit(127);
    }
    if (pid < 0)
        err(1, "vfork");
    return pid;
}

static int compare(const void *one, const void *other) {
    long long a = *(const long long *)one, b = *(const long long *)other;
    return (a > b) - (a < b);
}

int main(int argc, char **argv) {
    if (argc < 3)
        errx(2, "two arguments");
    char *program[] = {argv[1], "sleep", NULL};
    int kills = atoi(argv[2]), flood = -1, flooder = 0;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    watch(epoll, timer);
    if (argc > 3) {
        int ends[2];
        char *source[] = {argv[3], "0", "65536", NULL};
        if (pipe2(ends, O_CLOEXEC) < 0)
            err(1, "pipe2");
        flooder = spawn(source, ends[1]);
        close(ends[1]);
        watch(epoll, flood = ends[0]);
    }
    long long *late = calloc(kills, sizeof *late);
    for (int i = 0; i < kills; i++) {
        int pid = spawn(program, -1);
        int pidfd = syscall(SYS_pidfd_open, pid, 0);
        watch(epoll, pidfd);
        long long due = now() + 2000000 + i * 137000 % 2000000;
        struct itimerspec at = {.it_value = {due / 1000000000, due % 1000000000}};
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
        for (int alive = 1; alive;) {
            struct epoll_event events[4];
            int count = epoll_wait(epoll, events, 4, -1);
            for (int j = 0; j < count; j++) {
                static char buffer[64 * 1024];
                int fd = events[j].data.fd;
                siginfo_t info;
                if (fd == timer && read(timer, buffer, 8) == 8) {
                    kill(-pid, SIGKILL);
                } else if (fd == pidfd) {
                    waitid(P_PIDFD, pidfd, &info, WEXITED);
                    alive = 0;
                } else if (fd == flood && read(flood, buffer, sizeof buffer) <= 0) {
                    errx(1, "the flood has ended");
                }
            }
        }
        late[i] = now() - due;
        close(pidfd);
    }
    if (flooder) {
        kill(flooder, SIGKILL);
        waitpid(flooder, NULL, 0);
    }
    qsort(late, kills, sizeof *late, compare);
    printf("%.3f %.3f\n", late[kills / 2] / 1e3, late[kills * 99 / 100] / 1e3);
    return 0;
}
