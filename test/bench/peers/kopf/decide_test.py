#!/usr/bin/env python3
"""Decides ../threshold_cases.json as the other peer does."""
import json
import pathlib
import unittest

from decide import CENSORED, VALID, Run, Sample, Target, decide

CASES = json.loads((pathlib.Path(__file__).parent.parent / "threshold_cases.json").read_text(encoding="utf-8"))


def sample_of(step):
    if "value" in step:
        return Sample(VALID, step["value"])
    return Sample(CENSORED, step["over"]) if "over" in step else Sample()


class Decide(unittest.TestCase):
    def test_follows_the_cases(self):
        for case in CASES:
            spec = {"minCapacity": case["min"], "maxCapacity": case["max"], "metrics": [
                {"directions": case.get("directions", "Both"), "strategy": {"threshold": case["threshold"]}}]}
            run = Run()
            for number, step in enumerate(case["steps"]):
                quantity = step["quantity"]
                target = Target(quantity=quantity, ready=step.get("ready", quantity), maintenance=step.get("maintenance", False))
                found = decide(spec, run, target, sample_of(step))
                with self.subTest(case["name"], step=number):
                    self.assertEqual((found.to, found.reason, found.metric_state, found.run.length),
                                     (step["to"], step["reason"], step["state"], step["breaches"]))
                run = found.run


if __name__ == "__main__":
    unittest.main()
