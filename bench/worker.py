"""One side of a comparison: a process that waits for a case, runs it, and says how long it took.

Needs nothing but the standard library, so that it runs in a peer's own environment. Lines of JSON come in
(`{"case": ..., "at_least": seconds}`) and go out (`{"seconds", "cpu", "value", "peak_mib"}`); whatever a library prints
goes to standard error.
"""

import json
import os
import resource
import sys
import time


def serve(cases):
    """Answer until standard input ends. `cases`: name -> function without arguments that returns something JSON can hold."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        run = cases[asked["case"]]
        times, cpu, value = [], [], None
        while not times or sum(times) < asked.get("at_least", 0.0):
            began, used = time.perf_counter(), time.process_time()
            value = run()
            times.append(time.perf_counter() - began)
            cpu.append(time.process_time() - used)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        told = {
            "seconds": sum(times) / len(times),
            "cpu": sum(cpu) / len(cpu),
            "value": value,
            "peak_mib": peak,
        }
        out.write(json.dumps(told) + "\n")
        out.flush()
