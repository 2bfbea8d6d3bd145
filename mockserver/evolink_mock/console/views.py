"""The data that the pages show about the server, the accounts and one exchange."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

from evolink_spec.pointers import follow

from evolink_mock.console.explanations import clause_of, nearest_of
from evolink_mock.console.operations import operation_rows
from evolink_mock.control import journal_json
from evolink_mock.control.accounts import account_state
from evolink_mock.recipes import assignments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.service.service import Service

MOST = 50  # maximum number of accounts or tasks on a page, which shows the latest
_CURL_LENGTH = 4000  # maximum number of characters of a body in a curl command
_HOP_BY_HOP = {"host", "content-length", "connection", "accept-encoding", "transfer-encoding"}


async def overview(service: Service, base_url: str, key: str) -> dict[str, Any]:
    """Return the data of the start page.

    `key` is the API key in the example.
    """
    return {
        "base_url": base_url,
        "key": key,
        "operations": operation_rows(service.spec),
        "example": _example_request(service),
        "is_ready": service.ready,
        "problem": service.media_cache.problem(),
        "facts": _facts(service),
    }


def _facts(service: Service) -> list[tuple[str, str]]:
    from importlib.metadata import version  # late, because it needs a MiB

    settings = service.settings
    sources = "off" if settings.recipes == "off" else f"from {settings.recipes.replace(',', ', ')}"
    default = f"; by default {settings.recipe}" if settings.recipe else ""
    # The start page is public, so the facts contain no paths of files and no accounts.
    return [
        ("State", service.store.problem or f"kept in {settings.store.partition(':')[0]}"),
        ("Documents", ", ".join(name.rpartition("/")[2] for name in service.spec.documents)),
        ("Recipes", f"{sources}{default}"),
        ("Version", version("evolink-mock")),
    ]


def _example_request(service: Service) -> dict[str, Any]:
    (_, path), by_model = next(iter(service.spec.creates.items()))
    model, operation = next(iter(by_model.items()))
    root = operation.body_schema
    schema = _resolved(root, root)
    properties, required = schema.get("properties", {}), schema.get("required", ())
    body = {name: _example_value(_resolved(properties.get(name, {}), root)) for name in required}
    return {"path": path, "body": body | ({"model": model} if model else {})}


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = follow(root, schema["$ref"].removeprefix("#"), "the document")
    return schema


def _example_value(schema: Mapping[str, Any]) -> Any:
    for keyword in ("example", "default"):
        if keyword in schema:
            return schema[keyword]
    values = schema.get("examples") or schema.get("enum")
    if values:
        return values[0]
    return ["https://example.com/image.jpg"] if schema.get("type") == "array" else "The person starts dancing"


async def account_list(service: Service) -> list[Account]:
    """Return the accounts that were created last, at most `MOST`, the newest first."""
    return list(reversed([*await service.store.accounts()][-MOST:]))


async def account_of(service: Service, label: str) -> Account | None:
    """Return the account with this label; None if there is none.

    A label is a short name that does not reveal the token.
    """
    return next((item for item in await service.store.accounts() if item.label == label), None)


async def account_cards(service: Service) -> list[dict[str, Any]]:
    """Return the state and the assigned recipes of the newest accounts, at most `MOST`."""
    return [
        {**account_state(service, account), "recipes": assignments.list_assigned(account)}
        for account in await account_list(service)
    ]


def exchange_details(number: int, exchange: Exchange) -> dict[str, Any]:
    """Return an exchange without credentials, and a curl command that repeats it."""
    from evolink_spec.clauses import load_clauses  # late, because it imports PyYAML, which needs 3 MiB

    redactor = journal_json.redactor_of((exchange,))
    entry = journal_json.entry(exchange, redactor)
    found = clause_of(exchange)
    return {
        **entry,
        "number": number,
        "account": exchange.account,
        "clause": next((clause for clause in load_clauses() if clause.id == found), None) if found else None,
        "nearest": redactor.text(nearest_of(exchange)),
        "curl": curl(exchange, entry),
    }


def curl(exchange: Exchange, entry: Mapping[str, Any]) -> str:
    """Return a curl command that repeats a request. The command reads the API key from a shell variable."""
    headers: Sequence[tuple[str, str]] = entry["request"]["headers"]
    host = next((value for name, value in headers if name.lower() == "host"), "127.0.0.1:8080")
    # With `-X HEAD`, curl would wait for the body that Content-Length announces.
    is_head = exchange.method == "HEAD"
    method = "--head" if is_head else f"-X {quote(exchange.method)}"
    lines = [f"curl {method} {_quoted(f'{exchange.scheme}://{host}' + entry['path'])}"]
    for name, value in headers:
        if name.lower() == "authorization":
            lines.append('-H "Authorization: Bearer $EVOLINK_API_KEY"')
        elif name.lower() not in _HOP_BY_HOP:
            lines.append(f"-H {_quoted(f'{name}: {value}')}")
    if (body := entry["request"]["body"]) and not is_head:
        lines.append(f"--data-binary {_quoted(body[:_CURL_LENGTH])}")
    return " \\\n  ".join(lines)


def _quoted(text: str) -> str:
    escaped = text.replace("'", "'\\''")
    return f"'{escaped}'"
