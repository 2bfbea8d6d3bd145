"""What `serve` prints when it is ready."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from evolink_spec import Spec

    from evolink_mock.server.listeners import Listeners
    from evolink_mock.settings import Settings


def announce(listeners: Listeners, settings: Settings, spec: Spec, operator_key: str) -> None:
    """Print the addresses of the mock, and an example request.

    With `--log-format json`, print one JSON object instead.
    """
    from evolink_mock.cli.documents import models_line

    if settings.log_format == "json":
        from evolink_mock.server.log_writer import event_line

        fields = ready_fields(listeners, settings, operator_key)
        message = f"evolink-mock serves {models_line(spec)} at {fields['url']}"
        click.echo(event_line("ready", message, as_json=True, **fields), nl=False)
    else:
        _announce_as_text(listeners, settings, models_line(spec), operator_key)
    sys.stdout.flush()


def ready_fields(listeners: Listeners, settings: Settings, operator_key: str) -> dict[str, Any]:
    """Return the members of the JSON object that `serve` prints.

    Members without a value are omitted, such as `proxy` without a proxy.
    """
    from evolink_mock.server.listeners import network_urls, url_of

    https = url_of(listeners.https, "https") if listeners.https is not None else None
    proxy = url_of(listeners.proxy) if listeners.proxy is not None else None
    fields = {
        "url": url_of(listeners.http),
        "network_urls": network_urls(listeners.http),
        "console": _console(url_of(listeners.http), settings, operator_key),
        "control": None if listeners.control is None else f"{url_of(listeners.control)}/__mock__/",
        "https": https,
        "proxy": proxy,
        "hosts": listeners.hosts if https else None,
        "certificate": str(listeners.authority.certificate) if https and listeners.authority else None,
    }
    return {name: value for name, value in fields.items() if value}


def _console(url: str, settings: Settings, operator_key: str) -> str:
    if settings.ui != "on" or settings.control != "on":
        return ""
    return f"{url}/__mock__/ui" + ("" if settings.ui_key else f"?key={operator_key}")


def _announce_as_text(listeners: Listeners, settings: Settings, models: str, operator_key: str) -> None:
    from evolink_mock.domain.accounts import example_key
    from evolink_mock.server.listeners import network_urls, url_of

    url = url_of(listeners.http)
    shortest, longest = settings.speed.shortest, settings.speed.longest
    seconds = f"{shortest:g}" if shortest == longest else f"{shortest:g} to {longest:g}"
    click.echo(f"evolink-mock serves {models} at {click.style(url, bold=True)} (tasks take {seconds} s)")
    click.echo()
    click.echo(f"  export EVOLINK_BASE_URL={url}")
    click.echo(f"  export EVOLINK_API_KEY={example_key(settings.tokens)}")
    click.echo('  curl "$EVOLINK_BASE_URL/v1/credits" -H "Authorization: Bearer $EVOLINK_API_KEY"')
    if console := _console(url, settings, operator_key):
        click.echo(f"  console: {console}")
    if network := network_urls(listeners.http):
        click.echo(f"  other machines reach it at {' and '.join(network)}")
    _announce_interception(listeners, settings)
    click.echo()
    click.echo("Ctrl-C stops it.")


def _announce_interception(listeners: Listeners, settings: Settings) -> None:
    from evolink_mock.server.listeners import url_of

    if listeners.control is not None:
        click.echo(f"  control API: {url_of(listeners.control)}/__mock__/")
    if listeners.https is None or listeners.authority is None:
        return
    click.echo()
    click.echo(f"  https: {url_of(listeners.https, 'https')}")
    if listeners.proxy is not None:
        hosts_played = ", ".join(listeners.hosts) or "no host"
        others = "refuses" if settings.offline else "forwards"
        click.echo(
            f"  export HTTPS_PROXY={url_of(listeners.proxy)}  # serves {hosts_played}, {others} the rest"
        )
    click.echo(f"  a client must trust {listeners.authority.certificate}")
