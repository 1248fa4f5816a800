"""Scenario: two crashes in a row on one machine, the second one after the recovery of the first.

From a raw region (formatted, never given back) or from one that carries the DAX info block of the running system,
which is the natural state. After each recovery the memory must be what it was.
"""

import re

import reader_sandbox
from scenario import ScenarioFailed

# Of a Debian kernel, modules included; today's are 200 to 230.
CRASH_IMAGE_KIB_MAX = 300


def run_raw(context):
    """The first crash finds a region that has never been RAM."""
    _run(context, raw=True)


def run_stale(context):
    """The first crash finds a region in use as RAM, with a valid DAX info block."""
    _run(context, raw=False)


def _run(context, raw):
    with context.cycle() as cycle:
        plan = cycle.plan()
        cycle.boot()
        cycle.recover("--no-return" if raw else "")
        # What the machine has when its region is back; known before the first recovery for a raw start too.
        before = cycle.memory_total() + (plan["returned_size"] if raw else 0)
        if not raw:
            cycle.check_returned(before)

        for count in (1, 2):
            cycle.load_memory(150)
            _check_image(cycle.arm())
            context.say(f"panic {count}")
            crash = cycle.crash()
            context.say(f"back after {crash.crash_kernel_s:.0f} s in the crash kernel and "
                        f"{crash.to_system_s:.0f} s of boot; recovering")
            reader_sandbox.watch(cycle.machine)
            report = cycle.recover()
            reader_sandbox.check(context, cycle.machine)
            if report["dump"]["authenticity"] != "sealed":
                raise ScenarioFailed(f"the dump does not carry the seal of the boot that crashed: {report['dump']}")
            cycle.check_returned(before)
            dumps = cycle.dumps()
            if len(dumps) != count:
                raise ScenarioFailed(f"after crash {count} the spool holds {dumps or 'no dump'}")
            _check_dump(cycle, dumps[-1], crash)
        cycle.recover()
        if len(cycle.dumps()) != 2:
            raise ScenarioFailed("recover without a new dump made one")
        cycle.power_off()


def _check_image(report):
    """What `warmdump arm` loaded is as small as promised."""
    size = re.search(r"^crash image +([0-9.]+) KiB", report, re.MULTILINE)
    if not size or float(size.group(1)) > CRASH_IMAGE_KIB_MAX:
        raise ScenarioFailed(f"the crash image is larger than {CRASH_IMAGE_KIB_MAX} KiB:\n{report}")


def _check_dump(cycle, name, crash):
    """The dump has its three files, and its kernel log ends with this panic."""
    files = cycle.machine.run(f"ls /var/crash/{name}")[1].split()
    if missing := {"vmcore", "vmcore-dmesg.txt", "meta.json"} - set(files):
        raise ScenarioFailed(f"{name} lacks {', '.join(sorted(missing))}; it holds {' '.join(files)}")
    code, _ = cycle.machine.run(f"grep -qF '{crash.panic}' /var/crash/{name}/vmcore-dmesg.txt", check=False)
    if code != 0:
        raise ScenarioFailed(f"vmcore-dmesg.txt of {name} does not tell of '{crash.panic}'")
