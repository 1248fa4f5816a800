"""The commands that README.md tells its reader to type, so that a test does what is written there, word for word.

A code block is named by a comment before it: <!-- test: NAME -->
"""

import re


class MissingBlock(Exception):
    """README.md has no code block of that name."""


def commands(repository, name):
    """The lines of a code block, in order, without what is behind a #."""
    text = (repository / "README.md").read_text()
    block = re.search(rf"^<!-- test: {re.escape(name)} -->\n+((?:    .*\n|\n)+)", text, re.MULTILINE)
    if not block:
        raise MissingBlock(f"README.md has no code block that is marked <!-- test: {name} -->")
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in block.group(1).splitlines())
    return [line for line in lines if line]
