"""Five institutions publish; everybody holds every entry of every feed, with identical heads."""

import glob
import os
import unittest

from network import SOURCE, Network, wait

HANDLES = ["cn-demo", "th-demo", "ru-demo", "za-demo", "lk-demo"]


class Five(unittest.TestCase):
    def test_everybody_holds_everything(self):
        with Network() as network:
            nodes = [network.add(handle) for handle in HANDLES]
            network.exchange_cards()
            network.start()
            published = {}
            for node in nodes:
                files = sorted(glob.glob(os.path.join(
                    SOURCE, "configs/demo/announcements", node.handle, "*.yaml")))
                self.assertTrue(files)
                published[node.handle] = [node.publish(path=path) for path in files]
                self.assertEqual(len(set(published[node.handle])), len(files))
            network.wait_equal()
            for node in nodes:
                for feed in nodes:
                    held = node.held(feed.handle)
                    self.assertEqual(held["entries"]["announcement"],
                                     len(published[feed.handle]))
            total = sum(len(names) for names in published.values())
            self.assertGreaterEqual(total, 22)
            for node in nodes:
                names = {item["name"] for item in node.json("list", "--limit", "all")["items"]}
                for feed in nodes:
                    self.assertLessEqual(set(published[feed.handle]), names)
            self.coverage_is_complete(nodes)

    def coverage_is_complete(self, nodes):
        """Every publisher comes to know from receipts that all partners have its whole feed."""
        for node in nodes:
            def complete():
                partners = node.status().get("partners", [])
                return len(partners) == 4 and all(
                    partner.get("received", {}).get("current") for partner in partners)
            wait(complete, "%s knows that all partners have its feed" % node.handle)


if __name__ == "__main__":
    unittest.main(verbosity=2)
