"""A Debian root file system in a directory, with warmdump installed as `cmake --install` puts it."""

import os
import pathlib
import shutil

from scenario import ScenarioFailed, ScenarioSkipped

# Whose kernel it is, as in scripts/fetch-kernel.
SUITES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie", "newest": "testing"}
# To add one: a word. One list for all scenarios, so that the root is made once.
PACKAGES = ("initramfs-tools", "dracut-core", "kmod", "cpio", "xz-utils", "zstd", "udev", "mdadm", "lvm2")


class DebianChroot:
    """Below `directory`, a fresh copy. Programs in it run with its own libraries: run("mkinitramfs", ...)."""

    def __init__(self, context, directory):
        if os.geteuid() != 0:
            raise ScenarioSkipped("a program in a Debian of its own needs chroot, and that needs root")
        self._context = context
        self.directory = pathlib.Path(directory)
        context.say("a Debian root file system")
        context.run("cp", "-a", context.script("debian-chroot", SUITES[context.series], *PACKAGES), self.directory)

    def install_kernel(self, kernel):
        """Its modules and configuration; nobody boots it."""
        (self.directory / "lib/modules").mkdir(exist_ok=True)
        self._context.run("cp", "-a", kernel.modules, self.directory / "lib/modules")
        shutil.copy2(kernel.config, self.directory / "boot")

    def install_warmdump(self):
        """Returns the prefix below which it lies, "usr" or "usr/local". dracut looks for modules below usr only, so a link
        stands there, as docs/INTEGRATION.md tells."""
        self._context.run("env", f"DESTDIR={self.directory}", "cmake", "--install", self._context.programs.parent, "--strip")
        for prefix in ("usr", "usr/local"):
            if (self.directory / prefix / "share/warmdump").is_dir():
                break
        else:
            raise ScenarioFailed("`cmake --install` brings no share/warmdump")
        if prefix != "usr":
            module = "lib/dracut/modules.d/90warmdump"
            (self.directory / "usr" / module).symlink_to(f"/{prefix}/{module}")
        return prefix

    def write(self, path, text, mode=0o644):
        file = self.directory / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def run(self, *command):
        """Runs a program in it; returns its output."""
        return self._context.run("chroot", self.directory, "env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command)[1]

    def drop(self, *paths):
        """Removes what is not needed, to have it smaller."""
        for path in paths:
            shutil.rmtree(self.directory / path, ignore_errors=True)
