"""Many connections: ten thousand of them, too many of them, and how they are spread over the workers."""
import os
import resource
import socket
import unittest
from pathlib import Path

from support import checks
from support.case import ChainCase
from support.poll import stays, until
from support.programs import instrumented
from support.prometheus import metric
from support.raw_client import Connection


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def worker_nanoseconds(pid):
    """The time that each worker's thread has run."""
    spent = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        if name.startswith("worker-"):
            spent[name] = int((task / "schedstat").read_text().split()[0])
    return spent


class Connections(ChainCase):
    def start(self, *flags, workers=2):
        self.up = self.upstream()
        self.fleet = self.start_fleet(
            {"version": 1, "providers": {"p": {"kind": "openai", "base_url": self.up.base_url}},
             "chains": {"c": {"targets": [{"provider": "p", "model": "m"}]}}}, proxy_flags=flags, workers=workers)
        self.proxy = self.fleet.proxy

    def open(self, count):
        connections = []
        self.addCleanup(lambda: [connection.close() for connection in connections])
        for _ in range(count):
            connections.append(Connection(self.proxy.api))
        return connections

    def test_ten_thousand_idle_connections_cost_little_and_hinder_nobody(self):
        """10,000 open connections within the file limit: memory is bounded, and requests still pass."""
        count, spare = 10000, 400
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < count * 4 // 3 + spare:
            self.skipTest(f"the hard limit of open files is {hard}; {count * 4 // 3 + spare} are needed (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + spare), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.start()
        checks.served_by(self, self.fleet.client.chat("c"), "p/m", 1)
        before = self.proxy.program.rss_kib()
        connections = self.open(count)
        until(lambda: metric(self.proxy, "chain429_client_connections") >= count, 30, "all to be accepted")
        for connection in connections[::2]:  # half of them have been used, as kept connections are
            connection.request("GET", "/health")
        for connection in connections[::2]:
            self.assertEqual(200, connection.answer("GET").status)
        each = (self.proxy.program.rss_kib() - before) / count
        print(f"        {each:.1f} KiB a connection, {metric(self.proxy, 'chain429_connections_moved_total'):.0f} moved")
        if not instrumented():
            self.assertLess(each, 16)
        for _ in range(20):
            checks.served_by(self, self.fleet.client.chat("c"), "p/m", 1)
        checks.whole_stream(self, self.fleet.client.chat("c", stream=True))
        self.assertEqual(0, metric(self.proxy, "chain429_connections_refused_total"))
        for connection in connections:
            connection.close()
        until(lambda: metric(self.proxy, "chain429_client_connections") == 0, 30, "all to be gone")

    def test_beyond_the_limit_a_new_connection_is_refused_and_counted(self):
        """503 or closed; those that are open go on, and there is room again once one has gone."""
        self.start("--max-connections", "50")
        connections = self.open(50)
        until(lambda: metric(self.proxy, "chain429_client_connections") == 50, 10, "all to be accepted")
        with Connection(self.proxy.api) as late:
            answer = late.answer("GET")
            self.assertEqual(503, answer.status)
            self.assertEqual("overloaded", answer.error["code"])
            self.assertTrue(late.closed_by_peer())
        self.assertEqual(1, metric(self.proxy, "chain429_connections_refused_total"))
        connections[7].request("POST", "/v1/chat/completions", {"model": "c", "messages": []})
        checks.served_by(self, connections[7].answer(), "p/m", 1)
        connections[0].close()
        until(lambda: self.fleet.client.chat("c").status == 200, 5, "room for one more")

    def test_a_limit_that_the_system_does_not_allow_is_told(self):
        """If the limit of open files is too low for --max-connections, the log says so and what holds."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard == resource.RLIM_INFINITY:
            self.skipTest("there is no limit of open files")
        self.start("--max-connections", str(hard * 2))
        self.proxy.program.wait_for("too low for --max-connections")
        checks.served_by(self, self.fleet.client.chat("c"), "p/m", 1)

    def test_running_out_of_descriptors_neither_spins_nor_kills(self):
        """Connections wait until somebody closes; the log says why, once and not for each."""
        if instrumented():
            self.skipTest("a sanitizer's own checks need descriptors")
        self.start(workers=1)
        pid = self.proxy.program.pid
        checks.served_by(self, self.fleet.client.chat("c"), "p/m", 1)
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 10, hard))
        connections = self.open(40)
        self.proxy.program.wait_for("connections wait, because none can be accepted", 10)
        spent = cpu_seconds(pid)
        stays(lambda: cpu_seconds(pid) - spent < 0.5, 1.5, "a process that waits costs nothing")
        self.assertEqual(1, self.proxy.program.output.count("connections wait, because"))
        for connection in connections[:30]:
            connection.close()
        connections[-1].request("GET", "/health")
        self.assertEqual(200, connections[-1].answer("GET").status)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
        checks.served_by(self, self.fleet.client.chat("c"), "p/m", 1)

    def test_few_long_lived_connections_are_spread_over_all_workers(self):
        """The kernel's hash alone would leave workers without any; each gets its share."""
        self.start(workers=4)
        connections = self.open(8)
        until(lambda: metric(self.proxy, "chain429_client_connections") == 8, 10, "all to be accepted")
        before = worker_nanoseconds(self.proxy.program.pid)
        for _ in range(150):
            for connection in connections:
                connection.request("GET", "/health")
                self.assertEqual(200, connection.answer("GET").status)
        after = worker_nanoseconds(self.proxy.program.pid)
        spent = {name: after[name] - before[name] for name in after}
        self.assertEqual(4, len(spent))
        self.assertGreater(min(spent.values()), sum(spent.values()) / 4 / 5, spent)

    def test_any_number_of_workers_serves(self):
        """--workers 0 is one per core; 256 is the most."""
        for workers in (0, 1, 3, 256):
            with self.subTest(workers):
                self.start(workers=workers)
                for _ in range(5):
                    checks.served_by(self, self.fleet.client.chat("c"), "p/m", 1)
                count = len(worker_nanoseconds(self.proxy.program.pid))
                self.assertEqual(workers or os.cpu_count(), count)
                self.fleet.stop()

    def test_a_client_that_resets_at_once_costs_nothing(self):
        """Before it is accepted, too."""
        self.start()
        for _ in range(200):
            with socket.socket() as raw:
                host, port = self.proxy.api.rsplit(":", 1)
                raw.connect((host, int(port)))
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        checks.served_by(self, self.fleet.client.chat("c"), "p/m", 1)
        until(lambda: metric(self.proxy, "chain429_client_connections") == 0, 10, "all to be gone")


if __name__ == "__main__":
    unittest.main()
