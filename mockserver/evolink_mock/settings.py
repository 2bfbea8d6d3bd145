"""The settings of a mock. The class `Settings` defines options, environment variables and TOML keys."""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003  (used in a declaration)
from typing import Annotated, Literal

from evolink_spec.document_path import parse_document_path
from evolink_spec.options.declaration import Option
from msgspec import Meta, Struct

from evolink_mock.domain.units import REALTIME, Rate, Speed, parse_rate, parse_speed
from evolink_mock.recipes.sources import SOURCES, parse_sources
from evolink_mock.setting_values import (
    parse_callback_host,
    parse_control,
    parse_cors,
    parse_credits,
    parse_host,
    parse_host_pattern,
    parse_keep,
    parse_public_url,
    parse_store,
    parse_token,
    parse_ui_key,
)

ENVIRONMENT = "EVOLINK_MOCK_"  # prefix of a variable, before the option's name in capitals
_PORT = Meta(ge=0, le=65535)
_ADDRESS, _TASKS, _ACCOUNTS, _OTHER = "Address", "Tasks", "Accounts", "Callbacks, documents, log"
_STATE, _HARD_CODED = "State", "Clients with a hard-coded address"


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of a mock. Sizes are in bytes. Amounts of credits use the unit of a task's `credits_reserved`."""

    host: Annotated[
        str,
        Option(
            help="Address to listen on. Other machines can reach the mock unless this is a loopback address.",
            section=_ADDRESS,
            metavar="HOST",
            parse=parse_host,
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        _PORT,
        Option(help="Port to listen on; 0 takes a free port.", section=_ADDRESS, short="-p", metavar="PORT"),
    ] = 8080
    public_url: Annotated[
        str | None,
        Option(
            help="Base URL of result links, for a mock behind a reverse proxy.",
            section=_ADDRESS,
            metavar="URL",
            parse=parse_public_url,
        ),
    ] = None
    trust_proxy: Annotated[
        bool,
        Option(
            help="Build result links from the headers of a reverse proxy: Forwarded, or X-Forwarded-Proto and -Host.",
            section=_ADDRESS,
            excludes="public_url",
        ),
    ] = False
    duration: Annotated[
        Speed,
        Option(
            help="How long a task takes: a time such as 5s, 500ms or 2m, or a range such as 3s..20s.",
            section=_TASKS,
            metavar="TIME",
            shown="5s",
            parse=parse_speed,
        ),
    ] = Speed(5.0, 5.0)
    realtime: Annotated[
        bool,
        Option(help="Tasks take 80 to 250 s, as in the real service.", section=_TASKS, excludes="duration"),
    ] = False
    seed: Annotated[
        int | None,
        Option(
            help="Equal seeds give equal ids, durations and start of the clock.", section=_TASKS, metavar="N"
        ),
    ] = None
    clock_scale: Annotated[
        float,
        Meta(ge=0.001, le=1_000_000),
        Option(
            help="Speed of the server's clock. With 60, a minute passes in each second.",
            section=_TASKS,
            metavar="N",
        ),
    ] = 1.0
    tokens: Annotated[
        frozenset[str],
        Option(
            help="Accept only this API key. Repeatable; by default every key is accepted.",
            section=_ACCOUNTS,
            name="--token",
            metavar="TOKEN",
            parse=parse_token,
        ),
    ] = frozenset()
    credits: Annotated[
        float,
        Option(
            help="Credits that every account starts with.",
            section=_ACCOUNTS,
            metavar="N",
            parse=parse_credits,
        ),
    ] = 1_000_000_000
    rate: Annotated[
        Rate | None,
        Option(
            help="Account rate limit, e.g. 30/minute.", section=_ACCOUNTS, metavar="RATE", parse=parse_rate
        ),
    ] = None
    denied_models: Annotated[
        frozenset[str],
        Option(
            help="Refuse this model with 403. Repeatable.",
            section=_ACCOUNTS,
            name="--deny-model",
            metavar="MODEL",
        ),
    ] = frozenset()
    allow_callbacks_to: Annotated[
        tuple[str, ...],
        Option(
            help="Allow callbacks to this internal host, also over plain http. Repeatable.",
            section=_OTHER,
            metavar="HOST[:PORT]",
            parse=parse_callback_host,
        ),
    ] = ()
    spec: Annotated[
        tuple[Path, ...],
        Option(
            help="Also serve this OpenAPI 3.1 document (YAML, JSON, or a saved documentation page), or all documents "
            "in this folder or matching this pattern; or apply this overlay. Repeatable.",
            section=_OTHER,
            metavar="PATH",
            parse=parse_document_path,
        ),
    ] = ()
    only_spec: Annotated[
        tuple[Path, ...],
        Option(
            help="Like --spec, but without the built-in document. Repeatable.",
            section=_OTHER,
            metavar="PATH",
            parse=parse_document_path,
        ),
    ] = ()
    any_model: Annotated[
        bool,
        Option(
            help="Serve models that no document describes, with the document that fits best, and log a warning.",
            section=_OTHER,
        ),
    ] = False
    recipe: Annotated[
        str | None,
        Option(help="Recipe of every request that has no other recipe.", section=_TASKS, metavar="RECIPE"),
    ] = None
    recipes: Annotated[
        str,
        Option(
            help="Sources of recipes: off, or a list of header, prompt, assigned and token.",
            section=_OTHER,
            metavar="SOURCES",
            parse=parse_sources,
        ),
    ] = ",".join(SOURCES)
    no_fast_lane: Annotated[
        bool, Option(help="Serve every request through uvicorn, which is slower.", section=_OTHER)
    ] = False
    store: Annotated[
        str,
        Option(
            help="Where the state is kept: memory, sqlite:FILE, or the URL of a Redis or Valkey server.",
            section=_STATE,
            metavar="WHERE",
            parse=parse_store,
        ),
    ] = "memory"
    keep: Annotated[
        float | None,
        Option(
            help="Drop accounts unused for TIME, e.g. 30d.", section=_STATE, metavar="TIME", parse=parse_keep
        ),
    ] = None
    log_format: Annotated[
        Literal["text", "json"],
        Option(help="Log text lines, or one JSON object per line.", section=_OTHER, metavar="text|json"),
    ] = "text"
    metrics: Annotated[
        bool, Option(help="Serve metrics for Prometheus at /__mock__/metrics.", section=_OTHER)
    ] = False
    media_dir: Annotated[
        Path | None,
        Option(
            help="Folder for rendered results; by default a temporary folder that is removed at the end.",
            section=_OTHER,
            metavar="DIR",
        ),
    ] = None
    max_body: Annotated[
        int, Meta(ge=1), Option(help="Refuse larger request bodies.", section=_OTHER, metavar="BYTES")
    ] = 10 * 1024 * 1024
    control: Annotated[
        str,
        Option(
            help="The control API under /__mock__/: on, off, or HOST:PORT to serve it at another address.",
            section=_OTHER,
            metavar="WHERE",
            parse=parse_control,
        ),
    ] = "on"
    cors: Annotated[
        tuple[str, ...],
        Option(
            help="Let web pages of this origin call the API, in addition to pages of loopback addresses. * allows all "
            "pages, off none. Repeatable.",
            section=_OTHER,
            metavar="ORIGIN",
            parse=parse_cors,
        ),
    ] = ()
    allow_hosts: Annotated[
        frozenset[str],
        Option(
            help="Allow requests to the control API with this host name, such as the name of a container. * matches "
            "any text. Repeatable.",
            section=_OTHER,
            name="--allow-host",
            metavar="NAME",
            parse=parse_host_pattern,
        ),
    ] = frozenset()
    ui: Annotated[
        Literal["on", "off"],
        Option(help="The console: web pages under /__mock__/ui.", section=_OTHER, metavar="on|off"),
    ] = "on"
    ui_key: Annotated[
        str | None,
        Option(
            help="Key of the console. With a key that you choose, other machines can use the console, too. By "
            "default, the mock chooses a new key at each start.",
            section=_OTHER,
            metavar="KEY",
            parse=parse_ui_key,
        ),
    ] = None
    https_port: Annotated[
        int | None,
        _PORT,
        Option(
            help="Also serve https on this port, for localhost and the API's host names; 0 selects a free port.",
            section=_HARD_CODED,
            metavar="PORT",
        ),
    ] = None
    proxy_port: Annotated[
        int | None,
        _PORT,
        Option(
            help="Port of a proxy, for HTTPS_PROXY. The mock serves requests to the API's host names and forwards "
            "all others.",
            section=_HARD_CODED,
            metavar="PORT",
        ),
    ] = None
    offline: Annotated[
        bool,
        Option(help="Let the proxy refuse requests to hosts other than the API's.", section=_HARD_CODED),
    ] = False
    ca_dir: Annotated[
        Path | None,
        Option(
            help="Folder of the certificate authority; by default in the user's data folder.",
            section=_HARD_CODED,
            metavar="DIR",
        ),
    ] = None

    @property
    def speed(self) -> Speed:
        """The range from which the durations of tasks are chosen."""
        return REALTIME if self.realtime else self.duration


def environment() -> dict[str, str]:
    """Return a copy of the environment variables of this process."""
    return dict(os.environ)
