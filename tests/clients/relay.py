"""A proxy that ends TLS in front of a service that speaks plain http, as many sites run one."""

import pathlib
import socket
import ssl
import threading

TLS = pathlib.Path(__file__).resolve().parents[1] / "data/tls"
AUTHORITY = str(TLS / "ca.pem")


class Relay:
    """Listens on a free port of 127.0.0.1 until it is closed; each connection has its two threads."""

    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(TLS / "server.pem", TLS / "server-key.pem")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.heads = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            client = self.context.wrap_socket(connection, server_side=True)
        except (ssl.SSLError, OSError):
            return
        server = socket.create_connection(self.target)
        threading.Thread(target=self.copy, args=(server, client, None), daemon=True).start()
        self.copy(client, server, self.heads)

    @staticmethod
    def copy(source, to, heads):
        try:
            while data := source.recv(65536):
                if heads is not None and b" HTTP/1.1\r\n" in data:
                    heads.append(data.split(b"\r\n\r\n")[0].decode().lower())
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            to.close()

    def close(self):
        self.listener.close()
