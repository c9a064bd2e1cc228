"""caravan bench, as an operator types it: beside a running node, on a folder, interrupted."""

import json
import os
import signal
import subprocess
import tempfile
import unittest

from network import BIN, Network, wait

USAGE, NOT_FOUND = 64, 66


class Bench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def bench(self, *arguments):
        return subprocess.run([BIN, "bench", "--folder", self.folder, *arguments],
                              capture_output=True, text=True)

    def test_says_in_words_and_numbers_what_was_measured(self):
        done = self.bench("--seconds", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        for part in ("commits", "one by one", "in groups of 1,000", "Syncing to disk takes",
                     "makes and signs", "catch-up of a million", "partners"):
            self.assertIn(part, done.stdout)
        done = self.bench("--seconds", "1", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        for name in ("sign_per_s", "check_single_per_s", "check_run_per_s", "commit_single_per_s",
                     "commit_group_per_s", "live_per_s", "sync_median_ms"):
            self.assertGreater(found[name], 0, name)
        self.assertGreaterEqual(found["sync_p99_ms"], found["sync_median_ms"])
        self.assertFalse(found["node_running"])
        self.assertEqual(os.listdir(self.folder), [])

    def test_leaves_a_running_node_alone(self):
        with Network() as network:
            node = network.add("th-demo")
            node.start()
            before = node.status()["seq"], sorted(os.listdir(node.home))
            done = node.run("bench", "--seconds", "1")
            self.assertIn("the node ran meanwhile", done.stdout)
            self.assertEqual((node.status()["seq"], sorted(os.listdir(node.home))), before)
            self.assertTrue(node.json("bench", "--seconds", "1")["node_running"])

    def test_cleans_up_when_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen([BIN, "bench", "--folder", self.folder],
                                       stdout=subprocess.DEVNULL)
            wait(lambda: os.listdir(self.folder), "a folder of the bench")
            process.send_signal(number)
            self.assertEqual(process.wait(), -number)
            self.assertEqual(os.listdir(self.folder), [])

    def test_says_what_is_wrong_with_the_command(self):
        done = self.bench("--seconds", "0")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("expected 1 to 600", done.stderr)
        done = self.bench("--folder", os.path.join(self.folder, "none"))
        self.assertEqual(done.returncode, NOT_FOUND)
        done = subprocess.run([BIN, "bench"], capture_output=True, text=True, env={})
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--folder DIR", done.stderr)


if __name__ == "__main__":
    unittest.main()
