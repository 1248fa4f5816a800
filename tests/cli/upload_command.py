#!/usr/bin/env python3
"""`warmdump upload` as people, timers and service managers use it: settings, queue, pause, consent, signals, messages.

    tests/cli/upload_command.py WARMDUMP
"""

import http.server
import json
import os
import pathlib
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

WARMDUMP = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "warmdump"
OK, FAILURE, USAGE, LATER = 0, 1, 2, 75


class SlowServer:
    """Takes PUTs on loopback, the first bytes of a body at once, the rest when it is released."""

    def __init__(self):
        self.is_reached = threading.Event()
        self.release = threading.Event()
        self.bodies = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self):
                left = int(self.headers["Content-Length"])
                body = self.rfile.read(min(left, 4096))
                if left > 1 << 20:
                    outer.is_reached.set()
                    outer.release.wait(60)
                body += self.rfile.read(left - len(body))
                if len(body) == left:
                    outer.bodies[self.path] = body
                self.send_response(201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


class UploadCommand(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="warmdump-upload-"))
        self.addCleanup(shutil.rmtree, self.work)
        self.target = self.work / "target"
        self.target.mkdir()
        self.dump = self.make_dump("host-2026-01-31-23:59:59")
        self.settings()

    def make_dump(self, name, vmcore=b"KDUMP   and then the pages"):
        dump = self.work / "spool" / name
        dump.mkdir(parents=True)
        (dump / "meta.json").write_text('{"schema": 1}\n')
        (dump / "vmcore-dmesg.txt").write_text(f"[    1.0] Kernel panic of {name}\n")
        (dump / "vmcore").write_bytes(vmcore)
        return dump

    def settings(self, *lines, to=None, tables=""):
        to = f"dir:{self.target}" if to is None else to
        (self.work / "warmdump.toml").write_text(
            f'{tables}\n[recover]\nspool = "{self.work}/spool"\n[upload]\nto = "{to}"\ndevice = "lab"\nspread_s = 0\n'
            'metered = "always"\n' + "".join(line + "\n" for line in lines))

    def command(self, *words):
        return [WARMDUMP, "upload", *words, "--settings", self.work / "warmdump.toml", "--state", self.work / "state"]

    def run_upload(self, *words, expect=OK, **more):
        ended = subprocess.run(self.command(*words), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300,
                               check=False, **more)
        self.assertEqual(ended.returncode, expect, f"{words}: {ended.stdout}{ended.stderr}")
        return ended

    def status(self):
        return json.loads(self.run_upload("status", "--json").stdout)

    def arrived(self):
        """File names in the target, by dump."""
        return {place.name: sorted(file.name for file in place.iterdir()) for place in self.target.glob("lab/*")}

    def test_without_a_destination_there_is_nothing_to_do(self):
        (self.work / "warmdump.toml").write_text("[upload]\n")
        self.assertIn("nothing to do", self.run_upload().stderr)
        self.assertIn("nothing is sent", self.run_upload("status").stdout)

    def test_a_mistake_in_the_settings_is_one_error_with_its_line(self):
        (self.work / "warmdump.toml").write_text('[upload]\nto = "dir:/x"\nmetered = "perhaps"\n')
        ended = self.run_upload(expect=USAGE)
        self.assertIn("line 3", ended.stderr)
        self.assertEqual(len(ended.stderr.splitlines()), 1)

    def test_wrong_use_is_told(self):
        for words in (["--to", f"dir:{self.target}"], ["--again"], [self.dump, "--now"], [self.dump, "--tidy"],
                      ["--tidy", "--now"], ["--ca-file", "x"], ["pause", "--now"], ["pause", "--json"],
                      ["status", "--again"], ["--no-such"], [self.dump, self.dump]):
            ended = self.run_upload(*words, expect=USAGE)
            self.assertTrue(ended.stderr.strip(), words)

    def test_the_queue_sends_every_dump_once(self):
        self.make_dump("host-2026-02-01-00:00:00", os.urandom(300_000))
        plan = self.run_upload("--dry-run").stdout
        self.assertIn(self.dump.name, plan)
        self.assertEqual(self.arrived(), {})
        self.run_upload()
        self.assertEqual(len(self.arrived()), 2)
        for files in self.arrived().values():
            self.assertEqual(files, ["manifest-report.json", "manifest.json", "meta.json", "vmcore", "vmcore-dmesg.txt"])
        shutil.rmtree(self.target / "lab")
        self.run_upload()
        self.assertEqual(self.arrived(), {})
        self.assertEqual([dump["state"] for dump in self.status()["dumps"]], ["done", "done"])

    def test_nothing_is_written_into_a_dump(self):
        before = sorted(self.dump.iterdir())
        self.run_upload()
        self.assertEqual(sorted(self.dump.iterdir()), before)

    def test_a_dump_by_hand_goes_to_another_place_and_is_known_then(self):
        other = self.work / "other"
        other.mkdir()
        sent = json.loads(self.run_upload(self.dump, "--to", f"dir:{other}", "--json").stdout)
        self.assertEqual(sent["result"], "sent")
        again = json.loads(self.run_upload(self.dump, "--to", f"dir:{other}", "--json").stdout)
        self.assertEqual(again["result"], "receipt_found")
        self.assertEqual(self.arrived(), {})

    def test_pause_holds_until_resume(self):
        self.run_upload("pause")
        self.assertTrue(self.status()["is_paused"])
        self.run_upload(expect=LATER)
        self.run_upload("--now", expect=LATER)
        self.assertEqual(self.arrived(), {})
        self.run_upload("resume")
        self.run_upload()
        self.assertEqual(len(self.arrived()), 1)

    def test_without_consent_nothing_leaves_and_nothing_waits_any_more(self):
        consent = self.work / "consent"
        self.settings(tables=f'[consent]\nfile = "{consent}"')
        self.run_upload(expect=LATER)
        self.assertEqual(self.arrived(), {})
        consent.touch()
        self.run_upload()
        self.assertEqual(self.arrived(), {}, "what was dropped comes back")
        self.make_dump("host-2026-02-01-00:00:00")
        self.run_upload()
        self.assertEqual(len(self.arrived()), 1)
        self.assertTrue((self.dump / "vmcore").exists())

    def test_a_link_that_costs_carries_the_report_alone(self):
        program = self.work / "metered"
        program.write_text("#!/bin/sh\ntest ! -e free\n")
        program.chmod(0o755)
        self.settings(f'metered_command = "{program}"')
        text = (self.work / "warmdump.toml").read_text().replace('metered = "always"', 'metered = "report"')
        (self.work / "warmdump.toml").write_text(text)
        self.run_upload(expect=LATER, cwd=self.work)
        (files,) = self.arrived().values()
        self.assertEqual(files, ["manifest-report.json", "meta.json", "vmcore-dmesg.txt"])
        (self.work / "free").touch()
        self.run_upload("--now", cwd=self.work)
        (files,) = self.arrived().values()
        self.assertIn("manifest.json", files)

    def test_what_was_sent_is_removed_only_when_that_is_wanted(self):
        self.run_upload()
        self.run_upload("--tidy")
        self.assertTrue(self.dump.exists())
        self.settings("delete_sent = true")
        waiting = self.make_dump("host-2026-02-01-00:00:00")
        self.run_upload("--tidy")
        self.assertFalse(self.dump.exists())
        self.assertTrue(waiting.exists())

    def test_a_changed_dump_is_not_removed(self):
        self.settings("delete_sent = true")
        self.run_upload()
        (self.dump / "notes.txt").write_text("found the bug")
        self.run_upload("--tidy")
        self.assertTrue(self.dump.exists())

    def test_a_signal_ends_it_soon_and_the_next_run_goes_on(self):
        server = SlowServer()
        self.addCleanup(server.close)
        (self.dump / "vmcore").write_bytes(os.urandom(8 << 20))
        self.settings(to=server.address)
        with subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            self.assertTrue(server.is_reached.wait(120))
            process.send_signal(signal.SIGTERM)
            _, messages = process.communicate(timeout=60)
        self.assertEqual(process.returncode, LATER, messages)
        server.release.set()
        self.run_upload("--now")
        (path,) = [path for path in server.bodies if path.endswith("/vmcore")]
        self.assertEqual(server.bodies[path], (self.dump / "vmcore").read_bytes())

    def test_a_service_manager_hears_of_it(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(self.work / "notify"))
            manager.settimeout(5)
            self.run_upload(env={**os.environ, "NOTIFY_SOCKET": str(self.work / "notify"), "WATCHDOG_USEC": "60000000"})
            heard = [manager.recv(4096).decode()]
            while heard[-1] != "STOPPING=1":
                heard.append(manager.recv(4096).decode())
        self.assertEqual(heard[0], "READY=1")
        self.assertIn("WATCHDOG=1", heard)
        self.assertTrue(any(message.startswith("STATUS=") for message in heard), heard)

    def test_lines_for_the_journal_have_a_priority_and_others_have_none(self):
        log = self.work / "log"
        with open(log, "w", encoding="utf-8") as file:
            stream = os.fstat(file.fileno())
            subprocess.run(self.command(), stderr=file, stdout=subprocess.DEVNULL, check=True,
                           env={**os.environ, "JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"})
        lines = log.read_text().splitlines()
        self.assertTrue(lines)
        self.assertTrue(all(line.startswith("<6>") for line in lines), lines)
        self.make_dump("host-2026-02-01-00:00:00")
        other = self.run_upload(env={**os.environ, "JOURNAL_STREAM": "1:2"}).stderr
        self.assertNotIn("<6>", other)

    def test_a_terminal_gets_a_bar(self):
        (self.dump / "vmcore").write_bytes(os.urandom(4 << 20))
        shown = b""
        master, terminal = pty.openpty()
        with subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=terminal) as process:
            os.close(terminal)
            try:
                while piece := os.read(master, 4096):
                    shown += piece
            except OSError:  # the other end is closed
                pass
        os.close(master)
        self.assertEqual(process.returncode, OK)
        self.assertIn(b"\r", shown)
        self.assertIn(b"[####", shown)

    def test_status_tells_the_destination_of_what_went_elsewhere(self):
        self.run_upload()
        elsewhere = self.work / "elsewhere"
        elsewhere.mkdir()
        self.run_upload(self.dump, "--to", f"dir:{elsewhere}")
        lines = [line for line in self.run_upload("status").stdout.splitlines() if self.dump.name in line]
        self.assertEqual(len(lines), 2, lines)
        self.assertEqual([f"dir:{elsewhere}" in line for line in lines].count(True), 1, lines)
        self.assertFalse(any(f"dir:{self.target}" in line for line in lines), lines)

    def test_two_runs_do_not_work_at_once(self):
        server = SlowServer()
        self.addCleanup(server.close)
        (self.dump / "vmcore").write_bytes(os.urandom(8 << 20))
        self.settings(to=server.address)
        with subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            self.assertTrue(server.is_reached.wait(120))
            self.run_upload(expect=4)
            self.status()  # may always be asked
            server.release.set()
            self.assertEqual(process.wait(120), OK)


if __name__ == "__main__":
    unittest.main(verbosity=2)
