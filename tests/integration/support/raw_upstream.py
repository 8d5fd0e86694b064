"""A provider in the test's own process: records the exact bytes it received and sends exactly the bytes it is told to.

`upstream.answer = f` sets what every request gets, `upstream.script(f, g)` what the next ones get. An answer is a function of
an `Exchange`; support/answers.py has the usual ones."""
import json
import re
import socket
import struct
import threading
import time

from support.poll import until


class Request:
    """One request as it arrived."""

    def __init__(self, head, body, raw_body, connection, nth):
        self.at = time.monotonic()
        self.head = head          # with the empty line
        self.body = body          # unchunked
        self.raw_body = raw_body  # as it was framed
        self.connection = connection
        self.nth = nth            # on its connection, from 0
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, self.version = lines[0].split(" ")
        self.headers = []
        for line in lines[1:]:
            if line:
                name, value = line.split(":", 1)
                self.headers.append((name, value.strip(" \t")))

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)


class Exchange:
    """A request being answered. Writing to a client that has gone is not an error here; `gone` says so."""

    def __init__(self, sock, request, upstream):
        self._socket = sock
        self.request = request
        self.upstream = upstream
        self.closed = False
        self.gone = False

    def send(self, data):
        if isinstance(data, str):
            data = data.encode()
        try:
            self._socket.sendall(data)
        except OSError:
            self.gone = True
        return not self.gone

    def send_nowait(self, data, timeout):
        """Sends what fits within `timeout` seconds; the number of bytes taken."""
        self._socket.settimeout(timeout)
        try:
            return self._socket.send(data)
        except (TimeoutError, socket.timeout, BlockingIOError):
            return 0
        except OSError:
            self.gone = True
            return 0
        finally:
            self._socket.settimeout(None)

    def close(self):
        self.closed = True
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self._socket.close()

    def reset(self):
        self.closed = True
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def wait_gone(self, timeout):
        """True once the other side has closed; bytes that it sends meanwhile are dropped."""
        self._socket.settimeout(timeout)
        deadline = time.monotonic() + timeout
        try:
            while time.monotonic() < deadline:
                if not self._socket.recv(65536):
                    self.gone = True
                    return True
        except (TimeoutError, socket.timeout):
            return False
        except OSError:
            self.gone = True
            return True
        finally:
            try:
                self._socket.settimeout(None)
            except OSError:
                pass
        return False


class RawUpstream:
    def __init__(self, answer=None, host="127.0.0.1", name="upstream"):
        self.name = name
        self.answer = answer
        self.failures = []     # what answers raised: a mistake in the test
        self.opened = 0        # connections so far
        self._script = []
        self._requests = []
        self._lock = threading.Lock()
        self._connections = set()
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, 0))
        self._listener.listen(512)
        self.host, self.port = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True, name=name).start()

    @property
    def base_url(self):
        return f"http://{self.host}:{self.port}/v1"

    @property
    def requests(self):
        with self._lock:
            return list(self._requests)

    @property
    def calls(self):
        with self._lock:
            return len(self._requests)

    def script(self, *answers):
        """What the next requests get, in turn; after them `answer` again."""
        with self._lock:
            self._script.extend(answers)
        return self

    def wait_calls(self, number, timeout=10.0):
        until(lambda: self.calls >= number, timeout, f"{self.name}: {number} calls, has {self.calls}")
        return self.requests

    def last(self):
        return self.requests[-1]

    def forget(self):
        with self._lock:
            self._requests.clear()

    def stop(self):
        for sock in [self._listener, *self._connections]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.opened += 1
                number = self.opened
                self._connections.add(sock)
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, sock, number):
        buffer = b""
        nth = 0
        try:
            while True:
                read = read_request(sock, buffer)
                if read is None:
                    return
                head, body, raw_body, buffer = read
                request = Request(head, body, raw_body, number, nth)
                nth += 1
                with self._lock:
                    self._requests.append(request)
                    answer = self._script.pop(0) if self._script else self.answer
                exchange = Exchange(sock, request, self)
                answer(exchange)
                if exchange.closed or exchange.gone:
                    return
        except OSError:
            pass
        except Exception as error:  # noqa: BLE001: shown by the test case, else it would be lost with the thread
            self.failures.append(f"{self.name}: {error!r}")
        finally:
            with self._lock:
                self._connections.discard(sock)
            sock.close()


def read_request(sock, buffer):
    """(head, body, raw body, rest), or None at the end of the connection. Lenient: what came is for the test to judge."""
    while b"\r\n\r\n" not in buffer:
        data = sock.recv(65536)
        if not data:
            return None
        buffer += data
    head, buffer = buffer.split(b"\r\n\r\n", 1)
    head += b"\r\n\r\n"
    if re.search(rb"(?im)^transfer-encoding:\s*chunked", head):
        return read_chunked(sock, head, buffer)
    length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
    need = int(length.group(1)) if length else 0
    pieces, have = [buffer], len(buffer)
    while have < need:
        data = sock.recv(262144)
        if not data:
            return None
        pieces.append(data)
        have += len(data)
    buffer = b"".join(pieces)
    return head, buffer[:need], buffer[:need], buffer[need:]


def read_chunked(sock, head, buffer):
    body, raw = b"", b""

    def line():
        nonlocal buffer, raw
        while b"\r\n" not in buffer:
            data = sock.recv(65536)
            if not data:
                raise ConnectionError
            buffer += data
        first, buffer = buffer.split(b"\r\n", 1)
        raw += first + b"\r\n"
        return first

    while True:
        size = int(line().split(b";")[0], 16)
        if size == 0:
            while line():
                pass
            return head, body, raw, buffer
        while len(buffer) < size + 2:
            data = sock.recv(262144)
            if not data:
                return None
            buffer += data
        body += buffer[:size]
        raw += buffer[:size + 2]
        buffer = buffer[size + 2:]


class RefusedPort:
    """A port that is taken but never listens: connecting is refused at once."""

    def __init__(self):
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"

    def stop(self):
        self._socket.close()


class SilentPort:
    """A port whose accept queue is full: connecting hangs, as to a host that drops packets."""

    def __init__(self):
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port = self._listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self._fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)

    def stop(self):
        for sock in [self._listener, *self._fillers]:
            sock.close()
