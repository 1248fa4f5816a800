#!/usr/bin/env python3
"""What ./demo runs once the packages are there: the whole cycle, told to a person as it happens."""

import argparse
import json
import pathlib
import re
import signal
import subprocess
import sys

import crash_cycle
import guest_image
import qemu
from display import Display

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "build/release/bin"
OUTPUT = ROOT / "build/demo"
MIB = 1 << 20
CONSOLE_LINES_SHOWN = 15

# Lines of the console worth showing; the first group is shown.
TELLING_LINES = re.compile(r"(?:\] )?((?:warmdump-capture|save_vmcore): .*|Kernel panic - not syncing: .*)")


def main():
    parser = argparse.ArgumentParser(prog="./demo", description="The whole life of a crash dump, in a virtual machine.")
    parser.add_argument("--kernel", choices=("5.10", "6.1", "6.12", "newest"), default="6.1", help="series of Debian's stock kernel")
    parser.add_argument("--memory", type=int, default=3072, metavar="MIB", help="memory of the machine")
    parser.add_argument("--kvm", action="store_true", help="use KVM, if it really works")
    arguments = parser.parse_args()

    display = Display()
    display.line(display.bold("warmdump: a kernel panic, its dump kept in RAM, and the RAM given back"))
    display.line()
    try:
        run(arguments, display)
    except qemu.GuestError as error:
        fail(display, str(error), error.log)
    except subprocess.CalledProcessError as error:
        fail(display, f"'{' '.join(map(str, error.cmd))}' failed:\n{(error.stderr or error.stdout or '').strip()}")
    except KeyboardInterrupt:
        fail(display, "interrupted")


def fail(display, message, log=None):
    display.end_step(good=False)
    display.line()
    if log is not None and log.exists():
        for line in log.read_text(errors="replace").splitlines()[-CONSOLE_LINES_SHOWN:]:
            display.line(display.dim(f"  | {line}"))
        display.line(f"  the whole console: {log.relative_to(ROOT)}")
    display.line(display.red("The demo failed: ") + message)
    sys.exit(1)


def run(arguments, display):
    display.step("building")
    host("cmake", "--preset", "release")
    host("cmake", "--build", "--preset", "release", "--target", "warmdump", "warmdump-capture", "memory_load")
    display.step(f"fetching Debian's kernel {arguments.kernel}")
    kernel = guest_image.Kernel(host(ROOT / "scripts/fetch-kernel", arguments.kernel).strip())
    kvm = arguments.kvm and qemu.kvm_works()

    setup = crash_cycle.Setup(kernel, PROGRAMS, OUTPUT, memory_mib=arguments.memory, region_size="512M", kvm=kvm)
    with crash_cycle.CrashCycle(setup, on_console=lambda line: show_console(display, line)) as cycle:
        display.step(f"first boot of Linux {kernel.release}, {arguments.memory} MiB: planning the region")
        plan = cycle.plan()
        display.detail(f"boot with: {plan['running_command_line']}")
        display.step("boot with the region: no kernel memory can be in it")
        cycle.boot()
        display.step("giving the region to the system as movable RAM")
        cycle.recover()
        memory_before = cycle.memory_total()
        display.detail(f"MemTotal {mib(memory_before)}; {blocks_text(cycle)}")
        display.step("putting the memory to use: files, processes, pipes, sockets, huge pages")
        cycle.load_memory(arguments.memory // 4)
        display.step("arming: loading the crash kernel")
        for line in cycle.arm().splitlines():
            if line.startswith(("crash image", "Armed")):
                display.detail(line)
        display.step("asking: would a crash be captured now?")
        display.detail(cycle.machine.run("NO_COLOR=1 warmdump status | head -n 1")[1].strip())
        display.step("panic: echo c > /proc/sysrq-trigger")
        crash = cycle.crash(on_phase=display.step)
        display.step("the system is back: recovering the dump, giving the region back")
        recovery = cycle.recover()
        cycle.check_returned(memory_before)
        memory_after = cycle.memory_total()
        blocks = blocks_text(cycle)
        display.detail(f"MemTotal {mib(memory_after)}; {blocks}")
        display.step("uploading to a directory")
        directory = recovery["dump"]["directory"]
        cycle.machine.run(f"warmdump upload {directory} --to dir:/disk/uploaded")
        display.step("switching off, copying the uploaded dump out of the machine")
        cycle.power_off()
        uploaded = cycle.copy_out("/uploaded", OUTPUT)
    manifests = list(uploaded.rglob("manifest.json"))
    if len(manifests) != 1 or not (manifests[0].parent / "vmcore").is_file():
        raise FileNotFoundError(f"the upload left no vmcore in {uploaded}")
    dump = manifests[0].parent
    display.end_step()
    clean_up()
    summarize(display, json.loads((dump / "meta.json").read_text()), crash, memory_before, memory_after, blocks, dump)


def host(*command):
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=True).stdout


def show_console(display, line):
    if match := TELLING_LINES.search(line):
        display.detail(match.group(1))


def clean_up():
    """Keeps the dump and the consoles, drops what was only needed on the way."""
    for name in ("disk", "guest.cpio"):
        (OUTPUT / name).unlink(missing_ok=True)


def summarize(display, meta, crash, memory_before, memory_after, blocks, dump):
    pages = meta["pages"]
    raw, stored = meta["bytes_raw"], meta["bytes_stored"]
    total = pages["total"]
    shown = dump.relative_to(ROOT)

    def fact(label, text):
        display.line(f"  {label:<16}{text}")

    display.line()
    display.line(display.bold(display.green("The machine crashed, and nothing of it was lost.") if meta["complete"]
                              else display.red(f"The dump is not complete: {meta['completeness']}")))
    display.line()
    fact("panic", display.bold(meta["panic_text"] or crash.panic))
    fact("kernel", f"Linux {meta['kernel']['release']}")
    fact("pages", f"{total['kept']:,} of {total['pages']:,} kept, {total['excluded']:,} excluded, "
                  f"{total['lost']:,} lost")
    for name, counts in sorted(pages["classes"].items(), key=lambda item: -item[1]["pages"]):
        if counts["pages"] and name != "absent":
            fate = "kept" if counts["kept"] == counts["pages"] else "excluded" if not counts["kept"] else "partly kept"
            zero = f", {counts['zero']:,} of them zero" if counts["zero"] else ""
            fact("", display.dim(f"{counts['pages']:>9,}  {name.replace('_', ' '):<14} {fate}{zero}"))
    fact("size", f"{mib(raw)} of page contents in {mib(stored)}, {raw / max(stored, 1):.1f} : 1")
    fact("crash kernel", f"{crash.crash_kernel_s:.1f} s from its first line to the next boot, "
                         f"{meta['region']['capture_ms'] / 1000:.1f} s of them the capture")
    fact("memory", f"MemTotal {mib(memory_before)} before the panic, {mib(memory_after)} after recovery; {blocks}")
    fact("the dump", display.bold(str(shown)))
    fact("look into it", f"build/release/bin/warmdump show {shown}")
    fact("", f"less {shown}/vmcore-dmesg.txt")
    display.line()
    display.line(display.dim(f"  all in {display.seconds():.0f} s; "
                             f"the consoles are in {OUTPUT.relative_to(ROOT)}/log-*"))


def blocks_text(cycle):
    blocks = cycle.region_blocks()
    good = sum(block[1:] == ("online", "Movable") for block in blocks)
    return f"{good} of {len(blocks)} memory blocks of the region are Movable RAM"


def mib(size):
    return f"{size / MIB:,.0f} MiB"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the machines are switched off
    main()
