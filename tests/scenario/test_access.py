"""Who gets in, asked of a real node by peers that are no nodes: nobody whom it has not accepted, and
everybody no further than their right goes. tests/unit/test_gate.c has the gate's own conditions
(dead, not yet started) and shows that each wall is one that strangers would pass if it were gone."""

import base64
import os
import shutil
import subprocess
import sys
import time
import unittest

from network import DEADLINE, NAME, SOURCE, Network, announcement, wait

sys.path.insert(0, os.path.join(SOURCE, "tests", "interop"))
import needs  # noqa: E402

needs.modules("zmq")
import raw  # noqa: E402
import wire  # noqa: E402
from zmq.utils import z85  # noqa: E402

APPEND = os.path.join(os.environ["CARAVAN_BUILD"], "tests", "append_entry")
CUT_OFF = 5      # seconds in which a removed partner is cut off
PATIENCE = 0.5   # how long to wait for what must not come; who may read hears within 0.1 s


class Access(unittest.TestCase):
    def setUp(self):
        self.network = Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)
        self.node = self.network.add("cn-aa")
        self.count = 0

    def publish(self):
        self.count += 1
        return self.node.publish("Announcement %d" % self.count)

    def feed_of(self, node):
        """What a node publishes, taken from it while it runs."""
        path = os.path.join(self.network.folder, node.handle + ".exported")
        if os.path.exists(path):
            os.unlink(path)
        node.run("export", node.handle, path)
        facts = node.json("verify", path)
        with open(path, "rb") as file:
            return raw.Feed(facts["feed"], int(facts["seq"]), facts["hash"], file.read())

    @staticmethod
    def feed_text(feed):
        """As JSON has it."""
        return base64.b64encode(feed.id).decode()

    def away(self, handle):
        """An institution with a feed, whose node does not run: raw peers act in its place."""
        node = self.network.add(handle)
        node.start()
        node.publish("What I announce")
        feed = self.feed_of(node)
        node.stop()
        return node, feed

    def add_listener(self, name):
        key = raw.Key.new()
        self.node.run("listener", "add", name, z85.decode(key.public).hex())
        return key

    # --- probes ---

    def reads_live(self, peer, seconds=PATIENCE):
        """Does it hear anything of what is published meanwhile?"""
        socket = peer.live()
        end = time.monotonic() + seconds
        heard = None
        while heard is None and time.monotonic() < end:
            self.publish()
            heard = raw.receive(socket, 0.1)
        socket.close()
        return heard is not None

    def reads_sync(self, peer, own_feed=bytes(32), seconds=PATIENCE):
        socket = peer.sync()
        answers = raw.ask(socket, NAME, own_feed, self.feed_of(self.node).id, seconds)
        socket.close()
        return {body for body, _ in answers}

    def takes(self, peer, own_feed, feed, seconds=PATIENCE):
        """Offers a feed, as who own_feed is. Returns how often the node asked for it; whether it took
        it, held() tells."""
        socket = peer.sync()
        pulls = raw.offer(socket, NAME, own_feed, feed, seconds)
        socket.close()
        return pulls

    def is_taken(self, peer, feed, handle):
        """Offers a feed as its publisher does; has the node all of it now?"""
        self.takes(peer, feed.id, feed)
        return (self.node.held(handle) or {}).get("seq") == feed.seq

    def refused_everywhere(self, who, peer, partner_feed):
        with self.subTest(who=who), peer:
            self.assertFalse(self.reads_live(peer))
            self.assertEqual(self.reads_sync(peer), set())
            self.assertEqual(self.takes(peer, partner_feed.id, partner_feed), 0)
            self.assertIsNone(self.node.held("th-bb"))

    def all_strangers(self, partner_feed):
        key = raw.Key.new()
        for who, peer in [
                ("no encryption", raw.Peer(self.node, None)),
                ("a key of its own", raw.Peer(self.node, key)),
                ("a wrong server key", raw.Peer(self.node, key, raw.Key.new().public))]:
            self.refused_everywhere(who, peer, partner_feed)

    # --- tests ---

    def test_a_stranger_reads_nothing_and_writes_nothing(self):
        partner, feed = self.away("th-bb")
        self.node.start()
        self.all_strangers(feed)  # while the node knows nobody
        partner_key = raw.Key.of_node(partner)
        self.refused_everywhere("not yet a partner", raw.Peer(self.node, partner_key), feed)
        self.node.add_partner(partner)
        # The probes find whatever there is to find: the partner's own key gets everything.
        with raw.Peer(self.node, partner_key) as peer:
            wait(lambda: self.reads_live(peer), "the partner hears")
            self.assertLessEqual({raw.HEADS, raw.RUN, raw.CERTIFICATES},
                                 self.reads_sync(peer, feed.id, DEADLINE))
        self.all_strangers(feed)  # … and with a partner
        with raw.Peer(self.node, partner_key, raw.Key.new().public) as peer:
            self.assertFalse(self.reads_live(peer))
            self.assertEqual(self.reads_sync(peer), set())
        with raw.Peer(self.node, partner_key) as peer:
            wait(lambda: self.is_taken(peer, feed, "th-bb"), "what the partner hands over is taken")
        self.assertIn("gate.refused", self.node.log())

    def test_a_listener_reads_live_and_nothing_else(self):
        partner, feed = self.away("th-bb")
        self.node.start()
        self.node.add_partner(partner)
        key = self.add_listener("script")
        with raw.Peer(self.node, key) as peer:
            wait(lambda: self.reads_live(peer), "the listener hears")
            self.assertEqual(self.reads_sync(peer), set())
            self.assertEqual(self.takes(peer, feed.id, feed), 0)
        self.assertIsNone(self.node.held("th-bb"))
        self.node.run("listener", "remove", "script")
        with raw.Peer(self.node, key) as peer:
            wait(lambda: not self.reads_live(peer), "the listener is refused", 3 * CUT_OFF)

    def test_open_reading_lets_strangers_read_and_not_write(self):
        partner, feed = self.away("th-bb")
        with open(os.path.join(self.node.home, "node.yaml"), "a", encoding="utf-8") as file:
            file.write("\nopen reading: true\n")
        self.node.start()
        self.node.add_partner(partner)
        with raw.Peer(self.node, raw.Key.new()) as peer:
            self.assertTrue(self.reads_live(peer, DEADLINE))
            answers = self.reads_sync(peer, seconds=DEADLINE)
            self.assertLessEqual({raw.HEADS, raw.RUN, raw.CERTIFICATES}, answers)
            self.assertEqual(self.takes(peer, feed.id, feed), 0)
        with raw.Peer(self.node, None) as peer:  # but not without encryption
            self.assertFalse(self.reads_live(peer))
            self.assertEqual(self.reads_sync(peer), set())
        self.assertIsNone(self.node.held("th-bb"))

    def test_a_removed_partner_is_cut_off_in_time(self):
        """A peer that goes on as long as it is let, unlike a node, which would hang up itself."""
        partner, feed = self.away("th-bb")
        self.node.start()
        self.node.add_partner(partner)
        key = raw.Key.of_node(partner)
        with raw.Peer(self.node, key) as peer:
            wait(lambda: self.reads_live(peer), "the partner hears")
            live, sync = peer.live(), peer.sync()
            raw.say_hello(sync, NAME, feed.id)
            self.assertIsNotNone(raw.receive(sync, DEADLINE))
            wait(lambda: (self.publish(), raw.receive(live, 0.1))[1], "the partner hears")
            self.node.run("partner", "remove", "th-bb")
            removed = time.monotonic()
            last = {"live": removed, "sync": removed}
            while time.monotonic() < removed + CUT_OFF + 2:
                self.publish()
                raw.send(sync, raw.HEADS_REQUEST, [(1, bytes(16)), (2, 0)])
                for name, socket in (("live", live), ("sync", sync)):
                    while raw.receive(socket, 0.05):
                        last[name] = time.monotonic()
            for name, moment in last.items():
                print("%s: cut off after %.1f s" % (name, moment - removed))
                self.assertLess(moment - removed, CUT_OFF)
        with raw.Peer(self.node, key) as peer:
            self.assertFalse(self.reads_live(peer))
            self.assertEqual(self.reads_sync(peer, feed.id), set())
            self.assertEqual(self.takes(peer, feed.id, feed), 0)
        self.assertIsNone(self.node.held("th-bb"))

    def test_a_renamed_card_file_is_still_the_partner(self):
        """Whose the card is counts, not what its file is called."""
        partner, feed = self.away("th-bb")
        folder = os.path.join(self.node.home, "partners")
        self.node.start()
        self.node.add_partner(partner)
        wait(lambda: self.node.partner("th-bb"), "the partner is known")
        with raw.Peer(self.node, raw.Key.of_node(partner)) as peer:
            name = "th-bb.card"
            for number, other in enumerate(("zz.card", "aa.card", "th-bb.card")):
                os.rename(os.path.join(folder, name), os.path.join(folder, other))
                name = other
                wait(lambda: self.node.log().count("partner.accepted") == number + 2,
                     "the other name is noticed")
                time.sleep(1.5)  # one more look at the folder
                self.assertEqual(self.node.partner("th-bb")["feed"], self.feed_text(feed))
            self.assertTrue(self.reads_live(peer))
            self.assertGreater(self.takes(peer, feed.id, feed, 2), 0)
            self.assertNotIn("partner.removed", self.node.log())
            # Two files, one partner: it goes with the last of them.
            shutil.copy(os.path.join(folder, name), os.path.join(folder, "copy.card"))
            wait(lambda: self.node.log().count("partner.accepted") == 5, "the copy is noticed")
            os.unlink(os.path.join(folder, name))
            time.sleep(2.5)
            self.assertIsNotNone(self.node.partner("th-bb"))
            os.unlink(os.path.join(folder, "copy.card"))
            wait(lambda: not self.node.partner("th-bb"), "the partner is removed", CUT_OFF)
        self.assertEqual(self.node.log().count("partner.removed"), 1)

    def card_of_another(self, handle):
        """A card with the same handle, of an institution that has made its keys anew, say."""
        home = os.path.join(self.network.folder, "second")
        self.node.run("--home", home, "init", "--handle", handle, "--name", "Another",
                      "--network", NAME)
        return self.network.write("second.card", self.node.run("--home", home, "card").stdout)

    def wait_replaced(self, handle, feed):
        wait(lambda: (self.node.partner(handle) or {}).get("feed") not in
             (None, self.feed_text(feed)), "the other one is the partner", CUT_OFF)

    def test_another_institution_may_take_over_a_handle(self):
        """The card that has it goes and another one comes, within one look at the folder."""
        partner, feed = self.away("th-bb")
        self.node.start()
        self.node.add_partner(partner)
        wait(lambda: self.node.partner("th-bb"), "the partner is known")
        folder = os.path.join(self.node.home, "partners")
        shutil.copy(self.card_of_another("th-bb"), os.path.join(folder, "aa.card"))
        wait(lambda: "two institutions have the handle" in self.node.log(), "it is refused")
        os.unlink(os.path.join(folder, "th-bb.card"))
        self.wait_replaced("th-bb", feed)

    def test_a_replaced_card_cuts_off_the_institution_before(self):
        """`partner remove` and `partner add`, so fast that the node sees one file that has changed."""
        partner, feed = self.away("th-bb")
        self.node.start()
        self.node.add_partner(partner)
        card = self.card_of_another("th-bb")
        key = raw.Key.of_node(partner)
        with raw.Peer(self.node, key) as peer:
            wait(lambda: self.reads_live(peer), "the partner hears")
        os.replace(card, os.path.join(self.node.home, "partners", "th-bb.card"))
        self.wait_replaced("th-bb", feed)
        with raw.Peer(self.node, key) as peer:
            self.assertFalse(self.reads_live(peer))
            self.assertEqual(self.takes(peer, feed.id, feed), 0)

    def test_a_partner_cannot_say_that_it_is_another(self):
        other, feed = self.away("th-bb")
        partner, own = self.away("ru-cc")
        self.node.start()
        for one in (other, partner):
            self.node.add_partner(one)
        with raw.Peer(self.node, raw.Key.of_node(partner)) as peer:
            wait(lambda: self.reads_live(peer), "the partner hears")
            socket = peer.sync()

            def denied():
                answers = raw.ask(socket, NAME, feed.id, feed.id, PATIENCE)  # "I am th-bb"
                refusals = [dict(wire.decode(value)) for body, value in answers
                            if body == raw.REFUSAL]
                return b"denied" in [refusal.get(2) for refusal in refusals]

            wait(denied, "the node refuses it")
            socket.close()
            wait(lambda: self.is_taken(peer, own, "ru-cc"), "its own feed is taken")

    def test_a_partner_cannot_publish_in_anothers_name(self):
        """A relay with a forged entry at the end of somebody else's feed, signed with its own key."""
        victim = self.network.add("th-bb")
        forger = self.network.add("ru-cc", relay="all")
        self.network.exchange_cards()
        self.network.start()
        victim.publish("True")
        self.network.wait_equal()
        true = self.node.held("th-bb")
        victim.stop()
        forger.stop()
        path = self.network.write("forged.yaml", announcement("Forged"))
        forged = self.forged_content(path)
        done = subprocess.run([APPEND, forger.home, NAME, true["feed"]], text=True,
                              input="4 1 %s\n" % forged.hex(), capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        forger.start()
        self.assertIn("Forged", forger.run("list").stdout)
        wait(lambda: "ru-cc sent something wrong: bad-signature" in self.node.run("status").stdout,
             "the node sees what the relay hands on")
        self.assertEqual(self.node.held("th-bb"), true)
        # It harms nobody: the feed goes on, and the relay's own feed does, too.
        victim.start()
        victim.publish("And true again")
        forger.publish("My own")
        self.network.wait_equal(nodes=[victim, self.node], feeds=[victim, forger])
        titles = self.node.run("list", "--all").stdout
        self.assertIn("And true again", titles)
        self.assertNotIn("Forged", titles)

    def forged_content(self, path):
        """The bytes of an announcement: what another node would publish of this file."""
        helper = self.network.add("za-ff")
        helper.start()
        helper.publish(path=path)
        export = os.path.join(self.network.folder, "helper.feed")
        helper.run("export", "za-ff", export)
        helper.stop()
        self.network.nodes.remove(helper)
        with open(export, "rb") as file:
            return wire.feed_entries(file.read())[-1][wire.CONTENT]


if __name__ == "__main__":
    unittest.main(verbosity=2)
