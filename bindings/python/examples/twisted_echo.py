"""An echo server and its client over TLS, with Twisted.

twisted_echo.py serve CHAIN.pem KEY.pem PORT          (port 0: any; it is printed)
twisted_echo.py ask HOST PORT CA.pem MESSAGE          (the server's certificate must be for HOST)
"""

import sys
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ServerEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import react
from twisted.protocols.tls import TLSMemoryBIOFactory

from tlsbio.twisted import ClientOptions, ServerOptions


class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


class Ask(Protocol):
    def __init__(self, message):
        self.message, self.answer = message, b""
        self.done = Deferred()

    def connectionMade(self):
        self.transport.write(self.message)

    def dataReceived(self, data):
        self.answer += data
        if len(self.answer) == len(self.message):
            print(self.answer.decode(), "over", self.transport.getHandle().get_protocol_version_name())
            self.transport.loseConnection()

    def connectionLost(self, reason):
        if len(self.answer) == len(self.message):
            self.done.callback(None)
        else:
            # A certificate that is not accepted, for one, is told here.
            self.done.errback(reason)


async def serve(reactor, chain, key, port):
    options = ServerOptions(Path(chain).read_bytes(), Path(key).read_bytes())
    endpoint = TCP4ServerEndpoint(reactor, int(port))
    listening = await endpoint.listen(TLSMemoryBIOFactory(options, False, Factory.forProtocol(Echo)))
    print("listening on", listening.getHost().port, flush=True)
    await Deferred()


async def ask(reactor, host, port, ca, message):
    options = ClientOptions(host, trust=Path(ca).read_bytes())
    endpoint = wrapClientTLS(options, HostnameEndpoint(reactor, host, int(port)))
    asking = await connectProtocol(endpoint, Ask(message.encode()))
    await asking.done


if __name__ == "__main__":
    commands = {("serve", 3): serve, ("ask", 4): ask}
    command = commands.get((sys.argv[1] if len(sys.argv) > 1 else "", len(sys.argv) - 2))
    if command is None:
        sys.exit(__doc__)
    react(lambda reactor: Deferred.fromCoroutine(command(reactor, *sys.argv[2:])))
