"""A door with one number and several servers behind it: each connection goes to the next one of them.

For clients that keep a session for the address that it came from, and are to come to another process with it."""

import socket
import threading


class Switch:
    def __init__(self, ports):
        self.ports = list(ports)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.sockets = []
        threading.Thread(target=self._serve, daemon=True).start()

    def port(self):
        return self.listener.getsockname()[1]

    def _serve(self):
        for port in self.ports:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # Closed before all came.
            server = socket.create_connection(("127.0.0.1", port))
            self.sockets += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    def _copy(self, source, target):
        """Each direction ends for itself, as it does without a switch."""
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # One end is gone; the other one's report says what it thinks of that.

    def close(self):
        for end in [self.listener, *self.sockets]:
            end.close()
