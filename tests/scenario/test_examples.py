"""Every page of configs/examples does what it shows (see examples.py for how pages are written), and
the README links it. One test for each page: test_examples.py Pages.test_history"""

import glob
import os
import re
import unittest

from examples import Stage, Wrong, matched, read, run
from network import SOURCE

FOLDER = os.path.join(SOURCE, "configs", "examples")
PAGES = sorted(glob.glob(os.path.join(FOLDER, "*.md")))


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Pages(unittest.TestCase):
    """Filled below."""

    longMessage = False


def add_page(path):
    name = os.path.basename(path)

    def test(self):
        said = None
        try:
            run("configs/examples/" + name, text_of(path))
        except Wrong as wrong:
            said = str(wrong)
        self.assertIsNone(said, said)

    test.__doc__ = name
    setattr(Pages, "test_" + re.sub(r"\W", "_", name[:-len(".md")]), test)


for one in PAGES:
    add_page(one)


class Readme(unittest.TestCase):
    def test_it_links_every_page(self):
        linked = re.findall(r"\]\((configs/examples/[\w.-]+\.md)\)", text_of(
            os.path.join(SOURCE, "README.md")))
        self.assertTrue(PAGES)
        self.assertEqual(sorted(linked), ["configs/examples/" + os.path.basename(path)
                                          for path in PAGES])


def console(*lines):
    return "# A page\n\n```console\n%s\n```\n" % "\n".join(lines)


class WrongPages(unittest.TestCase):
    """What is not so is found and said."""

    def assert_unreadable(self, text, said):
        with self.assertRaisesRegex(Wrong, said):
            read(text)

    def test_a_page_that_cannot_be_read(self):
        self.assert_unreadable("# Nothing\n", "no command")
        self.assert_unreadable(console("output first", "$ true"), "line 4: found 'output first'")
        self.assert_unreadable("```console\n```\n", "without a command")
        self.assert_unreadable("```console\n$ true\n", "line 1: .* no end")

    def test_output_that_differs(self):
        for expected, found in (
                (["a"], []), ([], ["a"]), (["a", "b"], ["a"]), (["a"], ["a", "b"]),
                (["a"], ["ab"]), (["a...c"], ["abd"]), (["...", "b"], ["b", "a"]),
                (["a", "..."], ["b", "a"]), (["a.c"], ["abc"])):
            self.assertNotEqual(matched(expected, found), len(expected), (expected, found))
        for expected, found in (
                ([], []), (["a"], ["a"]), (["..."], []), (["..."], ["a", "b"]),
                (["a...c"], ["abc"]), (["...", "b"], ["a", "b", "b"]),
                (["a", "...", "d"], ["a", "d"]), (["a", "...", "d"], ["a", "b", "c", "d"]),
                (["No. ... (x)"], ["No. 12 (x)"])):
            self.assertEqual(matched(expected, found), len(expected), (expected, found))

    def test_commands_of_real_nodes(self):
        with Stage() as stage:
            def assert_wrong(text, said):
                with self.assertRaises(Wrong) as caught:
                    stage.run("page.md", text)
                self.assertIn(said, str(caught.exception))

            right = console("$ caravan status --json | grep -o '\"handle\": \"th-demo\"'",
                            "\"handle\": \"th-demo\"",
                            "$ caravan --home za list --json | head -c 1; n=1", "{",
                            "$ echo $n \\", "> $n; caravan show x/1 2>/dev/null || echo code $?",
                            "1 1", "code 66")
            stage.run("page.md", right)
            assert_wrong(right.replace("code 66", "code 67"),
                         "page.md:8: $ echo $n \\\n$n; caravan show x/1 2>/dev/null || echo code "
                         "$?\n  shows something else, from the expected line 2 on\n"
                         "  expected:\n    | 1 1\n    | code 67\n  found:\n    | 1 1\n    | code 66")
            assert_wrong(console("$ caravan show cn-demo/999", "..."),
                         "page.md:4: $ caravan show cn-demo/999\n  ends with exit code 66, expected")
            assert_wrong(console("$ caravan no-such-command", "..."), "ends with exit code 64")
            assert_wrong(console("$ true", "$ exit 0", "$ echo never", "never"), "page.md:5")
            assert_wrong(console("$ caravan list > /dev/null", "something"), "expected line 1")
            stage.run("page.md", "```yaml\n# file: a.yaml\nx: 1\n```\n" + console(
                "$ cat a.yaml", "# file: a.yaml", "x: 1"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
