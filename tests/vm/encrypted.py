"""Scenario: a fleet's public key on the machine. A crash leaves a dump that the machine keeps and cannot read; the
private key, which never was there, opens it on the host, and drgn and makedumpfile read what comes out.
"""

import json
import shutil

from scenario import ScenarioFailed

SETTINGS = r"mkdir -p /etc/warmdump && printf '[arm]\nfleet_public_key = \042/boot/fleet.public\042\n' > /etc/warmdump/warmdump.toml"


def run(context):
    keys = context.work / "keys"
    shutil.rmtree(keys, ignore_errors=True)
    keys.mkdir(parents=True)
    warmdump = context.programs / "warmdump"
    context.run(warmdump, "keygen", "-o", keys / "fleet")
    kept, clear = context.work / "kept", context.work / "clear"
    for directory in (kept, clear):
        shutil.rmtree(directory, ignore_errors=True)
    with context.cycle(boot_files=(keys / "fleet.public",)) as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        cycle.machine.run(SETTINGS)
        if "for fleet key" not in cycle.arm():
            raise ScenarioFailed("arm does not say that dumps are encrypted")
        context.say("panic")
        panic = cycle.crash().panic
        dump = cycle.recover()["dump"]
        if not dump.get("key_id") or dump["authenticity"] != "sealed" or dump["crash"]:
            raise ScenarioFailed(f"not an encrypted dump with the seal of its boot: {dump}")
        name = cycle.dumps()[0]
        cycle.power_off()
        cycle.copy_out(f"crash/{name}", kept)
        shutil.rmtree(cycle.setup.work)
    check(context, warmdump, keys, kept, clear, panic)


def check(context, warmdump, keys, kept, clear, panic):
    image = next(kept.rglob("dump.warmdump"))
    meta = json.loads((image.parent / "meta.json").read_text())
    if not meta["encrypted"] or not meta["complete"] or meta["panic_text"]:
        raise ScenarioFailed(f"meta.json of the encrypted dump is wrong: {meta}")
    content = image.read_bytes()
    for text in (b"Linux version", b"OSRELEASE=", panic.strip().encode()):
        if text in content:
            raise ScenarioFailed(f"the encrypted dump holds {text!r} in clear")
    context.run(warmdump, "keygen", "-o", keys / "other")
    code, told = context.run(warmdump, "decrypt", "--key", keys / "other.private", image, "-o", clear, may_fail=True)
    if code != 1 or clear.exists() or "fleet key" not in told:
        raise ScenarioFailed(f"another private key was not refused: {code}\n{told}")
    context.run(warmdump, "decrypt", "--key", keys / "fleet.private", image.parent, "-o", clear)
    if panic.strip() not in (clear / "vmcore-dmesg.txt").read_text(errors="replace"):
        raise ScenarioFailed("the panic is not in the log of the decrypted dump")
    log = context.work / "dmesg"
    log.unlink(missing_ok=True)
    context.run(shutil.which("makedumpfile"), "--dump-dmesg", clear / "vmcore", log)
    if panic.strip() not in log.read_text(errors="replace"):
        raise ScenarioFailed("makedumpfile does not find the panic in the decrypted vmcore")
    drgn = context.script("fetch-judges") + "/drgn"
    program = "print(prog['VMCOREINFO'].string_().decode())"
    told = context.run(drgn, "-q", "--no-default-symbols", "-c", clear / "vmcore", "-e", program)[1]
    if "OSRELEASE=" not in told:
        raise ScenarioFailed(f"drgn does not open the decrypted vmcore: {told}")
    context.say(f"decrypted: {meta['completeness']}")
    shutil.rmtree(clear)
