#!/usr/bin/python3
"""configs/examples/listener.py against a live service of our own making: the right key reads what it
subscribed to, and only that. (Against a real node: tests/scenario.)"""
import os
import subprocess
import sys
import tempfile
import unittest

import needs

needs.modules("zmq", "google.protobuf")
import zmq  # noqa: E402
import zmq.auth  # noqa: E402
from zmq.auth.thread import ThreadAuthenticator  # noqa: E402

SCRIPT = needs.source("configs", "examples", "listener.py")
V = needs.vectors()


class Listener(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.server_public, server_secret = zmq.curve_keypair()
        self.public, self.secret = zmq.curve_keypair()
        with open(self.path("my.key"), "wb") as file:
            file.write(b"public " + self.public + b"\nsecret " + self.secret + b"\n")
        self.context = zmq.Context()
        self.gate = ThreadAuthenticator(self.context)
        self.gate.start()
        self.gate.configure_curve_callback(credentials_provider=self)
        self.live = self.context.socket(zmq.XPUB)
        self.live.curve_server = True
        self.live.curve_secretkey = server_secret
        self.port = self.live.bind_to_random_port("tcp://127.0.0.1")
        self.process = None

    def tearDown(self):
        if self.process:
            self.process.kill()
            self.process.communicate()
        self.live.close(0)
        self.gate.stop()
        self.context.term()
        self.folder.cleanup()

    def callback(self, _domain, key):
        return key == self.public

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def start(self, server_key, *topics):
        self.process = subprocess.Popen(
            [sys.executable, SCRIPT, f"tcp://127.0.0.1:{self.port}", server_key,
             self.path("my.key"), *topics], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertTrue(self.live.poll(20000), "the script did not connect within 20 s")
        return self.live.recv()

    def announce(self, topic, payload=bytes.fromhex(V["entry.3.signed"])):
        self.live.send(topic + b"\0" + payload)

    def lines(self, count):
        return [self.process.stdout.readline().rstrip() for _ in range(count)]

    def test_it_prints_title_parties_and_deadline(self):
        subscription = self.start(self.server_public.decode())
        self.assertEqual(subscription, b"\x01kind/joint-call/TH/")
        self.announce(b"kind/joint-call/CN/")  # not for it
        self.announce(b"kind/joint-call/TH/")
        self.assertEqual(self.lines(3), ["No. 3: Sample joint call on rice",
                                         "  parties: Sample agency (TH), Sample ministry (CN)",
                                         "  deadline: 2027-05-15 16:00 Asia/Bangkok"])
        self.announce(b"kind/joint-call/TH/")
        self.assertEqual(self.lines(1), ["No. 3: Sample joint call on rice"])

    def test_keys_in_hex_and_other_topics(self):
        key = zmq.utils.z85.decode(self.server_public).hex()
        self.assertEqual(self.start(key, "feed/"), b"\x01feed/")

    def test_it_passes_over_what_it_cannot_show_and_says_so(self):
        self.start(self.server_public.decode(), "feed/")
        self.announce(b"feed/x/", bytes.fromhex(V["entry.1.signed"]))
        self.announce(b"feed/x/", b"\xff\xff")
        self.announce(b"feed/x/")
        self.assertEqual(self.lines(1), ["No. 3: Sample joint call on rice"])
        said = [self.process.stderr.readline() for _ in range(2)]
        self.assertIn("feed/x/: it is no announcement", said[0])
        self.assertIn("passed over what came on feed/x/", said[1])

    def test_a_refused_key_is_said(self):
        self.public = b"somebody else's"
        done = subprocess.run(
            [sys.executable, SCRIPT, f"tcp://127.0.0.1:{self.port}", self.server_public.decode(),
             self.path("my.key")], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("caravan listener add NAME", done.stderr)

    def test_it_is_short(self):
        with open(SCRIPT, encoding="utf-8") as file:
            self.assertLess(len(file.readlines()), 70)

    def test_without_arguments_it_says_how_to_use_it(self):
        done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("caravan listener add", done.stderr)


if __name__ == "__main__":
    unittest.main()
