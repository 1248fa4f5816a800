"""Scenario: the power of the machine is cut in the middle of the capture, twice; its memory keeps its contents.

QEMU is killed when a random number of bytes has reached the region. The memory lies in a file, so the next machine
starts with it. What was flushed is recovered, byte for byte, and the report names the phase in which the capture died.
"""

import json
import random
import struct

import region_memory
from scenario import ScenarioFailed

SEED = 20240722
CUTS = 2
FIRST_BYTE, LAST_BYTE = 4 << 20, 8 << 20  # of the frames: behind notes and log, before what any such capture ends with
PAGE = 4096
PT_LOAD = 1


def run(context):
    chance = random.Random(SEED)
    with context.cycle(memory_in_file=True) as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        for count in range(1, CUTS + 1):
            cycle.load_memory(100)
            cycle.arm()
            moment = chance.randrange(FIRST_BYTE, LAST_BYTE)
            context.say(f"panic {count}; power cut when {moment >> 10} KiB are stored")
            cycle.crash_until_stored(moment)
            cycle.cut_power()
            _check_bytes(context, cycle)
            cycle.boot()
            cycle.recover(is_partial=True)
            dumps = cycle.dumps()
            if len(dumps) != count:
                raise ScenarioFailed(f"after cut {count} the spool holds {dumps or 'no dump'}")
            _check_report(context, cycle, dumps[-1])
        cycle.power_off()


def _check_bytes(context, cycle):
    """Every page that the region holds is what lies in the machine's memory at that address."""
    region, vmcore = context.work / "region", context.work / "vmcore"
    start, size = cycle.region
    with region_memory.RegionMemory(cycle.memory_file, start, size) as memory:
        region.write_bytes(memory.read(0, size))
    vmcore.unlink(missing_ok=True)
    code, output = context.run(context.programs / "warmdump", "extract", region, "-o", vmcore, "--format", "elf",
                               may_fail=True)
    if code != 3:
        raise ScenarioFailed(f"a dump cut off was extracted with exit code {code}, not 3:\n{output}")
    pages = _compare(vmcore, cycle.memory_file, cycle.crash_memory)
    if pages == 0:
        raise ScenarioFailed("no page of the dump that was cut off could be compared")
    context.say(f"{pages} pages are in the region, and they are the machine's")
    region.unlink()
    vmcore.unlink()


def _compare(vmcore, memory_file, crash_memory):
    """Compares all pages of an ELF core with the machine's memory; returns how many. Left out: what the crash kernel
    runs in, and the first MiB, a part of which it has moved."""
    compared = 0
    with open(vmcore, "rb") as core, open(memory_file, "rb") as memory:
        header = core.read(64)
        table, = struct.unpack_from("<Q", header, 32)
        count, = struct.unpack_from("<H", header, 56)
        if count == 0xFFFF:
            section, = struct.unpack_from("<Q", header, 40)
            core.seek(section + 44)
            count, = struct.unpack("<I", core.read(4))
        core.seek(table)
        programs = core.read(56 * count)
        for number in range(count):
            kind, _, offset, _, address, size = struct.unpack_from("<IIQQQQ", programs, 56 * number)
            if kind != PT_LOAD or address < 1 << 20 or _overlaps(address, size, crash_memory):
                continue
            core.seek(offset)
            memory.seek(region_memory.file_offset(address))
            if core.read(size) != memory.read(size):
                raise ScenarioFailed(f"the dump's pages from {address:#x} on ({size} bytes) are not the machine's")
            compared += size // PAGE
    return compared


def _overlaps(address, size, ranges):
    return any(address < end and start < address + size for start, end in ranges)


def _check_report(context, cycle, name):
    meta = json.loads(cycle.machine.run(f"cat /var/crash/{name}/meta.json")[1])
    region = meta["region"]
    context.say(f"recovered: {meta['completeness']}")
    if meta["complete"] or region["state"] != "writing" or region["phase"] in ("none", "start", "finished"):
        raise ScenarioFailed(f"the report does not tell of a capture that died: {region}")
    if not meta["completeness"].startswith(f"incomplete: the capture died while storing: {region['phase']}"):
        raise ScenarioFailed(f"the report does not name the phase: {meta['completeness']}")
    if meta["pages"]["total"]["data"] == 0:
        raise ScenarioFailed("the recovered dump has no pages")
