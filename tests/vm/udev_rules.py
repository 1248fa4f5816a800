"""Scenario: udev's scanners stay off the region, and off nothing else; and udev tells when memory came or went.

A real udev with Debian's rules, those of mdadm and LVM among them, runs in the guest. At the end of the region, where
the running system had memory of programs, lies what looks like a member of a RAID. On a disk that is not ours udev finds
it; on the region it does not look.
"""

import base64
import struct

import debian_chroot
from scenario import ScenarioFailed

ROOT = "/disk/debian"  # in the guest
MASK = f"{ROOT}/etc/udev/rules.d/59-warmdump-region.rules"  # goes before the rule of that name
FOUND = "ID_FS_TYPE=linux_raid_member"
FLAGS = ("UDEV_DISABLE_PERSISTENT_STORAGE_RULES_FLAG=1", "DM_UDEV_DISABLE_OTHER_RULES_FLAG=1", "SYSTEMD_READY=0",
         "UDISKS_IGNORE=1")


def run(context):
    def fill_disk(content):
        root = debian_chroot.DebianChroot(context, content / "debian")
        prefix = root.install_warmdump()
        rules = sorted(path.name for path in (root.directory / prefix / "lib/udev/rules.d").glob("*-warmdump-*.rules"))
        if len(rules) != 2:
            raise ScenarioFailed(f"installed rules: {rules}")
        if "verify" in root.run("udevadm", "--help"):  # since systemd 254
            root.run("udevadm", "verify", "--resolve-names=never", *(f"/{prefix}/lib/udev/rules.d/{name}" for name in rules))
        root.drop("usr/share/doc", "usr/share/locale", "usr/share/man", "usr/share/zoneinfo", "var/lib/apt", "var/cache")

    with context.cycle(fill_disk=fill_disk, disk_mib=1536) as cycle:
        cycle.plan()
        cycle.boot()
        _start_udev(cycle.machine)
        context.say("a disk that is not ours")
        _plant_member(cycle)
        properties = _properties(cycle.machine)
        if FOUND not in properties or any(flag in properties for flag in FLAGS):
            raise ScenarioFailed(f"a disk without our header is not treated as usual:\n{properties}")

        context.say("the region")
        cycle.recover("--no-return")
        _plant_member(cycle)
        properties = _properties(cycle.machine)
        missing = [flag for flag in FLAGS if flag not in properties]
        if FOUND in properties or missing or "DEVLINKS=" in properties:
            raise ScenarioFailed(f"udev looked at the region, or flags are missing ({missing}):\n{properties}")
        log = cycle.machine.run("dmesg | grep -iE 'md/raid|md[0-9]+:' ; true")[1]
        if log.strip():
            raise ScenarioFailed(f"somebody assembled an array: {log}")

        cycle.machine.run(f"ln -s /dev/null {MASK} && {_in_root('udevadm control --reload')}")
        properties = _properties(cycle.machine)
        if FOUND not in properties:
            raise ScenarioFailed(f"without the rule nothing is found either, so this test proves nothing:\n{properties}")
        cycle.machine.run(f"rm {MASK}; {_in_root('udevadm control --reload')}")

        context.say("memory that goes and comes")
        cycle.recover()
        _expect_rearm(cycle, armed=False)
        _expect_rearm(cycle, armed=True)
        cycle.power_off()


def _expect_rearm(cycle, armed):
    """Takes a block of the region offline and online again; only an armed machine wants its crash kernel loaded again.
    For the rule, armed is who has the mark. This kernel does not follow by itself."""
    block = next(name for name, *_ in cycle.region_blocks())
    state = f"/sys/devices/system/memory/{block}/state"
    cycle.machine.run(f"mkdir -p /run/warmdump && rm -f /run/warmdump/*; {'touch' if armed else ':'} /run/warmdump/armed")
    cycle.machine.run(f"echo offline > {state} && echo online_movable > {state} && {_in_root('udevadm settle')}")
    is_wanted = cycle.machine.run("test -e /run/warmdump/rearm-wanted", check=False)[0] == 0
    if is_wanted != armed:
        raise ScenarioFailed(f"after a memory block went and came, a machine that is {'' if armed else 'not '}armed "
                             f"{'wants' if is_wanted else 'does not want'} its crash kernel loaded again")


def _in_root(command):
    # udevadm does nothing in a chroot unless it is told that this one is a whole system.
    return f"SYSTEMD_IGNORE_CHROOT=1 chroot {ROOT} {command}"


def _start_udev(machine):
    for directory in ("proc", "sys", "dev", "run"):
        machine.run(f"mkdir -p {ROOT}/{directory} && mount -o bind /{directory} {ROOT}/{directory}")
    machine.run(_in_root("/lib/systemd/systemd-udevd --daemon"))
    machine.run(_in_root("udevadm trigger --action=add --settle"), timeout=300)


def _properties(machine):
    """What udev knows of the region's disk after a fresh look, a line each."""
    machine.run(_in_root("udevadm trigger --action=add --settle /sys/class/block/pmem0"))
    return machine.run(_in_root("udevadm info --query=property --name=/dev/pmem0"))[1]


def _plant_member(cycle):
    """Writes the superblock of a RAID member, metadata 1.0: at least 8 KiB before the end, at a multiple of 4 KiB."""
    offset = (cycle.region[1] - (8 << 10)) & ~0xfff
    text = base64.b64encode(_member(offset)).decode()
    cycle.machine.run(f"echo {text} | base64 -d > /tmp/member && "
                      f"dd if=/tmp/member of=/dev/pmem0 bs=4096 seek={offset >> 12} conv=notrunc 2>/dev/null && sync")


def _member(offset):
    """struct mdp_superblock_1 of Linux include/uapi/linux/raid/md_p.h: one of two disks of a RAID 1."""
    sectors = offset >> 9
    roles = 2
    head = struct.pack("<IIII16s32sQIIQIIIIQIIII", 0xa92b4efc, 1, 0, 0, b"0123456789abcdef", b"guest:planted", 1, 1, 0,
                       sectors, 0, roles, 0, 0, 0, 0, 0, 0, 0)
    data = struct.pack("<QQQQII16sBBHI", 0, sectors, sectors, 0, 0, 0, b"fedcba9876543210", 0, 0, 0, 0)
    tail = struct.pack("<QQQ", 1, 1, (1 << 64) - 1)
    rest = struct.pack("<I32s2H", roles, b"", 0, 0xffff)
    words = head + data + tail + bytes(4) + rest
    total = sum(struct.unpack(f"<{len(words) // 4}I", words))
    checksum = ((total & 0xffffffff) + (total >> 32)) & 0xffffffff
    return head + data + tail + struct.pack("<I", checksum) + rest
