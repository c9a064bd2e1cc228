#!/usr/bin/python3
"""The known answers on sealed contents, judged by the second implementation."""
import unittest

import needs

needs.modules("nacl")
import open_sealed as seal  # noqa: E402
from nacl.bindings import crypto_scalarmult_base  # noqa: E402
from verify_feed import Refused  # noqa: E402

V = needs.vectors()
READERS = ("publisher", "reader.1", "reader.2")


def value(name):
    return bytes.fromhex(V[name])


FEED = value("root.public")
PLACE = seal.Place(V["network"], FEED)


def secret_of(who):
    return value("sealing.secret" if who == "publisher" else f"sealed.{who}.secret")


class Sealed(unittest.TestCase):
    def test_keys_are_derived_alike(self):
        key, sealed = value("sealed.key"), seal.Sealed(value("sealed.bytes"))
        self.assertEqual(PLACE.derive(key, b"seal commitment"), value("sealed.commitment"))
        self.assertEqual(PLACE.derive(key, b"seal key"), value("sealed.box_key"))
        self.assertEqual(crypto_scalarmult_base(value("sealed.ephemeral.secret")),
                         value("sealed.ephemeral.public"))
        self.assertEqual(sealed.ephemeral, value("sealed.ephemeral.public"))
        self.assertEqual(sealed.commitment, value("sealed.commitment"))
        self.assertEqual(PLACE.associate(b"seal box", sealed.commitment),
                         value("sealed.box_associated"))
        self.assertEqual(PLACE.associate(b"seal slot", sealed.commitment),
                         value("sealed.slot_associated"))

    def test_slots_are_made_alike(self):
        """From the publisher's side, with the ephemeral secret."""
        sealed = seal.Sealed(value("sealed.bytes"))
        for who in READERS:
            public = crypto_scalarmult_base(secret_of(who))
            wrapping_key, tag = seal.wrapping(PLACE, value("sealed.ephemeral.secret"), public,
                                              sealed.ephemeral, public)
            self.assertEqual(wrapping_key, value(f"sealed.{who}.wrap"))
            self.assertEqual(tag, value(f"sealed.{who}.tag"))
            slot = seal.wrap(PLACE, value("sealed.key"), wrapping_key, tag, sealed.commitment)
            self.assertEqual(sealed.slots.count(slot), 1)
        self.assertEqual(len(sealed.slots), 8)

    def test_every_recipient_opens_it(self):
        for who in READERS:
            packed, key = seal.open_sealed(value("sealed.bytes"), PLACE, [secret_of(who)])
            self.assertEqual(packed, value("sealed.packed"))
            self.assertEqual(key, value("sealed.key"))
        content = seal.read_content(packed, FEED)
        self.assertEqual(content["content_type"], 4)
        self.assertEqual(content["content"], value("sealed.content"))
        self.assertEqual(content["min_reader"], 1)
        self.assertEqual(content["audience"], sorted(value(f"sealed.{who}.feed")
                                                     for who in READERS[1:]))

    def test_a_reader_opens_it_with_its_key(self):
        sealed = seal.Sealed(value("sealed.bytes"))
        self.assertEqual(seal.open_with_key(sealed, PLACE, value("sealed.key")),
                         value("sealed.packed"))

    def judge(self, group, least, look):
        names = [name for name in V if name.startswith(group + ".")]
        self.assertGreaterEqual(len(names), least)
        for name in names:
            _, expected, what = name.split(".")
            try:
                verdict = look(value(name))
            except Refused as error:
                verdict = error.code
            self.assertEqual(verdict, expected, what)

    def test_verdicts(self):
        def look(data):
            packed, _ = seal.open_sealed(data, PLACE, [secret_of("reader.1")])
            self.assertEqual(packed, value("sealed.packed"))
            return "opens"
        self.judge("sealed_judge", 20, look)

    def test_verdicts_on_what_was_sealed(self):
        def look(data):
            seal.read_content(data, FEED)
            return "ok"
        self.judge("sealed_content_judge", 15, look)

    def test_the_commitment_is_needed(self):
        """One box, two keys, two texts that are padded as they must be: only the commitment tells
        that the first reader's is not the one."""
        sealed = seal.Sealed(value("sealed_judge.broken.second_key_of_a_box_for_two"))
        first, = seal.unwrapped(sealed, PLACE, secret_of("reader.1"))
        second, = seal.unwrapped(sealed, PLACE, secret_of("reader.2"))
        shown = [seal.unpad(seal.unbox(sealed, PLACE, key)) for key in (first, second)]
        self.assertNotEqual(shown[0], shown[1])
        self.assertEqual(seal.open_with_key(sealed, PLACE, second), shown[1])
        with self.assertRaises(Refused):
            seal.open_with_key(sealed, PLACE, first)


if __name__ == "__main__":
    unittest.main()
