"""Scenarios: does memory survive a warm reset? Asked of QEMU's two firmwares, and of memory that does not.

QEMU keeps a guest's RAM over its reset, so the verdict depends on the firmware alone. With SeaBIOS the whole way is
gone, from a region in use as memory; then the host writes into the region while the machine starts again, and exactly
these units must be found.
"""

import json
import os

import crash_cycle
import region_memory
from scenario import ScenarioFailed

UNIT = 2 << 20
# Of the region: what the host does to it, and what must be told of it.
CLEARED, FLIPPED, FOREIGN = 5, 9, 20  # units
FLIPPED_AT = FLIPPED * UNIT + 12345
FOREIGN_BYTES = 12288
TEST = "warmdump selftest --retention --reboot --yes"


def run_seabios(context):
    with context.cycle(memory_in_file=True) as cycle:
        plan = cycle.plan()
        cycle.boot()
        cycle.recover()
        before = cycle.memory_total()
        context.say("the region is memory: the test needs two restarts")
        cycle.machine.skip_console()
        cycle.machine.send(TEST)
        cycle.wait_for_next_boot()
        cycle.machine.skip_console()
        cycle.machine.send("warmdump recover")  # writes the pattern, and restarts the machine
        cycle.wait_for_next_boot()
        _check_retained(context, cycle.recover("--no-return"), "bios")
        cycle.machine.run("warmdump selftest --retention --result")

        context.say("the region is raw: one restart, and the host writes into memory")
        cycle.machine.skip_console()
        cycle.machine.send(TEST)
        cycle.machine.wait_for_console(crash_cycle.KERNEL_START, 600)
        with region_memory.RegionMemory(cycle.memory_file, *cycle.region) as memory:
            _damage(memory)
        cycle.machine.wait_ready()
        _check_damage(context, cycle.recover())
        cycle.check_returned(before)
        code, _ = cycle.machine.run("warmdump selftest --retention --result", check=False)
        if code != 1:
            raise ScenarioFailed(f"memory that was changed is shown with exit code {code}, not 1")
        if plan["region"]["size"] < (FOREIGN + 1) * UNIT:
            raise ScenarioFailed("the region is too small for this test")
        cycle.power_off()


def run_ovmf(context):
    with context.cycle(uefi=True) as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover("--no-return")
        cycle.machine.skip_console()
        cycle.machine.send(TEST)
        cycle.wait_for_next_boot()
        _check_retained(context, cycle.recover(), "uefi")
        cycle.power_off()


def _check_retained(context, report, firmware):
    result = _result(report)
    machine = result["machine"]
    context.say(f"{machine.get('firmware_vendor')} {machine.get('firmware_version')}: {result['verdict']}")
    if result["verdict"] != "retained" or result["bit_errors"] != 0 or not result["header_retained"]:
        raise ScenarioFailed(f"memory of the guest was not retained: {result}")
    if machine["firmware"] != firmware or not machine.get("firmware_version") or not machine.get("kernel"):
        raise ScenarioFailed(f"the verdict does not name the machine: {machine}")
    if result["reset"].get("reset_mode") != "warm":
        raise ScenarioFailed(f"the reset was not a warm one: {result['reset']}")


def _damage(memory):
    memory.write(CLEARED * UNIT, bytes(UNIT))
    flipped = memory.read(FLIPPED_AT, 1)[0] ^ 0x40
    memory.write(FLIPPED_AT, bytes([flipped]))
    memory.write(FOREIGN * UNIT, os.urandom(FOREIGN_BYTES))


def _check_damage(context, report):
    result = _result(report)
    found = [(entry["start"] // UNIT, entry["end"] // UNIT, entry["fate"], entry["pages"], entry["bit_errors"])
             for entry in result["ranges"]]
    wanted = [(CLEARED, CLEARED + 1, "cleared", UNIT // 4096, 0), (FLIPPED, FLIPPED + 1, "bit errors", 1, 1),
              (FOREIGN, FOREIGN + 1, "foreign content", FOREIGN_BYTES // 4096, 0)]
    context.say(f"verdict {result['verdict']}, {len(found)} ranges")
    if found != wanted or result["verdict"] != "partly" or result["bit_errors"] != 1:
        raise ScenarioFailed(f"found {found} instead of {wanted}")
    if (result["first_damage"], result["damage_end"]) != (CLEARED * UNIT, FOREIGN * UNIT + FOREIGN_BYTES):
        raise ScenarioFailed(f"damage from {result['first_damage']:#x} to {result['damage_end']:#x}")


def _result(report):
    result = report.get("retention", {}).get("result")
    if not result:
        raise ScenarioFailed(f"recover does not tell of the retention test: {json.dumps(report)}")
    return result
