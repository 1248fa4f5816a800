"""The whole life of a dump on one virtual machine, step by step: plan, boot, recover, load, arm, crash, recover.

Each step is a method; a scenario puts them together. What a step finds wrong is a GuestError.
"""

import dataclasses
import json
import pathlib
import re
import shutil
import time

import disk
import guest_image
import qemu
import region_memory
import saved_vmcore
import shared_plan

BASE_COMMAND_LINE = "console=ttyS0 no_timer_check"  # an emulated timer on a busy host fails the kernel's test
GUEST_PROGRAMS = ("warmdump", "warmdump-capture", "memory_load")
# For a dump that a test puts back: without this it is a replay, and refused.
FORGET_TAKEN_DUMPS = r"""sed -i 's/"dumps_taken": *\[[^]]*\]/"dumps_taken":[]/' /var/lib/warmdump/arm/*.json"""
PANIC = "echo c > /proc/sysrq-trigger"
OVMF = pathlib.Path("/usr/share/OVMF")
RECORDS_DISK_MIB = 4
KERNEL_START = r"\] Linux version "


@dataclasses.dataclass
class Setup:
    """What to run the cycle on."""

    kernel: guest_image.Kernel
    programs: pathlib.Path  # where the build put warmdump, warmdump-capture and memory_load
    work: pathlib.Path  # everything the run makes; emptied at the start
    memory_mib: int = 1536
    region_size: str = "256M"  # as given to `warmdump plan --size`
    disk_mib: int = 1024
    fill_disk: object = None  # called with the directory that becomes the disk, /disk in the guest
    save_vmcore: bool = False
    kvm: bool = False
    memory_in_file: bool = False  # so that it outlives a power cut, and can be looked at and written to
    devices: tuple = ()  # of QEMU, beyond the usual ones
    uefi: bool = False  # Debian's OVMF in place of SeaBIOS
    boot_files: tuple = ()  # of the host, copied to the guest's /boot
    low_memory_mib: int = 1024  # of memory_mib, below 4 GiB
    kernel_options: str = ""  # of the running kernel, beside those that `warmdump plan` asks for
    second_node_mib: int = 0  # of memory_mib, in a NUMA node of its own
    hotplug_mib: int = 0  # memory that can be plugged in while the machine runs
    balloon: bool = False
    network: bool = False
    diskless: bool = False  # the kernel lies in the guest's image, and the only disk is a small one for warmdump's records
    swap_mib: int = 0  # size of a swap disk, the last one
    more_programs: tuple = ()  # for the guest, beside GUEST_PROGRAMS
    shared_plans: pathlib.Path | None = None  # directory; see shared_plan.py


@dataclasses.dataclass
class Crash:
    """What the console said while the crash kernel ran."""

    panic: str
    to_crash_kernel_s: float  # from the panic to the crash kernel's first line
    crash_kernel_s: float  # from there to the next kernel's first line, firmware included
    to_system_s: float  # from there until the system takes commands
    lines: list  # the crash kernel's console


class CrashCycle:
    """Use as a context manager. `on_step(text)` hears of every step, `on_console(line)` of every console line."""

    def __init__(self, setup, on_step=None, on_console=None):
        self.setup = setup
        self._on_step = on_step or (lambda text: None)
        self._on_console = on_console
        self.machine = None  # the running qemu.VirtualMachine
        self.plan_result = None
        self.disk = setup.work / "disk"
        self.vmcore_disk = setup.work / "vmcore-disk"
        self.memory_file = setup.work / "memory" if setup.memory_in_file else None
        self.crash_memory = []  # (start, end) of what crashkernel= set apart, since the last crash
        self._boots = 0
        self.swap_disk = setup.work / "swap-disk"

    def __enter__(self):
        setup = self.setup
        shutil.rmtree(setup.work, ignore_errors=True)
        setup.work.mkdir(parents=True)
        self._on_step("building the guest")
        boot_files = (setup.kernel.image, setup.kernel.config, *setup.boot_files)
        guest_image.build(setup.work / "guest.cpio", setup.kernel,
                          [setup.programs / name for name in (*GUEST_PROGRAMS, *setup.more_programs)],
                          [(file, f"/boot/{file.name}") for file in boot_files] if setup.diskless else ())
        content = setup.work / "disk-content"
        for directory in ("state",) if setup.diskless else ("boot", "crash", "uploaded"):
            (content / directory).mkdir(parents=True)
        for file in () if setup.diskless else boot_files:
            shutil.copy2(file, content / "boot")
        if setup.save_vmcore:
            saved_vmcore.write_overlay(content / "boot/save-vmcore.cpio", setup.kernel,
                                       setup.programs / "warmdump-capture")
            saved_vmcore.make_disk(self.vmcore_disk, setup.memory_mib + setup.hotplug_mib)
        if setup.swap_mib:
            disk.make_empty(self.swap_disk, setup.swap_mib)
        if setup.fill_disk:
            setup.fill_disk(content)
        disk.make_ext4(self.disk, content, RECORDS_DISK_MIB if setup.diskless else setup.disk_mib)
        shutil.rmtree(content)
        return self

    def __exit__(self, *_):
        self.stop()

    def plan(self, prepare=None):
        """Boots the machine as it came, asks `warmdump plan`, and switches it off. `prepare(machine)`: before it asks.
        Without that, a machine like this one may have been asked already."""
        if prepare is None and self.setup.shared_plans:
            self.plan_result = shared_plan.get(self.setup, self._ask_plan)
        else:
            self.plan_result = self._ask_plan(prepare)
        return self.plan_result

    def _ask_plan(self, prepare=None):
        self._start("", "plan")
        if prepare:
            prepare(self.machine)
        _, text = self.machine.run(f"warmdump plan --size {self.setup.region_size} --json")
        self.power_off()
        return json.loads(text)

    @property
    def region(self):
        """(start, size) in bytes, as planned."""
        return self.plan_result["region"]["start"], self.plan_result["region"]["size"]

    def boot(self, crashkernel=None):
        """Switches the machine on with the planned command line: RAM is empty, the region raw. After a power cut RAM
        is what it was, as far as it lies in a file. `crashkernel`: in place of the planned one."""
        options = self.plan_result["running_command_line"]
        if crashkernel is not None:
            options = re.sub(r"\bcrashkernel=\S+", f"crashkernel={crashkernel}", options)
        self._boots += 1
        self._start(options, "cycle" if self._boots == 1 else f"cycle-{self._boots}")

    def boot_with(self, options, name):
        """Switches the machine on with these options and no plan."""
        self._start(options, name)

    def recover(self, *options, is_partial=False):
        """Runs `warmdump recover`; returns its report. `is_partial`: it must say that the dump lacks something."""
        command = " ".join(("warmdump recover --json", *options))
        code, text = self.machine.run(command, timeout=300, check=not is_partial)
        if is_partial and code != 3:
            raise qemu.GuestError(f"recovering a partial dump ended with exit code {code}:\n{text}",
                                  self.machine.log_path)
        return json.loads(text[text.index("{"):text.rindex("}") + 1])

    def load_memory(self, anonymous_mib, kernel_objects=0):
        """Puts the guest's memory to use: files, shared memory, processes, pipes, sockets, huge pages. With
        kernel_objects also that many inodes, and a hundredth as many processes and full pipes."""
        run = self.machine.run
        run("echo 8 > /proc/sys/vm/nr_hugepages; echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")
        file = "/tmp/file" if self.setup.diskless else "/disk/file"
        run(f"dd if=/dev/urandom of={file} bs=1M count=24; cat {file} /boot/vmlinuz-* > /dev/null")
        run("find /lib /usr -type f -exec cat {} + > /dev/shm/files")
        run("dd if=/dev/urandom of=/dev/shm/random bs=1M count=8")
        run("for i in 1 2 3 4 5 6; do sleep 100000 < /dev/null > /dev/null 2>&1 & done; rm -f /tmp/loaded")
        run(f"ulimit -n 4096; memory_load {anonymous_mib} {kernel_objects} > /tmp/loaded 2>&1 < /dev/null &")
        run("for i in $(seq 300); do grep -q loaded /tmp/loaded && exit 0; sleep 0.2; done; cat /tmp/loaded; exit 1",
            timeout=100)

    def arm(self, *options):
        """Runs `warmdump arm`; returns what it prints."""
        if self.setup.save_vmcore:
            options = (*options, "--append-cpio", "/boot/save-vmcore.cpio")
        return self.machine.run(" ".join(("warmdump arm", *options)))[1]

    def crash(self, timeout=600, on_phase=None, command=PANIC, panic_timeout=30):
        """Panics the machine and waits until it is up again; `on_phase(text)` hears how far it is. `command`: by what,
        where it takes up to `panic_timeout` seconds to get there."""
        machine = self.machine
        on_phase = on_phase or (lambda text: None)
        machine.run("sync")
        machine.skip_console()
        start = time.monotonic()
        machine.send(command)
        panic = machine.wait_for_console(r"(Kernel panic - not syncing: .*)", panic_timeout).group(1)
        machine.wait_for_console(KERNEL_START, 60)
        in_crash_kernel = time.monotonic()
        on_phase("the crash kernel boots and captures")
        first_line = machine.console_position
        machine.wait_for_console(KERNEL_START, timeout)
        reset = time.monotonic()
        on_phase("warm reset: the RAM has kept its contents; the next boot")
        lines = machine.console_lines(first_line, machine.console_position - 1)
        machine.wait_ready()
        return Crash(panic, in_crash_kernel - start, reset - in_crash_kernel, time.monotonic() - reset, lines)

    def crash_until_stored(self, frame_bytes, timeout=300):
        """Panics the machine and waits until the capture has written that many bytes of frames; it goes on."""
        machine = self.machine
        machine.run("sync")
        iomem = machine.run("grep 'Crash kernel' /proc/iomem")[1]
        self.crash_memory = [(int(start, 16), int(end, 16) + 1)
                             for start, end in re.findall(r"([0-9a-f]+)-([0-9a-f]+) : Crash kernel", iomem)]
        machine.skip_console()
        machine.send(PANIC)
        machine.wait_for_console(KERNEL_START, 90)
        with region_memory.RegionMemory(self.memory_file, *self.region) as memory:
            machine.wait_until(memory.storing(frame_bytes), timeout,
                               f"a capture that has stored {frame_bytes} bytes")

    def wait_for_next_boot(self, timeout=600):
        """Waits until the crash kernel has reset the machine, and the next one takes commands."""
        self.machine.wait_for_console(KERNEL_START, timeout)
        self.machine.wait_ready()

    def cut_power(self):
        """Ends the machine at once; its disk and the file with its memory stay as they are."""
        self.stop()

    def dumps(self):
        """Names of the finished dumps in the guest's spool."""
        names = self.machine.run("cd /var/crash && ls -d */ 2>/dev/null", check=False)[1].split()
        return sorted(name.strip("/") for name in names)

    def memory_total(self):
        """MemTotal in bytes."""
        return int(re.search(r"MemTotal: +(\d+) kB", self.machine.run("cat /proc/meminfo")[1]).group(1)) << 10

    def region_blocks(self):
        """State of every memory block that the region gives back: a list of (name, state, zones)."""
        start, size = self.region
        block = self.plan_result["memory_block_size"]
        first, end = -(-(start + (2 << 20)) // block), (start + size) // block
        command = ";".join(f"echo memory{n} $(cat /sys/devices/system/memory/memory{n}/state) "
                           f"$(cat /sys/devices/system/memory/memory{n}/valid_zones)" for n in range(first, end))
        return [tuple(line.split(None, 2)) for line in self.machine.run(command)[1].splitlines()]

    def check_returned(self, memory_total_before):
        """After recovery: every memory block of the region online and Movable, MemTotal as it was."""
        blocks = self.region_blocks()
        wrong = [block for block in blocks if block[1:] != ("online", "Movable")]
        if not blocks or wrong:
            raise qemu.GuestError(f"memory blocks of the region not online and Movable: {wrong or 'all'}",
                                  self.machine.log_path)
        missing = memory_total_before - self.memory_total()
        allowed = (2 << 20) + self.region[1] // 64
        if abs(missing) > allowed:
            raise qemu.GuestError(f"MemTotal changed by {-missing >> 10} KiB, allowed are {allowed >> 10} KiB",
                                  self.machine.log_path)

    def power_off(self):
        """Switches the machine off in order, so that its disk can be read."""
        self.machine.power_off()
        self.stop()

    def stop(self):
        if self.machine is not None:
            self.machine.__exit__()
            self.machine = None

    def copy_out(self, path, target):
        """Copies a directory from the disk of the machine, which is off."""
        return disk.copy_out(self.disk, path, target)

    def take_vmcore(self):
        """The vmcore that the crash kernel saved; the machine is off."""
        saved_vmcore.take(self.vmcore_disk, self.setup.work / "vmcore.saved")
        return self.setup.work / "vmcore.saved"

    def _firmware(self):
        if not self.setup.uefi:
            return ()
        variables = self.setup.work / "uefi-variables"
        if not variables.exists():
            shutil.copy2(OVMF / "OVMF_VARS_4M.fd", variables)
        return OVMF / "OVMF_CODE_4M.fd", variables

    def _start(self, options, name):
        setup = self.setup
        disks = [self.disk]
        disks += [self.vmcore_disk] if setup.save_vmcore else []
        disks += [self.swap_disk] if setup.swap_mib else []
        machine = qemu.Machine(kernel=setup.kernel.image, initrd=setup.work / "guest.cpio",
                               command_line=f"{BASE_COMMAND_LINE} {setup.kernel_options} {options}",
                               log_directory=setup.work / f"log-{name}", disks=tuple(disks),
                               memory_mib=setup.memory_mib, low_memory_mib=setup.low_memory_mib, kvm=setup.kvm,
                               second_node_mib=setup.second_node_mib, hotplug_mib=setup.hotplug_mib, balloon=setup.balloon, network=setup.network,
                               memory_file=self.memory_file, devices=setup.devices, firmware=self._firmware())
        self._on_step("booting")
        self.machine = qemu.VirtualMachine(machine, self._on_console)
        self.machine.__enter__()
        self.machine.wait_ready()
