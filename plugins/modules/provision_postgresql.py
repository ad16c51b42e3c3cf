#!/usr/bin/python
"""Bring PostgreSQL's login roles and databases into the wanted state in one round trip.

A password is compared with the stored SCRAM verifier, so an unchanged one is not set again; a new one goes to the
server as a verifier, through psql's standard input. So no password is ever in argv, in the server's log or in SQL.
It runs on the target's own Python (3.11 on Debian 12), so it uses nothing but the standard library.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
from typing import Any

from ansible.module_utils.provision_quiet import QuietModule

DOCUMENTATION = r"""
module: provision_postgresql
short_description: Login roles and databases of a local PostgreSQL server
options:
  port: {description: The server's port; asked over its unix socket as user postgres., type: int, default: 5432}
  major: {description: Major version that the running server must have., type: int}
  databases:
    description:
      - C(name), C(owner) and C(password) each. Owners are made as plain login roles, and nobody else may connect.
      - Nothing is ever dropped.
    type: list
    elements: dict
    default: []
author: provision
"""

EXAMPLES = r"""
- name: Databases
  provision_postgresql:
    databases:
      - {name: n8n, owner: n8n, password: "{{ n8n_database_password }}"}
"""

RETURN = r"""
actions: {description: What was (in check mode would be) done., returned: always, type: list}
version: {description: C(server_version_num) of the running server., returned: always, type: int}
"""

SPEC: dict[str, Any] = {
    "port": {"type": "int", "default": 5432},
    "major": {"type": "int"},
    "databases": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "owner": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
        },
    },
}
ITERATIONS = 4096  # PostgreSQL 15's own number; the password is random, so more would only slow each login
STATE_QUERY = """
select json_build_object(
  'version', current_setting('server_version_num')::int,
  'verifiers', (select coalesce(json_object_agg(rolname, coalesce(rolpassword, '')), '{}') from pg_authid
                where rolcanlogin),
  'too_mighty', (select coalesce(json_agg(rolname), '[]') from pg_roles
                 where rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls),
  'owners', (select json_object_agg(datname, pg_get_userbyid(datdba)) from pg_database),
  'open', (select coalesce(json_agg(datname), '[]') from pg_database
           where has_database_privilege('public', oid, 'CONNECT')));
"""


class Refused(Exception):
    """The server could not be asked or refused a statement."""


def run_sql(port: int, script: str) -> str:
    """Run a script through psql's standard input, stopping at the first error. Raises Refused without the SQL."""
    words = ["runuser", "-u", "postgres", "--", "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]
    words += ["--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", f"--port={port}", "--dbname=postgres"]
    result = subprocess.run(words, input=script, capture_output=True, text=True, check=False, cwd="/")
    if result.returncode:
        raise Refused(f"psql (exit {result.returncode}): {result.stderr.strip()}")
    return result.stdout


def make_verifier(password: str, salt: bytes, iterations: int = ITERATIONS) -> str:
    """The verifier of RFC 5802 in the form that PostgreSQL stores.

    Raises Refused for characters outside ASCII, which would need SASLprep.
    """
    if not password.isascii() or not password.isprintable():
        raise Refused("a database password may only have printable ASCII characters")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored = base64.b64encode(hashlib.sha256(client_key).digest()).decode()
    server = base64.b64encode(hmac.digest(salted, b"Server Key", "sha256")).decode()
    return f"SCRAM-SHA-256${iterations}:{base64.b64encode(salt).decode()}${stored}:{server}"


def verifies(password: str, verifier: str) -> bool:
    """Whether the stored verifier belongs to the password."""
    try:
        method, parameters, _keys = verifier.split("$")
        iterations, salt = parameters.split(":")
        wanted = make_verifier(password, base64.b64decode(salt), int(iterations))
    except ValueError:
        return False
    return method == "SCRAM-SHA-256" and hmac.compare_digest(wanted, verifier)


def refuse_other_version(wanted: int | None, number: int) -> None:
    """Raises Refused when `server_version_num` belongs to another major version."""
    if wanted is not None and number // 10000 != wanted:
        raise Refused(f"PostgreSQL {number // 10000} answers, planned is {wanted}")


def quote_name(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def choose_statements(databases: list[dict[str, str]], state: dict[str, Any]) -> list[tuple[str, str]]:
    """Pure but for the salt: what to say of each statement, and the statement."""
    chosen: dict[str, str] = {}
    for wanted in databases:
        name, owner = quote_name(wanted["name"]), quote_name(wanted["owner"])
        if wanted["owner"] not in state["verifiers"]:
            chosen[f"create role {wanted['owner']}"] = (
                f"create role {owner} login password '{make_verifier(wanted['password'], os.urandom(16))}';"
            )
        elif not verifies(wanted["password"], state["verifiers"][wanted["owner"]]):
            chosen[f"set password of {wanted['owner']}"] = (
                f"alter role {owner} password '{make_verifier(wanted['password'], os.urandom(16))}';"
            )
        if wanted["owner"] in state["too_mighty"]:
            chosen[f"take rights from {wanted['owner']}"] = (
                f"alter role {owner} nosuperuser nocreaterole nocreatedb noreplication nobypassrls;"
            )
        if wanted["name"] not in state["owners"]:
            chosen[f"create database {wanted['name']}"] = f"create database {name} owner {owner};"
        elif state["owners"][wanted["name"]] != wanted["owner"]:
            chosen[f"give {wanted['name']} to {wanted['owner']}"] = f"alter database {name} owner to {owner};"
        if wanted["name"] not in state["owners"] or wanted["name"] in state["open"]:
            chosen[f"close {wanted['name']}"] = f"revoke connect, temporary on database {name} from public;"
    return list(chosen.items())


def main() -> None:
    """Ansible's entry point."""
    module = QuietModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        state = json.loads(run_sql(module.params["port"], STATE_QUERY))
        refuse_other_version(module.params["major"], state["version"])
        statements = choose_statements(module.params["databases"], state)
        if statements and not module.check_mode:
            run_sql(module.params["port"], "\n".join(statement for _, statement in statements))
    except Refused as error:
        module.fail_json(msg=str(error))
    actions = [description for description, _ in statements]
    module.exit_json(changed=bool(actions), actions=actions, version=state["version"])


if __name__ == "__main__":
    main()
