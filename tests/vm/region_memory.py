"""The dump region of a virtual machine whose memory is a file: seen, and written to, from outside, as a device would.

Offsets are those of docs/DUMP_FORMAT.md.
"""

import mmap
import struct

import qemu

HEADER_OFFSET = 8 << 10
HEADER_COPY_OFFSET = 1 << 20
FRAMES_OFFSET = 2 << 20
WRITING = 2  # State::writing
GIB = 1 << 30


def file_offset(address):
    """Where the memory file has a physical address of RAM: QEMU lays the RAM above 4 GiB right behind the one below."""
    below_4g = qemu.Machine.low_memory_mib << 20
    return address if address < below_4g else address - 4 * GIB + below_4g


class RegionMemory:
    """Use as a context manager. `start` and `size` as in the plan."""

    def __init__(self, memory_file, start, size):
        self._start = file_offset(start)
        self._file = open(memory_file, "r+b")
        self._memory = mmap.mmap(self._file.fileno(), 0)
        self.size = size

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._memory.close()
        self._file.close()

    def read(self, offset, size):
        return self._memory[self._start + offset:self._start + offset + size]

    def write(self, offset, data):
        self._memory[self._start + offset:self._start + offset + len(data)] = data

    @property
    def state(self):
        return struct.unpack("<I", self.read(HEADER_OFFSET + 72, 4))[0]

    def storing(self, frame_bytes):
        """Returns a function that tells whether a capture that began after now has written about that many bytes of
        frames. What lies there now does not count: the running system uses the region's memory."""
        before = self.read(FRAMES_OFFSET + frame_bytes, 4096)
        return lambda: self.state == WRITING and self.read(FRAMES_OFFSET + frame_bytes, 4096) != before
