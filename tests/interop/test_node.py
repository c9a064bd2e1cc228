#!/usr/bin/python3
"""A real node, seen by programs that share no code with it: configs/examples/listener.py follows its
joint calls that concern Thailand, and verify_feed.py verifies what it exports."""
import os
import subprocess
import sys
import unittest

import needs

needs.modules("nacl", "zmq", "google.protobuf")
sys.path.insert(0, needs.source("tests", "scenario"))
import network as scenario  # noqa: E402
import verify_feed as protocol  # noqa: E402

SCRIPT = needs.source("configs", "examples", "listener.py")
CALL = """kind: joint call
language: en
nature: sample
title: %s
summary: A sample.
parties:
  - {name: Sample agency, country: TH}
  - {name: Sample ministry, country: CN}
countries: [%s]
deadline: 2031-05-15 16:00 Asia/Bangkok
"""


class Script:
    """listener.py as a process, with its output in a file."""

    def __init__(self, node, name, *topics):
        self.node, self.name, self.topics = node, name, topics
        keys = node.run("listener", "keygen").stdout
        self.public = keys.split()[1]
        self.key_path = node.network.write(name + ".key", keys)
        self.output = os.path.join(node.network.folder, name + ".out")
        self.process = None

    def start(self, service):
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, SCRIPT, service["live"], service["server_key"], self.key_path,
                 *self.topics], stdout=output, stderr=output)

    def lines(self):
        with open(self.output, encoding="utf-8") as output:
            return output.read().splitlines()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()


class NodeTest(unittest.TestCase):
    def setUp(self):
        self.network = scenario.Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)
        self.node = self.network.add("th-demo")
        self.calls = 0
        self.network.start()

    def publish(self, title, countries="TH, CN"):
        path = self.network.write("call.yaml", CALL % (title, countries))
        return self.node.publish(path=path)

    def script(self, name, *topics):
        script = Script(self.node, name, *topics)
        self.addCleanup(script.stop)
        return script

    def follow(self, name, *topics):
        """A listener that was added and has heard a first call. The node notices a new key within a
        second; a script that came before that was refused, and is started again."""
        script = self.script(name, *topics)
        service = self.node.json("listener", "add", name, script.public)

        def hears():
            if not script.process or script.process.poll() is not None:
                script.start(service)
            self.calls += 1  # the same content twice is published once
            self.publish(f"Can you hear me, {self.calls}")
            return any("Can you hear me" in line for line in script.lines())

        scenario.wait(hears, "the script prints a call")
        return script, service

    def test_the_listener_follows_joint_calls_that_concern_thailand(self):
        script, service = self.follow("my-script")
        all_of_it, _ = self.follow("all", "feed/")
        self.node.publish("A visit, not a call")
        self.publish("For Russia", "RU")
        self.publish("The last one")
        for one in (script, all_of_it):
            scenario.wait(lambda one=one: any("The last one" in line for line in one.lines()),
                          "the last call is printed")
        said = "\n".join(script.lines())
        self.assertNotIn("A visit", said)
        self.assertIn("For Russia", said)  # its parties are Thai, so it concerns Thailand
        self.assertIn("  parties: Sample agency (TH), Sample ministry (CN)", script.lines())
        self.assertIn("  deadline: 2031-05-15 16:00 Asia/Bangkok", script.lines())
        self.assertIn("A visit", "\n".join(all_of_it.lines()))
        self.refuse_a_stranger(service)

    def refuse_a_stranger(self, service):
        stranger = self.script("stranger")
        stranger.start(service)
        self.assertEqual(stranger.process.wait(scenario.DEADLINE), 1)
        self.assertEqual(stranger.lines(), [
            "refused; the node's operator should: caravan listener add NAME " + stranger.public])

    def test_an_exported_feed_is_verified_by_another_program(self):
        for number in range(5):
            self.publish(f"Call {number}")
        name = self.publish("เปิดรับข้อเสนอโครงการ")
        revised = self.network.write("revised.yaml", CALL % ("Revised", "TH"))
        self.node.run("revise", name, revised)
        path = os.path.join(self.network.folder, "th-demo.feed")
        self.node.run("export", "th-demo", path)
        with open(path, "rb") as file:
            data = file.read()
        feed = protocol.verify(data, scenario.NAME)
        facts = self.node.json("verify", path)
        self.assertEqual(feed.hash.hex(), facts["hash"])
        self.assertEqual(feed.seq, int(facts["seq"]))
        self.assertEqual(protocol.fingerprint(feed.chain.feed), facts["fingerprint"])
        self.assertEqual([kind for _, kind, _ in feed.contents].count(4), 6)
        self.assertEqual([kind for _, kind, _ in feed.contents].count(5), 1)
        self.assertEqual(feed.contents[0][1], protocol.CERTIFICATE)
        self.assertIn("เปิดรับข้อเสนอโครงการ".encode(),
                      b"".join(content for _, _, content in feed.contents))
        changed = bytearray(data)
        changed[-1] ^= 1
        with self.assertRaises(protocol.Refused):
            protocol.verify(bytes(changed))
        with open(path, "wb") as file:
            file.write(changed)
        self.assertNotEqual(self.node.run("verify", path, check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
