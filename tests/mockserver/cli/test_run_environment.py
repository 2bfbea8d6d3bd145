"""The variables of a command under `run`."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import pkcs12
from evolink_mock.cli import run_environment as module
from evolink_mock.cli import run_trust
from evolink_mock.cli.run_environment import api_key, child_environment, no_proxy
from evolink_mock.interception.certificate_authority import Authority
from evolink_mock.server.listeners import Listeners
from evolink_mock.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "api.evolink.ai"
CA = trustme.CA(key_type=trustme.KeyType.ECDSA)
OURS = CA.cert_pem.bytes()


@pytest.fixture
def listeners(tmp_path: Path) -> Iterator[Listeners]:
    ca = Authority(tmp_path / "ca.pem", OURS, b"")
    http, https, proxy = (socket.create_server(("127.0.0.1", 0)) for _ in range(3))
    with Listeners(http, https, proxy, ca, (HOST,)) as made:
        yield made


def url(listener: socket.socket | None) -> str:
    assert listener is not None
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_the_command_is_led_to_the_mock_and_keeps_all_else(listeners: Listeners, tmp_path: Path) -> None:
    inherited = {"PATH": "/bin", "HTTPS_PROXY": "x", "ALL_PROXY": "socks5://127.0.0.1:9", "all_proxy": "y"}
    found = child_environment(inherited, listeners, Settings(), tmp_path)
    assert (found["PATH"], found["EVOLINK_BASE_URL"]) == ("/bin", url(listeners.http))
    assert found["EVOLINK_API_KEY"] == "any-token"
    assert {"ALL_PROXY", "all_proxy"} & set(found) == set()
    assert {found[name] for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")} == {
        url(listeners.proxy)
    }
    assert found["NO_PROXY"] == found["no_proxy"] == "localhost,127.0.0.1,::1"
    assert found["NODE_USE_ENV_PROXY"] == "1"


@pytest.mark.parametrize(
    ("inherited", "path"),
    [
        ("https://api.evolink.ai/v1", "/v1"),
        ("https://api.evolink.ai/v1/", "/v1/"),
        ("https://api.evolink.ai", ""),
        ("api.evolink.ai/v1", "/v1"),
        ("api.evolink.ai", ""),
        ("", ""),
        ("http://[broken", ""),
    ],
)
def test_the_path_of_a_base_url_is_kept(
    listeners: Listeners, tmp_path: Path, inherited: str, path: str
) -> None:
    found = child_environment({"EVOLINK_BASE_URL": inherited}, listeners, Settings(), tmp_path)
    assert found["EVOLINK_BASE_URL"] == url(listeners.http) + path


@pytest.mark.parametrize(("tokens", "key"), [((), "any-token"), (("b", "a"), "a"), (("x~402",), "x~402")])
def test_the_key_for_the_command_is_one_that_the_mock_accepts(tokens: tuple[str, ...], key: str) -> None:
    assert api_key(Settings(tokens=frozenset(tokens))) == key


@pytest.mark.parametrize(
    "name",
    [
        *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO"),
        *("AWS_CA_BUNDLE", "PIP_CERT"),
    ],
)
def test_a_program_that_reads_one_file_trusts_the_mock_and_all_else(
    listeners: Listeners, tmp_path: Path, name: str
) -> None:
    bundle = Path(child_environment({}, listeners, Settings(), tmp_path)[name]).read_bytes()
    assert bundle.endswith(OURS)
    assert bundle.count(b"BEGIN CERTIFICATE") > 20


@pytest.mark.parametrize("name", ["NODE_EXTRA_CA_CERTS", "DENO_CERT"])
def test_a_program_that_adds_a_file_gets_the_mocks_own(
    listeners: Listeners, tmp_path: Path, name: str
) -> None:
    assert child_environment({}, listeners, Settings(), tmp_path)[name] == str(tmp_path / "ca.pem")


def test_wget_reads_the_users_own_file_and_then_ours(listeners: Listeners, tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    (home / ".wgetrc").write_text("tries = 3")
    other.write_text("tries = 4\n")
    for inherited, tries in (({"HOME": str(home)}, 3), ({"HOME": str(home), "WGETRC": str(other)}, 4)):
        found = child_environment(inherited, listeners, Settings(), tmp_path)
        first, *_, last = Path(found["WGETRC"]).read_text().splitlines()
        assert (first, last) == (f"tries = {tries}", f"ca_certificate = {found['SSL_CERT_FILE']}")


def test_php_reads_its_own_folders_and_then_ours(listeners: Listeners, tmp_path: Path) -> None:
    for inherited in ({}, {"PHP_INI_SCAN_DIR": "/etc/php"}):
        found = child_environment(inherited, listeners, Settings(), tmp_path)
        before, _, folder = found["PHP_INI_SCAN_DIR"].partition(":")
        assert before == inherited.get("PHP_INI_SCAN_DIR", "")
        (file,) = Path(folder).iterdir()
        assert f'curl.cainfo="{found["SSL_CERT_FILE"]}"' in file.read_text()


def test_java_gets_the_proxy_and_a_trust_store_besides_its_own_options(
    listeners: Listeners, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_bytes(CA.cert_pem.bytes())
    ca = Authority(tmp_path / "ca.pem", CA.cert_pem.bytes(), b"")
    theirs = tmp_path / "theirs.pem"
    theirs.write_bytes(trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes() + b"no certificate\n")
    opened = replace(listeners, authority=ca)
    inherited = {"JAVA_TOOL_OPTIONS": "-Dmine=1", "SSL_CERT_FILE": str(theirs)}
    options = child_environment(inherited, opened, Settings(), tmp_path)["JAVA_TOOL_OPTIONS"].split()
    assert options[0] == "-Dmine=1"
    assert f"-Dhttps.proxyPort={listeners.proxy.getsockname()[1]}" in options if listeners.proxy else False
    store = Path(next(word for word in options if "trustStore=" in word).partition("=")[2])
    _, _, certificates = pkcs12.load_key_and_certificates(store.read_bytes(), b"changeit")
    assert len(certificates) == 2


def test_a_token_that_is_accepted_is_handed_out(listeners: Listeners, tmp_path: Path) -> None:
    settings = Settings(tokens=frozenset({"b", "a"}))
    assert child_environment({}, listeners, settings, tmp_path)["EVOLINK_API_KEY"] == "a"


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_what_the_user_trusts_is_trusted_still(listeners: Listeners, tmp_path: Path, name: str) -> None:
    theirs = tmp_path / "theirs.pem"
    theirs.write_bytes(b"theirs, without a line end")
    found = child_environment({name: str(theirs)}, listeners, Settings(), tmp_path)
    bundle = Path(found["SSL_CERT_FILE"])
    assert bundle.read_bytes() == b"theirs, without a line end\n" + OURS
    assert found["REQUESTS_CA_BUNDLE"] == found["CURL_CA_BUNDLE"] == str(bundle)
    assert found["NODE_EXTRA_CA_CERTS"] == str(tmp_path / "ca.pem")


@pytest.mark.parametrize("given", [{}, {"SSL_CERT_FILE": "/nowhere"}, {"REQUESTS_CA_BUNDLE": "/etc"}])
def test_without_a_file_of_the_users_it_is_what_the_system_trusts(
    listeners: Listeners, tmp_path: Path, given: dict[str, str]
) -> None:
    bundle = Path(child_environment(given, listeners, Settings(), tmp_path)["SSL_CERT_FILE"]).read_bytes()
    assert bundle.count(b"BEGIN CERTIFICATE") > 20
    assert bundle.endswith(OURS)


def test_a_system_without_a_file_has_that_of_certifi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_trust, "_SYSTEM", ())
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    assert run_trust._system().name == "cacert.pem"  # noqa: SLF001


def test_extra_certificates_of_node_stay(listeners: Listeners, tmp_path: Path) -> None:
    theirs = tmp_path / "extra.pem"
    theirs.write_bytes(b"extra\n")
    found = child_environment({"NODE_EXTRA_CA_CERTS": str(theirs)}, listeners, Settings(), tmp_path)
    content = Path(found["NODE_EXTRA_CA_CERTS"]).read_bytes()
    assert content.startswith(b"extra\n")
    assert content.endswith(OURS)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("intranet.example, .corp", ",intranet.example,.corp"),
        ("10.0.0.0/8 host:8080", ",10.0.0.0/8,host:8080"),
        ("*", ""),
        (f"{HOST},a.example", ",a.example"),
        ("evolink.ai,.evolink.ai,*.evolink.ai,ai,API.EVOLINK.AI:443", ""),
        ("link.ai,x.api.evolink.ai,fe80::1,localhost", ",link.ai,x.api.evolink.ai,fe80::1"),
    ],
)
def test_nothing_keeps_the_api_from_the_proxy_and_all_else_is_direct_as_before(given: str, kept: str) -> None:
    assert no_proxy(given, [HOST]) == f"localhost,127.0.0.1,::1{kept}"


def test_options_of_node_are_added_to(listeners: Listeners, tmp_path: Path) -> None:
    found = child_environment({"NODE_OPTIONS": "--no-warnings"}, listeners, Settings(), tmp_path)
    assert found["NODE_OPTIONS"].startswith("--no-warnings --require ")
    assert json.loads(found["EVOLINK_MOCK_REDIRECT"])["hosts"] == [HOST]


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")
def test_node_finds_its_lines_in_a_folder_of_any_name(
    listeners: Listeners, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / 'a "quoted" folder'
    odd.mkdir()
    shutil.copy(module.REDIRECT, odd)
    monkeypatch.setattr(module, "REDIRECT", odd / module.REDIRECT.name)
    given = {"PATH": os.environ["PATH"]}
    found = child_environment(given, listeners, Settings(), tmp_path) | {"NODE_EXTRA_CA_CERTS": ""}
    program = "console.log(Object.keys(require.cache).some((file) => file.endsWith('folder/redirect.cjs')))"
    done = subprocess.run(["node", "-e", program], env=found, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("true\n", "")


def test_doors_without_a_proxy_lead_nowhere(tmp_path: Path) -> None:
    with (
        Listeners(socket.create_server(("127.0.0.1", 0))) as listeners,
        pytest.raises(ValueError, match="the proxy"),
    ):
        child_environment({}, listeners, Settings(), tmp_path)
