/* The least that a `timeout` does: it runs a command in a group of its own, for so many seconds at most.
 *
 * limit SECONDS PROGRAM [ARG...] */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3)
        return 125;
    sigset_t child, before;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before);
    struct timespec time = {.tv_sec = atoi(argv[1])};
    int status, pid = vfork();
    if (pid == 0) {
        setpgid(0, 0);
        sigprocmask(SIG_SETMASK, &before, NULL);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    if (sigtimedwait(&child, NULL, &time) < 0)
        kill(-pid, SIGTERM);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 124;
}
