#!/usr/bin/python3
"""The known answers, and the examples in PROTOCOL.md, judged by the second implementation."""
import base64
import re
import unittest

import needs

needs.modules("nacl")
import nacl.bindings  # noqa: E402
import nacl.signing  # noqa: E402
import verify_feed as protocol  # noqa: E402

V = needs.vectors()
NETWORK = V["network"]


def value(name):
    return bytes.fromhex(V[name])


class Vectors(unittest.TestCase):
    def test_hashes(self):
        names = [name for name in V if name.startswith("hash.")]
        self.assertEqual(len(names), 7)
        for name in names:
            self.assertEqual(protocol.digest(name[5:], b"abc").hex(), V[name], name)

    def test_keys(self):
        for name in ("root", "recovery", "node", "receiver.node"):
            key = nacl.signing.SigningKey(value(name + ".secret"))
            self.assertEqual(bytes(key.verify_key), value(name + ".public"), name)
        for name in ("transport", "sealing"):
            public = nacl.bindings.crypto_scalarmult_base(value(name + ".secret"))
            self.assertEqual(public, value(name + ".public"), name)
        self.assertEqual(protocol.digest("recovery", value("recovery.public")),
                         value("recovery.hash"))

    def test_names_of_the_feed(self):
        feed = value("root.public")
        self.assertEqual(protocol.fingerprint(feed), V["fingerprint"])
        self.assertEqual(protocol.topic("feed", feed), V["topic.feed"])
        self.assertEqual(protocol.topic("head", feed), V["topic.head"])

    def test_certificates(self):
        chain = protocol.Chain(value("root.public"), NETWORK)
        for number in (1, 2, 3):
            chain.append(value(f"certificate.{number}.signed"))
            self.assertEqual(chain.certificates[-1]["hash"], value(f"certificate.{number}.hash"))
            self.assertEqual(chain.root_key, value(f"certificate.{number}.root_key_after"))

    def test_entries(self):
        for number in range(1, 6):
            entry = protocol.read_entry(value(f"entry.{number}.signed"), NETWORK)
            for part in ("bytes", "hash", "signature", "salt", "content", "content_hash"):
                self.assertEqual(entry[part], value(f"entry.{number}.{part}"), part)
            self.assertEqual(entry["created_ms"], int(V[f"entry.{number}.created_ms"]))
            self.assertEqual(entry["content_type"], int(V[f"entry.{number}.content_type"]))

    def test_signature_is_made_alike(self):
        """Ed25519 is deterministic: signing the same gives the same bytes."""
        message = (b"caravan 1 sign entry\0" + NETWORK.encode() + b"\0" + value("entry.2.hash"))
        key = nacl.signing.SigningKey(value("node.secret"))
        self.assertEqual(key.sign(message).signature, value("entry.2.signature"))

    def test_head_and_receipt(self):
        chain = protocol.Chain(value("root.public"), NETWORK)
        for number in (1, 2, 3):
            chain.append(value(f"certificate.{number}.signed"))
        signed = {1: ("statement", None), 2: ("signature", 64)}
        head = {1: ("feed", 32), 2: ("certificate", "u64"), 3: ("seq", "u64"), 4: ("hash", 32)}
        for name, key, schema in (
                ("head", chain.certificates[2]["node_key"],
                 {1: ("network", None), 2: ("head", None), 3: ("as_of_ms", "u64")}),
                ("receipt", value("receiver.node.public"),
                 {1: ("network", None), 2: ("receiver", 32), 3: ("head", None),
                  4: ("missing", "u64"), 5: ("counter", "u64")})):
            outer = protocol.read_signed_bytes(value(name + ".signed"), signed)
            protocol.check_signature(key, name, NETWORK, outer["statement"], outer["signature"],
                                     name)
            statement = protocol.read_signed_bytes(outer["statement"], schema)
            inner = protocol.read_signed_bytes(statement["head"], head)
            self.assertEqual(statement["network"], NETWORK.encode())
            self.assertEqual((inner["certificate"], inner["seq"]), (3, 5))
            self.assertEqual(inner["hash"], value("entry.5.hash"))
            if name == "head":
                self.assertEqual(statement["as_of_ms"], int(V["head.as_of_ms"]))
            else:
                self.assertEqual(statement["receiver"], value("receiver.feed"))
                self.assertEqual(statement["missing"], int(V["receipt.missing"]))
                self.assertEqual(statement["counter"], int(V["receipt.counter"]))

    def test_head_with_its_recoveries(self):
        chain = protocol.Chain(value("root.public"), NETWORK)
        for number in (1, 2, 3):
            chain.append(value(f"certificate.{number}.signed"))
        outer = protocol.read_signed_bytes(value("head.ranked.signed"),
                                           {1: ("statement", None), 2: ("signature", 64)})
        protocol.check_signature(chain.certificates[2]["node_key"], "head", NETWORK,
                                 outer["statement"], outer["signature"], "head")
        statement = protocol.read_signed_bytes(
            outer["statement"], {1: ("network", None), 2: ("head", None), 3: ("as_of_ms", "u64")})
        head = protocol.read_signed_bytes(
            statement["head"], {1: ("feed", 32), 2: ("certificate", "u64"), 3: ("seq", "u64"),
                                4: ("hash", 32), 5: ("recoveries", "u64")})
        self.assertEqual((head["certificate"], head["recoveries"]), (3, 1))
        self.assertEqual(head["recoveries"], int(V["head.ranked.recoveries"]))

    def test_card(self):
        outer = protocol.read_signed_bytes(value("card.signed"),
                                           {1: ("card", None), 2: ("signature", 64)})
        card = protocol.read_signed_bytes(outer["card"], {
            1: ("network", None), 2: ("feed", 32), 3: ("certificates", "many"),
            4: ("profile", None), 5: ("endpoints", None), 6: ("created_ms", "u64")})
        chain = protocol.Chain(card["feed"], card["network"].decode())
        for one in card["certificates"]:
            chain.append(one)
        protocol.check_signature(chain.certificates[-1]["node_key"], "card", NETWORK, outer["card"],
                                 outer["signature"], "card")
        lines = V["card.armour"].split("|")
        self.assertEqual(lines[0], "-----BEGIN CARAVAN CARD-----")
        self.assertEqual(lines[3], "Fingerprint: " + V["fingerprint"])
        self.assertEqual(lines[-2], "-----END CARAVAN CARD-----")
        self.assertEqual(base64.b64decode("".join(lines[5:-2])), value("card.signed"))

    def test_runs(self):
        for name, seq in (("run.2_3", 3), ("run.2_proof_3", 2)):
            chain = protocol.Chain(value("root.public"), NETWORK)
            chain.append(value("certificate.1.signed"))
            feed = protocol.Feed(chain)
            feed.certificate, feed.seq, feed.hash = 1, 1, value("entry.1.hash")
            feed.append_run(value(name))
            self.assertEqual((feed.seq, feed.certificate), (seq, 1))

    def test_erasure(self):
        self.assertEqual(protocol.read_erasure(value("erasure.content")), [2, 1, 4, 9])
        self.assertEqual(protocol.read_erasure(bytes.fromhex("0a0402010409")), [2, 1, 4, 9])
        self.assertEqual(protocol.read_erasure(bytes.fromhex("0aff")), [])
        chain = protocol.Chain(value("erasure.feed"), NETWORK)
        chain.append(value("erasure.certificate.1.signed"))
        before, after = protocol.Feed(chain), protocol.Feed(chain)
        for feed, run in ((before, "before"), (after, "after")):
            feed.append_run(value("erasure.run.1"))
            feed.append_run(value("erasure.run.2_5." + run))
            self.assertEqual((feed.seq, feed.missing, feed.erased), (5, 0, {2: 4}))
        self.assertEqual(before.contents, after.contents)
        self.assertEqual([content for _, _, content in after.contents][2], b"Ask for Boris")
        self.assertEqual(before.hash, after.hash)
        self.assertIn(b"Ask for Anna", value("erasure.run.2_5.before"))
        self.assertNotIn(b"Ask for Anna", value("erasure.run.2_5.after"))

    def test_feedfile(self):
        feed = protocol.verify(value("feedfile"))
        self.assertEqual((feed.seq, feed.certificate, feed.missing), (5, 3, 0))
        self.assertEqual(feed.hash, value("entry.5.hash"))

    def test_verdicts(self):
        chain = protocol.Chain(value("root.public"), NETWORK)
        chain.append(value("certificate.1.signed"))
        names = [name for name in V if name.startswith("judge.")]
        self.assertGreaterEqual(len(names), 30)
        for name in names:
            _, expected, what = name.split(".")
            verdict = "ok"
            try:
                entry = protocol.read_entry(value(name), NETWORK)
                protocol.check_signature(chain.certificates[0]["node_key"], "entry", NETWORK,
                                         entry["bytes"], entry["signature"], what)
            except protocol.Refused as error:
                verdict = error.code
            self.assertEqual(verdict, expected, what)

    def test_protocol_page_shows_the_same_bytes(self):
        """Every `name = value` line in PROTOCOL.md, and the entry shown field by field."""
        shown = 0
        with open(needs.source("proto", "PROTOCOL.md"), encoding="utf-8") as file:
            text = file.read()
        for line in text.splitlines():
            name, equals, said = line.partition(" = ")
            if equals and name in V:
                self.assertEqual(said, V[name], name)
                shown += 1
        self.assertGreaterEqual(shown, 8)
        block = next(part for part in text.split("```") if "network \"silkroad-test\"" in part)
        fields = "".join(line.split("    ")[0].split("  ")[0]
                         for line in block.strip().splitlines()
                         if line and " = " not in line)
        self.assertEqual(fields.replace(" ", ""), V["entry.2.bytes"])

    def test_protocol_page_has_the_limits_of_the_code(self):
        limits = {}
        with open(needs.source("common", "limits.h"), encoding="utf-8") as file:
            for name, value in re.findall(r"#define (LIMIT_\w+) (.+)", file.read()):
                words = re.sub(r"LIMIT_\w+", lambda found: str(limits[found.group()]), value)
                limits[name] = eval(words)  # numbers, * and + from our own header
        with open(needs.source("proto", "PROTOCOL.md"), encoding="utf-8") as file:
            table = file.read().split("## 8. Limits")[1].split("## 9")[0]
        for row, names in {
                "Entry": ["ENTRY_SIZE"], "content": ["CONTENT_SIZE"],
                "SignedEntry": ["SIGNED_ENTRY_SIZE"], "Certificate": ["CERTIFICATE_SIZE"],
                "SignedCard": ["CARD_SIZE"], "salt": ["SALT_SIZE"],
                "slots of a sealed content, least and most; one slot":
                    ["SEAL_SLOTS_LEAST", "SEAL_SLOTS", "SEAL_SLOT_SIZE"],
                "institutions that a content can be sealed for": ["SEAL_AUDIENCE"],
                "padding of a sealed content: step; least size":
                    ["SEAL_PAD_STEP", "SEAL_PAD_LEAST"],
                "sync message; record of an exported feed": ["MESSAGE_SIZE"],
                "entries in a run": ["RUN_ENTRIES"],
                "heads in a message": ["HEADS_PER_MESSAGE"],
                "receipts in a message": ["RECEIPTS_PER_MESSAGE"],
                "distance of anchors": ["ANCHOR_INTERVAL"], "network name": ["NETWORK_SIZE"],
                "handle": ["HANDLE_SIZE"], "topic": ["TOPIC_SIZE"],
                "nesting of a message; fields in a content; fields in a sync message":
                    ["PROTOBUF_DEPTH", "PROTOBUF_FIELDS", "MESSAGE_FIELDS"]}.items():
            said = "; ".join(f"{limits['LIMIT_' + name]:,}" for name in names)
            self.assertIn(f"| {row} | {said} |", table)


if __name__ == "__main__":
    unittest.main()
