"""Scenario: the lines that boots leave in outcomes.jsonl: an orderly restart, a crash with its dump, a crash that nothing
captures; and a crash loop, which stops the capture until somebody ends it.
"""

import json

import crash_cycle
from scenario import ScenarioFailed

SETTINGS = "mkdir -p /etc/warmdump; printf '[recover]\\ncrash_loop_count = 2\\n' > /etc/warmdump/warmdump.toml"
RESTART = "warmdump outcomes --note-shutdown && cd / && sync && reboot -f"
PANIC_WITHOUT_CAPTURE = "echo 1 > /proc/sys/kernel/panic; echo c > /proc/sysrq-trigger"


def run(context):
    with context.cycle() as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        _expect(cycle, "unknown")

        context.say("an orderly restart")
        _restart(cycle, RESTART)
        cycle.recover()
        line = _expect(cycle, "unknown", "no_crash")
        if line["previous_boot"].get("ended") != "in_order" or "lasted_s" not in line["previous_boot"]:
            raise ScenarioFailed(f"an orderly restart is not told as one: {line}")
        cycle.recover()  # again in the same boot: no second line
        _expect(cycle, "unknown", "no_crash")

        context.say("a crash, captured")
        cycle.arm()
        cycle.crash()
        cycle.machine.run(SETTINGS)
        cycle.recover()
        first = _expect(cycle, "unknown", "no_crash", "crash_and_dump")
        _check_dump(cycle, first)

        context.say("a crash that nothing captures")
        _restart(cycle, PANIC_WITHOUT_CAPTURE)
        cycle.machine.run(SETTINGS)
        cycle.recover()
        line = _expect(cycle, "unknown", "no_crash", "crash_and_dump", "unclean_shutdown")
        if line["previous_boot"].get("armed") is not False or "crash" in line:
            raise ScenarioFailed(f"an unclean shutdown of a boot that was not armed: {line}")

        context.say("another crash, captured: a loop")
        cycle.arm()
        cycle.crash()
        cycle.machine.run(SETTINGS)
        cycle.recover()
        line = _expect(cycle, "unknown", "no_crash", "crash_and_dump", "unclean_shutdown", "crash_and_dump")
        _check_loop(context, cycle, first, line)
        table = cycle.machine.run("warmdump outcomes")[1]
        context.say(table.strip().splitlines()[-1])
        cycle.power_off()


def _restart(cycle, command):
    cycle.machine.run("sync")
    cycle.machine.skip_console()
    cycle.machine.send(command)
    cycle.machine.wait_for_console(crash_cycle.KERNEL_START, 600)
    cycle.machine.wait_ready()


def _expect(cycle, *outcomes):
    """The file has these outcomes, one line a boot; returns the last line."""
    lines = [json.loads(line) for line in
             cycle.machine.run("cat /var/lib/warmdump/outcomes.jsonl")[1].splitlines()]
    found = [line["outcome"] for line in lines]
    if found != list(outcomes):
        raise ScenarioFailed(f"the boots are told as {found}, not as {list(outcomes)}: {lines}")
    if len({line["boot_id"] for line in lines}) != len(lines):
        raise ScenarioFailed(f"a boot has more than one line: {lines}")
    if lines[-1]["boot_id"] != cycle.machine.run("cat /proc/sys/kernel/random/boot_id")[1].strip():
        raise ScenarioFailed(f"the last line is of another boot: {lines[-1]}")
    if not lines[-1]["region"]["returned"]:
        raise ScenarioFailed(f"the region was not returned: {lines[-1]}")
    return lines[-1]


def _check_dump(cycle, line):
    crash, dump = line["crash"], line["dump"]
    names = cycle.dumps()
    if [dump["directory"]] != [f"/var/crash/{name}" for name in names] or not dump["complete"]:
        raise ScenarioFailed(f"the line tells of {dump}, the spool holds {names}")
    if crash["boot_id"] != line["previous_boot"]["boot_id"] or "sysrq triggered crash" not in crash["panic"]:
        raise ScenarioFailed(f"the line does not tell which boot crashed, and how: {line}")
    if line["previous_boot"].get("armed") is not True or dump["authenticity"] != "sealed" or "uptime_s" not in crash:
        raise ScenarioFailed(f"the line lacks something: {line}")


def _check_loop(context, cycle, first, line):
    if not line.get("crash_loop", {}).get("stands") or line["crash_loop"]["crashes"] != 2:
        raise ScenarioFailed(f"two crashes are no loop: {line}")
    code, text = cycle.machine.run("warmdump arm", check=False)
    if code != 75 or "CRASH LOOP" not in text or first["dump"]["directory"] not in text:
        raise ScenarioFailed(f"in a crash loop arm ends with {code}:\n{text}")
    context.say(text.strip())
    if cycle.machine.run("cat /sys/kernel/kexec_crash_loaded")[1].strip() != "0":
        raise ScenarioFailed("a crash kernel is loaded in a crash loop")
    code, text = cycle.machine.run("NO_COLOR=1 warmdump status", check=False)
    if code != 1 or "crash-loop" not in text.splitlines()[0]:
        raise ScenarioFailed(f"status does not name the crash loop:\n{text}")
    cycle.machine.run("warmdump arm --after-crash-loop")
    if cycle.machine.run("cat /sys/kernel/kexec_crash_loaded")[1].strip() != "1":
        raise ScenarioFailed("the end of a crash loop on request does not arm")
