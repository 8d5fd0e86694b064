"""Test cases with a fleet. `SlotCase` keeps one fleet for a whole class and gives each test a chain of its own, so that what one test
teaches the gateway about a provider does not reach the next."""
import sys
import unittest

from support import answers
from support.fleet import Fleet
from support.raw_upstream import RawUpstream

TIMEOUTS = {"connect": "1s", "first_token": "5s", "idle": "5s", "total": "20s"}


def rows(table):
    """Makes one test of each row: {"name": (arguments…)}."""
    def mark(method):
        method.rows = table
        return method
    return mark


class ChainCase(unittest.TestCase):
    maxDiff = None

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for name, method in list(vars(cls).items()):
            for key, row in getattr(method, "rows", {}).items():
                arguments = row if isinstance(row, tuple) else (row,)

                def test(self, method=method, arguments=arguments):
                    return method(self, *arguments)
                test.__doc__ = method.__doc__
                setattr(cls, f"{name}__{key}", test)
            if hasattr(method, "rows"):
                delattr(cls, name)

    def start_fleet(self, config, **options):
        fleet = Fleet(config, **options)
        self.addCleanup(fleet.stop)
        fleet.start()
        self._fleets = [*getattr(self, "_fleets", []), fleet]
        return fleet

    def upstream(self, answer=None, name="upstream"):
        upstream = RawUpstream(answer or answers.usual(), name=name)
        self.addCleanup(upstream.stop)
        return upstream

    def all_fleets(self):
        return getattr(self, "_fleets", [])

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            for fleet in self.all_fleets():
                print(f"== logs of {self.id()}\n{fleet.logs()}", file=sys.stderr)
        return result


class Slot:
    def __init__(self, number, upstreams):
        self.chain = f"slot-{number}"
        self.upstreams = upstreams
        self.names = [f"p{number}{'abcdefgh'[i]}/vendor/model-{'abcdefgh'[i]}" for i in range(len(upstreams))]

    @property
    def a(self):
        return self.upstreams[0]

    @property
    def b(self):
        return self.upstreams[1]

    @property
    def c(self):
        return self.upstreams[2]


class SlotCase(ChainCase):
    SLOTS = 24
    TARGETS = 2
    CHAIN = {"timeouts": TIMEOUTS}  # further keys of every chain
    PROVIDER = {}                   # further keys of every provider
    PROXIES = 1
    ENV = {}

    @classmethod
    def setUpClass(cls):
        cls.slots, config = [], {"version": 1, "providers": {}, "chains": {}}
        for number in range(cls.SLOTS):
            upstreams = [RawUpstream(answers.usual(), name="abcdefgh"[i]) for i in range(cls.TARGETS)]
            slot = Slot(number, upstreams)
            cls.slots.append(slot)
            targets = []
            for name, upstream in zip(slot.names, upstreams):
                provider, model = name.split("/", 1)
                config["providers"][provider] = {"kind": "openai", "base_url": upstream.base_url, **cls.PROVIDER}
                targets.append({"provider": provider, "model": model})
            config["chains"][slot.chain] = {"targets": targets, **cls.CHAIN}
        cls.configure(config)
        cls.fleet = Fleet(config, proxies=cls.PROXIES, env=cls.ENV)
        cls.fleet.start()
        cls.free_slots = list(cls.slots)

    @classmethod
    def configure(cls, config):
        """Subclasses change the configuration here."""

    @classmethod
    def tearDownClass(cls):
        cls.fleet.stop()
        for slot in cls.slots:
            for upstream in slot.upstreams:
                upstream.stop()

    def all_fleets(self):
        return [self.fleet, *super().all_fleets()]

    def slot(self, *given):
        """A fresh chain; `given` are the answers of its targets in order."""
        slot = self.free_slots.pop(0)
        for upstream, answer in zip(slot.upstreams, given):
            upstream.answer = answer
        self.addCleanup(lambda: self.assertEqual([], [f for u in slot.upstreams for f in u.failures]))
        return slot

    @property
    def client(self):
        return self.fleet.client
