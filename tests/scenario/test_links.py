"""Who can connect to whom: removed partners, nodes that only connect outwards, relays."""

import time
import unittest

from network import Network, wait

CUT_OFF = 5  # seconds in which a removed partner is cut off


class Links(unittest.TestCase):
    def test_a_removed_partner_is_cut_off(self):
        with Network() as network:
            a, b, c = network.add("cn-aa"), network.add("th-bb"), network.add("ru-cc")
            network.exchange_cards()
            network.start()
            a.publish("Before")
            network.wait_equal()
            wait(lambda: a.is_exchanging("th-bb") and b.is_exchanging("cn-aa"), "a and b exchange")
            start = time.monotonic()
            a.run("partner", "remove", "th-bb")
            wait(lambda: a.partner("th-bb") is None and not b.is_exchanging("cn-aa"),
                 "b is cut off", CUT_OFF)
            self.assertLess(time.monotonic() - start, CUT_OFF)
            before = b.held("cn-aa")["seq"]
            a.publish("After")
            # c still gets it from a; b gets it from nobody, since nobody relays.
            network.wait_equal(nodes=[a, c], feeds=[a])
            self.assertEqual(b.held("cn-aa")["seq"], before)
            # Nor does b learn it later, or reach a again by dialling.
            a.publish("Later")
            network.wait_equal(nodes=[a, c], feeds=[a])
            self.assertEqual(b.held("cn-aa")["seq"], before)
            self.assertFalse(b.is_exchanging("cn-aa"))
            # Taken back, it catches up.
            a.add_partner(b)
            network.wait_equal()

    def test_a_node_that_only_connects_outwards_takes_full_part(self):
        with Network() as network:
            server, inside = network.add("cn-aa"), network.add("th-bb", listen=False)
            network.exchange_cards()
            network.start()
            server.publish("From the one that listens")
            inside.publish("From the one that does not")
            network.wait_equal()
            self.assertEqual(inside.json("partner", "list")[0]["handle"], "cn-aa")
            inside.stop()
            for i in range(20):
                server.publish("While it was away, %d" % i)
            inside.start()
            network.wait_equal()

    def test_two_that_only_connect_outwards_meet_through_a_relay(self):
        with Network() as network:
            relay = network.add("cn-rr", relay="all")
            a, b = network.add("th-aa", listen=False), network.add("lk-bb", listen=False)
            network.exchange_cards()
            network.start()
            a.publish("From a")
            b.publish("From b")
            network.wait_equal()

    def test_a_feed_comes_only_through_a_relay(self):
        with Network() as network:
            a, relay, b = network.add("cn-aa"), network.add("ru-rr", relay=["cn-aa"]), network.add(
                "th-bb", listen=False)
            # a does not know b, so b can have a's entries from the relay alone.
            network.exchange_cards((a, relay), (relay, b))
            b.add_partner(a)
            network.start()
            for i in range(10):
                a.publish("Through the relay, %d" % i)
            network.wait_equal(feeds=[a])
            self.assertFalse(b.is_exchanging("cn-aa"))

    def test_without_a_relay_nothing_is_handed_on(self):
        with Network() as network:
            a, middle, b = network.add("cn-aa"), network.add("ru-mm"), network.add("th-bb")
            network.exchange_cards((a, middle), (middle, b))
            b.add_partner(a)
            network.start()
            a.publish("Not for everybody")
            middle.publish("For both")
            network.wait_equal(nodes=[a, middle, b], feeds=[middle])
            network.wait_equal(nodes=[a, middle], feeds=[a])
            self.assertIsNone(b.held("cn-aa"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
