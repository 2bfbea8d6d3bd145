"""The lines that `serve` prints when it is ready."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from evolink_spec import Spec

    from evolink_mock.server.listeners import Listeners
    from evolink_mock.settings import Settings


def announce(listeners: Listeners, settings: Settings, spec: Spec, operator_key: str) -> None:
    """Print the ready line, the commands with which a client reaches the mock, and the link to the console."""
    from evolink_mock.cli.documents import models_line
    from evolink_mock.server.listeners import network_urls, url_of

    url = url_of(listeners.http)
    shortest, longest = settings.speed.shortest, settings.speed.longest
    seconds = f"{shortest:g}" if shortest == longest else f"{shortest:g} to {longest:g}"
    click.echo(
        f"evolink-mock serves {models_line(spec)} at {click.style(url, bold=True)} (tasks take {seconds} s)"
    )
    click.echo()
    click.echo(f"  export EVOLINK_BASE_URL={url}")
    click.echo(f"  export EVOLINK_API_KEY={next(iter(sorted(settings.tokens)), 'any-token')}")
    click.echo('  curl "$EVOLINK_BASE_URL/v1/credits" -H "Authorization: Bearer $EVOLINK_API_KEY"')
    if settings.ui == "on" and settings.control == "on":
        key = "" if settings.ui_key else f"?key={operator_key}"
        click.echo(f"  console: {url}/__mock__/ui{key}")
    if network := network_urls(listeners.http):
        click.echo(f"  other machines reach it at {' and '.join(network)}")
    _announce_interception(listeners, settings)
    click.echo()
    click.echo("Ctrl-C stops it.")
    sys.stdout.flush()


def _announce_interception(listeners: Listeners, settings: Settings) -> None:
    """Print the control API's own address, if it has one, and how to redirect a client with a hard-coded address."""
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
