"""A second for a command, by Twisted."""

from twisted.internet import protocol, reactor


class Job(protocol.ProcessProtocol):
    def connectionMade(self):
        self.call = reactor.callLater(1, self.transport.signalProcess, "KILL")

    def outReceived(self, data):
        print("it says:", data.decode().strip(), flush=True)

    def processExited(self, reason):
        print("exited:", reason.value, flush=True)

    def processEnded(self, reason):
        print("ended", flush=True)
        if reactor.running:
            reactor.stop()


reactor.spawnProcess(Job(), "sh", ["sh", "hangs.sh"])
reactor.callLater(2, reactor.stop)
reactor.run()
