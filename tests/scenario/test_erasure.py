"""What was ordered erased is in no file of any node any more: not its bytes, not four of them in a row. With real
processes: a publisher, a partner, a relay, who was away and comes back; killed between the commit and the
cleaning, and with a disk that is full at that moment."""

import os
import random
import resource
import string
import struct
import subprocess
import sys
import unittest

import wire
from network import SOURCE, Network, announcement, wait

PIECE = 4  # bytes
LONG = "description: %s\n" % ("A long text. " * 300)


# Holds a view of the ledger until its standard input ends. In a process of its own: this one opens and closes the
# ledger's files to search them, and closing a file gives up all of a process's locks on it.
READ = """
import sqlite3, sys
reader = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True, isolation_level=None)
reader.execute("BEGIN")
reader.execute("SELECT count(*) FROM segment").fetchall()
print("reads", flush=True)
sys.stdin.read()
"""


def files_of(nodes):
    """(path, bytes) of every file of every home, and of the logs."""
    for node in nodes:
        paths = [node.log_path] + [os.path.join(folder, name) for folder, _, names in os.walk(node.home)
                                   for name in names]
        for path in paths:
            try:
                with open(path, "rb") as file:
                    yield path, file.read()
            except (FileNotFoundError, OSError):  # gone meanwhile, or a socket
                pass


def pieces(marker):
    return {marker[at:at + PIECE] for at in range(len(marker) - PIECE + 1)}


def found(nodes, marker):
    """Where pieces of the marker stand."""
    return ["%s: %s" % (path, piece) for path, bytes_ in files_of(nodes) for piece in sorted(pieces(marker))
            if piece.encode() in bytes_]


def new_marker(nodes):
    """Letters and digits of which no four in a row stand in any file."""
    while True:
        marker = "".join(random.choices(string.ascii_letters + string.digits, k=24))
        if not found(nodes, marker):
            return marker


def with_contact(title, marker):
    return announcement(title) + "contact: [{office: Somebody, email: %s@example.org}]\n" % marker


class Erasure(unittest.TestCase):
    def setUp(self):
        self.network = Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)

    def write(self, text):
        return self.network.write("text.yaml", text)

    def wait_gone(self, nodes, marker):
        wait(lambda: not found(nodes, marker), "the erased bytes are gone")

    def assert_everywhere(self, nodes, marker):
        for node in nodes:
            self.assertTrue(found([node], marker), node.handle)

    def test_no_file_of_any_node_keeps_it(self):
        network = self.network
        publisher, partner, relay, away = (network.add("cn-from"), network.add("th-partner"),
                                           network.add("ru-relay", relay="all"), network.add("za-away"))
        network.exchange_cards((publisher, partner), (publisher, relay), (relay, away))
        away.add_partner(publisher)
        network.start()
        everybody = [publisher, partner, relay, away]
        contact, call, late = new_marker(everybody), new_marker(everybody), new_marker(everybody)
        revised = publisher.publish(path=self.write(with_contact("A contact that goes", contact)))
        for number in range(10):
            publisher.publish("No %d" % number)
        withdrawn = publisher.publish(path=self.write(with_contact("All of it goes", call)))
        publisher.run("revise", withdrawn, self.write(with_contact("All of this, too", late)))
        network.wait_equal(feeds=[publisher])
        for marker in contact, call, late:
            self.assert_everywhere(everybody, marker)
        archive = os.path.join(network.folder, "before.feed")
        partner.run("export", publisher.handle, archive)
        away.stop()
        self.assert_everywhere([away], contact)

        publisher.run("revise", revised, self.write(announcement("The contact is gone")), "--erase-earlier")
        publisher.run("withdraw", withdrawn, "--reason", "A reason that stays.", "--erase")
        network.wait_equal(nodes=[publisher, partner, relay], feeds=[publisher])
        for marker in contact, call, late:
            self.wait_gone([publisher, partner, relay], marker)
            self.assert_everywhere([away], marker)

        away.start()
        network.wait_equal(feeds=[publisher])
        # Nobody brings it back.
        partner.run("import", archive)
        relay.run("import", archive)
        for marker in contact, call, late:
            self.wait_gone(everybody, marker)
        for node in everybody:
            self.assertIn("The contact is gone", node.run("show", revised).stdout)
            shown = node.run("show", withdrawn).stdout
            self.assertIn("A reason that stays.", shown)
            self.assertIn("erased by No.", shown)
            path = os.path.join(network.folder, "after.%s" % node.handle)
            node.run("export", publisher.handle, path)
            facts = node.json("verify", path)
            self.assertEqual((facts["erased"], facts["missing"]), ("3", "0"))
            with open(path, "rb") as file:
                self.assertFalse([piece for piece in pieces(contact) if piece.encode() in file.read()])

    def follower(self):
        """A publisher and a partner that holds a text, and its marker."""
        publisher, partner = self.network.add("cn-from"), self.network.add("th-partner")
        self.network.exchange_cards()
        self.network.start()
        marker = new_marker([publisher, partner])
        name = publisher.publish(path=self.write(with_contact("It goes", marker) + LONG))
        self.network.wait_equal(feeds=[publisher])
        self.assert_everywhere([partner], marker)
        return publisher, partner, name, marker

    def wait_erased(self, node, name):
        wait(lambda: "erased by No." in node.run("show", name).stdout, "%s shows it erased" % node.handle)

    def test_killed_before_it_was_cleaned(self):
        publisher, partner, name, marker = self.follower()
        # Who reads from the log keeps it from being cut off.
        reader = subprocess.Popen([sys.executable, "-c", READ, os.path.join(partner.home, "ledger.db")],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(reader.communicate)
        self.assertEqual(reader.stdout.readline(), b"reads\n")
        publisher.run("withdraw", name, "--reason", "first without erasing")
        late = publisher.run("withdraw", name, "--erase", "--reason", "why", check=False)
        self.assertEqual(late.returncode, 65, late.stderr)
        self.assertIn("to erase it leave out --reason", late.stderr)
        publisher.run("withdraw", name, "--erase")
        self.wait_erased(partner, name)
        self.wait_gone([publisher], marker)
        self.assert_everywhere([partner], marker)
        self.assertIn("what was erased", partner.run("status").stdout)
        partner.kill()
        reader.communicate()
        self.assert_everywhere([partner], marker)
        partner.start()
        self.wait_gone([partner], marker)
        self.network.wait_equal(feeds=[publisher])

    def test_the_disk_is_full(self):
        publisher, partner, name, marker = self.follower()
        for number in range(150):  # so that the file is larger than the log will be
            publisher.publish(path=self.write(announcement("No %d" % number) + LONG))
        self.network.wait_equal(feeds=[publisher])
        partner.stop()
        size = os.stat(os.path.join(partner.home, "ledger.db")).st_size
        with open(os.path.join(partner.home, "ledger.db"), "rb") as file:
            self.assertLess(file.read().find(marker.encode()), size)
        partner.start()
        # Nothing can be written behind the first pages: the log of the orders is shorter.
        self.limit(partner, size * 3 // 4)
        last = publisher.publish(path=self.write(with_contact("The last one", marker) + LONG))
        self.network.wait_equal(feeds=[publisher])
        publisher.run("withdraw", name, "--erase")
        publisher.run("withdraw", last, "--erase")
        self.wait_erased(partner, last)
        self.assert_everywhere([partner], marker)
        self.limit(partner, resource.RLIM_INFINITY)
        self.wait_gone([publisher, partner], marker)
        self.network.wait_equal(feeds=[publisher])

    def test_verify_tells_erased_from_missing(self):
        with open(os.path.join(SOURCE, "tests", "vectors", "vectors.txt")) as file:
            vectors = dict(line.rstrip("\n").split(" = ", 1) for line in file if " = " in line)
        node = self.network.add("cn-verify")

        def value(name):
            return bytes.fromhex(vectors["erasure." + name])

        def record(data):
            return struct.pack(">I", len(data)) + data

        certificates = wire.encode([(2, value("feed")), (3, value("certificate.1.signed"))])
        fields = wire.decode(value("run.2_5.after"))
        for name, last, facts in (("whole", 4, ("1", "0")), ("without the order", 2, ("0", "1"))):
            shorter = wire.encode(fields[:1] + fields[1:1 + last])  # the feed, and so many entries
            path = os.path.join(self.network.folder, "vectors.feed")
            with open(path, "wb") as file:
                file.write(b"caravan-feed 1\n" + record(certificates) + record(value("run.1")) + record(shorter))
            told = node.json("verify", path)
            self.assertEqual((told["erased"], told["missing"]), facts, name)
        self.assertIn("which no order of the feed explains", node.run("verify", path).stdout)

    def limit(self, node, size):
        _, hard = resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (size, hard))


if __name__ == "__main__":
    unittest.main(verbosity=2)
