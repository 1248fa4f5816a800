"""The memory in a saved /proc/vmcore, read by its ELF headers alone: what every reader of a dump has to agree with."""

import json
import struct

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


def states(page_list):
    """(state, class, first pfn, count) of each line that `warmdump extract --format list` has for pages."""
    with open(page_list, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if "state" in line:
                yield line["state"], line["class"], line["first_pfn"], line["count"]
