"""Scenario: a kernel that is locked down after it was armed, as far as that goes without Secure Boot.

The keys by which Debian's kernels are signed come to the kernel from UEFI, so here a locked-down kernel trusts no image:
arming is refused with the reason, and what is loaded stays loaded and captures the crash.
"""

import re

from scenario import ScenarioFailed

REASON = r"locked down \(integrity, .*no signature by a key that it trusts"


def run(context):
    with context.cycle() as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        cycle.arm()
        run = cycle.machine.run
        run("mount -t securityfs securityfs /sys/kernel/security && echo integrity > /sys/kernel/security/lockdown")
        # A changed byte in the middle of the compressed kernel; its headers are whole.
        run("cp /boot/vmlinuz-* /tmp/changed && "
            "printf X | dd of=/tmp/changed bs=1 seek=$(( $(stat -c %s /tmp/changed) / 2 )) conv=notrunc")
        for options in ("--kernel /tmp/changed", ""):
            code, text = run(f"warmdump arm {options}", check=False)
            context.say(text.strip().splitlines()[-1])
            if code != 1 or not re.search(REASON, text) or "still in place" not in text:
                raise ScenarioFailed(f"arm {options}: exit code {code}, and not the reason:\n{text}")
            if run("cat /sys/kernel/kexec_crash_loaded")[1].strip() != "1":
                raise ScenarioFailed("a refused image has cost the one that was loaded")
        cycle.crash()
        cycle.recover()
        if len(cycle.dumps()) != 1:
            raise ScenarioFailed("a crash under lockdown left no dump")
        cycle.power_off()
