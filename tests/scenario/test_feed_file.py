"""A feed travels as a file between institutions that no connection joins."""

import os
import unittest

from network import Network

INVALID, NOT_FOUND, EXISTS = 65, 66, 73


class FeedFile(unittest.TestCase):
    def test_a_feed_travels_as_a_file(self):
        with Network() as network:
            # Neither listens, so nothing but the file joins them.
            a, b = network.add("cn-aa", listen=False), network.add("th-bb", listen=False)
            network.exchange_cards()
            network.start()
            names = [a.publish("On paper, %d" % i) for i in range(3)]
            path = os.path.join(network.folder, "a.feed")
            self.assertEqual(int(a.json("export", "own", path)["seq"]), a.status_number("seq"))
            again = a.run("export", "own", path, check=False)
            self.assertEqual(again.returncode, EXISTS)
            first = b.json("import", path)
            self.assertEqual((int(first["added"]), int(first["known"])),
                             (a.status_number("seq"), 0))
            # A second time changes nothing.
            second = b.json("import", path)
            self.assertEqual((int(second["added"]), int(second["known"])),
                             (0, a.status_number("seq")))
            self.assertEqual(b.held("cn-aa"), a.held("cn-aa"))
            self.assertLessEqual(set(names), {item["name"] for item in b.json("list")["items"]})
            # Only what is new is taken from a longer file.
            a.publish("One more")
            longer = os.path.join(network.folder, "longer.feed")
            a.run("export", "cn-aa", longer)
            self.assertEqual(int(b.json("import", longer)["added"]), 1)
            self.refuses(network, b, longer)

    def refuses(self, network, node, path):
        """Damage in any part of the file is found, with its place, and nothing is taken."""
        with open(path, "rb") as file:
            whole = file.read()
        before = node.held("cn-aa")
        # Magic, length of a record, certificate, text of an entry in the middle, the last byte.
        for at in (3, 16, 60, whole.index(b"On paper, 1"), len(whole) - 1):
            damaged = os.path.join(network.folder, "damaged.feed")
            with open(damaged, "wb") as file:
                file.write(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:])
            for command in ("verify", "import"):
                done = node.run(command, damaged, check=False)
                self.assertEqual(done.returncode, INVALID, (command, at, done.stderr))
                self.assertIn("damaged.feed", done.stderr)
        with open(damaged, "wb") as file:
            file.write(whole[:-1])
        self.assertEqual(node.run("import", damaged, check=False).returncode, INVALID)
        self.assertEqual(node.held("cn-aa"), before)

    def test_a_strangers_feed_is_not_taken(self):
        with Network() as network:
            a, b = network.add("cn-aa", listen=False), network.add("th-bb", listen=False)
            network.start()
            a.publish("For whoever knows us")
            path = os.path.join(network.folder, "a.feed")
            a.run("export", "own", path)
            b.run("verify", path)
            done = b.run("import", path, check=False)
            self.assertEqual(done.returncode, INVALID)
            self.assertIn("partner", done.stderr)
            self.assertIsNone(b.held("cn-aa"))
            missing = b.run("export", "cn-aa", path + "2", check=False)
            self.assertEqual(missing.returncode, NOT_FOUND, missing.stderr)
            self.assertFalse(os.path.exists(path + "2"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
