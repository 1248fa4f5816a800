"""Scenario: the crash kernel hangs, and the hardware watchdog brings the machine back.

The module of the PMEM driver is replaced by a FIFO, so that loading it never returns: process 1 of the crash kernel is
stuck in the kernel, as with a driver that waits for hardware. Before, the same machine makes a dump with its watchdog
fed, and that watchdog is armed by the running system, so that arm takes it along unasked.
"""

import os
import pathlib
import shutil

import guest_image
from scenario import ScenarioFailed

DEVICES = ("i6300esb",)  # QEMU resets the machine when it fires
TIMEOUT_S = 20


def run(context):
    stuck = context.work / "stuck.cpio"
    _write_stuck_module(stuck)
    with context.cycle(devices=DEVICES, boot_files=(stuck,)) as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        # As a system's watchdog daemon does; long enough for the slowest emulation to reach the crash kernel's capture.
        cycle.machine.run("watchdog -T 300 -t 60 /dev/watchdog0; sleep 1; "
                          "grep -q active /sys/class/watchdog/watchdog0/state")
        context.say("panic with a watchdog that runs")
        cycle.arm()
        crash = cycle.crash()
        if not any("warmdump-capture: watchdog: " in line for line in crash.lines):
            raise ScenarioFailed("the capture did not take the watchdog over")
        cycle.recover()
        if len(cycle.dumps()) != 1:
            raise ScenarioFailed(f"with a watchdog that is fed the spool holds {cycle.dumps() or 'no dump'}")

        context.say("panic with a crash kernel that hangs")
        cycle.arm("--watchdog", str(TIMEOUT_S), "--append-cpio", "/boot/stuck.cpio")
        crash = cycle.crash()
        context.say(f"back after {crash.crash_kernel_s:.0f} s in the crash kernel")
        if any("dump complete" in line or "resetting" in line for line in crash.lines):
            raise ScenarioFailed("the crash kernel did not hang")
        if not any(f"warmdump-capture: watchdog: {TIMEOUT_S} s" in line for line in crash.lines):
            raise ScenarioFailed("the watchdog was not armed")
        cycle.recover()
        if len(cycle.dumps()) != 1:
            raise ScenarioFailed(f"a capture that never began left {cycle.dumps()}")
        cycle.power_off()


def _write_stuck_module(target):
    """The archive for `warmdump arm --append-cpio` in which a module is a FIFO."""
    root = pathlib.Path(f"{target}.root")
    (root / "modules").mkdir(parents=True)
    os.mkfifo(root / "modules/nd_pmem.ko", 0o644)
    guest_image.write_cpio(target, root)
    shutil.rmtree(root)
