"""ext4 disks of the guest, made and read without root."""

import pathlib
import subprocess


def make_ext4(target, content, size_mib):
    """Creates a disk image whose file system holds a copy of the directory `content`."""
    pathlib.Path(target).unlink(missing_ok=True)
    subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", "-E", "root_owner=0:0", "-d", content, target, f"{size_mib}M"],
                   stdout=subprocess.DEVNULL, check=True)


def copy_out(image, path, target):
    """Copies a directory out of the image of a guest that is shut down; returns where it lies below `target`."""
    target = pathlib.Path(target)
    target.mkdir(parents=True, exist_ok=True)
    # The guest does not unmount when it panics or is switched off: let the journal's replay finish first.
    subprocess.run(["/sbin/e2fsck", "-fy", image], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    result = subprocess.run(["/sbin/debugfs", "-R", f"rdump {path} {target}", image], capture_output=True, text=True,
                            check=True)
    copied = target / pathlib.Path(path).name
    if not copied.exists():
        raise FileNotFoundError(f"{path} is not on {image}: {result.stderr.strip()}")
    return copied


def make_empty(target, mib):
    """A disk of zeros, sparse on the host."""
    with open(target, "wb") as file:
        file.truncate(mib << 20)
