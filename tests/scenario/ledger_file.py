"""What a node that does not run has in its ledger, without going through the node: SQLite opens a copy of the file
and of the log beside it, so that looking changes nothing."""

import base64
import os
import shutil
import sqlite3
import tempfile

from network import Failure

ANNOUNCEMENT = 4  # ContentType
HASH, SALT, SIGNATURE = 32, 16, 64
HAS_CONTENT, HAS_SIGNATURE, HAS_ENTRY, HAS_CERTIFICATE, HAS_READER, IS_ERASED = 1, 2, 4, 8, 16, 32


class Records:
    """The records of one segment, read by node/ledger/segment.h's description. Each is a dictionary of
    what it has; `at` says where in the blob each of its parts stands."""

    def __init__(self, blob):
        self.blob, self.at = blob, HASH
        self.previous = blob[:HASH]

    def number(self):
        value = shift = 0
        while True:
            byte = self.blob[self.at]
            self.at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def part(self, record, name, size):
        record["at"][name] = self.at
        record[name] = self.blob[self.at:self.at + size]
        if len(record[name]) != size:
            raise Failure("a segment ends in the middle of a record")
        self.at += size

    def __iter__(self):
        while self.at < len(self.blob):
            record = {"at": {"flags": self.at}}
            flags = self.blob[self.at]
            self.at += 1
            record["content_type"], size = self.number(), self.number()
            self.number()  # received
            record["at"]["created"] = self.at
            self.number()
            for flag in HAS_CERTIFICATE, HAS_READER:
                if flags & flag:
                    self.number()
            record["erased"] = self.number() if flags & IS_ERASED else 0
            self.part(record, "hash", HASH)
            self.part(record, "content_hash", HASH)
            if flags & HAS_ENTRY:
                self.part(record, "entry", self.number())
            if flags & HAS_CONTENT:
                self.part(record, "salt", SALT)
                self.part(record, "content", size)
            if flags & HAS_SIGNATURE:
                self.part(record, "signature", SIGNATURE)
            yield record


class LedgerFile:
    """A context manager; Failure when the ledger is damaged, has a gap, or shows a fork."""

    def __init__(self, node):
        self.handle, self.home = node.handle, node.home

    def __enter__(self):
        # Beside the home, so that it goes with the network whatever happens.
        self.folder = tempfile.mkdtemp(prefix="ledger-", dir=os.path.dirname(self.home))
        for name in ("ledger.db", "ledger.db-wal"):
            path = os.path.join(self.home, name)
            if os.path.exists(path):
                shutil.copy(path, self.folder)
        self.database = sqlite3.connect(os.path.join(self.folder, "ledger.db"))
        try:
            self.check()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.database.close()
        shutil.rmtree(self.folder)

    def ask(self, sql, *values):
        return self.database.execute(sql, values).fetchall()

    def must(self, sql, expected, what):
        found = self.ask(sql)
        if found != expected:
            raise Failure("the ledger of %s: %s: %r" % (self.handle, what, found[:5]))

    def check(self):
        """Nothing corrupt, nothing forked, no entry missing or twice, heads where the entries end."""
        self.must("PRAGMA integrity_check", [("ok",)], "corrupt")
        if not self.ask("SELECT 1 FROM sqlite_schema WHERE name = 'segment'"):
            return  # killed before it was made
        self.must("SELECT hex(feed), seq FROM conflict", [], "forked")
        self.must("SELECT hex(id) FROM feed WHERE frozen", [], "frozen")
        for feed, head, last in self.ask("SELECT id, seq, hash FROM feed"):
            seqs, hashes = [], [b"\0" * HASH]
            for seq, record, previous in self.records(feed):
                seqs.append(seq)
                if previous != hashes[-1]:
                    raise Failure("the ledger of %s: a segment does not follow the one before" % self.handle)
                hashes.append(record["hash"])
            if seqs != list(range(1, head + 1)) or (head and hashes[-1] != last):
                raise Failure("the ledger of %s: entries and head do not agree" % self.handle)
        self.must("SELECT 1 FROM ledger WHERE last_arrival <"
                  " (SELECT max(arrival + count - 1) FROM segment)", [], "arrivals run ahead of their count")

    def records(self, feed):
        """(seq, record, hash of the entry before) of each entry of a feed, in order."""
        for first, count, blob in self.ask("SELECT segment.seq, count, records FROM segment JOIN feed ON"
                                           " number = feed WHERE id = ? ORDER BY segment.seq", feed):
            records = Records(blob)
            previous = records.previous
            found = list(records)
            if len(found) != count:
                raise Failure("the ledger of %s: a segment of %d entries has %d" % (
                    self.handle, count, len(found)))
            for offset, record in enumerate(found):
                yield first + offset, record, previous
                previous = record["hash"]

    def head(self, feed):
        """(seq, hash) of the last entry kept; (0, b"") when there is none."""
        found = self.ask("SELECT seq, hash FROM feed WHERE id = ?", feed)
        return found[0] if found else (0, b"")

    def announcements(self, feed):
        """{seq: content} of a feed's announcements."""
        return {seq: record.get("content") for seq, record, _ in self.records(feed)
                if record["content_type"] == ANNOUNCEMENT}


def feed_of(node):
    """The 32 bytes of a running node's feed id."""
    return base64.b64decode(node.status()["feed"])
