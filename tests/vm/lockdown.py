"""Scenario: a kernel that is locked down, as with Secure Boot: the distribution's signed kernel is loaded and a crash
captured; a kernel image whose signature does not hold is refused, and what that has done is said."""

import re

from scenario import ScenarioFailed


def run(context):
    with context.cycle(kernel_options="lockdown=integrity") as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        run = cycle.machine.run
        run("mount -t securityfs securityfs /sys/kernel/security")
        state = run("cat /sys/kernel/security/lockdown")[1]
        if "[integrity]" not in state:
            raise ScenarioFailed(f"the kernel is not locked down: {state}")
        cycle.arm()
        # A changed byte in the middle of the compressed kernel; its headers are whole.
        run("cp /boot/vmlinuz-* /tmp/changed && "
            "printf X | dd of=/tmp/changed bs=1 seek=$(( $(stat -c %s /tmp/changed) / 2 )) conv=notrunc")
        code, text = run("warmdump arm --kernel /tmp/changed", check=False)
        context.say(text.strip().splitlines()[-1])
        if code != 1 or not re.search(r"locked down \(integrity.*no signature that it trusts", text):
            raise ScenarioFailed(f"a changed kernel image: exit code {code}, and not the reason:\n{text}")
        is_loaded = run("cat /sys/kernel/kexec_crash_loaded")[1].strip() == "1"
        if ("still in place" if is_loaded else "is gone") not in text:
            raise ScenarioFailed(f"loaded is {is_loaded}, which was not said:\n{text}")
        cycle.arm()
        cycle.crash()
        cycle.recover()
        if len(cycle.dumps()) != 1:
            raise ScenarioFailed("a crash under lockdown left no dump")
        cycle.power_off()
