"""Reads ctest's JUnit report and prints what failed, what was skipped and why, and the count.

usage: report.py REPORT CTEST-EXIT-CODE SANITIZER-FOLDER
SANITIZER-FOLDER holds what the sanitizers reported, one file for each process. Exit code 1 if a test failed, none ran,
a sanitizer reported something, or, with CI=true, a test was skipped.
"""

import os
import sys
import xml.etree.ElementTree as xml

REASON = "skipped:"  # a test that cannot run prints such a line and exits with 77


def reason_of(case):
    output = case.findtext("system-out") or ""
    lines = [line.strip() for line in output.splitlines()]
    return next((line[len(REASON):].strip() for line in lines if line.startswith(REASON)),
                "the test gave no reason")


def print_reports(folder):
    names = sorted(os.listdir(folder))
    for name in names:
        print(f"--- sanitizer: {name}")
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            print("".join(file.readlines()[:80]), end="")
    return len(names)


def main(path, ctest_status, folder):
    reports = print_reports(folder)
    cases = list(xml.parse(path).getroot().iter("testcase")) if os.path.exists(path) else []
    failed = [case for case in cases if case.get("status") == "fail"]
    skipped = [case for case in cases if case.get("status") in ("notrun", "disabled")]
    passed = len(cases) - len(failed) - len(skipped)
    for case in failed:
        print(f"failed: {case.get('name')}")
    for case in skipped:
        print(f"skipped: {case.get('name')}: {reason_of(case)}")
    strict = os.environ.get("CI") == "true"
    if skipped and strict:
        print("with CI=true a skipped test counts as failed")
    failures = len(failed) + (len(skipped) if strict else 0)
    if reports and not failures:
        print(f"no test failed, but the sanitizers reported {reports} times")
        failures = 1
    tail = f", {len(skipped)} skipped" if skipped and not strict else ""
    print(f"{passed} passed, {failures} failed{tail}")
    return 1 if failures or not passed or ctest_status != 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
