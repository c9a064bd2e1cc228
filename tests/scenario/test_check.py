"""Before anything is published: new and check, as a person types them."""

import json
import os
import re
import subprocess
import tempfile
import unittest

from network import BIN

SOURCE = os.environ.get("CARAVAN_SOURCE", os.getcwd())
KINDS = ["visit", "joint call", "lab opening", "tech offer", "tech request", "park opening",
         "shared resource"]
USAGE, INVALID, NOT_FOUND = 64, 65, 66


def caravan(*arguments):
    return subprocess.run([BIN, *arguments], capture_output=True, text=True)


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_new_prints_what_check_takes(self):
        for kind in KINDS:
            for words in ([kind.replace(" ", "-")], kind.split()):
                done = caravan("new", *words)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"\nkind: {kind}\n", done.stdout)
            path = self.write("new.yaml", done.stdout)
            checked = caravan("check", path)
            self.assertEqual(checked.returncode, 0, checked.stdout)
            # warnings name what readers look for, and --strict takes them for errors
            self.assertIn("warning: contact: ", checked.stdout)
            self.assertEqual(caravan("check", "--strict", path).returncode, INVALID)
            filled = re.sub(r"^#(?! )", "", done.stdout, flags=re.M)
            checked = caravan("check", self.write("filled.yaml", filled))
            self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_new_says_which_kinds_there_are(self):
        done = caravan("new")
        self.assertEqual(done.returncode, USAGE)
        for kind in KINDS:
            self.assertIn(kind, done.stderr)
        done = caravan("new", "joint-cal")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn('did you mean "joint call"?', done.stderr)
        self.assertEqual(caravan("new", "unspecified").returncode, USAGE)

    def test_check_takes_no_offence_at_a_template_that_is_filled_in(self):
        for kind in KINDS:
            template = caravan("new", kind).stdout
            filled = re.sub(r"^#(?! )", "", template, flags=re.M)
            done = subprocess.run([BIN, "check", "--strict", "-"], input=filled,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("-: this announcement is right, 0 warnings", done.stdout)

    def test_check_says_what_cannot_be_read_and_checks_the_rest(self):
        good = self.write("good.yaml", caravan("new", "visit").stdout)
        done = caravan("check", "absent.yaml", good)
        self.assertEqual(done.returncode, NOT_FOUND)
        self.assertIn("cannot open absent.yaml", done.stderr)
        self.assertIn(f"{good}: this announcement is right", done.stdout)
        said = json.loads(caravan("check", "--json", "absent.yaml", good).stdout)
        self.assertEqual([file["what"] for file in said["files"]], [None, "announcement"])
        self.assertIn("cannot open", said["files"][0]["problems"][0]["text"])

    def test_check_takes_several_files_of_both_sorts(self):
        examples = os.path.join(SOURCE, "configs/examples")
        files = [os.path.join(examples, name) for name in
                 ("announcement-visit.yaml", "node.yaml")]
        done = caravan("check", *files)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("this announcement is right", done.stdout)
        self.assertIn("this configuration is right", done.stdout)
        said = json.loads(caravan("check", "--json", *files).stdout)
        self.assertEqual([file["what"] for file in said["files"]],
                         ["announcement", "configuration"])
        self.assertEqual(said["errors"], 0)

    def test_check_lists_all_problems_with_their_places(self):
        notice = self.write("notice.yaml", "kind: visit\nlanguage: en\ntitel: A\n"
                                           "parties: {name: MOST, country: Chnia}\nplaces: many\n")
        config = self.write("node.yaml", "network: x\nrelais: [a]\n")
        done = caravan("check", notice, config)
        self.assertEqual(done.returncode, INVALID)
        for line in (f"{notice}:1:1: error: title: found nothing, expected",
                     f"{notice}:3:1: error: titel: found the unknown key \"titel\"; did you mean",
                     f"{notice}:4:32: error: parties[1].country: found \"Chnia\", expected a country",
                     f"{notice}:5:9: error: places: found \"many\", expected a whole number",
                     f"{config}:2:1: error: relais: found the unknown key"):
            self.assertIn(line, done.stdout)
        said = json.loads(caravan("check", "--json", notice).stdout)["files"][0]
        self.assertEqual(said["errors"], 4)
        self.assertIn({"line": 5, "column": 9, "severity": "error", "path": "places",
                       "text": "found \"many\", expected a whole number from 0 to 4294967295"},
                      said["problems"])

    def test_check_shows_no_control_characters(self):
        path = self.write("evil.yaml", 'kind: "\\e[2Jvisit"\n"a\\e]0;x\\a": 1\n')
        done = caravan("check", path)
        self.assertEqual(done.returncode, INVALID)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.assertNotIn("\x07", done.stdout + done.stderr)
        self.assertIn("\\x1b[2Jvisit", done.stdout)
        json.loads(caravan("check", "--json", path).stdout)

    def test_check_needs_a_file_that_is_there(self):
        self.assertEqual(caravan("check").returncode, USAGE)
        missing = os.path.join(self.folder, "missing.yaml")
        self.assertEqual(caravan("check", missing).returncode, NOT_FOUND)


if __name__ == "__main__":
    unittest.main()
