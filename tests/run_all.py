#!/usr/bin/env python3
"""What ./test runs once the packages are there: build, unit tests, virtual machine scenarios, summary."""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[1]
PRESET = "dev"
BUILD = ROOT / "build" / PRESET


def main():
    parser = argparse.ArgumentParser(prog="./test", description="Builds warmdump and runs its tests.")
    parser.add_argument("--unit", action="store_true", help="unit tests only")
    parser.add_argument("--vm", action="store_true", help="virtual machine scenarios only")
    parser.add_argument("--kvm", action="store_true", help="use KVM for them, if it works")
    parser.add_argument("names", nargs="*", help="parts of scenario names; only these scenarios run")
    arguments = parser.parse_args()
    both = arguments.unit == arguments.vm and not arguments.names

    results = []  # (name, "passed" | "failed" | "skipped", reason)
    if not build():
        results.append(("build", "failed", "see the compiler's messages above"))
    else:
        if both or arguments.unit:
            results += run_unit_tests()
        if both or arguments.vm or arguments.names:
            results += run_scenarios(arguments)
    return summarize(results)


def build():
    print("building", flush=True)
    return all(subprocess.run(["cmake", *arguments], cwd=ROOT, stdout=output, check=False).returncode == 0
               for arguments, output in ((["--preset", PRESET], subprocess.DEVNULL),
                                         (["--build", "--preset", PRESET], None)))


def run_unit_tests():
    print("unit tests", flush=True)
    report = BUILD / "unit-tests.xml"
    report.unlink(missing_ok=True)
    command = ["ctest", "--preset", PRESET, "--parallel", "2", "--timeout", "300", "--output-junit", report]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, errors="replace") as ctest:
        for line in ctest.stdout:
            if not re.match(r" +Start +\d+: ", line):
                print(re.sub(r" \.{3,}", " ...", line), end="", flush=True)
    if not report.exists():
        return [("unit tests", "failed", "ctest gave no results")]
    results = []
    for case in xml.parse(report).getroot().iter("testcase"):
        if case.get("status") == "run":
            results.append((case.get("name"), "passed", ""))
        elif case.find("skipped") is not None:
            results.append((case.get("name"), "skipped", skip_reason(case.findtext("system-out") or "")))
        else:
            results.append((case.get("name"), "failed", "see its output above"))
    return results or [("unit tests", "failed", "ctest found none")]


def skip_reason(output):
    """GoogleTest prints the place of the skip, then the reason, then the verdict."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line, following in zip(lines, lines[1:]):
        if line.endswith(": Skipped"):
            return following
    return "it gives no reason"


def run_scenarios(arguments):
    report = BUILD / "scenarios.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, ROOT / "tests/vm/run.py", "--programs", BUILD / "bin", "--work", ROOT / "build/vm",
               "--results", report, *(["--kvm"] if arguments.kvm else []), *arguments.names]
    subprocess.run(command, cwd=ROOT, check=False)
    if not report.exists():
        return [("virtual machines", "failed", "the runner broke, see above")]
    results = json.loads(report.read_text())
    return results or [("virtual machines", "failed", f"no scenario is named like {' '.join(arguments.names)}")]


def summarize(results):
    print()
    for outcome in ("skipped", "failed"):
        for name, _, reason in (result for result in results if result[1] == outcome):
            print(f"{outcome}: {name}: {reason.splitlines()[0] if reason else 'no reason given'}")
    count = {outcome: sum(result[1] == outcome for result in results) for outcome in ("passed", "failed", "skipped")}
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped", flush=True)
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
