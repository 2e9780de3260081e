"""Counters of one process, in the text format that Prometheus reads.

Shape: `keystead_http_requests_total{endpoint,status}` and `keystead_http_request_seconds` (a histogram by endpoint),
beside gauges asked when scraped. Endpoint names come from the catalogue, never from a request: their number is bounded.
Spec: Prometheus text exposition format 0.0.4.
"""

from __future__ import annotations

import os
import resource
import time
from bisect import bisect_left
from collections.abc import Callable
from typing import Final

_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """What a process counts."""

    def __init__(self) -> None:
        self._began = time.time()
        self._answers: dict[tuple[str, int], int] = {}
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "process_start_time_seconds": ("When the process started.", lambda: self._began),
            "process_cpu_seconds_total": ("CPU time used.", _cpu_seconds),
            "process_resident_memory_bytes": ("Memory in use.", _resident_bytes),
        }

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        answer = (route, status)
        self._answers[answer] = self._answers.get(answer, 0) + 1
        buckets = self._buckets.get(route)
        if buckets is None:
            buckets = self._buckets[route] = [0] * (len(_BOUNDS) + 1)
            self._seconds[route] = 0.0
        buckets[bisect_left(_BOUNDS, seconds)] += 1
        self._seconds[route] += seconds

    def gauge(self, name: str, help: str, ask: Callable[[], float]) -> None:
        """Add a value that is asked for at every scrape."""
        self._gauges[name] = (help, ask)

    def text(self) -> str:
        """Return everything, in the exposition format."""
        lines = [
            "# HELP keystead_http_requests_total Answered requests.",
            "# TYPE keystead_http_requests_total counter",
        ]
        for (route, status), number in sorted(self._answers.items()):
            lines.append(f'keystead_http_requests_total{{endpoint="{route}",status="{status}"}} {number}')
        lines += [
            "# HELP keystead_http_request_seconds Time from the whole request to its reply.",
            "# TYPE keystead_http_request_seconds histogram",
        ]
        for route in sorted(self._buckets):
            lines += self._histogram(route)
        for name, (help, ask) in self._gauges.items():
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += [f"# HELP {name} {help}", f"# TYPE {name} {kind}", f"{name} {ask():.10g}"]
        return "\n".join(lines) + "\n"

    def _histogram(self, route: str) -> list[str]:
        lines, total = [], 0
        for bound, number in zip((*_BOUNDS, "+Inf"), self._buckets[route], strict=True):
            total += number
            lines.append(f'keystead_http_request_seconds_bucket{{endpoint="{route}",le="{bound}"}} {total}')
        lines.append(f'keystead_http_request_seconds_sum{{endpoint="{route}"}} {self._seconds[route]:.6f}')
        lines.append(f'keystead_http_request_seconds_count{{endpoint="{route}"}} {total}')
        return lines


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident_bytes() -> float:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return float(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
