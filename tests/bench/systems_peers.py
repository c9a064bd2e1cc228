"""The other systems, each tuned as somebody who knows it would, and the parts alone."""

from frame import FLOOR, PEER, Promises, note, system
from process import listens

MEMORY = Promises(on_disk="no, in memory")
PAGE_CACHE = Promises(on_disk="no, page cache")
ON_DISK = Promises(on_disk="yes, synced")


# --- Mosquitto ------------------------------------------------------------------------------------

# On their way through libmosquitto: the best of 20, 50, 100, 200, 500, 2,000 and 6,144.
WINDOW = 500

MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
max_inflight_messages 0
max_queued_messages 0
max_queued_bytes 0
set_tcp_nodelay true
log_type error
log_type warning
"""


def start_mosquitto(round):
    """Starts a broker; returns its port and process."""
    port = round.free_port()
    configuration = round.folder / "mosquitto.conf"
    configuration.write_text(MOSQUITTO.format(port=port, folder=round.folder))
    # Started by root, it would become a user who cannot write to the folder.
    with open(configuration, "a") as file:
        file.write("user root\n")
    server = round.start("mosquitto", "-c", configuration)
    round.wait(lambda: listens(port), "Mosquitto accepts connections")
    return port, server.pid


def mosquitto(round, work, count, last):
    """A client on a bare socket, made for speed: whole batches in one system call."""
    port, pid = start_mosquitto(round)
    return round.program("peer_mosquitto", work, port, pid, round.contents, count, last)


@system(("burst", "burst-real"), "mosquitto", "Mosquitto, QoS 1, live, libmosquitto", PEER, MEMORY)
def mosquitto_library(round):
    """Its own client library, as other programs use it."""
    port, pid = start_mosquitto(round)
    return round.program("peer_libmosquitto", port, pid, round.contents, round.size("entries"),
                         WINDOW)


@system(("burst", "burst-real"), "mosquitto_batches",
        "Mosquitto, QoS 1, live, bare socket, in batches", PEER, MEMORY)
def mosquitto_live(round):
    return mosquitto(round, "live", round.size("entries"), 2000)


@system(("catchup", "catchup-real"), "mosquitto_queued",
        "Mosquitto, QoS 1, queued session, bare socket", PEER, MEMORY)
def mosquitto_queued(round):
    return mosquitto(round, "queued", round.size("entries"), 2000)


@system(("latency", "latency-real"), "mosquitto", "Mosquitto, QoS 1, bare socket", PEER, MEMORY)
def mosquitto_latency(round):
    rate = round.size("rate")
    return mosquitto(round, "latency", rate * round.size("seconds"), rate)


# --- NATS -----------------------------------------------------------------------------------------

NATS = """\
listen: 127.0.0.1:{port}
jetstream {{
  store_dir: "{folder}/store"
  max_file_store: 64G
}}
"""


def nats(round, work, count, *more):
    """Starts a server and lets peer_jetstream do its work."""
    port = round.free_port()
    configuration = round.folder / "nats.conf"
    configuration.write_text(NATS.format(port=port, folder=round.folder))
    server = round.start("nats-server", "-c", configuration)
    round.wait(lambda: listens(port), "the NATS server accepts connections")
    return round.program("peer_jetstream", work, port, server.pid, round.contents, count, *more)


@system(("catchup", "catchup-real"), "jetstream", "NATS JetStream, pull 1,000 + ack of the last",
        PEER, PAGE_CACHE)
def jetstream(round):
    return nats(round, "pull", round.size("entries"), round.size("feeds"), "all")


@system("catchup", "jetstream_each", "NATS JetStream, pull 1,000 + ack of each", PEER, PAGE_CACHE)
def jetstream_each(round):
    return nats(round, "pull", round.size("entries"), round.size("feeds"), "each")


@system(("burst", "burst-real"), "jetstream", "NATS JetStream, publish async", PEER, PAGE_CACHE)
def jetstream_publish(round):
    return nats(round, "publish", round.size("entries"), 4000)


@system(("latency", "latency-real"), "jetstream", "NATS JetStream", PEER, PAGE_CACHE)
def jetstream_latency(round):
    rate = round.size("rate")
    return nats(round, "latency", rate * round.size("seconds"), rate)


# --- the parts alone ------------------------------------------------------------------------------

ENCRYPTED = Promises(encrypted="yes, CURVE")


@system("parts", "zmq_plain", "libzmq, PUB to SUB", FLOOR)
def zmq_plain(round):
    return round.program("peer_zmq", "rate", "plain", round.contents, round.size("messages"))


@system("parts", "zmq_curve", "libzmq, PUB to SUB with CURVE", FLOOR, ENCRYPTED)
def zmq_curve(round):
    return round.program("peer_zmq", "rate", "curve", round.contents, round.size("messages"))


def zmq_latency(round, kind):
    rate = round.size("rate")
    return round.program("peer_zmq", "latency", kind, round.contents, rate * round.size("seconds"),
                         rate)


@system(("latency", "latency-real"), "zmq_plain", "libzmq, PUB to SUB", FLOOR)
def zmq_plain_latency(round):
    return zmq_latency(round, "plain")


@system(("latency", "latency-real"), "zmq_curve", "libzmq, PUB to SUB with CURVE", FLOOR, ENCRYPTED)
def zmq_curve_latency(round):
    return zmq_latency(round, "curve")


def sqlite(round, rows, each):
    return round.program("floor_sqlite", round.folder / "floor.sqlite", round.contents, rows, each)


@system("parts", "sqlite_1000", "SQLite, 1,000 rows a transaction", FLOOR, ON_DISK)
def sqlite_1000(round):
    return sqlite(round, round.size("rows"), 1000)


@system("parts", "sqlite_1", "SQLite, 1 row a transaction", FLOOR, ON_DISK)
def sqlite_1(round):
    return sqlite(round, round.size("commits"), 1)


@system(("catchup", "catchup-real"), "sqlite_1000",
        "SQLite inserts alone, 1,000 rows a transaction", FLOOR, ON_DISK)
def sqlite_catchup(round):
    return sqlite(round, round.size("entries"), 1000)


# --- known from elsewhere -------------------------------------------------------------------------

# A relay of nostr events, on a machine of two cores like the one these measures are meant for.
STRFRY = Promises(signed="yes", on_disk="yes")
note("catchup", "strfry", "strfry, catch-up as shipped", STRFRY, {"rate": 2600})
note("catchup", "strfry_tuned", "strfry, catch-up tuned", STRFRY, {"rate": 15700})
note("burst", "strfry", "strfry, live", STRFRY, {"rate": 12000})
note("latency", "strfry", "strfry", STRFRY, {"p50_ms": 51, "p99_ms": 100})
