"""The bounding programs: the same steps in under 100 lines, without Caravan's code, on parts.c, which
opens files and sockets and makes and hashes entries. They run in the same table, and show what the
parts can do on this machine."""

from frame import BOUND, Promises, system

SAME = Promises(encrypted="yes, CURVE", on_disk="yes, synced")
CHUNK = 64      # entries a row and message: the fastest of 16, 64, 250 and 1,000
PACK = 64       # contents a request
WINDOW = 4096   # contents sent and not answered


@system(("catchup", "catchup-real"), "bound_catchup", "bound: read, send, hash, keep", BOUND, SAME)
def bound_catchup(round):
    return round.program("bound_catchup", round.folder, round.contents, round.size("entries"),
                         CHUNK)


@system(("burst", "burst-real"), "bound_burst", "bound: ask, hash, commit, send, hash, commit",
        BOUND, SAME)
def bound_burst(round):
    return round.program("bound_burst", round.folder, round.contents, round.size("entries"), PACK,
                         WINDOW)


@system(("latency", "latency-real"), "bound_latency",
        "bound: commit, PUB to SUB with CURVE, commit", BOUND, SAME)
def bound_latency(round):
    rate = round.size("rate")
    return round.program("bound_latency", round.folder, round.contents,
                         rate * round.size("seconds"), rate)


@system("fanout", "bound_fanout", "bound: one XPUB to the same number of SUB", BOUND,
        Promises(encrypted="yes, CURVE"))
def bound_fanout(round):
    return round.program("bound_fanout", round.contents, round.size("subscribers"),
                         round.size("seconds"))
