"""A virtual machine: QEMU q35, its serial console, its command port and its monitor.

The guest's RAM lives as long as the QEMU process: a reset of the guest is a warm one.
"""

import dataclasses
import json
import os
import pathlib
import re
import selectors
import socket
import subprocess
import threading
import time

# Without the features by which a kernel copies and clears memory byte by byte, which emulation really does.
# One thread for all processors of a guest: with one each, a kernel that patches its own code while it boots dies now and then
# by an int3 that another processor has long replaced (QEMU 7.2). Two guests side by side keep two processors busy anyway.
EMULATION = "tcg,thread=single"
EMULATED_PROCESSOR = "max,erms=off,fsrm=off"

patience = 1  # what every time limit is multiplied by: more than 1 on a host that does too much else


class GuestError(Exception):
    """The guest did not do what the test needs; the message says what, `log` is the console up to there."""

    def __init__(self, message, log):
        super().__init__(message)
        self.log = log


@dataclasses.dataclass
class Machine:
    """What the virtual machine consists of."""

    kernel: pathlib.Path | None  # without one the firmware boots the first disk
    initrd: pathlib.Path | None
    command_line: str
    log_directory: pathlib.Path
    disks: tuple = ()
    memory_mib: int = 2048
    # Of it, below 4 GiB. Small, so that a small guest has RAM above 4 GiB too, where the region must lie.
    low_memory_mib: int = 1024
    cpus: int = 2
    numa_node: bool = True  # without one, the kernel knows no node for a region at the top of RAM
    second_node_mib: int = 0  # of the memory, its upper end: a NUMA node of its own
    hotplug_mib: int = 0  # room for memory that plug_memory() adds
    balloon: bool = False  # for inflate_balloon()
    network: bool = False  # QEMU's own: the guest is 10.0.2.15, and reaches the host's loopback as 10.0.2.2
    kvm: bool = False
    memory_file: pathlib.Path | None = None  # holds the memory, and keeps it when the power is cut
    devices: tuple = ()  # further -device options
    reboots: bool = True  # else QEMU ends where the guest would reset
    firmware: tuple = ()  # (code, variables) of a UEFI in flash, the latter to be written to; empty: SeaBIOS


class VirtualMachine:
    """A running guest; use as a context manager.

    on_console(line) is called for every line of the serial console, while the caller waits for something.
    Console output goes to boot-<n>.log in the log directory, a new file for every kernel that starts.
    """

    def __init__(self, machine, on_console=None):
        self.machine = machine
        self._on_console = on_console or (lambda line: None)
        self._console_lines = []
        self._console_position = 0  # what wait_for_console() has consumed
        self._command_lines = []
        self._boot_count = 0
        self._log_file = None
        self.log_path = None
        self._process = None

    def __enter__(self):
        machine = self.machine
        machine.log_directory.mkdir(parents=True, exist_ok=True)
        console, console_end = socket.socketpair()
        command, command_end = socket.socketpair()
        monitor, monitor_end = socket.socketpair()
        ends = (console_end, command_end, monitor_end)
        self._errors = open(machine.log_directory / "qemu-errors.log", "w+b")
        self._process = subprocess.Popen(self._arguments(*(end.fileno() for end in ends)),
                                         stdin=subprocess.DEVNULL, stdout=self._errors, stderr=self._errors,
                                         pass_fds=[end.fileno() for end in ends])
        for end in ends:
            end.close()
        self._console = _LineReader(console)
        self._command = _LineReader(command)
        self._monitor = _LineReader(monitor)
        self._selector = selectors.DefaultSelector()
        for reader in (self._console, self._command, self._monitor):
            self._selector.register(reader.socket, selectors.EVENT_READ, reader)
        self._monitor.send({"execute": "qmp_capabilities"})
        return self

    def __exit__(self, *_):
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._selector.close()
        for reader in (self._console, self._command, self._monitor):
            reader.socket.close()
        self._errors.close()
        if self._log_file:
            self._log_file.close()
            self._log_file = None

    def _arguments(self, console, command, monitor):
        machine = self.machine
        arguments = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
            "-machine", f"q35,max-ram-below-4g={machine.low_memory_mib}M", "-accel", "kvm" if machine.kvm else EMULATION,
            "-cpu", "host" if machine.kvm else EMULATED_PROCESSOR,
            "-smp", str(machine.cpus), "-m", self._memory(),
            "-object", self._memory_backend(),
            "-chardev", f"socket,id=console,fd={console}", "-serial", "chardev:console",
            "-chardev", f"socket,id=command,fd={command}", "-serial", "chardev:command",
            "-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "chardev=monitor,mode=control",
        ]
        if machine.kernel is not None:
            arguments += ["-kernel", machine.kernel, "-initrd", machine.initrd, "-append", machine.command_line]
        if not machine.reboots:
            arguments += ["-no-reboot"]
        if machine.numa_node:
            arguments += ["-numa", "node,nodeid=0,memdev=ram0"]
            if machine.second_node_mib:
                arguments += ["-object", f"memory-backend-ram,id=ram1,size={machine.second_node_mib}M",
                              "-numa", "node,nodeid=1,memdev=ram1"]
        else:
            arguments += ["-machine", "memory-backend=ram0"]
        if machine.balloon:
            arguments += ["-device", "virtio-balloon-pci,id=balloon,disable-legacy=on"]
        if machine.network:
            arguments += ["-netdev", "user,id=network", "-device", "virtio-net-pci,netdev=network,disable-legacy=on,romfile="]
        for number, disk in enumerate(machine.disks):
            arguments += ["-drive", f"if=none,id=disk{number},file={disk},format=raw,cache=unsafe",
                          "-device", f"virtio-blk-pci,drive=disk{number},disable-legacy=on"]
        for unit, file in enumerate(machine.firmware):
            access = "off" if unit else "on"
            arguments += ["-drive", f"if=pflash,unit={unit},format=raw,readonly={access},file={file}"]
        for device in machine.devices:
            arguments += ["-device", device]
        return [str(argument) for argument in arguments]

    def _memory(self):
        machine = self.machine
        if machine.hotplug_mib == 0:
            return f"{machine.memory_mib}M"
        # QEMU aligns a module to 1 GiB, and counts that against the limit.
        return f"{machine.memory_mib}M,slots=1,maxmem={machine.memory_mib + machine.hotplug_mib + 1024}M"

    def _memory_backend(self):
        machine = self.machine
        size_mib = machine.memory_mib - machine.second_node_mib
        if machine.memory_file is None:
            return f"memory-backend-ram,id=ram0,size={size_mib}M"
        return f"memory-backend-file,id=ram0,size={size_mib}M,mem-path={machine.memory_file},share=on"

    def wait_for_console(self, pattern, timeout):
        """Waits for a console line that matches, looking only at lines not yet consumed; returns the match."""
        expression = re.compile(pattern)

        def find():
            while self._console_position < len(self._console_lines):
                line = self._console_lines[self._console_position]
                self._console_position += 1
                if match := expression.search(line):
                    return match
            return None

        return self._wait(find, timeout, f"the console line /{pattern}/")

    def wait_until(self, is_true, timeout, what):
        """Waits until something outside the guest holds, looking a thousand times a second."""
        self._wait(lambda: is_true() or None, timeout, what, interval=0.001)

    def wait_ready(self, timeout=180):
        """Waits until the guest has booted and takes commands."""
        def find():
            while self._command_lines:
                if self._command_lines.pop(0) == "\x01ready":
                    return True
            return None

        self._wait(find, timeout, "the guest's boot")

    def send(self, command):
        """Starts a shell command in the guest whose end will not be seen (it panics or reboots)."""
        self._command.socket.sendall(command.replace("\n", ";").encode() + b"\n")

    def run(self, command, timeout=120, check=True, on_line=None):
        """Runs a shell command in the guest; returns (exit code, output). With `check`, failing is an error."""
        self._command_lines.clear()
        self.send(command)
        output = []

        def find():
            while self._command_lines:
                line = self._command_lines.pop(0)
                text, mark, code = line.partition("\x01")
                if text or not mark:
                    output.append(text)
                    if on_line:
                        on_line(text)
                if mark:
                    return (int(code),)
            return None

        (code,) = self._wait(find, timeout, f"the end of '{command}'")
        text = "\n".join(output)
        if check and code != 0:
            raise GuestError(f"in the guest, '{command}' ended with exit code {code}:\n{text}", self.log_path)
        return code, text

    def monitor(self, command, **arguments):
        """Sends a QMP command and returns its answer."""
        self._monitor.answers.clear()
        self._monitor.send({"execute": command, "arguments": arguments})
        return self._wait(lambda: self._monitor.answers.pop(0) if self._monitor.answers else None, 30,
                          f"QEMU's answer to {command}")

    def plug_memory(self):
        """Plugs a memory module of hotplug_mib into the running machine."""
        self._demand("object-add", **{"qom-type": "memory-backend-ram", "id": "plugged",
                                      "size": self.machine.hotplug_mib << 20})
        self._demand("device_add", driver="pc-dimm", id="module", memdev="plugged")

    def set_balloon(self, mib, timeout=60):
        """Takes this much memory from the guest through its balloon, 0 gives all back; waits until that is done."""
        size = (self.machine.memory_mib << 20) + self._demand("query-memory-size-summary")["plugged-memory"]
        self._demand("balloon", value=size - (mib << 20))
        deadline = time.monotonic() + timeout * patience
        while self._demand("query-balloon")["actual"] != size - (mib << 20):
            if time.monotonic() > deadline:
                raise GuestError(f"waited {timeout} s in vain for the balloon", self.log_path)
            self._pump(0.2)

    def _demand(self, command, **arguments):
        answer = self.monitor(command, **arguments)
        if "return" not in answer:
            raise GuestError(f"QEMU refuses {command}: {answer['error']['desc']}", self.log_path)
        return answer["return"]

    @property
    def console_position(self):
        """Number of console lines consumed by waiting."""
        return self._console_position

    def console_lines(self, start, end):
        """Console lines by their numbers."""
        return self._console_lines[start:end]

    def skip_console(self):
        """Makes wait_for_console() look only at what comes from now on."""
        self._pump(0)
        self._console_position = len(self._console_lines)

    def power_off(self, timeout=60, command="cd /; sync; umount -a -r 2>/dev/null; poweroff -f"):
        """Asks the guest to switch itself off, and waits until QEMU has ended. What the console says meanwhile is
        only in its log."""
        self.send(command)
        deadline = time.monotonic() + timeout * patience
        while self._process.poll() is None:
            if time.monotonic() > deadline:
                raise GuestError("the guest does not switch itself off", self.log_path)
            self._pump(0.5)

    @property
    def boot_count(self):
        """How many kernels have started, crash kernels included."""
        return self._boot_count

    def console_text(self):
        """All of the console so far."""
        return "\n".join(self._console_lines)

    def _wait(self, find, timeout, what, interval=0.5):
        timeout *= patience
        deadline = time.monotonic() + timeout
        while True:
            if (found := find()) is not None:
                return found
            if self._process.poll() is not None:
                self._errors.seek(0)
                reason = self._errors.read().decode(errors="replace").strip()
                raise GuestError(f"QEMU ended while waiting for {what}: {reason or 'no message'}", self.log_path)
            if time.monotonic() > deadline:
                raise GuestError(f"waited {timeout} s in vain for {what}", self.log_path)
            self._pump(interval)

    def _pump(self, timeout):
        for key, _ in self._selector.select(timeout):
            reader = key.data
            lines = reader.read_lines()
            if lines is None:
                self._selector.unregister(reader.socket)
            elif reader is self._console:
                for line in lines:
                    self._take_console_line(line)
            elif reader is self._command:
                self._command_lines += lines
            else:
                self._monitor.answers += [answer for answer in map(json.loads, lines)
                                          if "return" in answer or "error" in answer]

    def _take_console_line(self, line):
        if self._log_file is None or re.search(r"\] Linux version ", line):
            if self._log_file:
                self._log_file.close()
            self._boot_count += 1
            self.log_path = self.machine.log_directory / f"boot-{self._boot_count}.log"
            self._log_file = open(self.log_path, "w", encoding="utf-8", buffering=1)
        self._console_lines.append(line)
        self._log_file.write(line + "\n")
        self._on_console(line)


def kvm_works():
    """True if a machine really runs with KVM; /dev/kvm alone proves nothing in a container or a nested machine."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    # The firmware alone is enough of a guest: without anything to boot it says so on the debug console.
    command = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-machine", "q35,accel=kvm", "-cpu", "host",
               "-m", "128M", "-debugcon", "stdio", "-global", "isa-debugcon.iobase=0x402"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        timer = threading.Timer(10, process.kill)
        timer.start()
        try:
            return any(b"No bootable device" in line for line in process.stdout)
        finally:
            timer.cancel()
            process.kill()


class _LineReader:
    """Cuts what comes from a socket into lines; a line without its end is kept back."""

    def __init__(self, connected):
        self.socket = connected
        self.answers = []
        self._rest = b""

    def send(self, message):
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def read_lines(self):
        data = self.socket.recv(65536)
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace").rstrip("\r") for line in lines]
