"""What the demo shows while it runs: steps with their times, and the console's telling lines below them."""

import os
import shutil
import sys
import time


class Display:
    """Colours and a running clock on a terminal; plain lines, one a step, everywhere else."""

    def __init__(self, output=sys.stdout):
        self._output = output
        self._terminal = output.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._coloured = self._terminal and "NO_COLOR" not in os.environ
        self._width = shutil.get_terminal_size().columns if self._terminal else 110
        self._begin = time.monotonic()
        self._step = None
        self._step_begin = 0.0

    def bold(self, text):
        return self._paint("1", text)

    def dim(self, text):
        return self._paint("2", text)

    def green(self, text):
        return self._paint("32", text)

    def red(self, text):
        return self._paint("31;1", text)

    def step(self, text):
        """Ends the step before, and begins one."""
        self.end_step()
        self._step, self._step_begin = text, time.monotonic()
        if self._terminal:
            self._output.write(f"  {self.dim('·')} {text}")
            self._output.flush()

    def end_step(self, good=True):
        if self._step is None:
            return
        mark = self.green("✓") if good else self.red("✗")
        if not self._terminal:
            mark = "ok    " if good else "FAILED"
        self._clear_line()
        self.line(f"  {mark} {self._step} {self.dim(f'{time.monotonic() - self._step_begin:.1f} s')}")
        self._step = None

    def detail(self, text):
        """A line that belongs to the running step."""
        self._clear_line()
        self.line(self.dim(f"      {text}"[: self._width - 1]))
        if self._step is not None and self._terminal:
            self._output.write(f"  {self.dim('·')} {self._step}")
            self._output.flush()

    def line(self, text=""):
        self._output.write(text + "\n")
        self._output.flush()

    def seconds(self):
        """Since the display was made."""
        return time.monotonic() - self._begin

    def _clear_line(self):
        if self._terminal:
            self._output.write("\r\033[K")

    def _paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self._coloured else text
