"""Keys and passwords. Forms of vendors' keys follow the rules of gitleaks (config/gitleaks.toml)."""

from __future__ import annotations

import math
import re
from collections import Counter

from decision_layer.detect.hits import Hits

# What must stand in the lower-cased text -> kind and the form in the text itself, tried where the first stands.
KEYS: dict[str, tuple[str, re.Pattern[str]]] = {
    **{
        p: ("secret.aws", re.compile(rf"{p.upper()}[A-Z0-9]{{16}}"))
        for p in ("akia", "asia", "abia", "acca", "aroa", "aida")
    },
    **{
        p: ("secret.github", re.compile(rf"{p}[A-Za-z0-9]{{30,255}}")) for p in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")
    },
    "github_pat_": ("secret.github", re.compile(r"github_pat_\w{22,255}")),
    "glpat-": ("secret.gitlab", re.compile(r"glpat-[\w-]{20,64}")),
    "xox": ("secret.slack", re.compile(r"xox[abeoprs]-[\w-]{10,250}")),
    "xapp-": ("secret.slack", re.compile(r"xapp-\d-[\w-]{10,250}")),
    "hooks.slack.com/services/": ("secret.slack", re.compile(r"hooks\.slack\.com/services/[\w/+]{20,80}")),
    "sk-ant-": ("secret.anthropic", re.compile(r"sk-ant-[\w-]{20,200}")),
    "sk-": ("secret.openai", re.compile(r"sk-(?!ant-)(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9][\w-]{19,250}")),
    "sk_": ("secret.stripe", re.compile(r"sk_(?:live|test)_[A-Za-z0-9]{10,99}")),
    "rk_": ("secret.stripe", re.compile(r"rk_(?:live|test)_[A-Za-z0-9]{10,99}")),
    "aiza": ("secret.google", re.compile(r"AIza[\w-]{35}")),
    "hf_": ("secret.huggingface", re.compile(r"hf_[A-Za-z]{34}")),
    "npm_": ("secret.npm", re.compile(r"npm_[A-Za-z0-9]{36}")),
    "pypi-ageichlwas5vcmc": ("secret.pypi", re.compile(r"pypi-AgEIcHlwaS5vcmc[\w-]{50,1000}")),
    "hvs.": ("secret.vault", re.compile(r"hvs\.[\w-]{24,200}")),
    "eyj": ("secret.jwt", re.compile(r"eyJ[\w-]{10,8000}\.eyJ[\w-]{6,8000}\.[\w-]{0,8000}")),
    "-----begin ": (
        "secret.private_key",
        re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    ),
    "://": ("secret.url", re.compile(r"://[^\s/:@?#]{0,64}:[^\s/@]{3,128}@[\w\[]")),
    "accountkey=": ("secret.azure", re.compile(r"AccountKey=[A-Za-z0-9+/]{40,100}", re.IGNORECASE)),
}
# A word after which a password or key is given.
NAMES = (
    "password",
    "passwort",
    "kennwort",
    "adgangskode",
    "kodeord",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "api key",
    "api-key",
    "api_key",
    "apikey",
    "token",
    "access_key",
    "access key",
    "secret_key",
    "private_key",
    "auth_key",
    "bearer",
    "zugangscode",
    "zugangsdaten",
    "credential",
    "pin-kode",
    "pinkode",
)
_GIVEN = re.compile(
    r"[\w-]{0,24}+[\"'`*]{0,3}+[ \t]{0,3}+"
    r"(?:(?::=|=>|[:=])[ \t]{0,3}|(?:is|ist|lautet|er|hedder|was|war|var)[ :]{1,3}|(?<=earer) )"
    r"[ \t]{0,2}+[\"'`<]{0,3}+(?P<value>[^\s\"'`,;<>]{6,256})"
)
_PLACEHOLDER = re.compile(
    r"^(?:\$|%|\{|\[|\(|x{4,}|\*{3,}|\.{3}|your|dein|ihr|din|dit|example|changeme|change_me|placeholder|todo|none\b|null\b|true\b|false\b"
    r"|required|optional|string|str\b|process\.|os\.|env\.|self\.|settings\.|config\.|request\.|get_|getenv|vault|http)|\(|\}\}|\[redacted",
    re.IGNORECASE,
)
_STRICT = ("token", "secret", "bearer", "key", "credential")


def scan_key(prefix: str, text: str, at: int, hits: Hits) -> None:
    """A vendor's key whose first characters stand at `at`."""
    if prefix not in ("://", "accountkey=", "hooks.slack.com/services/") and at and (text[at - 1].isalnum()):
        return
    kind, form = KEYS[prefix]
    match = form.match(text, at)
    if match is not None:
        hits.add(kind, match[0])


def scan_assignment(name: str, text: str, after: int, hits: Hits) -> None:
    """`password: ...` and its like: a value that looks made up and not like a word, a variable or a placeholder."""
    match = _GIVEN.match(text, after)
    if match is None:
        return
    value = match["value"].rstrip(".)]}!?")
    if _PLACEHOLDER.search(value) or len(value) < 6:
        return
    strict = any(part in name for part in _STRICT)
    if (len(value) >= 12 and entropy(value) >= 3.0 and _mixed(value)) if strict else _mixed(value):
        hits.add("secret.assignment", value)


def _mixed(value: str) -> bool:
    """Two of: letters, digits, other signs; a bare number counts from six digits on only as a PIN would."""
    classes = (
        any(c.isalpha() for c in value),
        any(c.isdigit() for c in value),
        any(not c.isalnum() and c not in "-_./:" for c in value),
    )
    return sum(classes) >= 2


def entropy(value: str) -> float:
    """Shannon entropy in bits for each character."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values())
