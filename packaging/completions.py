#!/usr/bin/env python3
"""Types at bash, zsh and fish what people would, with a Tab at the end, and looks at what becomes of it.

usage: packaging/completions.py SHARE, where SHARE is what `--example manual` has written
"""

import os
import pty
import select
import subprocess
import sys
import time

# What is typed, and what it becomes. `forge` is a command with completions of its own.
EXPECTED = [
    ("childminder repl", "childminder replay"),
    ("childminder run --first", "childminder run --first-output"),
    ("childminder run --wall 5 --swe", "childminder run --wall 5 --sweep"),
    ("childminder run --sweep al", "childminder run --sweep always"),
    ("childminder run -s TER", "childminder run -s TERM"),
    ("childminder run --chdir /pro", "childminder run --chdir /proc/"),
    ("childminder replay /pro", "childminder replay /proc/"),
    ("childminder timeout --kill", "childminder timeout --kill-after"),
    ("childminder run forge ham", "childminder run forge hammer"),
    ("childminder run -q -- forge ham", "childminder run -q -- forge hammer"),
    ("childminder run --wall 5 -s INT forge ham", "childminder run --wall 5 -s INT forge hammer"),
    ("childminder run --wall=5 forge ham", "childminder run --wall=5 forge hammer"),
    ("childminder run --ladder INT:5s,KILL forge ham", "childminder run --ladder INT:5s,KILL forge hammer"),
    ("childminder timeout -k 5 10 forge ham", "childminder timeout -k 5 10 forge hammer"),
]

# Commands themselves, which fish completes at a terminal alone.
COMMANDS = [
    ("childminder run whoa", "childminder run whoami"),
    ("childminder timeout 10 whoa", "childminder timeout 10 whoami"),
]

# What is no option of ours: it stands behind the command, or in its place.
UNCHANGED = ["childminder run forge --wal", "childminder timeout 10 forge --kil"]

SETUP = {
    "bash": (
        ["bash", "--norc", "-i"],
        "source /usr/share/bash-completion/bash_completion; source {share}/bash-completion/completions/childminder\n"
        "complete -W hammer forge\n",
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        "fpath=({share}/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D\n"
        "_forge() {{ compadd hammer }}; compdef _forge forge\n",
    ),
}

PATIENCE = 30


class Shell:
    def __init__(self, words, setup):
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.environ.update(TERM="dumb", PS1="> ")
            os.execvp(words[0], words)
        self.type(setup + "echo set''up\n")
        self.expect("setup")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def expect(self, text):
        """Whether this is shown in time; and what is."""
        shown, end = "", time.monotonic() + PATIENCE
        while text not in shown and time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.1)[0]:
                shown += os.read(self.terminal, 65536).decode(errors="replace")
        return text in shown, shown

    def complete(self, line):
        """What the shell makes of the line and a Tab: it is printed, with marks around it, when it is entered."""
        self.type(f"{line}\t")
        # Only what is behind the completion is seen there: what is typed waits for it.
        self.type("@\x01echo '<\x05>'\n")
        _, shown = self.expect("@>\r\n")
        return shown.rpartition("\n<")[2].partition("@>")[0].strip()

    def end(self):
        os.close(self.terminal)
        os.waitpid(self.process, 0)


def by_terminal(shell, share):
    words, setup = SETUP[shell]
    session = Shell(words, setup.format(share=share))
    for line, _ in EXPECTED + COMMANDS + [(line, line) for line in UNCHANGED]:
        yield line, session.complete(line)
    session.end()


def by_fish(share):
    """fish tells what could stand for the last word."""
    for line, _ in EXPECTED + [(line, line) for line in UNCHANGED]:
        script = f"source {share}/fish/vendor_completions.d/childminder.fish; complete -c forge -xa hammer; complete -C '{line}'"
        said = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True)
        if said.stderr:
            sys.exit(f"fish: {line}: {said.stderr}")
        choices = sorted({choice.split("\t")[0] for choice in said.stdout.splitlines()})
        before = line.rpartition(" ")[0]
        yield line, f"{before} {choices[0]}" if choices else line


def main(share):
    wrong = 0
    for shell in ["bash", "zsh", "fish"]:
        results = by_fish(share) if shell == "fish" else by_terminal(shell, share)
        expected = dict(EXPECTED + COMMANDS)
        count = 0
        for line, became in results:
            right = expected.get(line, line)
            count += 1
            if became.rstrip("=") != right:
                print(f"{shell}: {line!r} became {became!r}, and not {right!r}")
                wrong += 1
        print(f"{shell}: {count} lines")
    return wrong > 0


sys.exit(main(os.path.abspath(sys.argv[1])))
