"""A Debian machine as an administrator has it: systemd, Debian's kernel and initramfs, GRUB, a disk with one partition.

Made from the root file system of scripts/debian-root and a few files that an installer would have written, plus a root
shell on the second serial port that the test drives (see guest_init.sh for what is said there).
"""

import dataclasses
import pathlib
import shutil
import subprocess

import qemu

PARTITION_START = 1 << 20  # as every partitioning tool does; GRUB lies before it

# In the guest. An emulated machine is slow, and shares the host: no unit may fail for that.
SYSTEM_FILES = {
    "/etc/hostname": "guest\n",
    "/etc/fstab": "/dev/vda1 / ext4 errors=remount-ro 0 1\n",
    "/etc/systemd/system.conf.d/slow-machine.conf":
        "[Manager]\nDefaultTimeoutStartSec=15min\nDefaultDeviceTimeoutSec=15min\n",
    "/etc/default/grub.d/10-serial-console.cfg":
        'GRUB_TIMEOUT=0\nGRUB_TERMINAL=serial\nGRUB_SERIAL_COMMAND=serial\nGRUB_CMDLINE_LINUX_DEFAULT=""\n'
        'GRUB_CMDLINE_LINUX="console=ttyS0 no_timer_check"\n',
    "/etc/apt/apt.conf.d/nobody-there": 'APT::Get::Assume-Yes "true";\nquiet "2";\nDpkg::Use-Pty "false";\n',
    "/etc/systemd/system/test-shell.service": """[Unit]
Description=Shell of the test on the second serial port
[Service]
ExecStart=/bin/sh /etc/test-shell
WorkingDirectory=/root
Restart=no
""",
    "/etc/test-shell": r"""stty -F /dev/ttyS1 raw -echo
exec < /dev/ttyS1 > /dev/ttyS1 2>&1
export HOME=/root DEBIAN_FRONTEND=noninteractive
printf '\001ready\n'
while read -r line; do
    sh -c "$line" < /dev/null 2>&1
    printf '\001%s\n' "$?"
done
""",
}
SHELL_LINK = "/etc/systemd/system/multi-user.target.wants/test-shell.service"


@dataclasses.dataclass
class DebianMachine:
    """A disk, and how to start a machine from it."""

    work: pathlib.Path
    disk: pathlib.Path
    kvm: bool
    memory_mib: int = 1536
    boots: int = 0

    def first_boot(self):
        """Kernel and initramfs of the disk, started by QEMU: no boot loader is on it yet. Ends with the reboot."""
        return self._start(self.work / "vmlinuz", self.work / "initrd.img",
                           "root=/dev/vda1 ro console=ttyS0 no_timer_check", reboots=False)

    def boot(self):
        """Firmware, GRUB, kernel, as after pressing the button."""
        return self._start(None, None, "", reboots=True)

    def _start(self, kernel, initrd, command_line, reboots):
        self.boots += 1
        return qemu.VirtualMachine(qemu.Machine(
            kernel=kernel, initrd=initrd, command_line=command_line, disks=(self.disk,), memory_mib=self.memory_mib,
            log_directory=self.work / f"console-{self.boots}", kvm=self.kvm, reboots=reboots))


def make(work, root_archive, files, kvm, size_mib=2048):
    """Makes the disk. files: pairs (host path, path in the guest). Everything on it is root's, by fakeroot."""
    root = work / "root"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    added = work / "added"
    for path, text in SYSTEM_FILES.items():
        (added / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (added / path.lstrip("/")).write_text(text)
    for source, path in files:
        (added / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, added / path.lstrip("/"))
    (added / SHELL_LINK.lstrip("/")).parent.mkdir(parents=True)
    (added / SHELL_LINK.lstrip("/")).symlink_to("../test-shell.service")

    image = work / "disk"
    with open(image, "wb") as file:
        file.truncate(size_mib << 20)
    subprocess.run(["/sbin/sfdisk", "--quiet", image], input=f"start={PARTITION_START // 512}, type=83, bootable\n",
                   text=True, check=True)
    script = f"""
        tar -x -f '{root_archive}' -C '{root}'
        cp -R --preserve=mode,links --no-preserve=ownership '{added}/.' '{root}'
        cp '{root}/usr/share/grub/default/grub' '{root}/etc/default/grub'
        cp -L '{root}'/boot/vmlinuz-* '{work}/vmlinuz'
        cp -L '{root}'/boot/initrd.img-* '{work}/initrd.img'
        /sbin/mke2fs -q -t ext4 -d '{root}' -E offset={PARTITION_START},root_owner=0:0 '{image}' {size_mib - 1}M
    """
    subprocess.run(["fakeroot", "sh", "-e", "-c", script], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(root)
    shutil.rmtree(added)
    return DebianMachine(work, image, kvm)
