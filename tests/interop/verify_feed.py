#!/usr/bin/python3
"""Verifies an exported feed. A second implementation, written from proto/PROTOCOL.md alone.

usage: verify_feed.py FILE [NETWORK]

Prints what the file holds and exits 0; or prints what is wrong and exits 1. Needs python3-nacl.
"""
import base64
import hashlib
import re
import sys

from nacl.exceptions import BadSignatureError, ValueError as NaclValueError
from nacl.signing import VerifyKey

CERTIFICATE, PROFILE, WITHDRAWAL, CONFIRMATION, VOUCH, ERASURE = 1, 2, 6, 7, 10, 11
PERMANENT = {CERTIFICATE, PROFILE, WITHDRAWAL, CONFIRMATION, VOUCH, ERASURE}
MAGIC = b"caravan-feed 1\n"
ANCHOR_INTERVAL = 256


class Refused(Exception):
    """code is one of PROTOCOL.md §7."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code = code


def need(condition, code, text):
    if not condition:
        raise Refused(code, text)


# --- §2 Bytes ------------------------------------------------------------------------------------

def read_varint(data, at):
    value = shift = 0
    for count in range(10):
        need(at < len(data), "malformed", f"byte {at}: a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            need(value < 1 << 64, "malformed", f"byte {at}: a number over 64 bits")
            return value, at
    raise Refused("malformed", f"byte {at}: a number over ten bytes")


def read_length(data, at):
    length, at = read_varint(data, at)
    need(length <= len(data) - at, "malformed", f"byte {at}: {length} bytes reach over the end")
    return data[at:at + length], at + length


def raw_fields(data):
    """Yields (field number, wire type, value)."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        number, wire = key >> 3, key & 7
        need(1 <= number <= 536870911, "malformed", f"field number {number}")
        if wire == 0:
            value, at = read_varint(data, at)
        elif wire == 2:
            value, at = read_length(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            need(len(data) - at >= size, "malformed", f"byte {at}: fixed bits are cut off")
            value, at = data[at:at + size], at + size
        else:
            raise Refused("malformed", f"wire type {wire}")
        yield number, wire, value


def read_signed_bytes(data, schema):
    """schema: {number: (name, size)}; size of bytes (None: any), or 'u32', 'u64', 'many'."""
    out = {name: [] if rule == "many" else None for name, rule in schema.values()}
    for number, wire, value in raw_fields(data):
        if number not in schema:
            continue
        name, rule = schema[number]
        need(wire == (0 if rule in ("u32", "u64") else 2), "malformed", f"{name}: wire type {wire}")
        if rule == "many":
            out[name].append(value)
            continue
        need(out[name] is None, "malformed", f"{name} stands twice")
        need(rule != "u32" or value < 1 << 32, "malformed", f"{name} is over 32 bits")
        need(not isinstance(rule, int) or len(value) == rule, "malformed",
             f"{name} has {len(value) if wire == 2 else 0} bytes, expected {rule}")
        out[name] = value
    return out


def require(fields, *names):
    for name in names:
        need(fields[name] is not None, "malformed", f"{name} is absent")


def digest(purpose, data):
    return hashlib.blake2b(b"caravan 1 " + purpose.encode() + b"\0" + data,
                           digest_size=32).digest()


def check_signature(key, purpose, network, data, signature, who):
    message = (b"caravan 1 sign " + purpose.encode() + b"\0" + network.encode() + b"\0"
               + digest(purpose, data))
    try:
        VerifyKey(key).verify(message, signature)
    except (BadSignatureError, NaclValueError):
        raise Refused("bad-signature", who) from None


def is_network_name(text):
    return re.fullmatch(rb"[a-z0-9.-]{1,64}", text) is not None


# --- §3 Identity ---------------------------------------------------------------------------------

SIGNED_CERTIFICATE = {1: ("certificate", None), 2: ("signature", 64), 3: ("signer", "u32"),
                      4: ("recovery_key", 32)}
CERTIFICATE_FIELDS = {1: ("network", None), 2: ("feed", 32), 3: ("number", "u64"),
                      4: ("previous", 32), 5: ("node_key", 32), 6: ("transport_key", 32),
                      7: ("sealing_key", 32), 8: ("recovery_hash", 32), 9: ("new_root_key", 32),
                      10: ("created_ms", "u64")}
ROOT, RECOVERY = 1, 2


class Chain:
    """The certificates of one feed, each checked against the one before."""

    def __init__(self, feed, network):
        self.feed, self.network = feed, network
        self.certificates = []
        self.root_key, self.recovery_hash = feed, None

    def append(self, data):
        outer = read_signed_bytes(data, SIGNED_CERTIFICATE)
        require(outer, "certificate", "signature", "signer")
        need(len(outer["certificate"]) <= 1024, "too-large", "certificate")
        inner = read_signed_bytes(outer["certificate"], CERTIFICATE_FIELDS)
        require(inner, "network", "feed", "number", "node_key", "transport_key", "sealing_key")
        number, by_recovery = len(self.certificates) + 1, outer["signer"] == RECOVERY
        need(outer["signer"] in (ROOT, RECOVERY), "malformed", "signer")
        need(inner["network"] == self.network.encode(), "wrong-network", "certificate")
        need(inner["feed"] == self.feed, "malformed", "certificate of another feed")
        need(inner["number"] == number, "gap" if inner["number"] > number else "malformed",
             f"certificate {inner['number']}, expected {number}")
        before = self.certificates[-1]["hash"] if self.certificates else None
        need(inner["previous"] == before, "broken-chain", f"certificate {number}: previous")
        self._check_keys(inner, outer, number, by_recovery)
        key = outer["recovery_key"] if by_recovery else self.root_key
        need(not by_recovery or digest("recovery", key) == self.recovery_hash, "bad-signature",
             f"certificate {number}: another recovery key")
        check_signature(key, "certificate", self.network, outer["certificate"],
                        outer["signature"], f"certificate {number}")
        inner["hash"] = digest("certificate", outer["certificate"])
        self.certificates.append(inner)
        self.root_key = inner["new_root_key"] or self.root_key
        self.recovery_hash = inner["recovery_hash"] or self.recovery_hash

    @staticmethod
    def _check_keys(inner, outer, number, by_recovery):
        need((outer["recovery_key"] is not None) == by_recovery, "malformed", "recovery_key")
        need(not (by_recovery and number == 1), "malformed", "certificate 1 by a recovery key")
        need((inner["recovery_hash"] is not None) == (by_recovery or number == 1), "malformed",
             "recovery_hash")
        need((inner["new_root_key"] is not None) == by_recovery, "malformed", "new_root_key")
        for name in ("node_key", "transport_key", "sealing_key", "recovery_hash", "new_root_key"):
            need(inner[name] != bytes(32), "malformed", f"{name} is all zero")


def fingerprint(feed):
    return " ".join(f"{int.from_bytes(feed[i:i + 4], 'big') % 100000:05d}"
                    for i in range(0, 32, 4))


def topic(prefix, feed):
    return f"{prefix}/{base64.b32encode(feed[:16]).decode().lower().rstrip('=')}/"


# --- §4 The feed ---------------------------------------------------------------------------------

SIGNED_ENTRY = {1: ("entry", None), 2: ("signature", None), 3: ("salt", None),
                4: ("content", None)}
ENTRY = {1: ("network", None), 2: ("feed", 32), 3: ("seq", "u64"), 4: ("previous", 32),
         5: ("created_ms", "u64"), 6: ("content_type", "u32"), 7: ("content_hash", 32),
         8: ("content_size", "u32"), 9: ("min_reader", "u32")}


def read_entry(data, network):
    """What can be judged about one SignedEntry by itself."""
    need(len(data) <= 66816, "too-large", "SignedEntry")
    outer = read_signed_bytes(data, SIGNED_ENTRY)
    require(outer, "entry")
    need(len(outer["entry"]) <= 1024, "too-large", "Entry")
    entry = read_signed_bytes(outer["entry"], ENTRY)
    require(entry, "network", "feed", "seq", "content_hash")
    need(entry["network"] == network.encode(), "wrong-network", f"{entry['network']!r}")
    seq = entry["seq"]
    need(1 <= seq < 1 << 63, "malformed", f"seq {seq}")
    need((entry["previous"] is not None) == (seq > 1), "malformed", f"entry {seq}: previous")
    need((entry["content_size"] or 0) <= 65536, "too-large", f"entry {seq}: content_size")
    need(len(outer["signature"] or b"") in (0, 64), "malformed", f"entry {seq}: signature")
    entry["bytes"], entry["signature"] = outer["entry"], outer["signature"]
    entry["hash"] = digest("entry", outer["entry"])
    entry["salt"], entry["content"] = outer["salt"] or None, outer["content"]
    if not entry["salt"]:
        need(entry["content"] is None, "malformed", f"entry {seq}: content without salt")
    else:
        entry["content"] = entry["content"] or b""
        need(len(entry["salt"]) == 16, "malformed", f"entry {seq}: salt")
        need(len(entry["content"]) == (entry["content_size"] or 0), "malformed",
             f"entry {seq}: size of the content")
        need(digest("content", entry["salt"] + entry["content"]) == entry["content_hash"],
             "malformed", f"entry {seq}: content was changed")
    return entry


def read_erasure(content):
    """The seqs that an Erasure names, packed or not; one that breaks a rule names nothing."""
    seqs = []
    try:
        for number, wire, value in raw_fields(content):
            if number == 1 and wire == 0:
                seqs.append(value)
            elif number == 1 and wire == 2:
                at = 0
                while at < len(value):
                    one, at = read_varint(value, at)
                    seqs.append(one)
            elif number == 1:
                return []
    except Refused:
        return []
    return seqs


class Feed:
    """Verified entries of one feed, so far."""

    def __init__(self, chain):
        self.chain, self.certificate = chain, 0
        self.seq, self.hash, self.missing = 0, None, 0
        self.contents = []  # (seq, content type, content), of seq 1, 2, … or where it was begun
        self.erased = {}  # seq: seq of the entry that ordered it

    def append_run(self, data):
        run = read_signed_bytes(data, {1: ("request", "u64"), 2: ("feed", 32),
                                       3: ("entries", "many"), 4: ("proof_from", "u64")})
        require(run, "feed")
        need(1 <= len(run["entries"]) <= 4096, "malformed", f"{len(run['entries'])} entries")
        entries = [read_entry(one, self.chain.network) for one in run["entries"]]
        kept = self._count_kept(entries, run["proof_from"] or 0)
        self._check_places(entries, run["feed"])
        self._check_parts(entries, kept)
        certificate = self._check_signatures(entries)
        if entries[kept - 1]["content_type"] == CERTIFICATE:
            self.certificate = certificate
        for entry in entries[:kept]:
            self.missing += not entry["salt"]
            self.contents.append((entry["seq"], entry["content_type"], entry["content"]))
            if entry["content_type"] == ERASURE and (entry["min_reader"] or 1) <= 1:
                self._erase(entry["seq"], read_erasure(entry["content"]))
        self.seq, self.hash = entries[kept - 1]["seq"], entries[kept - 1]["hash"]

    def _erase(self, by, seqs):
        first = self.contents[0][0]
        for seq in seqs:
            if not first <= seq < by or seq in self.erased:
                continue
            _, kind, content = self.contents[seq - first]
            if kind not in PERMANENT:
                self.missing -= content is None
                self.erased[seq] = by
                self.contents[seq - first] = (seq, kind, None)

    @staticmethod
    def _count_kept(entries, proof_from):
        first = entries[0]["seq"]
        need(proof_from == 0 or first < proof_from < first + len(entries), "malformed",
             f"proof_from {proof_from}")
        return proof_from - first if proof_from else len(entries)

    def _check_places(self, entries, feed):
        need(feed == self.chain.feed, "malformed", "run of another feed")
        seq, before = self.seq, self.hash
        for entry in entries:
            need(entry["feed"] == feed, "malformed", f"entry {entry['seq']} of another feed")
            need(entry["seq"] == seq + 1, "gap" if entry is entries[0] and entry["seq"] > seq
                 else "malformed", f"entry {entry['seq']} behind {seq}")
            need(entry["previous"] == before, "broken-chain", f"entry {entry['seq']}: previous")
            seq, before = entry["seq"], entry["hash"]

    @staticmethod
    def _check_parts(entries, kept):
        for index, entry in enumerate(entries):
            seq, kind = entry["seq"], entry["content_type"] or 0
            last = index == len(entries) - 1
            need(last or kind != CERTIFICATE, "malformed", f"entry {seq}: certificate inside a run")
            need(entry["signature"] or not (last or seq % ANCHOR_INTERVAL == 0), "malformed",
                 f"entry {seq}: no signature")
            need(entry["salt"] or kind not in PERMANENT
                 or (index >= kept and kind != CERTIFICATE), "malformed",
                 f"entry {seq}: no content of type {kind}")

    def _check_signatures(self, entries):
        """Returns the number of the certificate in force behind the last entry."""
        need(self.certificate or entries[0]["content_type"] == CERTIFICATE, "malformed",
             "entry 1 is no certificate")
        number = self.certificate
        for index, entry in enumerate(entries):
            is_certificate = entry["content_type"] == CERTIFICATE
            if index < len(entries) - 1 and entry["seq"] % ANCHOR_INTERVAL:
                continue
            if is_certificate:
                number += 1
                self._check_certificate(entry, number)
            key = self.chain.certificates[number - 1]["node_key"]
            check_signature(key, "entry", self.chain.network, entry["bytes"], entry["signature"],
                            f"entry {entry['seq']}")
        return number

    def _check_certificate(self, entry, number):
        need(number <= len(self.chain.certificates), "gap", f"certificate {number} is not known")
        again = Chain(self.chain.feed, self.chain.network)
        again.certificates = self.chain.certificates[:number - 1]
        for one in again.certificates:
            again.root_key = one["new_root_key"] or again.root_key
            again.recovery_hash = one["recovery_hash"] or again.recovery_hash
        again.append(entry["content"])
        need(again.certificates[-1]["hash"] == self.chain.certificates[number - 1]["hash"], "fork",
             f"another certificate {number}")


# --- §6 Exported feed ----------------------------------------------------------------------------

def records(data):
    at = len(MAGIC)
    while at < len(data):
        need(len(data) - at >= 4, "malformed", f"byte {at}: the length of a record is cut off")
        size = int.from_bytes(data[at:at + 4], "big")
        need(size > 0, "malformed", f"byte {at}: an empty record")
        need(size <= 1 << 20, "too-large", f"byte {at}: a record of {size} bytes")
        need(size <= len(data) - at - 4, "malformed", f"byte {at}: the file was cut off")
        yield data[at + 4:at + 4 + size]
        at += 4 + size


def read_chain(data, network):
    message = read_signed_bytes(data, {1: ("request", "u64"), 2: ("feed", 32),
                                       3: ("certificates", "many")})
    require(message, "feed")
    need(message["certificates"], "malformed", "no certificate")
    if network is None:
        outer = read_signed_bytes(message["certificates"][0], SIGNED_CERTIFICATE)
        require(outer, "certificate")
        inner = read_signed_bytes(outer["certificate"], CERTIFICATE_FIELDS)
        require(inner, "network")
        need(is_network_name(inner["network"]), "malformed", "network name")
        network = inner["network"].decode()
    chain = Chain(message["feed"], network)
    for one in message["certificates"]:
        chain.append(one)
    return chain


def verify(data, network=None):
    need(data.startswith(MAGIC), "malformed", "byte 0: not an exported feed")
    parts = records(data)
    first = next(parts, None)
    need(first is not None, "malformed", "no certificates")
    feed = Feed(read_chain(first, network))
    for part in parts:
        feed.append_run(part)
    need(feed.seq, "malformed", "no run")
    return feed


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    try:
        feed = verify(data, *sys.argv[2:])
    except Refused as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    print(f"network {feed.chain.network}")
    print(f"fingerprint {fingerprint(feed.chain.feed)}")
    print(f"certificates {len(feed.chain.certificates)}")
    print(f"entries {feed.seq}")
    print(f"missing {feed.missing}")
    print(f"head {feed.hash.hex()}")


if __name__ == "__main__":
    main()
