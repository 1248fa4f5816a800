#!/usr/bin/env python3
"""Makes the binary files of a saved machine from words.

  make_table.py srat FILE DOMAIN:START-END[:hot] ...      the ACPI table SRAT; END included, hexadecimal
  make_table.py apic FILE                                 an ACPI table APIC without entries
  make_table.py boot_params FILE [efi] [initrd:START-END] START-END[:TYPE] ...
                                                          /sys/kernel/boot_params/data; TYPE of e820, 1 is RAM
"""

import struct
import sys


def numbers(text):
    start, end = (int(part, 16) for part in text.split("-"))
    return start, end - start + 1


def acpi_table(signature, body):
    table = bytearray(signature + struct.pack("<IBB", 36 + len(body), 3, 0)
                      + b"SAVED " + b"MACHINE " + struct.pack("<I4sI", 1, b"WARM", 1) + body)
    table[9] = -sum(table) & 0xFF
    return bytes(table)


def srat(words):
    body = struct.pack("<IQ", 1, 0)
    for word in words:
        domain, place, *flags = word.split(":")
        start, size = numbers(place)
        body += struct.pack("<BBIHQQIIQ", 1, 40, int(domain), 0, start, size, 0, 3 if "hot" in flags else 1, 0)
    return acpi_table(b"SRAT", body)


def boot_params(words):
    page = bytearray(4096)
    page[0x202:0x206] = b"HdrS"
    entries = []
    for word in words:
        if word == "efi":
            page[0x1C0:0x1C4] = b"EL64"
        elif word.startswith("initrd:"):
            start, size = numbers(word.split(":")[1])
            struct.pack_into("<II", page, 0x218, start & 0xFFFFFFFF, size & 0xFFFFFFFF)
            struct.pack_into("<II", page, 0x0C0, start >> 32, size >> 32)
        else:
            place, kind = (word + ":1").split(":")[:2]
            entries.append(struct.pack("<QQI", *numbers(place), int(kind)))
    page[0x1E8] = len(entries)
    page[0x2D0:0x2D0 + 20 * len(entries)] = b"".join(entries)
    return bytes(page)


if __name__ == "__main__":
    makers = {"srat": srat, "apic": lambda words: acpi_table(b"APIC", struct.pack("<II", 0xFEE00000, 1)),
              "boot_params": boot_params}
    if len(sys.argv) < 3 or sys.argv[1] not in makers:
        sys.exit(__doc__)
    with open(sys.argv[2], "wb") as file:
        file.write(makers[sys.argv[1]](sys.argv[3:]))
