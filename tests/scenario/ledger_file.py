"""What a node that does not run has in its ledger, without going through the node: SQLite opens a copy of the file
and of the log beside it, so that looking changes nothing."""

import base64
import os
import shutil
import sqlite3
import tempfile

from network import Failure

ANNOUNCEMENT = 4  # ContentType


class LedgerFile:
    """A context manager; Failure when the ledger is damaged, has a gap, or shows a fork."""

    def __init__(self, node):
        self.handle, self.home = node.handle, node.home

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="caravan-ledger-", dir="/tmp")
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
        if not self.ask("SELECT 1 FROM sqlite_schema WHERE name = 'entry'"):
            return  # killed before it was made
        self.must("SELECT hex(feed), seq FROM conflict", [], "forked")
        self.must("SELECT hex(id) FROM feed WHERE frozen", [], "frozen")
        self.must("SELECT hex(id), feed.seq, count(entry.seq), max(entry.seq) FROM feed"
                  " LEFT JOIN entry ON entry.feed = feed.number GROUP BY number"
                  " HAVING count(entry.seq) != feed.seq"
                  " OR coalesce(max(entry.seq), 0) != feed.seq"
                  " OR coalesce(min(entry.seq), 1) != 1", [], "entries and head do not agree")
        self.must("SELECT 1 FROM ledger WHERE last_arrival <"
                  " (SELECT max(arrival) FROM entry)", [], "arrivals run ahead of their count")

    def head(self, feed):
        """(seq, hash) of the last entry kept; (0, b"") when there is none."""
        found = self.ask("SELECT seq, hash FROM feed WHERE id = ?", feed)
        return found[0] if found else (0, b"")

    def announcements(self, feed):
        """{seq: content} of a feed's announcements."""
        return dict(self.ask("SELECT entry.seq, content FROM entry JOIN feed ON number = feed"
                             " WHERE id = ? AND content_type = ?", feed, ANNOUNCEMENT))


def feed_of(node):
    """The 32 bytes of a running node's feed id."""
    return base64.b64decode(node.status()["feed"])
