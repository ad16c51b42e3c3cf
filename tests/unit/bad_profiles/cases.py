"""Profiles that must be refused: what they are, the exit code, and words that the message must hold.

`BAD_PROFILES` is meant for every door a profile can come through: the loader, the planner and the command line.
"""

from __future__ import annotations

import gzip
from typing import NamedTuple

from tests.unit.bad_profiles.texts import COMPLETE, extend, in_model, replace, with_machines


class BadProfile(NamedTuple):
    """`exit_code` 3: the loader refuses it, with `errors` errors at once; 4: it loads, and the planner refuses it."""

    id: str
    content: bytes
    exit_code: int
    words: tuple[str, ...]
    errors: int = 1


def _case(id: str, content: str | bytes, *words: str, count: int = 1, exit_code: int = 3) -> BadProfile:
    content = content.encode() if isinstance(content, str) else content
    return BadProfile(id, content, exit_code, words, count)


_TYPES = [
    _case("size-without-unit", extend("hardware: {memory: 24}"), "hardware.memory is 24, which is not a size"),
    _case(
        "size-with-wrong-unit",
        extend("hardware:\n  gpus:\n    0:\n      vram: 24BG"),
        "hardware.gpus[0].vram is '24BG', which is not a size",
        "line 6",
        "write a number and a unit, for example 24GiB",
    ),
    _case("size-negative", extend("hardware: {memory: -4GiB}"), "'-4GiB', which is not a size"),
    _case("size-exponent", extend("hardware: {storage: 1e3GiB}"), "'1e3GiB', which is not a size"),
    _case("size-foreign-digits", extend("hardware: {memory: \uff12\uff14GiB}"), "which is not a size"),
    _case("size-zero", extend("hardware: {memory: 0GiB}"), "which is too small", "write more than 0"),
    _case("size-absurd", extend("hardware: {storage: 999999999TiB}"), "which is too large"),
    _case("power-without-unit", extend("hardware: {power_supply: 1600}"), "hardware.power_supply is 1600", "450W"),
    _case("power-with-words", extend("hardware: {power_supply: 450 Watt}"), "'450 Watt', which is not a power"),
    _case("tokens-in-words", in_model("context: many"), "'many', which is not a number of tokens"),
    _case("tokens-too-few", in_model("context: 0"), "which is too small", "write at least 256"),
    _case("number-is-true", extend("hardware: {cpu: {cores: true}}"), "cores is true, which is not a whole number"),
    _case("number-in-quotes", extend("hardware: {cpu: {cores: '16'}}"), "cores is '16', which is not a whole number"),
    _case("number-with-fraction", extend("hardware: {cpu: {cores: 16.5}}"), "cores is 16.5"),
    _case("number-nan", extend("hardware: {cpu: {cores: .nan}}"), "cores is '.nan', which is not a whole number"),
    _case("number-infinite", extend("hardware: {cpu: {cores: .inf}}"), "cores is '.inf'"),
    _case("number-float-overflow", extend("hardware: {cpu: {cores: 1.0e+999}}"), "which is not a whole number"),
    _case("number-26-digits", extend(f"hardware: {{cpu: {{cores: {10**25}}}}}"), "which is too large", "at most 1024"),
    _case("number-5000-digits", extend("hardware: {cpu: {cores: " + "9" * 5000 + "}}"), "which is not a whole number"),
    _case("number-hexadecimal", extend("hardware: {cpu: {cores: 0x10}}"), "cores is '0x10'"),
    _case("number-octal", extend("hardware: {cpu: {cores: 010}}"), "cores is '010'"),
    _case("number-sexagesimal", extend("hardware: {cpu: {cores: 1:30}}"), "cores is '1:30'"),
    _case("number-negative", extend("hardware: {cpu: {cores: -1}}"), "which is too small", "write at least 1"),
    _case("value-empty", extend("hardware:\n  memory:"), "hardware.memory is empty, which is not a size", "line 4"),
    _case("section-empty", extend("hardware:"), "hardware is empty, which is not a group of keys", "line 3"),
    _case("section-is-text", extend("hardware: big"), "hardware is 'big', which is not a group of keys"),
    _case("section-is-list", extend("platform: [proxmox]"), "platform is a list, which is not a group of keys"),
    _case("text-is-group", extend("description: {a: 1}"), "description is a group of keys, which is not a text"),
    _case("text-is-number", extend("description: 7"), "description is 7, which is not a text"),
    _case("list-is-text", with_machines("data: {services: postgresql}"), "which is not a list"),
    _case("list-is-empty", with_machines("data: {services: []}"), "which has too few items"),
    _case("choice-unknown", extend("platform: {kind: proxmocks}"), "not one of 'proxmox' or 'host'", "mean 'proxmox'"),
    _case("choice-kv", in_model("kv: q8"), "which is not one of 'f16', 'q8_0', 'q4_0' or 'fp8'"),
    _case("version-unknown", extend("version: 2"), "version is 2"),
    _case("port-too-large", extend("access: {chat_port: 70000}"), "which is too large", "write at most 65535"),
]

_KEYS = [
    _case("key-unknown", extend("hardwares: {}"), "hardwares is not a known key", "did you mean 'hardware'?"),
    _case("key-unknown-deep", extend("hardware:\n  gpus: {0: {vrma: 24GiB}}"), "gpus[0].vrma", "mean 'vram'"),
    _case("key-unknown-machine", with_machines("data: {memroy: 8GiB}"), "machines[1].memroy", "mean 'memory'"),
    _case("key-unknown-unlike", extend("zzz: 1"), "zzz is not a known key", "known keys here: version, name"),
    _case("key-hostile", extend("'{{ lookup(1) }}': 1"), "is not a known key"),
    _case("key-multiline", extend('"a\\nError: all is well": 1'), "a\\nError: all is well is not a known key"),
    _case("key-is-list", extend("? [a, b]\n: 1"), "a key is a list or a mapping", "line 3"),
    _case("key-merge", extend("<<: {name: other}"), "<< is not a known key"),
    _case("key-twice", extend("name: other"), "the key 'name' is written twice", "line 3", "the other is in line 2"),
    _case("sections-missing", "name: rig\n", "platform is missing", "machines is missing", count=4),
    _case("value-missing", replace("    cores: 16\n", ""), "hardware.cpu.cores is missing", "add `cores:` there"),
    _case("item-unknown", with_machines("enigne: {memory: 8GiB}"), "machines has no item 'enigne'", "mean 'engine'"),
    _case("item-index", extend("hardware: {gpus: {3: {count: 1}}}"), "hardware.gpus has no item '3'"),
    _case("extends-unknown", "extends: sme-2x4091\nname: rig\n", "no profile 'sme-2x4091'", "mean 'sme-2x4090'?"),
    _case("extends-path", "extends: ../../etc/passwd\nname: rig\n", "there is no profile", "known profiles: cpu-small"),
    _case("extends-list", "extends: [sme-2x4090]\nname: rig\n", "there is no profile"),
    _case("extends-nameless", "extends: sme-2x4090\n", "name is missing", "its own name"),
]

_AGAINST_EACH_OTHER = [
    _case("machine-twice", with_machines("data: {name: engine}"), "machines[1].name is 'engine', as machines[0].name"),
    _case("address-twice", with_machines("data: {address: 11}"), "machines[1].address is 11, as machines[0].address"),
    _case("address-of-gateway", with_machines("data: {address: 1}"), "which is too small", "write at least 2"),
    _case("address-of-broadcast", with_machines("data: {address: 255}"), "is 255, which is outside 10.42.0.0/24"),
    _case("address-outside", with_machines("data: {address: 300}"), "is 300, which is outside", "write 2 to 254"),
    _case("network-too-small", extend("network: {cidr: 10.42.0.0/30}"), "fits a stack", "outside", count=6),
    _case("network-host-bits", extend("network: {cidr: 10.42.0.5/24}"), "which is not an IPv4 network"),
    _case("network-public", extend("network: {cidr: 8.8.8.0/24}"), "which is not a private network"),
    _case("network-everything", extend("network: {cidr: 0.0.0.0/0}"), "which is not a private network"),
    _case("network-ipv6", extend("network: {cidr: 'fd00::/64'}"), "which is not an IPv4 network"),
    _case("network-is-number", extend("network: {cidr: 10}"), "network.cidr is 10, which is not a text"),
    _case(
        "service-twice", with_machines("data: {services: [postgresql, n8n]}"), "is 'n8n', as machines[1].services[1]"
    ),
    _case("class-twice", extend("workflows: {document_classes: [a, b, a]}"), "[2] is 'a', as", "name each class once"),
    _case("class-with-braces", extend("workflows: {document_classes: [a, 'b}c']}"), "not the name of a class"),
    _case("class-alone", extend("workflows: {document_classes: [a]}"), "has too few items", "write at least 2"),
    _case("card-twice", in_model("gpus: [0, 0]"), "gpus[1] is 0, as workload.models[0].gpus[0] is already"),
    _case("card-not-there", in_model("gpus: [0, 2]"), "gpus[1] is 2, and there is no such card", "write 0 to 1"),
    _case("ports-equal", extend("access: {chat_port: 8443}"), "access.flows_port is 8443, as access.chat_port"),
    _case("port-of-ssh", extend("access: {chat_port: 22}"), "is 22, which is the port of ssh"),
    _case(
        "three-at-once",
        extend("hardware: {memory: 24BG}\nmachines: {data: {address: 11}}\nacess: {}"),
        "which is not a size",
        "as machines[0].address is already",
        "did you mean 'access'?",
        count=3,
    ),
]

_HOSTILE = [
    _case("template-name", "extends: sme-2x4090\nname: '{{ 7*7 }}'\n", "which looks like a template"),
    _case("template-cpu", extend("hardware: {cpu: {model: \"{{ lookup('pipe', 'id') }}\"}}"), "like a template"),
    _case("template-statement", extend("description: '{% for x in y %}'"), "which looks like a template"),
    _case("shell-host", extend("platform: {host: 'pve;reboot'}"), "is 'pve;reboot', which is not a host"),
    _case("shell-option", extend("platform: {host: '-oProxyCommand=id'}"), "which is not a host or domain name"),
    _case("shell-user", extend("platform: {user: 'root$(id)'}"), "which is not a name"),
    _case("shell-cpu", extend("hardware: {cpu: {model: 'x $(id)'}}"), "which is not a product's name"),
    _case("shell-person", extend("accounts: {admin_name: '`id`'}"), "which is not a person's name"),
    _case("path-name", "extends: sme-2x4090\nname: ../../etc/cron.d/x\n", "which is not a name"),
    _case("path-machine", with_machines("data: {name: ../data}"), "which is not a name"),
    _case("path-client", extend("client: /etc"), "client is '/etc', which is not a name"),
    _case("path-model", in_model("model: ../../x"), "which is not a model's name"),
    _case("newline-name", 'extends: sme-2x4090\nname: "a\\nansible_host: evil"\n', "is 'a\\nansible_host: evil'"),
    _case("newline-domain", extend('network: {domain: "ai.internal\\n"}'), "which is not a host or domain name"),
    _case("newline-mail", extend('accounts: {admin_email: "a@b.example\\nBcc: x"}'), "which is not a mail address"),
    _case("confusable-gpu", extend("hardware: {gpus: {0: {model: rtx-4\u04100}}}"), "which is not a name"),
    _case("invisible-direction", extend("description: a\u202eb"), "invisible character U+202E", "line 3"),
    _case("invisible-zero-width", extend("description: a\u200bb"), "invisible character U+200B"),
    _case("invisible-escape", extend("description: a\x1b[2Jb"), "invisible character U+001B", "line 3"),
    _case("escaped-nul", extend('description: "a\\0b"'), "which holds the invisible character U+0000"),
    _case("escaped-surrogate", extend('description: "a\\ud800b"'), "which holds the invisible character U+D800"),
    _case("long-text", extend("description: " + "x" * 401), "which is too long", "at most 400"),
    _case("long-name", f"extends: sme-2x4090\nname: {'x' * 41}\n", "which is not a name"),
]

_BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(9)
)

_NOT_YAML = [
    _case("empty", "", "the file is empty"),
    _case("only-comments", "# nothing\n---\n", "the file is not a list of `key: value` lines"),
    _case("list-at-top", "- name: rig\n", "the file is not a list of `key: value` lines"),
    _case("text-at-top", "sme-2x4090\n", "the file is not a list of `key: value` lines"),
    _case("tag-python", extend("description: !!python/object/apply:os.system [id]"), "uses the tag", "line 3"),
    _case("tag-own", extend("description: !vault abc"), "uses the tag !vault"),
    _case("tag-binary", extend("description: !!binary aGk="), "uses the tag"),
    _case("anchor", extend("description: &a x"), "anchor or alias", "line 3"),
    _case("billion-laughs", _BOMB, "anchor or alias", "line 1"),
    _case("tab-indentation", extend("hardware:\n\tmemory: 24GiB"), "not valid YAML", "line 4"),
    _case("bracket-open", extend("machines: [a, b"), "not valid YAML"),
    _case("quote-open", extend("description: 'abc"), "not valid YAML"),
    _case("escape-beyond-unicode", extend('description: "\\U00110000"'), "not valid YAML"),
    _case("directive-absurd", "%YAML " + "9" * 5000 + ".1\n---\nname: rig\n", "not valid YAML"),
    _case("two-documents", extend("---\nname: other"), "not valid YAML", "another document"),
    _case("ten-megabytes", b"description: x\n" * 700_000, "larger than 1 MiB"),
    _case("one-byte-too-many", b"#" * (2**20 + 1), "larger than 1 MiB"),
    _case("deep-brackets", extend("description: " + "[" * 10_000), "nested deeper than 24 levels", "line 3"),
    _case("deep-dashes", extend("description:\n  " + "- " * 10_000), "nested deeper than 24 levels"),
    _case("deep-groups", "".join(" " * i + "a:\n" for i in range(1000)), "nested deeper than 24 levels", "line 24"),
    _case("many-values", extend("machines: [" + "a," * 30_000 + "]"), "holds more than 20000 values"),
    _case("binary", bytes(range(256)) * 4, "is not UTF-8 text"),
    _case("gzip", gzip.compress(COMPLETE.encode(), mtime=0), "is not UTF-8 text"),
    _case("utf-16", COMPLETE.encode("utf-16"), "is not UTF-8 text"),
    _case("latin-1", extend("accounts: {admin_name: Jørgen}").encode("latin-1"), "is not UTF-8 text", "line 3"),
    _case("web-page", "<!DOCTYPE html>\n<html><body class='x'>404: not found</body></html>\n", "not valid YAML"),
]

_IMPOSSIBLE = [
    _case("gpu-unknown", extend("hardware: {gpus: {0: {model: rtx-4099}}}"), "'rtx-4099'", exit_code=4),
    _case("model-unknown", in_model("model: llama9-900b"), "'llama9-900b' is not in the catalogue", exit_code=4),
    _case("model-too-large", in_model("model: llama3.1-405b"), "llama3.1-405b", exit_code=4),
    _case("quant-unknown", in_model("quant: q9_x"), "'q9_x'", exit_code=4),
    _case("context-too-long", in_model("context: 131328"), "131072", exit_code=4),
    _case("service-unknown", with_machines("data: {services: [postgresql, mysql]}"), "'mysql'", exit_code=4),
    _case(
        "service-nowhere",
        with_machines("data: {services: [caddy]}\n  gateway: {services: [n8n]}\n  apps: {services: [open_webui]}"),
        "'postgresql'",
        exit_code=4,
        count=2,
    ),
    _case("machine-too-large", with_machines("engine: {memory: 512GiB}"), "memory", exit_code=4),
    _case("machine-kind", with_machines("data: {kind: host}"), "'data'", exit_code=4),
    _case("machine-vm", with_machines("engine: {kind: vm}"), "'engine'", exit_code=4),
]

BAD_PROFILES: list[BadProfile] = [
    *_TYPES,
    *_KEYS,
    *_AGAINST_EACH_OTHER,
    *_HOSTILE,
    *_NOT_YAML,
    *_IMPOSSIBLE,
]
