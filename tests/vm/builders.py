"""Scenario: crash images made by mkinitramfs and by dracut, each started by a panic and leaving a dump.

Both builders run in a Debian root file system with warmdump installed, beside packages that want something in every
initramfs. What comes out must hold the capture and its modules, and nothing else that could run.
"""

import dataclasses
import lzma
import pathlib
import re
import shutil
import stat

import debian_chroot
import guest_image
from scenario import ScenarioFailed

IMAGE_KIB_MAX = 320
UNPACKED_KIB_MAX = 1400

# Files that a builder itself leaves; none of them is read in the crash kernel.
LEFT_BY_BUILDERS = r"etc/ld\.so\.(cache|conf|conf\.d/.*)|usr/lib/modules/[^/]+/modules\.[a-z.]+|usr/lib/dracut/[a-z-]+\.txt"

# What other packages and the distribution ask of the builders, for the images that boot the system.
STRANGERS = {
    "usr/share/initramfs-tools/hooks/zz-stranger": """#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
copy_exec /bin/bash /bin
mkdir -p "$DESTDIR/scripts/local-top"
cp /bin/true "$DESTDIR/scripts/local-top/stranger"
""",
    "usr/share/initramfs-tools/conf.d/stranger": "COMPRESS=gzip\nMODULES=most\nRESUME=/dev/sda2\n",
    "usr/lib/dracut/dracut.conf.d/50-stranger.conf":
        'add_dracutmodules+=" base "\nadd_drivers+=" ext4 "\ninstall_items+=" /usr/bin/sleep "\ncompress="gzip"\n',
    "etc/dracut.conf.d/stranger.conf": 'force_add_dracutmodules+=" bash "\nhostonly="yes"\n',
}

COMMANDS = {
    "mkinitramfs": "mkinitramfs -d {data}/initramfs-tools -o /{image} {release}",
    "dracut": "dracut --conf /dev/null --confdir {data}/dracut --kver {release} /{image}",
}


def run(context):
    kernel = guest_image.Kernel(context.script("fetch-kernel", context.series))
    root = debian_chroot.DebianChroot(context, context.work / "root")
    root.install_kernel(kernel)
    data = f"/{root.install_warmdump()}/share/warmdump"
    for path, text in STRANGERS.items():
        root.write(path, text, mode=0o755)
    images = [_build(context, root, builder, data, kernel.release) for builder in COMMANDS]
    shutil.rmtree(root.directory)
    with context.cycle(boot_files=tuple(images)) as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        for count, image in enumerate(images, start=1):
            cycle.arm("--image", f"/boot/{image.name.replace(kernel.release, '%v')}")
            context.say(f"panic with {image.name}")
            crash = cycle.crash()
            if not any("warmdump-capture: dump complete" in line for line in crash.lines):
                raise ScenarioFailed(f"with {image.name} the capture does not say that the dump is complete")
            cycle.recover()
            if len(cycle.dumps()) != count:
                raise ScenarioFailed(f"after the crash with {image.name} the spool holds {cycle.dumps() or 'no dump'}")
        cycle.power_off()


def _build(context, root, builder, data, release):
    """Runs a builder in the root; returns the image, which is looked at."""
    context.say(f"{builder} makes a crash image")
    image = f"{builder}-{release}.img"
    output = root.run(*COMMANDS[builder].format(data=data, image=image, release=release).split())
    target = context.work / image
    shutil.copy(root.directory / image, target)
    entries = _entries(target, output)
    unpacked = sum(entry.size for entry in entries)
    if target.stat().st_size > IMAGE_KIB_MAX << 10 or unpacked > UNPACKED_KIB_MAX << 10:
        raise ScenarioFailed(f"{image} has {target.stat().st_size} bytes, {unpacked} unpacked")
    files = {entry.path: entry for entry in entries if stat.S_ISREG(entry.mode)}
    strange = [path for path in files
               if not re.fullmatch(rf"init|modules/[a-z0-9_A-Z]+\.ko|{LEFT_BY_BUILDERS}", path)]
    if strange:
        raise ScenarioFailed(f"{image} holds {', '.join(strange)}\n{output}")
    wanted = {"init", *(f"modules/{name}.ko" for name in ("libnvdimm", "nd_e820", "nd_btt", "nd_pmem", "iTCO_wdt"))}
    if missing := wanted - set(files):
        raise ScenarioFailed(f"{image} lacks {', '.join(sorted(missing))}\n{output}")
    context.say(f"{image}: {target.stat().st_size >> 10} KiB, {unpacked >> 10} unpacked")
    return target


@dataclasses.dataclass
class _Entry:
    path: str
    mode: int
    size: int


def _entries(image, output):
    """What the image holds; an xz archive and nothing in front of it, microcode for example."""
    try:
        archive = lzma.decompress(pathlib.Path(image).read_bytes(), lzma.FORMAT_XZ)
    except lzma.LZMAError as error:
        raise ScenarioFailed(f"{image} is not packed with xz alone: {error}\n{output}") from None
    entries = []
    position = 0
    while True:
        header = archive[position:position + 110]
        mode, size, path_size = (int(header[6 + 8 * field:14 + 8 * field], 16) for field in (1, 6, 11))
        path = archive[position + 110:position + 110 + path_size - 1].decode()
        if path == "TRAILER!!!":
            return entries
        entries.append(_Entry(path.removeprefix("./"), mode, size))
        position = (position + 110 + path_size + 3) // 4 * 4
        position = (position + size + 3) // 4 * 4
