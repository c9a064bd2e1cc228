"""Where the sides of a joint announcement stand. A second implementation, written from
proto/PROTOCOL.md ("Joint announcements") and the .proto files alone."""
import re

import needs
from verify_feed import Refused, raw_fields

ANNOUNCEMENT, REVISION, WITHDRAWAL, CONFIRMATION, PROPOSAL, OUTCOME = 4, 5, 6, 7, 8, 9
SCHEMA_VERSION = 1


# --- messages, read as the .proto files say ---------------------------------------------------------

def read_schemas(*names):
    """{message: {field number: (name, type, repeated)}}"""
    schemas = {}
    for name in names:
        with open(needs.source("proto", name), encoding="utf-8") as file:
            text = re.sub(r"//.*", "", file.read())
        for message, body in re.findall(r"^message (\w+) \{(.*?)^\}", text, re.M | re.S):
            fields = re.findall(r"(optional|repeated)?\s*([\w.]+) (\w+) = (\d+)[^;]*;", body)
            schemas[message] = {int(number): (field, kind, word == "repeated")
                                for word, kind, field, number in fields}
    return schemas


SCHEMAS = read_schemas("feed.proto", "announcement.proto", "answer.proto")


def read(message, data):
    """The fields by name; what is absent is None or []."""
    schema = SCHEMAS[message]
    out = {name: [] if repeated else None for name, _, repeated in schema.values()}
    for number, wire, value in raw_fields(data):
        if number not in schema:
            continue
        name, kind, repeated = schema[number]
        if (wire == 2) != (kind in SCHEMAS or kind in ("string", "bytes")):
            raise Refused("malformed", f"{name}: wire type {wire}")
        if repeated:
            out[name].append(value)
        elif out[name] is not None:
            raise Refused("malformed", f"{name} stands twice")
        else:
            out[name] = value
    return out


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def in_order(message, data):
    """The bytes with fields in ascending order of their numbers, at every depth, unknown ones
    last."""
    schema, known, unknown = SCHEMAS[message], [], b""
    for number, wire, value in raw_fields(data):
        head = varint(number << 3 | wire)
        if wire == 2:
            kind = schema[number][1] if number in schema else None
            value = in_order(kind, value) if kind in SCHEMAS else value
            whole = head + varint(len(value)) + value
        else:
            whole = head + (varint(value) if wire == 0 else value)
        if number in schema:
            known.append((number, whole))
        else:
            unknown += whole
    return b"".join(whole for _, whole in sorted(known, key=lambda one: one[0])) + unknown


def by_field(party):
    """{number: the bytes of all its values, None: of all unknown fields}"""
    found = {}
    for number, wire, value in raw_fields(in_order("Party", party)):
        number = number if number in SCHEMAS["Party"] else None
        found.setdefault(number, []).append((wire, value) if number else (number, wire, value))
    return found


# --- a reader ----------------------------------------------------------------------------------------

class Reader:
    """Takes entries (as verify_feed.read_entry gives them) in any order between feeds."""

    def __init__(self):
        self.entries = {}  # (feed, seq): entry

    def add(self, entry):
        self.entries[entry["feed"], entry["seq"]] = entry

    def of(self, feed, kind):
        """A feed's entries of a type, newest first."""
        found = [entry for (one, _), entry in self.entries.items()
                 if one == feed and entry["content_type"] == kind]
        return sorted(found, key=lambda entry: -entry["seq"])

    def texts(self, feed, seq):
        """Publication and revisions of an announcement, the one in force last: (entry, Announcement
        bytes)."""
        first = self.entries[feed, seq]
        found = [(first, first["content"])]
        for entry in reversed(self.of(feed, REVISION)):
            revision = read("Revision", entry["content"])
            if revision["announcement"] == seq:
                found.append((entry, revision["content"]))
        return found

    def newest(self, who, kind, feed, seq):
        """The entry of an institution that counts, and its message; (None, None)."""
        message = {CONFIRMATION: "Confirmation", PROPOSAL: "Proposal", OUTCOME: "Outcome"}[kind]
        for entry in self.of(who, kind):
            if entry["content"] is None or (entry["min_reader"] or 0) > SCHEMA_VERSION:
                continue
            try:
                said = read(message, entry["content"])
                name = read("AnnouncementName", said["announcement"] or b"")
            except Refused:
                continue
            if name["feed"] == feed and name["seq"] == seq:
                return entry, said
        return None, None

    def is_withdrawn(self, feed, seq):
        return any(read("Withdrawal", entry["content"])["announcement"] == seq
                   for entry in self.of(feed, WITHDRAWAL))

    def confirmation(self, who, feed, seq):
        entry, said = self.newest(who, CONFIRMATION, feed, seq)
        if not entry:
            return "proposed"
        texts = self.texts(feed, seq)
        meant = [text["seq"] for text, _ in texts if text["hash"] == said["entry_hash"]]
        if said["declined"]:
            state = "declined"
        elif meant and meant[0] == texts[-1][0]["seq"]:
            state = "confirmed"
        elif meant:
            state = "confirmed an earlier revision"
        else:
            state = "confirmed a revision that is not here"
        return state + (f" {meant[0]}" if meant else "") + f" by {entry['seq']}"

    def proposal(self, who, party, feed, seq):
        entry, said = self.newest(who, PROPOSAL, feed, seq)
        if (not entry or said["party"] is None or read("Party", said["party"])["node_id"] != who
                or self.is_withdrawn(who, entry["seq"])
                or in_order("Party", said["party"]) == in_order("Party", party)
                or self.is_taken_over(who, said, party, feed, seq)):
            return ""
        return f", proposal {entry['seq']}" + self.refusal(entry, feed)

    def is_taken_over(self, who, said, party, feed, seq):
        """Does the party in force say all that the proposal changes of the revision it was made for?"""
        for entry, text in self.texts(feed, seq):
            if entry["hash"] != said["entry_hash"] or text is None:
                continue
            bases = [base for base in read("Announcement", text)["parties"]
                     if read("Party", base)["node_id"] == who]
            base, then, now = (by_field(one) for one in (bases[:1] or [b""]) + [said["party"], party])
            changed = {number for number in base.keys() | then.keys()
                       if base.get(number) != then.get(number)}
            return bool(bases and changed and all(then.get(number) == now.get(number)
                                                  for number in changed))
        return False

    def refusal(self, proposal, publisher):
        entry, said = self.newest(publisher, CONFIRMATION, proposal["feed"], proposal["seq"])
        if not entry or not said["declined"] or said["entry_hash"] != proposal["hash"]:
            return ""
        return f" refused by {entry['seq']}"

    def sides(self, feed, seq):
        """[(feed of the side, its party)], of the text in force; none: it is not joint."""
        parties = read("Announcement", self.texts(feed, seq)[-1][1])["parties"]
        named = [(read("Party", party)["node_id"], party) for party in parties]
        sides = [(who, party) for who, party in named if who is not None]
        return sides if any(who != feed for who, _ in sides) else []

    def shows(self, feed, seq):
        return "; ".join("publisher" if who == feed else self.confirmation(who, feed, seq)
                         + self.proposal(who, party, feed, seq)
                         for who, party in self.sides(feed, seq))

    def outcomes(self, feed, seq):
        """{institution: number of the entry}"""
        speakers = {who for who, _ in self.sides(feed, seq)} | {feed}
        found = {who: self.newest(who, OUTCOME, feed, seq)[0] for who in speakers}
        return {who: entry["seq"] for who, entry in found.items() if entry}
