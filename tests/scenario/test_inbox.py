"""A partner that asks an institution to confirm thousands of announcements: its inbox and status answer, say how many
they leave out, and another partner's request is there, too."""

import re
import unittest

from network import Network, wait

KEPT = 8192  # of one institution and kind: VIEW_INBOX_MAX
MORE = 5
CALL = """kind: joint call
language: en
title: Call %d
summary: Two funders, one call.
countries: [CN, TH]
funding type: grant
parties:
  - {name: Publisher, country: TH, node id: %s, role: lead, deadline: 2099-05-15 16:00 Asia/Bangkok}
  - {name: Funder, country: CN, node id: cn-funder, deadline: 2099-05-01 18:00 Asia/Shanghai}
"""


class Inbox(unittest.TestCase):
    def calls(self, node, count):
        paths = [self.network.write("%s-%d.yaml" % (node.handle, i), CALL % (i, node.handle)) for i in range(count)]
        return node.names(node.run("publish", *paths, seconds=300).stdout)

    def inbox_line(self, node):
        return re.search(r"^Inbox +(.*)$", node.run("status").stdout, re.M).group(1)

    def test_bears_a_partner_that_asks_for_very_much(self):
        with Network() as network:
            self.network = network
            own, loud, quiet = (network.add(handle) for handle in ("cn-funder", "th-loud", "za-quiet"))
            network.exchange_cards()
            network.start()
            for node in loud, quiet:
                wait(lambda node=node: node.is_exchanging("cn-funder"), "%s is linked" % node.handle)
            names = self.calls(loud, KEPT + MORE)
            network.wait_equal(seconds=300)
            one = self.calls(quiet, 1)[0]
            network.wait_equal()

            line = wait(lambda: re.match(r"%d to do, %d unread, %d older not counted; see: " %
                                         (KEPT + 1, KEPT + 1 + 2, MORE), self.inbox_line(own)), "all was counted")
            self.assertTrue(line)
            listed = own.run("inbox", seconds=300)
            lines = listed.stdout.splitlines()
            self.assertEqual(len(lines), KEPT + 1 + 2)
            self.assertIn(one, lines[0], "the latest first")
            self.assertIn(names[-1] + " ", lines[1])
            self.assertIn(names[MORE] + " ", lines[KEPT])
            self.assertIn("and %d older announcements of th-loud that name us: of one institution only the newest are "
                          "kept\n" % MORE, listed.stderr)
            facts = own.json("inbox", "--all", seconds=300)
            self.assertEqual([(more["handle"], more["kind"], more["count"]) for more in facts["more"]],
                             [("th-loud", "INBOX_KIND_CONFIRM", str(MORE))])

            # What is confirmed asks no more; the rest is marked in pieces.
            own.run("confirm", one, "--yes")
            self.assertEqual(own.run("inbox", "mark", "all", seconds=300).stdout, "%d marked as read\n" % (KEPT + 2))
            self.assertRegex(self.inbox_line(own), r"^%d to do, 0 unread, %d older not counted; see: " % (KEPT, MORE))
            self.assertIn("confirm", own.run("inbox", "read", names[-1]).stdout)
            refused = own.run("inbox", "read", names[0], check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("is not in the inbox", refused.stderr)


if __name__ == "__main__":
    unittest.main()
