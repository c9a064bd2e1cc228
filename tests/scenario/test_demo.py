"""configs/demo/start: shows everything, checks everything, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import tempfile
import unittest

from network import BIN, DEADLINE, SOURCE, abandoning, wait

START = os.path.join(SOURCE, "configs/demo/start")


def is_running(pid):
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False


class Running(subprocess.Popen):
    """A demo that runs, in a folder of its own."""

    def __init__(self, *arguments):
        self.folder = tempfile.TemporaryDirectory(prefix="caravan-", dir="/tmp")
        abandoning.append(self.finish)
        self.home = os.path.join(self.folder.name, "d")
        with open(os.path.join(self.folder.name, "output"), "w") as output:
            # A group of its own, as in a terminal: Ctrl-C reaches the script and its children.
            super().__init__(
                [START, "--dir", self.home, *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=dict(os.environ, CARAVAN_BIN=BIN), start_new_session=True)

    def text(self):
        with open(os.path.join(self.folder.name, "output")) as file:
            return file.read()

    def finish(self):
        """Whatever has failed, nothing is left."""
        if self.poll() is None:
            self.terminate()
            self.wait()
        self.folder.cleanup()
        abandoning.remove(self.finish)


class Demo(unittest.TestCase):
    def start(self, *arguments):
        process = Running(*arguments)
        self.addCleanup(process.finish)
        return process

    def ends_cleanly(self, process, code):
        self.assertEqual(process.wait(4 * DEADLINE), code, process.text())
        pids = [int(pid) for pid in re.findall(r"runs as process (\d+)", process.text())]
        self.assertEqual(len(pids), 5, process.text())
        self.assertEqual([pid for pid in pids if is_running(pid)], [])
        with self.assertRaises(ProcessLookupError):
            os.killpg(process.pid, 0)  # nor is any other process of the group left
        self.assertFalse(os.path.exists(process.home))

    def test_check_passes_twice_at_once(self):
        processes = [self.start("--check"), self.start("--check")]
        for process in processes:
            self.ends_cleanly(process, 0)
            self.is_complete(process.text())

    def is_complete(self, text):
        for handle in ("cn-demo", "th-demo", "ru-demo", "za-demo", "lk-demo"):
            # Heard live by everybody else, and in the table.
            self.assertRegex(text, r"(?m)^%s hears" % handle)
            self.assertRegex(text, r"(?m)^  %s( +\d+ \(\d+\)){5} +[0-9a-f]{12}$" % handle)
            self.assertRegex(text, r"(?m)^  %s +1[5-9] historical, [7-9] samples, 7 kinds$" % handle)

    def test_ctrl_c_stops_everything(self):
        process = self.start()
        wait(lambda: "run until Ctrl-C" in process.text() or process.poll() is not None,
             "the demo is up", 3 * DEADLINE)
        self.assertIsNone(process.poll(), process.text())
        os.killpg(process.pid, signal.SIGINT)
        self.ends_cleanly(process, 130)

    def test_a_node_that_dies_is_noticed(self):
        process = self.start("--check")
        wait(lambda: "Publishing" in process.text() or process.poll() is not None,
             "the nodes run", 2 * DEADLINE)
        pids = re.findall(r"lk-demo +runs as process (\d+)", process.text())
        os.kill(int(pids[0]), signal.SIGKILL)
        self.ends_cleanly(process, 1)
        self.assertIn("demo: ", process.text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
