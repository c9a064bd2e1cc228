"""Caravan's side of the bench: homes and nodes as an operator makes and runs them, with the default
configuration, on the loopback address."""

import json
import os
import re
import shutil
import time
from datetime import datetime

import process
from process import BenchError

NETWORK = "bench"


class Node:
    """One institution: a home made by `caravan init`, and a process while it runs."""

    def __init__(self, round_, handle, relay=False, home=None):
        self.round, self.handle, self.relay = round_, handle, relay
        self.home = home or round_.folder / handle
        self.process = self.started_ns = None
        self.starts = 0

    def init(self):
        endpoints = ["tcp://127.0.0.1:%d" % self.round.free_port() for _ in range(2)]
        self.endpoints = endpoints  # live, sync
        self.client("init", "--handle", self.handle, "--name", "Institution " + self.handle,
                    "--network", NETWORK, "--listen-live", endpoints[0], "--public-live",
                    endpoints[0], "--listen-sync", endpoints[1], "--public-sync", endpoints[1])
        if self.relay:  # as an operator of a hub writes it
            with open(self.home / "node.yaml", "a") as file:
                file.write("\nrelay: all\n")
        return self

    def client(self, *arguments):
        return self.round.run(self.round.caravan, "--home", self.home, *arguments)

    def json(self, *arguments):
        return json.loads(self.client(*arguments, "--json"))

    def status(self):
        return self.json("status")

    def add_partner(self, other):
        card = other.home.with_suffix(".card")
        card.write_text(other.client("card"))
        self.client("partner", "add", "--yes", card)

    def copy_partners(self, other):
        """Takes over the cards that the other node has accepted."""
        for card in (other.home / "partners").iterdir():
            target = self.home / "partners" / card.name
            if card.stem != self.handle and not target.exists():
                shutil.copy(card, target)

    # --- the process ---

    def start(self):
        """Returns when the node says that it runs: its services are open."""
        self.starts += 1
        self.log = "%s-%d.log" % (self.home.name, self.starts)
        self.started_ns = time.monotonic_ns()
        self.started_at = time.time()
        self.process = self.round.start(self.round.caravan, "--home", self.home, "run",
                                        log=self.log)
        return self

    def wait_log(self, pattern, seconds=30):
        """Waits for a line of the log; returns the match."""
        return self.round.wait(lambda: re.search(pattern, self.read_log()),
                               "%s logs %s" % (self.handle, pattern), seconds)

    def read_log(self):
        return (self.round.folder / self.log).read_text(errors="replace")

    def wait_started(self):
        self.wait_log(r"node\.started")
        return self

    def wait_status(self, condition, what, seconds=30):
        self.wait_started()
        return self.round.wait(lambda: condition(self.status()),
                               "%s: %s" % (self.handle, what), seconds)

    def wait_open(self):
        """Until it may publish, and has published who it is."""
        self.wait_status(lambda s: s.get("publishing") == "open" and int(s.get("seq", 0)) >= 3,
                         "may publish")
        return self

    def logged_after(self, pattern):
        """Seconds from the start of the process to the line of the log, by the time in it."""
        line = re.search(r"(?m)^(\S+)Z .*" + pattern, self.read_log())
        if not line:
            raise BenchError("%s has logged no %s" % (self.handle, pattern))
        return datetime.fromisoformat(line.group(1) + "+00:00").timestamp() - self.started_at

    def stop(self):
        running, self.process = self.process, None
        code = self.round.processes.end(running, 60)
        if code != 0:
            raise BenchError("%s ended with code %d:\n%s" % (
                self.handle, code, process.tail(self.round.folder / self.log)))

    def memory(self):
        """Resident memory in bytes: all of it now, the most that it ever was, the process's own."""
        with open("/proc/%d/status" % self.process.pid) as file:
            text = file.read()
        return {name: int(re.search(name + r":\s+(\d+) kB", text).group(1)) * 1024
                for name in ("VmRSS", "VmHWM", "RssAnon")}

    def ledger_bytes(self):
        return sum(os.path.getsize(self.home / name) for name in os.listdir(self.home)
                   if name.startswith("ledger.db"))


def make_hub(round_, entries, feeds, handle="cn-hub", run=256):
    """The stopped home of a hub that holds so many entries of so many feeds, without its own; what
    was made, as drive_fill says it. run: so many entries of a feed came at a time, with one
    signature."""
    hub = Node(round_, handle, relay=True).init()
    hub.start().wait_open().stop()
    made = round_.program("drive_fill", hub.home, round_.contents, "--feeds", feeds, "--entries",
                          entries, "--run", run)["info"]
    return hub, made


def make_receiver(round_, hub, handle="th-receiver"):
    """A node with nothing in it, partner of the hub, that follows all feeds that the hub holds."""
    receiver = Node(round_, handle).init()
    receiver.add_partner(hub)
    hub.add_partner(receiver)
    receiver.copy_partners(hub)
    return receiver


def partners(*nodes):
    for one in nodes:
        for other in nodes:
            if one is not other:
                one.add_partner(other)


def compare(*nodes):
    """Checks of two stopped nodes: the same feeds, heads, hashes and contents."""
    return nodes[0].round.program("drive_compare", *(node.home for node in nodes))
