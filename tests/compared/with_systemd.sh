#!/bin/sh
# with_systemd.sh COMMAND [ARGUMENT]...: runs it beside a service manager of its own (`systemd --user`), for a machine
# that has not been booted with systemd, as root. Both live in namespaces and a cgroup that end with the command.
set -eu
cgroup=$(findmnt --noheadings --types cgroup2 --output TARGET | head -n 1)/compared-$$
mkdir "$cgroup"
status=0
# shellcheck disable=SC2016
sh -c '
    echo $$ > "$0/cgroup.procs"
    exec unshare --pid --fork --mount-proc --mount --cgroup sh -euc "
        mount -t tmpfs none /run
        mkdir -p /run/systemd/system
        umount --recursive /sys/fs/cgroup
        mount -t cgroup2 none /sys/fs/cgroup
        export XDG_RUNTIME_DIR=/run
        /lib/systemd/systemd --user > /run/log 2>&1 &
        until systemctl --user list-jobs > /dev/null 2>&1; do sleep 0.1; done
        \"\$@\"
    " sh "$@"
' "$cgroup" "$@" || status=$?
# The kernel may not have taken the last process out of it yet.
find "$cgroup" -depth -type d -exec sh -c 'until rmdir "$1" 2> /dev/null; do sleep 0.1; done' sh {} \;
exit $status
