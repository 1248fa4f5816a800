"""Scenario: where kernels really put the crash kernel's memory, beside what `warmdump plan --crashkernel` says.

One boot a case, no crash. In the booted guest warmdump evaluates the very options it was booted with, for the map it
sees; /proc/iomem is the judge.
"""

import dataclasses
import json
import re

from scenario import ScenarioFailed

MIB = 1 << 20
REGION = "memmap=130M!0x107e00000"
# Less than this above a place that the kernel searched for may be taken by early boot, which no map shows.
EARLY_BOOT = 2 * MIB


@dataclasses.dataclass
class Case:
    """`sizes`: of the reservations that some kernel makes; () where it may make none."""

    name: str
    options: str
    sizes: tuple


# To add one: options in which kernels differ, or a rule that no case has yet. The guest has 1 GiB below 4 GiB and
# 512 MiB above, less the region.
CASES = (
    # RAM is a little less than the border: kernels that round it up to 128 MiB take the second range.
    Case("ranges", "crashkernel=0-1408M:64M,1408M-:80M@0x10000000", ((64 * MIB,), (80 * MIB,))),
    # A multiple of 1 MiB, not of 16 MiB.
    Case("offset", "crashkernel=64M@0x10100000", ((64 * MIB,), ())),
    Case("high", "crashkernel=80M,high crashkernel=48M,low", ((48 * MIB, 80 * MIB),)),
    Case("two", "crashkernel=256M,high crashkernel=64M crashkernel=112M crashkernel=32M,low", ((112 * MIB,),)),
    # A kernel that does not know ,cma takes it for the option to use, and then cannot read it.
    Case("cma", "crashkernel=64M crashkernel=32M,cma", ((64 * MIB,), ())),
    Case("region", "crashkernel=64M@0x108000000", ((),)),
)


def run(context):
    """Boots every case and compares."""
    with context.cycle() as cycle:
        for case in CASES:
            # Without randomisation the kernel's image keeps off the offsets. With one processor the kernel does not
            # patch code that another one runs, which an emulated machine on a busy host does not always survive.
            cycle.boot_with(f"nokaslr nr_cpus=1 {REGION} {case.options}", case.name)
            _check(context, cycle.machine, case)
            cycle.power_off()


def _check(context, machine, case):
    iomem = machine.run("cat /proc/iomem")[1]
    places = [(int(start, 16), int(end, 16) + 1 - int(start, 16))
              for start, end in re.findall(r"([0-9a-f]+)-([0-9a-f]+) : Crash kernel", iomem)]
    code, text = machine.run(f"warmdump plan --json --crashkernel '{case.options}'", check=False)
    if code not in (0, 1):
        raise ScenarioFailed(f"{case.options}: warmdump plan ended with exit code {code}:\n{text}")
    said = json.loads(text)
    expected = [place for place in (said["low"], said["place"]) if place]
    context.say(f"{case.options}: {_text(places)}; said {_text([(p['start'], p['size']) for p in expected])}")

    if tuple(size for _, size in places) not in case.sizes:
        raise ScenarioFailed(f"{case.options}: the kernel reserved {_text(places)}:\n{iomem}")
    if len(expected) != len(places):
        raise ScenarioFailed(f"{case.options}: the kernel reserved {_text(places)}, warmdump says\n{text}")
    if [(p["start"], p["size"]) for p in said["present"]] != places:
        raise ScenarioFailed(f"{case.options}: not the lines of /proc/iomem:\n{text}\n{iomem}")
    either_size = any("just below the border" in warning for warning in said["warnings"])
    for place, (start, size) in zip(expected, places):
        sure = said["fixed"] or said["slack"] >= EARLY_BOOT or place is said["low"]
        near = place["start"] >= start and (place["start"] - start) % (16 * MIB) == 0 and _zone(start) == place["zone"]
        if (size != place["size"] and not either_size) or (start != place["start"] if sure else not near):
            raise ScenarioFailed(f"{case.options}: the kernel reserved {_text(places)}, warmdump says\n{text}\n{iomem}")


def _zone(address):
    return "DMA" if address < 16 * MIB else "DMA32" if address < 1 << 32 else "Normal"


def _text(places):
    return ", ".join(f"{size // MIB}M at {start:#x}" for start, size in places) or "nothing"
