"""configs/demo/start: shows everything, checks everything, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import tempfile
import unittest

from network import BIN, DEADLINE, SOURCE, wait

START = os.path.join(SOURCE, "configs/demo/start")


def is_running(pid):
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False


class Demo(unittest.TestCase):
    def start(self, *arguments):
        self.folder = tempfile.TemporaryDirectory(prefix="caravan-", dir="/tmp")
        self.addCleanup(self.folder.cleanup)
        self.output = os.path.join(self.folder.name, "output")
        with open(self.output, "w") as output:
            # A group of its own, as in a terminal: Ctrl-C reaches the script and its children.
            return subprocess.Popen(
                [START, "--dir", os.path.join(self.folder.name, "d"), *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=dict(os.environ, CARAVAN_BIN=BIN), start_new_session=True)

    def text(self):
        with open(self.output) as file:
            return file.read()

    def ends_cleanly(self, process, code):
        self.assertEqual(process.wait(4 * DEADLINE), code, self.text())
        pids = [int(pid) for pid in re.findall(r"runs as process (\d+)", self.text())]
        self.assertEqual(len(pids), 5, self.text())
        self.assertEqual([pid for pid in pids if is_running(pid)], [])
        with self.assertRaises(ProcessLookupError):
            os.killpg(process.pid, 0)  # nor is any other process of the group left
        self.assertFalse(os.path.exists(os.path.join(self.folder.name, "d")))

    def test_check_passes(self):
        process = self.start("--check")
        self.ends_cleanly(process, 0)
        text = self.text()
        for handle in ("cn-demo", "th-demo", "ru-demo", "za-demo", "lk-demo"):
            # Heard live by everybody else, and in the table.
            self.assertRegex(text, r"(?m)^%s hears" % handle)
            self.assertRegex(text, r"(?m)^  %s( +\d+ \(\d+\)){5} +[0-9a-f]{12}$" % handle)
            self.assertRegex(text, r"(?m)^  %s +1[5-9] historical, [7-9] samples, 7 kinds$" % handle)

    def test_ctrl_c_stops_everything(self):
        process = self.start()
        wait(lambda: "run until Ctrl-C" in self.text() or process.poll() is not None,
             "the demo is up", 3 * DEADLINE)
        self.assertIsNone(process.poll(), self.text())
        os.killpg(process.pid, signal.SIGINT)
        self.ends_cleanly(process, 130)

    def test_a_node_that_dies_is_noticed(self):
        process = self.start("--check")
        wait(lambda: "Publishing" in self.text() or process.poll() is not None,
             "the nodes run", 2 * DEADLINE)
        pids = re.findall(r"lk-demo +runs as process (\d+)", self.text())
        os.kill(int(pids[0]), signal.SIGKILL)
        self.ends_cleanly(process, 1)
        self.assertIn("demo: ", self.text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
