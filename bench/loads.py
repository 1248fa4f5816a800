"""What a guest does before it crashes, so that its memory is that of a machine at work.

Scripts of bench/loads run in a Debian userland (userland.py) on the guest's disk: real programs, real files. What a
script leaves running is in the middle of its work when the machine panics.

To add one: a script in bench/loads that prints "ready" when the machine may crash, and a row here.
"""

import dataclasses
import pathlib

SCRIPTS = pathlib.Path(__file__).resolve().parent / "loads"
READY_TIMEOUT_S = 900


@dataclasses.dataclass
class Load:
    """One use of a machine."""

    description: str
    script: str = None  # in bench/loads
    objects: int = 0  # for tests/vm/memory_load, which the page filter's tests use


LOADS = {
    "idle": Load("a small system that has booted, and nothing else"),
    "files": Load("a tree of real files read, copied, searched, half of it deleted again", script="files"),
    "processes": Load("300 processes with libraries, heaps, pipes, unix and TCP sockets; short-lived ones come and go",
                      script="processes"),
    "build": Load("C++ compilers at work on this project's sources", script="build"),
    "random": Load("the worst case: a quarter of the memory in processes, 80000 inodes, 800 processes, full pipes, and "
                   "page cache of random bytes, which stays in free pages that nothing marks as free", objects=80000),
}


def describe():
    """A line a load, for --help."""
    return "\n".join(f"  {name:10} {load.description}" for name, load in LOADS.items())


def run(cycle, name, memory_mib):
    """Puts the booted machine of `cycle` to that use; it goes on until the machine crashes."""
    load = LOADS[name]
    if load.objects:
        cycle.load_memory(memory_mib // 4, load.objects)
    if load.script:
        run_script(cycle.machine, load.script)


def run_script(machine, script):
    root = "/disk/userland"
    machine.run("ifconfig lo 127.0.0.1 up; ulimit -n 8192; "
                f"for name in proc sys dev; do mount -o bind /$name {root}/$name; done; "
                f"mount -t tmpfs tmpfs {root}/tmp; ln -sfn /proc/self/fd /dev/fd; "
                f"chroot {root} /bin/bash /loads/{script} > /tmp/load.log 2>&1 < /dev/null &")
    machine.run(f"for i in $(seq {READY_TIMEOUT_S}); do grep -q '^ready$' /tmp/load.log && exit 0; sleep 1; done; "
                "cat /tmp/load.log; exit 1", timeout=READY_TIMEOUT_S + 100)
