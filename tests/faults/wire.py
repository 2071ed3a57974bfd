"""A TCP proxy of the test's own, which can be slow, silent, or break connections in their middle."""

import selectors
import socket
import threading
import time


class Wire:
    """Carries connections to a port of this machine, as `mode` says at the moment.

    pass: at once.  slow: in pieces of `piece` bytes with `pause` seconds between them.
    silent: connections are taken and kept, and nothing goes through, then or ever.  cut: after `piece` bytes
    towards the caller the connection is reset.
    """

    def __init__(self, port):
        self.to = port
        self.mode, self.piece, self.pause = "pass", 1 << 16, 0.0
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.closed = False
        threading.Thread(target=self.accept, daemon=True).start()

    def set(self, mode, piece=1 << 16, pause=0.0):
        self.piece, self.pause = piece, pause
        self.mode = mode

    def close(self):
        self.closed = True
        self.listener.close()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        try:
            far = socket.create_connection(("127.0.0.1", self.to), timeout=5)
        except OSError:
            near.close()
            return
        went, lost = 0, False
        with near, far, selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while ready.get_map() and not self.closed:
                found = ready.select(timeout=0.1)
                lost |= self.mode == "silent"
                if lost:
                    # What has come stays where it is: neither end hears of the other any more.
                    time.sleep(0.05)
                    continue
                for key, _ in found:
                    mode = self.mode
                    try:
                        data = key.fileobj.recv(self.piece if mode == "slow" else 1 << 16)
                        if data:
                            key.data.sendall(data)
                        else:
                            ready.unregister(key.fileobj)
                            key.data.shutdown(socket.SHUT_WR)
                    except OSError:
                        return
                    if mode == "slow":
                        time.sleep(self.pause)
                    if key.fileobj is far:
                        went += len(data)
                    if mode == "cut" and went >= self.piece:
                        self.cuts += 1
                        return
