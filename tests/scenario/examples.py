"""Runs a page of configs/examples as a reader would type it, and compares what it shows.

A page is Markdown. Two sorts of fenced blocks mean something, in the order of the page:

    ```yaml                     a block whose first line is a comment `# file: NAME` is written to
    # file: call.yaml           that file; a later one of the same name replaces it
    kind: visit
    ```

    ```console                  lines with `$ ` are commands, run by one bash in turn; a line with
    $ caravan publish call.yaml \\    `> ` goes on. Below stands all that the command prints, on both
    > --wait                    streams. A line `...` stands for any number of lines, `...` inside
    received by cn-demo ...     a line for any text.
    th-demo/4
    ```

Every command must end with exit code 0; where a refusal is to be shown: `command || echo "exit code
$?"`. Each page has a folder and a network of its own: th-demo is the reader's node (CARAVAN_HOME, so
`--home` is not needed), `--home cn` is that of cn-demo, `--home za` that of za-demo; all three run
and are partners of each other. What a partner shows must have arrived: publish, revise and withdraw
have --wait."""

import os
import re
import signal
import subprocess

from network import BIN, DEADLINE, Network, abandoning, wait

HANDLES = {"th": "th-demo", "cn": "cn-demo", "za": "za-demo"}  # folder: handle
READER = "th"
NO_CODE = "none (it ended the shell, or did not end in time)"


class Wrong(Exception):
    """What a page says is not so."""


# --- reading a page ---


class Command:
    def __init__(self, line, text):
        self.line, self.text, self.expected = line, text, []


class File:
    def __init__(self, line, name, text):
        self.line, self.name, self.text = line, name, text


def blocks(text):
    """(line number of the first line, word behind the fence, lines) of each fenced block."""
    opened = None
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r"```(\S*)\s*$", line)
        if fence and opened is None:
            opened = (number + 1, fence.group(1), [])
        elif fence:
            yield opened
            opened = None
        elif opened:
            opened[2].append(line)
    if opened:
        raise Wrong("line %d: this block has no end" % (opened[0] - 1))


def read_console(number, lines):
    commands = []
    for at, line in enumerate(lines, number):
        if line.startswith("$ "):
            commands.append(Command(at, line[2:]))
        elif not commands:
            raise Wrong("line %d: found %r, expected a command behind \"$ \"" % (at, line))
        elif line.startswith("> ") and not commands[-1].expected:
            commands[-1].text += "\n" + line[2:]
        else:
            commands[-1].expected.append(line.rstrip())
    if not commands:
        raise Wrong("line %d: found a console block without a command" % number)
    return commands


def read(text):
    """The files and commands of a page, in order."""
    steps = []
    for number, word, lines in blocks(text):
        named = re.match(r"# file: ([\w.-]+)$", lines[0]) if lines else None
        if word == "console":
            steps += read_console(number, lines)
        elif word == "yaml" and named:
            steps.append(File(number, named.group(1), "\n".join(lines) + "\n"))
    if not any(isinstance(step, Command) for step in steps):
        raise Wrong("this page has no command")
    return steps


# --- comparing ---


def line_matches(expected, found):
    pattern = ".*".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, found) is not None


def matched(expected, found):
    """How many of the expected lines fit, at most; all of them: the whole fits."""
    ends, best = {0}, 0  # places in found that the expected lines so far can lead to
    for count, line in enumerate(expected, 1):
        if line == "...":
            ends = set(range(min(ends), len(found) + 1))
        else:
            ends = {at + 1 for at in ends if at < len(found) and line_matches(line, found[at])}
        if not ends:
            return best
        best = count
    return best if len(found) in ends else best - 1 if best else -1


def compare(page, command, code, output):
    """What differs, as lines; none when the command does what the page shows."""
    found = [line.rstrip() for line in output.splitlines()]
    while found and not found[-1]:
        found.pop()
    while command.expected and not command.expected[-1]:
        command.expected.pop()
    fits = matched(command.expected, found)
    if code == 0 and fits == len(command.expected):
        return []
    said = ["%s:%d: $ %s" % (page, command.line, command.text)]
    if code != 0:
        said.append("  ends with exit code %s, expected 0" % code)
    else:
        said.append("  shows something else, from the expected line %d on" % max(fits + 1, 1))
    said += ["  expected:"] + ["    | " + line for line in command.expected]
    said += ["  found:"] + ["    | " + line for line in found]
    return said


# --- the network and the folder of a page ---


class Stage:
    """Three partners that run, and a folder in which `caravan` and their homes are at hand."""

    def __enter__(self):
        self.network = Network()
        self.network.__enter__()
        try:
            self.build()
        except BaseException as error:
            self.network.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, *what):
        self.network.__exit__(*what)

    def build(self):
        nodes = {home: self.network.add(handle) for home, handle in HANDLES.items()}
        self.network.exchange_cards()
        self.network.start()
        for node in nodes.values():
            for other in nodes.values():
                if other is not node:
                    wait(lambda n=node, o=other: n.is_exchanging(o.handle),
                         "%s exchanges with %s" % (node.handle, other.handle))
            wait(lambda n=node: n.status()["publishing"] == "open", "%s may publish" % node.handle)
        self.folder, self.runs = os.path.join(self.network.folder, "page"), 0
        programs = os.path.join(self.network.folder, "bin")
        os.mkdir(self.folder)
        os.mkdir(programs)
        os.symlink(BIN, os.path.join(programs, "caravan"))
        for home, node in nodes.items():
            if home != READER:
                os.symlink(node.home, os.path.join(self.folder, home))
        self.environment = dict(
            os.environ, PATH=programs + os.pathsep + os.environ["PATH"], LC_ALL="C.UTF-8",
            CARAVAN_HOME=nodes[READER].home)

    def path(self, name):
        return os.path.join(self.network.folder, "run.%d" % self.runs, name)

    def script(self, steps):
        """One bash for all commands; each one's output and exit code go into files of their own."""
        lines = []
        for number, step in enumerate(steps):
            with open(self.path("step.%d" % number), "w", encoding="utf-8") as file:
                file.write(step.text)
            if isinstance(step, File):
                lines.append("cp %s %s" % (self.path("step.%d" % number), step.name))
            else:
                lines.append("eval \"$(< {0})\" > {0}.out 2>&1 < /dev/null; code=$?\n"
                             "echo $code > {0}.code; [ $code = 0 ] || exit 0".format(
                                 self.path("step.%d" % number)))
        return "\n".join(lines)

    def run_script(self, script):
        # A group of its own: what a page leaves behind in the background is ended with it.
        process = subprocess.Popen(["bash", "-c", script], cwd=self.folder, env=self.environment,
                                   stdin=subprocess.DEVNULL, start_new_session=True)

        def end():
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

        abandoning.insert(0, end)
        try:
            process.wait(4 * DEADLINE)
        except subprocess.TimeoutExpired:
            pass  # the command that has no exit code is the one that hangs
        finally:
            end()
            process.wait()
            abandoning.remove(end)

    def result(self, number):
        texts = []
        for end in ".out", ".code":
            try:
                with open(self.path("step.%d%s" % (number, end)), encoding="utf-8",
                          errors="replace") as file:
                    texts.append(file.read())
            except FileNotFoundError:
                texts.append("")
        code = int(texts[1]) if texts[1].strip() else NO_CODE
        return texts[0], code

    def run(self, page, text):
        """Wrong says all that is not as the page has it. page: its name."""
        try:
            steps = read(text)
        except Wrong as wrong:
            raise Wrong("%s: %s" % (page, wrong)) from None
        self.runs += 1
        os.mkdir(self.path(""))
        self.run_script(self.script(steps))
        said = []
        for number, step in enumerate(steps):
            if isinstance(step, Command):
                output, code = self.result(number)
                said += compare(page, step, code, output)
                if code != 0:  # there the page ended
                    break
        if said:
            raise Wrong("\n".join(said))


def run(page, text):
    said = None
    with Stage() as stage:
        try:
            stage.run(page, text)
        except Wrong as wrong:  # nothing is wrong with the nodes: their logs are not shown
            said = wrong
    if said:
        raise said
