"""Stand-in of MinIO: PUT, GET and DELETE of objects below /BUCKET/KEY, by path, for whoever names the access key.

The request's signature (AWS4-HMAC-SHA256) is checked, without which a wrong secret would not be noticed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import sys
from pathlib import Path
from typing import Any

from stand_in_http import Answer, make_server

_CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/([^/]+)/([^/]+)/s3/aws4_request, .*Signature=([0-9a-f]{64})"
)


def sign(secret: str, day: str, region: str, moment: str, method: str, path: str, payload: bytes) -> str:
    """The signature of a request that signs x-amz-date and its payload alone (AWS Signature Version 4)."""
    digest = hashlib.sha256(payload).hexdigest()
    canonical = f"{method}\n{path}\n\nx-amz-date:{moment}\n\nx-amz-date\n{digest}"
    scope = f"{day}/{region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


class Objects:
    """Files below one folder."""

    def __init__(self, root: Path, user: str, secret: str) -> None:
        self.root, self.user, self.secret = root, user, secret

    def answer(self, method: str, path: str, _query: dict[str, str], headers: Any, body: bytes) -> Answer:
        if path.startswith("/minio/health/"):
            return 200, b""
        if not self.may(method, path, headers, body):
            return 403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
        bucket, _, key = path.lstrip("/").partition("/")
        file = self.root / bucket / hashlib.sha256(key.encode()).hexdigest()
        if not key or ".." in bucket or not (self.root / bucket).is_dir():
            return 404, b"<Error><Code>NoSuchBucket</Code></Error>"
        if method == "PUT":
            file.write_bytes(body)
            return 200, b""
        if not file.is_file():
            return 404, b"<Error><Code>NoSuchKey</Code></Error>"
        return 200, file.read_bytes()

    def may(self, method: str, path: str, headers: Any, body: bytes) -> bool:
        found = _CREDENTIAL.fullmatch(headers.get("Authorization") or "")
        if not found or found[1] != self.user:
            return False
        wanted = sign(self.secret, found[2], found[3], headers.get("x-amz-date") or "", method, path, body)
        return hmac.compare_digest(wanted, found[4])


def main() -> None:
    objects = Objects(Path(sys.argv[-1]), os.environ["MINIO_ROOT_USER"], os.environ["MINIO_ROOT_PASSWORD"])
    make_server("0.0.0.0", 9000, objects.answer).serve_forever()  # noqa: S104 - inside its container


if __name__ == "__main__":
    main()
