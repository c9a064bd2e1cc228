"""backup and restore with real nodes: what was published after the backup comes back from the partner, the feed goes on
without a fork, and until the partner has answered nothing is published."""

import os
import sqlite3
import subprocess
import unittest

from ledger_file import LedgerFile, feed_of
from network import BIN, HELD, Network, announcement, wait

EXISTS, NOT_FOUND, INVALID = 73, 66, 65


class Restore(unittest.TestCase):
    def setUp(self):
        self.network = Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)
        self.a, self.b = self.network.add("cn-a-demo"), self.network.add("th-b-demo")
        self.network.exchange_cards()
        self.network.start()
        self.saved = os.path.join(self.network.folder, "saved")

    def backup_then_go_on(self):
        """Three announcements before the backup, two after it, which the partner receives."""
        names = [self.a.publish("Before %d" % i) for i in range(3)]
        self.a.run("backup", self.saved)
        names += [self.a.publish("After %d" % i) for i in range(2)]
        self.network.wait_equal()
        return names

    def lose_and_restore(self):
        """The machine is gone; the backup becomes a new home at the same addresses."""
        self.a.kill()
        os.rename(self.a.home, self.a.home + ".lost")
        self.a.run("restore", self.saved)

    def seqs(self, node):
        with LedgerFile(node) as ledger:
            return sorted(ledger.announcements(self.feed))

    def test_what_came_after_the_backup_comes_back(self):
        names = self.backup_then_go_on()
        self.feed = feed_of(self.a)
        before = self.a.held(self.a.handle)
        self.lose_and_restore()
        self.assertFalse(os.path.exists(os.path.join(self.a.home, "keys/root.key")))
        self.assertFalse(os.path.exists(os.path.join(self.a.home, "ledger.token")))
        self.assertEqual(os.stat(os.path.join(self.a.home, "keys/node.key")).st_mode & 0o777, 0o600)
        self.a.start()
        name = self.a.publish("After the restore")
        self.network.wait_equal()
        after = self.a.held(self.a.handle)
        self.assertEqual(after["feed"], before["feed"])
        self.assertEqual(int(name.split("/")[1]), before["seq"] + 1)
        self.assertEqual(after["seq"], before["seq"] + 1)
        # The partner goes on telling the restored node what is new, and hears it.
        self.b.publish("From the partner")
        self.network.wait_equal()
        self.a.stop()
        self.b.stop()
        expected = [int(n.split("/")[1]) for n in [*names, name]]
        self.assertEqual(self.seqs(self.a), expected)
        self.assertEqual(self.seqs(self.b), expected)

    def test_nothing_is_published_before_a_partner_has_answered(self):
        self.backup_then_go_on()
        self.b.stop()
        self.lose_and_restore()
        self.a.start()
        path = self.network.write("held.yaml", announcement("Too early"))
        wait(lambda: self.a.status()["publishing"] == "held", "publishing is held", 30)
        done = self.a.run("publish", path, check=False)
        self.assertEqual(done.returncode, HELD, done.stderr)
        self.assertIn("--alone", done.stderr)
        # Also after another start: it is still not known to be the only copy.
        self.a.stop()
        self.a.start()
        wait(lambda: self.a.status()["publishing"] == "held", "publishing is held again", 30)
        self.b.start()
        self.a.publish(path=path)
        self.network.wait_equal()
        self.assertEqual(self.b.held(self.a.handle)["seq"], self.a.held(self.a.handle)["seq"])

    def test_the_operator_may_say_that_it_is_alone(self):
        self.a.publish("Before")
        self.a.run("backup", self.saved)
        self.network.wait_equal()
        self.b.stop()
        self.lose_and_restore()
        self.a.start("--alone")
        self.a.publish("Alone")  # nothing was published after the backup, so this is right
        self.b.start()
        self.network.wait_equal()

    def test_backup_and_restore_refuse_what_would_harm(self):
        self.a.publish("One")
        self.a.run("backup", self.saved)
        self.assertEqual(os.stat(self.saved).st_mode & 0o777, 0o600)
        again = self.a.run("backup", self.saved, check=False)
        self.assertEqual(again.returncode, EXISTS)
        self.assertIn("is there already", again.stderr)
        into_use = self.a.run("restore", self.saved, check=False)
        self.assertEqual(into_use.returncode, EXISTS)
        self.assertIn("is not empty", into_use.stderr)
        new = os.path.join(self.network.folder, "new")
        for code, what in (NOT_FOUND, "nowhere"), (INVALID, self.a.home + "/ledger.db"):
            done = subprocess.run([BIN, "--home", new, "restore", what], capture_output=True)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertFalse(os.path.exists(new))
        # The archive is an ordinary one of SQLite, without the keys that are kept elsewhere.
        # What was read of the inbox is in it.
        with sqlite3.connect("file:%s?mode=ro" % self.saved, uri=True) as database:
            names = {name for name, in database.execute("SELECT name FROM sqlar")}
        self.assertEqual(names, {"node.yaml", "keys/node.key", "keys/transport.key",
                                 "keys/sealing.key", "keys/certificates", "keys/genesis",
                                 "partners/th-b-demo.card", "inbox.db"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
