#!/usr/bin/env python3
"""Runs the virtual machine scenarios: run.py --programs DIR [--work DIR] [--results FILE] [--jobs N] [--cuts N] [--patience N]
[FILTER...]

A scenario runs if its name contains one of the filters, or if there are none. N of them run side by side: an emulated
machine keeps one processor busy. Each leaves its consoles in WORK/<name>/. --results writes [name, outcome, message]
triples as JSON.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import os
import pathlib
import resource
import shutil
import signal
import sys
import time
import traceback

import builders
import converters
import crash_test
import crashkernel_places
import debian_system
import direct
import encrypted
import estimate
import fake_dump
import lockdown
import outcomes
import package
import page_truth
import plan_numa
import power_cut
import qemu
import rearm
import recover_cuts
import recover_faults
import retention
import scenario
import small_region
import status
import stray_dma
import trim
import twice
import udev_rules
import watchdog

SOME_KERNELS = ("6.1", "6.12")
ALL_KERNELS = ("5.10", "6.1", "6.12", "newest")

# To add one: its name, a function that takes a scenario.Context and raises if something does not hold, the kernels it
# always runs on, which are those that can make a difference to it, and about how many seconds of a processor it takes, as
# its last line tells. On other kernels it runs when a filter names them, as in `./test --vm twice-raw-newest`.
SCENARIOS = {
    "debian-system": (debian_system.run, ("6.1",), 400),
    "package": (package.run, ("6.1",), 20),
    "builders": (builders.run, ("6.1",), 140),
    "converters": (converters.run, ("6.1",), 130),
    "converters-crash": (converters.run_crash, (), 600),
    "crash-test": (crash_test.run, ("6.1",), 70),
    "crashkernel-places": (crashkernel_places.run, ("6.1", "newest"), 60),
    "direct": (direct.run, ("6.1",), 115),
    "encrypted": (encrypted.run, ("6.1",), 70),
    "estimate": (estimate.run, SOME_KERNELS, 140),
    "fake-dump": (fake_dump.run, ("6.1",), 150),
    "lockdown": (lockdown.run, ("6.1",), 60),
    "outcomes": (outcomes.run, ("6.1",), 140),
    "page-truth": (page_truth.run, ALL_KERNELS, 175),
    "plan-numa": (plan_numa.run, ("6.1",), 30),
    "power-cut": (power_cut.run, ("6.1",), 110),
    "rearm": (rearm.run, SOME_KERNELS, 120),
    "recover-cuts": (recover_cuts.run, ("6.1",), 250),
    "recover-faults": (recover_faults.run, ("6.1",), 115),
    "retention-ovmf": (retention.run_ovmf, ("6.1",), 80),
    "retention-seabios": (retention.run_seabios, ("6.1",), 70),
    "small-region": (small_region.run, ("6.1",), 200),
    "status": (status.run, ("6.1",), 35),
    "stray-dma": (stray_dma.run, ("6.1",), 80),
    "trim": (trim.run, ("6.1",), 140),
    "twice-raw": (twice.run_raw, ("6.1",), 115),
    "twice-stale": (twice.run_stale, SOME_KERNELS, 115),
    "udev-rules": (udev_rules.run, ("6.1",), 35),
    "watchdog": (watchdog.run, ("6.1",), 90),
}

CONSOLE_LINES_SHOWN = 25


def main():
    parser = argparse.ArgumentParser(description="Runs the virtual machine scenarios.")
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="bin directory of the build")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/vm"))
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--kvm", action="store_true", help="use KVM, if a machine really boots with it")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="scenarios side by side")
    parser.add_argument("--cuts", type=int, help="power cuts of recover-cuts, in place of a few")
    parser.add_argument("--patience", type=float, default=1, help="multiplies every time limit; for a busy host")
    parser.add_argument("filters", nargs="*")
    arguments = parser.parse_args()

    kvm = arguments.kvm and qemu.kvm_works()
    if arguments.kvm and not kvm:
        print("KVM does not work here, emulating", flush=True)
    shutil.rmtree(arguments.work / "plans", ignore_errors=True)
    results = run_all(wanted_scenarios(arguments.filters), arguments, kvm)
    if arguments.results:
        arguments.results.write_text(json.dumps(results))
    return 1 if any(outcome == "failed" for _, outcome, _ in results) else 0


def wanted_scenarios(filters):
    """(title, function, kernel series) of each; the longest first, so that what runs side by side ends together."""
    costs = {(f"{name}-{series}", run, series): cost for name, (run, kernels, cost) in SCENARIOS.items()
             for series in ALL_KERNELS if is_wanted(f"{name}-{series}", series, kernels, filters)}
    return sorted(costs, key=costs.get, reverse=True)


def is_wanted(title, series, kernels, filters):
    if series not in kernels and not any(series in text for text in filters):
        return False
    return not filters or any(text in title for text in filters)


def run_all(wanted, arguments, kvm):
    """Runs scenarios, each in a process of its own; on the way out the machines of all of them are switched off."""
    with concurrent.futures.ProcessPoolExecutor(max(1, arguments.jobs), max_tasks_per_child=1) as pool:
        running = [pool.submit(run_one, *scenario, arguments, kvm) for scenario in wanted]
        try:
            return [future.result() for future in running]
        except BaseException:
            for future in running:
                future.cancel()
            while processes := multiprocessing.active_children():
                for process in processes:
                    process.terminate()
                    process.join()
            raise


def run_one(title, run, series, arguments, kvm):
    """Runs a scenario and tells how it went; returns its title, its outcome and, unless it passed, the reason."""
    work = arguments.work.resolve() / title
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    start = time.monotonic()
    qemu.patience = arguments.patience
    prefix = f"  {title}: " if arguments.jobs > 1 else "  "

    def say(text):
        lines = "".join(f"{prefix}{time.monotonic() - start:5.0f} s  {line}\n" for line in text.splitlines())
        print(lines, end="", flush=True)

    print(f"scenario {title}", flush=True)
    repository = pathlib.Path(__file__).resolve().parents[2]
    context = scenario.Context(repository, arguments.programs.resolve(), work, series, kvm, say, arguments.cuts)
    try:
        run(context)
    except scenario.ScenarioSkipped as reason:
        print(f"skipped {title}: {reason}", flush=True)
        return title, "skipped", str(reason)
    except (qemu.GuestError, scenario.ScenarioFailed) as failure:
        show_console(getattr(failure, "log", None))
        print(f"FAILED {title}: {failure}", flush=True)
        return title, "failed", str(failure)
    except Exception:  # whatever it is, the other scenarios still run
        traceback.print_exc()
        print(f"FAILED {title}: the test itself broke, see above", flush=True)
        return title, "failed", "the test itself broke"
    print(f"passed {title} in {time.monotonic() - start:.0f} s, {processor_seconds():.0f} s of a processor", flush=True)
    return title, "passed", ""


def processor_seconds():
    """Of this process and its children that have ended: what a scenario costs, however busy the host is."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def show_console(log):
    """The end of the guest's console, and where all of it is."""
    if log is None:
        return
    for line in log.read_text(errors="replace").splitlines()[-CONSOLE_LINES_SHOWN:]:
        print(f"    | {line}")
    print(f"    the whole console: {log}")


signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the machines are switched off

if __name__ == "__main__":
    sys.exit(main())
