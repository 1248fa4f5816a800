"""Memory of every kind that a page filter must tell apart, in one running guest.

What a stock kernel can be made to have: see put_to_use(). Kinds that depend on the kernel are asked for everywhere;
what it refuses is reported, and what the dump must then hold of each kind is page_truth's business.
"""

import re

import qemu

MEMORY_MIB = 2752  # QEMU wants less than 2816 for more than 2048 low ones
LOW_MEMORY_MIB = 2304  # the second GiB becomes one page; at the end lies the initramfs
HOTPLUG_MIB = 384  # three memory blocks: online, never online, no longer online
BALLOON_MIB = 48
SWAP_MIB = 128
REGION_FILL_MIB = 330  # user memory goes to the region first, and is of no use to the test there

# The last two: hugetlb's struct pages are shared where the kernel can, and those of memory that is plugged in lie in
# that memory itself.
KERNEL_OPTIONS = "hugepagesz=1G hugepages=1 hugetlb_free_vmemmap=on memory_hotplug.memmap_on_memory=1"

SETUP = {
    "memory_mib": MEMORY_MIB, "low_memory_mib": LOW_MEMORY_MIB, "hotplug_mib": HOTPLUG_MIB, "balloon": True,
    "swap_mib": SWAP_MIB, "more_programs": ("memory_kinds",), "kernel_options": KERNEL_OPTIONS,
}


# What page_decoder.cc must then find in the vmcore; patterns of its names for kinds of pages.
SEEN_AS = {
    "plugged memory": "memory block not online",
    "balloon": r"offline \(balloon\)",
    "compressed memory": "zsmalloc|movable kernel page",
    "huge pages of shared memory": "shared memory, 2 MiB.*",
    "large folios": "anonymous, 64 KiB",
    "hugetlb 1 GiB": "hugetlb, 1 GiB.*",
    "struct pages of hugetlb shared": "hugetlb, .*struct pages shared.*",
    "hugetlb 2 MiB": "hugetlb, 2 MiB.*",
    "broken hugetlb page": "broken.*",
    "transparent huge pages": "anonymous, 2 MiB",
    "split transparent huge page": "anonymous",
    "partly unmapped transparent huge page": "anonymous, 2 MiB",
    "broken page of a transparent huge page": "broken.*",
    "merged pages": "merged by KSM",
    "swapped pages": "anonymous, in the swap cache",
    "swap cache": "anonymous, in the swap cache",
    "swapped shared memory": "shared memory.*",
    "locked pages": "anonymous",
    "broken anonymous page": "broken.*",
    "softly retired page": "broken.*",
    "broken page of shared memory": "broken.*",
    "broken free page": "broken.*",
}


def boot(cycle):
    """Boots until the kernel has found a page of 1 GiB: where it puts itself at random, it can push the crash kernel's
    memory into the only one there is."""
    for _ in range(4):
        cycle.boot()
        if cycle.machine.run("cat /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages")[1].strip() == "1":
            return
        cycle.power_off()
    raise qemu.GuestError("four boots, and none has a page of 1 GiB", None)


def put_to_use(cycle):
    """Makes all of it in the running guest; returns {kind: "done" or the reason why not}."""
    machine = cycle.machine
    outcome = {"plugged memory": _plug_memory(machine)}
    cycle.load_memory(REGION_FILL_MIB)
    machine.set_balloon(BALLOON_MIB)
    outcome["balloon"] = "done"
    outcome["compressed memory"] = _use(machine, "modprobe zram && echo 32M > /sys/block/zram0/disksize && "
                                        "dd if=/dev/urandom of=/dev/zram0 bs=1M count=8")
    outcome["huge pages of shared memory"] = _use(
        machine, "mkdir /tmp/huge && mount -t tmpfs -o huge=always,size=32M tmpfs /tmp/huge && "
        "dd if=/dev/urandom of=/tmp/huge/file bs=1M count=8")
    outcome["large folios"] = _use(
        machine, "echo always > /sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled")
    disk = f"/dev/vd{'abc'[len(machine.machine.disks) - 1]}"
    machine.run(f"mkswap {disk} && swapon {disk}")
    machine.run("echo 16 > /proc/sys/vm/nr_hugepages")
    machine.run("memory_kinds > /tmp/kinds 2>&1 < /dev/null &")
    machine.run("for i in $(seq 600); do grep -q ready /tmp/kinds && exit 0; sleep 0.2; done; cat /tmp/kinds; exit 1",
                timeout=180)
    for line in machine.run("cat /tmp/kinds")[1].splitlines():
        kind, colon, result = line.partition(": ")
        if colon:
            outcome[kind] = result
    # Where the boot log names no saving, the kernel has no such feature or not for these pages.
    outcome["struct pages of hugetlb shared"] = _use(machine, "dmesg | grep -E 'vmemmap can be freed for a 2.00 MiB'")
    return outcome


def _use(machine, command):
    code, output = machine.run(command, check=False)
    return "done" if code == 0 else (output.strip().splitlines() or ["no"])[-1]


def _plug_memory(machine):
    """Three blocks of memory: one goes online, one stays as it came, one goes online and offline again."""
    blocks = "cd /sys/devices/system/memory && ls -d memory[0-9]*"
    before = set(machine.run(blocks)[1].split())
    policy = machine.run("cat /sys/devices/system/memory/auto_online_blocks")[1].strip()
    machine.run("echo offline > /sys/devices/system/memory/auto_online_blocks")
    machine.plug_memory()
    for _ in range(100):
        plugged = set(machine.run(blocks)[1].split()) - before
        if len(plugged) == HOTPLUG_MIB // 128:
            break
        machine.run("sleep 0.2")
    else:
        raise qemu.GuestError(f"the guest sees {len(plugged)} new memory blocks", machine.log_path)
    first, _, last = sorted(plugged, key=lambda name: int(re.sub(r"\D", "", name)))
    machine.run(f"cd /sys/devices/system/memory && echo online > {first}/state && echo online > {last}/state && "
                f"echo offline > {last}/state")
    machine.run(f"echo {policy} > /sys/devices/system/memory/auto_online_blocks")
    return "done"
