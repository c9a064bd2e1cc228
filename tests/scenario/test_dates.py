"""What is open, what closes soon, what may we apply for: asked of real nodes through the client, and
followed while time goes on."""

import datetime
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import network as scenario
from network import Failure, wait

BANGKOK = datetime.timezone(datetime.timedelta(hours=7))


def after(**delta):
    """So far from now, as a deadline is written in Bangkok."""
    moment = datetime.datetime.now(BANGKOK) + datetime.timedelta(**delta)
    return moment.strftime("%Y-%m-%d %H:%M:%S Asia/Bangkok")


def call(title, deadline, rules="who: organisation, countries: [TH, LK], org types: institute"):
    return ("kind: joint call\nlanguage: en\nnature: sample\ntitle: %s\n"
            "parties: [{name: A scenario, country: CN}]\n%s%s"
            % (json.dumps(title), "deadline: %s\n" % deadline if deadline else "",
               "eligibility: {%s}\n" % rules if rules else ""))


class Dates:
    def __init__(self, network):
        self.network = network
        self.publisher, self.reader = network.add("cn-demo"), network.add("th-demo")
        path = os.path.join(self.reader.home, "node.yaml")
        with open(path) as file:
            text = file.read()
        said = re.sub(r"# (organisation type: institute)", r"\1", text)
        assert said != text, text
        with open(path, "w") as file:
            file.write(said)
        network.exchange_cards()
        network.start()
        self.names = {}

    def publish(self, title, *arguments):
        path = self.network.write("call.yaml", call(title, *arguments))
        self.names[title] = self.publisher.publish(path=path)

    def listed(self, *arguments):
        """Titles of what the reader's list says, in its order; and the items."""
        reply = self.reader.json("list", *arguments)
        return [item["announcement"]["title"][0]["text"] for item in reply["items"]], reply["items"]

    def expect(self, titles, *arguments):
        found, items = self.listed(*arguments)
        assert found == titles, (arguments, found, titles)
        return items

    # --- the tests ---

    def lists(self):
        self.publish("Far", "2099-06-30 16:00 Asia/Bangkok")
        self.publish("Near", after(days=9))
        self.publish("Companies", after(days=5), "who: organisation, countries: TH, org types: company")
        self.publish("Nearest", after(days=2), "who: consortium, countries: [TH, CN], min countries: 3")
        self.publish("Past", "2020-01-01 12:00 UTC")
        self.publish("Says nothing", None, None)
        self.network.wait_equal()
        self.expect(["Says nothing", "Nearest", "Companies", "Near", "Far"], "--open")
        items = self.expect(["Nearest", "Companies", "Near"], "--closing-within", "14d")
        assert all(int(a["closes_ms"]) < int(b["closes_ms"]) for a, b in zip(items, items[1:])), items
        self.expect(["Nearest"], "--closing-within", "2 weeks", "--limit", "1")
        self.expect(["Nearest"], "--closing-within", "72 hours")

    def institutions(self):
        def answers(*arguments):
            return [(item["announcement"]["title"][0]["text"], item["eligible"]["answer"],
                     item["eligible"]["why"]) for item in self.listed(*arguments)[1]]

        near = ("Near", "yes", "eligibility[1].countries: TH, LK; org types: institute")
        nearest = ("Nearest", "unknown", "eligibility[1].min countries: 3 of TH, CN; find partners")
        companies = ("Companies", "no", "eligibility[1].org types: company; not institute")
        closing = ("--closing-within", "14d")
        assert answers("--for-us", *closing) == [nearest, near], answers("--for-us", *closing)
        assert answers("--for-us", "--all", *closing) == [nearest, companies, near]
        self.expect(["Nearest", "Companies"], "--for", "Thailand,company", *closing)
        self.expect(["Near"], "--for", "LK,institute", *closing)
        shown = self.reader.json("show", self.names["Companies"])
        assert shown["item"]["eligible"] == {"answer": "no", "why": companies[2]}, shown["item"]

    def prints(self):
        table = self.reader.run("list", "--for-us", "--all", "--closing-within", "14d").stdout.splitlines()
        assert re.match(r"NAME +KIND +STATE +DEADLINE +COUNTRIES +APPLY  TITLE$", table[0]), table
        assert re.search(r" \?      \[sample\] Nearest$", table[1]), table
        assert table[2] == "    ?: eligibility[1].min countries: 3 of TH, CN; find partners", table
        assert re.search(r" no     \[sample\] Companies$", table[3]), table
        assert table[4] == "    no: eligibility[1].org types: company; not institute", table
        assert re.search(r" yes    \[sample\] Near$", table[5]), table
        assert len(table) == 6, table
        shown = self.reader.run("show", self.names["Near"]).stdout
        assert "For us       yes: eligibility[1].countries: TH, LK; org types: institute\n" in shown, shown

    def revisions(self):
        """The newest revision counts, and what is withdrawn is not open."""
        path = self.network.write("revised.yaml", call("Nearest", after(days=30)))
        self.publisher.run("revise", self.names["Nearest"], path)
        self.publisher.run("withdraw", self.names["Near"], "--reason", "no money")
        self.network.wait_equal()
        self.expect(["Companies"], "--closing-within", "14d")
        self.expect(["Nearest"], "--for-us", "--closing-within", "5 weeks")
        self.expect(["Says nothing", "Nearest", "Far"], "--open", "--for-us")

    def follows(self):
        """Something is printed when it comes and is near, when it comes near by itself, and when it
        changes after that; what a rule excludes never is."""
        path = os.path.join(self.network.folder, "follow")
        with open(path, "w") as out:
            process = subprocess.Popen(
                [scenario.BIN, "--home", self.reader.home, "follow", "--json", "--for-us",
                 "--closing-within", "2h"], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT)

        def events():
            if process.poll() is not None:
                raise Failure("follow has ended: %s" % open(path).read())
            with open(path) as file:
                return [(line["event"], line["announcement"]["title"][0]["text"])
                        for line in map(json.loads, file) if "announcement" in line]

        def published(title, deadline, *rules):
            self.publish(title, deadline, *rules)
            return wait(lambda: ("published", title) in events(), "%s is followed" % title)

        try:
            # Until follow has asked for the first time, what comes is not its business.
            number = 0
            while True:
                number += 1
                self.publish("Start %d" % number, after(minutes=30))
                try:
                    wait(lambda: events(), "follow begins", seconds=2)
                    break
                except Failure:
                    if number == 20:
                        raise
            self.publish("For others", after(minutes=10), "who: organisation, countries: ZA")
            self.publish("Not near", after(days=3))
            self.publish("Comes near", after(hours=2, seconds=4))
            published("Near at once", after(minutes=20))
            wait(lambda: ("closing", "Comes near") in events(), "time brings it near")
            self.publisher.run("withdraw", self.names["Comes near"], "--reason", "over")
            wait(lambda: ("withdrawn", "Comes near") in events(), "its withdrawal is told")
            seen = [event for event in events() if not event[1].startswith("Start")]
            assert seen == [("published", "Near at once"), ("closing", "Comes near"),
                            ("withdrawn", "Comes near")], seen
        finally:
            process.terminate()
            process.wait()

    def errors(self):
        for arguments, said in (
                (["--closing-within", "soon"], '--closing-within: found "soon"'),
                (["--for", "Thailnd"], "did you mean Thailand?"),
                (["--for", "TH,compny"], "did you mean company?"),
                (["--for", "TH", "--for-us"], "found both, expected one")):
            for command in "list", "follow":
                done = self.reader.run(command, *arguments, check=False)
                assert done.returncode == 64 and said in done.stderr, (command, arguments, done.stderr)


def main():
    with scenario.Network() as network:
        dates = Dates(network)
        for test in dates.lists, dates.institutions, dates.prints, dates.revisions, dates.follows, dates.errors:
            print("--- %s" % test.__name__)
            test()
    print("1 passed, 0 failed")


main()
