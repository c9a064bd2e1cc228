"""The processes of the bench: started, watched, and ended whatever happens.

Every process is the leader of a group of its own, and the kernel kills it when the bench itself is
killed. Only processes that were started here are ever ended.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

STOP_SECONDS = 20  # a server that is asked to stop may write what it has



class BenchError(Exception):
    """Something could not be done, took too long or came out wrong. The text is for people."""


def listens(port):
    """Whether somebody accepts connections on this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def tail(path, lines=15):
    """The last lines of a file, for a message."""
    try:
        text = pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join("    " + line for line in text.splitlines()[-lines:])


def wait(condition, what, seconds, processes=None):
    """Polls until condition() is true; returns its value."""
    deadline = time.monotonic() + seconds
    pause = 0.005
    while True:
        value = condition()
        if value:
            return value
        if processes:
            processes.check()
        if time.monotonic() >= deadline:
            raise BenchError("not within %g s: %s" % (seconds, what))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def launch(command, out, errors, env):
    """A process that the kernel kills with the bench, also when that has no time to end it."""
    guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    return subprocess.Popen(guard + command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                            start_new_session=True, env={**os.environ, **(env or {})})


def has_ended(popen, seconds=0.0):
    """Waits so long for its end, and leaves it as it is: its number is not given to another."""
    deadline = time.monotonic() + seconds
    while popen.returncode is None:
        if os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.002)
    return True


def bury(popen):
    """Kills what is left of a process and its children; returns its exit code."""
    if popen.returncode is None:
        os.killpg(popen.pid, signal.SIGKILL)  # the group has the number of its leader
    return popen.wait()


class Process:
    """A process that runs beside the bench."""

    def __init__(self, command, log, env):
        self.name, self.log = pathlib.Path(command[0]).name, log
        with open(log, "ab") as out:
            self.popen = launch(command, out, out, env)
        self.pid = self.popen.pid

    def alive(self):
        return not has_ended(self.popen)

    def cpu_seconds(self):
        """User and system time so far, of all its threads."""
        with open("/proc/%d/stat" % self.pid) as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        with open("/proc/%d/statm" % self.pid) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def end(self, seconds=STOP_SECONDS):
        """Asks it to stop, waits, kills it and what it has started. Returns its exit code."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)  # it may have been stopped
        has_ended(self.popen, seconds)
        return bury(self.popen)


class Processes:
    """Those of one round."""

    def __init__(self, folder):
        self.folder, self.running, self.count = pathlib.Path(folder), [], 0

    def start(self, command, log=None, env=None):
        self.count += 1
        path = self.folder / (log or "%d-%s.log" % (self.count, pathlib.Path(command[0]).name))
        try:
            started = Process(command, path, env)
        except OSError as error:
            raise BenchError("cannot start %s: %s" % (command[0], error)) from error
        self.running.append(started)
        return started

    def end(self, one, seconds=STOP_SECONDS):
        """Ends one before the round is over."""
        self.running.remove(one)
        return one.end(seconds)

    def check(self):
        """BenchError when a server has ended by itself."""
        for one in self.running:
            if not one.alive():
                raise BenchError("%s has ended by itself with code %d; its last lines:\n%s"
                                 % (one.name, bury(one.popen), tail(one.log)))

    def run(self, command, seconds, env=None):
        """Runs to the end; returns standard output. What it says on standard error is kept in the
        folder, and shown when it fails."""
        self.count += 1
        name = pathlib.Path(command[0]).name
        said = self.folder / ("%d-%s.err" % (self.count, name))
        out = self.folder / ("%d-%s.out" % (self.count, name))
        try:
            with open(said, "wb") as errors, open(out, "wb") as output:
                popen = launch(command, output, errors, env)
        except OSError as error:
            raise BenchError("cannot run %s: %s" % (command[0], error)) from error
        try:
            done = has_ended(popen, seconds)
        finally:
            code = bury(popen)
        if not done:
            raise BenchError("%s was not done after %d s; its last lines:\n%s"
                             % (name, seconds, tail(said)))
        if code != 0:
            raise BenchError("%s failed with code %d:\n%s" % (name, code, tail(said)))
        return out.read_text(errors="replace")

    def end_all(self):
        """Ends everything that still runs, the youngest first."""
        while self.running:
            self.running.pop().end()
