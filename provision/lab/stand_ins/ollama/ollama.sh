#!/bin/sh
# The lab's stand-in of Ollama; `ollama serve` is all that it can.
here=$(dirname "$(readlink -f "$0")")
exec /usr/bin/python3 "$here/../lib/ollama/stand-in/ollama_stand_in.py" "$@"
