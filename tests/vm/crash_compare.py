"""Compares a dump with the vmcore it was made from, as crash(8) reads both.

crash is told to copy every run of pages that the list calls present or zero, and to try one page of every other run. What it
copied must be the vmcore's bytes; what it tried must be an error. What its commands say of the dump must be what they say of
the vmcore itself. A dump that lacks kernel text and constants opens with --minimal only, which reads memory and the log.
"""

import re
import shutil

from scenario import ScenarioFailed
from vmcore_pages import PAGE_SIZE, Vmcore, states

# To add one: a command whose answer lies in pages that dump level 31 keeps.
COMMANDS = ("sys", "bt -a", "log", "ps", "mod")
MINIMAL_COMMANDS = ("log",)
PRESENT = ("present", "zero")


class Judge:
    """crash of one Debian release, for dumps of one vmcore."""

    def __init__(self, context, crash, vmlinux, vmcore):
        self._context = context
        self._crash = crash
        self._vmlinux = vmlinux
        self._vmcore = vmcore
        self._truth = None

    def compare(self, file, page_list, what, is_whole=True):
        """Raises when anything differs."""
        if self._truth is None:
            self._truth = self._answers(self._vmcore, [], COMMANDS)[0]
        runs = list(states(page_list))
        options = () if is_whole else ("--minimal",)
        answers, copied = self._answers(file, runs, COMMANDS if is_whole else MINIMAL_COMMANDS, *options)
        for command, answer in answers.items():
            if answer != self._truth[command]:
                raise ScenarioFailed(f"{what}: crash's {command} says of the dump\n{answer}\nand of the vmcore\n"
                                     f"{self._truth[command]}")
        source = Vmcore(self._vmcore)
        pages = absent = 0
        for (state, _, first, count), bytes_read in zip(runs, copied, strict=True):
            if state not in PRESENT:
                if bytes_read:
                    raise ScenarioFailed(f"{what}: crash reads pfn {first:#x}, which is {state}")
                absent += 1
                continue
            expected = b"".join(source.page(pfn) for pfn in range(first, first + count))
            if bytes_read != expected:
                raise ScenarioFailed(f"{what}: crash reads {len(bytes_read)} other bytes from pfn {first:#x} on, {state}, "
                                     f"than the {len(expected)} of the vmcore")
            pages += count
        if pages == 0:
            raise ScenarioFailed(f"{what}: the list has no page that is in the dump")
        self._context.say(f"  {what}: crash reads {pages} pages alike, {absent} runs are absent")

    def _answers(self, file, runs, commands, *options):
        """What the commands say, by command, and the bytes of each run; b"" for what crash could not read."""
        room = self._context.work / "crash"
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir()
        lines = [f"{command} > {room}/answer-{number}" for number, command in enumerate(commands)]
        lines += [f"rd -p -r {room}/{number} {first * PAGE_SIZE:#x} {(count if state in PRESENT else 1) * PAGE_SIZE}"
                  for number, (state, _, first, count) in enumerate(runs)]
        (room / "input").write_text("\n".join((*lines, "quit", "")))
        output = self._context.run(self._crash, *options, "-s", "-i", room / "input", self._vmlinux, file, may_fail=True)[1]
        try:
            answers = {command: _without_name((room / f"answer-{number}").read_text(errors="replace"))
                       for number, command in enumerate(commands)}
        except FileNotFoundError:
            raise ScenarioFailed(f"crash does not open {file.name}:\n{output[-2000:].strip()}") from None
        files = (room / str(number) for number in range(len(runs)))
        copied = [file.read_bytes() if file.exists() else b"" for file in files]
        shutil.rmtree(room)
        return answers, copied


def _without_name(answer):
    """Without the line of `sys` that names the file."""
    return re.sub(r"^ *DUMPFILE: .*\n", "", answer, flags=re.MULTILINE)
