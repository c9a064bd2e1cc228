"""Opens sealed contents. A second implementation, written from proto/PROTOCOL.md alone."""
import hashlib

import nacl.exceptions
from nacl.bindings import (crypto_aead_xchacha20poly1305_ietf_decrypt,
                           crypto_aead_xchacha20poly1305_ietf_encrypt, crypto_scalarmult,
                           crypto_scalarmult_base)

from verify_feed import (CERTIFICATE, ERASURE, PROFILE, VOUCH, Refused, need, read_signed_bytes,
                         require)

ENDPOINTS, SEALED = 3, 13
NOT_SEALED = {0, CERTIFICATE, PROFILE, ENDPOINTS, VOUCH, ERASURE, SEALED}
FIELDS = {1: ("ephemeral", 32), 2: ("commitment", 32), 3: ("slots", None), 4: ("box", None)}
CONTENT_FIELDS = {1: ("content_type", "u32"), 2: ("content", None), 3: ("audience", "many"),
                  4: ("min_reader", "u32")}
NONCE = bytes(24)
SLOT, TAG, STEP, LEAST = 52, 4, 1024, 4096


class Place:
    """A network, and the feed of a publisher in it."""

    def __init__(self, network, feed):
        self.text = network.encode() + b"\0" + feed

    def derive(self, key, purpose, more=b""):
        return hashlib.blake2b(b"caravan 1 " + purpose + b"\0" + self.text + more, key=key,
                               digest_size=32).digest()

    def associate(self, purpose, commitment):
        return b"caravan 1 " + purpose + b"\0" + self.text + commitment


class Sealed:
    """Its four fields, once their sizes are right."""

    def __init__(self, data):
        need(len(data) <= 65536, "too-large", "sealed")
        fields = read_signed_bytes(data, FIELDS)
        require(fields, "ephemeral", "commitment", "slots", "box")
        self.ephemeral, self.commitment = fields["ephemeral"], fields["commitment"]
        self.box = fields["box"]
        slots = fields["slots"]
        need(len(slots) in {SLOT << n for n in range(3, 9)}, "malformed", "slots")
        need(len(self.box) >= LEAST + 16 and len(self.box) % STEP == 16, "malformed", "box")
        self.slots = [slots[at:at + SLOT] for at in range(0, len(slots), SLOT)]


def wrapping(place, secret, public, ephemeral, recipient):
    """The wrapping key and the tag; secret and public are those of the two sides."""
    try:
        shared = crypto_scalarmult(secret, public)
    except (RuntimeError, nacl.exceptions.RuntimeError):
        raise Refused("malformed", "ephemeral key of small order") from None
    need(shared != bytes(32), "malformed", "ephemeral key of small order")
    both = ephemeral + recipient
    return place.derive(shared, b"seal wrap", both), place.derive(shared, b"seal tag", both)[:TAG]


def wrap(place, key, wrapping_key, tag, commitment):
    """A slot."""
    return tag + crypto_aead_xchacha20poly1305_ietf_encrypt(
        key, place.associate(b"seal slot", commitment), NONCE, wrapping_key)


def decrypt(text, associated, key):
    """None when it does not fit."""
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(text, associated, NONCE, key)
    except nacl.exceptions.CryptoError:
        return None


def unwrapped(sealed, place, secret):
    """All keys that its slots bring to the owner of the secret."""
    wrapping_key, tag = wrapping(place, secret, sealed.ephemeral, sealed.ephemeral,
                                 crypto_scalarmult_base(secret))
    associated = place.associate(b"seal slot", sealed.commitment)
    keys = [decrypt(slot[TAG:], associated, wrapping_key)
            for slot in sealed.slots if slot[:TAG] == tag]
    return [key for key in keys if key is not None]


def unbox(sealed, place, key):
    """The padded text, whether or not the key is the committed one."""
    return decrypt(sealed.box, place.associate(b"seal box", sealed.commitment),
                   place.derive(key, b"seal key"))


def padded_size(size):
    return max(LEAST, (size // STEP + 1) * STEP)


def unpad(padded):
    text = padded.rstrip(b"\0")
    need(text[-1:] == b"\x80", "broken", "padding")
    need(padded_size(len(text) - 1) == len(padded), "broken", "padding")
    return text[:-1]


def open_with_key(sealed, place, key):
    """SealedContent bytes."""
    need(place.derive(key, b"seal commitment") == sealed.commitment, "broken", "another key")
    padded = unbox(sealed, place, key)
    need(padded is not None, "broken", "box")
    return unpad(padded)


def open_sealed(data, place, secrets):
    """(SealedContent bytes, its key). Refused: malformed, not-for-us, or broken."""
    sealed = Sealed(data)
    keys = [key for secret in secrets for key in unwrapped(sealed, place, secret)]
    need(keys, "not-for-us", "no slot")
    committed = [key for key in keys
                 if place.derive(key, b"seal commitment") == sealed.commitment]
    need(committed, "broken", "commitment")
    return open_with_key(sealed, place, committed[0]), committed[0]


def read_content(data, feed):
    fields = read_signed_bytes(data, CONTENT_FIELDS)
    require(fields, "content_type")
    need(fields["content_type"] not in NOT_SEALED, "malformed", "content_type")
    audience = fields["audience"]
    need(1 <= len(audience) <= 255, "malformed", "audience")
    need(all(len(one) == 32 for one in audience), "malformed", "audience")
    need(all(a < b for a, b in zip(audience, audience[1:])), "malformed", "audience")
    need(feed not in audience, "malformed", "audience")
    return fields
