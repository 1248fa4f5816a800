#!/usr/bin/env python3
"""`warmdump show` of a dump that the capture made, as a region and as a directory: on a terminal, in a pipe, as JSON.

    tests/cli/show_on_a_terminal.py WARMDUMP MAKE_VMCORE WARMDUMP_CAPTURE RECIPE
"""

import fcntl
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

WARMDUMP, MAKE_VMCORE, CAPTURE, RECIPE = sys.argv[1:5]


def run(*command, env=None):
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    return subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          env={**environment, **(env or {})})


def run_on_terminal(*command, columns=80, env=None):
    """What the command writes to a terminal of this width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                               env={**environment, **(env or {})})
    os.close(theirs)
    output = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        output += piece
    os.close(ours)
    process.wait()
    return output.decode().replace("\r\n", "\n")


class Show(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory(prefix="warmdump-show-")
        work = pathlib.Path(cls.work.name)
        cls.region, region_to_recover = work / "region", work / "region-to-recover"
        with open(cls.region, "wb") as file:
            file.truncate(64 << 20)
        recover = (WARMDUMP, "recover", "--no-return", "--spool", work / "spool", "--region")
        cls.must(run(*recover, cls.region))
        cls.must(run(MAKE_VMCORE, RECIPE, "-o", work / "vmcore"))
        cls.must(run(CAPTURE, "--vmcore", work / "vmcore", "--region", cls.region, "--dump-level", "31"))
        region_to_recover.write_bytes(cls.region.read_bytes())
        # No boot of this machine has sealed it.
        recovered = run(*recover, region_to_recover, "--unauthenticated=keep")
        if recovered.returncode != 3:
            raise AssertionError(recovered.stderr)
        (cls.dump,) = (work / "spool" / "unauthenticated").glob("*-*")

    @classmethod
    def tearDownClass(cls):
        cls.work.cleanup()

    @classmethod
    def must(cls, done):
        if done.returncode != 0:
            raise AssertionError(f"{done.args}: {done.stderr}{done.stdout}")
        return done

    def test_region_and_directory_tell_the_same(self):
        region = json.loads(self.must(run(WARMDUMP, "show", "--json", self.region)).stdout)
        directory = json.loads(self.must(run(WARMDUMP, "show", "--json", self.dump)).stdout)
        self.assertEqual(directory, json.loads((self.dump / "meta.json").read_text()))
        for key in ("pages", "phases", "panic_text", "kernel", "completeness", "crash_time", "capture_info"):
            self.assertEqual(region[key], directory[key], key)

    def test_map_of_region_and_directory_is_the_same(self):
        region = self.must(run(WARMDUMP, "show", "--map", "--json", self.region)).stdout
        directory = self.must(run(WARMDUMP, "show", "--map", "--json", self.dump)).stdout
        self.assertEqual(region, directory)
        self.assertEqual(directory, (self.dump / "memory-map.json").read_text())
        cells = json.loads(directory)["cells"]
        counted = sum(sum(cell.get(what, {}).values()) for cell in cells for what in ("stored", "excluded", "lost"))
        self.assertEqual(counted, json.loads((self.dump / "meta.json").read_text())["pages"]["total"]["pages"])
        self.assertEqual(run(WARMDUMP, "show", "--map", self.region).stdout, run(WARMDUMP, "show", "--map", self.dump).stdout)

    def test_a_directory_says_how_to_open_it_and_a_region_does_not(self):
        commands = self.must(run(WARMDUMP, "show", self.dump)).stdout.split("\nTo open it")
        self.assertEqual(len(commands), 2)
        self.assertIn(" vmcore", commands[1])
        self.assertNotIn("To open it", self.must(run(WARMDUMP, "show", self.region)).stdout)

    def test_log_is_the_file(self):
        log = (self.dump / "vmcore-dmesg.txt").read_text()
        self.assertIn("Kernel panic", log)
        for source in (self.region, self.dump, self.dump / "vmcore"):
            self.assertEqual(self.must(run(WARMDUMP, "show", "--dmesg", source)).stdout, log)

    def test_log_of_somebody_else_does_not_reach_the_terminal_as_control(self):
        with tempfile.TemporaryDirectory() as other:
            other = pathlib.Path(other)
            (other / "meta.json").write_bytes((self.dump / "meta.json").read_bytes())
            (other / "vmcore-dmesg.txt").write_bytes(b"a\x1b[2Jb\tc\x9b\xc2\x9bd\n")
            shown = subprocess.run([WARMDUMP, "show", "--dmesg", other], capture_output=True, check=True).stdout
        self.assertEqual(shown, b"a?[2Jb\tc???d\n")

    def test_colours_are_for_people(self):
        for options in ((), ("--map",)):
            self.assertIn("\033[", run_on_terminal(WARMDUMP, "show", *options, self.dump))
            self.assertNotIn("\033[", run_on_terminal(WARMDUMP, "show", *options, self.dump, env={"NO_COLOR": "1"}))
            self.assertNotIn("\033[", run(WARMDUMP, "show", *options, self.dump).stdout)
        self.assertNotIn("\033[", run_on_terminal(WARMDUMP, "show", "--json", self.dump))

    def test_lines_fit_the_terminal(self):
        for columns in (80, 132):
            for options in ((), ("--map",)):
                shown = re.sub(r"\033\[[0-9;]*m", "", run_on_terminal(WARMDUMP, "show", *options, self.dump, columns=columns))
                shown = shown.split("\nTo open it")[0]  # commands are copied: a line each
                self.assertGreater(len(shown.splitlines()), 8)
                self.assertLessEqual(max(map(len, shown.splitlines())), columns, shown)

    def test_what_is_not_there_is_said(self):
        (self.dump / "memory-map.json").rename(self.dump / "elsewhere")
        try:
            done = run(WARMDUMP, "show", "--map", self.dump)
        finally:
            (self.dump / "elsewhere").rename(self.dump / "memory-map.json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no memory map in", done.stderr)
        self.assertEqual(run(WARMDUMP, "show", "--dmesg", "--map", self.dump).returncode, 2)

    def test_extracting_shows_a_bar_on_a_terminal_and_tenths_elsewhere(self):
        with tempfile.TemporaryDirectory() as place:
            bar = run_on_terminal(WARMDUMP, "extract", self.region, "-o", f"{place}/a")
            lines = self.must(run(WARMDUMP, "extract", self.region, "-o", f"{place}/b")).stderr
        self.assertRegex(bar, r"100 % \[#{20}\]")
        self.assertNotIn("[#", lines)
        self.assertRegex(lines, r"(?m)^writing pages")

    def test_recovering_shows_a_bar_on_a_terminal_and_tenths_elsewhere(self):
        def recover(runner):
            with tempfile.TemporaryDirectory() as place:
                copy = pathlib.Path(place) / "region"
                copy.write_bytes(self.region.read_bytes())
                shown = runner(WARMDUMP, "recover", "--no-return", "--no-report", "--unauthenticated=keep",
                               "--spool", f"{place}/spool", "--region", copy)
                (dump,) = pathlib.Path(place, "spool", "unauthenticated").glob("*-*")
                self.assertFalse((dump / "report.html").exists())
                return shown

        self.assertTrue((self.dump / "report.html").exists())
        self.assertRegex(recover(run_on_terminal), r"100 % \[#{20}\]")
        lines = recover(run).stderr
        self.assertNotIn("[#", lines)
        tenths = re.findall(r"(?m)^wiping +(\d+) %", lines)
        self.assertTrue(5 <= len(tenths) <= 10 and tenths[-1] == "100", lines)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
