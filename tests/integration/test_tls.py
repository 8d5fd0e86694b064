"""TLS on the HTTP ports: who is served, who is told off, and certificates that change while the programs run."""
import http.client
import json
import socket
import ssl
import unittest

from support import answers, checks
from support.answers import DONE, END, STOP, chunk, delta, event
from support.case import ChainCase, rows
from support.certificates import Authority, openssl
from support.poll import until
from support.programs import run
from support.raw_client import Client, Connection


def trusting(authority, protocols=None):
    context = ssl.create_default_context(cafile=str(authority.cert))
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


def serial(address, context):
    """The serial number of the certificate that a new connection is shown."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname=host) as secure:
            return secure.getpeercert()["serialNumber"]


class TlsCase(ChainCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = Authority()

    def start(self, answer=None, workers=2):
        self.pair = self.authority.issue(f"server-{self.id().rsplit('.', 1)[1][:40]}")
        self.up = self.upstream(answer)
        flags = ["--tls-cert", self.pair.cert, "--tls-key", self.pair.key]
        self.fleet = self.start_fleet(
            {"version": 1, "providers": {"p": {"kind": "openai", "base_url": self.up.base_url}},
             "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}},
            proxy_flags=flags, control_flags=flags, workers=workers)
        self.context = trusting(self.authority)
        self.client = Client(self.fleet.proxy.api, tls=self.context)

    def ports(self):
        return {"api": self.fleet.proxy.api, "http": self.fleet.control.http}


class Tls(TlsCase):
    def test_requests_and_streams_go_through(self):
        """--tls-cert and --tls-key: HTTPS on the API, plain answers, streams and kept connections as ever."""
        self.start(answers.usual("x" * 200000))
        with self.client.connect() as connection:
            for _ in range(3):
                connection.request("POST", "/v1/chat/completions", {"model": "c", "messages": [], "pad": "y" * 300000})
                answer = connection.answer()
                checks.served_by(self, answer, "p/m", 1)
                self.assertEqual("x" * 200000, answer.content)
        self.up.answer = answers.usual()
        self.assertEqual(7, len(checks.whole_stream(self, self.client.chat("c", stream=True))))
        self.assertEqual(300000, len(self.up.requests[0].json()["pad"]))

    def test_an_ordinary_https_client_works(self):
        """Nothing of it needs our own client."""
        self.start()
        host, port = self.fleet.proxy.api.rsplit(":", 1)
        connection = http.client.HTTPSConnection(host, int(port), context=self.context, timeout=10)
        connection.request("GET", "/v1/models")
        self.assertEqual("c", json.loads(connection.getresponse().read())["data"][0]["id"])
        connection.close()

    def test_http_1_1_is_agreed_and_nothing_else(self):
        """ALPN: http/1.1; a client that wants only something else is refused by TLS itself."""
        self.start()
        for port, address in self.ports().items():
            with self.subTest(port):
                with Connection(address, tls=trusting(self.authority, ["h2", "http/1.1"])) as connection:
                    self.assertEqual("http/1.1", connection.socket.selected_alpn_protocol())
                with self.assertRaises(ssl.SSLError):
                    Connection(address, tls=trusting(self.authority, ["h2"]))

    @rows({"tls_1_0": (ssl.TLSVersion.TLSv1, False), "tls_1_1": (ssl.TLSVersion.TLSv1_1, False),
           "tls_1_2": (ssl.TLSVersion.TLSv1_2, True), "tls_1_3": (ssl.TLSVersion.TLSv1_3, True)})
    def test_tls_1_2_and_newer(self, version, taken):
        """Older versions are refused."""
        self.start()
        context = trusting(self.authority)
        context.set_ciphers("ALL:@SECLEVEL=0")  # the client would; the server must not
        context.minimum_version = context.maximum_version = version
        for port, address in self.ports().items():
            with self.subTest(port):
                if taken:
                    with Connection(address, tls=context) as connection:
                        connection.request("GET", "/" if port == "http" else "/health")
                        self.assertEqual(200, connection.answer("GET").status)
                else:
                    with self.assertRaises((ssl.SSLError, ConnectionError)):
                        Connection(address, tls=context)

    def test_a_session_is_resumed(self):
        """Tickets save the next handshake, whichever worker it meets."""
        self.start()
        for port, address in self.ports().items():
            with self.subTest(port):
                context = trusting(self.authority)
                context.maximum_version = ssl.TLSVersion.TLSv1_2
                with Connection(address, tls=context) as first:
                    session = first.socket.session
                host, number = address.rsplit(":", 1)
                for _ in range(8):
                    with socket.create_connection((host, int(number)), timeout=10) as plain:
                        with context.wrap_socket(plain, server_hostname=host, session=session) as secure:
                            self.assertTrue(secure.session_reused)

    def test_plain_http_on_a_tls_port_is_told_so(self):
        """HTTP on a TLS port: 400 or closed, and others are served."""
        self.start()
        for port, address in self.ports().items():
            for request in (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                            b"Content-Length: 70000\r\n\r\n" + b"a" * 70000):
                with self.subTest(port, request=request[:10]), Connection(address) as connection:
                    connection.send(request)
                    answer = connection.answer("GET")
                    self.assertEqual(400, answer.status)
                    self.assertIn("https://", answer.error["message"])
                    self.assertTrue(connection.closed_by_peer())
        checks.served_by(self, self.client.chat("c"), "p/m", 1)
        self.assertEqual(1, self.up.calls)

    @rows({"garbage": b"\x00\xff" * 200, "half_record": b"\x16\x03\x01\x02", "ssh": b"SSH-2.0-x\r\n", "sslv2": b"\x80\x2e\x01\x00\x02" * 10,
           "huge_record": b"\x16\x03\x01\xff\xff" + b"\x01" * 70000, "alert": b"\x15\x03\x01\x00\x02\x02\x28", "nothing": b""})
    def test_what_is_no_tls_is_closed(self, data):
        """Never a crash."""
        self.start()
        for port, address in self.ports().items():
            with self.subTest(port), Connection(address) as connection:
                try:
                    connection.send(data)
                    connection.finish()
                except OSError:
                    pass
                connection.settimeout(5)
                try:
                    while connection.more():
                        pass
                except ConnectionError:
                    pass  # a reset; being left open would be a timeout
                self.assertLessEqual(len(connection.buffer), 7)
                self.assertIn(connection.buffer[:1], (b"", b"\x15"), "something else than an alert")
        self.assertEqual(200, self.client.get("/health").status)

    def test_a_handshake_that_does_not_go_on_is_ended(self):
        """15 s, as for a head; others are served meanwhile."""
        self.start()
        silent = [Connection(address, timeout=25) for address in self.ports().values()]
        for connection in silent:
            connection.send(b"\x16\x03\x01\x00\xf4\x01")
        self.assertEqual(200, self.client.get("/health").status)
        for connection in silent:
            self.assertTrue(connection.closed_by_peer(20))

    def test_an_answer_that_ends_with_the_connection_is_ended_in_tls(self):
        """HTTP/1.0: nobody can cut such an answer short unseen."""
        self.start()
        with self.client.connect() as connection:
            connection.socket.suppress_ragged_eofs = False
            body = b'{"model":"c","messages":[],"stream":true}'
            connection.send(b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            checks.whole_stream(self, connection.answer())  # a missing close_notify would raise

    def test_a_client_that_leaves_is_noticed(self):
        """Client gone: upstream connection closed within 1 s, over TLS too."""
        gone = []

        def held(exchange):
            exchange.send(answers.stream_head() + chunk(event(delta(content="x"))))
            gone.append(exchange.wait_gone(10))
        self.start(held)
        connection = self.client.open_chat("c", stream=True)
        connection.head()
        connection.close()
        until(lambda: gone, 3, "the provider to be left")
        self.assertTrue(gone[0])

    def test_the_admin_and_probe_ports_stay_plain(self):
        """Kubelet and loopback speak plain HTTP; so do healthcheck and Prometheus."""
        self.start()
        self.assertEqual(200, self.fleet.proxy.ready())
        code, _, err = run("429chain-proxy", ["healthcheck", "--admin", self.fleet.proxy.admin])
        self.assertEqual(0, code, err)

    def test_healthcheck_of_a_control_plane_that_speaks_tls(self):
        """With the server's own --tls-cert, as its container has it in the environment."""
        self.start()
        http_port = self.fleet.control.http
        code, _, err = run("429chain-control", ["healthcheck", "--http-listen", http_port, "--tls-cert", self.pair.cert])
        self.assertEqual(0, code, err)
        code, _, err = run("429chain-control", ["healthcheck"], env={"CHAIN429_HTTP_LISTEN": http_port,
                                                                    "CHAIN429_TLS_CERT": str(self.pair.cert)})
        self.assertEqual(0, code, err)
        self.assertEqual(1, run("429chain-control", ["healthcheck", "--http-listen", http_port])[0])


class ChangingCertificates(TlsCase):
    def test_a_renewed_certificate_is_taken_and_open_connections_go_on(self):
        """New connections get the new certificate, without a restart; a stream under way is not touched."""
        go = []

        def held(exchange):
            exchange.send(answers.stream_head() + chunk(event(delta(content="x"))))
            until(lambda: go or exchange.gone, 60, "the test to go on")
            exchange.send(chunk(event(STOP) + DONE) + END)
        self.start(held)
        stream = self.client.open_chat("c", stream=True)
        reply = stream.head()
        kept = Connection(self.fleet.control.http, tls=self.context)
        before = {port: serial(address, self.context) for port, address in self.ports().items()}
        self.pair.become(self.authority.issue("renewed"))
        for port, address in self.ports().items():
            until(lambda address=address, port=port: serial(address, self.context) != before[port], 5, f"the new one on {port}")
        go.append(1)
        self.assertEqual(2, len(checks.whole_stream(self, stream.body(reply))))
        kept.request("GET", "/ready")
        self.assertEqual(200, kept.answer("GET").status)

    @rows({"no_pem": "no certificate", "other_key": None, "empty": ""})
    def test_a_bad_one_keeps_the_old_and_is_told_once(self, text):
        """A bad new certificate keeps the old one and logs an error once; a good one is taken after it."""
        self.start()
        before = {port: serial(address, self.context) for port, address in self.ports().items()}
        good = self.pair.cert.read_bytes()
        if text is None:
            self.pair.key.write_bytes(self.authority.issue("stranger").key.read_bytes())
        else:
            self.pair.cert.write_text(text)
        programs = (self.fleet.proxy.program, self.fleet.control.program)
        for program in programs:
            program.wait_for("a changed certificate is not taken", 10)
        self.assertEqual(before, {port: serial(address, self.context) for port, address in self.ports().items()})
        if text is None:
            self.pair.become(self.authority.issue("renewed"))
            for port, address in self.ports().items():
                until(lambda address=address, port=port: serial(address, self.context) != before[port], 5, "the new one")
        else:
            # It is looked at again and again: what is put right is taken, and what stays wrong was told already.
            self.pair.cert.write_bytes(good)
        for program in programs:
            self.assertEqual(1, program.output.count("a changed certificate is not taken"), program.output)


class BadStart(ChainCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = Authority()
        cls.one, cls.other = cls.authority.issue("one"), cls.authority.issue("other")
        cls.empty = cls.authority.directory / "empty.pem"
        cls.empty.write_text("")

    def flags(self, cert, key):
        return ["--tls-cert", cert, "--tls-key", key]

    def bad(self):
        one, other, empty = self.one, self.other, self.empty
        return {
            "missing_cert": (self.flags("/nowhere/c.pem", one.key), 1, "/nowhere/c.pem"),
            "missing_key": (self.flags(one.cert, "/nowhere/k.pem"), 1, "/nowhere/k.pem"),
            "directory": (self.flags(one.cert, "/tmp"), 1, "/tmp"),
            "mismatch": (self.flags(one.cert, other.key), 1, "does not belong"),
            "empty_cert": (self.flags(empty, one.key), 1, "holds no certificate"),
            "empty_key": (self.flags(one.cert, empty), 1, "holds no private key"),
            "swapped": (self.flags(one.key, one.cert), 1, "holds no certificate"),
            "cert_alone": (["--tls-cert", one.cert], 2, "--tls-key"),
            "key_alone": (["--tls-key", one.key], 2, "--tls-cert"),
            "control_ca_alone": (["--control-ca", self.authority.cert], 2, "--control-cert and --control-key"),
            "control_without_key": (["--control-ca", self.authority.cert, "--control-cert", one.cert], 2, "--control-key"),
            "control_mismatch": (["--control-ca", self.authority.cert, "--control-cert", one.cert, "--control-key", other.key], 1,
                                 "--control-key"),
            "control_empty_ca": (["--control-ca", empty, "--control-cert", one.cert, "--control-key", one.key], 1, "--control-ca"),
        }

    def test_bad_files_end_the_program_at_once_with_the_reason(self):
        """Mismatched, missing or unreadable: a clear error at the start and a non-zero exit."""
        starts = {"429chain-proxy": ["--control", "127.0.0.1:9", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                  "429chain-control": ["--grpc-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]}
        for name, arguments in starts.items():
            for case, (flags, code, told) in self.bad().items():
                with self.subTest(name, case=case):
                    exit_code, _, err = run(name, [*arguments, *flags], timeout=10)
                    self.assertEqual(code, exit_code, err)
                    self.assertIn(told, err)
                    self.assertNotIn("PRIVATE", err)

    def test_an_encrypted_key_is_refused_without_asking(self):
        """Nobody sits at a terminal."""
        locked = self.authority.directory / "locked.key"
        openssl("ec", "-in", self.one.key, "-aes128", "-passout", "pass:x", "-out", locked, directory=self.authority.directory)
        code, _, err = run("429chain-control", ["--grpc-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0",
                                                *self.flags(self.one.cert, locked)], timeout=10)
        self.assertEqual(1, code, err)
        self.assertIn("passphrase", err)


if __name__ == "__main__":
    unittest.main()
