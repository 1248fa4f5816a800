"""Scenario: a machine that is armed twice and gets 64 memory blocks before it crashes.

The secret of a boot stays, a second arming takes the image's base from the cache. The kernel tells the loaded crash
kernel of the new memory, or it is loaded again, at most twice; either way the dump accounts for that memory.
"""

import json
import time

import qemu
from scenario import ScenarioFailed

HOTPLUG_MIB = 8192
BLOCKS = HOTPLUG_MIB // 128
LOADS_MAX = 2

# What the udev rule does, for events that busybox's `uevent` hands on.
RULE = """#!/bin/sh
case $SUBSYSTEM in memory | cpu) ;; *) exit ;; esac
[ -e /run/warmdump/armed ] || exit
[ "$(cat /sys/devices/system/$SUBSYSTEM/crash_hotplug 2> /dev/null)" != 1 ] || exit
echo event >> /tmp/events
touch /run/warmdump/rearm-wanted
setsid warmdump arm --reload --debounce 2 >> /tmp/reloads 2>&1 < /dev/null &
"""


def run(context):
    with context.cycle(hotplug_mib=HOTPLUG_MIB) as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        _arm_twice(context, cycle)
        _add_memory(context, cycle)
        cycle.crash()
        cycle.recover()
        _check_dump(context, cycle)
        cycle.power_off()


def _arm_twice(context, cycle):
    run = cycle.machine.run
    secret = "sed 's/.*\"secret\":\"//; s/\".*//' /var/lib/warmdump/arm/*.json | sha256sum"
    start = time.monotonic()
    first = cycle.arm()
    between = time.monotonic()
    first_secret = run(secret)[1]
    again = time.monotonic()
    second = cycle.arm()
    context.say(f"armed, and again in {100 * (time.monotonic() - again) / (between - start):.0f} % of the time")
    if "from the cache" in first or "from the cache" not in second:
        raise ScenarioFailed(f"only the second arming takes the base from the cache:\n{first}\n{second}")
    if run(secret)[1] != first_secret:
        raise ScenarioFailed("arming a boot again changed its secret")
    mode = run("stat -c %a /var/lib/warmdump/arm /var/lib/warmdump/arm/*.json")[1].split()
    if mode != ["700", "600"]:
        raise ScenarioFailed(f"modes of the record and its directory: {mode}")
    code, text = run("warmdump arm --reload")
    if "up to date" not in text:
        raise ScenarioFailed(f"a reload with nothing to do:\n{text}")


def _add_memory(context, cycle):
    machine = cycle.machine
    run = machine.run
    run("touch /tmp/events /tmp/reloads")
    for line in RULE.splitlines():
        run("printf '%s\\n' " + _quoted(line) + " >> /tmp/rule")
    run("chmod +x /tmp/rule; setsid uevent /tmp/rule < /dev/null > /tmp/uevents 2>&1 &")
    by_itself = run("cat /sys/devices/system/memory/crash_hotplug", check=False)[1].strip() == "1"
    count = "ls -d /sys/devices/system/memory/memory* | wc -l"
    before = int(run(count)[1])
    machine.plug_memory()
    _wait(machine, lambda: int(run(count)[1]) == before + BLOCKS, 120, "all memory blocks to show up")
    run("for state in /sys/devices/system/memory/memory*/state; do grep -q offline $state && echo online > $state; done; "
        "true", timeout=300)
    expected = 0 if by_itself else 2 * BLOCKS  # each is added, and goes online
    ended = "grep -c . /tmp/reloads; true"
    _wait(machine, lambda: int(run(ended)[1]) >= expected, 180, f"{expected} commands to end")
    events = int(run("wc -l < /tmp/events")[1])
    text = run("cat /tmp/reloads")[1]
    loads = text.count("is loaded again")
    context.say(f"{BLOCKS} blocks: {events} events wanted {loads} loads")
    if by_itself and (events or loads):
        raise ScenarioFailed(f"the kernel takes in memory by itself, yet {events} events and {loads} loads")
    if not by_itself and (events < expected or not 1 <= loads <= LOADS_MAX):
        said = "\n".join(f"{text.count(line)} x {line}" for line in sorted(set(text.splitlines())))
        raise ScenarioFailed(f"{events} events made {loads} loads:\n{said}\n{run('ls -l /run/warmdump; ps')[1]}")
    if run("cat /sys/kernel/kexec_crash_loaded")[1].strip() != "1":
        raise ScenarioFailed("no crash kernel is loaded after the memory was added")


def _check_dump(context, cycle):
    names = cycle.dumps()
    if len(names) != 1:
        raise ScenarioFailed(f"the spool holds {names or 'no dump'}")
    meta = json.loads(cycle.machine.run(f"cat /var/crash/{names[0]}/meta.json")[1])
    mib = meta["pages"]["total"]["pages"] >> 8
    context.say(f"the dump accounts for {mib} MiB")
    if mib < HOTPLUG_MIB:
        raise ScenarioFailed(f"the dump accounts for {mib} MiB: not for the memory that was added")
    info = meta["capture_info"]
    wanted = {"boot_id", "armed_at", "kernel_release", "kernel_version", "kernel_build_id", "os_release", "os_id"}
    if missing := wanted - set(info):
        raise ScenarioFailed(f"meta.json does not tell {missing}; it has {sorted(info)}")
    if info["kernel_build_id"] != meta["kernel"]["build_id"]:
        raise ScenarioFailed(f"build ids differ: {info['kernel_build_id']}, {meta['kernel']['build_id']}")
    log = "\n".join(path.read_text(errors="replace") for path in cycle.setup.work.glob("log-cycle*/console*"))
    if "secret" in log:
        raise ScenarioFailed("the console tells of the secret")


def _wait(machine, is_true, timeout, what):
    deadline = time.monotonic() + timeout * qemu.patience
    while not is_true():
        if time.monotonic() > deadline:
            raise qemu.GuestError(f"waited {timeout} s in vain for {what}", machine.log_path)
        time.sleep(1)


def _quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"
