"""What is measured, how large, and what Caravan must reach on this class of machine.

The numbers are those of the requirements; a system's name is the one it is registered with in
systems_*.py. Sizes are (full, quick).
"""

from frame import Measure, Metric, Must

RATE = Metric("rate", "a second", more=True)
CPU = Metric("cpu_us", "µs of CPU each")  # of all processes of the system together
P50 = Metric("p50_ms", "ms, p50")
P99 = Metric("p99_ms", "ms, p99")

CATCHUP = {"entries": (1_000_000, 5_000), "feeds": (50, 5)}
BURST = {"entries": (100_000, 2_000)}
LATENCY = {"rate": (500, 500), "seconds": (10, 1)}  # a second; how long

MEASURES = [
    Measure("0", "parts", "the parts alone: messages of 400 bytes, rows of 400 bytes",
            (RATE, CPU), sizes={"messages": (1_000_000, 5_000), "rows": (500_000, 5_000),
                            "commits": (20_000, 200)}),
    Measure("1", "catchup", "catch-up: an empty node fetches the entries of many feeds from a "
            "hub, verified and on disk", (RATE, CPU), reference="jetstream", sizes=CATCHUP,
            musts=(Must("rate", at_least=1.0, of="jetstream", bound="bound_catchup"),)),
    Measure("1r", "catchup-real", "catch-up, with the sizes of the real notices",
            (RATE, CPU), reference="jetstream", contents="real", rounds=1,
            sizes={"entries": (200_000, 2_000), "feeds": (50, 5)}),
    Measure("1s", "catchup-signed", "catch-up from a hub to which every entry came by itself, live: "
            "each has a signature and a row of its own", (RATE, CPU,
            Metric("ledger_ratio", "ledger bytes / content bytes at the hub")), rounds=1,
            sizes={"entries": (200_000, 2_000), "feeds": (50, 5)}),
    Measure("2", "burst", "burst: announcements published by one institution, until a partner has "
            "all on disk", (RATE, CPU), reference="mosquitto", sizes=BURST,
            musts=(Must("rate", at_least=1.0, of="mosquitto", bound="bound_burst"),)),
    Measure("2r", "burst-real", "burst, with the sizes of the real notices", (RATE, CPU),
            reference="mosquitto", contents="real", rounds=1, sizes=BURST),
    Measure("3", "latency", "latency at 500 a second, from when it was due to be published to "
            "\"on disk at the partner and handed to its follower\"", (P50, P99),
            reference="bound_latency",
            sizes=LATENCY,
            musts=(Must("p50_ms", at_most=2.0, bound="bound_latency"),
                   Must("p99_ms", at_most=10.0, bound="bound_latency"),
                   Must("p50_ms", at_most=3.0, of="bound_latency"))),
    Measure("3r", "latency-real", "latency at 500 a second, with the sizes of the real notices",
            (P50, P99), reference="bound_latency", contents="real", rounds=1, sizes=LATENCY),
    Measure("4", "fanout", "live fan-out from one hub to connected subscribers; each checks hash, "
            "chain and sequence of every entry, none lost, none twice", (RATE, CPU),
            sizes={"subscribers": (1_000, 50), "seconds": (30, 2)},
            musts=(Must("rate", at_least=100_000, bound="bound_fanout"),)),
    Measure("5", "footprint", "footprint: resident memory, start-up and ledger",
            (Metric("idle_mib", "MiB idle"), Metric("partners_mib", "MiB with partners connected"),
             Metric("entries_mib", "MiB with the entries"),
             Metric("start_s", "s to start with the entries"),
             Metric("ledger_ratio", "ledger bytes / content bytes")),
            sizes={"entries": (1_000_000, 5_000), "partners": (1_000, 20)},
            musts=(Must("idle_mib", at_most=16), Must("entries_mib", at_most=64),
                   Must("start_s", at_most=0.3), Must("ledger_ratio", at_most=1.6))),
    Measure("6", "disturbed", "the others' latency beside a dead, a slow and a flooding partner",
            (Metric("dead_percent", "% change of p99, dead partner"),
             Metric("slow_percent", "% change of p99, stopped partner"),
             Metric("hostile_percent", "% change of p99, flooding partner"),
             Metric("memory_mib", "MiB, the most")),
            sizes={"partners": (50, 6), "seconds": (30, 2)},
            musts=(Must("dead_percent", at_most=20), Must("slow_percent", at_most=20),
                   Must("hostile_percent", at_most=20), Must("memory_mib", at_most=128))),
    Measure("7", "growth", "growth of the cost of an entry, from the fewest entries of the fewest "
            "feeds to the dearest of the larger sizes",
            (Metric("catchup_growth", "x, time of a catch-up an entry"),
             Metric("latency_growth", "x, latency p50")),
            sizes={"entries": ((10_000, 100_000, 1_000_000, 1_000_000), (500, 2_000)),
                   "feeds": ((10, 100, 10, 1_000), (2, 10))},
            musts=(Must("catchup_growth", at_most=1.5), Must("latency_growth", at_most=1.5)),
            seconds=900),
]


def find(name):
    """The measures with this number or name; "1" finds "1" alone."""
    return [measure for measure in MEASURES if name in (measure.number, measure.name)]
