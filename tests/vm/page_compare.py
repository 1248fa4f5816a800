"""Compares a dump with the vmcore it was made from, page by page, inside drgn: drgn -q -c DUMP page_compare.py VMCORE LIST [CLASS]

drgn (libkdumpfile for kdump files) reads the dump. What is in it is told by LIST, of `warmdump extract --format list`: pages
"present" and "zero" must be readable and hold the vmcore's bytes, all others must be a fault. The vmcore is read by its
ELF headers alone. Of long runs of other pages only the ends are tried. Pages of CLASS may be absent.
"""

import json
import struct
import sys

import drgn

PAGE_SIZE = 4096
PT_LOAD = 1
ZERO_PAGE = bytes(PAGE_SIZE)


def segments(file):
    """(physical address, size, file offset) of each PT_LOAD; memory itself before the kernel image, which overlaps it."""
    header = file.read(64)
    table, = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<HH", header, 54)
    file.seek(table)
    loads = []
    for _ in range(count):
        kind, _, offset, _, physical, stored, _, _ = struct.unpack("<IIQQQQQQ", file.read(size)[:56])
        if kind == PT_LOAD:
            loads.append((physical, stored, offset))
    return sorted(loads, key=lambda load: -load[1])


class Vmcore:
    """The source of all truth."""

    def __init__(self, path):
        self._file = open(path, "rb")
        self._segments = segments(self._file)

    def page(self, pfn):
        """Its bytes; those that no segment covers are zeros."""
        page = bytearray(ZERO_PAGE)
        address = pfn * PAGE_SIZE
        for physical, size, offset in self._segments:
            start, end = max(address, physical), min(address + PAGE_SIZE, physical + size)
            if start < end:
                self._file.seek(offset + start - physical)
                page[start - address:end - address] = self._file.read(end - start)
        return bytes(page)


def is_readable(pfn):
    try:
        prog.read(pfn * PAGE_SIZE, PAGE_SIZE, True)
    except drgn.FaultError:
        return False
    return True


def main(vmcore, page_list, may_lack=None):
    source = Vmcore(vmcore)
    compared = absent = 0
    with open(page_list, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if "state" not in line:
                continue
            first, count = line["first_pfn"], line["count"]
            if line["state"] in ("present", "zero"):
                for pfn in range(first, first + count):
                    if line["class"] == may_lack and not is_readable(pfn):
                        continue
                    if prog.read(pfn * PAGE_SIZE, PAGE_SIZE, True) != source.page(pfn):
                        sys.exit(f"pfn {pfn:#x}, {line['state']}: other bytes than the vmcore has")
                    compared += 1
            else:
                for pfn in {first, first + count - 1}:
                    if is_readable(pfn):
                        sys.exit(f"pfn {pfn:#x}, {line['state']}: it can be read")
                absent += 1
    if compared == 0:
        sys.exit("the list has no page that is in the dump")
    print(f"{compared} pages equal, {absent} runs absent")


main(*sys.argv[1:])
