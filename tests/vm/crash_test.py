"""Scenario: `warmdump selftest --crash`, from the question whether it may to the verdict of the next boot."""

import json

from scenario import ScenarioFailed

RESULT = "warmdump selftest --crash --result"


def run(context):
    with context.cycle() as cycle:
        cycle.plan()
        cycle.boot()
        cycle.recover()
        _expect(cycle, RESULT, 75, "no crash test was made")
        _expect(cycle, "warmdump selftest --crash", 1, "give --yes")
        _expect(cycle, RESULT, 75, "no crash test was made")
        cycle.machine.run("warmdump selftest --offline")

        context.say("panic by the crash test")
        cycle.crash(command="warmdump selftest --crash --yes", panic_timeout=180)
        _expect(cycle, RESULT, 75, "has not looked into the region yet")
        verdict = cycle.recover().get("crash_test", {})
        context.say(f"recover: {verdict.get('verdict')}")
        if verdict.get("verdict") != "found complete":
            raise ScenarioFailed(f"the verdict is not that the dump was found: {verdict}")
        shown = json.loads(_expect(cycle, f"{RESULT} --json", 0, "found complete"))
        name = shown["directory"]
        meta = json.loads(cycle.machine.run(f"cat {name}/meta.json")[1])
        if meta["capture_info"].get("test_id") != shown["id"] or not meta["complete"]:
            raise ScenarioFailed(f"{name} is not the test's: {meta['capture_info']}")
        cycle.power_off()


def _expect(cycle, command, code, text):
    found, output = cycle.machine.run(command, timeout=180, check=False)
    if found != code or text not in output:
        raise ScenarioFailed(f"'{command}' ended with exit code {found} instead of {code}, or lacks '{text}':\n{output}")
    return output
