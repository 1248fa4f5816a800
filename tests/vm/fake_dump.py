"""Scenario: dumps that the crash kernel did not make. None is taken; each is refused, said and wiped.

A process of an ordinary user fills all memory it gets with a dump that is perfect but for the seal, one at every place
where the frames of a dump can begin; the machine panics without a crash kernel and comes back with its memory. Then the
host stands for somebody who can write anywhere: headers damaged, whole fakes with a header, and a genuine dump of an
earlier crash put back. In the end a genuine crash is taken as ever.
"""

import json
import os

import crash_cycle
import region_memory
from scenario import ScenarioFailed

RECIPE = "tests/recipes/linux_6_1.recipe"
USER = 1000
SPARE_MIB = 160
REGION_FILE_SIZE = 64 << 20
HEADER_SIZE = 4096
UNKNOWN_BOOT = "deadbeef-0000-4000-8000-000000000001"
FRAME_MAGIC_SIZE = 4


class Fake:
    """A dump that the real capture made of a machine that never was: frames, and the header before them."""

    def __init__(self, context, name, boot_id=None):
        vmcore, region = context.work / "fake-vmcore", context.work / f"fake-{name}"
        if not vmcore.exists():
            context.run(context.programs / "make_vmcore", context.repository / RECIPE, "-o", vmcore)
        secrets = []
        if boot_id:
            file = context.work / "secrets"
            file.write_text(f"secret={os.urandom(32).hex()}\nboot_id={boot_id}\n")
            secrets = ["--settings", file]
        with open(region, "wb") as output:
            output.truncate(REGION_FILE_SIZE)
        context.run(context.programs / "warmdump-capture", "--vmcore", vmcore, "--region", region, *secrets)
        content = region.read_bytes()
        region.unlink()
        self.header = content[region_memory.HEADER_OFFSET:][:HEADER_SIZE]
        self.frames = content[region_memory.FRAMES_OFFSET:].rstrip(b"\0")
        self.frames += bytes(-len(self.frames) % 4096)

    def write(self, memory, with_header=True):
        """Puts it into a region, from outside."""
        if with_header:
            memory.write(region_memory.HEADER_OFFSET, self.header)
            memory.write(region_memory.HEADER_COPY_OFFSET, self.header)
        memory.write(region_memory.FRAMES_OFFSET, self.frames)


def run(context):
    unsealed = Fake(context, "unsealed")
    context.say(f"a fake of {len(unsealed.frames) >> 10} KiB")

    def fill_disk(directory):
        (directory / "fake").write_bytes(unsealed.frames)

    with context.cycle(memory_in_file=True, fill_disk=fill_disk, more_programs=("plant_memory",)) as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        cycle.arm()
        context.say("a genuine crash; the host copies its dump before it is recovered")
        cycle.crash()
        genuine = _region_bytes(cycle)
        report = cycle.recover()
        _expect(report["dump"]["outcome"] == "extracted" and report["dump"]["authenticity"] == "sealed", report)
        cycle.machine.run("rm -rf /var/crash/*; sync")  # as after an upload

        _plant(context, cycle)
        _crash_without_capture(context, cycle)
        with region_memory.RegionMemory(cycle.memory_file, *cycle.region) as memory:
            _check_planted(context, memory, unsealed)
            _refused(context, cycle, memory, "planted", unsealed)

            def damage_headers():
                for offset in (region_memory.HEADER_OFFSET, region_memory.HEADER_COPY_OFFSET):
                    memory.write(offset + 40, os.urandom(16))

            context.say("headers damaged, and the fake's frames")
            unsealed.write(memory, with_header=False)
            damage_headers()
            _refused(context, cycle, memory, "unsealed", unsealed)
            context.say("the whole fake, with its header")
            unsealed.write(memory)
            _refused(context, cycle, memory, "unsealed", unsealed)
            context.say("the same with a made-up boot and made-up seals")
            other = Fake(context, "unknown", UNKNOWN_BOOT)
            other.write(memory)
            _refused(context, cycle, memory, "unknown boot", other)
            context.say("the same with the boot that was armed, and made-up seals")
            forged = Fake(context, "forged", cycle.armed_boot)
            forged.write(memory)
            _refused(context, cycle, memory, "forged", forged)
            context.say("the genuine dump of the first crash, put back")
            memory.write(0, genuine)
            _refused(context, cycle, memory, "replayed", None, dump_id=genuine[region_memory.HEADER_OFFSET + 56:][:8])

        context.say("and a genuine crash again")
        cycle.recover()
        cycle.arm()
        cycle.crash()
        report = cycle.recover()
        _expect(report["dump"]["outcome"] == "extracted" and report["dump"]["authenticity"] == "sealed", report)
        _expect(len(cycle.dumps()) == 1, cycle.dumps())
        cycle.power_off()


def _region_bytes(cycle):
    with region_memory.RegionMemory(cycle.memory_file, *cycle.region) as memory:
        return memory.read(0, memory.size)


def _plant(context, cycle):
    run = cycle.machine.run
    cycle.arm()  # so that there is a record of this boot, as on any machine
    cycle.armed_boot = run("cat /proc/sys/kernel/random/boot_id")[1].strip()
    run("warmdump disarm")
    run("echo madvise > /sys/kernel/mm/transparent_hugepage/enabled; chmod 755 /disk; chmod 644 /disk/fake")
    run("echo 3 > /proc/sys/vm/drop_caches; echo 1 > /proc/sys/vm/compact_memory")  # luck that a real one would wait for
    run(f"plant_memory /disk/fake {USER} {SPARE_MIB} > /tmp/planted 2>&1 < /dev/null &")
    said = run("for i in $(seq 600); do grep -q planted /tmp/planted && break; sleep 0.2; done; cat /tmp/planted",
               timeout=200)[1]
    context.say(said.strip())
    _expect(f"as user {USER}" in said, said)


def _crash_without_capture(context, cycle):
    context.say("panic without a crash kernel")
    machine = cycle.machine
    machine.run("cat /sys/kernel/kexec_crash_loaded | grep -q 0; echo 1 > /proc/sys/kernel/panic; sync")
    machine.skip_console()
    machine.send(crash_cycle.PANIC)
    machine.wait_for_console(r"Kernel panic - not syncing", 60)
    cycle.wait_for_next_boot()


def _check_planted(context, memory, fake):
    """The fake really lies where a dump begins, or the test would show nothing."""
    first = memory.read(region_memory.FRAMES_OFFSET, len(fake.frames))
    everywhere = sum(memory.read(offset, len(fake.frames)) == fake.frames
                     for offset in range(region_memory.FRAMES_OFFSET, memory.size, 2 << 20))
    context.say(f"after the reset {everywhere} whole copies of the fake lie in the region")
    _expect(everywhere > 0, "the process got no memory of the region: nothing is tried")
    if first != fake.frames:
        context.say("none of them at its start: the host puts one there, as more luck would have")
        memory.write(region_memory.FRAMES_OFFSET, fake.frames)


def _refused(context, cycle, memory, refusal, fake, dump_id=None):
    """Recovery refuses what lies there, says why, wipes it, keeps nothing."""
    _, shown = cycle.machine.run("warmdump show /dev/pmem0", check=False)
    code, text = cycle.machine.run("warmdump recover --json --no-return", timeout=300, check=False)
    report = json.loads(text[text.index("{"):text.rindex("}") + 1])
    dump = report.get("dump", {})
    context.say(f"recover: {dump.get('outcome')}, {dump.get('refusal')}; exit code {code}; show: "
                f"{shown.splitlines()[0] if shown else ''}")
    _expect(code == 3 and dump.get("outcome") == "refused" and dump.get("refusal") == refusal, report)
    _expect(dump.get("wiped") and "REFUSED" in text, text)
    _expect(not cycle.dumps(), cycle.dumps())
    content = memory.read(0, memory.size)
    kept = (region_memory.HEADER_OFFSET, region_memory.HEADER_COPY_OFFSET)
    position = 0
    for offset in (*kept, memory.size):
        _expect(not content[position:offset].strip(b"\0"), f"bytes are left before region offset {offset:#x}")
        position = offset + HEADER_SIZE
    marks = [dump_id] if fake is None else [fake.header[56:64], fake.frames[:FRAME_MAGIC_SIZE]]
    _expect(not any(mark in content for mark in marks), "a mark of the fake is left in the region")


def _expect(holds, what):
    if not holds:
        raise ScenarioFailed(f"not as expected: {what}")
