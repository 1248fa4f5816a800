"""Scenario: `warmdump plan --estimate` beside the dump that the machine then leaves.

Twice on one machine: as it has booted, and busy with files, processes and kernel objects. Both times the bytes stored in
the region must be what was estimated just before, without the factor for growth; and so must the pages of each class.
Where the kernel shows no page (lockdown), the estimate has to come from usual ratios and say so.
"""

import json

from scenario import ScenarioFailed

OFF_BY_MAX = 0.30
# Of a class: between the estimate and the crash the system goes on.
PAGES_OFF_BY_MAX = 0.15
PAGES_IGNORED = 4000


def run(context):
    with context.cycle(memory_mib=2560) as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        for load in ("idle", "busy"):
            if load == "busy":
                cycle.load_memory(400, 60000)
            cycle.arm()
            _forget_freed_pages(cycle)
            estimate = json.loads(cycle.machine.run("warmdump plan --estimate --json 2>/dev/null", timeout=300)[1])
            _check_estimate(estimate)
            cycle.crash()
            cycle.recover()
            meta = json.loads(cycle.machine.run(f"cat /var/crash/{cycle.dumps()[-1]}/meta.json")[1])
            _compare(context, load, estimate, meta)
        _check_locked_down(context, cycle)
        cycle.power_off()


def _forget_freed_pages(cycle):
    """Each processor keeps some free pages, which look used, with what was in them: here the megabytes of the kernel image
    that arming has just read. Whether they are still there when the machine crashes is chance, so they become zeros. And
    few: newer kernels let a processor keep an eighth of the memory, and count it as used until it is given back."""
    few = "/proc/sys/vm/percpu_pagelist_high_fraction"
    cycle.machine.run(f"[ ! -e {few} ] || echo 1000000 > {few}")
    for processor in (1, 2):
        cycle.machine.run(f"taskset {processor} dd if=/dev/zero of=/dev/null bs=96M count=1")


def _check_locked_down(context, cycle):
    run = cycle.machine.run
    measured = json.loads(run("warmdump plan --estimate --json 2>/dev/null", timeout=300)[1])
    run("mount -t securityfs securityfs /sys/kernel/security; echo confidentiality > /sys/kernel/security/lockdown")
    guessed = json.loads(run("warmdump plan --estimate --json 2>/dev/null", timeout=300)[1])
    context.say(f"locked down: {guessed['bytes'] / 1e6:.1f} MB, measured {measured['bytes'] / 1e6:.1f} MB; "
                f"{guessed['why_unmeasured']}")
    if "/proc/kcore" not in guessed["why_unmeasured"] or any(part.get("measured") for part in guessed["classes"]):
        raise ScenarioFailed(f"a locked down kernel showed its pages: {guessed}")
    if guessed["bytes"] < measured["bytes"] / 2:
        raise ScenarioFailed(f"usual ratios give {guessed['bytes']} bytes, measured are {measured['bytes']}")


def _check_estimate(estimate):
    if estimate["why_unmeasured"]:
        raise ScenarioFailed(f"no page was compressed: {estimate['why_unmeasured']}")
    if estimate["pages_read"] != estimate["pages"]:
        raise ScenarioFailed(f"a small machine was not looked at as a whole: {estimate}")
    if estimate["region_size"] < estimate["growth_factor"] * estimate["bytes"]:
        raise ScenarioFailed(f"the region recommended is too small: {estimate}")


def _compare(context, load, estimate, meta):
    stored = meta["bytes_stored"]
    ratio = estimate["bytes"] / stored
    context.say(f"{load}: estimated {estimate['bytes'] / 1e6:.1f} +- {2 * estimate['standard_error'] / 1e6:.1f} MB, "
                f"stored {stored / 1e6:.1f} MB, {ratio:.2f}x; region {estimate['region_size'] >> 20} MiB")
    told = {part["class"].replace(" ", "_"): part["pages"] for part in estimate["classes"]}
    real = {name: counts["pages"] for name, counts in meta["pages"]["classes"].items()}
    context.say("  " + ", ".join(f"{name} {told.get(name, 0)}/{count}" for name, count in real.items() if count))
    if not 1 - OFF_BY_MAX <= ratio <= 1 + OFF_BY_MAX:
        raise ScenarioFailed(f"{load}: {estimate['bytes']} bytes estimated, {stored} stored; {estimate}")
    # Struct pages cannot be told from what else is in use by the kernel.
    groups = {name: (name,) for name in ("free", "user", "hugetlb", "slab")}
    groups["cache"] = ("cache", "private_cache")
    groups["kernel"] = ("kernel", "struct_page", "struct_pages", "page_table", "page_tables", "kernel_image", "unknown")
    for group, names in groups.items():
        expected = sum(told.get(name, 0) for name in names)
        found = sum(real.get(name, 0) for name in names)
        if abs(expected - found) > max(PAGES_IGNORED, PAGES_OFF_BY_MAX * found):
            raise ScenarioFailed(f"{load}: {expected} pages of {group} estimated, the dump has {found}")
