/* What many idle children cost whoever waits for them with epoll.
 *
 * scale PROGRAM COUNT LINES
 *
 * Prints, for each: the microseconds of its spawn, the bytes resident in this process, the descriptors; then the
 * microseconds in which a line of one more child is taken in; then those in which each is killed and reaped. */
#include "child.h"
#include <poll.h>

static double resident(void) {
    char line[256];
    double kibibytes = -1;
    /* That of `statm` is rounded by some hundred pages. */
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Rss: %lf", &kibibytes) == 1)
            break;
    fclose(file);
    return kibibytes * 1024;
}

static int first_free(void) {
    int fd = dup(0);
    close(fd);
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 4)
        errx(2, "three arguments");
    int count = atoi(argv[2]), lines = atoi(argv[3]);
    char *sleeper[] = {argv[1], "sleep", NULL};
    keep_places();
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct child *children = malloc(count * sizeof *children);

    /* The line of nobody: what is measured is how it is taken in. */
    int line[2];
    if (pipe2(line, O_CLOEXEC) < 0)
        err(1, "pipe2");
    watch(epoll, line[0], count);
    int first = first_free();
    double before = resident();
    double begun = now();
    for (int i = 0; i < count; i++) {
        children[i] = spawn_child(sleeper, 1, 0);
        watch(epoll, children[i].out, i);
        watch(epoll, children[i].error, i);
        watch(epoll, children[i].pidfd, i);
    }
    double spawned = (now() - begun) / count;
    double bytes = (resident() - before) / count;
    double descriptors = (double)(first_free() - first) / count;

    double *took = calloc(lines, sizeof *took);
    for (int i = 0; i < lines; i++) {
        char buffer[64];
        struct epoll_event events[8];
        struct pollfd outer = {.fd = epoll, .events = POLLIN};
        if (write(line[1], "a line\n", 7) != 7 || poll(&outer, 1, -1) != 1)
            err(1, "write");
        double start = now();
        if (epoll_wait(epoll, events, 8, 0) != 1 || read(line[0], buffer, sizeof buffer) != 7)
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
            siginfo_t info = {0};
            /* The pipes end a little before the process. */
            if (!child->pid || waitid(P_PIDFD, child->pidfd, &info, WEXITED | WNOHANG) < 0 || !info.si_pid)
                continue;
            close(child->pidfd);
            close(child->out);
            close(child->error);
            child->pid = 0;
            left--;
        }
    }
    double reaped = (now() - begun) / count;
    printf("%.3f %.1f %.2f %.3f %.3f\n", spawned, bytes, descriptors, took[lines / 2], reaped);
    return 0;
}
