"""The frame of the bench: figures, verdicts, rounds, cleaning up, tables and the README's section.

What is measured runs in `tests/bench/run`; here small shell commands take the place of programs."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import bench  # noqa: E402
import frame  # noqa: E402
import measures  # noqa: E402
import process  # noqa: E402
import report  # noqa: E402

RATE = frame.Metric("rate", "a second", more=True)
P50 = frame.Metric("p50_ms", "ms")


def result(rate, found=10, wanted=10):
    return {"values": {"rate": rate}, "checks": {"received": [found, wanted]}}


def is_gone(pid):
    """Whether no process has this number, or only one that has ended."""
    try:
        return pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


class Figures(unittest.TestCase):
    def test_median_minimum_maximum(self):
        found = frame.summary([result(30.0), result(10.0), result(20.0), result(50.0)])
        self.assertEqual(found, {"rate": {"median": 25.0, "min": 10.0, "max": 50.0}})

    def test_a_value_that_some_rounds_lack(self):
        found = frame.summary([{"values": {"a": 1, "b": 4}}, {"values": {"a": 3}}])
        self.assertEqual(found["a"]["median"], 2)
        self.assertEqual(found["b"]["median"], 4)

    def test_ratio_is_of_medians(self):
        summaries = {"ours": frame.summary([result(30.0), result(10.0), result(20.0)]),
                     "theirs": frame.summary([result(8.0), result(100.0), result(10.0)])}
        self.assertEqual(frame.ratio(summaries, "ours", "rate", "theirs"), 2.0)
        self.assertIsNone(frame.ratio(summaries, "ours", "rate", "nobody"))
        self.assertIsNone(frame.ratio(summaries, "ours", "p50_ms", "theirs"))

    def test_numbers_as_people_read_them(self):
        for value, text in ((253421.7, "253,000"), (1234567, "1,230,000"), (1849, "1,850"),
                            (999.6, "1000"), (12.345, "12.3"), (0.04567, "0.0457"), (0, "0"),
                            (None, "-")):
            self.assertEqual(report.number(value), text)


class Verdicts(unittest.TestCase):
    def summaries(self, **medians):
        return {name: {"rate": {"median": m, "min": m, "max": m},
                       "p50_ms": {"median": m, "min": m, "max": m}}
                for name, m in medians.items()}

    def judge(self, must, **medians):
        return frame.judge(must, self.summaries(**medians))

    def test_at_least_as_much_as_another(self):
        must = frame.Must("rate", at_least=1.0, of="peer")
        self.assertEqual(self.judge(must, caravan=100.0, peer=100.0).state, frame.REACHED)
        self.assertEqual(self.judge(must, caravan=99.0, peer=100.0).state, frame.MISSED)

    def test_a_bounding_program_excuses_up_to_its_factor(self):
        must = frame.Must("rate", at_least=1.0, of="peer", bound="bound")
        near = self.judge(must, caravan=80.0, peer=100.0, bound=104.0)
        self.assertEqual((near.state, near.bound), (frame.BOUNDED, 1.3))
        self.assertEqual(self.judge(must, caravan=80.0, peer=100.0, bound=105.0).state,
                         frame.MISSED)
        self.assertEqual(self.judge(must, caravan=80.0, peer=100.0).state, frame.MISSED)
        self.assertEqual(self.judge(must, caravan=120.0, peer=100.0, bound=300.0).state,
                         frame.REACHED)

    def test_at_most(self):
        must = frame.Must("p50_ms", at_most=2.0, bound="bound")
        self.assertEqual(self.judge(must, caravan=2.0).state, frame.REACHED)
        self.assertEqual(self.judge(must, caravan=2.6, bound=2.0).state, frame.BOUNDED)
        self.assertEqual(self.judge(must, caravan=2.6, bound=1.9).state, frame.MISSED)

    def test_at_most_so_many_times_another(self):
        must = frame.Must("p50_ms", at_most=3.0, of="raw")
        self.assertEqual(self.judge(must, caravan=1.5, raw=0.5).state, frame.REACHED)
        self.assertEqual(self.judge(must, caravan=1.6, raw=0.5).state, frame.MISSED)

    def test_what_was_not_measured_does_not_hold(self):
        must = frame.Must("rate", at_least=1.0, of="peer", bound="bound")
        for medians in ({}, {"caravan": 100.0}, {"peer": 1.0, "bound": 1.0}):
            verdict = self.judge(must, **medians)
            self.assertEqual(verdict.state, frame.UNKNOWN)
            self.assertFalse(verdict.holds)


class Ranking(unittest.TestCase):
    def run_of(self, more=True, rounds=5, **spans):
        return {"measures": [{"number": "1", "rounds": rounds,
                              "metrics": [{"name": "m", "more": more}], "systems": [
            {"name": name, "summary": {"m": {"min": low, "max": high}}}
            for name, (low, high) in spans.items()]}]}

    def test_the_same(self):
        first, second = self.run_of(a=(1, 2), b=(3, 4)), self.run_of(a=(10, 20), b=(30, 40))
        self.assertEqual(frame.changed_ranks(first, second), [])

    def test_the_other_way_round(self):
        for more in (True, False):
            first = self.run_of(more, a=(1, 2), b=(3, 4))
            changed = frame.changed_ranks(first, self.run_of(more, a=(5, 6), b=(3, 4)))
            self.assertEqual(len(changed), 1)
            self.assertIn("measure 1, m: %s was better than" % ("a" if more else "b"), changed[0])

    def test_a_single_round_has_no_order(self):
        first = self.run_of(a=(1, 1), b=(3, 3))
        self.assertEqual(frame.changed_ranks(first, self.run_of(rounds=1, a=(4, 4), b=(3, 3))), [])

    def test_figures_that_overlap_have_no_order(self):
        first = self.run_of(a=(1, 2), b=(3, 4))
        self.assertEqual(frame.changed_ranks(first, self.run_of(a=(3, 5), b=(3, 4))), [])


class Rounds(unittest.TestCase):
    """Systems that are shell commands."""

    def setUp(self):
        self.kept = list(frame.systems)
        frame.systems.clear()
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.said = []
        self.bench = frame.Bench(self.folder, self.folder / "w", {"400": self.folder / "c"},
                                 rounds=3, say=self.said.append)
        self.measure = frame.Measure("9", "moving", "moving", (RATE,), reference="peer",
                                     musts=(frame.Must("rate", at_least=1.0, of="peer"),),
                                     sizes={"entries": (1000, 10)})

    def tearDown(self):
        frame.systems[:] = self.kept
        self.temporary.cleanup()

    def add(self, name, script, kind=frame.PEER):
        def run(round):
            return round.parse(name, round.run("sh", "-c", script, "sh", round.size("entries"),
                                               round.number, seconds=5))
        frame.system("moving", name, name, kind)(run)

    def answer(self, rate):
        return 'echo noise; echo "{\\"values\\": {\\"rate\\": %s}, \\"checks\\": ' \
            '{\\"received\\": [$1, 1000]}}"' % rate

    def test_all_systems_of_round_1_then_of_round_2(self):
        self.add("peer", self.answer("$((100 * $2))"))
        self.add("caravan", self.answer("$((300 * $2))"), frame.CARAVAN)
        part = self.bench.measure(self.measure)
        self.assertEqual(self.said, ["9, round %d: %s" % (n, name) for n in (1, 2, 3)
                                     for name in ("caravan", "peer")])
        self.assertEqual(self.bench.problems, [])
        ours, theirs = part["systems"]
        self.assertEqual(theirs["summary"]["rate"], {"median": 200, "min": 100, "max": 300})
        self.assertEqual(ours["ratios"], {"rate": 3.0})
        self.assertEqual(part["musts"][0]["state"], frame.REACHED)
        self.assertEqual(list((self.folder / "w").iterdir()), [])

    def test_a_must_that_is_missed_is_a_problem(self):
        self.add("peer", self.answer("100"))
        self.add("caravan", self.answer("99"), frame.CARAVAN)
        self.bench.measure(self.measure)
        self.assertEqual(self.bench.problems, ["measure 9, rate: missed"])

    def test_a_quick_pass_says_nothing_about_times(self):
        self.add("peer", self.answer("100").replace("1000", "10"))
        self.add("caravan", self.answer("1").replace("1000", "10"), frame.CARAVAN)
        self.bench.quick = True
        part = self.bench.measure(self.measure)
        self.assertEqual(self.bench.problems, [])
        self.assertEqual(part["musts"], [])
        run = {"quick": True, "measures": [part], "problems": []}
        self.assertIn("ok     caravan: received 10", report.table(run))
        self.assertNotIn("ratio", report.table(run))

    def test_what_was_over_too_soon_to_be_measured(self):
        self.assertEqual(frame.quotient(6, 3), 2)
        for name, divisor in (("caravan", 0), ("backwards", -1)):
            frame.system("moving", name, name, frame.CARAVAN)(
                lambda round, divisor=divisor: result(frame.quotient(1, divisor)))
        self.bench.measure(self.measure)
        self.assertEqual(self.bench.problems[:2],
                         ["measure 9, %s, round 1: not measured: rate" % name
                          for name in ("caravan", "backwards")])
        self.bench.problems, self.bench.quick = [], True
        part = self.bench.measure(self.measure)
        self.assertEqual(self.bench.problems, [])
        self.assertEqual(part["systems"][0]["summary"], {})

    def test_a_file_that_is_missing_costs_the_round_and_not_the_run(self):
        frame.system("moving", "lost", "lost", frame.CARAVAN)(
            lambda round: result(float((round.folder / "nothing").read_text())))
        self.bench.measure(self.measure)
        self.assertIn("measure 9, lost, round 1: [Errno 2]", self.bench.problems[0])

    def test_a_run_is_whole_only_with_all_rounds_of_all_systems(self):
        self.add("peer", self.answer("1"))
        self.add("caravan", self.answer("1"), frame.CARAVAN)
        frame.note("moving", "known", "known", frame.Promises(), {"rate": 1})
        run = {"measures": [self.bench.measure(self.measure)]}
        self.assertEqual(frame.lacks(run, [self.measure]), [])
        run["measures"][0]["systems"][1]["rounds"].pop()
        self.assertEqual(frame.lacks(run, [self.measure]), ["measure 9, peer: 2 of 3 rounds"])
        run["measures"][0]["systems"].pop(0)
        self.assertIn("measure 9, caravan: 0 of 3 rounds", frame.lacks(run, [self.measure]))
        self.assertEqual(frame.lacks({"measures": []}, [self.measure]), ["measure 9"])

    def assert_problem(self, script, *words):
        self.add("peer", self.answer("1"))
        self.add("caravan", script, frame.CARAVAN)
        part = self.bench.measure(self.measure)
        problem = self.bench.problems[0]
        for word in ("measure 9, caravan, round 1", *words):
            self.assertIn(word, problem)
        # The others go on; the broken one is not tried again.
        self.assertEqual([len(row["rounds"]) for row in part["systems"]], [0, 3])
        self.assertEqual(part["musts"][0]["state"], frame.UNKNOWN)

    def test_one_message_lost(self):
        self.assert_problem(self.answer("1").replace("$1", "999"),
                            "received: found 999, wanted 1000")

    def test_a_program_that_fails(self):
        self.assert_problem("echo the disk is full >&2; exit 3", "code 3", "the disk is full")

    def test_a_program_that_prints_no_json(self):
        self.assert_problem("echo done", "printed no JSON", "done")

    def test_a_program_that_checks_nothing(self):
        self.assert_problem("echo '{\"values\": {\"rate\": 1}}'", "checked nothing")

    def test_a_program_that_measures_nothing(self):
        self.assert_problem("echo '{\"checks\": {\"received\": [1, 1]}}'", "measured nothing")

    def test_a_value_that_the_measure_does_not_know(self):
        self.assert_problem(self.answer("1").replace("rate", "rat"), "does not know: rat")

    def test_a_program_that_hangs_is_killed_with_its_children(self):
        def run(round):
            path = round.folder.parent / "pid"
            try:
                round.run("sh", "-c", "sleep 1000 & echo $! >%s; wait" % path, seconds=1)
            finally:
                self.pid = int(path.read_text())
        frame.system("moving", "caravan", "caravan", frame.CARAVAN)(run)
        self.bench.measure(self.measure)
        self.assertIn("was not done after 1 s", self.bench.problems[0])
        process.wait(lambda: is_gone(self.pid), "its child is gone", 10)

    def test_a_measure_without_caravan_is_a_problem(self):
        self.add("peer", self.answer("1"))
        self.bench.measure(self.measure)
        self.assertIn("measure 9 has no system caravan", self.bench.problems)

    def test_a_server_that_ends_by_itself_is_named(self):
        def run(round):
            round.start("sh", "-c", "echo port is taken; exit 5")
            round.wait(lambda: False, "it answers")
        frame.system("moving", "caravan", "caravan", frame.CARAVAN)(run)
        self.bench.measure(self.measure)
        for word in ("ended by itself", "code 5", "port is taken"):
            self.assertIn(word, self.bench.problems[0])

    def test_servers_end_with_their_round(self):
        pids = []

        def run(round):
            pids.append(round.start("sleep", "1000").pid)
            pids.append(round.start("sh", "-c", "trap '' TERM; sleep 1000 & wait").pid)
            round.processes.running[-1].end(0.1)
            stopped = round.start("sleep", "1000")
            stopped.signal(signal.SIGSTOP)
            pids.append(stopped.pid)
            return result(1.0)
        frame.system("moving", "caravan", "caravan", frame.CARAVAN)(run)
        self.bench.rounds = 1
        self.bench.measure(self.measure)
        self.assertEqual(len(pids), 3)
        for pid in pids:
            self.assertTrue(is_gone(pid))


SLOW = """
import pathlib, sys
sys.path.insert(0, %r)
import bench, frame
frame.systems.clear()
def run(round):
    server = round.start("sleep", "1000")
    pathlib.Path(sys.argv[1], "pid").write_text(str(server.pid))
    round.run("sleep", "1000")
frame.system("burst", "caravan", "Caravan", frame.CARAVAN)(run)
bench.load_systems = lambda only: None
bench.build = lambda folder: None
bench.make_contents = lambda folder, programs: {"400": folder, "real": folder}
sys.exit(bench.main(["--quick", "--only", "2", "--build-dir", sys.argv[1]]))
"""


class Stopping(unittest.TestCase):
    """A run that is stopped leaves no process and no folder."""

    def stop(self, *numbers):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.Popen([sys.executable, "-c", SLOW % str(HERE), folder],
                                   stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            path = pathlib.Path(folder, "pid")
            process.wait(lambda: path.exists() and path.read_text(), "it runs", 20)
            pid = int(path.read_text())
            time.sleep(0.1)  # it may be anywhere in what follows
            for number in numbers:
                run.send_signal(number)
                time.sleep(0.01)
            code = run.wait(30)
            process.wait(lambda: is_gone(pid), "its server is gone", 10)
            return code, [name for name in os.listdir(folder) if name.startswith("w-")]

    def test_interrupt(self):
        self.assertEqual(self.stop(signal.SIGINT), (130, []))

    def test_terminate(self):
        self.assertEqual(self.stop(signal.SIGTERM), (143, []))

    def test_a_second_interrupt_does_not_disturb_cleaning_up(self):
        self.assertEqual(self.stop(signal.SIGINT, signal.SIGINT, signal.SIGTERM), (130, []))

    def test_kill_takes_the_servers_along(self):
        code, _ = self.stop(signal.SIGKILL)  # nobody is there to remove the folder
        self.assertEqual(code, -9)


RUN = {
    "format": 1, "command": "tests/bench/run", "date": "2026-11-24 01:00 UTC", "commit": "abc1234",
    "quick": False, "seconds": 60, "problems": [],
    "machine": {"cpu": "A processor", "cores": 2, "memory_gib": 23, "kernel": "6.1.0",
                "file_system": "ext4", "disk": "vda", "system": "Debian",
                "packages": {"mosquitto": "2.0.11"}},
    "measures": [{
        "number": "2", "name": "burst", "title": "burst", "contents": "400",
        "reference": "mosquitto", "rounds": 5, "sizes": {"entries": 100000},
        "metrics": [{"name": "rate", "unit": "a second", "more": True}],
        "systems": [
            {"name": "caravan", "label": "Caravan", "kind": frame.CARAVAN,
             "promises": {"encrypted": "yes", "signed": "yes", "on_disk": "yes"}, "rounds": [],
             "summary": {"rate": {"median": 81500.0, "min": 80000.0, "max": 90000.0}},
             "ratios": {"rate": 1.63}},
            {"name": "mosquitto", "label": "Mosquitto | QoS 1", "kind": frame.PEER,
             "promises": {"encrypted": "no", "signed": "no", "on_disk": "no"}, "rounds": [],
             "summary": {"rate": {"median": 50000.0, "min": 49000.0, "max": 51000.0}},
             "ratios": {"rate": 1.0}},
            {"name": "strfry", "label": "strfry", "kind": frame.NOTE,
             "promises": {"encrypted": "no", "signed": "yes", "on_disk": "yes"}, "rounds": [],
             "summary": {"rate": {"median": 12000, "min": 12000, "max": 12000}},
             "ratios": {"rate": 0.24}}],
        "musts": [{"state": "reached", "metric": "rate", "median": 81500.0, "value": 1.63,
                   "limit": 1.0, "more": True, "of": "mosquitto", "bound": None}],
    }],
}


class Reports(unittest.TestCase):
    def test_table(self):
        text = report.table(RUN)
        self.assertRegex(text, r"Caravan +81,500 \(80,000 to 90,000\) +1\.63 +yes")
        self.assertIn("strfry (not measured in this run)", text)
        self.assertIn("81,500 a second (1.63 x), must be at least 1 x Mosquitto | QoS 1: reached",
                      text)

    def test_readme_section_between_its_markers(self):
        before, after = "# Title\n\nText.\n\n", "\n\n## Next\n"
        old = before + report.BEGIN + "\nold figures 12345\n" + report.END + after
        new = report.rewrite_readme(old, RUN)
        self.assertTrue(new.startswith(before + report.BEGIN))
        self.assertTrue(new.endswith(report.END + after))
        self.assertNotIn("12345", new)
        for text in ("| Caravan | 81,500 (80,000 to 90,000) | 1.63 | yes | yes | yes |",
                     "| 2 | burst | 81,500 a second (1.63 x) | at least 1 x Mosquitto \\| QoS 1 | "
                     "reached |",
                     "| Mosquitto \\| QoS 1 |", "| --- | --: | --: | --- | --- | --- |",
                     "`tests/bench/run`", "A processor", "mosquitto 2.0.11", "ext4"):
            self.assertIn(text, new)
        self.assertEqual(report.rewrite_readme(new, RUN), new)

    def test_a_readme_without_markers(self):
        for text in ("# Title\n", report.END + report.BEGIN):
            with self.assertRaises(frame.BenchError):
                report.rewrite_readme(text, RUN)

    def test_a_quick_pass_is_no_table_for_the_readme(self):
        with self.assertRaises(frame.BenchError):
            report.rewrite_readme(report.BEGIN + report.END, {**RUN, "quick": True})

    def test_the_readme_has_the_markers(self):
        text = (bench.TOP / "README.md").read_text()
        self.assertIn(report.BEGIN, text)
        self.assertLess(text.index(report.BEGIN), text.index(report.END))

    def test_json_holds_all_that_the_table_needs(self):
        self.assertEqual(report.table(json.loads(json.dumps(RUN))), report.table(RUN))

    def test_the_machine(self):
        found = report.machine("/tmp")
        for name in ("cpu", "cores", "memory_gib", "kernel", "file_system", "system"):
            self.assertTrue(found[name], name)


class Table(unittest.TestCase):
    """The measures and the systems that are there."""

    @classmethod
    def setUpClass(cls):
        frame.systems.clear()
        bench.load_systems([])

    def test_measures_are_whole(self):
        names = [m.name for m in measures.MEASURES] + [m.number for m in measures.MEASURES]
        self.assertEqual(len(names), len(set(names)))
        for measure in measures.MEASURES:
            metrics = {metric.name: metric for metric in measure.metrics}
            for must in measure.musts:
                self.assertIn(must.metric, metrics)
                self.assertNotEqual(must.at_least is None, must.at_most is None)
                self.assertEqual(metrics[must.metric].more, must.at_least is not None)
            for sizes in measure.sizes.values():
                self.assertEqual(len(sizes), 2)

    def test_systems_that_measures_name_are_there(self):
        for measure in measures.MEASURES:
            names = [s.name for s in frame.systems_of(measure)]
            self.assertEqual(len(names), len(set(names)), measure.name)
            wanted = {measure.reference} | {must.of for must in measure.musts} \
                | {must.bound for must in measure.musts} | {must.system for must in measure.musts}
            for name in wanted - {None}:
                self.assertIn(name, names, "measure %s" % measure.name)

    def test_systems_join_measures_that_exist(self):
        known = {measure.name for measure in measures.MEASURES}
        for one in frame.systems:
            self.assertLessEqual(set(one.measures), known, one.name)

    def test_bounding_programs_are_short(self):
        programs = sorted((HERE / "bounds").glob("*.c"))
        self.assertTrue(programs)
        for path in programs:
            self.assertLess(len(path.read_text().splitlines()), 100, path.name)


if __name__ == "__main__":
    unittest.main()
