#!/usr/bin/python3
"""A feed that the C code exported, verified by the second implementation; then changed in hundreds
of ways, each of which both must refuse."""
import os
import random
import subprocess
import sys
import tempfile
import unittest

import needs

needs.modules("nacl")
import verify_feed as protocol  # noqa: E402

WRITER = needs.built("tests", "unit_feedfile")


def by_python(data):
    try:
        protocol.verify(data)
        return "ok"
    except protocol.Refused as error:
        return error.code


def by_c(files):
    """One verdict a file."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, data in enumerate(files):
            paths.append(os.path.join(folder, str(number)))
            with open(paths[-1], "wb") as file:
                file.write(data)
        done = subprocess.run([WRITER, "--judge", *paths], check=True, capture_output=True,
                              text=True)
    return done.stdout.split()


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "feed")
            subprocess.run([WRITER, "--write", path], check=True)
            with open(path, "rb") as file:
                cls.data = file.read()
        cls.records = list(protocol.records(cls.data))

    @staticmethod
    def file_of(records):
        return protocol.MAGIC + b"".join(len(one).to_bytes(4, "big") + one for one in records)

    def refused_by_both(self, files):
        for number, (data, in_c) in enumerate(zip(files, by_c(files), strict=True)):
            in_python = by_python(data)
            self.assertNotEqual(in_python, "ok", f"change {number} was not noticed by Python")
            self.assertNotEqual(in_c, "ok", f"change {number} was not noticed by C")

    def test_it_verifies(self):
        feed = protocol.verify(self.data)
        self.assertEqual((feed.seq, feed.certificate, feed.missing), (620, 3, 1))
        self.assertEqual([seq for seq, kind, _ in feed.contents if kind == 1], [1, 300, 500])
        self.assertIn("เปิดรับสมัคร".encode(), [content for _, _, content in feed.contents])
        self.assertEqual(by_c([self.data]), ["ok"])
        self.assertEqual(self.file_of(self.records), self.data)

    def test_of_another_network_it_does_not(self):
        with self.assertRaises(protocol.Refused) as caught:
            protocol.verify(self.data, "silkroad-else")
        self.assertEqual(caught.exception.code, "wrong-network")

    def test_every_changed_bit_is_noticed(self):
        choose = random.Random(20190521)
        places = [choose.randrange(len(self.data)) for _ in range(250)]
        places += range(len(protocol.MAGIC) + 4 + 120)
        files = []
        for place in places:
            changed = bytearray(self.data)
            changed[place] ^= 1 << choose.randrange(8)
            files.append(bytes(changed))
        self.refused_by_both(files)

    def test_a_cut_inside_a_record_is_noticed(self):
        ends, at = {len(protocol.MAGIC)}, len(protocol.MAGIC)
        for one in self.records:
            at += 4 + len(one)
            ends.add(at)
        choose = random.Random(7)
        cuts = {choose.randrange(len(self.data)) for _ in range(60)} - ends
        self.refused_by_both([self.data[:cut] for cut in cuts])

    def test_lost_and_moved_records_are_noticed(self):
        files = []
        for number in range(len(self.records) - 1):
            files.append(self.file_of(self.records[:number] + self.records[number + 1:]))
            swapped = list(self.records)
            swapped[number], swapped[number + 1] = swapped[number + 1], swapped[number]
            files.append(self.file_of(swapped))
        files.append(self.file_of(self.records + self.records[-1:]))
        self.refused_by_both(files)

    def test_a_certificate_of_somebody_else_is_noticed(self):
        other = bytes.fromhex(needs.vectors()["feedfile"])
        first = next(protocol.records(other))
        self.refused_by_both([self.file_of([first] + self.records[1:])])

    def test_the_verdicts_are_the_same(self):
        """Not only that it is refused, but why, where both see the same thing first."""
        files = [self.data[:-1], self.file_of(self.records[:2] + self.records[3:]),
                 self.file_of(self.records[:1]), self.file_of([]), b"", self.data + b"\0\0\0\0",
                 self.data + b"\0\x10\0\x01"]
        changed = bytearray(self.data)
        changed[-1] ^= 1  # a content
        files.append(bytes(changed))
        expected = ["malformed", "gap", "malformed", "malformed", "malformed", "malformed",
                    "too-large", "malformed"]
        self.assertEqual([by_python(data) for data in files], expected)
        self.assertEqual(by_c(files), expected)

    def test_the_program_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "feed")
            for data, code, said in ((self.data, 0, "entries 620"), (self.data[:-9], 1, "cut off")):
                with open(path, "wb") as file:
                    file.write(data)
                done = subprocess.run(
                    [sys.executable, needs.source("tests", "interop", "verify_feed.py"), path],
                    capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(said, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
