/* Writes so many bytes, in pieces, to a pipe of this size, and leaves its own CPU time in a file, in microseconds.
 *
 * source BYTES PIECE [PIPE-SIZE [FILE]]; without an end if BYTES is 0. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static char buffer[1 << 20];

int main(int argc, char **argv) {
    if (argc < 3)
        errx(2, "two arguments");
    long long left = atoll(argv[1]);
    size_t piece = atoi(argv[2]);
    int for_ever = left == 0;
    memset(buffer, 'x', sizeof buffer);
    for (size_t i = 63; i < sizeof buffer; i += 64)
        buffer[i] = '\n';
    if (argc > 3 && fcntl(1, F_SETPIPE_SZ, atoi(argv[3])) < 0)
        err(1, "F_SETPIPE_SZ");
    while (for_ever || left > 0) {
        ssize_t written = write(1, buffer, piece);
        if (written < 0)
            return 1;
        left -= written;
    }
    if (argc > 4) {
        FILE *file = fopen(argv[4], "w");
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        if (!file)
            err(1, "%s", argv[4]);
        struct timeval user = usage.ru_utime, system = usage.ru_stime;
        fprintf(file, "%lld\n", (user.tv_sec + system.tv_sec) * 1000000LL + user.tv_usec + system.tv_usec);
        fclose(file);
    }
    return 0;
}
