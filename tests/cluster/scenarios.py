#!/usr/bin/env python3
"""childminder as the wrapper of Slurm's tasks: each scenario runs a job in a cluster of two nodes, and checks what is told of it
and that no process is left on either node. `tests/cluster/scenarios.py [NAME...]` runs those whose names contain one of these words.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

import cluster as slurm
from cluster import HOME, NODES, output, run, wait_until

GUIDE = slurm.HERE.parent.parent / "docs/clusters.md"


def main():
    slurm.enter()
    cluster = slurm.Cluster()
    limit = TimeLimit(cluster)
    # What has its daemon killed, Slurm does not end in time; so that comes last.
    scenarios = [*SCENARIOS, limit.a_time_limit_leaves_the_ladder_its_time, a_step_outlives_slurms_daemon]
    failed = 0
    for scenario in scenarios:
        if sys.argv[1:] and not any(word in scenario.__name__ for word in sys.argv[1:]):
            continue
        began = time.monotonic()
        try:
            scenario(cluster)
            wait_until("no process is left on either node", lambda: not left_over(cluster, limit), seconds=15)
            verdict = "ok"
        except Exception as error:  # One that fails does not keep the others from being tried.
            failed += 1
            verdict = f"FAILED: {type(error).__name__}: {error}\nleft over: {left_over(cluster, limit)}"
        print(f"{scenario.__name__.replace('_', ' ')}: {verdict} ({time.monotonic() - began:.1f} s)", flush=True)
    if failed:
        print("".join((slurm.RUN / "slurmctld.log").read_text(errors="replace").splitlines(True)[-40:]))
    sys.exit(failed > 0)


class Step:
    """A job of one step, whose every rank is a script under childminder, in a directory of its own."""

    def __init__(self, cluster, script, *options, ranks=2, minding=("--idle", "60s"), ladder="TERM:1s,KILL"):
        self.cluster = cluster
        self.place = new_place()
        (self.place / "task").write_text(f"#!/bin/sh\n{script}\n")
        (self.place / "task").chmod(0o755)
        name = "r/{SLURM_JOB_ID}.{SLURM_PROCID}"
        self.srun = cluster.start(
            *["srun", "--nodes=2", f"--ntasks={ranks}", "--distribution=cyclic", *options],
            *["childminder", "run", "--ladder", ladder, *minding],
            *["--report", f"{name}.json", "--record", f"{name}.jsonl", "--", "./task"],
            cwd=self.place, stdout=subprocess.PIPE)
        self.ranks = ranks

    def begun(self):
        """Waits until every rank has said so, by a file."""
        wait_until("all ranks have begun", lambda: len(list(self.place.glob("begun.*"))) == self.ranks)
        return self

    def job(self):
        """Its number."""
        return next((self.place / "r").glob("*.jsonl")).name.split(".")[0]

    def signal_childminder(self, node, number):
        mark = f"SLURM_JOB_ID={self.job()}"
        for process, words in self.cluster.processes(node).items():
            if "childminder run" in words and mark in environment(process):
                os.kill(process, number)

    def ended(self):
        """Waits for srun. Returns its status and what it and the tasks said on standard error."""
        _, said = self.srun.communicate(timeout=90)
        return self.srun.returncode, said

    def reports(self):
        """By rank."""
        return {rank_of(path): json.loads(path.read_text()) for path in (self.place / "r").glob("*.json")}

    def check_records(self):
        """That there is one of every rank, and all replay, as far as they go; and that there is a picture of all."""
        records = sorted((self.place / "r").glob("*.jsonl"))
        said = output("childminder", "replay", *records)
        check(re.search(rf"^{self.ranks} runs, \d+ steps, 0 differences$", said, re.MULTILINE), said)
        picture = output("childminder", "timeline", *records)
        check(all(f"{record.stem} · " in picture for record in records), picture)

    def check_all_were_asked(self, by, status):
        reports = self.reports()
        check(sorted(reports) == list(range(self.ranks)), reports)
        for report in reports.values():
            check((report["asked_by"], report["status"]) == (by, status), report)
        self.check_records()

    def digest(self):
        """What `childminder report` makes of the reports."""
        return json.loads(output("childminder", "report", "--json", *(self.place / "r").glob("*.json")))


def the_hung_rank_is_ended_and_told(cluster):
    step = Step(cluster, f"""{BEGIN}
        case $SLURM_PROCID in
        5) echo waits for a lock; exec sleep 600;;
        6) trap '' INT TERM HUP;;
        7) {DAEMON} &;;
        8) {DAEMON} >/dev/null 2>&1 &;;
        esac
        {TICK}""", "--kill-on-bad-exit=1", "--label", ranks=16, minding=("--idle", "3s"))
    status, said = step.ended()
    check(status != 0 and "5: childminder: task: silent for 3s (--idle)" in said, said)
    reports = step.reports()
    check(sorted(reports) == list(range(16)), sorted(reports))
    check({report["host"] for report in reports.values()} == set(NODES), reports)
    check((reports[5]["status"], reports[5]["error"]["type"]) == (124, "idle_timeout"), reports[5])
    check(rank_of(step.digest()["first_to_fail"]["report"]) == 5, step.digest()["first_to_fail"])
    for rank in set(range(16)) - {5}:
        check(reports[rank]["asked_by"] == "SIGTERM", reports[rank])
    check(reports[6]["status"] == 137, reports[6])
    for rank in (7, 8):
        check(reports[rank]["tree"]["killed"] and not reports[rank]["tree"]["survivors"], reports[rank])
    step.check_records()
    show(said, lines=3)


def a_daemon_of_a_rank_that_ends_by_itself_is_named(cluster):
    step = Step(cluster, f"{BEGIN}; {DAEMON} >/dev/null 2>&1 & sleep 1", ranks=2)
    status, said = step.ended()
    check(status == 0 and said.count("left running: ") == 2, said)
    check(all(report["tree"]["survivors"] for report in step.reports().values()), said)
    step.check_records()
    show(said)
    # It was to stay; what no job has is nobody's to end but its user's.
    for node in NODES:
        for process, words in cluster.processes(node).items():
            if words == "sleep 600" and f"SLURM_JOB_ID={step.job()}" in environment(process):
                os.kill(process, signal.SIGKILL)


def a_cancelled_job_ends_and_tells(cluster):
    step = Step(cluster, f"{BEGIN}; {DAEMON} >/dev/null 2>&1 & exec sleep 600", ranks=16).begun()
    # With nothing else to do, a childminder sees the end of its command before Slurm comes to signal it, too.
    time.sleep(1)
    run("scancel", step.job())
    step.ended()
    step.check_all_were_asked("SIGTERM", 143)


def a_step_that_is_sent_sigterm_ends_and_tells(cluster):
    step = Step(cluster, f"{BEGIN}; {DAEMON} & {TICK}", ranks=8).begun()
    run("scancel", "--signal=TERM", f"{step.job()}.0")
    step.ended()
    step.check_all_were_asked("SIGTERM", 143)


def a_cancelled_step_is_killed_and_leaves_nothing(cluster):
    step = Step(cluster, f"{BEGIN}; {DAEMON} & {TICK}").begun()
    run("scancel", f"{step.job()}.0")
    status, said = step.ended()
    check(status == 137 and step.reports() == {}, said)


def one_node_of_a_step_can_be_cancelled(cluster):
    step = Step(cluster, f"{BEGIN}; {DAEMON} & {TICK}", "--kill-on-bad-exit=1", ranks=8).begun()
    step.signal_childminder("n2", signal.SIGTERM)
    step.ended()
    step.check_all_were_asked("SIGTERM", 143)


def another_signal_is_passed_on(cluster):
    step = Step(cluster, f"trap 'echo saves >saved.$SLURM_PROCID' USR1; {BEGIN}; {TICK}").begun()
    run("scancel", "--signal=USR1", step.job())
    wait_until("both have saved", lambda: len(list(step.place.glob("saved.*"))) == 2)
    run("scancel", "--signal=INT", step.job())
    step.ended()
    step.check_all_were_asked("SIGINT", 130)


def a_suspended_job_is_not_silent(cluster):
    for stop, go in [(["scontrol", "suspend"], ["scontrol", "resume"]),
                     (["scancel", "--signal=STOP"], ["scancel", "--signal=CONT"])]:
        # Between two words it does a lot: the first comes some time after the stop.
        step = Step(cluster, f"{BEGIN}; for i in 1 2 3; do for j in 1 2 3 4 5 6 7 8 9; do sleep 0.1; done; echo; done",
                    minding=("--idle", "2s")).begun()
        job = step.job()
        time.sleep(0.5)
        run(*stop, job)
        time.sleep(4)
        run(*go, job)
        status, said = step.ended()
        check(status == 0, said)
        step.check_records()


def a_ladder_longer_than_killwait_loses_the_report(cluster):
    step = Step(cluster, f"trap '' INT TERM HUP; {BEGIN}; {DAEMON} & {TICK}", ladder="TERM:60s,KILL").begun()
    run("scancel", step.job())
    status, said = step.ended()
    check(status == 137 and step.reports() == {}, said)
    step.check_records()


def a_killed_childminder_leaves_nothing(cluster):
    step = Step(cluster, f"trap '' INT TERM HUP; {BEGIN}; {DAEMON} & {TICK}", "--kill-on-bad-exit=1").begun()
    step.signal_childminder("n1", signal.SIGKILL)
    status, said = step.ended()
    check(status == 137 and list(step.reports()) == [1], said)


def a_step_outlives_slurms_daemon(cluster):
    step = Step(cluster, f"{BEGIN}; {DAEMON} & exec sleep 600", minding=("--idle", "3s")).begun()
    daemon = int((slurm.RUN / "slurmd-n2.pid").read_text())
    enter_node = ["nsenter", f"--target={cluster.first_process('n2')}", "--all"]
    run(*enter_node, "kill", "-KILL", str(daemon))
    wait_until("both are ended", lambda: len(step.reports()) == 2)
    run(*enter_node, "slurmd", "-N", "n2")
    step.ended()
    check({report["status"] for report in step.reports().values()} == {124}, step.reports())


def inside_slurm_a_cgroup_or_a_group_will_do(cluster):
    step = Step(cluster, f"{BEGIN}; {DAEMON} & exec sleep 600", minding=("--cgroup", "--wall", "1s"))
    status, said = step.ended()
    check(status == 124, said)
    mechanisms = {report["tree"]["mechanism"] for report in step.reports().values()}
    print(f"    here it is a {' and a '.join(mechanisms)}")
    step.check_records()


def the_guides_commands_run(cluster):
    place = new_place()
    (place / "task").write_text(f"""#!/bin/sh
        if [ "$SLURM_PROCID" = 5 ]; then exec sleep 600; fi
        i=0; while [ $i -lt 40 ]; do i=$((i + 1)); echo step $i; sleep 0.2; done\n""")
    (place / "task").chmod(0o755)
    blocks = re.findall(r"^```bash[^\n]*\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    check(len(blocks) >= 5, blocks)
    for block in blocks:
        bash = cluster.start("bash", "-euc", block, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = bash.communicate(timeout=90)
        check(bash.returncode == 0, f"{block}\n{said}")
        show(said, lines=6)
    reports = list((place / "r").glob("*.json"))
    check(len(reports) >= 16, reports)


class TimeLimit:
    """A job that runs into its time limit while the others run: Slurm looks every half a minute."""

    def __init__(self, cluster):
        self.step = Step(cluster, f"""trap 'sleep 1; echo saved; exit 3' TERM; {BEGIN}; {DAEMON} & {TICK}""",
                         "--time=1", ladder="TERM:3s,KILL").begun()
        run("scontrol", "update", f"JobId={self.step.job()}", f"EndTime={time.strftime('%FT%T')}")

    def a_time_limit_leaves_the_ladder_its_time(self, _):
        status, said = self.step.ended()
        check("DUE TO TIME LIMIT" in said, said)
        self.step.check_all_were_asked("SIGTERM", 3)
        show(said, lines=3)

    def has(self, process):
        """Whether it runs, and this is of it. A guardian shows no environment, but its parent does."""
        mark = f"SLURM_JOB_ID={self.step.job()}"
        is_of_it = any(mark in environment(process) for process in (process, parent(process)))
        return self.step.srun.poll() is None and is_of_it


SCENARIOS = [
    the_hung_rank_is_ended_and_told,
    a_daemon_of_a_rank_that_ends_by_itself_is_named,
    a_cancelled_job_ends_and_tells,
    a_step_that_is_sent_sigterm_ends_and_tells,
    a_cancelled_step_is_killed_and_leaves_nothing,
    one_node_of_a_step_can_be_cancelled,
    another_signal_is_passed_on,
    a_suspended_job_is_not_silent,
    a_ladder_longer_than_killwait_loses_the_report,
    a_killed_childminder_leaves_nothing,
    inside_slurm_a_cgroup_or_a_group_will_do,
    the_guides_commands_run,
]


def left_over(cluster, limit):
    """What runs on the nodes and is not of the job that waits for its time limit."""
    processes = {id: words for node in NODES for id, words in cluster.processes(node).items()}
    steps = {f"slurmstepd: [{limit.step.job()}.0]"}
    return {id: words for id, words in processes.items() if words not in steps and not limit.has(id)}


def environment(process):
    try:
        with open(f"/proc/{process}/environ", encoding="utf-8", errors="replace") as file:
            return file.read().split("\0")
    except OSError:
        return []


def parent(process):
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def new_place():
    place = HOME / f"place{len(list(HOME.iterdir()))}"
    place.mkdir()
    (place / "r").mkdir()
    for directory in (place, place / "r"):
        os.chown(directory, slurm.USER, slurm.USER)
    return place


def rank_of(report):
    return int(str(report).rsplit(".", 2)[1])


def check(is_so, shown):
    if not is_so:
        raise AssertionError(shown)


def show(said, lines=1):
    print("".join(f"    {line}\n" for line in said.splitlines()[:lines]), end="", flush=True)


# It has left the group, the session and its parent, and ignores what asks it to end.
DAEMON = "setsid sh -c \"trap '' INT TERM HUP; (exec sleep 600) & exit\""
BEGIN = ": >begun.$SLURM_PROCID; echo begins"
TICK = "while :; do echo tick; sleep 0.2; done"

if __name__ == "__main__":
    main()
