#!/usr/bin/python3
"""Asks a model for some seconds and counts. `load.py URL MODEL SECONDS WORKERS`, the key on standard input.

Prints one JSON document: answers, failures with their reasons, and the longest time of one request in seconds.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.request

URL, MODEL, SECONDS, WORKERS = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
KEY = sys.stdin.read().strip()
answers: list[float] = []
failures: list[str] = []


def ask(number: int) -> None:
    question = {"role": "user", "content": f"Say the number {number} in words."}
    body = {"model": MODEL, "messages": [question], "max_tokens": 24, "ignore_eos": True}
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{URL}/v1/chat/completions", json.dumps(body).encode(), headers)  # noqa: S310
    begun = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            document = json.load(answer)
        if document["usage"]["completion_tokens"] != 24:
            raise ValueError("an answer that is too short")
        answers.append(time.monotonic() - begun)
    except (OSError, ValueError, KeyError) as error:
        failures.append(f"after {time.monotonic() - start:.1f} s: {error}")


def work(worker: int) -> None:
    number = worker
    while time.monotonic() - start < SECONDS:
        ask(number)
        number += WORKERS


start = time.monotonic()
threads = [threading.Thread(target=work, args=(worker,)) for worker in range(WORKERS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"answers": len(answers), "failures": failures, "longest_s": round(max(answers, default=0), 1)}))
