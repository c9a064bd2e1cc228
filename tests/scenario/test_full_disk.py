"""A node whose disk is full says so, loses nothing that it acknowledged, and goes on when there is room again. The disk
is full in that no file of the process may grow beyond a limit, which is lifted later."""

import resource
import unittest

from ledger_file import LedgerFile, feed_of
from network import Network, announcement, wait

IO = 74
LIMIT = 1024 * 1024


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.network = Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)
        self.a, self.b = self.network.add("cn-a-demo"), self.network.add("th-b-demo")

    def start_limited(self, node):
        """From its first moment on: a receiver may have everything as soon as it answers."""
        command = node.command
        node.command = ["prlimit", "--fsize=%d:" % LIMIT, *command]
        node.start()
        node.command = command

    def limit(self, node, size):
        _, hard = resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def publish_many(self, node, count, first):
        """Returns the client's end, and the seqs that it has acknowledged."""
        paths = [self.network.write("%d.yaml" % i, announcement("No %d" % i) +
                                    "description: %s\n" % ("A long text. " * 300))
                 for i in range(first, first + count)]
        done = node.run("publish", *paths, check=False)
        return done, [int(line.split("/")[1]) for line in done.stdout.split()]

    def check(self, node, feed, acknowledged):
        with LedgerFile(node) as ledger:
            there = ledger.announcements(feed)
        for number, seq in enumerate(acknowledged):
            self.assertIn(b"No %d" % number, there[seq])
        return there

    def test_a_publisher(self):
        self.start_limited(self.a)
        done, acknowledged = self.publish_many(self.a, 30, 0)
        self.assertEqual(done.returncode, 0, done.stderr[-500:])
        # Many go into one transaction, which the disk takes whole or not at all.
        done, more = self.publish_many(self.a, 600, len(acknowledged))
        self.assertEqual(done.returncode, IO, done.stderr[-500:])
        self.assertLess(len(more), 600)
        acknowledged += more
        self.assertIn("cannot write to", done.stderr)
        # It still answers, and shows what it has.
        self.assertEqual(self.a.status_number("seq"), max(acknowledged))
        self.limit(self.a, resource.RLIM_INFINITY)
        done, more = self.publish_many(self.a, 10, len(acknowledged))
        self.assertEqual(done.returncode, 0, done.stderr[-500:])
        self.assertEqual(more, list(range(max(acknowledged) + 1, max(acknowledged) + 11)))
        feed = feed_of(self.a)
        self.a.stop()
        self.assertEqual(len(self.check(self.a, feed, acknowledged + more)),
                         len(acknowledged) + 10)

    def test_a_receiver(self):
        self.a.start()
        done, acknowledged = self.publish_many(self.a, 600, 0)
        self.assertEqual(done.returncode, 0, done.stderr[-500:])
        self.network.exchange_cards()
        self.start_limited(self.b)
        wait(lambda: "ledger.commit" in self.b.log() or "ledger.begin" in self.b.log(),
             "the receiver's log names the trouble")
        held = (self.b.partner(self.a.handle) or {}).get("seq", 0)
        self.assertLess(int(held), max(acknowledged))
        received = (self.a.partner(self.b.handle) or {}).get("received") or {}
        self.assertLess(int(received.get("seq", 0)), max(acknowledged))
        self.limit(self.b, resource.RLIM_INFINITY)
        self.network.wait_equal()
        feed = feed_of(self.a)
        self.a.stop()
        self.b.stop()
        self.check(self.b, feed, acknowledged)


if __name__ == "__main__":
    unittest.main(verbosity=2)
