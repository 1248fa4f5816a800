"""Compares a dump with the vmcore it was made from, page by page, inside drgn: drgn -q -c DUMP page_compare.py VMCORE LIST [CLASS]

drgn (libkdumpfile for kdump files) reads the dump. What is in it is told by LIST, of `warmdump extract --format list`: pages
"present" and "zero" must be readable and hold the vmcore's bytes, all others must be a fault. The vmcore is read by its
ELF headers alone. Of long runs of other pages only the ends are tried. Pages of CLASS may be absent.
"""

import os
import sys

import drgn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from vmcore_pages import PAGE_SIZE, Vmcore, states


def is_readable(pfn):
    try:
        prog.read(pfn * PAGE_SIZE, PAGE_SIZE, True)
    except drgn.FaultError:
        return False
    return True


def main(vmcore, page_list, may_lack=None):
    source = Vmcore(vmcore)
    compared = absent = 0
    for state, page_class, first, count in states(page_list):
        if state in ("present", "zero"):
            for pfn in range(first, first + count):
                if page_class == may_lack and not is_readable(pfn):
                    continue
                if prog.read(pfn * PAGE_SIZE, PAGE_SIZE, True) != source.page(pfn):
                    sys.exit(f"pfn {pfn:#x}, {state}: other bytes than the vmcore has")
                compared += 1
        else:
            for pfn in {first, first + count - 1}:
                if is_readable(pfn):
                    sys.exit(f"pfn {pfn:#x}, {state}: it can be read")
            absent += 1
    if compared == 0:
        sys.exit("the list has no page that is in the dump")
    print(f"{compared} pages equal, {absent} runs absent")


main(*sys.argv[1:])
