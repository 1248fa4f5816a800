"""A Ceph radosgw on loopback, for programs that measure or soak: one monitor, one OSD in memory, nothing in /etc or /var.

    with Radosgw(directory) as store:
        store.endpoint, store.access_key, store.secret_key
"""

import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.request
import uuid

PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "monmaptool")
START_SECONDS = 300  # 13 s on an idle machine
CONFIGURATION = pathlib.Path(__file__).with_name("ceph.conf.in")


class Radosgw:
    """Runs while the context is open. `threads`: requests that it works on at once."""

    access_key = "testaccess0000000001"
    secret_key = "testsecret/0000000000000000000000000001"

    def __init__(self, directory, threads=64):
        self.directory = pathlib.Path(directory).resolve()
        self._threads = threads
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"

    @staticmethod
    def missing():
        """The programs that are not there."""
        paths = os.environ["PATH"] + ":/usr/sbin:/sbin"
        return [name for name in PROGRAMS if not any(os.access(f"{path}/{name}", os.X_OK) for path in paths.split(":"))]

    def __enter__(self):
        for name in ("mon.a", "osd.0", "rgw", "run", "log"):
            (self.directory / name).mkdir(parents=True)
        fsid = str(uuid.uuid4())
        monitor_port = free_port()
        monitor_port_1 = free_port()
        (self.directory / "ceph.conf").write_text(CONFIGURATION.read_text().format(
            fsid=fsid, monitor_port=monitor_port, monitor_port_1=monitor_port_1, directory=self.directory,
            frontend=f"endpoint=127.0.0.1:{self.port}", threads=self._threads))
        try:
            self._run("monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a",
                      f"[v2:127.0.0.1:{monitor_port},v1:127.0.0.1:{monitor_port_1}]", "monmap", configured=False)
            self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", "monmap")
            self._run("ceph-mon", "-i", "a")
            osd = str(uuid.uuid4())
            self._run("ceph", "osd", "new", osd)
            self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
            self._run("ceph-osd", "-i", "0")
            wait_until(lambda: "1 up" in self._run("ceph", "osd", "stat"), "the OSD")
            self._run("radosgw", "-n", "client.rgw")
            wait_until(self._answers, "radosgw")
            self._run("radosgw-admin", "user", "create", "--uid=dump", "--display-name=dump",
                      f"--access-key={self.access_key}", f"--secret-key={self.secret_key}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        pids = [int(file.read_text()) for file in (self.directory / "run").glob("*.pid") if file.read_text().strip()]
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in pids:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            if number == signal.SIGTERM:
                deadline = time.monotonic() + 5
                while any(os.path.exists(f"/proc/{pid}") for pid in pids) and time.monotonic() < deadline:
                    time.sleep(0.1)

    def collect_garbage(self):
        """Gives back the memory of objects that were deleted or written over."""
        self._run("radosgw-admin", "gc", "process", "--include-all")

    def _answers(self):
        try:
            with urllib.request.urlopen(self.endpoint, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _run(self, program, *arguments, configured=True):
        command = [program, *(["-c", "ceph.conf"] if configured else []), *arguments]
        environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
        ended = subprocess.run(command, cwd=self.directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL, text=True, timeout=START_SECONDS, check=False)
        if ended.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout[-800:]}")
        return ended.stdout


def free_port():
    """A port of loopback that nobody has now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(is_so, what):
    """Polls; TimeoutError when it takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} does not come up")
        time.sleep(0.5)
