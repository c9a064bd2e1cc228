"""What a run has found: as a table for people, as JSON, and as a section of the README."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

import frame

BEGIN, END = "<!-- bench: begin (written by tests/bench/run --readme) -->", "<!-- bench: end -->"


# --- the machine ----------------------------------------------------------------------------------

def output_of(*command):
    """The first line that a command prints; "" if it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout.strip().splitlines() or [""])[0]


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory_gib():
    match = re.search(r"MemTotal:\s+(\d+) kB", pathlib.Path("/proc/meminfo").read_text())
    return round(int(match.group(1)) / 2**20) if match else None


def file_system(folder):
    """(kind, device) of the file system that a folder is on."""
    best = ("", "", "")
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        device, where, kind = line.split()[:3]
        inside = os.path.realpath(folder)
        if (inside + "/").startswith(where.rstrip("/") + "/") and len(where) >= len(best[0]):
            best = (where, kind, device)
    return best[1] or "unknown", best[2]  # a bare root may have no line for it


def package_version(package):
    return output_of("dpkg-query", "-W", "-f", "${Version}", package)


def machine(folder):
    """What the figures depend on."""
    kind, device = file_system(folder)
    return {
        "cpu": cpu_model(), "cores": len(os.sched_getaffinity(0)), "memory_gib": memory_gib(),
        "kernel": platform.release(), "file_system": kind, "disk": pathlib.Path(device).name,
        "system": next((line.partition("=")[2].strip().strip('"')
                        for line in pathlib.Path("/etc/os-release").read_text().splitlines()
                        if line.startswith("PRETTY_NAME=")), platform.system()),
        "packages": {package: package_version(package)
                     for package in ("libzmq5", "libsodium23", "libsqlite3-0", "mosquitto",
                                     "nats-server", "libnats3.4") if package_version(package)},
    }


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


# --- figures --------------------------------------------------------------------------------------

def number(value):
    """As many digits as people read: 81,500; 12.3; 0.45."""
    if value is None:
        return "-"
    if abs(value) >= 1000:
        digits = len(str(int(abs(value)))) - 3
        return "{:,}".format(int(round(value, -digits)))
    if abs(value) >= 100:
        return "%.0f" % value
    return "%.3g" % value


def spread(found):
    """median (minimum to maximum)."""
    if found["min"] == found["max"]:
        return number(found["median"])
    return "%s (%s to %s)" % (number(found["median"]), number(found["min"]),
                              number(found["max"]))


def ratio_text(value):
    if value is None:
        return "-"
    return "%.2f" % value if 0.1 <= value < 10 else number(value)


def size_text(sizes):
    def one(value):
        return ", ".join("{:,}".format(v) for v in value) if isinstance(value, (list, tuple)) \
            else "{:,}".format(value)
    return "; ".join("%s: %s" % (name, one(value)) for name, value in sizes.items())


def promise_words(promises):
    return "encrypted: %(encrypted)s, signed: %(signed)s, on disk: %(on_disk)s" % promises


def verdict_cells(verdict, measure):
    """One requirement in three texts: what was found, what it must be, whether that holds."""
    unit = {metric["name"]: metric["unit"] for metric in measure["metrics"]}[verdict["metric"]]
    labels = {row["name"]: row["label"] for row in measure["systems"]}
    of = " x %s" % labels.get(verdict["of"], verdict["of"]) if verdict["of"] else ""
    found = "%s %s" % (number(verdict["median"]), unit)
    if of:
        found += " (%s x)" % ratio_text(verdict["value"])
    wanted = "%s %s%s" % ("at least" if verdict["more"] else "at most", number(verdict["limit"]),
                          of)
    state = verdict["state"]
    if state != frame.REACHED and verdict["bound"] is not None:
        state += ": the bounding program is %s times as good" % ratio_text(verdict["bound"])
    return [found, wanted, state]


def verdict_text(verdict, measure):
    return "%s, must be %s: %s" % tuple(verdict_cells(verdict, measure))


def cells(measure, row):
    """One row: name, then median (min to max) and ratio for every metric."""
    label = row["label"] + (" (not measured in this run)" if row["kind"] == frame.NOTE else "")
    found = [label]
    for metric in measure["metrics"]:
        values = row["summary"].get(metric["name"])
        found.append(spread(values) if values else "-")
        if measure["reference"]:
            ratio = row["ratios"].get(metric["name"])
            found.append("" if ratio is None else ratio_text(ratio))
    return found + [row["promises"][name] for name in ("encrypted", "signed", "on_disk")]


def head(measure):
    found = ["system"]
    for metric in measure["metrics"]:
        found.append(metric["unit"])
        if measure["reference"]:
            found.append("ratio")
    return found + ["encrypted", "signed", "on disk when acknowledged"]


# --- for people -----------------------------------------------------------------------------------

def grid(lines):
    """Columns as wide as their widest cell; all but the first to the right, words to the left."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]

    def put(text, i):
        right = i > 0 and i < len(widths) - 3
        return text.rjust(widths[i]) if right else text.ljust(widths[i])
    return "\n".join("  " + "  ".join(put(text, i) for i, text in enumerate(line)).rstrip()
                     for line in lines)


def table(run):
    """All of a run as text."""
    parts = []
    for measure in run["measures"]:
        parts.append("%s  %s\n   %s" % (measure["number"], measure["title"],
                                        size_text(measure["sizes"])))
        if run["quick"]:
            parts.append("\n".join(quick_line(row) for row in measure["systems"]
                                   if row["kind"] != frame.NOTE))
            continue
        parts.append(grid([head(measure)] + [cells(measure, row) for row in measure["systems"]]))
        if measure["musts"]:
            parts.append("\n".join("  " + verdict_text(v, measure) for v in measure["musts"]))
    parts += ["WRONG  " + problem for problem in run["problems"]]
    return "\n\n".join(parts)


def quick_line(row):
    """What was checked; a quick pass says nothing about times."""
    if not row["rounds"]:
        return "  WRONG  %s" % row["label"]
    checks = row["rounds"][0]["checks"]
    return "  ok     %s: %s" % (row["label"], ", ".join("%s %s" % (name, found)
                                                         for name, (found, _) in checks.items()))


# --- the README -----------------------------------------------------------------------------------

def markdown_table(lines, marks):
    def row(line):
        return "| " + " | ".join(text.replace("|", "\\|") for text in line) + " |"
    return "\n".join([row(lines[0]), row(marks)] + [row(line) for line in lines[1:]])


def requirements(run):
    """All that Caravan must reach, one line each."""
    lines = [["", "measure", "Caravan", "must be", ""]]
    for measure in run["measures"]:
        for i, verdict in enumerate(measure["musts"]):
            title = [measure["number"], measure["title"]] if i == 0 else ["", ""]
            lines.append(title + verdict_cells(verdict, measure))
    return markdown_table(lines, ["---", "---", "--:", "---", "---"])


def readme_section(run):
    """The section between the markers, made of a run's JSON alone."""
    where = run["machine"]
    packages = ", ".join("%s %s" % item for item in sorted(where["packages"].items()))
    parts = [
        "Made by `%s` on %s (commit %s), on %s, %s cores, %s GiB, %s, Linux %s, %s on %s; %s."
        % (run["command"], run["date"], run["commit"], where["cpu"], where["cores"],
           where["memory_gib"], where["system"], where["kernel"], where["file_system"],
           where["disk"], packages),
        requirements(run),
        "<details><summary>All systems: medians of the rounds, minimum and maximum; a ratio is to "
        "the row that has 1.00</summary>",
    ]
    for measure in run["measures"]:
        parts.append("**%s: %s** (%s; rounds: %d)" % (measure["number"], measure["title"],
                                                      size_text(measure["sizes"]),
                                                      measure["rounds"]))
        lines = [head(measure)] + [cells(measure, row) for row in measure["systems"]]
        parts.append(markdown_table(lines, ["---"] + ["--:"] * (len(lines[0]) - 4) + ["---"] * 3))
    return "\n\n".join(parts + ["</details>"])


def rewrite_readme(text, run):
    """The README's text with the section between the markers replaced."""
    if run["quick"]:
        raise frame.BenchError("a quick pass measures nothing that the README could say")
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < begin:
        raise frame.BenchError("the README has no section between %r and %r" % (BEGIN, END))
    return text[:begin] + BEGIN + "\n\n" + readme_section(run) + "\n\n" + text[end:]
