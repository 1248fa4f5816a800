"""Scenario: a Debian machine on which warmdump was installed as README.md says, word for word.

The package is built, installed by apt, set up and booted through GRUB. From then on nobody touches the machine: systemd
starts the units, a panic starts the crash kernel, and after the reset the dump is in /var/crash.
"""

import re
import time

import debian_machine
import package
import readme
from crash_cycle import KERNEL_START
from scenario import ScenarioFailed

BOOT_TIMEOUT = 900  # systemd on an emulated machine whose host is busy
# Of `systemd-analyze security`, times ten: 0 is a unit that can do nothing, 96 one without any sandbox.
# That recovery may become another user and change its root directory is for the process that gives up everything else.
EXPOSURE_MAX = {"warmdump-recover.service": 36, "warmdump-arm.service": 30, "warmdump-upload.service": 13}
MEMORY_DIFFERENCE_KIB_MAX = 1024  # no two boots are quite the same; a missing block would be 128 MiB


def run(context):
    archive = package.build(context)
    context.say("making the machine's disk")
    root = package.root_archive(context, archive)
    where_built = f"/root/build/release/{archive.name}"  # of README.md, typed in /root
    machine = debian_machine.make(context.work / "machine", root, [(archive, where_built)], context.kvm)

    context.say("first boot, to install")
    with machine.first_boot() as guest:
        wait_until_up(guest)
        guest.run("grub-install /dev/vda && update-grub", timeout=BOOT_TIMEOUT)
        install(context, guest)
    context.say("boot by GRUB, with the region")
    with machine.boot() as guest:
        wait_until_up(guest)
        memory = check_system(context, guest)
        check_sandboxes(context, guest)
        check_rearming(context, guest)
        crash(context, guest)
        wait_until_up(guest)
        check_dump(context, guest)
        if abs((now := check_system(context, guest)) - memory) > MEMORY_DIFFERENCE_KIB_MAX:
            raise ScenarioFailed(f"MemTotal was {memory} kB, after the crash it is {now} kB")
        guest.power_off(command="poweroff", timeout=BOOT_TIMEOUT)


def install(context, guest):
    """The installation of README.md, up to its reboot."""
    for command in readme.commands(context.repository, "install"):
        context.say(command)
        if command == "reboot":
            guest.power_off(command=command, timeout=BOOT_TIMEOUT)
            return
        guest.run(command, timeout=BOOT_TIMEOUT)
    raise ScenarioFailed("the installation in README.md does not end with a reboot")


def wait_until_up(guest):
    """Waits until the boot is over, and demands that no unit failed."""
    guest.wait_ready(timeout=BOOT_TIMEOUT)
    code, state = guest.run("systemctl is-system-running --wait", timeout=BOOT_TIMEOUT, check=False)
    if code != 0:
        _, failed = guest.run("systemctl --failed --no-legend --plain; journalctl -b -p err --no-pager", check=False)
        raise ScenarioFailed(f"the system is {state.strip()}:\n{failed}")


def check_system(context, guest):
    """Both units have done their work at this boot; returns MemTotal in kB."""
    for unit in EXPOSURE_MAX:
        _, text = guest.run(f"systemctl show {unit} -p ActiveState -p Result -p ExecMainStatus -p UnitFileState "
                            "-p ExecMainStartTimestampMonotonic -p ExecMainExitTimestampMonotonic")
        shown = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        _, journal = guest.run(f"journalctl -b -u {unit} --no-pager -o cat")
        # The others remain, so that they run once a boot; this one runs again and again.
        state = "inactive" if unit == "warmdump-upload.service" else "active"
        wanted = {"ActiveState": state, "Result": "success", "ExecMainStatus": "0", "UnitFileState": "enabled"}
        if wrong := {name: shown.get(name) for name, value in wanted.items() if shown.get(name) != value}:
            raise ScenarioFailed(f"{unit} has {wrong}; its journal:\n{journal}")
        start, end = (int(shown[f"ExecMain{which}TimestampMonotonic"]) / 1e6 for which in ("Start", "Exit"))
        context.say(f"{unit} ran from {start:.1f} to {end:.1f} s")
        if re.search("warning:", journal):
            raise ScenarioFailed(f"{unit} warns:\n{journal}")
    _, loaded = guest.run("cat /sys/kernel/kexec_crash_loaded")
    if loaded.strip() != "1":
        raise ScenarioFailed("no crash kernel is loaded")
    _, zones = guest.run("for block in $(grep -l Movable /sys/devices/system/memory/memory*/valid_zones); do "
                         "cat ${block%/*}/state; done | sort | uniq -c")
    if not re.fullmatch(r"\s*[1-9]\d* online\s*", zones):
        raise ScenarioFailed(f"the region is not back as movable memory; its blocks: {zones.strip() or 'none'}")
    _, total = guest.run("sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo")
    return int(total)


def check_sandboxes(context, guest):
    for unit, limit in EXPOSURE_MAX.items():
        code, text = guest.run(f"systemd-analyze security --no-pager --threshold={limit} {unit}", check=False)
        overall = next((line for line in text.splitlines() if "exposure level" in line), text)
        context.say(overall.strip("→ "))
        if code != 0:
            raise ScenarioFailed(f"{unit} is more open than {limit / 10}:\n{text}")


def check_rearming(context, guest):
    """A processor goes and comes back: udev, the path unit and the reload see to it, and the machine stays armed."""
    guest.run("for online in 0 1; do echo $online > /sys/devices/system/cpu/cpu1/online; sleep 1; done")
    guest.run("for i in $(seq 300); do "
              "systemctl show warmdump-rearm.service -p ExecMainExitTimestampMonotonic | grep -q '=[1-9]' && "
              "[ ! -e /run/warmdump/rearm-wanted ] && ! systemctl -q is-active warmdump-rearm.service && exit 0; "
              "sleep 1; done; systemctl status warmdump-rearm.path warmdump-rearm.service; exit 1", timeout=600)
    _, journal = guest.run("journalctl -b -u warmdump-rearm.service -u warmdump-arm.service --no-pager -o cat | tail -n 5")
    context.say("after a processor went and came: " + journal.strip().splitlines()[-1])
    code, _ = guest.run("systemctl -q is-failed 'warmdump-*' || [ $(cat /sys/kernel/kexec_crash_loaded) != 1 ]", check=False)
    if code == 0:
        raise ScenarioFailed(f"a processor that went and came disarmed the machine; journal:\n{journal}")


def crash(context, guest):
    """The panic of README.md; returns when the next kernel has started."""
    guest.skip_console()
    *setup, panic = readme.commands(context.repository, "crash")
    for command in setup:
        guest.run(command)
    context.say(panic)
    started = time.monotonic()
    guest.send(panic)
    guest.wait_for_console(KERNEL_START, BOOT_TIMEOUT)
    guest.wait_for_console(KERNEL_START, BOOT_TIMEOUT)
    context.say(f"the next kernel starts after {time.monotonic() - started:.0f} s")


def check_dump(context, guest):
    """Exactly one dump, complete, with this panic; and what README.md types then works."""
    _, names = guest.run("ls /var/crash")
    if len(names.split()) != 1:
        raise ScenarioFailed(f"/var/crash holds {names.split() or 'nothing'}, expected one dump")
    directory = f"/var/crash/{names.strip()}"
    _, files = guest.run(f"ls {directory}")
    if missing := {"vmcore", "vmcore-dmesg.txt", "meta.json"} - set(files.split()):
        raise ScenarioFailed(f"{directory} lacks {', '.join(sorted(missing))}")
    guest.run(f"grep -q 'Kernel panic - not syncing: sysrq triggered crash' {directory}/vmcore-dmesg.txt")
    for command in readme.commands(context.repository, "after the crash"):
        context.say(command)
        _, shown = guest.run(command)
    if "complete" not in shown:
        raise ScenarioFailed(f"the dump is not complete:\n{shown}")
