/* Reads until the end from a pipe of this size, and prints in how many seconds the bytes came.
 *
 * sink PIPE-SIZE */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 20];

int main(int argc, char **argv) {
    struct timespec first = {0}, last;
    ssize_t got;
    if (argc != 2 || fcntl(0, F_SETPIPE_SZ, atoi(argv[1])) < 0)
        err(1, "F_SETPIPE_SZ");
    while ((got = read(0, buffer, sizeof buffer)) > 0)
        if (!first.tv_sec)
            clock_gettime(CLOCK_MONOTONIC, &first);
    clock_gettime(CLOCK_MONOTONIC, &last);
    printf("%.9f\n", last.tv_sec - first.tv_sec + (last.tv_nsec - first.tv_nsec) / 1e9);
    return got < 0;
}
