"""A thousand announcements reach whoever was away, over every kind of link, once each, in order."""

import unittest

from network import Network, announcement

COUNT = 1000


class CatchUp(unittest.TestCase):
    def test_all_who_were_away_have_all(self):
        with Network() as network:
            publisher = network.add("cn-pp")
            relay = network.add("ru-rr", relay=["cn-pp"])
            away = network.add("th-away")
            inside = network.add("za-inside", listen=False)
            # The publisher does not know this one: it has the feed through the relay alone.
            far = network.add("lk-far", listen=False)
            network.exchange_cards((publisher, relay), (publisher, away), (publisher, inside),
                                   (relay, far))
            far.add_partner(publisher)
            network.start()
            publisher.publish("The first")
            network.wait_equal(feeds=[publisher])
            for node in (away, inside, far):
                node.stop()
            names = self.publish_many(network, publisher)
            for node in (away, inside, far):
                node.start()
            network.wait_equal(feeds=[publisher])
            for node in network.nodes:
                self.has_all(node, names)

    def publish_many(self, network, publisher):
        paths = [network.write("%04d.yaml" % i, announcement("Announcement %04d" % i))
                 for i in range(COUNT)]
        names = publisher.names(publisher.run("publish", *paths).stdout)
        self.assertEqual(len(set(names)), COUNT)
        return names

    def has_all(self, node, names):
        """In the order of the feed, which list shows from its end."""
        items = node.json("list", "--limit", "all")["items"]
        listed = [item for item in items if item["handle"] == "cn-pp"]
        listed.sort(key=lambda item: int(item["seq"]))
        self.assertEqual([item["name"] for item in listed][1:], names, node.handle)
        titles = [item["announcement"]["title"][0]["text"] for item in listed][1:]
        self.assertEqual(titles, ["Announcement %04d" % i for i in range(COUNT)], node.handle)


if __name__ == "__main__":
    unittest.main(verbosity=2)
