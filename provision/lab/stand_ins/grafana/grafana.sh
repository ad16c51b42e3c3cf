#!/bin/sh
# The stand-in of Grafana under the program's own name: `grafana server` and `grafana cli admin reset-admin-password`.
home=$(dirname "$(readlink -f "$0")")/../stand-in
export PYTHONPATH="$home/packages" PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 "$home/grafana_stand_in.py" "$@"
