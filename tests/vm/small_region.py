"""Scenario: a busy machine of 4 GiB, and a region that is far too small for its dump.

One machine crashes; its saved vmcore is then captured into regions of 16, 32 and 64 MiB. Of each dump `warmdump show`
has to know exactly what is lost, and drgn, which finds everything through the page tables in the dump, has to find at
its address what one looks at first: kernel log, registers, the stacks of all CPUs, per-CPU memory. No debug symbols are
needed for that. docs/SMALL_REGIONS.md has what crash and drgn make of such dumps with them.
"""

import json
import re
import shutil
import struct

from scenario import ScenarioFailed

REGION_SIZES_MIB = (16, 32, 64)
PAGE = 4096
STACK = 16 << 10
NT_PRSTATUS = 1
REGISTERS_OFFSET = 112  # elf_prstatus.pr_reg
RSP, RIP = 19, 16
HINTS = {"__per_cpu_offset": "per_cpu_offset", "__per_cpu_start": "per_cpu_start", "__per_cpu_end": "per_cpu_end",
         "current_task": "current_task", "pcpu_hot": "current_task", "crash_notes": "crash_notes"}

# What drgn runs: every read goes through the page tables of the dump.
PROGRAM = r"""
import json, re, struct
wanted = json.loads('''%s''')
info = prog['VMCOREINFO'].string_().decode()
def symbol(name): return int(re.search(r'SYMBOL.%%s.=([0-9a-f]+)' %% name, info).group(1), 16)
def number(kind, name): return int(re.search(r'%%s.%%s.=(\d+)' %% (kind, re.escape(name)), info).group(1))
def word(address): return struct.unpack('<Q', prog.read(address, 8))[0]

release = re.search('OSRELEASE=(.*)', info).group(1)
assert release.encode() in prog.read(symbol('init_uts_ns'), 400), 'the kernel release is not at init_uts_ns'
text_ring = word(symbol('prb')) + number('OFFSET', 'printk_ringbuffer.text_data_ring')
size = 1 << struct.unpack('<I', prog.read(text_ring + number('OFFSET', 'prb_data_ring.size_bits'), 4))[0]
text = prog.read(word(text_ring + number('OFFSET', 'prb_data_ring.data')), size)
assert wanted['panic'].encode() in text, 'the panic is not in the printk ring'
calls = []
for rsp, rip in wanted['cpus']:
    stack = prog.read(rsp, -rsp %% wanted['stack'] or wanted['stack'])
    words = struct.unpack('<%%dQ' %% (len(stack) // 8), stack[:len(stack) // 8 * 8])
    start = symbol('_stext')
    calls.append(sum(start <= value < start + (16 << 20) for value in words))
assert max(calls) >= 10, f'no call chain on the stacks: {calls}'
areas = [wanted['per_cpu_start'] + word(wanted['per_cpu_offset'] + 8 * cpu) for cpu in range(len(wanted['cpus']))]
for area in areas: prog.read(area, wanted['per_cpu_end'] - wanted['per_cpu_start'])
print(release, 'stacks with', calls, 'return addresses,', len(areas), 'per-CPU areas')
"""


def run(context):
    with context.cycle(save_vmcore=True, memory_mib=4096) as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        cycle.load_memory(1024, 40000)
        names = "|".join(HINTS)
        symbols = cycle.machine.run(f"grep -E ' ({names})$' /proc/kallsyms")[1]
        cycle.arm()
        context.say("panic; the crash kernel saves its vmcore first")
        panic = cycle.crash().panic
        cycle.power_off()
        vmcore = cycle.take_vmcore()
    check(context, vmcore, symbols, panic)
    shutil.rmtree(cycle.setup.work)


def check(context, vmcore, symbols, panic):
    """`symbols` are lines of the crashed kernel's /proc/kallsyms."""
    drgn = context.script("fetch-judges") + "/drgn"
    hints = {HINTS[name]: int(address, 16) for address, _, name in re.findall(r"([0-9a-f]+) (\w) (\w+)", symbols)}
    before = None
    for size in REGION_SIZES_MIB:
        context.say(f"a region of {size} MiB")
        region, dump = context.work / "region", context.work / f"dump-{size}"
        dump.mkdir(exist_ok=True)
        lost = _capture(context, vmcore, region, size, hints)
        if before is not None and lost["total"] > before:
            raise ScenarioFailed(f"more is lost with {size} MiB than with less")
        before = lost["total"]
        context.run(context.programs / "warmdump", "extract", region, "-o", dump / "vmcore", may_fail=True)
        region.unlink()
        _read_by_address(context, drgn, dump / "vmcore", hints, panic)
        _read_log(context, dump / "vmcore", panic)
        shutil.rmtree(dump)
    if before != 0:
        raise ScenarioFailed(f"{before} pages are lost even with {REGION_SIZES_MIB[-1]} MiB")


def _capture(context, vmcore, region, size, hints):
    """Captures into a region of `size` MiB; returns the lost pages by class as `show` and the capture agree on them."""
    with open(region, "wb") as file:
        file.truncate(size << 20)
    options = [word for name, value in hints.items() for word in ("--hint", f"{name}={value:#x}")]
    code, output = context.run(context.programs / "warmdump-capture", "--vmcore", vmcore, "--region", region, "--stats",
                               *options, may_fail=True)
    if code not in (0, 3):
        raise ScenarioFailed(f"the capture ended with {code}:\n{output}")
    counted = {name: int(value) for name, value in re.findall(r"^class\.(\w+)\.lost=(\d+)$", output, re.MULTILINE)}
    _, text = context.run(context.programs / "warmdump", "show", "--json", region, may_fail=True)
    meta = json.loads(text)
    told = {name: counts["lost"] for name, counts in meta["pages"]["classes"].items() if counts["pages"]}
    if {name: count for name, count in told.items() if count} != {name: count for name, count in counted.items() if count}:
        raise ScenarioFailed(f"the capture counted {counted} lost pages, show tells {told}")
    if meta["complete"] != (code == 0):
        raise ScenarioFailed(f"the capture ended with {code}, show says: {meta['completeness']}")
    context.say(f"  {meta['completeness']}; " + ", ".join(f"{name} {count}" for name, count in told.items() if count))
    return told | {"total": meta["pages"]["total"]["lost"]}


def _registers(vmcore):
    """(rsp, rip) of every CPU, from the notes of a kdump-compressed file."""
    with open(vmcore, "rb") as file:
        file.seek(PAGE + 48)  # kdump_sub_header.offset_note
        offset, size = struct.unpack("<QQ", file.read(16))
        file.seek(offset)
        notes = file.read(size)
    found, at = [], 0
    while at + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from("<III", notes, at)
        content = at + 12 + (name_size + 3 & ~3)
        if kind == NT_PRSTATUS and notes[at + 12:at + 16] == b"CORE":
            registers = struct.unpack_from("<27Q", notes, content + REGISTERS_OFFSET)
            found.append((registers[RSP], registers[RIP]))
        at = content + (size + 3 & ~3)
    return found


def _read_by_address(context, drgn, vmcore, hints, panic):
    cpus = _registers(vmcore)
    if not cpus or any(rip < 1 << 63 for _, rip in cpus):
        raise ScenarioFailed(f"no registers of a kernel in the dump: {cpus}")
    wanted = {"cpus": cpus, "panic": panic.strip(), "stack": STACK, **hints}
    told = context.run(drgn, "-q", "--no-default-symbols", "-c", vmcore, "-e", PROGRAM % json.dumps(wanted))[1]
    context.say(f"  drgn reads by address: {told.strip()}")


def _read_log(context, vmcore, panic):
    """makedumpfile finds the kernel log in the dump, panic included."""
    log = context.work / "dmesg"
    log.unlink(missing_ok=True)
    context.run(shutil.which("makedumpfile"), "--dump-dmesg", vmcore, log)
    if panic.strip() not in log.read_text(errors="replace"):
        raise ScenarioFailed("makedumpfile does not find the panic in the dump's kernel log")
