"""What the tests here need, found or said to be missing. Debian's Python has the modules; another
Python that comes first on PATH may not, so a test starts itself again with Debian's."""
import os
import sys


def modules(*names):
    try:
        for name in names:
            __import__(name)
    except ImportError as error:
        debian = "/usr/bin/python3"
        if os.path.exists(debian) and os.environ.get("INTEROP_AGAIN") != "1":
            os.environ["INTEROP_AGAIN"] = "1"
            os.execv(debian, [debian] + sys.argv)
        print(f"skipped: {error}; install the packages of section test")
        sys.exit(77)


def source(*parts):
    root = os.environ.get("CARAVAN_SOURCE") or os.path.join(os.path.dirname(__file__), "..", "..")
    return os.path.join(root, *parts)


def built(*parts):
    root = os.environ.get("CARAVAN_BUILD")
    if not root:
        sys.exit("CARAVAN_BUILD is not set: start this test with ctest")
    return os.path.join(root, *parts)


def vectors():
    with open(source("tests", "vectors", "vectors.txt"), encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    return dict(line.split(" = ", 1) for line in lines if " = " in line and line[0] != "#")
