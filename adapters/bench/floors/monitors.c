/* The least that somebody does who watches for silence: a moment is kept for each of many.
 *
 * monitors COUNT TIMES
 *
 * Prints the nanoseconds that it takes each time: with the time at hand, and with a reading of the clock. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* As large as a state machine might be. */
struct monitor {
    volatile uint64_t last;
    char rest[56];
};

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    int count = atoi(argv[1]), times = atoi(argv[2]);
    struct monitor *monitors = calloc(count, sizeof *monitors);
    uint64_t time = now(), begun = now();
    for (int turn = 0; turn < times; turn++)
        for (int i = 0; i < count; i++)
            monitors[i].last = time += 1000;
    double cached = now() - begun;
    begun = now();
    for (int turn = 0; turn < times; turn++)
        for (int i = 0; i < count; i++)
            monitors[i].last = now();
    double read = now() - begun;
    double all = (double)count * times;
    printf("%.3f %.3f\n", cached / all, read / all);
    return 0;
}
