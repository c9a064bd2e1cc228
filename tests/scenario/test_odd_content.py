"""Entries whose content breaks a rule, is of an unknown kind or from a newer version: no feed stops,
the odd one is shown as such, and it is handed on as it is. They get into the feed as a node of
another version would write them: into the ledger, signed with the node's key."""

import json
import os
import subprocess
import sys
import unittest

import network as scenario
import wire
from network import NAME, SOURCE, Network, announcement, wait

sys.path.insert(0, os.path.join(SOURCE, "tests", "interop"))
import needs  # noqa: E402

needs.modules("zmq", "google.protobuf")

APPEND = os.path.join(os.environ["CARAVAN_BUILD"], "tests", "append_entry")
LISTENER = os.path.join(SOURCE, "configs", "examples", "listener.py")
ANNOUNCEMENT, WITHDRAWAL, UNKNOWN_TYPE = 4, 6, 4000
KIND, TITLE, VISIT, FUTURE = 1, 3, 50, 1000  # fields of Announcement
INVALID = 65


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def without(fields, number):
    return [field for field in fields if field[0] != number]


class OddContent(unittest.TestCase):
    def setUp(self):
        self.network = Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)
        self.publisher = self.network.add("cn-aa")
        self.relay = self.network.add("ru-rr", relay="all")
        self.third = self.network.add("th-cc")
        # The third node gets the publisher's feed from the relay alone.
        self.network.exchange_cards((self.publisher, self.relay), (self.relay, self.third))
        self.third.add_partner(self.publisher)
        self.network.start()

    def publish_call(self, title):
        return self.publisher.publish(title, kind="joint call", countries="TH")

    def exported(self, node):
        path = os.path.join(self.network.folder, node.handle + ".feed")
        if os.path.exists(path):
            os.unlink(path)
        node.run("export", "cn-aa", path)
        with open(path, "rb") as file:
            return wire.feed_entries(file.read())

    def append(self, rows):
        """Puts entries into the stopped publisher's ledger; returns their names."""
        lines = "".join("%d %d %s\n" % (kind, reader, content.hex())
                        for kind, reader, content in rows)
        done = subprocess.run([APPEND, self.publisher.home, NAME], input=lines, text=True,
                              capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return ["cn-aa/" + seq for seq in done.stdout.split()]

    def odd_rows(self):
        """(what show says, content type, min_reader, content)"""
        content = self.exported(self.publisher)[-1][wire.CONTENT]
        fields = wire.decode(content)
        seq = int(self.call.split("/")[1])
        return [
            ("found this field beside", ANNOUNCEMENT, 1, wire.encode(fields + [(VISIT, b"")])),
            ("byte 0: found a number of more than 64 bits", ANNOUNCEMENT, 1, b"\xff" * 40),
            ("kind: found \"nothing\"", ANNOUNCEMENT, 1, b""),
            ("content type 4000 is not known to this version", UNKNOWN_TYPE, 1, b"from later"),
            ("it is written for version 99", ANNOUNCEMENT, 99, content),
            ("kind: found \"unknown(77)\"", ANNOUNCEMENT, 1,
             wire.encode([(KIND, 77)] + without(fields, KIND))),
            ("names no announcement of this feed", WITHDRAWAL, 1, wire.encode([(1, seq + 1000)])),
            # shown, with what is not understood counted
            (None, ANNOUNCEMENT, 1, wire.encode(fields + [(FUTURE, b"new"), (FUTURE + 1, 7)])),
            # Last, so that a relay has its signature: what it gets in a run goes out on live only
            # where it could check one.
            ("title: found nothing, expected a title", ANNOUNCEMENT, 1,
             wire.encode(without(fields, TITLE))),
        ]

    def follow(self, node):
        """caravan follow --json from the start, into a file."""
        path = os.path.join(self.network.folder, node.handle + ".follow")
        with open(path, "wb") as out:
            process = subprocess.Popen([scenario.BIN, "--home", node.home, "follow", "--json",
                                        "--since-start"], stdout=out, stderr=out)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, path

    def listen(self, node):
        """configs/examples/listener.py on a node, for joint calls that concern Thailand."""
        keys = node.run("listener", "keygen").stdout
        key = self.network.write("listener.key", keys)
        service = node.json("listener", "add", "script", keys.split()[1])
        path = os.path.join(self.network.folder, "listener.out")
        started, calls = [], []

        def hears():
            if not started or started[-1].poll() is not None:  # came before the key was noticed
                with open(path, "wb") as out:
                    started.append(subprocess.Popen(
                        [sys.executable, LISTENER, service["live"], service["server_key"], key],
                        stdout=out, stderr=out))
                self.addCleanup(started[-1].wait)
                self.addCleanup(started[-1].kill)
            calls.append(self.publish_call("Can you hear me, %d" % len(calls)))
            return "Can you hear me" in read(path)

        wait(hears, "the listener hears the relay")
        return started, path

    def test_nothing_stops_and_all_is_handed_on(self):
        listeners, heard = self.listen(self.relay)
        self.call = self.publish_call("Before")
        self.network.wait_equal(feeds=[self.publisher])
        rows = self.odd_rows()
        self.publisher.stop()
        names = self.append([row[1:] for row in rows])
        self.assertEqual(len(names), len(rows))
        self.publisher.start()
        self.network.wait_equal(feeds=[self.publisher])
        after = self.publish_call("After the odd ones")
        followers = [self.follow(node) for node in (self.publisher, self.relay, self.third)]
        self.network.wait_equal(feeds=[self.publisher])
        self.assertFalse(self.third.is_exchanging("cn-aa"))
        for node in (self.publisher, self.relay, self.third):
            with self.subTest(node=node.handle):
                self.is_shown_as_such(node, rows, names, after)
        for process, path in followers:
            self.is_followed(process, path, rows, names, after)
        self.is_handed_on_unchanged([row[-1] for row in rows])
        self.revise_drops_nothing(names[-2])
        # Light listeners hear what comes later, and were not given what they would stumble over.
        wait(lambda: "After the odd ones" in read(heard) or listeners[-1].poll() is not None,
             "the listener hears the last call")
        self.assertIsNone(listeners[-1].poll(), read(heard))
        for node in self.network.nodes:
            self.assertTrue(node.is_up())

    def is_shown_as_such(self, node, rows, names, after):
        listed = {item["name"]: item for item in node.json("list", "--limit", "all",
                                                           "--all")["items"]}
        self.assertIn(after, listed)
        for (problem, *_), name in zip(rows, names):
            shown = node.json("show", name)
            text = node.run("show", name).stdout
            if problem is None:
                self.assertIn("Before", text)
                self.assertIn("2 fields", text)
                continue
            self.assertIn("cannot be shown: ", text)
            self.assertIn(problem, text)
            self.assertIn(problem, json.dumps(shown, ensure_ascii=False).replace("\\", ""))
            self.assertTrue(listed[name]["problem"].startswith("cannot be shown: "))
            self.assertIn(problem, listed[name]["problem"])

    def is_followed(self, process, path, rows, names, after):
        def lines():
            with open(path, encoding="utf-8") as file:
                return [json.loads(line) for line in file if line.endswith("\n")]

        wait(lambda: any(line["name"] == after for line in lines()), "follow comes to the last")
        self.assertIsNone(process.poll())
        said = {line["name"]: line for line in lines()}
        for (problem, kind, *_), name in zip(rows, names):
            if kind == WITHDRAWAL:  # of nothing: it is listed with --all, but no news
                self.assertNotIn(name, said)
            elif problem:
                self.assertIn(problem, said[name]["problem"])
            else:
                self.assertEqual(said[name]["announcement"]["title"][0]["text"], "Before")

    def is_handed_on_unchanged(self, odd):
        """Entry, salt and content are the same bytes everywhere; so is each signature that a node
        has (only what was checked is kept and handed on)."""
        feeds = [self.exported(node) for node in (self.publisher, self.relay, self.third)]
        for other in feeds[1:]:
            self.assertEqual(len(other), len(feeds[0]))
            for ours, theirs in zip(feeds[0], other):
                for field in (wire.ENTRY, wire.SALT, wire.CONTENT):
                    self.assertEqual(ours.get(field), theirs.get(field))
                if wire.SIGNATURE in theirs:
                    self.assertEqual(ours[wire.SIGNATURE], theirs[wire.SIGNATURE])
        contents = [entry[wire.CONTENT] for entry in feeds[0]]
        for content in odd:
            self.assertIn(content, contents)

    def revise_drops_nothing(self, name):
        path = self.network.write("revised.yaml", announcement("Revised", kind="joint call"))
        done = self.publisher.run("revise", name, path, check=False)
        self.assertEqual(done.returncode, INVALID, done.stderr)
        self.assertIn("fields that this version of Caravan does not know", done.stderr)
        self.assertIn("Before", self.publisher.run("show", name).stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
