/* What many idle children cost whoever waits for them with epoll.
 *
 * scale PROGRAM COUNT LINES
 *
 * Prints, for each: the microseconds of its spawn, the bytes resident in this process, the descriptors; then the
 * microseconds in which a line of one more child is taken in; then those in which each is killed and reaped. */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct child {
    int pid, pidfd, out, error;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static long resident(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    long all, pages = 0;
    if (!file || fscanf(file, "%ld %ld", &all, &pages) != 2)
        errx(1, "/proc/self/statm");
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void watch(int epoll, int fd, unsigned long place) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = place};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static struct child spawn(char **program, int input) {
    int out[2], error[2];
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(error, O_CLOEXEC) < 0)
        err(1, "pipe2");
    int pid = vfork();
    if (pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (input >= 0)
            dup2(input, 0);
        dup2(out[1], 1);
        dup2(error[1], 2);
        /* Before the exec, which would copy the table. */
        syscall(SYS_close_range, 3, ~0U, 2);
        execv(program[0], program);
        _exit(127);
    }
    if (pid < 0)
        err(1, "vfork");
    close(out[1]);
    close(error[1]);
    return (struct child){pid, syscall(SYS_pidfd_open, pid, 0), out[0], error[0]};
}

static int compare(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

int main(int argc, char **argv) {
    if (argc != 4)
        errx(2, "three arguments");
    int count = atoi(argv[2]), lines = atoi(argv[3]);
    char *sleeper[] = {argv[1], "sleep", NULL}, *cat[] = {"/bin/cat", NULL};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct child *children = calloc(count, sizeof *children);

    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        err(1, "pipe2");
    struct child writer = spawn(cat, ends[0]);
    watch(epoll, writer.out, count);
    int first = dup(0);
    close(first);
    long before = resident();
    double begun = now();
    for (int i = 0; i < count; i++) {
        children[i] = spawn(sleeper, -1);
        watch(epoll, children[i].out, i);
        watch(epoll, children[i].error, i);
        watch(epoll, children[i].pidfd, i);
    }
    double spawned = (now() - begun) / count;
    double bytes = (double)(resident() - before) / count;
    double descriptors = (double)(dup(0) - first) / count;

    double *took = calloc(lines, sizeof *took);
    for (int i = 0; i < lines; i++) {
        char buffer[64];
        struct epoll_event events[8];
        if (write(ends[1], "a line\n", 7) != 7)
            err(1, "write");
        int outer = epoll_create1(EPOLL_CLOEXEC);
        watch(outer, epoll, 0);
        epoll_wait(outer, events, 1, -1);
        close(outer);
        double start = now();
        if (epoll_wait(epoll, events, 8, 0) != 1 || read(writer.out, buffer, sizeof buffer) != 7)
            errx(1, "no line");
        epoll_wait(epoll, events, 8, 0);
        took[i] = now() - start;
    }
    qsort(took, lines, sizeof *took, compare);

    begun = now();
    for (int i = 0; i < count; i++)
        kill(-children[i].pid, SIGKILL);
    for (int left = count; left > 0;) {
        struct epoll_event events[256];
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int j = 0; j < ready; j++) {
            struct child *child = &children[events[j].data.u64];
            siginfo_t info;
            info.si_pid = 0;
            /* The pipes end a little before the process. */
            if (child->pid == 0 || waitid(P_PIDFD, child->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
                continue;
            close(child->pidfd);
            close(child->out);
            close(child->error);
            child->pid = 0;
            left--;
        }
    }
    double reaped = (now() - begun) / count;
    kill(writer.pid, SIGKILL);
    printf("%.3f %.1f %.2f %.3f %.3f\n", spawned, bytes, descriptors, took[lines / 2], reaped);
    return 0;
}
