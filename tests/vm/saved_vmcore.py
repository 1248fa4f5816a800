"""The plain /proc/vmcore of a crash, saved to a disk of its own before the capture runs: what really was in memory."""

import lzma
import pathlib
import shutil

import guest_image

HERE = pathlib.Path(__file__).resolve().parent
TRAILER_SIZE = 4096


def write_overlay(target, kernel, capture):
    """Writes the archive for `warmdump arm --append-cpio` that makes the crash kernel save its vmcore first."""
    root = pathlib.Path(f"{target}.root")
    shutil.rmtree(root, ignore_errors=True)
    for directory in ("bin", "proc", "sys", "dev", "test-modules"):
        (root / directory).mkdir(parents=True)
    shutil.copy2(shutil.which("busybox"), root / "bin/busybox")
    (root / "bin/sh").symlink_to("busybox")
    shutil.copy2(HERE / "save_vmcore_init.sh", root / "init")
    (root / "init").chmod(0o755)
    shutil.copy2(capture, root / "real-init")

    order = []
    for file in kernel.module_files(["virtio_pci", "virtio_blk"]):
        data = (kernel.modules / file).read_bytes()
        name = pathlib.Path(file).name.removesuffix(".xz")
        (root / "test-modules" / name).write_bytes(lzma.decompress(data) if file.endswith(".xz") else data)
        order.append(name + "\n")
    (root / "test-modules/order").write_text("".join(order))
    guest_image.write_cpio(target, root)
    shutil.rmtree(root)


def make_disk(target, memory_mib):
    """A sparse disk with room for the vmcore of a guest with this much memory."""
    with open(target, "wb") as file:
        file.truncate((memory_mib << 20) + (64 << 20))


def take(disk, target):
    """Makes the file `target` out of what the crash kernel saved; the disk is used up."""
    with open(disk, "rb") as file:
        file.seek(-TRAILER_SIZE, 2)
        trailer = file.read(64).split()
    if len(trailer) < 2 or trailer[0] != b"vmcore":
        raise ValueError("the crash kernel did not save its vmcore")
    pathlib.Path(disk).rename(target)
    with open(target, "r+b") as file:
        file.truncate(int(trailer[1]))
