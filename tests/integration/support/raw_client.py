"""A strict HTTP/1.1 client: every answer's framing is checked byte by byte, and what came is kept as it came."""
import json
import re
import socket
import struct
import time

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


class ProtocolError(AssertionError):
    """The server broke HTTP."""


class Answer:
    def __init__(self, status, version, headers):
        self.status = status
        self.version = version
        self.headers = headers
        self.complete = False      # its framing said that it was whole
        self.chunks = []           # (time, bytes) as received
        self.interim = []          # statuses of 1xx answers before it
        self.seconds = None

    @property
    def body(self):
        return b"".join(data for _, data in self.chunks)

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json()["error"]

    @property
    def content(self):
        return self.json()["choices"][0]["message"]["content"]

    def __repr__(self):
        heads = "\n".join(f"  {name}: {value}" for name, value in self.headers)
        return f"HTTP {self.status}\n{heads}\n  {self.body[:2000]!r}"


class Connection:
    def __init__(self, address, timeout=20.0, receive_buffer=None, tls=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        host, port = address.rsplit(":", 1)
        self.socket.connect((host.strip("[]"), int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:  # an ssl.SSLContext
            self.socket = tls.wrap_socket(self.socket, server_hostname=host.strip("[]"))
        self.address = address
        self.buffer = b""
        self.at_end = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def settimeout(self, seconds):
        self.socket.settimeout(seconds)

    def send(self, data):
        self.socket.sendall(data)
        return self

    def request(self, method, path, body=None, headers=(), host=True):
        """Sends a well-formed request."""
        if isinstance(headers, dict):
            headers = list(headers.items())
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1"]
        if host:
            lines.append(f"Host: {self.address}")
        lines += [f"{name}: {value}" for name, value in headers]
        names = {name.lower() for name, _ in headers}
        if body is not None and "content-length" not in names and "transfer-encoding" not in names:
            lines.append(f"Content-Length: {len(body)}")
        if body is not None and "content-type" not in names:
            lines.append("Content-Type: application/json")
        return self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b""))

    def close(self):
        self.socket.close()

    def finish(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # Reading.
    def more(self):
        """Receives once; False at the end of the connection."""
        if self.at_end:
            return False
        data = self.socket.recv(65536)
        if not data:
            self.at_end = True
            return False
        self.buffer += data
        return True

    def line(self, what, limit=262144):
        while b"\n" not in self.buffer:
            if len(self.buffer) > limit:
                raise ProtocolError(f"{what}: no end of line in {limit} bytes")
            if not self.more():
                raise ProtocolError(f"{what}: connection ended after {self.buffer[:200]!r}")
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r"):
            raise ProtocolError(f"{what}: line ends in a bare LF: {line!r}")
        line = line[:-1]
        if b"\r" in line or b"\0" in line:
            raise ProtocolError(f"{what}: CR or NUL in {line!r}")
        return line

    def head(self, wanted_interim=False):
        """The next head. Interim answers are noted on the final one, or returned themselves if wanted."""
        interim = []
        while True:
            first = self.line("status line")
            found = re.fullmatch(rb"HTTP/(1\.[01]) ([1-5]\d\d) ?([^\r\n]*)", first)
            if not found:
                raise ProtocolError(f"status line {first!r}")
            headers = []
            while True:
                line = self.line("header")
                if not line:
                    break
                name, colon, value = line.partition(b":")
                if not colon or not TOKEN.match(name):
                    raise ProtocolError(f"header {line!r}")
                headers.append((name.decode(), value.strip(b" \t").decode("utf-8", "surrogateescape")))
            answer = Answer(int(found.group(2)), found.group(1).decode(), headers)
            if answer.status >= 200 or wanted_interim:
                answer.interim = interim
                return answer
            interim.append(answer.status)

    def body(self, answer, method="POST"):
        """Reads the body to its end; a broken end raises."""
        for _ in self.pieces(answer, method):
            pass
        return answer

    def pieces(self, answer, method="POST"):
        """Yields the body's bytes as they come, and fills `answer`."""
        codings, lengths = answer.all("transfer-encoding"), answer.all("content-length")
        if codings and lengths:
            raise ProtocolError("both transfer-encoding and content-length")
        if len(lengths) > 1 or len(codings) > 1:
            raise ProtocolError("framing header twice")

        def take(data):
            answer.chunks.append((time.monotonic(), data))
            return data

        if method == "HEAD" or answer.status in (204, 304):
            answer.complete = True
        elif codings:
            if codings[0].lower() != "chunked":
                raise ProtocolError(f"transfer-encoding {codings[0]!r}")
            while True:
                size = self.line("chunk size")
                if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}(;.*)?", size):
                    raise ProtocolError(f"chunk size {size!r}")
                need = int(size.split(b";")[0], 16)
                if need == 0:
                    while self.line("trailer"):
                        pass
                    answer.complete = True
                    return
                while need:
                    if not self.buffer and not self.more():
                        raise ProtocolError(f"connection ended inside a chunk after {answer.body[-200:]!r}")
                    piece, self.buffer = self.buffer[:need], self.buffer[need:]
                    need -= len(piece)
                    yield take(piece)
                if self.line("end of chunk"):
                    raise ProtocolError("chunk longer than its size")
        elif lengths:
            if not lengths[0].isdigit():
                raise ProtocolError(f"content-length {lengths[0]!r}")
            need = int(lengths[0])
            while need:
                if not self.buffer and not self.more():
                    raise ProtocolError(f"body ended {need} bytes short")
                piece, self.buffer = self.buffer[:need], self.buffer[need:]
                need -= len(piece)
                yield take(piece)
            answer.complete = True
        else:
            while self.buffer or self.more():
                piece, self.buffer = self.buffer, b""
                yield take(piece)
            answer.complete = True

    def answer(self, method="POST"):
        started = time.monotonic()
        result = self.body(self.head(), method)
        result.seconds = time.monotonic() - started
        return result

    def closed_by_peer(self, timeout=5.0):
        """True if the server ends the connection in time without sending more."""
        self.settimeout(timeout)
        try:
            while self.more():
                pass
        except (TimeoutError, socket.timeout):
            return False
        except OSError:
            pass
        return not self.buffer


class Client:
    """Requests to one address, each on a connection of its own."""

    def __init__(self, address, headers=None, timeout=20.0, tls=None):
        self.address = address
        self.headers = dict(headers or {})
        self.timeout = timeout
        self.tls = tls

    def connect(self, **options):
        return Connection(self.address, timeout=options.pop("timeout", self.timeout), tls=self.tls, **options)

    def request(self, method, path, body=None, headers=None, timeout=None):
        started = time.monotonic()
        with self.connect(timeout=timeout or self.timeout) as connection:
            connection.request(method, path, body, {**self.headers, **(headers or {})})
            answer = connection.answer(method)
            if connection.buffer:
                raise ProtocolError(f"bytes after the answer: {connection.buffer[:200]!r}")
        answer.seconds = time.monotonic() - started
        return answer

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body, **options):
        return self.request("POST", path, body, **options)

    def chat(self, model, headers=None, timeout=None, **fields):
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **fields}
        return self.post("/v1/chat/completions", body, headers=headers, timeout=timeout)

    def open_chat(self, model, headers=None, timeout=None, receive_buffer=None, **fields):
        """The connection, with the request sent and nothing read yet."""
        connection = self.connect(timeout=timeout or self.timeout, receive_buffer=receive_buffer)
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **fields}
        return connection.request("POST", "/v1/chat/completions", body, {**self.headers, **(headers or {})})
