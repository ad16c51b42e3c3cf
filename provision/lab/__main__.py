"""`python -m provision.lab hosts --name N --count C` and `down --name N`, for tests of roles; the CLI has its own."""

from __future__ import annotations

import argparse
import sys

from provision.errors import ErrorGroup, ProvisionError
from provision.lab.hosts import ensure_hosts
from provision.lab.lab import destroy_lab


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m provision.lab")
    verbs = parser.add_subparsers(dest="verb", required=True)
    hosts = verbs.add_parser("hosts", help="make plain guests h1..hN and print them as JSON")
    hosts.add_argument("--name", required=True)
    hosts.add_argument("--count", type=int, default=1)
    down = verbs.add_parser("down", help="leave nothing of the lab")
    down.add_argument("--name", required=True)
    asked = parser.parse_args()
    try:
        if asked.verb == "hosts":
            print(ensure_hosts(asked.name, asked.count, _say).model_dump_json(indent=1))
        else:
            destroy_lab(asked.name, _say)
    except (ProvisionError, ErrorGroup) as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
