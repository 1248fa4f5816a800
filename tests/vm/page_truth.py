"""Scenario: is every page of the dump right, and are exactly the right pages there?

The guest holds memory of every kind (memory_kinds.py) when it panics. The crash kernel saves the plain /proc/vmcore
before the capture runs. The host then judges, page by page and through libkdumpfile (page_truth.cc), the dump that
went through the region, the reset and the recovery, and dumps made from the saved vmcore at other levels: by the
struct pages of the vmcore, decoded once more, and by makedumpfile's dump of the same vmcore.
"""

import re
import shutil
import struct

import memory_kinds
from scenario import ScenarioFailed, ScenarioSkipped

LEVELS = (0, 1, 16, 24, 31)
GIB = 1 << 30
PT_LOAD = 1
KERNEL_MAP_START = 0xFFFFFFFF80000000  # x86-64: __START_KERNEL_map


def run(context):
    judge = context.programs / "page_truth"
    if not judge.exists():
        raise ScenarioSkipped("page_truth was not built, libkdumpfile-dev is missing")
    makedumpfile, drgn = _judges(context)

    with context.cycle(save_vmcore=True, **memory_kinds.SETUP) as cycle:
        cycle.plan()
        memory_kinds.boot(cycle)
        cycle.recover()
        context.say("putting memory to all its uses")
        made = memory_kinds.put_to_use(cycle)
        cycle.arm()
        context.say("panic; the crash kernel saves its vmcore first")
        cycle.crash()
        cycle.machine.set_balloon(0)
        cycle.recover()
        (name,) = cycle.dumps()
        cycle.power_off()
        vmcore = cycle.take_vmcore()
        dump = cycle.copy_out(f"/crash/{name}", context.work)
        region = cycle.region

    image = _kernel_image(vmcore)
    allowed = ["--allow-extra", f"{image[0]},{image[1]},the kernel image, always kept"]
    context.say("judging the dump of the machine")
    judgement = _judge(context, judge, vmcore, dump / "vmcore", _reference(context, makedumpfile, vmcore, 31),
                       "the machine's dump", 31, [*allowed, "--region", f"{region[0]},{region[1]}", "--kinds"])
    _check_kinds(context, made, judgement)
    _compare_logs(context, makedumpfile, dump)
    _open_in_drgn(context, drgn, dump / "vmcore")

    for level in LEVELS:
        _judge_level(context, judge, makedumpfile, vmcore, level, allowed)
    shutil.rmtree(cycle.setup.work)


def _judges(context):
    """makedumpfile and drgn. Debian 12's makedumpfile (1.7.2) takes slab pages of Linux 6.12 for user pages, and
    1.7.6 takes its free pages for slab: newer kernels are judged by a newer one."""
    newest = context.script("fetch-judges")
    return shutil.which("makedumpfile") if context.series == "6.1" else f"{newest}/makedumpfile", f"{newest}/drgn"


def _check_kinds(context, made, judgement):
    """Every kind of memory that the guest says it has is really in the vmcore, outside of the region."""
    kinds = {line.split(None, 3)[3]: line for line in judgement.partition("kinds of pages:")[2].splitlines() if line}
    missing = []
    for use, pattern in memory_kinds.SEEN_AS.items():
        if made.get(use) != "done":
            context.say(f"  not made on this kernel: {use}: {made.get(use)}")
        elif not any(re.fullmatch(pattern, kind) for kind in kinds):
            missing.append(use)
    if missing:
        raise ScenarioFailed(f"the vmcore shows no trace of: {', '.join(missing)}; it has {'; '.join(kinds)}")


def _kernel_image(vmcore):
    """Physical range [start, end) of the kernel image: the ELF segment that is mapped where the kernel runs."""
    with open(vmcore, "rb") as file:
        header = file.read(64)
        table, = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(table)
        segments = [struct.unpack("<IIQQQQQQ", file.read(size)[:56]) for _ in range(count)]
    for kind, _, _, virtual, physical, _, length, _ in segments:
        if kind == PT_LOAD and virtual >= KERNEL_MAP_START:
            return physical, physical + length
    raise ScenarioFailed("the vmcore has no segment for the kernel image")


def _judge_level(context, judge, makedumpfile, vmcore, level, allowed):
    """A dump made on the host from the saved vmcore, at a level of its own."""
    context.say(f"judging level {level}")
    stored = context.work / "region"
    with open(stored, "wb") as file:
        file.truncate(2 * GIB)
    context.run(context.programs / "warmdump-capture", "--vmcore", vmcore, "--region", stored, "--dump-level", level)
    own = context.work / f"level-{level}"
    own.unlink(missing_ok=True)
    context.run(context.programs / "warmdump", "extract", stored, "-o", own)
    reference = _reference(context, makedumpfile, vmcore, level)
    _judge(context, judge, vmcore, own, reference, f"level {level}", level, allowed)
    for file in (stored, own, reference):
        file.unlink()


def _reference(context, makedumpfile, vmcore, level):
    target = context.work / f"makedumpfile-{level}"
    target.unlink(missing_ok=True)
    context.run(makedumpfile, "-d", level, vmcore, target)
    return target


def _judge(context, judge, vmcore, dump, reference, what, level, options):
    code, output = context.run(judge, "--vmcore", vmcore, "--dump", dump, "--reference", reference, "--level", level,
                               *options, may_fail=True)
    (context.work / f"judgement of {what}.txt").write_text(output)
    for line in output.splitlines():
        if not re.match(r"\s+(pfn|and) ", line):
            context.say(f"  {line}")
    if code != 0:
        raise ScenarioFailed(f"{what} is not what the vmcore, its struct pages or makedumpfile say:\n{output.strip()}")
    return output


def _compare_logs(context, makedumpfile, dump):
    """The kernel log that makedumpfile finds in our vmcore equals our vmcore-dmesg.txt, up to formatting."""
    target = context.work / "makedumpfile-dmesg"
    target.unlink(missing_ok=True)
    context.run(makedumpfile, "--dump-dmesg", dump / "vmcore", target)
    theirs = _messages(target.read_text(errors="replace"))
    ours = _messages((dump / "vmcore-dmesg.txt").read_text(errors="replace"))
    if len(theirs) < 100 or theirs != ours:
        first = next((pair for pair in zip(theirs, ours) if pair[0] != pair[1]), ("", ""))
        raise ScenarioFailed(f"vmcore-dmesg.txt has {len(ours)} messages, makedumpfile finds {len(theirs)}; the first "
                             f"that differ: '{first[1]}', '{first[0]}'")
    context.say(f"  kernel log: {len(ours)} messages, the same as makedumpfile's")


def _messages(text):
    """(timestamp, message) of every line that begins a message; lines that go on are left to their message."""
    return [(match[1], match[2].strip())
            for match in re.finditer(r"^(?:<\d+>)?\[ *(\d+\.\d+)\](?: ?\[ *[TC]\d+\])? ?(.*)$", text, re.MULTILINE)]


def _open_in_drgn(context, drgn, dump):
    """drgn takes it for a Linux kernel's dump, and reads the kernel's name at its virtual address."""
    program = ("import re\n"
               "info = prog['VMCOREINFO'].string_().decode()\n"
               "address = int(re.search(r'SYMBOL.init_uts_ns.=([0-9a-f]+)', info).group(1), 16)\n"
               "release = re.search('OSRELEASE=(.*)', info).group(1)\n"
               "assert release.encode() in prog.read(address, 400), 'the kernel release is not at init_uts_ns'\n"
               "print(release)\n")
    release = context.run(drgn, "-q", "--no-default-symbols", "-c", dump, "-e", program)[1].strip()
    context.say(f"  drgn opens it and reads the kernel's name: {release}")
