"""Counts polls and how late they started; see the README for the two latenesses."""
import array
import json
import time


def _lateness(values):
    if not values:
        return {"p50": 0.0, "p99": 0.0, "max": 0.0}
    ordered = sorted(values)

    def at(share):
        return ordered[int(share * (len(ordered) - 1))]

    return {"p50": at(0.50), "p99": at(0.99), "max": at(1)}


class Pace:
    def __init__(self):
        self.polls = self.errors = self.patches = self.statuses = 0
        self._forget()

    def _forget(self):
        self._planned, self._requested = array.array("f"), array.array("f")

    def started(self, after_plan, after_request):
        """In seconds."""
        self.polls += 1
        self._planned.append(after_plan * 1000)
        self._requested.append(after_request * 1000)

    def write(self, path):
        """Appends one line of JSON: all since the line before. The counters go on."""
        line = {"polls": self.polls, "errors": self.errors, "capacity_writes": self.patches, "status_writes": self.statuses,
                "time": time.time(), "lateness_ms": _lateness(self._planned),
                "requested_lateness_ms": _lateness(self._requested)}
        self._forget()
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
