"""Keys in real life, with real nodes: rotating them while partners run, come back later or are reached by a relay only;
after a theft; with the recovery paper; and what was sealed before stays readable."""

import json
import os
import re
import resource
import shutil
import unittest

from network import Network, announcement, wait
from ports import free_port

USAGE, INVALID, NOT_FOUND, DOWN, EXISTS, IO, HELD, FROZEN = 64, 65, 66, 69, 73, 74, 79, 80


class Keys(unittest.TestCase):
    def setUp(self):
        self.network = Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)

    def add(self, *handles, **options):
        """Nodes whose root key was moved away, as it should be."""
        nodes = []
        for handle in handles:
            node = self.network.add(handle, **options)
            node.root, node.paper = node.home + ".root.key", node.home + ".paper"
            os.rename(os.path.join(node.home, "keys/root.key"), node.root)
            os.rename(os.path.join(node.home, "keys/recovery-paper.txt"), node.paper)
            nodes.append(node)
        return nodes

    def wait_exchanging(self, a, b):
        wait(lambda: a.is_exchanging(b.handle), "%s exchanges with %s" % (a.handle, b.handle))

    def wait_open(self, node):
        wait(lambda: node.status()["publishing"] == "open", "%s may publish" % node.handle)

    def rotate(self, node, *more):
        return node.json("key", "rotate", "--root", node.root, *more)

    def keys(self, node):
        return node.json("key", "show")

    def lacking(self, node):
        return sorted(p["handle"] for p in self.keys(node).get("partners", []) if not p.get("newest"))

    def uses_former(self, node):
        return bool(self.keys(node).get("former_transport"))

    def wait_settled(self, node):
        """All partners have the newest certificate, and the former transport key is gone."""
        wait(lambda: not self.uses_former(node), "%s uses its new key: %s" % (node.handle, self.keys(node)))
        self.assertFalse(os.path.exists(os.path.join(node.home, "keys/transport-1.key")))

    def files(self, node):
        return sorted(os.listdir(os.path.join(node.home, "keys")))


class Rotating(Keys):
    def test_partners_that_run_follow(self):
        a, b = self.add("cn-aa", "th-bb")
        c, = self.add("za-cc", listen=False)
        self.network.exchange_cards()
        self.network.start()
        a.publish("Before")
        self.network.wait_equal()
        done = self.rotate(a)
        self.assertEqual(done["certificate"], "2")
        self.wait_settled(a)
        a.publish("After")
        b.publish("From b, after")
        c.publish("From c, after")
        self.network.wait_equal()
        for other in b, c:
            self.wait_exchanging(a, other)
            self.wait_exchanging(other, a)
        self.assertEqual(self.files(a), ["certificates", "genesis", "node.key", "sealing-1.key", "sealing.key",
                                         "transport.key"])
        # Another start, and another rotation: also of a partner that only dials.
        a.stop()
        a.start()
        self.rotate(c)
        self.wait_settled(c)
        self.wait_open(a)
        self.assertEqual(self.rotate(a)["certificate"], "3")
        self.wait_settled(a)
        c.publish("Once more")
        self.network.wait_equal()
        # The card has it all: who starts from it can follow.
        d, = self.add("lk-dd")
        d.add_partner(a)
        a.add_partner(d)
        d.start()
        self.network.wait_equal([a, d], [a, d])

    def test_a_partner_that_was_away_gets_in(self):
        a, b, c = self.add("cn-aa", "th-bb", "za-cc")
        self.network.exchange_cards()
        self.network.start()
        a.publish("Before")
        self.network.wait_equal()
        c.stop()
        self.rotate(a)
        wait(lambda: self.lacking(a) == ["za-cc"], "only the one that is away lacks the certificate")
        self.assertTrue(self.uses_former(a))
        # Meanwhile life goes on, also over restarts, with those that know the new key.
        a.publish("While it was away")
        self.network.wait_equal([a, b], [a, b])
        for node in a, b:
            node.stop()
            node.start()
        self.wait_exchanging(b, a)
        self.assertTrue(self.uses_former(a))
        told = [p["what"] for p in a.status()["problems"]]
        self.assertTrue(any("za-cc" in what and "new certificate" in what for what in told), told)
        refused = a.run("key", "rotate", "--root", a.root, check=False)
        self.assertEqual(refused.returncode, EXISTS, refused.stderr)
        self.assertIn("key retire", refused.stderr)
        # It knows the old key alone; both sides dial.
        c.start()
        self.network.wait_equal()
        self.wait_settled(a)
        for other in b, c:
            self.wait_exchanging(other, a)
        c.publish("Back again")
        self.network.wait_equal()

    def test_one_that_only_dials_gets_in(self):
        a, = self.add("cn-aa")
        c, = self.add("za-cc", listen=False)
        self.network.exchange_cards()
        self.network.start()
        self.network.wait_equal()
        c.stop()
        self.rotate(a)
        self.assertEqual(self.lacking(a), ["za-cc"])
        c.start()
        self.wait_settled(a)
        c.publish("Back again")
        self.network.wait_equal()

    def test_behind_a_relay(self):
        a, = self.add("cn-aa", listen=False)
        c, = self.add("za-cc", listen=False)
        b, = self.add("th-bb", relay=["cn-aa", "za-cc"])
        self.network.exchange_cards()
        self.network.start()
        a.publish("Before")
        self.network.wait_equal()
        self.rotate(a)
        self.wait_settled(a)
        a.publish("After")
        self.network.wait_equal()
        # The relay itself, too.
        self.rotate(b)
        self.wait_settled(b)
        c.publish("By the relay")
        self.network.wait_equal()

    def test_retire_does_not_wait(self):
        a, b = self.add("cn-aa", "th-bb")
        self.network.exchange_cards()
        a.start()
        self.rotate(a)
        self.assertTrue(self.uses_former(a))
        a.run("key", "retire")
        self.wait_settled(a)
        self.assertEqual(a.run("key", "retire", check=False).returncode, NOT_FOUND)
        self.wait_open(a)
        self.assertEqual(self.rotate(a)["certificate"], "3")
        # The one that knows nothing of it gets the card by hand.
        a.run("key", "retire")
        b.add_partner(a)
        b.start()
        self.network.wait_equal()

    def test_what_was_sealed_before_is_read_after_a_restore(self):
        a, b = self.add("cn-aa", "th-bb")
        self.network.exchange_cards()
        self.network.start()
        self.network.wait_equal()
        path = self.network.write("sealed.yaml", announcement("For b alone"))
        self.wait_open(a)
        name = a.names(a.run("publish", path, "--to", "th-bb").stdout)[0]
        self.network.wait_equal()
        self.rotate(a)
        self.rotate(b)
        self.wait_settled(a)
        self.wait_settled(b)
        self.assertIn("For b alone", b.run("show", name).stdout)
        later = a.names(a.run("publish", self.network.write("later.yaml", announcement("For b later")), "--to",
                              "th-bb").stdout)[0]
        self.network.wait_equal()
        self.assertIn("For b later", b.run("show", later).stdout)
        saved = os.path.join(self.network.folder, "saved")
        b.run("backup", saved)
        b.stop()
        os.rename(b.home, b.home + ".lost")
        b.run("restore", saved)
        b.start()
        for one, title in (name, "For b alone"), (later, "For b later"):
            self.assertIn(title, b.run("show", one).stdout)
            self.assertIn(title, a.run("show", one).stdout)
        b.publish("Restored")
        self.network.wait_equal()

    def test_a_rotation_that_was_killed_is_finished(self):
        """Killed between the ledger's commit and the first file: the ledger knows what is in force."""
        a, b = self.add("cn-aa", "th-bb")
        self.network.exchange_cards()
        self.network.start()
        self.network.wait_equal()
        folder, saved = os.path.join(a.home, "keys"), os.path.join(self.network.folder, "saved.keys")
        shutil.copytree(folder, saved)
        self.wait_open(a)
        self.rotate(a)
        a.kill()
        for kind in "node", "transport", "sealing":
            os.rename(os.path.join(folder, kind + ".key"), os.path.join(folder, kind + "-new.key"))
        for name in "transport-1.key", "sealing-1.key":
            if os.path.exists(os.path.join(folder, name)):
                os.unlink(os.path.join(folder, name))
        for name in os.listdir(saved):
            shutil.copy2(os.path.join(saved, name), os.path.join(folder, name))
        a.start()
        self.assertEqual([c["number"] for c in self.keys(a)["certificate"]], ["1", "2"])
        self.wait_settled(a)
        self.wait_open(a)
        a.publish("With the new key")
        self.network.wait_equal()
        self.assertEqual(self.files(a), ["certificates", "genesis", "node.key", "sealing-1.key", "sealing.key",
                                         "transport.key"])

    def test_a_full_disk_changes_nothing(self):
        """The keys are taken over, and the ledger cannot take the certificate: the old ones count."""
        a, b = self.add("cn-aa", "th-bb")
        self.network.exchange_cards()
        self.network.start()
        a.publish("Before")
        self.network.wait_equal()
        _, hard = resource.prlimit(a.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(a.process.pid, resource.RLIMIT_FSIZE, (4096, hard))
        full = a.run("key", "rotate", "--root", a.root, check=False)
        self.assertEqual(full.returncode, IO, full.stderr)
        self.assertFalse(os.path.exists(os.path.join(a.home, "keys/next")))
        resource.prlimit(a.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
        wait(lambda: a.json("key", "show", check=False), "the node has room again")
        self.assertEqual(len(self.keys(a)["certificate"]), 1)
        a.publish("With the old key")
        self.network.wait_equal()
        self.assertEqual(self.rotate(a)["certificate"], "2")
        self.wait_settled(a)
        a.publish("With the new key")
        self.network.wait_equal()

    def test_keys_that_no_longer_count_are_named(self):
        """The keys of an old backup beside a ledger that knows better; the root key mends it."""
        a, b = self.add("cn-aa", "th-bb")
        self.network.exchange_cards()
        self.network.start()
        self.network.wait_equal()
        folder, saved = os.path.join(a.home, "keys"), os.path.join(self.network.folder, "saved.keys")
        shutil.copytree(folder, saved)
        self.wait_open(a)
        self.rotate(a)
        self.wait_settled(a)
        a.stop()
        shutil.rmtree(folder)
        shutil.copytree(saved, folder)
        a.start()
        wait(lambda: a.status()["publishing"] == "replaced", "nothing can be published")
        self.assert_told_of_old_keys(a)
        with open(a.log_path) as log:
            self.assertIn("keys.old", log.read())
        self.assertEqual(self.rotate(a)["certificate"], "3")
        b.run("partner", "add", "--yes", a.card())
        self.wait_settled(a)
        self.wait_open(a)
        a.publish("With keys that count")
        self.network.wait_equal()

    def assert_told_of_old_keys(self, node):
        """It says exactly that, and does not send people the wrong way."""
        problems = node.status()["problems"]
        told = [p for p in problems if "certificate 2 of our own feed is in force" in p["what"]]
        self.assertEqual(len(told), 1, problems)
        self.assertIn("keys/ has the older keys of certificate 1", told[0]["what"])
        for way in "restore a newer backup", "caravan key rotate", "caravan key recover":
            self.assertIn(way, told[0]["todo"])
        for problem in problems:
            self.assertNotIn("send them your card", problem["todo"])
            self.assertNotIn("--alone", problem["todo"])
        self.assertIn("keys/ has the older keys of certificate 1", node.run("key", "show").stdout)
        refused = node.run("publish", self.network.write("no.yaml", announcement("No")), check=False)
        self.assertEqual(refused.returncode, FROZEN)
        self.assertIn("older keys than certificate 2", refused.stderr)

    def restore_too_old(self):
        """A home from a backup that is older than the keys in force, which all partners have seen."""
        a, b, c = self.add("cn-aa", "th-bb", "za-cc")
        self.network.exchange_cards()
        self.network.start()
        a.publish("Before")
        self.network.wait_equal()
        saved = os.path.join(self.network.folder, "saved")
        a.run("backup", saved)
        self.rotate(a)
        self.wait_settled(a)
        a.publish("After")
        self.network.wait_equal()
        a.kill()
        os.rename(a.home, a.home + ".lost")
        self.assertIn("restore a newer one", a.run("restore", saved).stdout)
        a.start()
        return a, b, c

    def test_a_backup_that_is_too_old_is_found_out(self):
        a, b, c = self.restore_too_old()
        wait(lambda: a.status()["publishing"] == "held", "publishing is held", 30)

        # All that let it in before refuse it: it guesses why, and says how to be sure.
        def guesses():
            return [p for p in a.status()["problems"] if "our keys are probably too old: 2 of 2" in p["what"]]

        guess, = wait(guesses, "it says that its keys are too old")
        self.assertIn("caravan export cn-aa FILE", guess["todo"])
        for problem in a.status()["problems"]:
            self.assertNotIn("send them your card", problem["todo"])
            self.assertNotIn("start it once with", problem["todo"])
        refused = a.run("key", "rotate", "--root", a.root, check=False)
        self.assertEqual(refused.returncode, HELD)

        # What a partner has of its feed tells for certain.
        file = os.path.join(self.network.folder, "cn-aa.feed")
        b.run("export", "cn-aa", file)
        a.run("import", file)
        wait(lambda: a.status()["publishing"] == "replaced", "it knows of the newer keys")
        self.assert_told_of_old_keys(a)
        self.assertIn("After", a.run("list").stdout)

        # The root key makes new ones, and nothing is lost.
        done = a.run("key", "rotate", "--root", a.root)
        self.assertIn("Certificate 3 is in force", done.stdout)
        self.assertIn("do not let it in before they have our new", done.stdout)
        for partner in b, c:
            partner.run("partner", "add", "--yes", a.card())
        self.wait_settled(a)
        self.wait_open(a)
        a.publish("With keys that count")
        self.network.wait_equal()
        for node in a, b, c:
            listed = node.run("list").stdout
            for title in "Before", "After", "With keys that count":
                self.assertIn(title, listed)
            self.assertFalse((node.partner("cn-aa") or {}).get("frozen"))

    def test_keys_that_are_brought_back_count_again(self):
        a, b, c = self.restore_too_old()
        file = os.path.join(self.network.folder, "cn-aa.feed")
        b.run("export", "cn-aa", file)
        a.run("import", file)
        wait(lambda: a.status()["publishing"] == "replaced", "it knows of the newer keys")
        a.stop()
        shutil.rmtree(os.path.join(a.home, "keys"))
        shutil.copytree(os.path.join(a.home + ".lost", "keys"), os.path.join(a.home, "keys"))
        a.start()
        self.wait_open(a)
        a.publish("With the keys of the lost machine")
        self.network.wait_equal()

    def test_it_says_what_it_needs(self):
        a, b = self.add("cn-aa", "th-bb")
        self.assertEqual(a.run("key", "rotate", "--root", a.root, check=False).returncode, DOWN)
        a.start()
        self.assertEqual(a.run("key", "rotate", check=False).returncode, USAGE)
        wrong = a.run("key", "rotate", "--root", b.root, check=False)
        self.assertEqual(wrong.returncode, INVALID)
        self.assertIn("not the one of this institution", wrong.stderr)
        ask = a.run("key", "rotate", "--root", a.root, "--stolen", check=False)
        self.assertEqual(ask.returncode, USAGE)
        self.assertIn("No. 1", ask.stderr)
        far = a.run("key", "rotate", "--root", a.root, "--last-good", "999", check=False)
        self.assertEqual(far.returncode, INVALID)
        self.assertEqual(len(self.keys(a)["certificate"]), 1)
        self.assertEqual(self.files(a), ["certificates", "genesis", "node.key", "sealing.key", "transport.key"])


class Fork(Keys):
    def test_the_owner_chooses_the_branch(self):
        """Two copies of a node ran: its feed is forked by accident."""
        a, b = self.add("cn-aa", "th-bb")
        self.network.exchange_cards()
        self.network.start()
        a.publish("Common")
        self.network.wait_equal()
        common = a.status_number("seq")
        a.stop()
        b.stop()
        copy = a.home + ".copy"
        shutil.copytree(a.home, copy)
        a.start("--alone")
        a.publish("Left")
        a.stop()
        # The copy takes its place, and a partner has its branch.
        os.rename(a.home, a.home + ".left")
        os.rename(copy, a.home)
        b.start()
        a.start("--alone")
        right = a.publish("Right")
        wait(lambda: b.run("show", right, check=False).returncode == 0, "the partner has it")
        a.stop()
        shutil.rmtree(a.home)
        os.rename(a.home + ".left", a.home)
        a.start()
        wait(lambda: a.status()["publishing"] == "frozen", "the owner sees that its feed is forked")
        self.assertTrue(any("--last-good" in p["todo"] for p in a.status()["problems"]))
        wait(lambda: (b.partner("cn-aa") or {}).get("frozen"), "the partner calls it disputed")
        refused = a.run("key", "rotate", "--root", a.root, check=False)
        self.assertEqual(refused.returncode, USAGE)
        self.assertIn("Left", refused.stderr)
        # Neither: both go on behind the common one.
        self.rotate(a, "--last-good", str(common))
        self.wait_settled(a)
        a.publish("Afterwards")
        self.network.wait_equal()
        aside = self.keys(a)["quarantined"]
        self.assertEqual([entry["title"] for entry in aside], ["Left"])
        shown = re.search(r"(%d:[0-9a-f]{8})  .*Left" % (common + 1), a.run("key", "show").stdout).group(1)
        # Left after all: in front of a certificate that the root key has made only the recovery key counts.
        self.assertEqual(a.run("key", "rotate", "--root", a.root, "--last-good", shown, check=False).returncode,
                         INVALID)
        self.assertEqual(a.run("key", "recover", "--recovery", a.paper, "--last-good", "9:0000",
                               check=False).returncode, INVALID)
        a.json("key", "recover", "--recovery", a.paper, "--last-good", shown)
        self.wait_settled(a)
        self.wait_open(a)
        a.publish("To the end")
        self.network.wait_equal()
        for node in a, b:
            listed = node.run("list").stdout
            self.assertIn("Left", listed)
            self.assertIn("To the end", listed)
            self.assertNotIn("Right", listed)
            self.assertNotIn("Afterwards", listed)


class Theft(Keys):
    def thief_of(self, node, hides):
        """A copy of its home elsewhere, without the root key. hides: it goes by the owner's addresses; else it moves
        the feed to its own."""
        thief = self.network.add("lk-thief")
        shutil.rmtree(thief.home)
        shutil.copytree(node.home, thief.home)
        os.unlink(os.path.join(thief.home, "ledger.token"))
        shutil.rmtree(os.path.join(thief.home, "run"))
        path = os.path.join(thief.home, "node.yaml")
        with open(path) as file:
            text = file.read()
        for old in node.live, node.sync:
            text = text.replace(old, "tcp://127.0.0.1:%d" % free_port(), 1 if hides else -1)
        with open(path, "w") as file:
            file.write(text)
        thief.handle = node.handle
        return thief

    def robbed(self, hides):
        """Three institutions that have caught up. The node of the first has stopped, and a thief of its keys runs;
        returned with it is the number of the last entry that the owner has published."""
        a, b, c = self.add("cn-aa", "th-bb", "za-cc")
        self.network.exchange_cards()
        self.network.start()
        a.publish("Really ours")
        self.network.wait_equal()
        last_good = a.status_number("seq")
        a.stop()
        thief = self.thief_of(a, hides)
        thief.start("--alone")
        return a, b, c, thief, last_good

    def lie(self, thief, partners, titles):
        """The thief publishes, and the partners take it. The name of the last one."""
        bad = [thief.publish(title) for title in titles][-1]
        wait(lambda: all(n.run("show", bad, check=False).returncode == 0 for n in partners), "partners have it")
        return bad

    def goes_on(self, owner, partners):
        """The owner has a new certificate: partners follow it, and what it publishes reaches all."""
        wait(lambda: not self.uses_former(owner) and not self.lacking(owner), "partners have the certificate")
        owner.publish("Ours again")
        self.assert_owners_branch([owner] + partners)

    def shown(self, nodes, title):
        return [n.handle for n in nodes if title in n.run("list").stdout]

    def assert_owners_branch(self, nodes):
        """All hold what the owner has, and nothing of the thief's."""
        wait(lambda: not self.network.differences(nodes, nodes),
             "all hold the owner's branch")
        self.assertEqual(self.shown(nodes, "Send money"), [])
        self.assertEqual(self.shown(nodes, "Really ours"), [n.handle for n in nodes])

    def assert_out(self, thief, partners):
        """Each refuses it, and nothing that it says arrives."""
        for partner in partners:
            wait(lambda p=partner: not thief.is_exchanging(p.handle), "%s cuts the thief off" % partner.handle)
        thief.run("publish", self.network.write("more.yaml", announcement("Send money again")), check=False)

        def refusals():
            links = [link for p in partners for link in thief.partner(p.handle)["links"]]
            return [link for link in links if not link.get("up") and "refused" in link.get("reason", "")]

        wait(refusals, "the thief is told that its key is refused")

    def test_a_thief_that_hides_is_out(self):
        a, b, c, thief, last_good = self.robbed(hides=True)
        self.wait_exchanging(thief, b)
        bad = self.lie(thief, [b, c], ["Send money %d" % i for i in range(3)])
        # The owner comes back, and is shown what it never wrote.
        a.start()
        wait(lambda: a.status_number("seq") == last_good + 3, "the owner sees what was published")
        self.wait_open(a)
        self.rotate(a, "--stolen", "--last-good", str(last_good))
        self.goes_on(a, [b, c])
        aside = self.keys(a)["quarantined"]
        self.assertEqual([entry["title"] for entry in aside], ["Send money %d" % i for i in range(3)])
        self.assertIn("Send money 0", a.run("key", "show").stdout)
        # Whoever has read them is told, and where they went.
        for node in b, c:
            said = [p["what"] for p in node.status()["problems"] if "count for nothing" in p["what"]]
            self.assertEqual(len(said), 1, said)
            self.assertRegex(said[0], r"^3 entries of cn-aa, from No\. %d on, .*: it says that the key that signed "
                             r"them was stolen$" % (last_good + 1))
            gone = node.run("show", bad, check=False)
            self.assertEqual(gone.returncode, NOT_FOUND)
            self.assertIn("%s counts for nothing any more" % bad, gone.stderr)
        self.assert_out(thief, [b, c])
        # Nor after another start of everybody.
        for node in thief, a, b, c:
            node.stop()
        for node in b, c, thief, a:
            node.start(*(["--alone"] if node is thief else []))
        self.assert_out(thief, [b, c])
        self.wait_open(a)
        a.publish("Still ours")
        self.assert_owners_branch([a, b, c])
        for other in b, c:
            self.wait_exchanging(a, other)

    def test_a_thief_that_takes_the_address_is_out(self):
        a, b, c, thief, last_good = self.robbed(hides=False)
        self.wait_exchanging(thief, b)
        self.lie(thief, [b, c], ["Send money %d" % i for i in range(3)])
        # Partners now dial the thief for the owner, whom they hardly hear.
        a.start()
        self.wait_open(a)
        self.rotate(a, "--stolen", "--last-good", str(last_good))
        self.goes_on(a, [b, c])
        self.assert_out(thief, [b, c])
        for other in b, c:
            self.wait_exchanging(other, a)

    def test_a_thief_of_the_root_key_is_out(self):
        """It has named new keys, and partners follow it: the recovery key outranks that, by a card."""
        a, b, c, thief, last_good = self.robbed(hides=False)
        thief.root = a.root
        for partner in b, c:
            self.wait_exchanging(thief, partner)
        self.rotate(thief, "--stolen", "--last-good", "end")
        wait(lambda: not self.uses_former(thief) and not self.lacking(thief), "partners follow the thief")
        self.lie(thief, [b, c], ["Send money"])
        c.run("partner", "add", "--yes", thief.card())
        a.start()
        self.wait_open(a)
        self.assertFalse(a.is_exchanging("th-bb"))
        a.json("key", "recover", "--recovery", a.paper, "--stolen", "--last-good", str(last_good))
        for partner in b, c:
            partner.run("partner", "add", "--yes", a.card())
        self.goes_on(a, [b, c])
        self.assert_out(thief, [b, c])

    def test_a_lost_root_is_recovered(self):
        a, b = self.add("cn-aa", "th-bb")
        self.network.exchange_cards()
        self.network.start()
        a.publish("Before")
        self.network.wait_equal()
        with open(a.paper) as file:
            paper = file.read()
        typo = re.sub(r"(?m)^(    2   )(.)", lambda m: m.group(1) + ("0" if m.group(2) != "0" else "1"), paper)
        wrong = a.run("key", "recover", "--recovery", "-", stdin=typo, check=False)
        self.assertEqual(wrong.returncode, INVALID)
        self.assertIn("line 2", wrong.stderr)
        with open(b.paper) as file:
            other = a.run("key", "recover", "--recovery", "-", stdin=file.read(), check=False)
        self.assertEqual(other.returncode, INVALID)
        self.assertFalse(os.path.exists(os.path.join(a.home, "keys/root.key")))
        done = json.loads(a.run("key", "recover", "--recovery", "-", "--json", stdin=paper).stdout)
        self.assertEqual(done["certificate"], "2")
        self.wait_settled(a)
        self.assertIn("keys/root.key is still on this machine", a.run("key", "show").stdout)
        # The feed goes on; the old root key counts no more, the new one does.
        old, a.root = a.root, a.home + ".root-2.key"
        os.rename(os.path.join(a.home, "keys/root.key"), a.root)
        self.wait_open(a)
        refused = a.run("key", "rotate", "--root", old, check=False)
        self.assertEqual(refused.returncode, INVALID)
        self.assertIn("another one in its place", refused.stderr)
        self.assertEqual(self.rotate(a)["certificate"], "3")
        self.wait_settled(a)
        # And the new paper, not the old one.
        again = a.run("key", "recover", "--recovery", a.paper, check=False)
        self.assertEqual(again.returncode, INVALID)
        new = a.home + ".paper-2"
        os.rename(os.path.join(a.home, "keys/recovery-paper.txt"), new)
        self.assertEqual(a.json("key", "recover", "--recovery", new)["certificate"], "4")
        self.wait_settled(a)
        a.publish("After")
        self.network.wait_equal()
        shown = self.keys(b)
        self.assertEqual(len(shown["certificate"]), 1)


if __name__ == "__main__":
    unittest.main()
