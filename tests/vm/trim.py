"""Scenario: a crashkernel= far larger than needed is trimmed by what a crash was measured to use.

Without a measurement `warmdump arm --trim` refuses. After a crash with all of the reservation it gives the rest back,
loaded or not, which MemTotal shows; and a crash in what is left is captured like the first, by a busy machine.
"""

import json
import re

from scenario import ScenarioFailed

RESERVED_MIB = 256
MIB = 1 << 20
# The smallest that works is 76 MiB (docs/ARCHITECTURE.md); what --trim leaves has room above that, but not much.
TRIMMED_MIB = (76, 110)


def run(context):
    with context.cycle(memory_mib=2048) as cycle:
        cycle.plan()
        cycle.boot(crashkernel=f"{RESERVED_MIB}M")
        cycle.recover()
        _check_refusal(cycle)

        cycle.arm()
        context.say("the first crash, with all of the reservation")
        cycle.crash()
        cycle.recover()
        measured = _measured(cycle)
        context.say(f"the crash kernel used {(measured['given'] - measured['free_min']) / MIB:.1f} MiB of "
                    f"{measured['given'] / MIB:.0f}")
        if measured["given"] != RESERVED_MIB * MIB:
            raise ScenarioFailed(f"measured with another reservation than {RESERVED_MIB} MiB: {measured}")

        cycle.arm()  # a loaded crash kernel must not be in the way
        before, reserved_before = cycle.memory_total(), _reserved(cycle)
        report = cycle.arm("--trim")
        reserved, gained = _reserved(cycle), cycle.memory_total() - before
        context.say(f"crashkernel= {reserved_before // MIB} MiB before, {reserved // MIB} MiB now; "
                    f"MemTotal {gained / MIB:.1f} MiB larger")
        if not TRIMMED_MIB[0] * MIB <= reserved <= TRIMMED_MIB[1] * MIB:
            raise ScenarioFailed(f"trimmed to {reserved} bytes:\n{report}")
        if abs(gained - (reserved_before - reserved)) > MIB:
            raise ScenarioFailed(f"{reserved_before - reserved} bytes given back, MemTotal grew by {gained}")
        if cycle.machine.run("cat /sys/kernel/kexec_crash_loaded")[1].strip() != "1":
            raise ScenarioFailed("no crash kernel is loaded after trimming")
        if "trimmed       nothing" not in cycle.arm("--trim") or _reserved(cycle) != reserved:
            raise ScenarioFailed("trimming again gave something back")

        cycle.load_memory(300, 30000)
        crash = cycle.crash()
        report = cycle.recover()
        if not report["dump"]["complete"]:
            raise ScenarioFailed(f"the dump in the trimmed reservation: {report['dump']}\n" + "\n".join(crash.lines[-20:]))
        meta = json.loads(cycle.machine.run(f"cat /var/crash/{cycle.dumps()[-1]}/meta.json")[1])
        if meta["capture_info"]["crash_memory"] != str(reserved):
            raise ScenarioFailed(f"the dump tells {meta['capture_info']}, {reserved} bytes were reserved")
        context.say(f"captured in {reserved // MIB} MiB, "
                    f"{meta['region']['crash_kernel_memory_free_min'] / MIB:.1f} MiB of it free at the least")
        cycle.power_off()


def _reserved(cycle):
    return int(cycle.machine.run("cat /sys/kernel/kexec_crash_size")[1])


def _measured(cycle):
    return json.loads(cycle.machine.run("cat /var/lib/warmdump/measured.json")[1])


def _check_refusal(cycle):
    code, text = cycle.machine.run("warmdump arm --trim", check=False)
    if code == 0 or not re.search("never measured", text):
        raise ScenarioFailed(f"trimming without a measurement ended with {code}:\n{text}")
    if _reserved(cycle) != RESERVED_MIB * MIB:
        raise ScenarioFailed("a refused trim has changed the reservation")
