#!/usr/bin/env python3
"""Scenario: does every format, with every compression, say the same to everybody else's tools?

A machine panics; its plain /proc/vmcore is saved and captured on the host. Each file that `warmdump extract` makes of
that is read page by page by drgn (through libkdumpfile where it is a kdump file), and once more after makedumpfile has
read and rewritten it, both of Debian 12 and of Debian testing, and compared with the vmcore (page_compare.py). So are the
files of a dump that only a part of the memory fitted into. The kernel's log has to be the one that vmcore-dmesg prints.

The scenario converters-crash has all of them read by crash too (crash_compare.py). It runs on request, as in
`./test --vm converters-crash-6.1`: crash needs the kernel with debugging information, of which Debian has a gigabyte.

On a vmcore that is there already:  tests/vm/converters.py VMCORE --programs build/dev/bin [--crash SERIES]
"""

import argparse
import pathlib
import re
import struct
import sys
import tempfile

import crash_compare
from scenario import Context, ScenarioFailed

HERE = pathlib.Path(__file__).resolve().parent
SUITES = ("bookworm", "testing")
COMPRESSIONS = ("zlib", "zstd", "lzo", "none")
EXIT_OK, EXIT_INCOMPLETE = 0, 3
REGION_BYTES = 2 << 30
SMALL_REGION_BYTES = 12 << 20
INCOMPLETE = 8  # bit of a kdump header's status
STATUS_OFFSET = 424
ELF_INCOMPLETE = 1  # bit of e_flags
ELF_FLAGS_OFFSET = 48


def run(context):
    judge(context, _crash_and_save(context))


def run_crash(context):
    judge_by_crash(context, _crash_and_save(context))


def _crash_and_save(context):
    with context.cycle(save_vmcore=True, memory_mib=1024, region_size="128M") as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        cycle.arm()
        context.say("panic; the crash kernel saves its vmcore first")
        cycle.crash()
        cycle.power_off()
        return cycle.take_vmcore()


def judge(context, vmcore):
    """Converts the vmcore to everything there is, and has everything read."""
    region = _capture(context, vmcore, REGION_BYTES)
    page_list = _extract(context, region, "list")
    files = _files(context, region)
    _compare_logs(context, region, vmcore, files["elf"])
    streams = {plain: _extract(context, region, format) for plain, format in
               (("kdump zlib", "flattened"), ("elf", "flattened-elf"))}
    for suite in SUITES:
        tools = pathlib.Path(context.script("fetch-judges", suite))
        for name, file in files.items():
            _read_in_drgn(context, tools, file, vmcore, page_list, f"{suite}, {name}")
            if _reads(context, tools, name):
                _reread_by_makedumpfile(context, tools, file, vmcore, page_list, f"{suite}, {name}")
        for name, stream in streams.items():
            _rearrange(context, tools, stream, files[name], f"{suite}, flattened {name}")
    for file in (region, page_list, *files.values(), *streams.values()):
        file.unlink()
    _judge_partial(context, vmcore)


def _compare_logs(context, region, vmcore, elf):
    """The kernel's log, byte for byte, as vmcore-dmesg(8) prints it of the vmcore and of our ELF file."""
    ours = context.run(context.programs / "warmdump", "show", region, "--dmesg")[1]
    for what, file in (("the vmcore", vmcore), ("our ELF file", elf)):
        if context.run("/usr/sbin/vmcore-dmesg", file)[1] != ours:
            raise ScenarioFailed(f"vmcore-dmesg says of {what} something else than warmdump show --dmesg")
    context.say(f"  the log's {len(ours.splitlines())} lines are those of vmcore-dmesg")


def _judge_partial(context, vmcore):
    """What did not fit into the region is absent from every file, and the file says that it lacks something. makedumpfile
    says its log, but cannot filter it again: it finds not all struct pages."""
    region = _capture(context, vmcore, SMALL_REGION_BYTES)
    page_list = _extract(context, region, "list")
    files = _files(context, region)
    for name, file in files.items():
        _check_marked_incomplete(name, file)
        for suite in SUITES:
            tools = pathlib.Path(context.script("fetch-judges", suite))
            _read_in_drgn(context, tools, file, vmcore, page_list, f"{suite}, partial {name}")
            if _reads(context, tools, name):
                _read_log_by_makedumpfile(context, tools, file, f"{suite}, partial {name}")
    for file in (region, page_list, *files.values()):
        file.unlink()


def _check_marked_incomplete(name, file):
    with open(file, "rb") as dump:
        header = dump.read(512)
    offset, bit = (ELF_FLAGS_OFFSET, ELF_INCOMPLETE) if name == "elf" else (STATUS_OFFSET, INCOMPLETE)
    if not struct.unpack_from("<I", header, offset)[0] & bit:
        raise ScenarioFailed(f"partial {name}: nothing in its header says that it is incomplete")


def judge_by_crash(context, vmcore):
    """Has every format that crash of either suite can read, whole and partial, read by it."""
    vmlinux = context.script("fetch-debug-kernel", context.series)
    for suite in SUITES:
        crash = pathlib.Path(context.script("fetch-judges", suite)) / "crash"
        judge_of_suite = crash_compare.Judge(context, crash, vmlinux, vmcore)
        for what, size in (("", REGION_BYTES), ("partial ", SMALL_REGION_BYTES)):
            region = _capture(context, vmcore, size)
            page_list = _extract(context, region, "list")
            files = _files(context, region)
            for name, file in files.items():
                judge_of_suite.compare(file, page_list, f"{suite}, {what}{name}", is_whole=not what)
            for file in (region, page_list, *files.values()):
                file.unlink()


def _capture(context, vmcore, size):
    """A region of that size with as much of the vmcore as fits."""
    region = context.work / "region"
    region.unlink(missing_ok=True)
    with open(region, "wb") as file:
        file.truncate(size)
    context.run(context.programs / "warmdump-capture", "--vmcore", vmcore, "--region", region, may_fail=size < REGION_BYTES)
    return region


def _files(context, region):
    """Every format that is read as it is, by name."""
    files = {f"kdump {name}": _extract(context, region, "kdump", "--compression", name) for name in COMPRESSIONS}
    files["elf"] = _extract(context, region, "elf")
    return files


def _extract(context, region, format, *options):
    target = context.work / "-".join((format, *options[1:]))
    target.unlink(missing_ok=True)
    code, output = context.run(context.programs / "warmdump", "extract", region, "--format", format, *options, "-o", target,
                               may_fail=True)
    if code not in (EXIT_OK, EXIT_INCOMPLETE):
        raise ScenarioFailed(f"warmdump extract --format {format} ended with exit code {code}:\n{output.strip()}")
    return target


def _read_in_drgn(context, tools, file, vmcore, page_list, what, *may_lack):
    code, output = context.run(tools / "drgn", "-q", "--no-default-symbols", "-c", file, HERE / "page_compare.py",
                               vmcore, page_list, *may_lack, may_fail=True)
    if code != 0:
        raise ScenarioFailed(f"{what}: {output.strip()}")
    context.say(f"  {what}: {output.strip().splitlines()[-1]}")


def _reads(context, tools, name):
    """Debian 12's makedumpfile was built without zstd."""
    codec = name.rpartition(" ")[2]
    banner = context.run(tools / "makedumpfile", "-v", may_fail=True)[1]
    return not re.search(rf"^{codec}\s+disabled", banner, re.MULTILINE)


def _reread_by_makedumpfile(context, tools, file, vmcore, page_list, what):
    """makedumpfile keeps what is there at level 0, and says the kernel's log. It adds the level in a kdump file to its own,
    and so leaves out what is free in the kernel image, all of which we keep."""
    again = context.work / "again"
    again.unlink(missing_ok=True)
    context.run(tools / "makedumpfile", "-d", "0", file, again)
    _read_in_drgn(context, tools, again, vmcore, page_list, f"{what}, rewritten by makedumpfile",
                  "kernel_image")
    again.unlink()
    _read_log_by_makedumpfile(context, tools, file, what)


def _read_log_by_makedumpfile(context, tools, file, what):
    log = context.work / "log"
    log.unlink(missing_ok=True)
    context.run(tools / "makedumpfile", "--dump-dmesg", file, log)
    if "sysrq triggered crash" not in log.read_text(errors="replace"):
        raise ScenarioFailed(f"{what}: makedumpfile --dump-dmesg finds no panic")
    log.unlink()


def _rearrange(context, tools, stream, file, what):
    """`makedumpfile -R` makes the very file of the stream."""
    again = context.work / "again"
    again.unlink(missing_ok=True)
    context.run("sh", "-c", '"$1" -R "$2" < "$3"', "sh", tools / "makedumpfile", again, stream)
    if context.run("cmp", again, file, may_fail=True)[0] != 0:
        raise ScenarioFailed(f"{what}: makedumpfile -R makes another file of it")
    context.say(f"  {what}: the same file after makedumpfile -R")
    again.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vmcore", type=pathlib.Path)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="bin directory of the build")
    parser.add_argument("--crash", metavar="SERIES", help="have crash read it; the vmcore is of this kernel")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="warmdump-converters-") as work:
        context = Context(HERE.parents[1], options.programs, pathlib.Path(work), options.crash or "6.1", False, print)
        (judge_by_crash if options.crash else judge)(context, options.vmcore)


if __name__ == "__main__":
    try:
        main()
    except ScenarioFailed as failure:
        sys.exit(str(failure))
