"""kill -9 of publishers at random moments. What was acknowledged is recorded here, outside the nodes, as the client
prints it. After every kill the ledger is opened by SQLite: no acknowledged announcement may be lost, none may stand
there twice (what was not acknowledged is published again after the next start), the feed may not be forked and the
file not be damaged; at the end the partner, which was never killed, must hold exactly the same.

Five publishers, each with a partner of its own, are killed at the same time: after a start a node asks its partners for
some seconds what they hold of its feed, and these waits may as well go on side by side."""

import os
import random
import re
import subprocess
import sys
import threading
import time

from ledger_file import LedgerFile, feed_of
from network import BIN, DEADLINE, Failure, Network, announcement, wait

PAIRS = 5
KILLS = 11          # of each publisher
EARLY = (3, 8)      # these kills fall into the start, before anything is published
BATCH = 800         # announcements that a client is given at a time: many are on their way at once
MIN_KILLS, MIN_IN_FLIGHT = 50, 40


class Client:
    """One `caravan publish` of many files; records what it prints, in order."""

    def __init__(self, node, titles, folder):
        self.titles, self.names = titles, []
        paths = []
        for title in titles:
            path = os.path.join(folder, re.sub(r"\W", "-", title) + ".yaml")
            if not os.path.exists(path):
                with open(path, "w") as file:
                    file.write(announcement(title))
            paths.append(path)
        self.log = os.path.join(folder, "log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([BIN, "--home", node.home, "publish", *paths],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=log, text=True)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.names.append(line.strip())

    def works(self):
        return self.process.poll() is None

    def finish(self, seconds):
        """Waits for its end, or ends it; returns {title: seq} of what was acknowledged."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.thread.join()
        self.process.stdout.close()
        with open(self.log) as log:
            self.errors = log.read()[-500:]
        return {title: int(name.rsplit("/", 1)[1])
                for title, name in zip(self.titles, self.names)}


class Pair(threading.Thread):
    def __init__(self, network, number):
        super().__init__()
        self.number = number
        self.publisher = network.add("th-from%d" % number)
        self.partner = network.add("cn-to%d" % number)
        network.exchange_cards((self.publisher, self.partner))
        self.folder = os.path.join(network.folder, "files%d" % number)
        os.mkdir(self.folder)
        self.random = random.Random(os.urandom(8))
        self.acknowledged = {}  # title: seq
        self.pending, self.made = [], 0
        self.kills = self.in_flight = 0
        self.failure = None

    def run(self):
        try:
            self.partner.start()
            self.publisher.start()
            self.feed = feed_of(self.publisher)
            # Until enough of the kills have hit work in flight: how many do depends on the machine.
            while self.kills < KILLS or (self.in_flight < -(-MIN_IN_FLIGHT // PAIRS)
                                         and self.kills < 3 * KILLS):
                kill = self.kills
                if kill in EARLY:
                    self.kill_early()
                else:
                    self.kill_at_work()
                self.kills += 1
                with LedgerFile(self.publisher) as ledger:
                    self.check(ledger)
                self.publisher.start(wait_up=kill + 1 not in EARLY)
            self.end()
        except Exception as failure:
            self.failure = failure
            raise

    def next_titles(self):
        while len(self.pending) < BATCH:
            self.made += 1
            self.pending.append("kill %d no %06d" % (self.number, self.made))
        return list(self.pending)

    def acknowledge(self, found):
        for title, seq in found.items():
            if self.acknowledged.setdefault(title, seq) != seq:
                raise Failure("%s was acknowledged as %d and as %d" % (
                    title, self.acknowledged[title], seq))
        self.pending = [title for title in self.pending if title not in self.acknowledged]

    def kill_early(self):
        time.sleep(self.random.uniform(0, 1.5))
        self.publisher.kill()

    def kill_at_work(self):
        client = Client(self.publisher, self.next_titles(), self.folder)
        try:
            deadline = time.monotonic() + DEADLINE
            while not client.names and client.works():
                if time.monotonic() > deadline:
                    raise Failure("nothing was acknowledged in %d s" % DEADLINE)
                time.sleep(0.0005)
            # All of them take some tens of milliseconds.
            deadline = time.monotonic() + self.random.uniform(0, 0.02)
            while time.monotonic() < deadline and len(client.names) < BATCH // 2:
                time.sleep(0.0005)
            at_work = client.works()
            self.publisher.kill()
        finally:
            found = client.finish(DEADLINE)
        # It had acknowledged some and was working on the next.
        self.in_flight += at_work and 0 < len(found) < len(client.titles)
        if not found:
            raise Failure("nothing could be published: %s" % client.errors)
        self.acknowledge(found)

    def check(self, ledger):
        """Every title at most once; the acknowledged ones, where they were acknowledged."""
        places = {}
        for seq, content in ledger.announcements(self.feed).items():
            title = re.search(rb"kill \d+ no \d{6}", content).group().decode()
            if title in places:
                raise Failure("%s stands at %d and at %d" % (title, places[title], seq))
            places[title] = seq
        for title, seq in self.acknowledged.items():
            if places.get(title) != seq:
                raise Failure("%s was acknowledged as %d and is at %s in the ledger of %s" % (
                    title, seq, places.get(title), ledger.handle))

    def end(self):
        """What is pending is published at last; then both ledgers are the same."""
        titles = self.next_titles()[:BATCH // 4]
        client = Client(self.publisher, titles, self.folder)
        found = client.finish(DEADLINE)
        if len(found) != len(titles):
            raise Failure("only %d of %d: %s" % (len(found), len(titles), client.errors))
        self.acknowledge(found)
        seq = max(self.acknowledged.values())
        wait(lambda: int((self.partner.partner(self.publisher.handle) or {}).get("seq", 0)) >= seq,
             "%s has received everything" % self.partner.handle)
        self.publisher.stop()
        self.partner.stop()
        with LedgerFile(self.publisher) as own, LedgerFile(self.partner) as theirs:
            self.check(own)
            self.check(theirs)
            if own.head(self.feed) != theirs.head(self.feed):
                raise Failure("the heads of %s differ" % self.publisher.handle)


def main():
    with Network() as network:
        pairs = [Pair(network, number) for number in range(PAIRS)]
        for pair in pairs:
            pair.start()
        for pair in pairs:
            pair.join()
        for pair in pairs:
            if pair.failure:
                raise Failure("%s: %s" % (pair.publisher.handle, pair.failure))
        kills = sum(pair.kills for pair in pairs)
        in_flight = sum(pair.in_flight for pair in pairs)
        acknowledged = sum(len(pair.acknowledged) for pair in pairs)
        print("publisher: %d kills, %d of them with work in flight, %d announcements acknowledged;"
              " none lost, none twice, no fork, nothing corrupt" % (kills, in_flight, acknowledged))
        if kills < MIN_KILLS or in_flight < MIN_IN_FLIGHT:
            raise Failure("wanted %d kills, %d in flight" % (MIN_KILLS, MIN_IN_FLIGHT))


if __name__ == "__main__":
    sys.exit(main())
