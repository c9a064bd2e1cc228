"""One call, published twice by two institutions: a third that follows both sees one row once both say
so, through a restart, and two again when one of them takes its part back."""

import unittest

from network import Network, announcement, wait


class SameCall(unittest.TestCase):
    def setUp(self):
        self.network = Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)
        self.one, self.two, self.third = (self.network.add(handle) for handle in
                                          ("cn-one", "th-two", "za-third"))
        self.network.exchange_cards()
        self.network.start()
        for node in self.one, self.two:
            wait(lambda n=node: n.status()["publishing"] == "open", "%s may publish" % node.handle)

    def rows(self, node, *options):
        """Each row of a list: its name, and the others that are one with it."""
        items = node.json("list", *options)["items"]
        return sorted((item["name"], [other["name"] for other in item.get("also", [])])
                      for item in items)

    def wait_rows(self, node, expected, *options):
        wait(lambda: self.rows(node, *options) == sorted(expected), "%s lists %s (now: %s)" % (
            node.handle, expected, self.rows(node, *options)))

    def test_two_announcements_become_one_row(self):
        first = self.one.publish("Call of one", kind="joint call", countries="LK")
        second = self.two.publish("Call of two", kind="joint call", countries="TH")
        other = self.two.publish("Another one", kind="joint call", countries="TH")
        self.wait_rows(self.third, [(first, []), (second, []), (other, [])])

        # Only one says so: two rows, told as what it is; the other is asked.
        wait(lambda: self.two.json("show", first, check=False), "two has the call of one")
        self.two.run("link", second, first)
        wait(lambda: self.third.json("show", second)["item"].get("links"), "the link has come")
        shown = self.third.json("show", second)
        self.assertEqual([(link["name"], link["rel"], link["state"]) for link in
                          shown["item"]["links"]],
                         [(first, "RELATED_REL_SAME_AS", "LINK_STATE_ONE_SIDED")])
        self.assertIn("says it is the same as %s; cn-one does not say so" % first,
                      self.third.run("show", second).stdout)
        self.wait_rows(self.third, [(first, []), (second, []), (other, [])])
        things = wait(lambda: [thing for thing in self.one.json("inbox")["things"]
                               if thing["kind"] == "INBOX_KIND_LINK"], "one is asked")
        self.assertEqual([(thing["item"]["name"], thing["to_do"]) for thing in things],
                         [(second, True)])

        # Both say so: one row for everybody, that each finds by what either says.
        self.assertIn("readers see both as one",
                      self.one.run("link", first, second, "--as", "mirror-of").stdout)
        for node in self.third, self.one, self.two:
            self.wait_rows(node, [(other, []), (second, [first])])
        for options in ("--handle", "cn-one"), ("--country", "LK"):
            self.assertEqual(self.rows(self.third, *options), [(second, [first])])
        for name, also in (first, second), (second, first):
            shown = self.third.json("show", name)
            self.assertEqual([item["name"] for item in shown["group"]], [also])
        self.assertFalse([thing for thing in self.one.json("inbox", "--all")["things"]
                          if thing["kind"] == "INBOX_KIND_LINK"])
        self.third.stop()
        self.third.start()
        self.assertEqual(self.rows(self.third), [(second, [first]), (other, [])])

        # What cannot be linked is said.
        for arguments, code in (((first, first), 65), ((second, first), 77), ((first, "th-two/99"),
                                66), ((first, second, "--as", "twin"), 64),
                                ((first, other, "--remove"), 66)):
            self.assertEqual(self.one.run("link", *arguments, check=False).returncode, code,
                             arguments)
        before = self.one.status_number("seq")
        self.assertIn("says already", self.one.run("link", first, second, "--as",
                                                   "mirror-of").stdout)
        self.assertEqual(self.one.status_number("seq"), before)

        # Taken back: two rows; withdrawn: one.
        self.one.run("link", first, second, "--remove")
        self.wait_rows(self.third, [(first, []), (second, []), (other, [])])
        self.one.run("link", first, second)
        self.wait_rows(self.third, [(first, [second]), (other, [])])
        self.two.run("withdraw", second)
        self.wait_rows(self.third, [(first, []), (other, [])])

    def test_what_is_sealed_is_one_only_for_those_that_may_read_it(self):
        path = self.network.write("sealed.yaml", announcement("Sealed call", kind="joint call"))
        sealed = self.one.names(self.one.run("publish", path, "--to", "th-two").stdout)[0]
        public = self.one.publish("Public call", kind="joint call")
        self.one.run("link", sealed, public)
        self.wait_rows(self.two, [(sealed, [public])])
        self.wait_rows(self.third, [(public, [])])
        self.one.run("link", sealed, public, "--remove")
        self.one.run("link", public, sealed)
        self.wait_rows(self.two, [(sealed, [public])])
        wait(lambda: self.third.json("show", public)["item"].get("links"), "the link has come")
        self.assertIn("same as %s, which is not here or cannot be shown" % sealed,
                      self.third.run("show", public).stdout)
        self.assertEqual(self.rows(self.third), [(public, [])])


if __name__ == "__main__":
    unittest.main(verbosity=2)
