"""A joint call from its publication to an answer, between real nodes that reach each other only through a
relay; and that the relay can read nothing of what is sealed, nor tell what it is."""

import os
import sys
import unittest

from network import Network, SOURCE, wait

sys.path.insert(0, os.path.join(SOURCE, "tests", "interop"))
import needs  # noqa: E402

needs.modules("nacl", "zmq")
import raw  # noqa: E402
import verify_feed  # noqa: E402

CALL = """kind: joint call
language: en
title: Joint call on water research
summary: Two funders, one call.
countries: [CN, RU]
funding type: grant
mirror application: yes
parties:
  - name: Funder of cn
    country: CN
    node id: cn-funder
    role: lead
    deadline: 2099-05-15 16:00 Asia/Shanghai
    money: up to 1500000 CNY
  - name: Funder of ru
    country: RU
    node id: ru-funder
    deadline: 2099-05-01 18:00 Europe/Moscow
    money: 1000000 to 3000000 RUB
"""
TERMS = "deadline: 2099-06-30 18:00 Europe/Moscow\n"
CHANGED = """               deadline
                 - 2099-05-01 18:00 Europe/Moscow
                 + 2099-06-30 18:00 Europe/Moscow
"""
ANSWER = """language: en
kind of cooperation: We would join as Unterseekabelforschung partner.
about us: A water laboratory.
contact: {office: Office of cooperation, email: office@example.org}
"""
SECRET = "Geheimbundwasserprojekt"
SEALED_CALL = CALL.replace("Joint call on water research", SECRET)
LATER = "Spaeterzugelassenesthema"
SEALED_VISIT = """kind: visit
language: en
title: %s
countries: [ZA]
parties: [{name: Funder of cn, country: CN}]
""" % LATER


def every_byte(home):
    """What all files of a home hold."""
    found = []
    for folder, _, names in os.walk(home):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    found.append(file.read())
    return b"".join(found)


def said(facts, event):
    return [voice for voice in facts["voices"] if voice["event"] == event]


class Cooperation(unittest.TestCase):
    def setUp(self):
        self.network = Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)
        # Only the relay listens: whatever one institution has of another came through it.
        self.relay = self.network.add("lk-relay", relay="all")
        self.lead, self.other, self.third = (self.network.add(handle, listen=False) for handle in
                                             ("cn-funder", "ru-funder", "za-third"))
        self.network.exchange_cards()
        self.network.start()
        for node in self.lead, self.other, self.third:
            wait(lambda node=node: node.is_exchanging("lk-relay"), "%s is linked" % node.handle)

    # --- what a node sees ---

    def show(self, node, name):
        return node.json("show", name, check=False)

    def side(self, node, name, handle):
        """A side of an announcement as the node sees it now; {} when it does not have it."""
        facts = self.show(node, name) or {"item": {}}
        for side in facts["item"].get("sides", []):
            if side["handle"] == handle:
                return side
        return {}

    def wait_side(self, node, name, handle, state, **more):
        def stands():
            side = self.side(node, name, handle)
            return side.get("state") == "SIDE_STATE_" + state and all(
                side.get(key) == value for key, value in more.items())

        wait(stands, "%s sees %s as %s in %s (now: %s)" % (node.handle, handle, state, name,
                                                           self.side(node, name, handle)))

    def inbox(self, node, kind=None, *options):
        things = node.json("inbox", *options)["things"]
        return [thing for thing in things if kind in (None, thing["kind"][len("INBOX_KIND_"):])]

    def publish(self, node, text, *options):
        path = self.network.write("%s.yaml" % node.handle, text)
        return node.names(node.run("publish", path, *options).stdout)[0]

    # --- tests ---

    def test_two_funders_co_announce_a_call_and_a_third_answers(self):
        lead, other, third = self.lead, self.other, self.third
        call = self.publish(lead, CALL)
        number = call.split("/")[1]

        # The third sees each state in turn; the other is asked.
        self.wait_side(third, call, "ru-funder", "PROPOSED")
        asked = wait(lambda: self.inbox(other, "CONFIRM"), "ru-funder is asked to confirm")
        self.assertEqual([(thing["item"]["name"], thing["to_do"]) for thing in asked],
                         [(call, True)])

        # Who is not named can neither confirm nor propose; nor can the lead confirm its own.
        self.assertEqual(third.run("confirm", call, "--yes", check=False).returncode, 77)
        self.assertEqual(lead.run("confirm", call, "--yes", check=False).returncode, 65)

        # The other confirms; then proposes a later deadline, which changes nothing yet.
        other.run("confirm", call, "--revision", number)
        self.wait_side(third, call, "ru-funder", "CONFIRMED", revision=number)
        terms = self.network.write("terms.yaml", TERMS)
        other.run("propose", call, terms)
        self.wait_side(third, call, "ru-funder", "CONFIRMED", proposal_seq=self.side(
            other, call, "ru-funder")["proposal_seq"])
        self.assertIn("2099-05-01", third.run("show", call).stdout)
        self.assertIn(CHANGED, third.run("show", call).stdout)
        self.assertEqual([(one["handle"], [change["path"] for change in one["changes"]])
                          for one in self.show(third, call)["differences"]],
                         [("ru-funder", ["deadline"])])

        # The lead takes it over with one command; the confirmation is then of an earlier revision.
        wait(lambda: self.inbox(lead, "PROPOSAL"), "the lead hears of the proposal")
        self.assertIn("1 to do", lead.run("status").stdout)
        self.assertEqual(lead.json("status")["inbox"]["to_do"], "1")
        self.assertIn("+ 2099-06-30 18:00 Europe/Moscow", lead.run("accept", call).stderr)
        self.assertEqual(lead.json("status")["inbox"]["to_do"], "0")
        self.wait_side(third, call, "ru-funder", "EARLIER", revision=number)
        # It expires with the new last deadline, not with the one that was filled in.
        self.assertEqual(self.show(third, call)["item"]["announcement"]["valid_until"],
                         {"year": 2099, "month": 6, "day": 30})
        self.assertNotIn("proposal_seq", self.side(third, call, "ru-funder"))
        self.assertIn("2099-06-30 18:00 Europe/Moscow", third.run("show", call).stdout)
        self.assertIn(CHANGED.replace("deadline", "parties / Funder of ru / deadline"),
                      third.run("show", call).stdout)
        self.assertFalse(self.inbox(lead, "PROPOSAL", "--all"))
        done = lead.run("accept", call, check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (66, "caravan: no side proposes other terms for %s now\n" % call))

        # Terms that stand there already are no proposal; a confirmation is declined, not withdrawn.
        wait(lambda: self.side(other, call, "ru-funder").get("state") == "SIDE_STATE_EARLIER",
             "ru-funder has the revision")
        done = other.run("propose", call, terms, check=False)
        self.assertEqual(done.returncode, 65)
        self.assertIn("nothing was proposed", done.stderr)
        done = other.run("withdraw", "ru-funder/%s" % self.side(other, call, "ru-funder")["by_seq"],
                         check=False)
        self.assertEqual(done.returncode, 65)
        self.assertIn("--decline", done.stderr)

        # What was looked at is confirmed, nothing else.
        wait(lambda: self.side(other, call, "ru-funder").get("state") == "SIDE_STATE_EARLIER",
             "ru-funder has the revision")
        self.assertEqual(
            other.run("confirm", call, "--revision", number, check=False).returncode, 65)
        revision = self.show(other, call)["item"]["revised_by"]
        asked = other.run("confirm", call, check=False)  # nobody is there to be asked
        self.assertEqual(asked.returncode, 64)
        self.assertIn("What has changed since No. %s" % number, asked.stderr)
        self.assertIn("+ 2099-06-30 18:00 Europe/Moscow", asked.stderr)
        other.run("confirm", call, "--revision", revision)
        self.wait_side(third, call, "ru-funder", "CONFIRMED", revision=revision)
        self.assertFalse(self.inbox(other, "CONFIRM", "--all"))

        # The third answers while the lead is away; the lead reads it, and sees it withdrawn.
        lead.stop()
        answer = third.names(third.run(
            "respond", call, self.network.write("answer.yaml", ANSWER)).stdout)[0]
        self.network.wait_equal([third, self.relay], [third])
        shown = self.show(third, answer)
        self.assertEqual((shown["kind"], shown["about"]), ("answer", call))
        self.assertIn("Unterseekabelforschung", str(shown["said"]))
        self.assertNotIn("said", self.show(other, answer) or {}, "it was for the lead alone")
        lead.start()
        things = wait(lambda: self.inbox(lead, "ANSWER"), "the answer is in the inbox")
        self.assertEqual("%s/%s" % (things[0]["handle"], things[0]["seq"]), answer)
        self.assertIn("Unterseekabelforschung", lead.run("inbox", "read", answer).stdout)
        self.assertFalse(self.inbox(lead, "ANSWER"), "it was read")
        lead.stop()
        lead.start()
        self.assertTrue(self.inbox(lead, "ANSWER", "--all")[0]["read"], "also after a restart")
        self.assertFalse(self.inbox(other, "ANSWER", "--all"), "it was for the lead alone")
        third.run("withdraw", answer)
        wait(lambda: self.inbox(lead, "ANSWER", "--all")[0]["withdrawn"], "it is taken back")

        # What came of it.
        lead.run("outcome", call, "awarded", "--number", "12")
        wait(lambda: said(self.show(third, call), "outcome"), "the third hears of the outcome")
        self.assertEqual(said(self.show(third, call), "outcome")[0]["said"]["number"], 12)
        steps = third.json("history", call)["history"]
        self.assertEqual([step["event"] for step in steps],
                         ["published", "proposed", "revised", "confirmed", "outcome"])
        self.assertEqual([change["path"] for change in steps[1]["changes"]], ["deadline"])
        told = third.run("history", call).stdout
        for line in ("No. %s of ru-funder  proposed other terms" % steps[1]["seq"],
                     "  what No. %s says\n" % revision, "  awarded 12\n"):
            self.assertIn(line, told)

        # A side that declines, and the publisher told of it.
        other.run("confirm", call, "--decline")
        self.wait_side(third, call, "ru-funder", "DECLINED")
        wait(lambda: self.inbox(lead, "DECLINED"), "the lead is told")

    def propose(self, call, terms):
        """The other proposes it, and the lead has that."""
        self.other.run("propose", call, self.network.write("terms.yaml", terms))
        number = self.side(self.other, call, "ru-funder")["proposal_seq"]
        wait(lambda: self.side(self.lead, call, "ru-funder").get("proposal_seq") == number,
             "the lead hears of the proposal")

    def revise(self, call, old, new):
        """The lead changes one thing by hand."""
        text = self.lead.run("show", call, "--file").stdout
        self.assertEqual(text.count(old), 1)
        self.lead.run("revise", call, self.network.write("again.yaml", text.replace(old, new)))

    def test_only_what_was_proposed_is_taken_over(self):
        lead, other = self.lead, self.other
        call = self.publish(lead, CALL)
        self.wait_side(other, call, "ru-funder", "PROPOSED")
        before = self.show(lead, call)["item"]["announcement"]["parties"][1]

        # A deadline is proposed, then the lead lowers the money: that stays.
        self.propose(call, TERMS)
        self.revise(call, "1000000 to 3000000 RUB", "1000000 to 2000000 RUB")
        number = self.side(lead, call, "ru-funder")["proposal_seq"]
        for told in lead.run("show", call).stdout, lead.run(
                "inbox", "read", "ru-funder/%s" % number).stdout:
            self.assertIn("+ 2099-06-30 18:00 Europe/Moscow", told)
            self.assertNotIn("- 1000000 to 2000000 RUB", told)
        lead.run("accept", call)
        self.assertNotIn("proposal_seq", self.side(lead, call, "ru-funder"))
        self.assertEqual(lead.json("status")["inbox"]["to_do"], "0")
        after = self.show(lead, call)["item"]["announcement"]["parties"][1]
        self.assertEqual(after["money"][0]["amount"]["max_minor"], "200000000")
        self.assertEqual(after["deadline"][0]["at"]["date"], {"year": 2099, "month": 6, "day": 30})
        self.assertEqual({key for key in after if after[key] != before[key]}, {"money", "deadline"})

        # Where both have changed the same, people decide; nothing is published.
        wait(lambda: self.show(other, call)["item"]["hash"] == self.show(lead, call)["item"]["hash"],
             "ru-funder has the revision")
        made_for = self.show(lead, call)["item"]["revised_by"]
        self.propose(call, "deadline: 2099-07-31 18:00 Europe/Moscow\n")
        self.revise(call, "2099-06-30 18:00", "2099-06-29 18:00")
        now = self.show(lead, call)["item"]["revised_by"]
        done = lead.run("accept", call, check=False)
        self.assertEqual(done.returncode, 65)
        self.assertIn("made for No. %s; No. %s, in force, has changed since: deadline\n" %
                      (made_for, now), done.stderr)
        self.assertIn("has changed the same since: deadline; revise by hand (caravan show %s --file), "
                      "or: caravan refuse %s --from ru-funder" % (call, call), done.stderr)
        self.assertEqual(self.show(lead, call)["item"]["revised_by"], now)

        # Nor is guessed what a proposal means that was made for what is erased.
        text = lead.run("show", call, "--file").stdout
        lead.run("revise", call, "--erase-earlier", self.network.write(
            "again.yaml", text.replace("1000000 to 2000000 RUB", "1000000 to 1500000 RUB")))
        done = lead.run("accept", call, check=False)
        self.assertEqual(done.returncode, 65)
        self.assertIn("for an earlier revision of %s, which cannot be read here" % call, done.stderr)
        self.assertIn("which cannot be read here\n", lead.run("show", call).stdout)

    def sealed_entries(self, feed):
        """(content type, size of the content) of a feed's entries, as the relay holds them."""
        path = os.path.join(self.network.folder, "relayed")
        self.relay.run("export", feed, path)
        with open(path, "rb") as file:
            data = file.read()
        os.unlink(path)
        return [(kind, len(content or b"")) for _, kind, content in verify_feed.verify(data).contents]

    def listen(self, node, title):
        """Hears everything that the node says on live, after visits of its own with this title."""
        key = raw.Key.new()
        node.run("listener", "add", "ear", raw.z85.decode(key.public).hex())
        peer = raw.Peer(node, key)
        self.addCleanup(peer.__exit__)
        visit = SEALED_VISIT.replace(LATER, title)

        def hears():
            ear = peer.live()  # anew: who was refused once does not try again
            self.publish(node, visit)
            return ear if raw.receive(ear, 1) else None

        return wait(hears, "the listener hears")

    def check_topics(self, ear, title):
        """Of what was heard: what is sealed went out by its feed alone, and looks alike."""
        heard = []
        while message := raw.receive(ear, 0.2):
            topic, _, payload = message.partition(b"\0")
            heard.append((topic.split(b"/")[0], len(payload), title.encode() in payload))
        self.assertEqual({public for what, _, public in heard if what == b"kind"}, {True})
        sealed = [(what, size) for what, size, _ in heard if size > 4096]
        self.assertEqual({what for what, _ in sealed}, {b"feed"})
        sizes = [size for _, size in sealed]
        self.assertLess(max(sizes) - min(sizes), 64, "but for numbers and signatures")

    def test_the_relay_reads_nothing_of_what_is_sealed(self):
        lead, other, third = self.lead, self.other, self.third
        ear = self.listen(self.relay, "Joint call on water research")
        public = self.publish(lead, CALL)
        call = self.publish(lead, SEALED_CALL, "--to", "ru-funder")
        self.wait_side(other, call, "ru-funder", "PROPOSED")
        other.run("confirm", call, "--yes")
        self.wait_side(lead, call, "ru-funder", "CONFIRMED")
        # What the lead does not want it refuses, and has nothing to do any more; the side is told.
        other.run("propose", call, self.network.write("no.yaml", TERMS.replace("2099", "2100")))
        wait(lambda: self.inbox(lead, "PROPOSAL"), "the lead hears of the proposal")
        self.assertEqual(other.run("refuse", call, check=False).returncode, 77)
        unknown = lead.run("refuse", call, "--from", "xx-demo", check=False)
        self.assertEqual(unknown.returncode, 66, unknown.stderr)
        self.assertIn('no institution is known as "xx-demo"', unknown.stderr)
        self.assertIn("proposes no other terms", lead.run(
            "refuse", call, "--from", "lk-relay", check=False).stderr)
        refusal = lead.names(lead.run("refuse", call).stdout)[0]
        self.assertIn("already, as our No. %s" % refusal.split("/")[1],
                      lead.run("refuse", call).stdout)
        self.assertEqual(lead.json("status")["inbox"]["to_do"], "0")
        told = wait(lambda: self.inbox(other, "REFUSED"), "ru-funder is told")[0]
        self.assertEqual("%s/%s" % (told["handle"], told["seq"]), refusal)
        self.assertIn("refused by cn-funder (No. %s):" % told["seq"],
                      other.run("show", call).stdout)
        self.assertIn("+ 2100-06-30 18:00 Europe/Moscow",
                      other.run("inbox", "read", refusal).stdout)
        other.run("propose", call, self.network.write("terms.yaml", TERMS))
        wait(lambda: self.inbox(lead, "PROPOSAL"), "the lead hears of the proposal")
        self.assertIn("%s  now says" % call, lead.run("accept", call).stdout)
        self.wait_side(other, call, "ru-funder", "EARLIER")
        other.run("confirm", call, "--yes")
        self.wait_side(lead, call, "ru-funder", "CONFIRMED")
        self.assertIn("confirmed %s already" % call, other.run("confirm", call, "--yes").stdout)
        wait(lambda: self.show(third, public), "the third has the public one")
        answer = third.names(third.run(
            "respond", public, self.network.write("answer.yaml", ANSWER)).stdout)[0]
        wait(lambda: self.inbox(lead, "ANSWER"), "the answer is in the inbox")
        self.network.wait_equal()

        self.check_topics(ear, "Joint call on water research")

        # Who is not named sees that something is sealed, and no more.
        self.assertIn("sealed for other institutions", third.run("show", call).stdout)
        self.assertNotIn(call, third.run("list").stdout)
        self.assertIn(call, other.run("list").stdout)
        self.assertEqual(self.show(other, call)["item"]["audience"], ["ru-funder"])

        # Nothing of it is in any file of the relay or the third; what is public is.
        self.relay.stop()
        third.stop()
        for node in self.relay, third:
            everything = every_byte(node.home)
            self.assertIn(b"Joint call on water research", everything)
            for secret in SECRET, "Unterseekabelforschung":
                self.assertNotIn(secret.encode(), everything)
        self.relay.start()

        # A sealed call, its confirmation, a refusal and an answer look alike: one type, one size.
        self.assertEqual([self.sealed_entries("cn-funder")[int(call.split("/")[1]) - 1],
                          self.sealed_entries("cn-funder")[int(refusal.split("/")[1]) - 1],
                          self.sealed_entries("za-third")[int(answer.split("/")[1]) - 1],
                          self.sealed_entries("ru-funder")[-1]],
                         [self.sealed_entries("cn-funder")[-1]] * 4)
        self.assertEqual(self.sealed_entries("cn-funder")[-1][0], 13)

    def test_what_follows_is_sealed_and_later_readers_may_read(self):
        lead, other, third = self.lead, self.other, self.third
        visit = self.publish(lead, SEALED_VISIT, "--to", "ru-funder")
        wait(lambda: (self.show(other, visit) or {"item": {}})["item"].get("sealed"),
             "ru-funder reads it")
        lead.run("revise", visit, self.network.write("again.yaml",
                                                     SEALED_VISIT.replace(LATER, LATER + " II")))
        wait(lambda: LATER + " II" in other.run("show", visit).stdout, "the revision, too")
        self.network.wait_equal([lead, third], [lead])
        self.assertNotIn(LATER, third.run("list", "--all", "--json").stdout)

        lead.run("share", visit, "za-third")
        wait(lambda: LATER + " II" in third.run("list").stdout, "the third may read it now")
        self.assertIn("Revised", third.run("show", visit).stdout)
        lead.run("withdraw", visit, "--reason", "no room")
        for node in other, third:
            wait(lambda node=node: self.show(node, visit)["item"].get("withdrawn"),
                 "%s sees it withdrawn" % node.handle)
        self.assertNotIn("no room", self.relay.run("list", "--all", "--json").stdout)

    def test_what_was_sealed_can_be_erased(self):
        lead, other = self.lead, self.other
        visit = self.publish(lead, SEALED_VISIT, "--to", "ru-funder")
        number = int(visit.split("/")[1])
        again = self.network.write("again.yaml", SEALED_VISIT.replace(LATER, LATER + " II"))
        lead.run("revise", visit, again, "--erase-earlier")
        wait(lambda: LATER + " II" in other.run("list").stdout, "the revision is in force")
        self.network.wait_equal([self.relay, other], [lead])
        sizes = self.sealed_entries("cn-funder")
        self.assertEqual(sizes[number - 1][1], 0, "the relay has no content of the first text")
        self.assertNotIn("names no announcement", other.run("list", "--all").stdout)
        # Of the first text there is nothing to share any more; the one in force is shared.
        lead.run("share", visit, "za-third")
        wait(lambda: LATER + " II" in self.third.run("list").stdout, "the third may read it now")
        self.assertIn("published", lead.run("history", visit).stdout)
        lead.run("withdraw", visit, "--erase", "--reason", "no room")
        wait(lambda: "erased" in other.run("show", visit).stdout, "the rest is erased, too")
        for node in lead, other, self.third:
            wait(lambda node=node: "no room" in node.run("show", visit).stdout,
                 "%s sees that it is withdrawn, and why" % node.handle)
        self.network.wait_equal([self.relay], [lead])
        left = [size for kind, size in self.sealed_entries("cn-funder") if kind == 13 and size]
        self.assertEqual(len(left), 2, "but the withdrawal, and that za-third could read it")

        call = self.publish(lead, CALL)
        wait(lambda: self.show(self.third, call), "the third has the call")
        answer = self.third.names(self.third.run(
            "respond", call, self.network.write("a.yaml", ANSWER)).stdout)[0]
        wait(lambda: self.inbox(lead, "ANSWER"), "the answer is in the inbox")
        self.third.run("withdraw", answer, "--erase")
        wait(lambda: not self.inbox(lead, "ANSWER", "--all"), "nothing is left of it")

    def test_a_node_restored_from_its_partners_reads_what_it_sealed(self):
        lead, other = self.lead, self.other
        call = self.publish(lead, SEALED_CALL, "--to", "ru-funder")
        self.network.wait_equal([self.relay], [lead])
        lead.stop()
        for name in os.listdir(lead.home):
            if name.startswith("ledger.db") or name == "inbox.db":
                os.unlink(os.path.join(lead.home, name))
        lead.start()
        wait(lambda: SECRET in lead.run("list").stdout, "it reads its own announcement again")
        self.assertEqual(self.show(lead, call)["item"]["audience"], ["ru-funder"])
        self.assertTrue(other.run("show", call).stdout)

    def test_what_was_said_is_not_said_twice_and_can_be_said_again(self):
        lead, other, third = self.lead, self.other, self.third
        call = self.publish(lead, CALL)
        self.wait_side(other, call, "ru-funder", "PROPOSED")
        wait(lambda: self.show(third, call), "the third has the call")

        # Yes, no, and yes again are three entries; each said twice is one.
        for options in ["--yes"], ["--decline"], ["--yes"]:
            other.run("confirm", call, *options)
            self.assertIn("already", other.run("confirm", call, *options).stdout)

        # What was taken back can be proposed, and answered, again.
        terms = self.network.write("terms.yaml", TERMS)
        proposal = other.names(other.run("propose", call, terms).stdout)[0]
        self.assertIn("already", other.run("propose", call, terms).stdout)
        other.run("withdraw", proposal)
        self.assertNotEqual(other.names(other.run("propose", call, terms).stdout)[0], proposal)
        file = self.network.write("answer.yaml", ANSWER)
        answer = third.names(third.run("respond", call, file).stdout)[0]
        self.assertEqual(third.names(third.run("respond", call, file).stdout)[0], answer)
        third.run("withdraw", answer)
        again = third.names(third.run("respond", call, file).stdout)[0]
        self.assertNotEqual(again, answer)
        wait(lambda: len(self.inbox(lead, "ANSWER", "--all")) == 2, "both answers are there")
        self.assertEqual([thing["withdrawn"] for thing in self.inbox(lead, "ANSWER", "--all")],
                         [False, True])

        self.network.wait_equal([self.relay], [other])
        kinds = [kind for kind, _ in self.sealed_entries("ru-funder")]
        self.assertEqual([kinds.count(kind) for kind in (7, 8)], [3, 2])

    def test_a_file_for_some_never_goes_to_everybody(self):
        lead = self.lead
        public = self.publish(lead, SEALED_VISIT.replace(LATER, "Everybody"))
        sealed = self.publish(lead, "audience: ru-funder\n" + SEALED_VISIT)
        file = self.network.write("some.yaml", "audience: ru-funder\n" +
                                  SEALED_VISIT.replace(LATER, LATER + " II"))
        done = lead.run("revise", public, file, check=False)
        self.assertEqual(done.returncode, 65)
        self.assertIn("is public", done.stderr)
        self.assertIn("Everybody", lead.run("show", public).stdout)

        # Of the sealed one it is the same audience; another institution is let in with share.
        lead.run("revise", sealed, file)
        self.assertIn(LATER + " II", lead.run("show", sealed).stdout)
        other = self.network.write("other.yaml", "audience: za-third\n" + SEALED_VISIT)
        done = lead.run("revise", sealed, other, check=False)
        self.assertEqual(done.returncode, 65)
        self.assertIn("caravan share", done.stderr)
        lead.run("share", sealed, "za-third")
        self.assertEqual(sorted(self.show(lead, sealed)["item"]["audience"]),
                         ["ru-funder", "za-third"])
        both = self.network.write("both.yaml", "audience: [za-third, ru-funder]\n" + SEALED_VISIT)
        lead.run("revise", sealed, both)

        # Where it means nothing, it is refused.
        answer = self.network.write("answer.yaml", "audience: za-third\n" + ANSWER)
        done = self.third.run("respond", sealed, answer, check=False)
        self.assertIn("audience", done.stderr)
        self.assertEqual(done.returncode, 65)

    def test_the_audience_may_stand_in_the_file_or_be_a_group(self):
        lead = self.lead
        lead.stop()
        with open(os.path.join(lead.home, "node.yaml"), "a") as file:
            file.write("\ngroups: [{name: neighbours, members: [ru-funder, za-third]}]\n")
        lead.start()
        wait(lambda: lead.is_exchanging("lk-relay"), "the lead is linked")
        named = self.publish(lead, "audience: neighbours\n" + SEALED_VISIT)
        typed = self.publish(lead, SEALED_VISIT, "--to", "za-third,ru-funder")
        self.assertEqual(sorted(self.show(lead, named)["item"]["audience"]),
                         ["ru-funder", "za-third"])
        self.assertEqual(named, typed, "the same for the same institutions is published once")
        done = lead.run("publish", self.network.write("x.yaml", SEALED_VISIT), "--to", "nobody",
                        check=False)
        self.assertEqual(done.returncode, 64)
        self.assertIn("name of a group", done.stderr)

        # The file may be used again for a revision; what it says of its audience must be so.
        def revise(name, audience, code, said):
            path = self.network.write("y.yaml", "audience: %s\n" % audience + SEALED_VISIT + (
                "summary: 'For %s'\n" % audience))
            done = lead.run("revise", name, path, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(said, done.stderr)

        revise(named, "neighbours", 0, "sealed for ")
        revise(named, "ru-funder", 65, "caravan share %s" % named)
        revise(named, "[ru-funder, za-third, lk-relay]", 65, "caravan share %s" % named)
        lead.run("share", named, "lk-relay")
        self.assertEqual(sorted(self.show(lead, named)["item"]["audience"]),
                         ["lk-relay", "ru-funder", "za-third"])
        revise(named, "[ru-funder, za-third, lk-relay, cn-funder]", 0, "sealed for ")
        revise(self.publish(lead, SEALED_VISIT), "neighbours", 65, "is public")


if __name__ == "__main__":
    unittest.main(verbosity=2)
