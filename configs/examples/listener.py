#!/usr/bin/python3
"""Prints joint calls that concern Thailand, as a Caravan node hears of them.
    caravan listener keygen > my.key         the script's own pair of keys
    caravan listener add my-script PUBLIC    by the node's operator; shows endpoint and server key
    listener.py tcp://host:7411 SERVER-KEY my.key [kind/joint-call/TH/]
Keys are 64 hex digits or Z85. Packages: python3-zmq, python3-protobuf, protobuf-compiler."""
import pathlib
import subprocess
import sys
import tempfile
import zmq
from google.protobuf.message import DecodeError
from zmq.utils import z85


def schemas():
    """The modules that protoc makes of the schemas, beside this file or where they are installed."""
    up = pathlib.Path(__file__).resolve().parents
    proto = next(d / "proto" for d in (up[2], up[1]) if (d / "proto/feed.proto").exists())
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(["protoc", f"--python_out={out}", f"-I{proto}", proto / "feed.proto",
                        proto / "announcement.proto"], check=True)
        sys.path.insert(0, out)
        return __import__("feed_pb2"), __import__("announcement_pb2")


def key(text):
    return z85.encode(bytes.fromhex(text)) if len(text) == 64 else text.encode()


def when(at):
    day = "-".join(f"{part:02}" for part in (at.date.year, at.date.month, at.date.day) if part)
    return f"{day} {at.hour:02}:{at.minute:02} {at.zone}" if at.HasField("hour") else day


def show(feed, announcement, payload):
    signed = feed.SignedEntry.FromString(payload)
    entry, content = feed.Entry.FromString(signed.entry), signed.content
    if entry.content_type == feed.CONTENT_TYPE_REVISION:
        content = feed.Revision.FromString(content).content
    elif entry.content_type != feed.CONTENT_TYPE_ANNOUNCEMENT:
        raise ValueError("it is no announcement")  # feed/ carries certificates and more, too
    said = announcement.Announcement.FromString(content)
    parties = ", ".join(f"{party.name[0].text} ({party.country})" for party in said.parties)
    print(f"No. {entry.seq}: {said.title[0].text}", f"  parties: {parties}",
          *(f"  deadline: {when(one.at)}" for one in said.deadline), sep="\n", flush=True)


if len(sys.argv) < 4:
    sys.exit(__doc__)
modules, socket = schemas(), zmq.Context().socket(zmq.SUB)
socket.heartbeat_ivl, socket.heartbeat_timeout = 20000, 40000  # notices a dead connection
_, public, _, secret = pathlib.Path(sys.argv[3]).read_text().split()
socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = map(
    key, (public, secret, sys.argv[2]))
socket.subscribe(sys.argv[4] if len(sys.argv) > 4 else "kind/joint-call/TH/")
events = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
socket.connect(sys.argv[1])
while True:
    if events in zmq.select([socket, events], [], [])[0]:
        sys.exit(f"refused; the node's operator should: caravan listener add NAME {public}")
    topic, _, payload = socket.recv().partition(b"\0")
    try:
        show(*modules, payload)
    except (DecodeError, ValueError, IndexError) as error:
        print(f"passed over what came on {topic.decode()}: {error}", file=sys.stderr, flush=True)
