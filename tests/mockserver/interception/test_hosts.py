"""The API's host names: which they are, and how they lead here."""

from __future__ import annotations

import errno
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from evolink_mock.cli.app import app
from evolink_mock.interception import namespace
from evolink_mock.interception.hosts import hosts_file_lines, hosts_of, instructions
from evolink_mock.interception.namespace import NamespaceError, enter_namespace
from evolink_spec import Spec, load
from hypothesis import given
from hypothesis import strategies as st
from support.paths import OPENAPI

SPEC = load()


def documented(*documents: dict[str, Any]) -> Spec:
    """A contract with these documents and the operations of the real one."""
    return Spec(
        creates=SPEC.creates,
        query=SPEC.query,
        failures=SPEC.failures,
        documents={str(number): document for number, document in enumerate(documents)},
    )


def server(url: str, **variables: str) -> dict[str, Any]:
    return {"url": url, "variables": {name: {"default": value} for name, value in variables.items()}}


def test_the_api_of_the_built_in_documents_has_three_hosts() -> None:
    assert hosts_of(SPEC) == ("api.evolink.ai", "direct.evolink.ai", "files-api.evolink.ai")


def test_servers_of_every_document_path_and_operation_count_once() -> None:
    hosts = hosts_of(
        documented(
            {"servers": [server("https://b.example/v1"), server("https://B.EXAMPLE:8443")]},
            {
                "servers": [server("https://a.example")],
                "paths": {
                    "/x": {
                        "servers": [server("http://c.example")],
                        "get": {"servers": [server("https://d.example")]},
                        "parameters": [],
                    }
                },
            },
        )
    )
    assert hosts == ("a.example", "b.example", "c.example", "d.example")


def test_the_variables_of_a_server_have_their_defaults() -> None:
    assert hosts_of(documented({"servers": [server("https://{region}.example.com", region="eu")]})) == (
        "eu.example.com",
    )


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "",
        "v1/api",
        "http://localhost:3000",
        "http://app.localhost",
        "http://127.0.0.1",
        "http://[::1]/",
        "https://8.8.8.8",
        "https://intranet",
        "https://under_score.example",
        "ftp://a.example",
        "https://{unknown}.example",
        "https://user@a.example",
    ],
)
def test_what_is_no_host_name_of_the_net_is_none_of_them(url: str) -> None:
    assert hosts_of(documented({"servers": [server(url)]}, {"servers": [{}]}, {})) == ()


@given(st.text())
def test_any_text_in_place_of_a_url_is_survived(url: str) -> None:
    assert len(hosts_of(documented({"servers": [server(url)]}))) <= 1


def test_the_instructions_can_be_appended_to_a_hosts_file_as_they_are() -> None:
    text = instructions(["a.example", "b.example"], Path("/home/me/ca.pem"))
    active = [line for line in text.splitlines() if not line.startswith("#")]
    assert active == ["127.0.0.1\ta.example", "127.0.0.1\tb.example"]
    assert "".join(f"{line}\n" for line in active) == hosts_file_lines(["a.example", "b.example"])


def test_the_instructions_name_each_way_to_port_443_and_what_to_trust() -> None:
    text = instructions(["a.example"], Path("/home/me/ca.pem"))
    assert all(word in text for word in ("ip_unprivileged_port_start=443", "setcap", "authbind", "sudo "))
    assert all(word in text for word in ("trust /home/me/ca.pem", "--ca-dir /home/me", "run --hosts"))
    assert os.path.realpath(sys.executable) in text


def test_documents_without_a_host_are_said_to_have_none() -> None:
    assert instructions([], Path("ca.pem")).endswith("# The documents name no host.\n")


def test_the_command_prints_the_lines_for_the_documents_it_is_given(tmp_path: Path) -> None:
    document = next(path for path in OPENAPI.glob("grok*.yaml"))
    other = tmp_path / "other.yaml"
    other.write_text(document.read_text(encoding="utf-8").replace("api.evolink.ai", "api.example.com"))
    done = CliRunner().invoke(app, ["hosts", "--ca-dir", str(tmp_path / "ca"), "--spec", str(other)])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "127.0.0.1\tapi.example.com\n" in done.stdout
    assert f"trust {tmp_path / 'ca' / 'ca.pem'}" in done.stdout
    assert not (tmp_path / "ca").exists()


def test_only_linux_has_the_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NamespaceError, match="requires Linux namespaces"):
        enter_namespace(["a.example"], tmp_path)


def refused(*_: object) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are of Linux")
def test_a_system_that_forbids_it_is_said_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "_unshare", refused)
    monkeypatch.setattr(namespace, "_KERNEL_SETTINGS", ())
    with pytest.raises(NamespaceError, match=r"forbids namespaces \(Operation not permitted\).*SYS_ADMIN"):
        enter_namespace(["a.example"], tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are of Linux")
@pytest.mark.parametrize(("value", "message"), [("1\n", "to allow them: sudo x"), ("0\n", "SYS_ADMIN")])
def test_the_switch_that_forbids_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, message: str
) -> None:
    (tmp_path / "switch").write_text(value)
    monkeypatch.setattr(namespace, "_unshare", refused)
    monkeypatch.setattr(
        namespace,
        "_KERNEL_SETTINGS",
        ((str(tmp_path / "none"), "1", "no"), (str(tmp_path / "switch"), "1", "sudo x")),
    )
    with pytest.raises(NamespaceError, match=message):
        enter_namespace(["a.example"], tmp_path)


def test_a_name_that_leads_elsewhere_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", ("192.0.2.1", 443))])
    with pytest.raises(NamespaceError, match=r"does not look up a\.example in /etc/hosts first"):
        namespace._check_resolution(["a.example"])  # noqa: SLF001  (what comes before it cannot be undone in a test)
