"""The measurements behind bench/figures; each returns a list of targets.Figure."""

import os
import statistics
import subprocess

import machines
import side_by_side
from targets import Figure

SCAN_GIB = 16

# What protects a dump: the lines of a configuration that `warmdump-capture --settings` takes.
# To add one: a row; "protection / none" is its target.
SEAL = ("secret=" + "5a" * 32, "boot_id=4a2e9d10-3c5f-4b7e-8a61-0d9c2f4e6b88")
PROTECTIONS = {
    "sealed": SEAL,
    "sealed and encrypted": SEAL + ("encryption=" + ":".join(("1f" * 8, "2e" * 32, "3d" * 128)),),
}
GROWTH_GIB = (4, 64, 1024)


def sizes(binaries, kernel):
    """The stripped static binary, and the crash image for `kernel` (a guest_image.Kernel)."""
    capture = binaries / "warmdump-capture"
    image = subprocess.run([binaries / "crash_image_size", capture, kernel.image, kernel.modules],
                           stdout=subprocess.PIPE, text=True, check=True).stdout
    return [Figure("binary", "stripped, static", os.path.getsize(capture), "bytes"),
            Figure("crash image", kernel.release, int(image), "bytes")]


def beside_peers(programs, vmcore, runs, say):
    """Time, size and memory on one vmcore, for every compressor makedumpfile has."""
    subject = os.path.basename(vmcore)
    works = {"warmdump": lambda: side_by_side.capture(programs, vmcore)}
    for option in (*programs.codecs(), side_by_side.UNCOMPRESSED):
        works[option] = lambda option=option: side_by_side.makedumpfile(programs, vmcore, option)
    result = side_by_side.in_turns(works, runs, say)
    own = result["warmdump"]
    figures = [Figure("time", subject, own.seconds, "s"), Figure("stored", subject, own.bytes / 1e6, "MB")]
    for option, peer in result.items():
        if option == "warmdump":
            continue
        name = option or "uncompressed"
        note = f"{own.seconds:.3f} s and {peer.seconds:.3f} s; {own.bytes / 1e6:.1f} MB and {peer.bytes / 1e6:.1f} MB"
        figures.append(Figure(f"time / {name}", subject, own.seconds / peer.seconds, "x", note=note))
        figures.append(Figure(f"size / {name}", subject, own.bytes / peer.bytes, "x"))
    peer = max((result[option] for option in result if option != "warmdump"), key=lambda run: run.memory_kib)
    figures.append(Figure("peak memory", subject, own.memory_kib * 1024, "bytes", peer.memory_kib * 1024))
    return figures


def two_threads(programs, vmcore, runs, say):
    """Two threads against one, by the wall clock; nothing when the capture has no --threads."""
    usage = subprocess.run([programs.capture, "--help"], capture_output=True, text=True, check=False)
    if "--threads" not in usage.stdout + usage.stderr:
        say("left out: two threads, the capture has no --threads")
        return []
    result = side_by_side.in_turns(
        {number: lambda number=number: side_by_side.capture(programs, vmcore, options=("--threads", number))
         for number in ("1", "2")}, runs, say)
    return [Figure("two threads", os.path.basename(vmcore), result["2"].wall_seconds / result["1"].wall_seconds, "x",
                   note=f"wall clock; {result['1'].wall_seconds:.3f} s and {result['2'].wall_seconds:.3f} s")]


def protection(programs, vmcore, runs, say):
    """A capture that protects its dump against one that does not; nothing when the capture has no --settings."""
    usage = subprocess.run([programs.capture, "--help"], capture_output=True, text=True, check=False)
    if "--settings" not in usage.stdout + usage.stderr:
        say("left out: protection, the capture has no --settings")
        return []
    works = {"none": lambda: side_by_side.capture(programs, vmcore)}
    for name, lines in PROTECTIONS.items():
        file = os.path.join(programs.directory, f"settings-{name.replace(' ', '-')}")
        with open(file, "w", encoding="ascii") as output:
            output.write("\n".join(lines) + "\n")
        works[name] = lambda file=file: side_by_side.capture(programs, vmcore, options=("--settings", file))
    result = side_by_side.in_turns(works, runs, say)
    none = result["none"]
    return [Figure("protection / none", f"{os.path.basename(vmcore)}, {name}", result[name].seconds / none.seconds, "x",
                   note=f"{result[name].seconds:.3f} s and {none.seconds:.3f} s; wall clock "
                        f"{result[name].wall_seconds / none.wall_seconds:.2f}x")
            for name in PROTECTIONS]


def scan(programs, binaries, vmcore, subject, runs):
    """Reading struct pages: our loop beside a plain read of the same bytes, and beside makedumpfile --dry-run."""
    output = subprocess.run([binaries / "scan_rate", vmcore, str(runs)], stdout=subprocess.PIPE, text=True, check=True)
    values = dict(line.split("=") for line in output.stdout.split())
    figures = []
    for way, name in (("in_place", "mapped"), ("as_captured", "as the capture reads")):
        pfns, size = int(values[f"{way}.pfns"]), int(values[f"{way}.struct_bytes"])
        own, plain = float(values[f"{way}.classify_seconds"]), float(values[f"{way}.read_seconds"])
        figures.append(Figure("scan / plain read", f"{subject}, {name}", own / plain, "x",
                              note=f"{own / pfns * 1e9:.2f} and {plain / pfns * 1e9:.2f} ns a page; "
                                   f"{size / own / 1e9:.1f} and {size / plain / 1e9:.1f} GB/s"))
    pfns = int(values["in_place.pfns"])
    dry = statistics.median(side_by_side.makedumpfile(programs, vmcore, "-l --dry-run").seconds for _ in range(runs))
    whole = statistics.median(side_by_side.capture(programs, vmcore).seconds for _ in range(runs))
    figures.append(Figure("whole run, a page", subject, whole / pfns * 1e9, "ns", dry / pfns * 1e9, "--dry-run"))
    return figures


def scans(programs, binaries, vmcores, runs, say):
    """The scan on saved vmcores, and on a machine of page cache alone, where every struct page must be looked at."""
    say(f"scan: {SCAN_GIB} GiB of page cache")
    synthetic = machines.build(os.path.join(programs.directory, "machine"), SCAN_GIB, "cache", shared=False)
    figures = scan(programs, binaries, synthetic, f"{SCAN_GIB} GiB of page cache", runs)
    os.unlink(synthetic)
    for vmcore in vmcores:
        say(f"scan: {vmcore}")
        figures += scan(programs, binaries, vmcore, os.path.basename(vmcore), runs)
    return figures


def growth(programs, runs, say):
    """Time and memory as the machine grows; all of it page cache, equal struct pages stored once."""
    figures = []
    for size in GROWTH_GIB:
        say(f"growth: {size} GiB")
        vmcore = machines.build(os.path.join(programs.directory, "machine"), size, "cache", shared=True)
        pfns = size << 18
        own = side_by_side.median([side_by_side.capture(programs, vmcore) for _ in range(runs)])
        # Minutes at a terabyte: once must do.
        peer = side_by_side.makedumpfile(programs, vmcore, "-l")
        os.unlink(vmcore)
        subject = f"{size} GiB of page cache"
        figures.append(Figure("whole run, a page", subject, own.seconds / pfns * 1e9, "ns", peer.seconds / pfns * 1e9, "-l",
                              note=f"{own.seconds:.2f} s and {peer.seconds:.2f} s"))
        figures.append(Figure("peak memory", subject, own.memory_kib * 1024, "bytes", peer.memory_kib * 1024))
    return figures
