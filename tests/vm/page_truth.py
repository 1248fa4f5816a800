"""Scenario: is every page of the dump right, and are exactly the right pages there?

The crash kernel saves the plain /proc/vmcore before the capture runs. The host then compares, page by page and
through libkdumpfile (page_truth.cc), the dump that went through the region, the reset and the recovery, and dumps
made from the saved vmcore at other levels, with makedumpfile's dump of the same vmcore.
"""

import re
import shutil
import struct

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

    with context.cycle(save_vmcore=True) as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        cycle.load_memory(200)
        cycle.arm()
        context.say("panic; the crash kernel saves its vmcore first")
        cycle.crash()
        cycle.recover()
        (name,) = cycle.dumps()
        cycle.power_off()
        vmcore = cycle.take_vmcore()
        dump = cycle.copy_out(f"/crash/{name}", context.work)
        region = cycle.region

    image = _kernel_image(vmcore)
    allowed = ["--allow-extra", f"{image[0]},{image[1]},the kernel image, always kept"]
    context.say("comparing the dump of the machine")
    judges_pages = _knows_tail_pages(context, makedumpfile, vmcore)
    if not judges_pages:
        context.say("  this makedumpfile does not know how the kernel marks tail pages (page.compound_info) and takes "
                    "some of them for user pages: only bytes are compared")
    reference = _reference(context, makedumpfile, vmcore, 31) if judges_pages else None
    _judge(context, judge, vmcore, dump / "vmcore", reference, "the machine's dump",
           [*allowed, "--region", f"{region[0]},{region[1]}"])
    _compare_logs(context, makedumpfile, dump)
    _open_in_drgn(context, drgn, dump / "vmcore")

    for level in LEVELS:
        _judge_level(context, judge, makedumpfile if judges_pages else None, vmcore, level, allowed)
    shutil.rmtree(cycle.setup.work)


def _judges(context):
    """makedumpfile and drgn. Debian 12's makedumpfile (1.7.2) takes slab pages of Linux 6.12 for user pages, and
    1.7.6 takes its free pages for slab: newer kernels are judged by a newer one."""
    newest = context.script("fetch-judges")
    return shutil.which("makedumpfile") if context.series == "6.1" else f"{newest}/makedumpfile", f"{newest}/drgn"


def _knows_tail_pages(context, makedumpfile, vmcore):
    """False where the kernel's tail pages are marked in a way (from Linux 7.1) that this makedumpfile cannot read."""
    with open(vmcore, "rb") as file:
        has_new_marks = b"OFFSET(page.compound_info)=" in file.read(1 << 20)
    version = re.search(r"version (\d+)\.(\d+)\.(\d+)", context.run(makedumpfile, "-v")[1])
    return not has_new_marks or tuple(map(int, version.groups())) >= (1, 7, 9)


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
    context.say(f"comparing level {level}")
    stored = context.work / "region"
    with open(stored, "wb") as file:
        file.truncate(2 * GIB)
    context.run(context.programs / "warmdump-capture", "--vmcore", vmcore, "--region", stored, "--dump-level", level)
    own = context.work / f"level-{level}"
    own.unlink(missing_ok=True)
    context.run(context.programs / "warmdump", "extract", stored, "-o", own)
    reference = _reference(context, makedumpfile, vmcore, level) if makedumpfile else None
    _judge(context, judge, vmcore, own, reference, f"level {level}", allowed)
    for file in filter(None, (stored, own, reference)):
        file.unlink()


def _reference(context, makedumpfile, vmcore, level):
    target = context.work / f"makedumpfile-{level}"
    target.unlink(missing_ok=True)
    context.run(makedumpfile, "-c", "-d", level, vmcore, target)
    return target


def _judge(context, judge, vmcore, dump, reference, what, options):
    compared = ["--reference", reference] if reference else []
    code, output = context.run(judge, "--vmcore", vmcore, "--dump", dump, *compared, *options, may_fail=True)
    (context.work / f"judgement of {what}.txt").write_text(output)
    for line in output.splitlines():
        if not re.match(r"\s+(pfn|and) ", line):
            context.say(f"  {line}")
    if code != 0:
        raise ScenarioFailed(f"{what} differs from makedumpfile's or from the vmcore:\n{output.strip()}")


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
