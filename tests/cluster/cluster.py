#!/usr/bin/env python3
"""Runs a command in a Slurm cluster of its own: a controller and two nodes on this machine, for as long as it takes.

    tests/cluster/cluster.py bash

The cluster has its own processes, network, names and `/run`, in namespaces: it disturbs no other munge or Slurm, and with the
command all of it is gone. Each node is a namespace of processes again, with a name of its own, as a machine would
have. The command runs as an ordinary user, `alice`; her home is on both nodes. Wants Debian's `slurm-wlm`, `munge` and
`iproute2`, and root.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHILDMINDER = HERE.parent.parent / "target/debug/childminder"
RUN = Path("/run/slurm")
PROGRAMS = Path("/run/programs")
HOME = Path("/run/home")
NODES = ["n1", "n2"]
USER = 20001
PROGRAMS_USED = ["slurmctld", "slurmd", "srun", "munged", "ip"]
NAMESPACES = ["--fork", "--kill-child", "--pid", "--mount", "--mount-proc", "--uts"]


def main():
    if sys.argv[1:2] == ["--node"]:
        be_node(sys.argv[2])
    enter()
    cluster = Cluster()
    sys.exit(cluster.start(*(sys.argv[1:] or ["bash"]), stderr=None).wait())


def enter():
    """Goes on in namespaces of its own, as their first process: what it leaves behind dies with it."""
    if os.getpid() != 1:
        missing = [program for program in PROGRAMS_USED if shutil.which(program) is None]
        if missing:
            sys.exit(f"not found: {', '.join(missing)}; apt-get install slurm-wlm munge iproute2")
        os.execvp("unshare", ["unshare", *NAMESPACES, "--ipc", "--net", sys.executable, *sys.argv])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


class Cluster:
    """It is up once it is made."""

    def __init__(self):
        make_ground()
        os.environ |= {"SLURM_CONF": str(RUN / "slurm.conf"), "HOME": str(HOME), "USER": "alice"}
        os.environ["PATH"] = f"{PROGRAMS}:{os.environ['PATH']}"
        files = [f"--{name}-file={RUN}/munge.{name}" for name in ["key", "seed", "log", "pid"]]
        daemon("munged", "--foreground", "--force", "--num-threads=10", *files)
        wait_until("munge answers", lambda: succeeds("munge", "--no-input"))
        daemon("slurmctld", "-D", "-i")
        for node in NODES:
            daemon("unshare", *NAMESPACES, sys.executable, str(Path(__file__)), "--node", node)
        wait_until("both nodes are idle", lambda: states() == ["idle"] * len(NODES))

    def start(self, *command, **options):
        """Starts it as the user, by default in her home."""
        pipe = subprocess.PIPE
        options = {"cwd": HOME, "stderr": pipe, "text": True, "errors": "replace"} | options
        return subprocess.Popen(command, user=USER, group=USER, extra_groups=[], **options)

    def processes(self, node):
        """The processes of the node, by their ids: all but its first one and Slurm's daemon."""
        space = os.readlink(f"/proc/{self.first_process(node)}/ns/pid")
        found = {}
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                words = (directory / "cmdline").read_text(errors="replace").split("\0")
                if os.readlink(directory / "ns/pid") == space and (directory / "exe").exists():
                    found[int(directory.name)] = " ".join(words).strip()
            except OSError:
                pass
        is_own = lambda words: "--node" in words or words.split(" ")[0].endswith("slurmd")
        return {id: words for id, words in found.items() if not is_own(words)}

    def first_process(self, node):
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                words = (directory / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[-3:-1] == [b"--node", node.encode()] and b"unshare" not in words[0]:
                return int(directory.name)
        raise LookupError(f"{node} is down")


def make_ground():
    """What the daemons and the user write to, and the names of machines and users, where only we see them."""
    socket.sethostname("head")
    run("mount", "-t", "tmpfs", "-o", "mode=755", "none", "/run")
    run("ip", "link", "set", "lo", "up")
    # With no address but 127.0.0.1, the C library finds no address for any name.
    run("ip", "address", "add", "10.0.0.1/32", "dev", "lo")
    spools = [RUN / f"spool-{node}" for node in NODES]
    for directory in [RUN, RUN / "state", *spools, PROGRAMS, HOME, Path("/run/munge")]:
        directory.mkdir(mode=0o755)
    os.chown(HOME, USER, USER)
    shutil.copy(HERE / "slurm.conf", RUN)
    shutil.copy(CHILDMINDER, PROGRAMS)
    key = RUN / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    add_line("/etc/hosts", f"127.0.0.1 head {' '.join(NODES)}")
    add_line("/etc/passwd", f"alice:x:{USER}:{USER}::{HOME}:/bin/sh")


def add_line(file, line):
    ours = RUN / Path(file).name
    ours.write_text(f"{Path(file).read_text()}{line}\n")
    run("mount", "--bind", str(ours), file)


def be_node(name):
    """A node's first process: what loses its parent is reaped here."""
    socket.sethostname(name)
    run("slurmd", "-N", name)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            # Slurm's daemon has died, too.
            time.sleep(0.1)


def daemon(*command):
    with open(RUN / "daemons.log", "ab") as log:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def states():
    return output("sinfo", "-h", "-N", "-o", "%T").split()


def run(*command):
    subprocess.run(command, check=True)


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def succeeds(*command):
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def wait_until(what, is_so, seconds=90):
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"not after {seconds} seconds: {what}")
        time.sleep(0.02)


if __name__ == "__main__":
    main()
