"""Live fan-out: one hub, many light partners in one process (drive_fanout.c, crowd.h), each with its
own keys and encrypted connections to both services, as many deliveries a second as all of them take
together. What the hub needs for them in memory belongs to the footprint."""

from caravan_node import Node
from frame import CARAVAN, Promises, quotient, system
from systems_footprint import MIB, part


def fan_out(round_, subscribers, seconds):
    """Result of the program, with the hub's memory and CPU in it."""
    hub = Node(round_, "za-crowded").init()
    hub.start().wait_open()
    before = hub.process.cpu_seconds()
    result = round_.program("drive_fanout", hub.home, round_.contents, *hub.endpoints,
                            "--subscribers", subscribers, "--seconds", seconds)
    info = result["info"]
    info["hub_cpu_s"] = hub.process.cpu_seconds() - before  # with the joining
    result["values"]["cpu_us"] = quotient((info["hub_cpu_s"] + info["crowd_cpu_s"]) * 1e6,
                                          info["deliveries"])
    result["info"]["memory"] = hub.memory()
    hub.stop()
    return result


@system("fanout", "caravan", "Caravan", CARAVAN,
        Promises(encrypted="yes", signed="yes, verified once an entry", on_disk="synced at the hub"))
def fanout(round_):
    return fan_out(round_, round_.size("subscribers"), round_.size("seconds"))


@part
def partners(round_):
    result = fan_out(round_, round_.size("partners"), 1)
    return {"values": {"partners_mib": result["info"]["memory"]["VmRSS"] / MIB},
            "checks": {"connected_" + name: check for name, check in result["checks"].items()},
            "info": {"connected": result["info"]}}
