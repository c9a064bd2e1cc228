"""What tests/bench/run does once the packages are there: builds, measures, reports."""

import argparse
import glob
import importlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import frame
import measures
import process
import report

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent

OK, WRONG = 0, 1
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

DESCRIPTION = """\
Measures Caravan beside other systems: builds it in release mode, starts every system on the
loopback address, lets each do the same work with the same contents, five rounds in turn, and prints
medians, minimum, maximum and ratios, and whether Caravan reaches what it must."""

EPILOG = """\
measures: %s

A "must reach" that is missed counts as reached when a program of tests/bench/bounds, which does the
same steps without our code, is no better than %.1f times Caravan in the same run.

example:   tests/bench/run --quick
exit code: 0 all is well, 1 something is wrong or a "must reach" is missed, 2 wrong use"""


def parse(argv):
    names = ", ".join("%s %s" % (m.number, m.name) for m in measures.MEASURES)
    parser = argparse.ArgumentParser(
        prog="tests/bench/run", description=DESCRIPTION,
        epilog=EPILOG % (names, frame.BOUND_FACTOR),
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true",
                        help="one short round: checks counts, order and heads, never times")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds of each (5)")
    parser.add_argument("--only", action="append", default=[], metavar="MEASURE",
                        help="only this measure, by number or name; may be repeated")
    parser.add_argument("--system", action="append", default=[], metavar="NAME",
                        help="only this system; may be repeated")
    parser.add_argument("--list", action="store_true", help="list measures and systems, and stop")
    parser.add_argument("--json", metavar="FILE", help="write everything to a file, too")
    parser.add_argument("--readme", action="store_true",
                        help="rewrite the README's section from this run")
    parser.add_argument("--from", dest="source", metavar="FILE",
                        help="measure nothing; take the JSON of an earlier run")
    parser.add_argument("--compare", metavar="FILE",
                        help="the JSON of another run: the systems must rank as they did there")
    parser.add_argument("--build-dir", default=TOP / "build" / "bench", metavar="DIR",
                        help="where to build (build/bench)")
    parser.add_argument("--dir", metavar="DIR",
                        help="where the systems keep their data, a folder on a real disk "
                        "(a new one beside the build)")
    parser.add_argument("--keep", action="store_true", help="leave the data and logs there")
    parser.add_argument("--no-install", action="store_true", help="install no packages")
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error("--rounds: found %d, expected 1 or more" % options.rounds)
    options.measures = [m for name in options.only or [None]
                        for m in choose(parser, name)]
    if options.readme and not options.source and (options.quick or options.only or options.system):
        parser.error("--readme shows a whole run: leave --quick, --only and --system out")
    return options


def choose(parser, name):
    if name is None:
        return measures.MEASURES
    found = measures.find(name)
    if not found:
        parser.error("--only: there is no measure %s; see --list" % name)
    return found


def load_systems(only):
    """Reads systems_*.py, which register themselves."""
    for path in sorted(glob.glob(str(HERE / "systems_*.py"))):
        importlib.import_module(pathlib.Path(path).stem)
    if only:
        known = {s.name for s in frame.systems}
        if unknown := [name for name in only if name not in known]:
            raise frame.BenchError("there is no system %s; there are %s"
                                   % (", ".join(unknown), ", ".join(sorted(known))))
        frame.systems[:] = [s for s in frame.systems if s.name in only]


def print_list():
    for measure in measures.MEASURES:
        print("%-3s %-14s %s" % (measure.number, measure.name, measure.title))
        for one in frame.systems_of(measure):
            print("      %-16s %-8s %s" % (one.name, one.kind, one.label))


# --- before measuring -----------------------------------------------------------------------------

def build(folder):
    """Builds Caravan in release mode, and the programs of the bench."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "build.log"
    werror = "ON" if os.environ.get("CI") == "true" else "OFF"
    commands = [["cmake", "-S", str(TOP), "-B", str(folder), "-G", "Ninja",
                 "-DCMAKE_BUILD_TYPE=Release", "-DCARAVAN_BENCH=ON", "-DCARAVAN_TESTS=OFF",
                 "-DCARAVAN_WERROR=" + werror], ["ninja", "-C", str(folder)]]
    with open(log, "wb") as out:
        for command in commands:
            code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=out).returncode
            if code != 0:
                raise frame.BenchError("the build failed; all of it is in %s:\n%s"
                                       % (log, process.tail(log, 30)))


def make_contents(folder, programs):
    """The contents that all systems move: {name: file}."""
    notices = sorted(glob.glob(str(TOP / "configs/demo/announcements/*/*.yaml")))
    files = {"400": folder / "contents-400", "real": folder / "contents-real"}
    for name, arguments in (("400", ["400"]), ("real", notices)):
        done = subprocess.run([programs / "drive_contents", files[name], *arguments],
                              stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise frame.BenchError("cannot make the contents: %s" % done.stderr.strip())
    return files


def make_folder(options):
    """A new folder for the systems' data. Times in memory would say nothing about a disk."""
    parent = pathlib.Path(options.dir or options.build_dir)
    parent.mkdir(parents=True, exist_ok=True)
    kind, _ = report.file_system(parent)
    if kind in ("tmpfs", "ramfs") and not options.quick:
        raise frame.BenchError("%s is in memory (%s); name a folder on a disk with --dir"
                               % (parent, kind))
    return pathlib.Path(tempfile.mkdtemp(prefix="w-", dir=parent))


# --- a run ----------------------------------------------------------------------------------------

def commit():
    name = report.output_of("git", "-C", str(TOP), "rev-parse", "--short", "HEAD")
    changed = report.output_of("git", "-C", str(TOP), "status", "--porcelain", "-uno")
    return (name or "unknown") + (", changed" if changed else "")


def say(text):
    print(time.strftime("%H:%M:%S  ") + text, file=sys.stderr, flush=True)


def measure_all(options):
    """Builds, measures, cleans up. Returns what the JSON file holds."""
    say("building in %s" % options.build_dir)
    build(pathlib.Path(options.build_dir))
    folder = make_folder(options)
    try:
        contents = make_contents(folder, pathlib.Path(options.build_dir) / "bench")
        bench = frame.Bench(options.build_dir, folder, contents, options.quick, options.rounds,
                            options.keep, say)
        started = time.monotonic()
        found = [bench.measure(m) for m in options.measures]
        return {
            "format": 1, "command": "tests/bench/run" + "".join(
                " " + word for word in options.words),
            "date": report.now(), "commit": commit(), "quick": options.quick,
            "seconds": round(time.monotonic() - started), "machine": report.machine(folder),
            "measures": found, "problems": bench.problems,
        }
    finally:
        if options.keep:
            say("data and logs are kept in %s" % folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def stop(number, _):
    """Ends the run; what is cleaned up then is not interrupted again."""
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)


def main(argv):
    options = parse(argv)
    # What others may repeat: where it was built and kept is this machine's own.
    options.words = [word for word in argv if word in ("--quick",)] + \
        (["--rounds", str(options.rounds)] if options.rounds != 5 else []) + \
        [word for name in options.only for word in ("--only", name)]
    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        load_systems(options.system)
        if options.list:
            print_list()
            return OK
        if options.source:
            run = json.loads(pathlib.Path(options.source).read_text())
        else:
            run = measure_all(options)
        print(report.table(run), flush=True)
        if options.compare:
            other = json.loads(pathlib.Path(options.compare).read_text())
            run["problems"] += (changed := frame.changed_ranks(run, other))
            print("\n" + ("\n".join("WRONG  " + text for text in changed)
                          or "The systems rank as in %s." % options.compare))
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(run, indent=1) + "\n")
        if options.readme:
            if lacking := frame.lacks(run, measures.MEASURES):
                raise frame.BenchError("the README shows a whole run; this one lacks "
                                       + "; ".join(lacking))
            readme = TOP / "README.md"
            readme.write_text(report.rewrite_readme(readme.read_text(), run))
        if run["quick"]:
            print("\n%d passed, %d failed" % (sum(len(row["rounds"]) for m in run["measures"]
                                                  for row in m["systems"]), len(run["problems"])))
        return WRONG if run["problems"] else OK
    except (frame.BenchError, OSError, ValueError) as error:
        print("tests/bench/run: %s" % error, file=sys.stderr)
        return WRONG


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
