#!/bin/sh
# The stand-in of MinIO under the program's own name.
exec /usr/bin/python3 /usr/local/lib/langfuse-stand-in/s3_store.py "$@"
