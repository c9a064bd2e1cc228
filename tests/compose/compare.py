"""Compares what the nodes hold, from the answers of `caravan list --json` and `caravan status --json`.

usage: compare.py COUNT FOLDER HANDLE...     FOLDER holds HANDLE.list and HANDLE.status
Exit code 0 only if every node shows COUNT announcements, all the same entries, holds every other node's feed up to
its end, and knows that every other one holds its own. Prints the table, and what differs.
"""

import json
import os
import sys


def load(folder, handle, what):
    try:
        with open(os.path.join(folder, f"{handle}.{what}"), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        print(f"{handle}: no usable answer to {what}: {error}")
        return {}


def main(count, folder, handles):
    problems = []
    status = {handle: load(folder, handle, "status") for handle in handles}
    shown = {handle: {(item.get("name"), item.get("hash"))
                      for item in load(folder, handle, "list").get("items", [])} for handle in handles}
    reference = shown[handles[0]]
    if count == 0:
        problems.append("there is nothing to exchange")
    for handle in handles:
        if len(shown[handle]) != count:
            problems.append(f"{handle} shows {len(shown[handle])} announcements, expected {count}")
        if any(not name or not hash_ for name, hash_ in shown[handle]):
            problems.append(f"{handle} shows an announcement without name or hash")
        for name, hash_ in sorted(shown[handle] ^ reference, key=str):
            problems.append(f"{handle} and {handles[0]} differ in {name}, {hash_}")
    print("      " + "".join(f"{'from ' + handle:>16}" for handle in handles))
    for handle in handles:
        partners = {partner.get("handle"): partner for partner in status[handle].get("partners", [])}
        row = []
        for other in handles:
            own = int(status[other].get("seq", 0))
            if own == 0:
                problems.append(f"{other} has published nothing")
            if other == handle:
                row.append(own)
                continue
            partner = partners.get(other, {})
            held = int(partner.get("seq", 0))
            row.append(held)
            if held != own:
                problems.append(f"{handle} holds {held} of {own} of {other}")
            received = partner.get("received", {})
            if not received.get("current") or int(received.get("missing", 0)) != 0:
                problems.append(f"{handle} does not know that {other} has received everything")
            if not partner.get("exchanging"):
                problems.append(f"{handle} does not exchange with {other}")
        print(f"{handle:6}" + "".join(f"{held:>16}" for held in row))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
