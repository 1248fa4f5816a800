"""Scenario: a plan for two NUMA nodes and a plugged memory module is what the kernel makes of it.

The second node has the only room above 4 GiB, the module beyond it must not be used. The machine that `warmdump plan
--save` saves in the guest has the same plan on the host.
"""

import json

from scenario import ScenarioFailed

FIRST_NODE_MIB = 1280  # 1 GiB of it below 4 GiB, so one memory block fits above, and not the two asked for
SECOND_NODE_MIB = 768
SECOND_NODE_START = (4 << 30) + ((FIRST_NODE_MIB - 1024) << 20)
SECOND_NODE_END = SECOND_NODE_START + (SECOND_NODE_MIB << 20)


def run(context):
    with context.cycle(memory_mib=FIRST_NODE_MIB + SECOND_NODE_MIB, second_node_mib=SECOND_NODE_MIB,
                       hotplug_mib=512) as cycle:
        plan = cycle.plan(prepare=_plug_and_save)
        _check_plan(plan)
        saved = cycle.copy_out("/crash/machine", cycle.setup.work / "saved")
        _, text = context.run(context.programs / "warmdump", "plan", "--from", saved, "--size",
                              cycle.setup.region_size, "--json")
        if json.loads(text) != plan:
            raise ScenarioFailed(f"the saved machine {saved} has another plan:\n{text}\nand in the guest:\n"
                                 f"{json.dumps(plan, indent=2)}")
        context.say("booting with the plan")
        cycle.boot()
        _check_region(cycle, plan)
        cycle.recover()
        before = cycle.memory_total()
        cycle.check_returned(before)
        _check_node(cycle, plan)
        again = json.loads(cycle.machine.run("warmdump plan --json 2>/dev/null")[1])
        if not again["active"] or again["region"] != plan["region"] or again["node"] != plan["node"]:
            raise ScenarioFailed(f"planned again with the region in use: {json.dumps(again, indent=2)}")


def _plug_and_save(machine):
    machine.plug_memory()
    machine.run("for i in $(seq 100); do [ $(grep -c '^[^ ].*System RAM$' /proc/iomem) -ge 4 ] && exit 0; sleep 0.2; "
                "done; cat /proc/iomem; exit 1")
    machine.run("warmdump plan --save /var/crash/machine && sync")


def _check_plan(plan):
    start, size = plan["region"]["start"], plan["region"]["size"]
    if plan["node"] != 1 or start < SECOND_NODE_START or start + size > SECOND_NODE_END:
        raise ScenarioFailed(f"the region is not inside the second node: {json.dumps(plan, indent=2)}")
    if not any(place["start"] >= SECOND_NODE_END and place["kind"] in ("added-later", "hot-pluggable")
               for place in plan["refused"]):
        raise ScenarioFailed(f"the plugged module is not refused: {json.dumps(plan['refused'], indent=2)}")


def _check_region(cycle, plan):
    start, size = plan["region"]["start"], plan["region"]["size"]
    lines = cycle.machine.run("grep 'Persistent Memory' /proc/iomem")[1].splitlines()
    wanted = f"{start:08x}-{start + size - 1:08x} : Persistent Memory (legacy)"
    if lines != [wanted]:
        raise ScenarioFailed(f"the kernel made {lines} of the plan, not {wanted}")


def _check_node(cycle, plan):
    for name, _, _ in cycle.region_blocks():
        code, _ = cycle.machine.run(f"test -e /sys/devices/system/memory/{name}/node{plan['node']}", check=False)
        if code != 0:
            raise ScenarioFailed(f"{name} of the region is not on node {plan['node']}")
