#!/usr/bin/env python3
"""Scenario: does every format, with every compression, say the same to everybody else's tools?

A machine panics; its plain /proc/vmcore is saved and captured on the host. Each file that `warmdump extract` makes of
that is read page by page by drgn (through libkdumpfile where it is a kdump file), and once more after makedumpfile has
read and rewritten it, both of Debian 12 and of Debian testing, and compared with the vmcore (page_compare.py).

On a vmcore that is there already:  tests/vm/converters.py VMCORE --programs build/dev/bin
"""

import argparse
import pathlib
import re
import sys
import tempfile

from scenario import Context, ScenarioFailed

HERE = pathlib.Path(__file__).resolve().parent
SUITES = ("bookworm", "testing")
COMPRESSIONS = ("zlib", "zstd", "lzo", "none")
REGION_BYTES = 2 << 30


def run(context):
    with context.cycle(save_vmcore=True, memory_mib=1024, region_size="128M") as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        cycle.arm()
        context.say("panic; the crash kernel saves its vmcore first")
        cycle.crash()
        cycle.power_off()
        vmcore = cycle.take_vmcore()
    judge(context, vmcore)


def judge(context, vmcore):
    """Converts the vmcore to everything there is, and has everything read."""
    region = context.work / "region"
    with open(region, "wb") as file:
        file.truncate(REGION_BYTES)
    context.run(context.programs / "warmdump-capture", "--vmcore", vmcore, "--region", region)
    page_list = _extract(context, region, "list")
    files = {f"kdump {name}": _extract(context, region, "kdump", "--compression", name) for name in COMPRESSIONS}
    files["elf"] = _extract(context, region, "elf")
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


def _extract(context, region, format, *options):
    target = context.work / "-".join((format, *options[1:]))
    target.unlink(missing_ok=True)
    context.run(context.programs / "warmdump", "extract", region, "--format", format, *options, "-o", target)
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
    log = context.work / "log"
    for target in (again, log):
        target.unlink(missing_ok=True)
    context.run(tools / "makedumpfile", "-d", "0", file, again)
    _read_in_drgn(context, tools, again, vmcore, page_list, f"{what}, rewritten by makedumpfile",
                  "kernel_image")
    context.run(tools / "makedumpfile", "--dump-dmesg", file, log)
    if "sysrq triggered crash" not in log.read_text(errors="replace"):
        raise ScenarioFailed(f"{what}: makedumpfile --dump-dmesg finds no panic")
    for target in (again, log):
        target.unlink()


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
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="warmdump-converters-") as work:
        judge(Context(HERE.parents[1], options.programs, pathlib.Path(work), "6.1", False, print), options.vmcore)


if __name__ == "__main__":
    try:
        main()
    except ScenarioFailed as failure:
        sys.exit(str(failure))
