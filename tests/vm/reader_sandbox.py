"""What the kernel says of the process that reads a dump, while it does: it must have no rights."""

import re

from scenario import ScenarioFailed

SEEN = "/tmp/reader-status"

# One look at all processes after the other, by what the shell itself can do, until the confined reader is among them.
WATCH = (f"rm -f {SEEN}; (while :; do for p in /proc/[0-9]*; do read -r name < $p/comm && "
         '[ "$name" = warmdump-reader ] && grep -q "^Seccomp:.2" $p/status && '
         f"cat $p/status $p/net/dev > {SEEN} && exit; done; done) > /dev/null 2>&1 < /dev/null &")

# To add one: the name of a line of /proc/PID/status and what it must say.
WANTED = {
    "Uid": r"([1-9]\d*)\s+\1\s+\1\s+\1",
    "Gid": r"([1-9]\d*)\s+\1\s+\1\s+\1",
    "Groups": "",
    "NoNewPrivs": "1",
    "Seccomp": "2",
    "CapPrm": "0+",
    "CapEff": "0+",
}


def watch(machine):
    """Before a recovery of a dump."""
    machine.run(WATCH)


def check(context, machine):
    """After it: what was seen while the reader was at work."""
    code, status = machine.run(f"cat {SEEN}", check=False)
    if code != 0:
        raise ScenarioFailed("no confined process read the dump")
    for name, wanted in WANTED.items():
        found = re.search(rf"^{name}:[ \t]*(.*?)[ \t]*$", status, re.MULTILINE)
        if not found or not re.fullmatch(wanted, found.group(1)):
            raise ScenarioFailed(f"the reader of the dump has a wrong {name}:\n{status}")
    interfaces = re.findall(r"^\s*(\S+):.*\d", status[status.rindex("Inter-|"):], re.MULTILINE)
    if interfaces not in ([], ["lo"]):
        raise ScenarioFailed(f"the reader of the dump has a network: {interfaces}")
    uid = re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE).group(1)
    context.say(f"the dump was read by uid {uid}, Seccomp 2, NoNewPrivs 1, network {' '.join(interfaces) or 'none'}")
