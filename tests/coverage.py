#!/usr/bin/env python3
"""Measures coverage and fails below its limits: `tests/coverage.py [core] [adapters]`, both by default.

core      all lines and branches, reached by the search and the seeds of the fuzz targets
adapters  90 % of the lines of each, reached by all tests and the processes they start

Wants cargo-llvm-cov, and `LLVM_COV` and `LLVM_PROFDATA` where they are not called as below.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = {"LLVM_COV": "/usr/bin/llvm-cov-22", "LLVM_PROFDATA": "/usr/bin/llvm-profdata-22"}
ADAPTERS = ["driver", "unix", "terminal", "mio", "tokio", "record", "sim", "cli"]
# The one runs in a process that is killed, the other before an exec, which forgets what has run.
LEAVES_NO_PROFILE = ["adapters/unix/src/guardian/hunt.rs", "adapters/unix/src/sys/spawn/start.rs"]
STATES = ["3000", "2000"]
LEAST = 90.0


def core():
    # Branches are counted by an option of the compiler that is not stable yet. What is inlined before
    # it is counted would seem never to run.
    env = environment("core", RUSTC_BOOTSTRAP="1", RUSTFLAGS="-Zinline-mir=no",
                      CARGO_PROFILE_RELEASE_LTO="off")
    run(env, "llvm-cov", "clean", "--workspace")
    run(env, "llvm-cov", "run", "--no-report", "--branch", "--release", "--locked",
        "-p", "childminder-tests", "--example", "search", "--", *STATES)
    run(env, "llvm-cov", "test", "--no-report", "--branch", "--release", "--locked", "--quiet",
        "-p", "childminder-tests", "--test", "seeds")
    files = report(env, "--branch", "--release", "-p", "childminder")
    missed = [where for path, file in files for where in not_reached(path, file)]
    counted = sum(file["summary"]["branches"]["count"] for _, file in files)
    lines, share = covered(files)
    print(f"core: {share:.1f} % of {lines} lines, {counted} branches, {len(missed)} not reached")
    for where in missed:
        print(f"  not reached: {where}")
    return counted > 0 and share == 100.0 and not missed


def adapters():
    env = environment("adapters")
    run(env, "llvm-cov", "clean", "--workspace")
    shown = subprocess.run(["cargo", "llvm-cov", "show-env"], env=env, cwd=ROOT, check=True,
                           stdout=subprocess.PIPE, text=True).stdout
    env |= dict(line.replace("'", "").split("=", 1) for line in shown.splitlines() if "=" in line)
    run(env, "build", "--workspace", "--examples", "--locked")
    # What only the core is tested by adds nothing here, and is slow when it is measured.
    env |= {"PROPTEST_CASES": "16"}
    run(env, "test", "--workspace", "--tests", "--locked", "--quiet",
        "--", "--skip", "a_search_comes_to_an_end", "--skip", "whichever_call_fails", "--skip", "no_storm_of_stops")
    by_crate = collections.defaultdict(list)
    for path, file in report(env, "--workspace"):
        if str(path) not in LEAVES_NO_PROFILE:
            by_crate[path.parts[1]].append((path, file))
    enough = True
    for name in ADAPTERS:
        lines, share = covered(by_crate[name])
        print(f"adapters/{name}: {share:.1f} % of {lines} lines")
        if share < LEAST:
            enough = False
            for path, file in by_crate[name]:
                print(f"  {path}: {file['summary']['lines']['percent']:.1f} %")
    return enough


def environment(part, **more):
    return TOOLS | os.environ | more | {"CARGO_TARGET_DIR": str(ROOT / "target/coverage" / part)}


def run(env, *args):
    subprocess.run(["cargo", *args], env=env, cwd=ROOT, check=True)


def report(env, *args):
    """The files of the workspace, by their paths in it."""
    # A process that is killed while it writes its profile leaves one that cannot be read.
    command = ["cargo", "llvm-cov", "report", "--json", "--failure-mode", "all", *args]
    said = subprocess.run(command, env=env, cwd=ROOT, check=True, stdout=subprocess.PIPE,
                          text=True).stdout
    files = json.loads(said)["data"][0]["files"]
    return [(pathlib.Path(file["filename"]).relative_to(ROOT), file) for file in files]


def covered(files):
    """How many lines there are, and the share of them that was reached."""
    lines = [file["summary"]["lines"] for _, file in files]
    count = sum(line["count"] for line in lines)
    return count, 100.0 * sum(line["covered"] for line in lines) / max(count, 1)


def not_reached(path, file):
    # A function with several instances has each of its branches once for each.
    sides = collections.defaultdict(lambda: [0, 0])
    for branch in file["branches"]:
        line, column, _, _, true, false = branch[:6]
        sides[line, column][0] += true
        sides[line, column][1] += false
    for (line, column), (true, false) in sorted(sides.items()):
        for side, times in ("true", true), ("false", false):
            if times == 0:
                yield f"{path}:{line}:{column} never {side}"
    lines = file["summary"]["lines"]
    if lines["covered"] == lines["count"]:
        return
    for line, column, times, has_count, is_entry, *_ in file["segments"]:
        if has_count and is_entry and times == 0:
            yield f"{path}:{line}:{column}"


if __name__ == "__main__":
    parts = {"core": core, "adapters": adapters}
    chosen = sys.argv[1:] or list(parts)
    if not set(chosen) <= set(parts):
        sys.exit(__doc__)
    sys.exit(not all([parts[name]() for name in chosen]))
