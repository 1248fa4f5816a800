"""Scenario: a machine without a disk sends its dump straight out of the region, over HTTPS and with a password to nginx.

The server is down at first, then dies in the middle of the dump, after a reboot; both times the dump must stay on the region,
the memory out, and the next try must be worth it (exit code 75). In the end the server has one dump, which is the one
that lay on the region, and the machine has its memory back. What proves nothing to the machine is never sent.
"""

import base64
import json
import pathlib

import nginx_server
import region_memory
from scenario import ScenarioFailed

SERVER = "10.0.2.2"  # how the guest sees the loopback of the host
NAME_OF_DUMP = "dump.warmdump"
CUT_AT = 6 << 20  # bytes of the dump that have arrived when the server dies
# The two ways of saying it in /etc/warmdump/warmdump.toml.
BY_ADDRESS = """[recover]
direct = "{address}"
direct_ca_file = "/etc/warmdump/roots.pem"
direct_credentials_file = "/etc/warmdump/password"
"""
AS_UPLOAD = """[recover]
direct = "upload"
[upload]
to = "{address}"
ca_file = "/etc/warmdump/roots.pem"
credentials_file = "/etc/warmdump/password"
"""
INCOMPLETE = 3
TEMPORARY = 75
LEFT_IN_MEMORY_KIB_MAX = 2048  # log, report and summary


def run(context):
    with nginx_server.NginxServer(context.work / "nginx", SERVER) as server, \
            context.cycle(diskless=True, network=True, memory_in_file=True) as cycle:
        server.reserve_port()
        cycle.plan()
        cycle.boot()
        _write_settings(cycle.machine, server, BY_ADDRESS)
        cycle.recover()
        before = cycle.memory_total()
        cycle.load_memory(150)
        cycle.arm()
        context.say("panic; the server is down at the next boot")
        crash = cycle.crash()
        image = _copy_region(context, cycle)
        _Tries(context, cycle, server, before).run()
        _check_arrived(context, server, image, crash)
        _check_nothing_on_disk(cycle)
        cycle.power_off()


def _write_settings(machine, server, settings):
    """Anew at every boot, since nothing here is a disk."""
    for name, text in (("warmdump.toml", settings.format(address=server.url())), ("roots.pem", server.certificate()),
                       ("password", nginx_server.CREDENTIALS)):
        encoded = base64.b64encode(text.encode()).decode()
        machine.run(f"mkdir -p /etc/warmdump; (umask 77; echo {encoded} | base64 -d > /etc/warmdump/{name})")


class _Tries:
    def __init__(self, context, cycle, server, memory_total):
        self._context = context
        self._cycle = cycle
        self._server = server
        self._memory_total = memory_total

    def run(self):
        machine = self._cycle.machine
        _write_settings(machine, self._server, BY_ADDRESS)
        self._expect_failure("the server is down")

        self._server.start()
        self._expect_nothing_sent_without_proof()
        self._context.say("another boot; the server dies in the middle")
        machine.run("sync")
        machine.skip_console()
        machine.monitor("system_reset")
        self._cycle.wait_for_next_boot()
        _write_settings(machine, self._server, BY_ADDRESS)
        machine.run("(warmdump recover > /tmp/said 2>&1 < /dev/null; echo $? > /tmp/code) > /dev/null 2>&1 &")
        machine.wait_until(lambda: self._server.arriving() > CUT_AT, 120, "the dump to arrive at the server")
        self._server.kill()
        machine.run("while [ ! -s /tmp/code ]; do sleep 0.2; done", timeout=300)
        self._expect_failed("the server died", int(machine.run("cat /tmp/code")[1]), machine.run("cat /tmp/said")[1])
        if any(name.endswith(NAME_OF_DUMP) for name in self._server.stored()):
            raise ScenarioFailed(f"the server died with the dump stored: {self._server.stored()}")

        self._context.say("the server is back; the same destination, said as that of uploads")
        self._server.start()
        _write_settings(machine, self._server, AS_UPLOAD)
        code, text = machine.run("warmdump recover 2>&1", check=False, timeout=300)
        if code != 0:
            raise ScenarioFailed(f"with the server back recovery ends with exit code {code}:\n{text}")
        self._expect_done(text)

    def _expect_failure(self, when):
        code, text = self._cycle.machine.run("warmdump recover 2>&1", check=False, timeout=300)
        self._expect_failed(when, code, text)

    def _expect_nothing_sent_without_proof(self):
        """Without the records of armed boots. There is no disk to keep it apart on, so it stays where it is."""
        run = self._cycle.machine.run
        run("mv /var/lib/warmdump/arm /var/lib/warmdump/away")
        code, text = run("warmdump recover --unauthenticated=keep 2>&1", check=False, timeout=300)
        run("rm -rf /var/lib/warmdump/arm; mv /var/lib/warmdump/away /var/lib/warmdump/arm")
        if code != INCOMPLETE or "cannot be kept with --direct" not in text or self._server.requests():
            raise ScenarioFailed(f"a dump that nobody can judge: exit code {code}\n{text}\n{self._server.requests()}")
        self._expect_on_region("nobody can judge it")

    def _expect_on_region(self, when):
        missing = self._memory_total - self._cycle.memory_total()
        if missing < self._cycle.plan_result["returned_size"] // 2:
            raise ScenarioFailed(f"{when}: the region with the dump was given back")
        shown = self._cycle.machine.run("warmdump show /dev/pmem0 2>&1")[1]
        if "complete" not in shown:
            raise ScenarioFailed(f"{when}: the dump is not on the region any more:\n{shown}")

    def _expect_failed(self, when, code, text):
        if code != TEMPORARY or "the dump stays on the region" not in text:
            raise ScenarioFailed(f"{when}: recovery ends with exit code {code}, not {TEMPORARY}:\n{text}")
        self._expect_on_region(when)
        line = self._last_line()
        if line["outcome"] != "not_recovered" or SERVER not in line["failure"]["message"]:
            raise ScenarioFailed(f"{when}: the outcome does not tell why: {line}\n{text}")
        self._context.say(f"{when}: {line['failure']['message']}")

    def _expect_done(self, text):
        self._cycle.check_returned(self._memory_total)
        line = self._last_line()
        if line["outcome"] != "crash_and_dump" or not line["region"]["wiped"] or not line["region"]["returned"]:
            raise ScenarioFailed(f"the outcome does not tell of the dump: {line}\n{text}")
        if SERVER not in line["dump"].get("sent_to", ""):
            raise ScenarioFailed(f"the outcome does not tell where the dump is: {line['dump']}")
        self._context.say(f"sent to {line['dump']['sent_to']}")
        again = self._cycle.machine.run("warmdump release --undo 2>&1 && warmdump recover --no-return 2>&1", timeout=300)[1]
        if "no dump on the region" not in again:
            raise ScenarioFailed(f"the region is not cleared:\n{again}")

    def _last_line(self):
        return json.loads(self._cycle.machine.run("tail -n 1 /var/lib/warmdump/outcomes.jsonl")[1])


def _copy_region(context, cycle):
    """The region as the capture left it."""
    image = context.work / "region"
    with region_memory.RegionMemory(cycle.memory_file, *cycle.region) as memory, open(image, "wb") as file:
        file.write(memory.read(0, memory.size))
    return image


def _check_arrived(context, server, image, crash):
    """One dump, manifest.json the last; and the dump in it is the one of the region, byte for byte as a vmcore."""
    stored = server.stored()
    keys = {str(pathlib.PurePosixPath(name).parent) for name in stored}
    names = {pathlib.PurePosixPath(name).name for name in stored}
    if len(keys) != 1 or not {NAME_OF_DUMP, "meta.json", "vmcore-dmesg.txt"} <= names or "vmcore" in names:
        raise ScenarioFailed(f"the server has {stored}")
    if "/manifest.json" not in server.requests()[-1]:
        raise ScenarioFailed(f"manifest.json is not the last file: {server.requests()}")
    directory = server.files / keys.pop()
    dump = directory / NAME_OF_DUMP
    if crash.panic not in (directory / "vmcore-dmesg.txt").read_text(errors="replace"):
        raise ScenarioFailed(f"vmcore-dmesg.txt does not tell of '{crash.panic}'")
    if not json.loads((directory / "meta.json").read_text())["complete"]:
        raise ScenarioFailed("meta.json says that the dump is not complete")

    warmdump = context.programs / "warmdump"
    shown = context.run(warmdump, "show", dump)[1]
    if "complete" not in shown or crash.panic not in context.run(warmdump, "show", "--dmesg", dump)[1]:
        raise ScenarioFailed(f"show does not know the dump:\n{shown}")
    vmcores = []
    for source in (image, dump):
        vmcores.append(context.work / f"{source.name}.vmcore")
        context.run(warmdump, "extract", source, "-o", vmcores[-1])
    context.run("cmp", *vmcores)
    context.say(f"{dump.stat().st_size} bytes arrived; the vmcore made of them is the region's, "
                f"{vmcores[0].stat().st_size} bytes")
    for file in (image, *vmcores):
        file.unlink()


def _check_nothing_on_disk(cycle):
    entries = cycle.machine.run("ls -A /var/crash; ls -A /disk")[1].split()
    if set(entries) - {"state", "lost+found"}:
        raise ScenarioFailed(f"left on the machine: {entries}")
    kib = int(cycle.machine.run("du -sk /run/warmdump")[1].split()[0])
    if kib > LEFT_IN_MEMORY_KIB_MAX:
        raise ScenarioFailed(f"{kib} KiB are left in memory")
