#!/usr/bin/env python3
"""`warmdump extract` and `recover`, ended by SIGINT and SIGTERM at moments all over their work: nothing unfinished is
left, the exit code says which signal it was, and a recovery that starts again ends with one dump.

    tests/cli/interrupted.py WARMDUMP MAKE_VMCORE WARMDUMP_CAPTURE RECIPE
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

WARMDUMP, MAKE_VMCORE, CAPTURE, RECIPE = map(os.path.abspath, sys.argv[1:5])
MOMENTS = 12
# The signal's own death, too: it may come before the program has begun to watch, or after its work.
ENDS = {signal.SIGINT: (130, -signal.SIGINT), signal.SIGTERM: (143, -signal.SIGTERM)}


def run(*command):
    return subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def run_interrupted(command, after, number):
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    time.sleep(after)
    process.send_signal(number)
    _, told = process.communicate()
    return process.returncode, told


class Interrupted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="warmdump-interrupted-")
        cls.work = pathlib.Path(cls.place.name)
        cls.region = cls.work / "region"
        with open(cls.region, "wb") as file:
            file.truncate(64 << 20)
        run(WARMDUMP, "recover", "--no-return", "--spool", cls.work / "empty", "--region", cls.region)
        run(MAKE_VMCORE, RECIPE, "-o", cls.work / "vmcore")
        done = run(CAPTURE, "--vmcore", cls.work / "vmcore", "--region", cls.region, "--dump-level", "31")
        if done.returncode != 0:
            raise AssertionError(done.stderr)

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def interrupt_all_over(self, make_command, before, check):
        """Calls check(returncode, told) for each moment; some of them must have met the work."""
        before()
        start = time.monotonic()
        whole = run(*make_command())
        length = time.monotonic() - start
        self.assertIn(whole.returncode, (0, 3), whole.stderr)
        told_of_it = 0
        for number, codes in ENDS.items():
            for moment in range(MOMENTS):
                before()
                code, told = run_interrupted(make_command(), length * moment / MOMENTS, number)
                self.assertIn(code, (0, 3, *codes), told)
                if code == codes[0]:
                    self.assertIn(f"interrupted by {number.name}", told)
                    told_of_it += 1
                check(code, told)
        self.assertGreater(told_of_it, 0, "no moment met the work")

    def test_extract_leaves_a_whole_file_or_none(self):
        out = self.work / "out"

        def before():
            for path in out.glob("*"):
                path.unlink()
            out.mkdir(exist_ok=True)

        def check(code, told):
            names = {path.name for path in out.iterdir()}
            # A signal that came behind the work: the file is whole.
            if code in (0, 3):
                self.assertEqual(names, {"vmcore"}, told)
            else:
                self.assertLessEqual(names, {"vmcore"}, told)

        self.interrupt_all_over(lambda: (WARMDUMP, "extract", self.region, "-o", out / "vmcore", "--threads", "1",
                                         "--compression-level", "12"), before, check)

    def test_recover_goes_on_at_its_next_start(self):
        copy, spool = self.work / "copy", self.work / "spool"
        command = (WARMDUMP, "recover", "--no-return", "--no-report", "--unauthenticated=keep", "--spool", spool,
                   "--region", copy)

        def before():
            run("rm", "-rf", spool)
            copy.write_bytes(self.region.read_bytes())

        def check(code, told):
            again = run(*command)
            self.assertIn(again.returncode, (0, 3), again.stderr)
            left = [path.relative_to(spool).as_posix() for path in spool.rglob("*") if path.is_dir()]
            names = [path for path in left if path.startswith("unauthenticated/")]
            self.assertEqual(len(names), 1, f"{left} after {code}: {told}")
            self.assertEqual(sorted(left), sorted(["unauthenticated", *names]))
            self.assertTrue((spool / names[0] / "meta.json").exists())
            hidden = [path for path in (spool / "unauthenticated").iterdir() if path.name.startswith(".")]
            self.assertEqual(hidden, [])
            self.assertIn("cleared", run(WARMDUMP, "show", copy).stdout)

        self.interrupt_all_over(lambda: command, before, check)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
