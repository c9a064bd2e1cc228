"""Protobuf by hand, for what the schemas' own code would not write: odd contents, forged and broken
messages. A message is a list of (field number, value); a value is an int, bytes or such a list."""


def varint(number):
    out = bytearray()
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode(fields):
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            data = encode(value) if isinstance(value, list) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def decode(data):
    """[(field number, int or bytes)], in the order in which they stand there."""
    fields, at = [], 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            fields.append((key >> 3, number()))
        elif key & 7 == 2:
            size = number()
            fields.append((key >> 3, data[at:at + size]))
            at += size
        else:
            raise ValueError("wire type %d" % (key & 7))
    return fields


def only(fields, number):
    """The one value of a field; None when it is absent."""
    values = [value for key, value in fields if key == number]
    if len(values) > 1:
        raise ValueError("field %d stands %d times" % (number, len(values)))
    return values[0] if values else None


ENTRY, SIGNATURE, SALT, CONTENT = 1, 2, 3, 4  # of SignedEntry
MAGIC = b"caravan-feed 1\n"


def feed_entries(exported):
    """The SignedEntry messages of an exported file, each as {field number: bytes}."""
    assert exported.startswith(MAGIC)
    at, records, entries = len(MAGIC), [], []
    while at < len(exported):
        size = int.from_bytes(exported[at:at + 4], "big")
        records.append(exported[at + 4:at + 4 + size])
        at += 4 + size
    for run in records[1:]:
        fields = decode(run)
        assert only(fields, 4) is None, "a run with a proof"
        entries += [dict(decode(value)) for key, value in fields if key == 3]
    return entries
