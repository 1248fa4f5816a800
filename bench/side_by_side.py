"""Runs warmdump-capture and makedumpfile on the same vmcore, in turns, and says what each run took.

Time is processor time, user and system: it is what the two differ in when other programs share the machine. The
wall clock is kept beside it.
"""

import dataclasses
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]

# makedumpfile's compressors by its option letter. One that this makedumpfile was built without is left out.
CODECS = {"-c": "zlib", "-l": "lzo", "-z": "zstd"}
UNCOMPRESSED = ""
SLACK_BYTES = 16 << 20


@dataclasses.dataclass
class Run:
    """What one run of a program took; `bytes` is what it left behind."""

    seconds: float  # processor time
    wall_seconds: float
    memory_kib: int  # peak resident
    bytes: int = 0


@dataclasses.dataclass
class Programs:
    """What is measured, and where the outputs go: a directory in memory where there is room, as the region is."""

    capture: str
    makedumpfile: str  # program, or a command line
    directory: str

    def missing(self):
        """The programs that are not there."""
        wanted = (self.capture, self.makedumpfile.split()[0], "time")
        return [program for program in wanted if shutil.which(program) is None]

    def version(self):
        """makedumpfile's version line."""
        return self._banner().splitlines()[0].removeprefix("makedumpfile: ")

    def codecs(self):
        """The compressors this makedumpfile has, by option; without one it silently writes plain pages."""
        banner = self._banner()
        return {option: codec for option, codec in CODECS.items()
                if not re.search(rf"^{codec}\s+disabled", banner, re.MULTILINE)}

    def _banner(self):
        return subprocess.run(self.makedumpfile.split() + ["-v"], capture_output=True, text=True, check=False).stdout


def outputs_directory(parent=None):
    """A temporary directory for outputs, in memory unless `parent` is given."""
    memory = "/dev/shm"
    parent = parent or (memory if os.path.isdir(memory) else None)
    return tempfile.TemporaryDirectory(prefix="warmdump-bench-", dir=parent)


def run(command):
    """Runs a command and measures it; RuntimeError with its last words when it fails."""
    # Through time(1): a child forked by this interpreter would be charged the interpreter's own memory.
    with tempfile.NamedTemporaryFile() as memory, tempfile.TemporaryFile() as output:
        start = time.monotonic()
        with subprocess.Popen(["time", "-q", "-f", "%M", "-o", memory.name, *command], stdout=output,
                              stderr=subprocess.STDOUT) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - start
        if process.returncode != 0:
            output.seek(0)
            tail = output.read()[-800:].decode(errors="replace")
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
        return Run(usage.ru_utime + usage.ru_stime, wall, int(memory.read()))


def capture(programs, vmcore, dump_level=31, options=()):
    """One capture to a fresh region."""
    region = os.path.join(programs.directory, "region")
    with open(region, "wb") as file:
        file.truncate(os.path.getsize(vmcore) + SLACK_BYTES)
    result = run([programs.capture, "--vmcore", vmcore, "--region", region, "--dump-level", str(dump_level), *options])
    result.bytes = os.stat(region).st_blocks * 512
    os.unlink(region)
    return result


def makedumpfile(programs, vmcore, option, dump_level=31):
    """One run of makedumpfile with a compressor of CODECS, UNCOMPRESSED, or --dry-run."""
    target = os.path.join(programs.directory, "dump")
    result = run(programs.makedumpfile.split() + option.split() + ["-d", str(dump_level), vmcore, target])
    if os.path.exists(target):
        result.bytes = os.path.getsize(target)
        os.unlink(target)
    return result


def in_turns(works, runs, say=lambda text: None):
    """Medians of `runs` runs of each of `works` (name: function that returns a Run), taken in turns, so that a noisy
    machine is noisy for all. A round before them, not counted, brings the vmcore into the page cache."""
    results = {name: [] for name in works}
    for number in range(runs + 1):
        say(f"round {number} of {runs}" if number else "first round, not counted")
        for name, work in works.items():
            result = work()
            if number:
                results[name].append(result)
    return {name: median(values) for name, values in results.items()}


def median(runs):
    """The median of each figure."""
    fields = [field.name for field in dataclasses.fields(Run)]
    return Run(**{field: statistics.median(getattr(result, field) for result in runs) for field in fields})


def find_makedumpfile():
    """Debian testing's makedumpfile, which has zstd, where scripts/fetch-judges has been run; else the system's."""
    cache = os.environ.get("WARMDUMP_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "warmdump")
    judge = os.path.join(cache, "judges/bin/makedumpfile")
    return judge if os.path.exists(judge) else "makedumpfile"
