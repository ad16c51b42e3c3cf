#!/bin/sh
# The stand-in of Qdrant under the program's own name.
home=$(dirname "$(readlink -f "$0")")/qdrant-stand-in
export PYTHONPATH="$home/packages" PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1
exec /usr/bin/python3 "$home/qdrant_stand_in.py" "$@"
