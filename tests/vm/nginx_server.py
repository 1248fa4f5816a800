"""nginx on the host's loopback, which stores what a device PUTs below /dumps over TLS: where a guest sends its dumps to."""

import pathlib
import shutil
import socket
import subprocess
import time

import qemu

START_SECONDS_MAX = 10
CREDENTIALS = "device:s3cret"

CONFIGURATION = """
{user}
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {directory}/access.log;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {directory}/server.pem;
    ssl_certificate_key {directory}/server.key;
    root {directory}/root;
    location /dumps/ {{
      auth_basic dumps; auth_basic_user_file {directory}/users;
      dav_methods PUT; create_full_put_path on; dav_access user:rw;
    }}
  }}
}}
"""


class NginxServer:
    """Use as a context manager; start() and kill() as often as need be, always on the same port. `address`: the IP by
    which the guest knows the host."""

    def __init__(self, directory, address):
        self._program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        if self._program is None:
            raise FileNotFoundError("nginx is not installed; scripts/install-deps installs it")
        self._directory = pathlib.Path(directory)
        self._address = address
        self.files = self._directory / "root/dumps"
        self._arriving = self._directory / "body"
        self._process = None
        self.port = None

    def __enter__(self):
        self.files.mkdir(parents=True)
        user, password = CREDENTIALS.split(":")
        (self._directory / "users").write_text(f"{user}:{{PLAIN}}{password}\n")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=collector", "-addext", f"subjectAltName=IP:{self._address}",
                        "-keyout", self._directory / "server.key", "-out", self._directory / "server.pem"],
                       check=True, capture_output=True, stdin=subprocess.DEVNULL)
        return self

    def certificate(self):
        """The one root to trust, as PEM."""
        return (self._directory / "server.pem").read_text()

    def url(self):
        """Where to PUT."""
        return f"https://{self._address}:{self.port}/dumps"

    def __exit__(self, *_):
        self.kill()

    def reserve_port(self):
        """A port that nothing listens on."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self):
        """Returns when it takes connections."""
        configuration = self._directory / "nginx.conf"
        user = "user root;" if pathlib.Path("/proc/self").stat().st_uid == 0 else ""
        configuration.write_text(CONFIGURATION.format(directory=self._directory, port=self.port, user=user))
        log = self._directory / "error.log"
        self._process = subprocess.Popen([self._program, "-p", self._directory, "-c", configuration, "-e", log],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS_MAX * qemu.patience
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx does not start: {log.read_text(errors='replace').strip()}")
            time.sleep(0.02)

    def kill(self):
        """At once, in the middle of whatever it receives."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def arriving(self):
        """Bytes of the largest file that is being received now."""
        sizes = []
        for path in self._arriving.glob("*"):
            try:
                sizes.append(path.stat().st_size)
            except FileNotFoundError:  # it has arrived
                pass
        return max(sizes, default=0)

    def stored(self):
        """Paths of all files that have arrived, relative to `files`."""
        return sorted(str(path.relative_to(self.files)) for path in self.files.rglob("*") if path.is_file())

    def requests(self):
        """Lines of the log of requests."""
        log = self._directory / "access.log"
        return log.read_text().splitlines() if log.exists() else []

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
