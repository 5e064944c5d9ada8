"""A second of silence for a command, by what a Buildbot worker runs commands with."""

import os

from buildbot_worker.runprocess import RunProcess
from twisted.internet import reactor


def tell(updates):
    for what, text in updates:
        print(what, text, flush=True)


run = RunProcess(["sh", "hangs.sh"], os.getcwd(), "utf-8", tell, timeout=1, logEnviron=False)
run.start().addBoth(lambda _: reactor.stop())
reactor.run()
