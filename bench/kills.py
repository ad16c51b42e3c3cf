"""kill -9 at random moments of a fresh `up`: does the next run converge to the same state each time?

    python -m bench.kills --count 10 --seed 1

Each round: the lab is taken down, `provision up` starts and is killed with SIGKILL after a random time, then `up` runs
again to its end. The state digest (`provision status --digest`) of every round must equal that of an undisturbed run
with the same secrets.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time

OPTIONS = ("--profile", "sme-2x4090", "--lab")


def provision(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "provision.cli.main", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=check)


def read_state() -> dict[str, object]:
    return dict(json.loads(provision("status", *OPTIONS, "--digest", "--json").stdout))


def bring_up() -> float:
    started = time.monotonic()
    done = provision("up", *OPTIONS, "--yes", check=False)
    if done.returncode != 0:
        raise SystemExit(f"up ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return time.monotonic() - started


def kill_after(seconds: float) -> bool:
    """Start `up` and kill it, and only it, as a crash would; False if it had already ended."""
    argv = [sys.executable, "-m", "provision.cli.main", "up", *OPTIONS, "--yes"]
    run = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        run.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        return True
    return False


def show_difference(expected: dict[str, object], found: dict[str, object]) -> None:
    for machine, sections in dict(expected["machines"]).items():  # type: ignore[call-overload]
        for section, lines in sections.items():
            other = found["machines"][machine][section]  # type: ignore[index]
            for line in sorted(set(lines) ^ set(other)):
                side = "only undisturbed" if line in lines else "only after the kill"
                print(f"    {machine} {section}: {side}: {line}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311 - a repeatable choice of moments, no secret
    provision("down", *OPTIONS, check=False)
    whole = bring_up()
    expected = read_state()
    print(f"undisturbed: {whole:.0f} s, state {str(expected['digest'])[:16]}", flush=True)
    equal = 0
    for number in range(1, arguments.count + 1):
        moment = chance.uniform(1, whole)
        provision("down", *OPTIONS)
        killed = kill_after(moment)
        seconds = bring_up()
        found = read_state()
        same = found["digest"] == expected["digest"]
        equal += same
        what = "killed" if killed else "had ended"
        print(
            f"{number}: {what} at {moment:.0f} s, next run {seconds:.0f} s, state {str(found['digest'])[:16]} "
            f"{'same' if same else 'DIFFERS'}",
            flush=True,
        )
        if not same:
            show_difference(expected, found)
    print(f"{equal} of {arguments.count} converged to the same state")
    return 0 if equal == arguments.count else 1


if __name__ == "__main__":
    sys.exit(main())
