/* How late a child is dead after a deadline, with one timerfd.
 *
 * lateness PROGRAM KILLS OTHERS [FLOOD-PROGRAM]
 *
 * Prints the median and the 99th percentile in microseconds. The others are children that sleep; the flood is the
 * output of one more. */
#include "child.h"
#include <sys/timerfd.h>

enum { TIMER, EXIT, FLOOD };

int main(int argc, char **argv) {
    if (argc < 4)
        errx(2, "three arguments");
    char *program[] = {argv[1], "sleep", NULL};
    int kills = atoi(argv[2]), others = atoi(argv[3]);
    struct child flood = {0};
    keep_places();
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    watch(epoll, timer, TIMER);
    for (int i = 0; i < others; i++)
        watch(epoll, spawn_child(program, 1, 0).pidfd, EXIT);
    if (argc > 4) {
        char *source[] = {argv[4], "0", "65536", NULL};
        flood = spawn_child(source, 1, 0);
        watch(epoll, flood.out, FLOOD);
    }
    double *late = calloc(kills, sizeof *late);
    for (int i = 0; i < kills; i++) {
        struct child child = spawn_child(program, 1, 0);
        watch(epoll, child.pidfd, EXIT);
        /* At another place in a millisecond each time. */
        double due = now() + 2000 + i * 137 % 2000;
        long long nanos = due * 1000;
        struct itimerspec at = {.it_value = {nanos / 1000000000, nanos % 1000000000}};
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
        for (int alive = 1; alive;) {
            struct epoll_event events[4];
            int count = epoll_wait(epoll, events, 4, -1);
            for (int j = 0; j < count; j++) {
                static char buffer[64 * 1024];
                siginfo_t info;
                if (events[j].data.u64 == TIMER) {
                    if (read(timer, buffer, 8) == 8)
                        kill(-child.pid, SIGKILL);
                } else if (events[j].data.u64 == EXIT) {
                    waitid(P_PIDFD, child.pidfd, &info, WEXITED);
                    alive = 0;
                } else if (read(flood.out, buffer, sizeof buffer) <= 0) {
                    errx(1, "the flood has ended");
                }
            }
        }
        late[i] = now() - due;
        close(child.pidfd);
        close(child.out);
        close(child.error);
    }
    if (flood.pid) {
        kill(flood.pid, SIGKILL);
        waitpid(flood.pid, NULL, 0);
    }
    qsort(late, kills, sizeof *late, compare);
    printf("%.3f %.3f\n", late[kills / 2], late[kills * 99 / 100]);
    return 0;
}
