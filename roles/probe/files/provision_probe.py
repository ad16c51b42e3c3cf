#!/usr/bin/python3
"""Print one JSON document of what this machine says of itself: cards, units, sockets, engines, health.

It asks and changes nothing. Whatever cannot be read is told in the part concerned, as text; the exit status is 0.
The document's shape is `provision/models/observation.py`; a unit test holds the two together. Python 3.9 and its
standard library are enough, and pynvml.py beside this file where there are cards.

    provision_probe.py --config FILE                 the whole document, as the config asks
    provision_probe.py --only gpu --write FILE       the cards alone, before an engine loads (ExecStartPre)
    provision_probe.py --egress-test HOST PORT --user NAME
"""

from __future__ import annotations

import argparse
import json
import sys

from probe_parts.told import Json

DEFAULT_CONFIG = "/etc/provision-probe/config.json"


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    text = json.dumps(observe(options), ensure_ascii=True)
    if options.write:
        from probe_parts.files import write_file

        write_file(options.write, text + "\n")
    else:
        print(text)
    return 0


def observe(options: argparse.Namespace) -> Json:
    """Each way imports only what it needs: the probe calls itself, and imports are most of a short call's time."""
    if options.cuda_init:
        from probe_parts.driver import init_cuda

        return init_cuda()
    if options.egress_test:
        from probe_parts.egress import try_egress

        host, port = options.egress_test
        return try_egress(options.user or "root", host, int(port))
    if options.only:
        from probe_parts.cards import observe_gpu, observe_gpu_before

        return observe_gpu_before() if options.write else observe_gpu()
    from probe_parts.document import observe_all

    return observe_all(options.config)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", default=DEFAULT_CONFIG, help="what to ask for, JSON")
    parser.add_argument("--only", choices=["gpu"], help="the cards alone")
    parser.add_argument("--write", metavar="FILE", help="write there, atomically, instead of printing")
    parser.add_argument("--egress-test", nargs=2, metavar=("HOST", "PORT"), help="try one TCP connection outward")
    parser.add_argument("--user", help="as this user (egress test)")
    parser.add_argument("--cuda-init", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
