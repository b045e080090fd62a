"""What a piece of code takes, in this process or one of its own. Shared by the scripts here."""

import os
import subprocess
import sys
import time
from collections.abc import Callable

TEMPLATE = """
import re, time, warnings
warnings.simplefilter("ignore")
{setup}
start, cpu = time.perf_counter(), time.process_time()
{code}
wall, cpu = time.perf_counter() - start, time.process_time() - cpu
status = open("/proc/self/status").read()  # ru_maxrss would count the parent's memory too
peak = int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024 / 1e9
print(f"{{wall:8.1f}} {{cpu:8.1f}} {{peak:8.2f}}", {result})
"""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
HEAD = "  wall s    cpu s  peak GB"


def measure(
    code: str,
    setup: str = "",
    result: str = "''",
    threads: int | None = None,
    limit: float | None = None,
) -> str:
    """Wall seconds, processor seconds and peak GB of `code`, then the value of `result`.

    `setup` (imports) is not timed, though its memory counts; nor is `result`. All together may take
    `limit` seconds.
    """
    limits = {} if threads is None else dict.fromkeys(THREADS, str(threads))
    script = TEMPLATE.format(code=code, setup=setup, result=result)
    command = [sys.executable, "-c", script]
    return subprocess.check_output(
        command, text=True, env=os.environ | limits, timeout=limit
    ).rstrip()


def milliseconds(run: Callable[[], object], seconds: float = 2.0) -> float:
    """Processor time of a run: the least of several, as what else runs only adds."""
    run()
    taken, start = [], time.process_time()
    while len(taken) < 3 or time.process_time() - start < seconds:
        begun = time.process_time()
        run()
        taken.append(time.process_time() - begun)
    return 1e3 * min(taken)
