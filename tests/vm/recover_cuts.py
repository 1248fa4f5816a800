"""Scenario: recovery is killed, and the machine loses its power, at named steps and at random moments.

One crash leaves a dump. It is kept on the disk and put back into the region, a small one, for each try. A reset by the monitor is the
power cut: the kernel and what it had not written are gone, the RAM of the machine is not. After each, the next start
must end with the same dump, once, and the memory back. run.py --cuts N: so many resets, and as many kills, in turns.
"""

import random
import time

import crash_cycle
from scenario import ScenarioFailed

CUTS = 4
KILLS = 8
IMAGE = "/disk/region-image"
IMAGE_MIB = 64  # a dump of this machine takes half of that; were it more, it would not come back whole
# Steps as recovery names them; the moment after each is worth a cut.
STEPS = ("dump found", "extracting into", "dump saved", "wiping the region", "region wiped", "devdax device made",
         "bound to kmem")
START = "rm -f /tmp/steps; warmdump recover > /tmp/report 2> /tmp/steps < /dev/null"


def run(context):
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    cuts = context.cuts or CUTS
    context.say(f"seed {seed}")
    with context.cycle(disk_mib=1536, region_size="128M") as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        cycle.arm()
        context.say("panic")
        cycle.crash()
        tries = _Tries(context, cycle)
        kills = context.cuts or KILLS
        steps = list(STEPS)
        chance.shuffle(steps)
        for count in range(max(cuts, kills)):
            if count < kills:
                tries.kill(chance.uniform(0, 1.2))
            if count < cuts:
                if steps:
                    tries.cut_after(steps.pop())
                else:
                    tries.cut(chance.uniform(0, 1.2))
            context.say(f"{min(count + 1, kills)} kills, {tries.killed} of them in time; {min(count + 1, cuts)} power cuts")
        cycle.power_off()


class _Tries:
    """Each method begins and ends with the dump on the raw region and an empty spool."""

    def __init__(self, context, cycle):
        self._context = context
        self._cycle = cycle
        self._machine = cycle.machine
        self.killed = 0
        self._run(f"warmdump release --undo && dd if=/dev/pmem0 of={IMAGE} bs=1M count={IMAGE_MIB} 2>/dev/null; sync", timeout=300)
        start = time.monotonic()
        cycle.recover()
        self._length_s = time.monotonic() - start
        self._name, = cycle.dumps()
        self._sums = self._checksums()
        self._put_back()

    def kill(self, part):
        """SIGKILL when this part of an undisturbed recovery's time has passed."""
        delay = f"{part * self._length_s:.3f}"
        code, _ = self._run(f"{START} & p=$!; sleep {delay}; kill -9 $p; wait $p", check=False, timeout=300)
        self.killed += code == 137
        self._expect_the_end(f"killed after {delay} s")

    def cut(self, part):
        self._machine.send(f"{START} &")
        time.sleep(part * self._length_s)
        self._reset(f"power cut after {part * self._length_s:.3f} s")

    def cut_after(self, step):
        self._run(f"({START}) & while ! grep -q '{step}' /tmp/steps 2>/dev/null && [ -d /proc/$! ]; do :; done", timeout=300)
        self._reset(f"power cut after the step '{step}'")

    def _reset(self, when):
        self._machine.skip_console()
        self._machine.monitor("system_reset")
        self._cycle.wait_for_next_boot()
        self._expect_the_end(when)

    def _expect_the_end(self, when):
        code, text = self._run("warmdump recover 2>&1", check=False, timeout=300)
        if code != 0:
            raise ScenarioFailed(f"{when}: the next recovery ends with exit code {code}:\n{text}")
        entries = self._run("ls -A /var/crash")[1].split()
        if entries != [self._name]:
            raise ScenarioFailed(f"{when}: the spool holds {entries}, not {self._name}\n{text}")
        if self._checksums() != self._sums:
            raise ScenarioFailed(f"{when}: the dump is not the one that an undisturbed run makes")
        blocks = self._cycle.region_blocks()
        if not blocks or any(block[1:] != ("online", "Movable") for block in blocks):
            raise ScenarioFailed(f"{when}: memory blocks are {blocks}")
        again = self._run("warmdump release --undo 2>&1 && warmdump recover --no-return 2>&1", timeout=300)[1]
        if "no dump on the region" not in again:
            raise ScenarioFailed(f"{when}: the region is not cleared:\n{again}")
        self._put_back()

    def _put_back(self):
        self._run(f"rm -rf /var/crash/*; warmdump release --undo 2>/dev/null; {crash_cycle.FORGET_TAKEN_DUMPS}; "
                  f"dd if={IMAGE} of=/dev/pmem0 bs=1M 2>/dev/null; sync", timeout=300)

    def _checksums(self):
        return self._run(f"cd /var/crash/{self._name} && md5sum vmcore vmcore-dmesg.txt")[1]

    def _run(self, command, **options):
        return self._machine.run(command, **options)
