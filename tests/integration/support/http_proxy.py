"""A small HTTP proxy: CONNECT tunnels, and plain requests by their whole URL. It knows names that no name server knows."""
import re
import socket
import threading


class Asked:
    def __init__(self, head):
        self.head = head
        self.line = head.split(b"\r\n", 1)[0].decode("latin-1")
        self.method, self.target, _ = self.line.split(" ")
        self.fields = [line.split(":", 1) for line in head.decode("latin-1").split("\r\n")[1:] if line]

    def header(self, name):
        values = [value.strip() for key, value in self.fields if key.lower() == name.lower()]
        return values[0] if values else None


class HttpProxy:
    """`places`: {"host:port": (address, port)}. `refusal`: bytes that CONNECT and plain requests are answered with instead."""

    def __init__(self, places):
        self.places = places
        self.refusal = None
        self.asked = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, user=""):
        return f"http://{user}{'@' if user else ''}127.0.0.1:{self.port}"

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            buffer = b""
            while b"\r\n\r\n" not in buffer:
                data = client.recv(65536)
                if not data:
                    return
                buffer += data
            head, rest = buffer.split(b"\r\n\r\n", 1)
            asked = Asked(head)
            self.asked.append(asked)
            if self.refusal is not None:
                client.sendall(self.refusal)
                return
            if asked.method == "CONNECT":
                place, first = asked.target, rest
            else:
                place, path = re.fullmatch(r"http://([^/]+)(/.*)", asked.target).groups()
                first = head.replace(asked.target.encode(), path.encode(), 1) + b"\r\n\r\n" + rest
            with socket.create_connection(self.places[place]) as server:
                if asked.method == "CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connection established\r\nvia: 1.1 test\r\n\r\n")
                server.sendall(first)
                back = threading.Thread(target=pipe, args=(server, client), daemon=True)
                back.start()
                pipe(client, server)
                back.join()


def pipe(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
