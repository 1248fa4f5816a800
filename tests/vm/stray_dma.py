"""Scenario: while the crash kernel captures, something writes over what it has written already: frames, and both copies
of the header. The host does it, straight into the machine's memory, as a device does that nobody stopped.

The capture reads everything back in the end and writes the damaged frames again: the dump is whole, and it is told that
something wrote over it.
"""

import json

from region_memory import FRAMES_OFFSET, HEADER_COPY_OFFSET, HEADER_OFFSET, RegionMemory
from scenario import ScenarioFailed

STORED = 4 << 20  # bytes of frames that are there when the writing begins
JUNK = b"\xa5DMA" * 4096  # as large as four pages


def run(context):
    with context.cycle(memory_in_file=True) as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        cycle.load_memory(150)
        cycle.arm()
        context.say("panic; the host writes over frames and headers")
        cycle.crash_until_stored(STORED)
        with RegionMemory(cycle.memory_file, *cycle.region) as memory:
            for offset in (FRAMES_OFFSET + (1 << 20), FRAMES_OFFSET + (2 << 20) + 1000, FRAMES_OFFSET + STORED - 65536,
                           HEADER_OFFSET, HEADER_COPY_OFFSET):
                memory.write(offset, JUNK if offset >= FRAMES_OFFSET else JUNK[:4096])
        cycle.wait_for_next_boot()
        cycle.recover()
        (name,) = cycle.dumps()
        meta = json.loads(cycle.machine.run(f"cat /var/crash/{name}/meta.json")[1])
        cycle.power_off()
    _check(context, meta)


def _check(context, meta):
    context.say(f"recovered: {meta['completeness']}; {meta['region']}")
    damage, region = meta["damage"], meta["region"]
    if not meta["complete"] or damage["header_lost"] or damage["missing_frames"]:
        raise ScenarioFailed(f"the dump is not whole: {meta['completeness']}, {damage}")
    if not region["frames_damaged"] or not region["frames_rewritten"]:
        raise ScenarioFailed(f"nothing tells that frames were written over: {region}")
