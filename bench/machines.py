"""Synthetic machines, made from the recipes of the tests: as large as one likes in a file of megabytes."""

import pathlib
import re
import subprocess

import side_by_side

TERABYTE = side_by_side.ROOT / "tests/recipes/terabyte.recipe"
METADATA_MIB = 32  # where the builder's page tables and struct pages begin, behind the kernel


def build(target, size_gib, kind, shared):
    """Makes a vmcore of a machine whose memory is all `kind` ("free order=10" or "cache"), but for its first MiBs.

    With `shared` struct pages that are alike are stored once: the file is small, and its struct pages come from the
    processor's cache, not from memory.
    """
    text = TERABYTE.read_text()
    text = re.sub(r"^(content|page) .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^ram .*", f"ram 1M..{size_gib}G", text, flags=re.MULTILINE)
    metadata = 32 if shared else 16 * size_gib + 64
    text = re.sub(r"^metadata .*", f"metadata {METADATA_MIB}M..{METADATA_MIB + metadata}M", text, flags=re.MULTILINE)
    if not shared:
        text = text.replace("share_struct_pages\n", "")
    first = (METADATA_MIB + metadata) << 8
    text += f"page {first:#x}+{(size_gib << 18) - first:#x} {kind} -> {kind.split()[0]}\n"
    recipe = pathlib.Path(f"{target}.recipe")
    recipe.write_text(text)
    program = side_by_side.ROOT / "build/release/bin/make_vmcore"
    subprocess.run([program, recipe, "-o", target], stdout=subprocess.DEVNULL, check=True)
    recipe.unlink()
    return str(target)
