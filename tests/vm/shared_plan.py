"""What `warmdump plan` says of a machine, asked once for all scenarios of a run that have such a machine: it takes a boot.

A plan depends on the machine and its kernel alone. That it fits is not taken for granted: arming proves it in every scenario.
"""

import fcntl
import hashlib
import json


def get(setup, ask):
    """The plan for the machine of a crash_cycle.Setup; ask() asks it. Scenarios that run at the same time wait for the one
    that asks."""
    machine = (setup.kernel.release, setup.memory_mib, setup.low_memory_mib, setup.second_node_mib, setup.hotplug_mib,
               setup.kernel_options, setup.uefi, setup.devices, setup.balloon, setup.kvm, setup.diskless, setup.region_size)
    setup.shared_plans.mkdir(parents=True, exist_ok=True)
    path = setup.shared_plans / f"{hashlib.sha256(repr(machine).encode()).hexdigest()[:16]}.json"
    with open(path, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if text := file.read():
            return json.loads(text)
        plan = ask()
        json.dump(plan, file)
        return plan
