"""kill -9 of receivers while they catch up. One publisher has a long feed; receivers, one after the other, are killed
again and again on their way to its end, until enough of the kills have hit work in flight. What a receiver has acknowledged is what the publisher, another process,
has a receipt for. After every kill the receiver's ledger is opened by SQLite: it must be whole, hold an unbroken
beginning of the feed, and no less than was acknowledged; at the end it must be the publisher's feed, hash by hash."""

import os
import random
import sys
import threading
import time

from ledger_file import LedgerFile, feed_of
from network import Failure, Network, announcement, wait

MAX_RECEIVERS = 40
KILLS = 8           # of each receiver
ENTRIES = 6000      # in the publisher's feed
PUBLISHERS = 8      # clients that publish at the same time
MIN_KILLS, MIN_IN_FLIGHT = 50, 40
EARLY = 0.2         # of the kills
MIN_WINDOW, MAX_WINDOW = 0.005, 10


def fill(node, path):
    """Publishes ENTRIES announcements, each with a text of some 4 kB."""
    def run():
        done = node.run("publish", "--again", *[path] * (ENTRIES // PUBLISHERS), check=False)
        if done.returncode != 0:
            failures.append(done.stderr[-1000:])

    failures = []
    threads = [threading.Thread(target=run) for _ in range(PUBLISHERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise Failure("publishing: %s" % failures[0])


class Pace:
    """How many seconds after the connection a receiver is killed, at most. What one receiver has taught of the
    machine's speed serves the next."""

    def __init__(self):
        self.window = 0.05

    def learn(self, before, held, end):
        if held == before:
            self.window = min(self.window * 1.5, MAX_WINDOW)
        elif held == end or held - before > end // KILLS:
            self.window = max(self.window / 1.5, MIN_WINDOW)


class Receiver:
    def __init__(self, node, publisher, feed, end, pace):
        self.node, self.publisher, self.feed, self.end = node, publisher, feed, end
        self.pace = pace
        self.random = random.Random(os.urandom(8))
        self.acknowledged = self.held = 0
        self.kills = self.in_flight = 0

    def last_write(self):
        """Of the ledger's log; it is written over and over, its size says nothing."""
        try:
            return os.stat(os.path.join(self.node.home, "ledger.db-wal")).st_mtime_ns
        except FileNotFoundError:
            return 0

    def note_receipts(self):
        received = (self.publisher.partner(self.node.handle) or {}).get("received") or {}
        self.acknowledged = max(self.acknowledged, int(received.get("seq", 0)))

    def check(self):
        """What it holds after a kill; returns how many entries."""
        if not os.path.exists(os.path.join(self.node.home, "ledger.db")):
            return 0
        with LedgerFile(self.node) as ledger:
            seq, _ = ledger.head(self.feed)
        if seq < self.acknowledged or seq < self.held:
            raise Failure("%s holds %d entries; %d were acknowledged, %d seen before" % (
                self.node.handle, seq, self.acknowledged, self.held))
        return seq

    def log_size(self):
        try:
            return os.stat(self.node.log_path).st_size
        except FileNotFoundError:
            return 0

    def is_connected(self, log_from):
        with open(self.node.log_path, "rb") as log:
            log.seek(log_from)
            return b'link="sync out"' in log.read()

    def kill_once(self):
        before, log_from = self.last_write(), self.log_size()
        early = self.random.random() < EARLY  # while it starts, and before much has come
        self.node.start(wait_up=False)
        wait(lambda: self.node.lives() and self.last_write() != before,
             "%s writes" % self.node.handle, pause=0.001)
        if not early:
            wait(lambda: self.node.lives() and self.is_connected(log_from),
                 "%s is connected" % self.node.handle, pause=0.001)
        deadline = time.monotonic() + self.random.uniform(0, self.pace.window)
        while time.monotonic() < deadline:  # a kill must not wait for this
            if self.random.random() < 0.3:
                self.note_receipts()
            time.sleep(0.001)
        self.node.kill()
        self.note_receipts()
        self.kills += 1
        held = self.check()
        # It was on its way: some of the feed had come since the start, and some not yet.
        self.in_flight += self.held < held < self.end
        if not early:
            self.pace.learn(self.held, held, self.end)
        self.held = held

    def run(self):
        while self.kills < KILLS and self.held < self.end:
            self.kill_once()
        self.node.start()
        wait(lambda: int((self.node.partner(self.publisher.handle) or {}).get("seq", 0)) >= self.end,
             "%s has caught up" % self.node.handle)
        wait(lambda: self.note_receipts() or self.acknowledged >= self.end,
             "%s has acknowledged everything" % self.node.handle)
        self.node.stop()
        self.check()


def same_feed(publisher, nodes, feed):
    """Hash by hash, from the ledgers."""
    def entries(node):
        with LedgerFile(node) as ledger:
            return [(seq, record["hash"], record.get("content"))
                    for seq, record, _ in ledger.records(feed)]

    expected = entries(publisher)
    for node in nodes:
        if entries(node) != expected:
            raise Failure("%s holds something else than %s has published" % (
                node.handle, publisher.handle))


def main():
    with Network() as network:
        publisher = network.add("th-from")
        text = announcement("A long one") + "description: %s\n" % ("A long text. " * 300)
        path = network.write("long.yaml", text)
        publisher.start()
        fill(publisher, path)  # before it has partners: without any it publishes at once
        end = publisher.status_number("seq")
        feed = feed_of(publisher)
        nodes, kills, in_flight, pace = [], 0, 0, Pace()
        while (kills < MIN_KILLS or in_flight < MIN_IN_FLIGHT) and len(nodes) < MAX_RECEIVERS:
            nodes.append(network.add("cn-to%d" % len(nodes)))
            network.exchange_cards((publisher, nodes[-1]))
            receiver = Receiver(nodes[-1], publisher, feed, end, pace)
            receiver.run()
            kills += receiver.kills
            in_flight += receiver.in_flight
        publisher.stop()
        same_feed(publisher, nodes, feed)
        print("receiver: %d kills, %d of them with work in flight, %d entries each; none that was"
              " acknowledged lost, none twice, no fork, nothing corrupt" % (kills, in_flight, end))
        if kills < MIN_KILLS or in_flight < MIN_IN_FLIGHT:
            raise Failure("wanted %d kills, %d in flight" % (MIN_KILLS, MIN_IN_FLIGHT))


if __name__ == "__main__":
    sys.exit(main())
