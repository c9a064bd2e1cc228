"""Setting up without a running node: init, card, partner, listener, verify, doctor."""

import json
import os
import pty
import re
import stat
import subprocess
import unittest

from network import BIN, Network

USAGE, INVALID, NOT_FOUND, DOWN, EXISTS, DENIED, CONFIG = 64, 65, 66, 69, 73, 77, 78


class Setup(unittest.TestCase):
    def setUp(self):
        self.network = Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)

    def refused(self, node, code, text, *arguments, **options):
        """The command fails with this exit code and says this; nothing in the home changes."""
        before = self.contents(node.home)
        done = node.run(*arguments, check=False, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(text, done.stderr)
        self.assertEqual(self.contents(node.home), before)
        return done

    @staticmethod
    def contents(folder):
        found = {}
        for root, _, files in os.walk(folder):
            for name in files:
                with open(os.path.join(root, name), "rb") as file:
                    found[os.path.join(root, name)] = file.read()
        return found

    def test_init_makes_a_private_home_and_says_what_to_do(self):
        node = self.network.add("th-demo")
        for path, _, files in os.walk(node.home):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode) & 0o077, 0, path)
            for name in files:
                mode = os.stat(os.path.join(path, name)).st_mode
                self.assertEqual(stat.S_IMODE(mode), 0o600, name)
        self.refused(node, EXISTS, "is not empty", "init", "--handle", "th-demo", "--name", "x",
                     "--network", "n")

    def test_init_names_what_is_missing_or_wrong(self):
        home = os.path.join(self.network.folder, "new")

        def init(*arguments):
            return subprocess.run([BIN, "--home", home, "init", *arguments], input="",
                                  capture_output=True, text=True)

        done = init("--handle", "th-demo")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--name, --network", done.stderr)
        done = init("--handle", "th-demo", "--name", "x", "--network", "n", "--country", "CN",
                    "--listen-live", "nonsense")
        self.assertEqual(done.returncode, INVALID)
        for text in ("institution.handle", "listen.live", "listen.sync: is missing"):
            self.assertIn(text, done.stderr)
        self.assertFalse(os.path.exists(home))
        done = init("--handle", "th-demo", "--name", 'Quotes " and \\ and: # all', "--network",
                    "no", "--type", "institute", "--type", "park")
        self.assertEqual(done.returncode, 0, done.stderr)
        card = json.loads(subprocess.run([BIN, "--home", home, "card", "--json"],
                                         capture_output=True, text=True, check=True).stdout)
        self.assertEqual(card["network"], "no")
        self.assertIn('Quotes " and \\ and: # all', card["card"])

    def on_a_terminal(self, home, answers, *arguments):
        """Runs the client with a terminal as input and error output; returns exit code and text."""
        outside, inside = pty.openpty()
        process = subprocess.Popen([BIN, "--home", home, *arguments], stdin=inside, stderr=inside,
                                   stdout=subprocess.PIPE, text=True)
        os.close(inside)
        os.write(outside, answers.encode())
        shown = b""
        try:
            while chunk := os.read(outside, 4096):
                shown += chunk
        except OSError:  # the other end is closed
            pass
        output = process.communicate()[0]
        os.close(outside)
        return process.returncode, output, shown.decode()

    def test_init_asks_on_a_terminal(self):
        home = os.path.join(self.network.folder, "asked")
        code, output, shown = self.on_a_terminal(
            home, "lk-demo\nDemo Institute\nn\nnode.example.org\n", "init")
        self.assertEqual(code, 0, shown)
        self.assertIn("Handle", shown)
        self.assertIn("Fingerprint", output)
        with open(os.path.join(home, "node.yaml")) as file:
            text = file.read()
        for line in ('country: "LK"', 'sync: "tcp://0.0.0.0:7411"',
                     'live: "tcp://node.example.org:7410"'):
            self.assertIn(line, text)

    def test_init_asks_again_after_a_slip(self):
        home = os.path.join(self.network.folder, "slip")
        code, _, shown = self.on_a_terminal(
            home, "Demo\nlk-demo\nDemo Institute\nBig Net\nnet\n\n", "init")
        self.assertEqual(code, 0, shown)
        self.assertIn("expected two letters of the country", shown)
        self.assertIn("expected at most 64 of a-z", shown)
        with open(os.path.join(home, "node.yaml")) as file:
            text = file.read()
        for line in ('network: "net"', 'handle: "lk-demo"', 'en: "Demo Institute"'):
            self.assertIn(line, text)

    def test_partner_add_of_anything_else_says_what_a_card_is(self):
        node = self.network.add("th-demo")
        for content in (os.urandom(300), b"", b"dear colleague, our card is attached"):
            path = os.path.join(self.network.folder, "no.card")
            with open(path, "wb") as file:
                file.write(content)
            self.refused(node, INVALID, "this is no card", "partner", "add", path, "--yes")

    def test_check_config_says_each_problem_once(self):
        node = self.network.add("th-demo")
        done = node.run("run", "--check-config", "--json")
        self.assertEqual(json.loads(done.stdout), {"ok": True})
        with open(os.path.join(node.home, "node.yaml"), "a", encoding="utf-8") as file:
            file.write("\nno_such_key: 1\nnor_this: 2\n")
        done = self.refused(node, CONFIG, "cannot be used", "run", "--check-config")
        lines = done.stderr.splitlines()
        for name in ("no_such_key", "nor_this"):
            self.assertEqual(len([line for line in lines if name in line]), 1, done.stderr)
        done = node.run("run", "--check-config", "--json", check=False)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "config")
        self.assertIn("no_such_key", done.stdout)

    def test_partner_add_asks_on_a_terminal(self):
        a, b = self.network.add("th-a-demo"), self.network.add("cn-b-demo")
        card = b.card()
        code, _, shown = self.on_a_terminal(a.home, "no\n", "partner", "add", card)
        self.assertEqual(code, DENIED)
        self.assertIn("telephone", shown)
        self.assertEqual(a.json("partner", "list"), [])
        code, output, _ = self.on_a_terminal(a.home, "yes\n", "partner", "add", card)
        self.assertEqual(code, 0)
        self.assertIn("is a partner now", output)
        self.assertEqual(len(a.json("partner", "list")), 1)

    def test_partners_are_added_listed_replaced_and_removed(self):
        a, b = self.network.add("th-a-demo"), self.network.add("cn-b-demo", listen=False)
        old = b.card()
        with open(old) as file:
            text = file.read()
        fingerprint = re.search(r"Fingerprint: (.*)", text).group(1)
        # Nobody answers the question, so nothing is added.
        done = self.refused(a, USAGE, "compare the fingerprint", "partner", "add", old)
        self.assertIn(fingerprint, done.stdout)
        a.run("partner", "add", old, "--yes")
        listed = a.json("partner", "list")
        self.assertEqual([card["handle"] for card in listed], ["cn-b-demo"])
        self.assertEqual(listed[0]["fingerprint"], fingerprint)
        self.assertEqual(listed[0]["live"], [])
        self.assertFalse(a.json("partner", "add", old)["changed"])
        # A newer card replaces it, the older one is refused then.
        new = self.network.write("new.card", b.run("card").stdout)
        self.assertTrue(a.json("partner", "add", new, "--yes")["changed"])
        self.refused(a, EXISTS, "older", "partner", "add", old, "--yes")
        a.run("partner", "remove", "cn-b-demo")
        self.assertEqual(a.json("partner", "list"), [])
        self.refused(a, NOT_FOUND, "no partner", "partner", "remove", "cn-b-demo")
        self.refused(a, INVALID, "file name", "partner", "remove", "../node")

    def test_cards_survive_mail_and_damage_is_found(self):
        a, b = self.network.add("th-a-demo"), self.network.add("cn-b-demo")
        text = b.run("card").stdout
        mailed = "Dear all,\r\n\r\n" + "".join("> %s\r\n" % line for line in text.splitlines())
        a.run("partner", "add", "-", "--yes", stdin=mailed + "\r\nBest regards\r\n")
        lines = text.splitlines()
        middle = lines[-4]
        swapped = middle[:10] + ("A" if middle[10] != "A" else "B") + middle[11:]
        damaged = self.network.write("damaged.card", text.replace(middle, swapped))
        done = a.run("partner", "add", damaged, "--yes", check=False)
        self.assertEqual(done.returncode, INVALID)
        self.assertIn("damaged.card", done.stderr)
        done = a.run("verify", damaged, check=False)
        self.assertEqual(done.returncode, INVALID)

    def test_wrong_cards_are_refused(self):
        a = self.network.add("th-a-demo")
        twin = self.network.add("th-a-demo", home="twin")
        self.refused(a, INVALID, "our own card", "partner", "add", a.card(), "--yes")
        done = self.refused(a, EXISTS, "is taken by this node itself", "partner", "add",
                            twin.card(), "--yes")
        self.assertEqual(len(set(re.findall(r"(?:\d{5} ){7}\d{5}", done.stderr))), 2)
        # Two institutions under one handle.
        first = self.network.add("cn-b-demo")
        second = self.network.add("cn-b-demo", home="second")
        a.run("partner", "add", "--yes", first.card())
        done = self.refused(a, EXISTS, "is taken by a partner", "partner", "add",
                            second.card(), "--yes")
        self.assertEqual(len(set(re.findall(r"(?:\d{5} ){7}\d{5}", done.stderr))), 2)
        stranger = self.network.add("lk-c-demo", net="another")
        self.refused(a, INVALID, 'is for the network "another"', "partner", "add",
                     stranger.card(), "--yes")
        self.refused(a, NOT_FOUND, "cannot open", "partner", "add", "/nonexistent", "--yes")
        self.refused(a, INVALID, "node.yaml", "partner", "add",
                     os.path.join(a.home, "node.yaml"), "--yes")

    def test_listeners(self):
        a = self.network.add("th-a-demo")
        pair = json.loads(a.run("listener", "keygen", "--json").stdout)
        self.assertEqual((len(pair["public"]), len(pair["secret"])), (40, 40))
        added = a.json("listener", "add", "calls", pair["public"])
        self.assertEqual(added["live"], a.live)
        self.assertEqual(len(added["server_key"]), 40)
        self.assertFalse(a.json("listener", "add", "calls", pair["public"])["changed"])
        self.assertEqual(a.json("listener", "list"), [{"name": "calls", "key": pair["public"]}])
        other = json.loads(a.run("listener", "keygen", "--json").stdout)["public"]
        self.refused(a, EXISTS, "another key", "listener", "add", "calls", other)
        self.refused(a, EXISTS, "as listener calls", "listener", "add", "again", pair["public"])
        self.refused(a, INVALID, "expected a name", "listener", "add", "../x", other)
        self.refused(a, INVALID, "hex digits", "listener", "add", "x", other[:-1])
        self.refused(a, INVALID, "hex digits", "listener", "add", "x", "'" * 40)
        a.run("listener", "add", "hex", "ab" * 32)
        a.run("listener", "remove", "calls")
        self.assertEqual([row["name"] for row in a.json("listener", "list")], ["hex"])
        self.refused(a, NOT_FOUND, "no listener", "listener", "remove", "calls")

    def test_the_client_says_what_to_do_when_no_node_runs(self):
        a = self.network.add("th-a-demo")
        done = a.run("export", "own", "x.feed", check=False)
        self.assertEqual(done.returncode, DOWN)
        self.assertIn("caravan --home %s run" % a.home, done.stderr)
        done = a.run("export", "own", "x.feed", "--json", check=False)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "node-down")
        done = subprocess.run([BIN, "card"], capture_output=True, text=True,
                              env={key: value for key, value in os.environ.items()
                                   if key != "CARAVAN_HOME"})
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--home", done.stderr)

    def test_doctor_finds_what_is_wrong(self):
        a = self.network.add("th-a-demo")
        found = {row["check"]: row["state"] for row in a.json("doctor")}
        self.assertEqual(found["ports"], "ok")
        self.assertEqual(found["node.yaml"], "ok")
        os.chmod(os.path.join(a.home, "keys/node.key"), 0o644)
        with open(os.path.join(a.home, "partners/cn-x.card"), "w") as file:
            file.write("nonsense")
        done = a.run("doctor", "--json", check=False)
        self.assertEqual(done.returncode, CONFIG)
        wrong = {row["check"]: row for row in json.loads(done.stdout) if row["state"] == "fail"}
        self.assertEqual(set(wrong), {"keys", "partners"})
        self.assertIn("node.key", wrong["keys"]["text"])
        self.assertIn("cn-x.card", wrong["partners"]["text"])

    def test_relaying_somebody_who_is_no_partner_is_said(self):
        a = self.network.add("th-a-demo", relay=["th-b-demo", "cn-nobody"])
        a.add_partner(self.network.add("th-b-demo"))
        said = [row for row in a.json("doctor") if row["check"] == "relay"]
        self.assertEqual([row["state"] for row in said], ["warn"])
        self.assertIn("cn-nobody", said[0]["text"])
        a.start()
        lines = [line for line in a.log().splitlines() if "config.relay" in line]
        self.assertEqual(len(lines), 1)
        self.assertIn("handle=cn-nobody", lines[0])

    def test_a_folder_that_is_no_home_is_said_so(self):
        empty = os.path.join(self.network.folder, "empty")
        os.mkdir(empty, 0o700)
        for command in (["listener", "list"], ["partner", "list"], ["card"], ["status"]):
            done = subprocess.run([BIN, "--home", empty, *command], capture_output=True, text=True)
            self.assertEqual(done.returncode, CONFIG, command)
            self.assertIn("is no home of a node", done.stderr)
        done = subprocess.run([BIN, "--home", empty, "doctor"], capture_output=True, text=True)
        self.assertEqual(done.returncode, CONFIG)
        self.assertIn("or make a new one: caravan init", done.stdout)
        self.assertEqual(os.listdir(empty), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
