"""The frame of the bench: measures, the systems that are measured, and what one round is given.

A measure (measures.py) says what is done, how large, and what Caravan must reach. A system is a
function that does the measure's work once and returns what it counted:

    @system("catchup", "jetstream", "NATS JetStream, pull 1,000 + ack", PEER,
            Promises(on_disk="page cache"))
    def jetstream(round):
        server = start_nats(round)
        return round.program("peer_jetstream", "pull", server.port, round.size("entries"))

Systems stand in the files systems_*.py, which are all read. The work itself is done by C programs
(peers/, bounds/, drive/) that print one line of JSON as their last line:

    {"values": {"rate": 253000.0}, "checks": {"received": [1000, 1000]}, "info": {"window": 512}}

`values` are the measure's metrics. A check is [found, wanted]: the round is wrong unless both are
equal; `--quick` looks at nothing else. `info` is kept in the JSON file.
"""

import json
import math
import os
import pathlib
import shutil
import statistics
import sys
from dataclasses import dataclass, field

import process
from process import BenchError

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from ports import free_port  # noqa: E402

# What a row of the table is.
CARAVAN = "caravan"      # the system under test
PEER = "peer"            # another system that does this work
BOUND = "bound"          # a short program without our code that does the same steps
FLOOR = "floor"          # a part alone: no system can be better
NOTE = "note"            # known figures, not measured in this run

BOUND_FACTOR = 1.3       # a miss is accepted when the bounding program is no better than this


@dataclass(frozen=True)
class Promises:
    """What the system gives its user while it is measured."""
    encrypted: str = "no"
    signed: str = "no"
    on_disk: str = "no"  # when it has said that it has a message


@dataclass(frozen=True)
class Metric:
    name: str            # in the JSON of programs
    unit: str
    more: bool = False   # more is better


@dataclass(frozen=True)
class Must:
    """What a system's median must reach: a number, or so many times another system's median."""
    metric: str
    at_least: float = None
    at_most: float = None
    of: str = None       # the other system; the limits are then ratios to it
    bound: str = None    # the bounding program that excuses a miss
    system: str = "caravan"


@dataclass(frozen=True)
class Measure:
    number: str          # as in the table of what must be reached
    name: str
    title: str
    metrics: tuple
    musts: tuple = ()
    reference: str = None    # the system that the column of ratios refers to
    sizes: dict = field(default_factory=dict)    # name: (full, quick)
    contents: str = "400"    # "400": bytes each; "real": the sizes of the real notices
    rounds: int = None       # None: as many as were asked for
    seconds: int = 300       # one round of one system may take so long


@dataclass(frozen=True)
class System:
    measures: tuple
    name: str
    label: str
    kind: str
    promises: Promises
    run: object          # a function of a Round; None: not measured, `values` are known
    values: dict = None


systems = []


def system(measures, name, label, kind, promises=Promises()):
    """Registers the decorated function as a system of these measures (one name or several)."""
    names = (measures,) if isinstance(measures, str) else tuple(measures)

    def register(run):
        systems.append(System(names, name, label, kind, promises, run))
        return run
    return register


def note(measures, name, label, promises, values):
    """Registers figures that are known from elsewhere and not measured."""
    names = (measures,) if isinstance(measures, str) else tuple(measures)
    systems.append(System(names, name, label, NOTE, promises, None, values))


def systems_of(measure, all_systems=None):
    """Caravan first, then peers, floors, bounds and notes, each in the order of registration."""
    order = [CARAVAN, PEER, FLOOR, BOUND, NOTE]
    found = [s for s in (systems if all_systems is None else all_systems)
             if measure.name in s.measures]
    return sorted(found, key=lambda s: order.index(s.kind))


# --- one round ------------------------------------------------------------------------------------

class Round:
    """What a system's function is given: sizes, a folder and processes of its own. Everything that
    it started is ended, and the folder removed, when the round is over."""

    def __init__(self, bench, measure, system_name, number):
        self.bench, self.measure, self.number = bench, measure, number
        self.quick = bench.quick
        self.caravan = bench.build / "caravan"
        self.contents = bench.contents[measure.contents]  # the file of announcement contents
        # Short: the paths of sockets below it may have 107 characters.
        self.folder = pathlib.Path(bench.folder) / (
            "%s-%s-%d" % (measure.number, system_name[:12], number))
        self.processes = process.Processes(self.folder)

    def __enter__(self):
        self.folder.mkdir(parents=True)
        return self

    def __exit__(self, *failure):
        self.processes.end_all()
        if not self.bench.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def size(self, name):
        """A size of the measure: the full one, or that of a quick pass."""
        return self.measure.sizes[name][1 if self.quick else 0]

    def free_port(self):
        return free_port()

    def start(self, *command, log=None, env=None):
        """Starts a server; it lives until the round is over. Returns process.Process."""
        return self.processes.start([str(part) for part in command], log, env)

    def wait(self, condition, what, seconds=30):
        """Polls until condition() is true and returns its value; BenchError names what was waited
        for, and the process that has ended meanwhile, if one has."""
        return process.wait(condition, what, seconds, self.processes)

    def run(self, *command, seconds=None, env=None):
        """Runs a command to its end and returns its standard output; BenchError if it fails."""
        return self.processes.run([str(part) for part in command],
                                  seconds or self.measure.seconds, env)

    def program_path(self, name):
        return self.bench.build / "bench" / name

    def program(self, name, *arguments, seconds=None):
        """Runs one of the bench's programs; returns the JSON of its last line."""
        text = self.run(self.program_path(name), *arguments, seconds=seconds)
        return self.parse(name, text)

    @staticmethod
    def parse(name, text):
        """The JSON of the last line that a program printed."""
        lines = text.strip().splitlines()
        try:
            return json.loads(lines[-1])
        except (IndexError, ValueError) as error:
            raise BenchError("%s printed no JSON in its last line: %r"
                             % (name, lines[-1] if lines else "")) from error


def quotient(value, divisor):
    """value / divisor; NaN where nothing was measured: a quick pass can be over within one look."""
    return value / divisor if divisor > 0 else math.nan


def look_at(measure, result, quick):
    """Raises BenchError unless the result is whole: all checks hold, and it has values. A quick
    pass says nothing about times: there it has none afterwards."""
    wrong = ["%s: found %s, wanted %s" % (name, found, wanted)
             for name, (found, wanted) in result.get("checks", {}).items() if found != wanted]
    if wrong:
        raise BenchError("; ".join(wrong))
    if not result.get("checks"):
        raise BenchError("checked nothing")
    known = {metric.name for metric in measure.metrics}
    values = result.get("values", {})
    if unknown := set(values) - known:
        raise BenchError("values that the measure does not know: %s" % ", ".join(sorted(unknown)))
    if quick:
        result["values"] = {}
        return
    if not values:
        raise BenchError("measured nothing")
    if strange := [name for name, value in values.items() if not math.isfinite(value)]:
        raise BenchError("not measured: %s" % ", ".join(strange))


# --- figures --------------------------------------------------------------------------------------

def summary(results):
    """{metric: {median, min, max}} over the rounds of one system."""
    names = []
    for result in results:
        names += [name for name in result.get("values", {}) if name not in names]
    found = {}
    for name in names:
        values = [r["values"][name] for r in results if name in r.get("values", {})]
        found[name] = {"median": statistics.median(values), "min": min(values), "max": max(values)}
    return found


def ratio(summaries, name, metric, reference):
    """How many times the reference's median this system's is; None when one of them is unknown."""
    try:
        ours = summaries[name][metric]["median"]
        theirs = summaries[reference][metric]["median"]
    except KeyError:
        return None
    return ours / theirs if theirs else None


REACHED, BOUNDED, MISSED, UNKNOWN = "reached", "bounded", "missed", "not measured"


@dataclass
class Verdict:
    state: str
    metric: str
    median: float = None
    value: float = None      # what was compared: the median, or its ratio to another
    limit: float = None
    more: bool = False       # the value had to be at least the limit
    of: str = None
    bound: float = None      # how many times better the bounding program is

    @property
    def holds(self):
        return self.state in (REACHED, BOUNDED)


def judge(must, summaries):
    """Whether one requirement holds for the medians in {system: summary}."""
    more = must.at_least is not None
    limit = must.at_least if more else must.at_most
    verdict = Verdict(UNKNOWN, must.metric, limit=limit, more=more, of=must.of)
    ours = summaries.get(must.system, {}).get(must.metric)
    if ours is None:
        return verdict
    verdict.median = ours["median"]
    verdict.value = ratio(summaries, must.system, must.metric, must.of) if must.of \
        else verdict.median
    if verdict.value is None:
        return verdict
    verdict.state = MISSED
    if verdict.value >= limit if more else verdict.value <= limit:
        verdict.state = REACHED
    bound = ratio(summaries, must.bound, must.metric, must.system) if must.bound else None
    if bound:
        verdict.bound = bound if more else 1 / bound
        if verdict.state == MISSED and verdict.bound <= BOUND_FACTOR:
            verdict.state = BOUNDED
    return verdict


def ranks(run):
    """{(measure, metric, better system, worse one)} of a run's JSON, where all rounds of the one
    were better than all of the other. A single round says nothing of how far figures spread."""
    found = set()
    for measure in run["measures"]:
        if measure["rounds"] < 2:
            continue
        for metric in measure["metrics"]:
            rows = [(row["name"], row["summary"][metric["name"]]) for row in measure["systems"]
                    if metric["name"] in row["summary"]]
            for one, a in rows:
                for other, b in rows:
                    if a["min"] > b["max"] if metric["more"] else a["max"] < b["min"]:
                        found.add((measure["number"], metric["name"], one, other))
    return found


def changed_ranks(run, other):
    """What is clearly the other way round in another run; systems whose figures overlap in one of
    the two runs have no order there."""
    before = ranks(other)
    return ["measure %s, %s: %s was better than %s, and is worse" % (measure, metric, b, a)
            for measure, metric, a, b in sorted(ranks(run)) if (measure, metric, b, a) in before]


def lacks(run, all_measures, all_systems=None):
    """What a run's JSON lacks to be a whole one: measures, systems, rounds that failed."""
    found = []
    measured = {measure["number"]: measure for measure in run["measures"]}
    for measure in all_measures:
        part = measured.get(measure.number)
        if not part:
            found.append("measure %s" % measure.number)
            continue
        rows = {row["name"]: row for row in part["systems"]}
        for one in systems_of(measure, all_systems):
            rounds = len(rows[one.name]["rounds"]) if one.name in rows else 0
            if one.run is not None and rounds < part["rounds"]:
                found.append("measure %s, %s: %d of %d rounds"
                             % (measure.number, one.label, rounds, part["rounds"]))
    return found


# --- a whole run ----------------------------------------------------------------------------------

class Bench:
    """One run over some measures: what was built where, and what came out."""

    def __init__(self, build, folder, contents, quick=False, rounds=5, keep=False, say=print):
        self.build, self.folder, self.contents = pathlib.Path(build), folder, contents
        self.quick, self.rounds, self.keep, self.say = quick, rounds, keep, say
        self.problems = []

    def rounds_of(self, measure):
        if self.quick:
            return 1
        return min(self.rounds, measure.rounds or self.rounds)

    def one_round(self, measure, system_, number):
        """One system's result of one round; None after a failure, which is then in problems."""
        os.sync()  # nobody pays for what the one before has left to write
        try:
            with Round(self, measure, system_.name, number) as current:
                result = system_.run(current)
                look_at(measure, result, self.quick)
                return result
        except (BenchError, OSError, ValueError) as error:
            problem = "measure %s, %s, round %d: %s" % (measure.number, system_.label, number,
                                                        error)
            self.problems.append(problem)
            self.say("WRONG  " + problem)
            return None

    def measure(self, measure):
        """All rounds of all systems, in turn. Returns the measure's part of the JSON file."""
        chosen = systems_of(measure)
        results = {s.name: [] for s in chosen}
        broken = set()
        for number in range(1, self.rounds_of(measure) + 1):
            for one in chosen:
                if one.run is None or one.name in broken:
                    continue
                self.say("%s, round %d: %s" % (measure.number, number, one.label))
                result = self.one_round(measure, one, number)
                if result is None:
                    broken.add(one.name)
                else:
                    results[one.name].append(result)
        return self.report(measure, chosen, results)

    def report(self, measure, chosen, results):
        summaries = {s.name: summary([{"values": s.values}] if s.run is None
                                     else results[s.name]) for s in chosen}
        rows = []
        for one in chosen:
            ratios = {m.name: ratio(summaries, one.name, m.name, measure.reference)
                      for m in measure.metrics} if measure.reference else {}
            rows.append({
                "name": one.name, "label": one.label, "kind": one.kind,
                "promises": vars(one.promises), "rounds": results[one.name],
                "summary": summaries[one.name],
                "ratios": {name: value for name, value in ratios.items() if value is not None},
            })
        verdicts = []
        if not self.quick:
            verdicts = [judge(must, summaries) for must in measure.musts]
        for verdict in verdicts:
            if not verdict.holds:
                self.problems.append("measure %s, %s: %s" % (measure.number, verdict.metric,
                                                             verdict.state))
        names = {s.name for s in chosen}
        for must in measure.musts:
            if must.system not in names:
                self.problems.append("measure %s has no system %s" % (measure.number, must.system))
                break
        return {
            "number": measure.number, "name": measure.name, "title": measure.title,
            "contents": measure.contents, "reference": measure.reference,
            "rounds": self.rounds_of(measure),
            "sizes": {name: sizes[1 if self.quick else 0]
                      for name, sizes in measure.sizes.items()},
            "metrics": [vars(metric) for metric in measure.metrics],
            "systems": rows, "musts": [vars(verdict) for verdict in verdicts],
        }
