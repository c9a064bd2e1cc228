#!/usr/bin/python3
"""The known answers on joint announcements, judged by the second implementation."""
import random
import unittest

import needs

needs.modules("nacl")
import show_sides as sides  # noqa: E402
from verify_feed import read_entry  # noqa: E402

V = needs.vectors()
FEEDS = {bytes.fromhex(V[f"sides.feed.{number}"]): number for number in (1, 2, 3, 4)}
PUBLISHER, SEQ = bytes.fromhex(V["sides.feed.1"]), 3
STEPS = sorted(name.split(".")[1] for name in V if name.endswith(".entry") and
               name.startswith("sides."))


def entry_of(step):
    return read_entry(bytes.fromhex(V[f"sides.{step}.entry"]), V["network"])


def outcomes_of(reader):
    found = sorted((FEEDS[who], seq) for who, seq in reader.outcomes(PUBLISHER, SEQ).items())
    return "; ".join(f"{who} by {seq}" for who, seq in found) or "none"


def content(name):
    return bytes.fromhex(V["joint." + name])


class Sides(unittest.TestCase):
    def test_every_step_shows_the_same(self):
        self.assertGreaterEqual(len(STEPS), 25)
        reader = sides.Reader()
        for step in STEPS:
            reader.add(entry_of(step))
            self.assertEqual(reader.shows(PUBLISHER, SEQ), V[f"sides.{step}.shows"], step)
            self.assertEqual(outcomes_of(reader), V[f"sides.{step}.outcomes"], step)

    def test_all_states_are_among_them(self):
        shown = " ".join(V[f"sides.{step}.shows"] for step in STEPS)
        for state in ("publisher", "proposed", "confirmed 3", "confirmed an earlier revision 3",
                      "confirmed a revision that is not here by", "declined 5", "proposal 6",
                      "proposal 12 refused by"):
            self.assertIn(state, shown)

    def test_the_order_of_arrival_does_not_matter(self):
        entries = [entry_of(step) for step in STEPS]
        order = random.Random(1)
        for _ in range(20):
            order.shuffle(entries)
            reader = sides.Reader()
            for entry in entries:
                reader.add(entry)
            self.assertEqual(reader.shows(PUBLISHER, SEQ), V[f"sides.{STEPS[-1]}.shows"])
            self.assertEqual(outcomes_of(reader), V[f"sides.{STEPS[-1]}.outcomes"])

    def test_the_order_of_fields_does_not_matter(self):
        party = sides.read("Proposal", content("proposal"))["party"]
        fields = list(sides.raw_fields(party))
        turned = b"".join(sides.varint(number << 3 | wire) + (
            sides.varint(len(value)) + value if wire == 2 else sides.varint(value))
            for number, wire, value in reversed(fields))
        self.assertNotEqual(turned, party)
        self.assertEqual(sides.in_order("Party", turned), sides.in_order("Party", party))


class Contents(unittest.TestCase):
    """The bytes say what PROTOCOL.md says of their fields."""

    def read(self, message, name):
        fields = sides.read(message, content(name))
        about = sides.read("AnnouncementName", fields["announcement"])
        self.assertEqual((about["feed"], about["seq"]), (PUBLISHER, SEQ))
        return fields

    def test_the_announcement_is_what_was_published(self):
        self.assertEqual(content("announcement"), entry_of("01")["content"])
        parties = sides.read("Announcement", content("announcement"))["parties"]
        self.assertEqual([FEEDS[sides.read("Party", party)["node_id"]] for party in parties],
                         [1, 2, 3])

    def test_confirmation_and_refusal(self):
        for name, declined in (("confirmation", None), ("refusal", 1)):
            fields = self.read("Confirmation", name)
            self.assertEqual(fields["entry_hash"], entry_of("01")["hash"])
            self.assertEqual(fields["declined"], declined)
        self.assertEqual(content("confirmation"), entry_of("02")["content"])

    def test_proposal(self):
        fields = self.read("Proposal", "proposal")
        self.assertEqual(fields["entry_hash"], entry_of("01")["hash"])
        self.assertEqual(FEEDS[sides.read("Party", fields["party"])["node_id"]], 2)
        self.assertEqual(sides.read("LocalizedText", fields["reason"][0]),
                         {"lang": b"en", "text": b"our holidays", "machine": None})

    def test_proposal_refused(self):
        fields = sides.read("Confirmation", content("proposal_refused"))
        about = sides.read("AnnouncementName", fields["announcement"])
        proposals = [entry for entry in map(entry_of, STEPS) if FEEDS[entry["feed"]] == 2
                     and entry["content_type"] == sides.PROPOSAL]
        self.assertEqual((FEEDS[about["feed"]], about["seq"]), (2, proposals[-1]["seq"]))
        self.assertEqual(fields["entry_hash"], proposals[-1]["hash"])
        self.assertEqual(fields["declined"], 1)
        self.assertEqual(content("proposal_refused"), entry_of(STEPS[-1])["content"])

    def test_outcome(self):
        fields = self.read("Outcome", "outcome")
        self.assertEqual((fields["what"], fields["number"]), (2, 12))

    def test_interest(self):
        fields = self.read("Interest", "interest")
        self.assertEqual(FEEDS[sides.read("Party", fields["from"])["node_id"]], 4)
        self.assertEqual(fields["language"], b"en")
        self.assertEqual(len(fields["kind_of_cooperation"]), 1)


if __name__ == "__main__":
    unittest.main()
