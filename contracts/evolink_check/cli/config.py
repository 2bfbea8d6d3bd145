"""Combine the configuration of a check from three sources.

The command line takes precedence over the TOML file about the server. The file takes precedence over EVOLINK_API_KEY
and EVOLINK_OTHER_API_KEY. In place of API keys, the file can name environment variables.

In this package, the environment is read here alone.
"""

from __future__ import annotations

import math
import os
import re
import secrets
import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evolink_spec.options.suggestions import did_you_mean

from evolink_check.cli.config_file import ConfigFile, read
from evolink_check.settings import Effort, Failing, Key, Subject
from evolink_check.traffic.trace import MAIN, OTHER, Account

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from evolink_check.cli.options import EffortOptions, ServerOptions

TOKEN, OTHER_TOKEN = "EVOLINK_API_KEY", "EVOLINK_OTHER_API_KEY"
_NOT_IN_BASE_URL = re.compile(r"[\s?#@]")  # characters that a base URL must not contain
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Configuration:
    """The server to check, and the thoroughness of the tests."""

    subject: Subject
    effort: Effort
    notes: tuple[str, ...] = ()  # on environment variables that the file names and that are not set
    lowered: frozenset[str] = frozenset()  # the clauses with violations that are warnings at most


def environment() -> dict[str, str]:
    """Return a copy of the environment variables."""
    return dict(os.environ)


def choose(
    options: ServerOptions,
    effort: EffortOptions,
    profiles: Mapping[str, Effort],
    clause_ids: Collection[str],
    variables: Mapping[str, str],
) -> Configuration:
    """Combine the command line, the TOML file and the environment. `clause_ids` are the ids of all clauses.

    Raises ValueError if a value is invalid. Raises ValueError if the URL or the API key is missing.
    """
    path = options.config
    file = ConfigFile() if path is None else read(path, clause_ids)
    check_ids(options.clauses, clause_ids)
    memory = None if options.no_memory else options.memory
    if memory is not None and memory.exists() and not memory.is_dir():
        raise ValueError(f"--memory: {memory} is not a folder")
    keys, notes = _keys(options, file, variables)
    if not (options.url or file.target.url):
        raise ValueError("no URL: pass it as the argument, or set `[target] url` in the file of --config")
    chosen = replace(_effort(effort, file.effort, profiles), clauses=options.clauses, memory=memory)
    limit = effort.task_limit or file.effort.task_limit or file.target.task_limit or 0.0
    chosen = replace(chosen, task_seconds=limit) if limit > chosen.task_seconds else chosen
    subject = replace(_subject(options, file, keys), task_limit=limit)
    return Configuration(subject, chosen, notes, frozenset(file.warn))


def _keys(
    options: ServerOptions, file: ConfigFile, variables: Mapping[str, str]
) -> tuple[dict[str, Key], tuple[str, ...]]:
    target, any_key = file.target, options.any_key or file.target.any_key
    main = options.token or _secret(target.token, target.token_env, "[target] token", variables)
    main = main or variables.get(TOKEN, "") or (_random_key() if any_key else "")
    if not main:
        unset = f" ({target.token_env} is not set)" if target.token_env else ""
        raise ValueError(f"no key: set {TOKEN}{unset}, or use --any-key if the server accepts any key")
    other = options.other_token or _secret(
        target.other_token, target.other_token_env, "[target] other_token", variables
    )
    other = other or variables.get(OTHER_TOKEN, "") or (_random_key() if any_key else "")
    if other == main:
        raise ValueError("the other key is the same as the main key: it must belong to another account")
    keys = {MAIN: Key(Account(MAIN, valid=True, credits=target.credits, access=target.access), main)}
    if other:
        keys[OTHER] = Key(Account(OTHER, valid=True), other)
    notes = []
    for entry in file.keys:
        if entry.label in keys or entry.label in {"wrong", "nobody"}:
            raise ValueError(f"[[keys]] label {entry.label!r} is used twice, or reserved")
        token = _secret(entry.token, entry.token_env, f"[[keys]] {entry.label}", variables)
        if token:
            account = Account(entry.label, valid=entry.valid, credits=entry.credits, access=entry.access)
            keys[entry.label] = Key(account, token, entry.limited)
        else:
            notes.append(f"key {entry.label}: {entry.token_env or 'its token'} is not set, so it is not used")
    for label, key in keys.items():
        _check_key(label, key.token)
    return keys, tuple(notes)


def _secret(token: str, variable: str, where: str, variables: Mapping[str, str]) -> str:
    if token and variable:
        raise ValueError(f"{where}: set both directly and by a variable")
    return token or variables.get(variable, "")


def _check_key(label: str, key: str) -> None:
    if not (key.isascii() and key.isprintable() and key == key.strip()):
        # The error must not contain the key.
        raise ValueError(f"key {label}: ends with white space, or has a character that no header can contain")


def _random_key() -> str:
    # The account of a random key has no tasks yet.
    return f"evolink-check-{secrets.token_hex(8)}"


def _subject(options: ServerOptions, file: ConfigFile, keys: Mapping[str, Key]) -> Subject:
    target, callbacks, path = file.target, file.callbacks, options.config
    listen = options.callback_listen or (callbacks.listen if callbacks else "")
    callback_url = options.callback_url or (callbacks.url if callbacks else "")
    if bool(listen) != bool(callback_url):
        raise ValueError(
            "--callback-url and --callback-listen go together: the public URL, and the address to which it"
            " forwards"
        )
    ca = options.ca or (path.parent / target.ca if path and target.ca else None)
    check_ca(ca)
    defaults = Subject("", keys)
    return Subject(
        url=parse_url(options.url or target.url),
        keys=keys,
        any_key=options.any_key or target.any_key,
        scale=options.scale or target.scale,
        failing=tuple(Failing(entry.code, entry.fields) for entry in file.failing),
        callback_url=parse_url(callback_url) if callback_url else "",
        callback_listen=parse_listen(listen) if listen else None,
        advance_url=parse_url(file.clock.advance_url) if file.clock else "",
        prompt=target.prompt or defaults.prompt,
        image_url=target.image_url or defaults.image_url,
        cannot=frozenset(file.cannot),
        ca=str(ca or ""),
        callback_trust=callbacks.trust if callbacks else False,
    )


def _effort(options: EffortOptions, table: EffortOptions, profiles: Mapping[str, Effort]) -> Effort:
    profile = profiles[options.profile or table.profile or "quick"]
    settings = {"seconds": "time_limit", "task_seconds": "task_limit"}
    settings |= {name: name for name in ("jobs", "rate", "max_credits", "seed")}
    changes: dict[str, Any] = {}
    for field, name in settings.items():
        # The command line takes precedence over the file, and the file over the profile.
        value = getattr(options, name) if getattr(options, name) is not None else getattr(table, name)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"[effort] {name}: invalid limit: {value}")
        if value is not None:
            changes[field] = value
    return replace(profile, **changes)


def check_ids(chosen: frozenset[str], clause_ids: Collection[str], option: str = "--clause") -> None:
    """Raise ValueError if an option contains an unknown clause id. The error suggests a similar id."""
    for clause in sorted(chosen - set(clause_ids)):
        raise ValueError(f"{option}: there is no clause {clause!r}{did_you_mean(clause, clause_ids)}")


def check_ca(path: Path | None) -> None:
    """Raise ValueError if the CA file at `path` is missing or contains no certificate.

    If `path` is None, nothing is checked.
    """
    if path is None:
        return
    if not path.is_file():
        raise ValueError(f"--ca: there is no file {path}")
    try:
        ssl.create_default_context(cafile=path)
    except OSError as problem:  # ssl.SSLError is an OSError
        raise ValueError(f"--ca: {path}: contains no certificate") from problem


def parse_url(text: str) -> str:
    """Return a base URL without a slash at the end. Raises ValueError if the URL is invalid."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or _NOT_IN_BASE_URL.search(text):
        shown = (
            f"[removed]{text[text.rindex('@') :]}" if "@" in text else text
        )  # because the user in the URL may have a password
        raise ValueError(f"invalid base URL {shown!r}: write https://HOST[:PORT][/PATH]")
    return text.rstrip("/")


def parse_base_url(text: str) -> str:
    """Return the base URL of an API, without a `/v1` at the end.

    Raises ValueError if the URL is invalid.
    """
    # All documented paths begin with `/v1`.
    return parse_url(text).removesuffix("/v1").rstrip("/")


def parse_listen(text: str) -> tuple[str, int]:
    """Return the host and the port of `HOST:PORT`. An IPv6 host has brackets in `text`, but not in the result.

    Raises ValueError if the text is invalid.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        raise ValueError(f"invalid address {text!r}: write HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)
