"""Ways to damage a header."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

NUMBERS = (0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 32, 2**64 - 1)


@st.composite
def mutations(draw: st.DrawFn, original: bytes) -> bytes:
    """One to four changes: a byte, a number, a part cut out, doubled or moved, the end cut off."""
    content = original
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        length = draw(st.integers(1, 24))
        kind = draw(st.sampled_from(["byte", "number", "cut", "double", "insert", "end"]))
        if kind == "byte":
            content = content[:at] + draw(st.binary(min_size=1, max_size=1)) + content[at + 1 :]
        elif kind == "number":
            content = content[:at] + struct.pack("<Q", draw(st.sampled_from(NUMBERS))) + content[at + 8 :]
        elif kind == "cut":
            content = content[:at] + content[at + length :]
        elif kind == "double":
            content = content[: at + length] + content[at:]
        elif kind == "insert":
            content = content[:at] + draw(st.binary(max_size=24)) + content[at:]
        else:
            content = content[:at]
    return content
