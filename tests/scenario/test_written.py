"""What `caravan show NAME --file` prints is a file that revise and publish take unchanged: for every kind of
announcement, with contacts, joint parties, links and a sealed audience."""

import glob
import json
import os
import unittest

from network import Network, SOURCE, wait

JOINT = """kind: joint call
language: en
title: {en: "Joint call: water & soil", zh: 水土联合研究, ru: Совместный конкурс}
summary: "Two funders, one call. \\u202e\\e[31m# not a comment"
description: |
  First line.

    An indented one: with a colon.
  - and a dash
countries: [TH, ZA]
nature: sample
parties:
  - name: Funder of th
    country: TH
    node id: th-lead
    role: lead
    deadline: 2099-05-15 16:00 Asia/Bangkok
    money: up to 1500000 THB
    contact: {office: International office, email: office@example.org, phone: "+6621234567"}
  - name: Funder of za
    country: ZA
    node id: za-other
    deadline: 2099-05-01 18:00 Africa/Johannesburg
    money: 1000000 to 3000000 ZAR
  - {name: Somebody without a node, country: ZA}
contact:
  - {office: Joint secretariat, email: "joint@example.org"}
keywords: ["yes", "1.0", "null", "- dash", "2024-01-01", "a: b"]
related:
  - {rel: same as, announcement: za-other/%d}
  - {rel: supersedes, announcement: th-lead/3}
funding type: grant
mirror application: yes
"""
KINDS = {"visit", "joint call", "lab opening", "tech offer", "tech request", "park opening", "shared resource"}


class Written(unittest.TestCase):
    def setUp(self):
        self.network = Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)
        self.lead, self.other = self.network.add("th-lead"), self.network.add("za-other")
        self.network.exchange_cards()
        self.network.start()
        for node, partner in (self.lead, "za-other"), (self.other, "th-lead"):
            wait(lambda node=node, partner=partner: node.is_exchanging(partner), "%s is linked" % node.handle)

    def written(self, name):
        text = self.lead.run("show", name, "--file").stdout
        return text, self.network.write("written.yaml", text)

    def said(self, name, node=None):
        return (node or self.lead).json("show", name)["item"]["announcement"]

    def is_taken(self, name):
        """Revising with what show has printed changes nothing; returns the text."""
        text, path = self.written(name)
        self.lead.run("check", path)
        before = self.lead.status()["seq"]
        done = self.lead.run("revise", name, path)
        self.assertIn("says exactly this already", done.stderr, text)
        self.assertEqual(self.lead.status()["seq"], before)
        return text

    def test_every_kind_comes_back_unchanged(self):
        paths = sorted(glob.glob(os.path.join(SOURCE, "configs", "demo", "announcements", "*", "*.yaml")))
        names = self.lead.names(self.lead.run("publish", *paths).stdout)
        self.assertEqual(len(names), len(paths))
        kinds = set()
        for name in names:
            text = self.is_taken(name)
            kinds.add(text.split("\nkind: ")[1].split("\n")[0])
        self.assertEqual(kinds, KINDS)

    def test_parties_links_and_contacts_come_back_with_handles(self):
        first = self.lead.publish("Superseded")
        self.assertEqual(first, "th-lead/4")
        theirs = self.other.publish("One with ours")
        wait(lambda: self.lead.json("show", theirs, check=False), "th-lead has it")
        call = JOINT.replace("%d", theirs.split("/")[1]).replace("th-lead/3", first)
        name = self.lead.publish(path=self.network.write("call.yaml", call))
        text = self.is_taken(name)
        for part in ("node id: th-lead\n", "node id: za-other\n", "announcement: %s\n" % theirs,
                     "announcement: %s\n" % first, "office@example.org", "joint@example.org"):
            self.assertIn(part, text)
        self.assertNotIn("\x1b", text)
        self.assertNotIn(self.other.status()["feed"], text)
        self.assertIn("node id: za-other\n", self.lead.run("show", name).stdout)
        # The same text once more is an announcement of its own that says the same.
        again = self.lead.names(self.lead.run("publish", self.written(name)[1], "--again").stdout)[0]
        self.assertNotEqual(again, name)
        self.assertEqual(self.said(again), self.said(name))
        # Whoever changes one line of it changes that and nothing else.
        changed = self.network.write("changed.yaml", text.replace("1500000 THB", "1600000 THB"))
        self.lead.run("revise", name, changed, "--wait")
        changes = self.lead.json("history", name)["history"][-1]["changes"]
        self.assertEqual([(one["before"], one["after"]) for one in changes],
                         [("up to 1500000 THB", "up to 1600000 THB")])
        self.is_taken(name)
        # The partner reads the same words.
        self.assertEqual(self.said(name, self.other), self.said(name))

    def test_what_was_filled_in_moves_with_the_deadlines(self):
        name = self.lead.publish(path=self.network.write("call.yaml", JOINT[:JOINT.index("related:")]))
        self.assertEqual(self.said(name)["valid_until"], {"year": 2099, "month": 5, "day": 15})
        text = self.is_taken(name)
        self.assertNotIn("valid until", text)
        # An earlier last deadline, proposed by the side whose it is; both later, by the publisher.
        wait(lambda: self.other.json("show", name, check=False), "za-other has it")
        later = text.replace("2099-05-15 16:00 Asia", "2099-07-15 16:00 Asia") \
                    .replace("2099-05-01 18:00 Africa", "2099-08-01 18:00 Africa")
        self.lead.run("revise", name, self.network.write("later.yaml", later))
        self.assertEqual(self.said(name)["valid_until"], {"year": 2099, "month": 8, "day": 1})
        wait(lambda: self.said(name, self.other) == self.said(name), "za-other has the revision")
        self.other.run("propose", name, self.network.write(
            "terms.yaml", "deadline: 2099-07-20 18:00 Africa/Johannesburg\n"))
        wait(lambda: "proposes other terms" in self.lead.run("show", name).stdout, "th-lead has the proposal")
        self.lead.run("accept", name)
        self.assertEqual(self.said(name)["valid_until"], {"year": 2099, "month": 7, "day": 20})
        # What somebody has chosen is written, and stays.
        chosen = self.is_taken(name) + "valid until: 2099-07-19\n"
        self.lead.run("revise", name, self.network.write("chosen.yaml", chosen))
        self.assertIn("valid until: 2099-07-19\n", self.is_taken(name))

    def test_a_sealed_one_stays_for_the_same_readers(self):
        call = JOINT[:JOINT.index("related:")] + "funding type: grant\n"
        done = self.lead.run("publish", self.network.write("sealed.yaml", call), "--to", "za-other")
        name = self.lead.names(done.stdout)[0]
        self.assertIn("audience: [za-other]\n", self.is_taken(name))
        # Published anew it is sealed for the same, not public.
        again = self.lead.names(self.lead.run("publish", self.written(name)[1], "--again").stdout)[0]
        item = self.lead.json("show", again)["item"]
        self.assertEqual((item["sealed"], item["audience"]), (True, ["za-other"]))

    def test_says_what_no_file_can_hold(self):
        own = "th-lead/1"
        done = self.lead.run("show", own, "--file", check=False)
        self.assertEqual(done.returncode, 65)
        self.assertIn("is no announcement", done.stderr)
        name = self.lead.publish("A visit")
        done = self.lead.run("show", name, "--file", "--json", check=False)
        self.assertEqual(done.returncode, 64)
        self.assertIn("--file does not go with --json", json.loads(done.stdout)["error"]["text"])


if __name__ == "__main__":
    unittest.main()
