"""Run a piece of code in a process of its own, and say what it took. Shared by the scripts here."""

import subprocess
import sys

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
HEAD = "  wall s    cpu s  peak GB"


def measure(code: str, setup: str = "", result: str = "''") -> str:
    """Wall seconds, processor seconds and peak GB of `code`, then the value of `result`.

    `setup` (imports) is not timed, though its memory counts; nor is `result`.
    """
    script = TEMPLATE.format(code=code, setup=setup, result=result)
    return subprocess.check_output([sys.executable, "-c", script], text=True).rstrip()
