"""What every scenario is given, and how it says that it failed or cannot run."""

import dataclasses
import pathlib
import subprocess

import crash_cycle
import guest_image


class ScenarioFailed(Exception):
    """What was checked does not hold."""


class ScenarioSkipped(Exception):
    """Cannot run here; the message says why and what would help."""


@dataclasses.dataclass
class Context:
    """The surroundings of one scenario's run."""

    repository: pathlib.Path
    programs: pathlib.Path  # bin directory of the build
    work: pathlib.Path
    series: str  # kernel series: "6.1"
    kvm: bool
    say: object  # say(text): one line of progress
    cuts: int | None = None  # as asked for on the command line

    def cycle(self, **options):
        """A CrashCycle on this scenario's kernel; its steps are reported as progress."""
        kernel = guest_image.Kernel(self.script("fetch-kernel", self.series))
        setup = crash_cycle.Setup(kernel, self.programs, self.work / "vm", kvm=self.kvm,
                                  shared_plans=self.work.parent / "plans", **options)
        return crash_cycle.CrashCycle(setup, self.say)

    def script(self, name, *arguments):
        """Runs a script of scripts/ that prints a directory; returns that."""
        result = subprocess.run([self.repository / "scripts" / name, *arguments], capture_output=True, text=True,
                                check=False)
        if result.returncode != 0:
            raise ScenarioFailed(f"scripts/{name} failed:\n{result.stderr.strip()}")
        return result.stdout.strip()

    def run(self, *command, may_fail=False):
        """Runs a program of the host; returns its exit code and its output, standard error included."""
        command = [str(word) for word in command]
        try:
            result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, timeout=600, check=False)
        except subprocess.TimeoutExpired:
            raise ScenarioFailed(f"'{' '.join(command)}' did not end within 600 s") from None
        output = result.stdout.decode(errors="replace")
        if result.returncode != 0 and not may_fail:
            raise ScenarioFailed(f"'{' '.join(command)}' ended with exit code {result.returncode}:\n{output.strip()}")
        return result.returncode, output
