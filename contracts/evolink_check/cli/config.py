"""What a user chose: a TOML file that describes the server, the command line, and the environment, as records.

The only module of this package that reads the environment. The command line wins, then the file, then
EVOLINK_API_KEY and EVOLINK_OTHER_API_KEY. Keys stand in the environment, so that a file can be committed.
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

from evolink_check.cli.config_file import File, read
from evolink_check.settings import Effort, Failing, Key, Subject
from evolink_check.toml_tables import did_you_mean
from evolink_check.traffic.trace import MAIN, OTHER, Account

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from evolink_check.cli.config_file import EffortTable, Profile

TOKEN, OTHER_TOKEN = "EVOLINK_API_KEY", "EVOLINK_OTHER_API_KEY"
_ODD = re.compile(r"[\s?#@]")  # what a base URL has no place for
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says; None or empty: nothing."""

    url: str = ""
    token: str = ""
    other_token: str = ""
    any_key: bool = False
    scale: float | None = None
    ca: Path | None = None
    callback_url: str = ""
    callback_listen: str = ""
    profile: Profile | None = None
    max_credits: float | None = None
    rate: float | None = None
    jobs: int | None = None
    time_limit: float | None = None
    task_limit: float | None = None
    seed: int | None = None
    clauses: frozenset[str] = frozenset()
    memory: Path | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What to check and how hard. `notes`: what the file names and the environment does not have."""

    subject: Subject
    effort: Effort
    notes: tuple[str, ...] = ()


def environment() -> dict[str, str]:
    """The variables that this process was started with, as a copy."""
    return dict(os.environ)


def choose(
    given: Given,
    path: Path | None,
    profiles: Mapping[str, Effort],
    known: Collection[str],
    variables: Mapping[str, str],
) -> Chosen:
    """Put together what was chosen. `known` are the ids of all clauses. ValueError says what cannot be."""
    file = File() if path is None else read(path, known)
    check_ids(given.clauses, known)
    if given.memory is not None and given.memory.exists() and not given.memory.is_dir():
        raise ValueError(f"--memory: {given.memory} is no folder")
    keys, notes = _keys(given, file, variables)
    if not (given.url or file.target.url):
        raise ValueError("no URL: whom to check is the argument, or `[target] url` in the file of --config")
    return Chosen(_subject(given, file, path, keys), _effort(given, file.effort, profiles), notes)


def _keys(given: Given, file: File, variables: Mapping[str, str]) -> tuple[dict[str, Key], tuple[str, ...]]:
    """The keys by label. One whose variable is not set is left out with a note, except the main one."""
    target, any_key = file.target, given.any_key or file.target.any_key
    main = given.token or _secret(target.token, target.token_env, "[target] token", variables)
    main = main or variables.get(TOKEN, "") or (_made_up() if any_key else "")
    if not main:
        named = f" ({target.token_env} is not set)" if target.token_env else ""
        raise ValueError(f"no key: set {TOKEN}{named}, or say --any-key where any key will do")
    other = given.other_token or _secret(
        target.other_token, target.other_token_env, "[target] other_token", variables
    )
    other = other or variables.get(OTHER_TOKEN, "") or (_made_up() if any_key else "")
    if other == main:
        raise ValueError("the other key is the same as the key: it has to be of another account")
    found = {MAIN: Key(Account(MAIN, valid=True, credits=target.credits, access=target.access), main)}
    if other:
        found[OTHER] = Key(Account(OTHER, valid=True), other)
    notes = []
    for one in file.keys:
        if one.label in found or one.label in {"wrong", "nobody"}:
            raise ValueError(f"[[keys]] label {one.label!r} stands twice, or is one of our own")
        token = _secret(one.token, one.token_env, f"[[keys]] {one.label}", variables)
        if token:
            account = Account(one.label, valid=one.valid, credits=one.credits, access=one.access)
            found[one.label] = Key(account, token, one.limited)
        else:
            notes.append(f"key {one.label}: {one.token_env or 'its token'} is not set, so it is not used")
    for label, key in found.items():
        _check_key(label, key.token)
    return found, tuple(notes)


def _secret(token: str, variable: str, where: str, variables: Mapping[str, str]) -> str:
    if token and variable:
        raise ValueError(f"{where}: given both as it is and by a variable")
    return token or variables.get(variable, "")


def _check_key(label: str, key: str) -> None:
    """ValueError for one that no header takes, without showing it: from a file, say, with the end of its line."""
    if not (key.isascii() and key.isprintable() and key == key.strip()):
        raise ValueError(f"key {label}: holds a space at its end, or a character that no header takes")


def _made_up() -> str:
    """A key for a server that takes any: nobody else has it, so nobody else's tasks are met."""
    return f"evolink-check-{secrets.token_hex(8)}"


def _subject(given: Given, file: File, path: Path | None, keys: Mapping[str, Key]) -> Subject:
    target, callbacks = file.target, file.callbacks
    listen = given.callback_listen or (callbacks.listen if callbacks else "")
    callback_url = given.callback_url or (callbacks.url if callbacks else "")
    if bool(listen) != bool(callback_url):
        raise ValueError(
            "--callback-url and --callback-listen go together: the public URL, and what is behind"
        )
    ca = given.ca or (path.parent / target.ca if path and target.ca else None)
    check_ca(ca)
    usual = Subject("", keys)
    return Subject(
        url=parse_url(given.url or target.url),
        keys=keys,
        any_key=given.any_key or target.any_key,
        scale=given.scale or target.scale,
        failing=tuple(Failing(one.code, one.fields) for one in file.failing),
        callback_url=parse_url(callback_url) if callback_url else "",
        callback_listen=parse_listen(listen) if listen else None,
        advance_url=parse_url(file.clock.advance_url) if file.clock else "",
        prompt=target.prompt or usual.prompt,
        image_url=target.image_url or usual.image_url,
        cannot=frozenset(file.cannot),
        ca=str(ca or ""),
    )


def _effort(given: Given, table: EffortTable, profiles: Mapping[str, Effort]) -> Effort:
    """The profile, with what was said apart from it."""
    usual = profiles[given.profile or table.profile or "quick"]

    def said(name: str, otherwise: Any) -> Any:
        ours, theirs = getattr(given, name), getattr(table, name)
        found = ours if ours is not None else theirs if theirs is not None else otherwise
        if isinstance(found, float) and not math.isfinite(found):
            raise ValueError(f"--{name.replace('_', '-')}: {found} is no limit")
        return found

    return replace(
        usual,
        seconds=said("time_limit", usual.seconds),
        task_seconds=said("task_limit", usual.task_seconds),
        jobs=said("jobs", usual.jobs),
        rate=said("rate", usual.rate),
        max_credits=said("max_credits", usual.max_credits),
        seed=said("seed", usual.seed),
        clauses=given.clauses,
        memory=given.memory,
    )


def check_ids(clauses: frozenset[str], known: Collection[str]) -> None:
    """ValueError for an id that no clause has, with the nearest that one has."""
    for clause in sorted(clauses - set(known)):
        raise ValueError(f"--clause: there is no clause {clause!r}{did_you_mean(clause, known)}")


def check_ca(path: Path | None) -> None:
    """ValueError for a file of certificates that is none."""
    if path is None:
        return
    if not path.is_file():
        raise ValueError(f"--ca: there is no file {path}")
    try:
        ssl.create_default_context(cafile=path)
    except OSError as problem:  # those of ssl are such
        raise ValueError(f"--ca: {path}: no certificate can be read from it") from problem


def parse_url(text: str) -> str:
    """A base URL without a slash at its end; ValueError for one that is none."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or _ODD.search(text):
        raise ValueError(f"{text!r} is no base URL: write https://HOST[:PORT][/PATH]")
    return text.rstrip("/")


def parse_listen(text: str) -> tuple[str, int]:
    """HOST:PORT, an IPv6 host in brackets; ValueError otherwise."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        raise ValueError(f"{text!r} is no place to listen: write HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)
