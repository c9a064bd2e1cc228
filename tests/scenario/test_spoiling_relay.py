"""A relay that hands on a changed signature, entry or content is caught, and harms no third node: it
keeps nothing of it, says who sent it, and gets the true entry elsewhere. tests/sim/test_exchange.c
spoils every byte that a relay hands on; here it is one of each sort, in a real relay's ledger."""

import os
import sqlite3
import unittest

from ledger_file import Records
from network import Network, wait


def spoil(node, seq, feed, part):
    """Changes one bit of a part of an entry in a stopped node's ledger: the last one of its signature or
    content, or the lowest of the time in its signed bytes, which are made anew from their parts."""
    with sqlite3.connect(os.path.join(node.home, "ledger.db")) as ledger:
        (arrival, first, blob), = ledger.execute(
            "SELECT arrival, segment.seq, records FROM segment JOIN feed ON number = feed"
            " WHERE id = ? AND segment.seq <= ? ORDER BY segment.seq DESC LIMIT 1", (feed, seq))
        record = list(Records(blob))[seq - first]
        changed = bytearray(blob)
        at = record["at"][part]
        # The number is a difference, doubled: bit 1 is its lowest.
        changed[at + len(record[part]) - 1 if part in record else at] ^= 1 if part in record else 2
        done = ledger.execute("UPDATE segment SET records = ? WHERE arrival = ?",
                              (bytes(changed), arrival))
        assert done.rowcount == 1
    ledger.close()


class SpoilingRelay(unittest.TestCase):
    def spoiled(self, column, complaint):
        with Network() as network:
            publisher, relay, third = network.add("cn-aa"), network.add(
                "ru-rr", relay="all"), network.add("th-cc")
            network.exchange_cards((publisher, relay), (relay, third))
            third.add_partner(publisher)
            publisher.start()
            relay.start()
            publisher.publish("First")
            network.wait_equal(nodes=[publisher, relay], feeds=[publisher])
            good = publisher.held("cn-aa")
            publisher.publish("Last")
            network.wait_equal(nodes=[publisher, relay], feeds=[publisher])
            publisher.stop()
            relay.stop()
            spoil(relay, good["seq"] + 1, bytes.fromhex(good["feed"]), column)
            relay.start()
            third.start()
            relay.publish("The relay's own")
            network.wait_equal(nodes=[relay, third], feeds=[relay])
            wait(lambda: complaint in third.run("status").stdout, "the third node complains")
            self.assertLessEqual((third.held("cn-aa") or {"seq": 0})["seq"], good["seq"])
            # The true one, from the publisher itself; then the feed goes on.
            publisher.add_partner(third)
            publisher.start()
            publisher.publish("After")
            network.wait_equal(nodes=[publisher, third], feeds=[publisher])
            self.assertIn("Last", third.run("list").stdout)

    def test_a_changed_signature(self):
        self.spoiled("signature", "ru-rr sent something wrong: bad-signature")

    def test_a_changed_content(self):
        self.spoiled("content", "ru-rr sent something wrong: malformed")

    def test_a_changed_entry(self):
        self.spoiled("created", "ru-rr sent something wrong: bad-signature")


if __name__ == "__main__":
    unittest.main(verbosity=2)
