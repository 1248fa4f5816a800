"""The Debian package of the build under test; and a scenario that needs no machine: what lintian says of it, whether it
can be built again to the same bytes, and its life in a root file system where no systemd runs.
"""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess

import readme
from scenario import ScenarioFailed

UNITS = {
    "warmdump-recover.service": "sysinit.target",
    "warmdump-arm.service": "multi-user.target",
    "warmdump-rearm.path": "multi-user.target",
    "warmdump-shutdown.service": "multi-user.target",
    "warmdump-upload.service": "warmdump-recover.service",
    "warmdump-upload.timer": "timers.target",
}
SETTINGS = "etc/warmdump/warmdump.toml"


def run(context):
    archive = build(context)
    first = archive.read_bytes()
    _check_with_lintian(context, archive)
    with _Root(context, archive) as root:
        _check_life(context, root)
    if build(context).read_bytes() != first:
        raise ScenarioFailed("a second build of the package has other bytes")


def build(context):
    """Builds the package as README.md says, but with the preset under test; returns the path of a copy."""
    directory = context.programs.parent
    *_, command = readme.commands(context.repository, "build")
    if command != "cmake --build --preset release --target package":
        raise ScenarioFailed(f"README.md builds the package by another command: {command}")
    context.say(f"building the package in {directory.name}")
    with open(directory / "package.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another scenario may be building it too
        for old in directory.glob("warmdump_*.deb"):
            old.unlink()
        context.run("cmake", "--build", directory, "--target", "package")
        (archive,) = directory.glob("warmdump_*.deb")
        return pathlib.Path(shutil.copy2(archive, context.work))


def depends(context, archive):
    """Names of the packages that it depends on."""
    _, text = context.run("dpkg-deb", "--field", archive, "Depends")
    return [re.split(r"[ (|]", part.strip())[0] for part in text.split(",")]


def root_archive(context, archive):
    """The root file system of a Debian machine, with what the package depends on at hand."""
    return f"{context.script('debian-root', 'bookworm', *depends(context, archive))}/root.tar"


def _check_with_lintian(context, archive):
    # The changelog of a program that is not in Debian closes no bug of Debian.
    code, text = context.run("lintian", "--fail-on", "error", "--suppress-tags", "initial-upload-closes-no-bugs",
                             *(["--allow-root"] if os.geteuid() == 0 else []), archive, may_fail=True)
    context.say("lintian: " + ("; ".join(text.strip().splitlines()) or "nothing to say"))
    if code != 0:
        raise ScenarioFailed(f"lintian finds errors:\n{text}")


def _check_life(context, root):
    """Install, disable and upgrade, remove, install again, purge."""
    root.run(f"apt-get -q -y install {root.archive}")
    root.demand(enabled=True, settings="as shipped")
    root.run("warmdump --help && man=/usr/share/man/man8/warmdump.8.gz && gzip -dc $man | grep -q warmdump")
    if differing := root.run("dpkg --verify warmdump").strip():
        raise ScenarioFailed(f"installed files differ from the package's:\n{differing}")

    context.say("an upgrade over changed settings and disabled units")
    (root.directory / SETTINGS).write_text("[arm]\n")
    root.run(f"systemctl disable {' '.join(UNITS)} && dpkg -i {root.archive}")
    root.demand(enabled=False, settings="changed")
    root.run(f"systemctl enable {' '.join(UNITS)}")

    context.say("remove, install again, purge")
    for directory in ("var/lib/warmdump", "var/cache/warmdump", "var/crash/host-2026-01-31-23:59:59"):
        (root.directory / directory).mkdir(parents=True)
        (root.directory / directory / "file").touch()
    root.run("dpkg --remove warmdump")
    root.demand(enabled=False, settings="changed")
    root.run(f"dpkg -i {root.archive}")
    root.demand(enabled=True, settings="changed")
    root.run("dpkg --purge warmdump")
    root.demand(enabled=False, settings="gone")
    left = root.run("find /etc /usr /var /run -name '*warmdump*' ! -path '/var/log/*' ! -path '*/archives/*'").split()
    if left:
        raise ScenarioFailed(f"a purge leaves {', '.join(left)}")
    if not (root.directory / "var/crash/host-2026-01-31-23:59:59/file").exists():
        raise ScenarioFailed("a purge took a dump away")


class _Root:
    """An unpacked root file system, entered by chroot; without root in a user namespace. Use as a context manager."""

    def __init__(self, context, archive):
        self._context = context
        self._package = archive
        self.directory = context.work / "root"
        self.archive = f"/tmp/{archive.name}"
        self._enter = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]

    def __enter__(self):
        self.directory.mkdir()
        # Neither kernel nor devices are needed, and devices only root can make.
        self._context.run(*self._enter, "tar", "-x", "--no-same-owner", "-f", root_archive(self._context, self._package),
                          "-C", self.directory, "--exclude=./boot/*", "--exclude=./usr/lib/modules/*", "--exclude=./dev/*")
        (self.directory / "dev/null").touch()
        for exclusions in (self.directory / "etc/dpkg/dpkg.cfg.d").iterdir():
            exclusions.unlink()
        self._context.run("cp", self._package, self.directory / self.archive.lstrip("/"))
        return self

    def __exit__(self, *_):
        subprocess.run([*self._enter, "rm", "-rf", self.directory], check=False)

    def run(self, command):
        return self._context.run(*self._enter, "chroot", self.directory, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin",
                                 "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "sh", "-ec", command)[1]

    def demand(self, enabled, settings):
        """Whether the units would be started at boot (a removed one is masked), and what became of the settings file."""
        for unit, target in UNITS.items():
            units = self.directory / "etc/systemd/system"
            if (os.path.lexists(units / f"{target}.wants/{unit}") and not os.path.lexists(units / unit)) != enabled:
                raise ScenarioFailed(f"{unit} is {'not enabled' if enabled else 'enabled'}")
        file = self.directory / SETTINGS
        text = file.read_text() if file.exists() else ""
        found = "gone" if not text else "changed" if text == "[arm]\n" else "as shipped"
        if found != settings:
            raise ScenarioFailed(f"{SETTINGS} is {found}, expected: {settings}")
