"""A network of real nodes on this machine, for the scenario tests.

Each node is a process of the binary that CARAVAN_BIN names, with a home in a temporary folder and
free ports on the loopback address. Everything is asked through the client, as an operator would;
conditions are polled up to a deadline, there is no fixed sleep. Network is a context manager: at
its end all processes that it started are gone, and after a failure the ends of their logs are
shown.

    with Network() as network:
        a, b = network.add("cn-a"), network.add("th-b")
        network.exchange_cards()
        network.start()
        a.publish()
        network.wait_equal()
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BIN = os.environ.get("CARAVAN_BIN") or sys.exit("CARAVAN_BIN must name the binary")
SOURCE = os.environ.get("CARAVAN_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NAME = "scenario"  # of the network

sys.path.append(os.path.join(SOURCE, "tests", "support"))
from ports import free_port  # noqa: E402

# Sanitizers make everything slower; a deadline only bounds how long a failure takes.
DEADLINE = float(os.environ.get("CARAVAN_SCENARIO_DEADLINE", "60"))

TIMEOUT, BUSY, HELD, DOWN = 75, 76, 79, 69  # exit codes of the client


class Failure(Exception):
    """A condition did not come true, or a command failed."""


def wait(condition, what, seconds=None, pause=0.02):
    """Polls until condition() is true; returns its value. Failure says what was waited for. pause: seconds
    before the second look; they grow."""
    limit = DEADLINE if seconds is None else seconds
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Failure("not within %g s: %s" % (limit, what))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.3)


def announcement(title, kind="visit", countries="TH"):
    """A small announcement as YAML that passes the rules for publishing."""
    return ("kind: %s\nlanguage: en\nnature: sample\ntitle: %s\nsummary: A sample.\n"
            "parties: [{name: A scenario, country: CN}]\ncountries: [%s]\n"
            % (kind, json.dumps(title), countries))


class Node:
    """One institution: a home, and a process while it runs."""

    def __init__(self, network, handle, listen=True, relay=None, home=None, net=NAME):
        self.network, self.handle = network, handle
        self.home = os.path.join(network.folder, home or handle)
        self.log_path = self.home + ".log"
        self.process = None
        self.live = self.sync = None
        self.command = [BIN, "--home", self.home, "run"]
        arguments = ["init", "--handle", handle, "--name", "Institution " + handle,
                     "--network", net]
        if listen:
            self.live = "tcp://127.0.0.1:%d" % free_port()
            self.sync = "tcp://127.0.0.1:%d" % free_port()
            arguments += ["--listen-live", self.live, "--listen-sync", self.sync,
                          "--public-live", self.live, "--public-sync", self.sync]
        self.run(*arguments)
        if relay:
            with open(os.path.join(self.home, "node.yaml"), "a") as file:
                file.write("\nrelay: %s\n" % json.dumps(relay))

    # --- the client ---

    def run(self, *arguments, check=True, stdin=None, seconds=None):
        """Runs the client on this home; returns subprocess.CompletedProcess with texts."""
        done = subprocess.run([BIN, "--home", self.home, *arguments], input=stdin or "",
                              capture_output=True, text=True, timeout=seconds or 2 * DEADLINE)
        if check and done.returncode != 0:
            raise Failure("%s: caravan %s: exit code %d\n%s%s" % (
                self.handle, " ".join(arguments), done.returncode, done.stdout, done.stderr))
        return done

    def json(self, *arguments, **options):
        """What a command says with --json, parsed; None when it failed and check is False."""
        done = self.run(*arguments, "--json", **options)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def status(self):
        return self.json("status")

    def status_number(self, name):
        return int(self.status().get(name, 0))

    def partner(self, handle):
        """What status says about one partner; None when it is none or the node is down."""
        status = self.json("status", check=False) or {}
        for partner in status.get("partners", []):
            if partner.get("handle") == handle:
                return partner
        return None

    def is_exchanging(self, handle):
        return bool((self.partner(handle) or {}).get("exchanging"))

    def publish(self, title="A visit", path=None, **more):
        """Publishes one announcement; tries again while the node checks its own head. Returns the
        name, like "cn-demo/4"."""
        path = path or self.network.write("%s.yaml" % self.handle, announcement(title, **more))
        done = []

        def once():
            done[:] = [self.run("publish", path, check=False)]
            if done[0].returncode in (TIMEOUT, BUSY, HELD):
                return False
            if done[0].returncode != 0:
                raise Failure("%s cannot publish: %s" % (self.handle, done[0].stderr))
            return True

        wait(once, "%s publishes (%s)" % (self.handle, done and done[0].stderr))
        return self.names(done[0].stdout)[0]

    def names(self, output):
        """The names that publish has printed, in order."""
        found = re.findall(r"\b%s/\d+" % re.escape(self.handle), output)
        if not found:
            raise Failure("publish named nothing: %r" % output)
        return found

    def held(self, handle):
        """What the node holds of a feed, from an exported file that was verified: a dictionary with
        seq, hash and entries by type; None when it holds nothing."""
        path = os.path.join(self.network.folder, "held.%s.%s" % (self.handle, handle))
        if os.path.exists(path):
            os.unlink(path)
        if self.run("export", handle, path, check=False).returncode != 0:
            return None
        try:
            facts = self.json("verify", path)
            return {"seq": int(facts["seq"]), "hash": facts["hash"], "entries": facts["entries"],
                    "feed": facts["feed"]}
        finally:
            os.unlink(path)

    def card(self):
        path = self.home + ".card"
        with open(path, "w") as file:
            file.write(self.run("card").stdout)
        return path

    def add_partner(self, other):
        self.run("partner", "add", "--yes", other.card())

    # --- the process ---

    def start(self, *arguments, wait_up=True, environment=None):
        if self.process is not None or self.network.abandoned:
            raise Failure("%s runs already, or the test is being ended" % self.handle)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.command, *arguments], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=dict(os.environ, **(environment or {})))
        if wait_up:
            wait(self.is_up, "%s answers" % self.handle)

    def lives(self):
        """Failure when the process has ended: then nothing that is waited for will come."""
        if self.process is None or self.process.poll() is not None:
            raise Failure("the node of %s has ended" % self.handle)
        return True

    def is_up(self):
        return self.lives() and self.run("status", "--json", check=False).returncode == 0

    def stop(self, number=signal.SIGTERM):
        """Ends the process and waits; returns its exit code (negative: the signal)."""
        process, self.process = self.process, None
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failure("%s did not stop in time" % self.handle)

    def kill(self):
        return self.stop(signal.SIGKILL)

    def log(self):
        try:
            with open(self.log_path, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""


abandoning = []  # what is to be done when somebody ends the test


def end_on_signal(number, _):
    """A time limit, say: no node and no folder is left. Not as an exception, which a test may catch."""
    for abandon in list(abandoning):
        abandon()
    os._exit(128 + number)


for one in signal.SIGTERM, signal.SIGHUP:
    signal.signal(one, end_on_signal)


class Network:
    def __enter__(self):
        # Short, because the path of a Unix socket holds 107 bytes.
        self.folder = tempfile.mkdtemp(prefix="caravan-", dir="/tmp")
        self.nodes, self.abandoned = [], False
        abandoning.append(self.abandon)
        return self

    def abandon(self):
        self.abandoned = True
        for _ in range(2):  # a thread of the test may be starting one
            for node in self.nodes:
                if node.process:
                    node.process.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def __exit__(self, kind, value, trace):
        problems = []
        for node in self.nodes:
            try:
                code = node.stop()
                if code not in (None, 0):
                    problems.append("%s ended with exit code %d" % (node.handle, code))
            except Failure as failure:
                problems.append(str(failure))
        if kind or problems:
            # First what is wrong: of a long log perhaps only the beginning is kept.
            print("FAILED: %s" % (value or "; ".join(problems)), file=sys.stderr)
            for node in self.nodes:
                print("--- the end of the log of %s" % node.handle, file=sys.stderr)
                print("\n".join(node.log().splitlines()[-25:]), file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)
        abandoning.remove(self.abandon)
        if problems and not kind:
            raise Failure("; ".join(problems))

    def add(self, handle, **options):
        node = Node(self, handle, **options)
        self.nodes.append(node)
        return node

    def write(self, name, text):
        """A file beside the homes; returns its path."""
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def exchange_cards(self, *pairs):
        """Makes the nodes of each pair partners; without pairs, all with all."""
        if not pairs:
            pairs = [(a, b) for i, a in enumerate(self.nodes) for b in self.nodes[i + 1:]]
        for a, b in pairs:
            a.add_partner(b)
            b.add_partner(a)

    def start(self):
        for node in self.nodes:
            node.start(wait_up=False)
        for node in self.nodes:
            wait(node.is_up, "%s answers" % node.handle)

    def differences(self, nodes=None, feeds=None):
        """Who does not hold what its publisher has; "" when all hold all with the same heads."""
        nodes, feeds, found = nodes or self.nodes, feeds or self.nodes, []
        for publisher in feeds:
            own = publisher.held(publisher.handle)
            for node in nodes:
                there = own if node is publisher else node.held(publisher.handle)
                if not own or not there or (there["seq"], there["hash"]) != (own["seq"],
                                                                             own["hash"]):
                    found.append("%s has %s of %s, which has %s" % (
                        node.handle, there and there["seq"], publisher.handle,
                        own and own["seq"]))
        return "; ".join(found)

    def wait_equal(self, nodes=None, feeds=None, seconds=None):
        last = [""]

        def equal():
            last[0] = self.differences(nodes, feeds)
            return not last[0]

        try:
            wait(equal, "everybody holds everything", seconds)
        except Failure as failure:
            raise Failure("%s: %s" % (failure, last[0])) from None
