"""Scenario: what recovery and release meet on a machine that is not as it should be, in one boot after one crash.

Each row breaks something, runs the command, and looks at its exit code, its words and what it left: the dump still on
the region, the region a raw disk, or its memory online and Movable. Then the row mends it again.
"""

import json
import statistics

import crash_cycle
from scenario import ScenarioFailed

IMAGE = "/disk/region-image"  # of the beginning of the region, with the dump
IMAGE_MIB = 160
POLICY = "/sys/devices/system/memory/auto_online_blocks"
BLOCK_KMEM = "/etc/modprobe.d/no-kmem.conf"
RUNS = 5
DMSETUP = "/usr/sbin/dmsetup"  # of the host


def run(context):
    with context.cycle(disk_mib=1536, more_programs=(DMSETUP,)) as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        cycle.arm()
        context.say("panic")
        cycle.crash()
        rows = _Rows(context, cycle)
        rows.spool()
        rows.held_by_another_driver()
        rows.memory_that_cannot_be_read()
        rows.kmem_kept_out()
        rows.open_in_a_process()
        rows.own_time()
        rows.other_policies()
        rows.no_room_to_move()
        rows.somebody_brings_blocks_online()
        cycle.power_off()


class _Rows:
    def __init__(self, context, cycle):
        self._context = context
        self._cycle = cycle
        self._run = cycle.machine.run
        self._run(f"warmdump release --undo 2>/dev/null; dd if=/dev/pmem0 of={IMAGE} bs=1M count={IMAGE_MIB} 2>/dev/null; "
                  "sync; mkdir -p /tmp/full /tmp/read-only /etc/modprobe.d", timeout=300)

    def spool(self):
        """Full, read-only, no directory: the dump stays."""
        run = self._run
        run("mount -t tmpfs -o size=2m full /tmp/full; mount -t tmpfs -o ro read-only /tmp/read-only; echo > /tmp/file")
        self._expect("recover --spool /tmp/full", 1, "No space left", "the dump stays")
        self._expect("recover --spool /tmp/read-only", 1, "Read-only file system", "the dump stays")
        self._expect("recover --spool /tmp/file", 2, "is not a directory", "the dump stays")
        left = run("ls -A /tmp/full")[1].split()
        if left:
            raise ScenarioFailed(f"a spool that was full is left with {left}")
        self._expect("release", 1, "holds a dump", "warmdump recover --region region0")
        run("umount /tmp/full /tmp/read-only")

    def held_by_another_driver(self):
        """What a mount, an array or swap space does: the disk is theirs, and they are named."""
        self._run("/usr/sbin/modprobe dm_mod; dmsetup create holder --noudevsync --table '0 2048 linear /dev/pmem0 0'")
        self._expect("recover", 4, "/dev/pmem0", "part of dm-0", "busy")
        self._expect("release", 4, "part of dm-0")
        self._run("dmsetup remove --noudevsync holder")

    def memory_that_cannot_be_read(self):
        """All frames on bad sectors, as on poisoned pages: not taken for an empty region."""
        sectors = self._cycle.region[1] >> 9
        self._run(f"printf '0 4096 linear /dev/pmem0 0\\n4096 {sectors - 4096} error\\n' | "
                  "dmsetup create poisoned --noudevsync")
        self._expect("recover --no-return --region /dev/dm-0 --spool /tmp/spool", 1, "cannot read the region")
        self._run("dmsetup remove --noudevsync poisoned; rm -rf /tmp/spool")

    def kmem_kept_out(self):
        """The dump is saved; the region stays a raw disk with its header; the next try works."""
        self._run(f"/usr/sbin/rmmod kmem 2>/dev/null; echo 'install kmem /bin/false' > {BLOCK_KMEM}")
        self._expect("recover", 5, "kmem", "raw disk again")
        if len(self._cycle.dumps()) != 1:
            raise ScenarioFailed(f"the spool holds {self._cycle.dumps() or 'no dump'}")
        self._expect_raw()
        self._run(f"rm {BLOCK_KMEM}")
        self._expect("release", 0)
        self._expect_movable()
        # Without a dump a spool that cannot be used costs nothing.
        self._expect("release --undo", 0)
        self._expect("recover --spool /tmp/file", 0, "no dump on the region")
        self._expect_movable()

    def open_in_a_process(self):
        """A program that merely has the disk open, as udev's scanners do, is no obstacle."""
        self._undo_with_dump()
        self._run("rm -rf /var/crash/*; sleep 1000 < /dev/pmem0 > /dev/null 2>&1 & sleep 1")
        self._expect("recover", 0)
        self._expect_movable()
        self._run("killall sleep", check=False)

    def own_time(self):
        """Where the time goes when there is no dump."""
        reports = []
        for _ in range(RUNS):
            self._expect("release --undo", 0)
            reports.append(json.loads(self._run("warmdump recover --json 2>/dev/null")[1])["timings_ms"])
        median = {name: statistics.median(report.get(name, 0) for report in reports) for name in reports[0]}
        self._context.say(f"no dump, medians of {RUNS} in ms: " +
                          ", ".join(f"{name} {value:.0f}" for name, value in sorted(median.items())))

    def other_policies(self):
        """The kernel would bring memory online elsewhere; its policy is as it was afterwards."""
        for policy in ("online", "online_kernel", "offline"):
            self._expect("release --undo", 0)
            if self._run(f"echo {policy} > {POLICY}", check=False)[0] != 0:
                continue
            self._expect("release", 0)
            self._expect_movable()
            if self._run(f"cat {POLICY}")[1].strip() != policy:
                raise ScenarioFailed(f"the policy {policy} was not restored")

    def no_room_to_move(self):
        """More memory in use than there is without the region: it stays, all of it."""
        self._run("mount -o remount,size=100% /dev/shm; "
                  "dd if=/dev/zero of=/dev/shm/filler bs=1M count=$(($(awk '/MemAvailable/{print $2}' /proc/meminfo) / 1024 - 96))"
                  " 2>/dev/null", check=False, timeout=300)
        self._expect("release --undo --timeout 3", 75, "cannot be taken offline within 3 s", "memory")
        self._expect_movable()
        self._run("rm /dev/shm/filler")
        self._expect("release --undo", 0)
        self._expect_raw()
        self._expect("release", 0)

    def somebody_brings_blocks_online(self):
        """An agent that will not leave them alone: said, and nothing half done. Last, since the kernel may keep the
        memory until the next boot."""
        self._run("(while [ ! -e /tmp/enough ]; do for f in " +
                  " ".join(f"/sys/devices/system/memory/{name}/state" for name, *_ in self._cycle.region_blocks()) +
                  "; do echo online_kernel > $f; done; done) > /dev/null 2>&1 & sleep 1")
        code, text = self._warmdump("release --undo --timeout 3")
        self._run("touch /tmp/enough; sleep 1")
        if code == 0:
            self._context.say("the agent was never fast enough")
            return
        if code not in (4, 75) or "memory" not in text:
            raise ScenarioFailed(f"an agent that brings blocks online: exit code {code}\n{text}")
        self._expect("release", 0)
        self._expect_movable()

    def _undo_with_dump(self):
        self._expect("release --undo", 0)
        self._run(f"{crash_cycle.FORGET_TAKEN_DUMPS}; dd if={IMAGE} of=/dev/pmem0 bs=1M 2>/dev/null; sync", timeout=300)

    def _warmdump(self, arguments):
        return self._run(f"warmdump {arguments} 2>&1", check=False, timeout=300)

    def _expect(self, arguments, exit_code, *words):
        code, text = self._warmdump(arguments)
        missing = [word for word in words if word not in text]
        if code != exit_code or missing:
            raise ScenarioFailed(f"'warmdump {arguments}' ended with exit code {code}, not {exit_code}, "
                                 f"or lacks {missing}:\n{text}")
        self._context.say(f"{arguments}: exit code {code}")

    def _expect_movable(self):
        blocks = self._cycle.region_blocks()
        if not blocks or any(block[1:] != ("online", "Movable") for block in blocks):
            raise ScenarioFailed(f"not all blocks are online and Movable: {blocks}")

    def _expect_raw(self):
        code, text = self._run("test -b /dev/pmem0 && dd if=/dev/pmem0 bs=4096 skip=2 count=1 2>/dev/null | head -c 8",
                               check=False)
        if code != 0 or text != "warmdump":
            raise ScenarioFailed(f"the region is no raw disk with a header:\n{text}")
