"""The guest's "full system": an initramfs made of Debian's own parts and the programs under test.

In it: static busybox as the shell, kmod, the warmdump programs with the shared libraries they need, and the few
kernel modules (with modules.dep and modules.alias) that a Debian initramfs and udev would have loaded. Modules
stay compressed as Debian ships them. /boot and /var/crash come from a disk, see disk.py.
"""

import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent

# To add one: the module's name; what it depends on comes along by itself.
MODULES = [
    "virtio_pci", "virtio_blk", "ext4", "crc32c_generic", "crc32c_intel",
    "nd_e820", "nd_btt", "nd_pmem", "dax_pmem", "device_dax", "kmem", "virtio_balloon", "zram", "i6300esb",
    "dm_mod", "virtio_net",
]


class Kernel:
    """A kernel package unpacked by scripts/fetch-kernel."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.release = (self.directory / "release").read_text().strip()
        self.image = self.directory / "boot" / f"vmlinuz-{self.release}"
        self.config = self.directory / "boot" / f"config-{self.release}"
        self.modules = self.directory / "lib" / "modules" / self.release

    def module_files(self, names):
        """Paths (relative to the modules directory) of these modules and all they depend on, in the order in which
        they can be inserted. A name that this kernel has built in, or does not have, is left out.
        """
        dependencies = {}
        by_name = {}
        for line in (self.modules / "modules.dep").read_text().splitlines():
            path, _, needs = line.partition(":")
            dependencies[path] = needs.split()
            by_name[pathlib.Path(path).name.split(".ko")[0].replace("-", "_")] = path
        files = []
        for name in names:
            if name in by_name:
                files += [*reversed(dependencies[by_name[name]]), by_name[name]]
        return list(dict.fromkeys(files))


def build(target, kernel, programs, extra_files=()):
    """Writes the initramfs to `target`.

    programs: executables of the host, put into /usr/bin with their shared libraries.
    extra_files: pairs (host path, path in the guest).
    """
    root = pathlib.Path(f"{target}.root")
    shutil.rmtree(root, ignore_errors=True)
    for directory in ("bin", "sbin", "usr/bin", "usr/sbin", "proc", "sys", "dev", "tmp", "run", "mnt", "etc",
                      "var/crash", "boot", "disk"):
        (root / directory).mkdir(parents=True)

    shutil.copy2(_host_program("busybox"), root / "bin/busybox")
    (root / "bin/sh").symlink_to("busybox")
    _add_program(root, _host_program("kmod"), "usr/sbin/kmod")
    for name in ("modprobe", "insmod", "rmmod", "lsmod", "depmod"):
        (root / "usr/sbin" / name).symlink_to("kmod")
    for program in programs:
        _add_program(root, program, f"usr/bin/{pathlib.Path(program).name}")

    modules = root / "lib/modules" / kernel.release
    modules.mkdir(parents=True)
    for name in kernel.module_files(MODULES):
        (modules / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(kernel.modules / name, modules / name)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copy2(kernel.modules / name, modules / name)
    subprocess.run([_host_program("depmod"), "-b", root, kernel.release], check=True)

    shutil.copy2("/etc/os-release", root / "etc/os-release")
    shutil.copy2(HERE / "guest_init.sh", root / "init")
    (root / "init").chmod(0o755)
    for source, path in extra_files:
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, root / path.lstrip("/"))

    write_cpio(target, root)
    shutil.rmtree(root)


def write_cpio(target, root):
    """Packs a directory into an uncompressed initramfs archive, everything owned by root."""
    names = sorted(str(path.relative_to(root)) for path in pathlib.Path(root).rglob("*"))
    with open(target, "wb") as output:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=root, check=True,
                       input="\n".join(names).encode(), stdout=output)


def _host_program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise FileNotFoundError(f"{name} is not installed; scripts/install-deps installs it")
    return path


def _add_program(root, program, path):
    subprocess.run(["strip", "-o", root / path, program], check=True)  # as it is shipped, whatever the preset
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        library = next((word for word in line.split() if word.startswith("/")), None)
        if library is None:
            continue
        copy = root / library.lstrip("/")
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(os.path.realpath(library), copy)
