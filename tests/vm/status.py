"""Scenario: `warmdump status` says what is true at every step of a machine's day: before it is armed, armed, with
something broken, and mended as it told.
"""

import json

from scenario import ScenarioFailed


def run(context):
    """One boot; what is broken is broken at run time."""
    with context.cycle(more_programs=("/usr/bin/setpriv",)) as cycle:
        cycle.plan()
        cycle.boot()
        run_guest = cycle.machine.run
        run_guest("echo 1 > /proc/sys/kernel/panic_on_oops")
        _check(cycle, False, "ready", failed={"ready", "loaded", "record"}, before="recover and arm")
        cycle.recover()
        _check(cycle, False, "loaded", failed={"loaded", "record"}, before="arm")
        cycle.arm()
        _check(cycle, True)
        context.say("armed: " + run_guest("NO_COLOR=1 warmdump status")[1].splitlines()[0])

        run_guest("warmdump disarm")
        _check(cycle, False, "loaded", may_fail={"record"})
        cycle.arm()
        _check(cycle, True)

        block = cycle.region_blocks()[-1][0]
        state = f"/sys/devices/system/memory/{block}/state"
        run_guest(f"echo offline > {state} && echo online_kernel > {state}")
        report = _check(cycle, False, "movable", failed={"movable"})
        if block not in report["reason"]:
            raise ScenarioFailed(f"{block} is not movable, but the reason is: {report['reason']}")
        cycle.recover()
        cycle.check_returned(cycle.memory_total())
        _check(cycle, True)

        _check_without_root(cycle)
        cycle.power_off()


def _check(cycle, captured, reason="", failed=None, may_fail=frozenset(), before=""):
    """status answers `captured`, its reason begins with the check `reason`, and `failed` are the checks that failed."""
    where = f"before {before}: " if before else ""
    code, text = cycle.machine.run("warmdump status --json", check=False)
    report = json.loads(text)
    quiet, nothing = cycle.machine.run("warmdump status --quiet", check=False)
    if code != (0 if captured else 1) or quiet != code or nothing:
        raise ScenarioFailed(f"{where}exit code {code}, {quiet} with --quiet and the output '{nothing}':\n{text}")
    found = {check["name"] for check in report["checks"] if check["state"] == "failed"} - may_fail
    expected = failed if failed is not None else {reason} - {""}
    if report["captured"] is not captured or not report["reason"].startswith(reason) or found != expected:
        raise ScenarioFailed(f"{where}captured {report['captured']}, expected {captured} by '{reason}'; failed are "
                             f"{sorted(found)}, expected {sorted(expected)}:\n{text}")
    for check in report["checks"]:
        if check["state"] in ("failed", "warning") and not check["mend"]:
            raise ScenarioFailed(f"{where}{check['name']} does not tell how to mend it")
    return report


def _check_without_root(cycle):
    command = "NO_COLOR=1 /usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups warmdump status"
    code, text = cycle.machine.run(command, check=False)
    if code != 1 or not text.startswith("CANNOT TELL") or "root" not in text.splitlines()[0]:
        raise ScenarioFailed(f"without root: exit code {code}:\n{text}")
