/* What the kernel takes to spawn a child with two pipes, see it end, and reap it.
 *
 * spawn clone|fork PROGRAM COUNT DESCRIPTORS MEBIBYTES SESSION
 *
 * Prints the microseconds that each took. */
#include "child.h"
#include <errno.h>

char *memory;

static void mind(int epoll, char **program, int shares, int session) {
    struct child child = spawn_child(program, shares, session);
    watch(epoll, child.out, child.out);
    watch(epoll, child.error, child.error);
    watch(epoll, child.pidfd, child.pidfd);
    for (int open = 3; open > 0;) {
        struct epoll_event events[3];
        int count = epoll_wait(epoll, events, 3, -1);
        if (count < 0 && errno != EINTR)
            err(1, "epoll_wait");
        for (int i = 0; i < count; i++) {
            static char buffer[64 * 1024];
            int fd = events[i].data.u64;
            siginfo_t info;
            if (fd != child.pidfd && read(fd, buffer, sizeof buffer) > 0)
                continue;
            if (fd == child.pidfd) {
                if (waitid(P_PIDFD, fd, &info, WEXITED) < 0)
                    err(1, "waitid");
                if (info.si_code != CLD_EXITED || info.si_status != 0)
                    errx(1, "the child has failed: %d", info.si_status);
            }
            close(fd);
            open--;
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 7)
        errx(2, "six arguments");
    int shares = !strcmp(argv[1], "clone");
    char *program[] = {argv[2], NULL};
    int count = atoi(argv[3]), descriptors = atoi(argv[4]);
    size_t bytes = (size_t)atoi(argv[5]) << 20;
    int session = atoi(argv[6]);
    keep_places();
    for (int i = 0; i < descriptors; i++)
        if (fcntl(job.placeholder, F_DUPFD_CLOEXEC, AFTER_PLACES) < 0)
            err(1, "fcntl");
    if (bytes) {
        /* As if it had come in small pieces. */
        prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
        memory = malloc(bytes);
        memset(memory, 1, bytes);
    }
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count / 10 + 1; i++)
        mind(epoll, program, shares, session);
    double begun = now();
    for (int i = 0; i < count; i++)
        mind(epoll, program, shares, session);
    printf("%.3f\n", (now() - begun) / count);
    return 0;
}
