"""A Debian userland for the guest of a benchmark, copied from the machine at hand: real programs that work on real
files, in place of memory filled with made-up bytes.
"""

import glob
import pathlib
import shutil
import subprocess

import loads

HERE = pathlib.Path(__file__).resolve().parent

# Every one is in what scripts/install-deps brings, or in Debian's base system.
PROGRAMS = (
    "bash", "sh", "cat", "cp", "find", "grep", "gzip", "head", "ls", "mkdir", "mv", "rm", "sed", "sleep", "sort", "tar",
    "wc", "xargs", "as", "ld",
)
PYTHON = "/usr/bin/python3"
TREES = (
    "/usr/include/c++", "/usr/include/x86_64-linux-gnu", "/usr/include/linux", "/usr/include/asm-generic",
    "/usr/include/fmt",
    "/usr/lib/python3.*", "/usr/lib/python3", "/usr/share/doc", "/usr/share/perl", "/usr/share/zoneinfo",
    "/usr/share/common-licenses", "/etc/alternatives", "/usr/lib/gcc/x86_64-linux-gnu/*/include",
)
HEADERS = "/usr/include/*.h"
SIZE_MIB = 1024


def fill(directory):
    """Puts the userland into `directory`/userland, with the loads in /loads and sources to compile in /sources."""
    root = pathlib.Path(directory) / "userland"
    for name in ("usr/bin", "usr/lib", "usr/lib64", "proc", "sys", "dev", "tmp", "work", "etc", "sources"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    compiler = subprocess.run(["gcc", "-print-prog-name=cc1plus"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.strip()
    programs = [shutil.which(name, path="/usr/bin:/bin") for name in PROGRAMS]
    for program in [*filter(None, programs), PYTHON, compiler]:
        _add_program(root, program)
    for pattern in (*TREES, HEADERS):
        for path in glob.glob(pattern):
            _copy(root, path)
    for source in (HERE.parent / "recover").glob("*.cc"):
        shutil.copy2(source, root / "sources")
    for folder in ("common", "recover", "capture"):
        for header in (HERE.parent / folder).rglob("*.h"):
            target = root / "sources" / header.relative_to(HERE.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(header, target)
    shutil.copytree(loads.SCRIPTS, root / "loads")
    (root / "compiler").symlink_to(compiler)


def _add_program(root, program):
    _copy(root, program, follow=True)
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    for library in (word for word in listing.split() if word.startswith("/")):
        if not (root / library.lstrip("/")).exists():
            _copy(root, library, follow=True)


def _copy(root, path, follow=False):
    target = root / str(path).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Through links of directories too (/lib is one): the target's parents are the same links.
    subprocess.run(["cp", "-aL" if follow else "-a", path, f"{target.parent}/"], check=False, stderr=subprocess.DEVNULL)
