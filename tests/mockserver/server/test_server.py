"""One server behind three listeners: http, https and the proxy."""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from click.testing import CliRunner
from evolink_mock.cli.app import app
from evolink_mock.domain.units import Speed
from evolink_mock.interception.certificate_authority import AuthorityError
from evolink_mock.interception.proxy import UNTRUSTED, ProxyConnection
from evolink_mock.server import listeners as listeners_module
from evolink_mock.server import server
from evolink_mock.server.app import create_app
from evolink_mock.server.listeners import (
    Listeners,
    PortError,
    listen,
    local_address,
    network_urls,
    open_listeners,
    url_of,
)
from evolink_mock.server.thread import serve_in_thread
from evolink_mock.setting_checks import ca_folder, check
from evolink_mock.settings import Settings
from evolink_spec import load
from support.mocks.in_process import BODY, CREATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evolink_mock.domain.exchange import Exchange
    from starlette.types import ASGIApp, Receive, Scope, Send

SPEC = load()
KEY = {"Authorization": "Bearer key"}
HOST = "https://api.evolink.ai"
COMMAND = Path(sys.executable).parent / "evolink-mock"


def settings(folder: Path, **choices: Any) -> Settings:
    return Settings(port=0, duration=Speed(0.001, 0.001), ca_dir=folder / "ca", **choices)


def finished(ask: httpx2.Client, url: str) -> dict[str, Any]:
    """The task at a URL once it is over, which it is in a millisecond."""
    for _ in range(1000):
        task: dict[str, Any] = ask.get(url).json()
        if task["status"] == "completed":
            return task
    raise AssertionError(task)


@contextmanager
def serving(
    folder: Path, observe: Callable[[Exchange], None] = lambda _: None, **choices: Any
) -> Iterator[Listeners]:
    """The listeners of a server in a thread."""
    with serve_in_thread(SPEC, settings(folder, **choices), observe=observe) as server:
        yield server.listeners


@contextmanager
def client(listeners: Listeners, **choices: Any) -> Iterator[httpx2.Client]:
    """A client that trusts the authority of these listeners and nobody else."""
    assert listeners.authority is not None
    trust = ssl.create_default_context(cafile=str(listeners.authority.certificate))
    with httpx2.Client(headers=KEY, verify=trust, trust_env=False, **choices) as made:
        yield made


def test_http_and_https_are_one_server_with_one_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lives: list[str] = []
    make = create_app

    def counted(*choices: Any) -> ASGIApp:
        made = make(*choices)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                lives.append("begun")
            await made(scope, receive, send)
            if scope["type"] == "lifespan":
                lives.append("over")

        return app

    monkeypatch.setattr(server, "create_app", counted)
    noted: list[Exchange] = []
    with (
        serving(tmp_path, noted.append, https_port=0) as listeners,
        client(listeners) as ask,
    ):
        assert listeners.https is not None
        assert listeners.proxy is None
        secure, plain = url_of(listeners.https, "https"), url_of(listeners.http)
        task = ask.post(secure + CREATE, json=BODY).json()
        links = [finished(ask, f"{base}/v1/tasks/{task['id']}")["results"] for base in (plain, secure)]
        assert links == [[f"{secure}/media/{task['id']}.mp4"]] * 2
        assert ask.head(links[0][0]).headers["content-type"] == "video/mp4"
    assert [exchange.status for exchange in noted] == [200] * 4
    assert lives == ["begun", "over"]


def test_a_client_behind_the_proxy_meets_the_api_under_its_own_name(tmp_path: Path) -> None:
    passages: list[ProxyConnection] = []
    chosen = settings(tmp_path, proxy_port=0)
    with serve_in_thread(SPEC, chosen, observe_proxy=passages.append) as served:
        listeners = served.listeners
        assert listeners.proxy is not None
        with client(listeners, proxy=url_of(listeners.proxy)) as ask:
            task = ask.post(HOST + CREATE, json=BODY).json()
            link = finished(ask, f"{HOST}/v1/tasks/{task['id']}")["results"][0]
            assert link == f"{HOST}/media/{task['id']}.mp4"
            assert ask.get(link).content[4:8] == b"ftyp"
            assert ask.get(f"http://api.evolink.ai/v1/tasks/{task['id']}").json()["results"] == [link]
            assert passages == []
            assert ask.get(url_of(listeners.http) + "/v1/credits").status_code == 200  # as any other host
    assert [passage.outcome for passage in passages] == ["passed on"]


def test_a_server_on_http_alone_needs_no_authority(tmp_path: Path) -> None:
    with open_listeners(SPEC, settings(tmp_path)) as listeners:
        assert (listeners.https, listeners.proxy, listeners.authority, listeners.hosts) == (
            None,
            None,
            None,
            (),
        )
    assert not (tmp_path / "ca").exists()


@pytest.mark.parametrize("option", ["--port", "--https-port", "--proxy-port"])
def test_a_port_that_is_taken_is_said_with_its_option_and_the_others_are_given_back(
    tmp_path: Path, option: str
) -> None:
    free = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = dict(
        zip(
            ("port", "https_port", "proxy_port"),
            (reserved.getsockname()[1] for reserved in free),
            strict=True,
        )
    )
    taken = option.removeprefix("--").replace("-", "_")
    for reserved, name in zip(free, ports, strict=True):
        if name != taken:
            reserved.close()
    chosen = Settings(ca_dir=tmp_path / "ca", **ports)
    with pytest.raises(PortError, match=f"port {ports[taken]} is in use: choose another with {option}, "):
        open_listeners(SPEC, chosen)
    free[list(ports).index(taken)].close()
    with open_listeners(SPEC, chosen) as listeners:
        assert listeners.http.getsockname()[1] == ports["port"]


def test_a_port_that_needs_more_rights_leads_to_the_ways_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listens = socket.create_server

    def refused(address: tuple[str, int], **more: Any) -> socket.socket:
        if address[1] == 443:
            raise PermissionError(13, "Permission denied")
        return listens(address, **more)

    monkeypatch.setattr(socket, "create_server", refused)
    with pytest.raises(PortError, match="choose a port above 1023; `evolink-mock hosts` explains how"):
        open_listeners(SPEC, settings(tmp_path, https_port=443))


def test_offline_without_a_proxy_would_have_no_effect(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^offline: has no effect"):
        check(settings(tmp_path, https_port=0, offline=True), SPEC)
    check(settings(tmp_path, proxy_port=0, offline=True), SPEC)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
def test_the_authority_is_kept_among_the_users_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    home = tmp_path / ".local" / "share" / "evolink-mock"
    for data, folder in (
        ("", home),
        ("relative", home),
        (str(tmp_path / "data"), tmp_path / "data" / "evolink-mock"),
    ):
        monkeypatch.setenv("XDG_DATA_HOME", data)
        assert ca_folder(Settings()) == folder
    assert ca_folder(Settings(ca_dir=tmp_path)) == tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="a user of Windows has a home")
def test_a_user_without_a_home_is_asked_for_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(_: int) -> None:
        raise KeyError

    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", homeless)
    with pytest.raises(ValueError, match=r"^ca_dir: required, because"):
        ca_folder(Settings())


def test_a_folder_that_cannot_be_used_is_a_clear_error_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = CliRunner().invoke(
        app, ["serve", "--port", "0", "--https-port", "0", "--ca-dir", str(tmp_path / "file")]
    )
    assert (done.exit_code, "cannot store the certificate authority here" in done.stderr) == (2, True)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command with all its listeners, and what it said when it was ready."""
    argv: list[str | Path] = [
        COMMAND,
        "serve",
        "--port",
        "0",
        "--https-port",
        "0",
        "--proxy-port",
        "0",
        "--ca-dir",
        tmp_path / "ca",
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = threading.Timer(20, process.kill)  # what never gets ready, or never ends, fails
        deadline.start()
        assert process.stdout
        yield process, "".join(takewhile("Ctrl-C stops it.\n".__ne__, process.stdout))
        deadline.cancel()
        process.kill()


def test_the_command_says_where_its_listeners_are_and_closes_them(
    started: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, text = started
    https = re.search(r"^  https: https://127\.0\.0\.1:(\d+)$", text, re.MULTILINE)
    proxy = re.search(
        r"^  export HTTPS_PROXY=http://127\.0\.0\.1:(\d+)  "
        r"# serves api\.evolink\.ai, direct\.evolink\.ai, files-api\.evolink\.ai, forwards the rest$",
        text,
        re.MULTILINE,
    )
    assert f"  a client must trust {tmp_path / 'ca' / 'ca.pem'}\n" in text
    assert https
    assert proxy
    trust = ssl.create_default_context(cafile=str(tmp_path / "ca" / "ca.pem"))
    with socket.create_connection(("127.0.0.1", int(proxy[1]))) as refused:
        refused.sendall(b"GET http://127.0.0.1:9/?key=secret HTTP/1.1\r\n\r\n")
        assert refused.recv(12) == b"HTTP/1.1 502"
    with (
        socket.create_connection(("127.0.0.1", int(proxy[1]))) as tunnel,
        socket.create_connection(("127.0.0.1", int(https[1]))) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as idle,
    ):
        tunnel.sendall(b"CONNECT api.evolink.ai:443 HTTP/1.1\r\n\r\n")
        assert tunnel.recv(12) == b"HTTP/1.1 200"
        idle.sendall(b"GET /v1/credits HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer key\r\n\r\n")
        assert idle.recv(12) == b"HTTP/1.1 200"
        process.send_signal(signal.SIGINT)  # neither of the two is waited for
        _, log = process.communicate()
    assert process.returncode == 0, log
    assert "proxy  127.0.0.1:9  not reached" in log
    assert "timeout" not in log
    assert "secret" not in log


def test_the_control_api_bound_elsewhere_is_there_and_not_at_the_api(tmp_path: Path) -> None:
    with (
        serving(tmp_path, control="127.0.0.1:0", https_port=0) as listeners,
        client(listeners) as ask,
    ):
        assert listeners.control is not None
        elsewhere = url_of(listeners.control)
        assert ask.get(f"{elsewhere}/__mock__/health").status_code == 200
        assert ask.get(f"{url_of(listeners.http)}/__mock__/accounts").status_code == 404
        task = ask.post(url_of(listeners.http) + CREATE, json=BODY).json()
        assert [task_seen["id"] for task_seen in ask.get(f"{elsewhere}/__mock__/tasks").json()["tasks"]] == [
            task["id"]
        ]


def test_the_control_api_can_be_off(tmp_path: Path) -> None:
    with (
        serving(tmp_path, control="off", https_port=0) as listeners,
        client(listeners) as ask,
    ):
        assert listeners.control is None
        paths = ("health", "ready", "accounts", "journal")
        answers = [ask.get(f"{url_of(listeners.http)}/__mock__/{path}").status_code for path in paths]
        assert answers == [200, 200, 404, 404], "an orchestrator sees that the server is well all the same"


def test_the_authority_of_an_https_listener_is_handed_out(tmp_path: Path) -> None:
    with serving(tmp_path, https_port=0) as listeners, client(listeners) as ask:
        assert listeners.authority is not None
        answer = ask.get(f"{url_of(listeners.http)}/__mock__/ca.pem")
        assert answer.content == listeners.authority.certificate.read_bytes()


@pytest.mark.parametrize("by_proxy", [True, False])
def test_a_client_that_does_not_trust_the_certificate_is_told_apart_from_one_that_does_not_come(
    tmp_path: Path, *, by_proxy: bool
) -> None:
    passages: list[ProxyConnection] = []
    chosen = settings(tmp_path, proxy_port=0)
    with serve_in_thread(SPEC, chosen, observe_proxy=passages.append) as server:
        assert server.listeners.proxy is not None
        assert server.listeners.https is not None
        url = HOST if by_proxy else url_of(server.listeners.https, "https")
        port = 443 if by_proxy else local_address(server.listeners.https)[1]
        proxy = url_of(server.listeners.proxy) if by_proxy else None
        with (
            httpx2.Client(proxy=proxy, trust_env=False) as distrustful,
            pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            distrustful.get(f"{url}/v1/credits")
        with client(server.listeners, proxy=proxy) as trustful:
            assert trustful.get(f"{url}/v1/credits").status_code == 200
    host = "api.evolink.ai" if by_proxy else "127.0.0.1"
    assert passages == [ProxyConnection(host, port, UNTRUSTED)]


def test_the_log_of_the_command_names_a_client_that_does_not_trust_the_certificate(
    started: tuple[subprocess.Popen[str], str],
) -> None:
    process, text = started
    port = re.search(r"^  https: https://127\.0\.0\.1:(\d+)$", text, re.MULTILINE)
    assert port
    with (
        socket.create_connection(("127.0.0.1", int(port[1]))) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname="api.evolink.ai")
    process.send_signal(signal.SIGINT)
    _, log = process.communicate()
    assert "https  a client connected to api.evolink.ai:443 but did not trust the certificate\n" in log


@pytest.mark.parametrize("by", ["http", "https", "control", "proxy"])
def test_an_upgrade_offer_is_ignored_at_every_listener(tmp_path: Path, by: str) -> None:
    offer = "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Type: application/json\r\nAuthorization: Bearer key\r\n"
    path = "/__mock__/clock/advance" if by == "control" else CREATE
    content = b'{"seconds": 1}' if by == "control" else json.dumps(BODY).encode()
    chosen = settings(tmp_path, control="127.0.0.1:0", https_port=0, proxy_port=0)
    with serve_in_thread(SPEC, chosen) as server, ExitStack() as stack:
        listener = getattr(server.listeners, by)
        connection = stack.enter_context(socket.create_connection(local_address(listener)))
        if by == "https":
            assert server.listeners.authority is not None
            trust = ssl.create_default_context(cafile=str(server.listeners.authority.certificate))
            connection = stack.enter_context(trust.wrap_socket(connection, server_hostname="localhost"))
        target = f"http://api.evolink.ai{path}" if by == "proxy" else path
        head = f"POST {target} HTTP/1.1\r\nHost: localhost\r\n{offer}Content-Length: {len(content)}\r\n\r\n"
        connection.sendall(head.encode() + content)
        answer = connection.recv(65536)
    assert answer.split(b" ")[1] in ({b"200", b"409"} if by == "control" else {b"200"}), answer


def test_every_ipv6_address_is_every_ipv4_address_too() -> None:
    with listen("::", 0) as listener:
        _, port = local_address(listener)
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, port)).close()


def test_the_urls_of_every_address_are_those_that_other_machines_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses = {socket.AF_INET: "192.168.1.5", socket.AF_INET6: "fd00::5"}
    monkeypatch.setattr(listeners_module, "_own_address", lambda family, _: addresses[family])
    for host, expected in {
        "127.0.0.1": [],
        "::1": [],
        "0.0.0.0": ["http://192.168.1.5:{}"],
        "::": ["http://192.168.1.5:{}", "http://[fd00::5]:{}"],
    }.items():
        with listen(host, 0) as listener:
            _, port = local_address(listener)
            assert network_urls(listener) == [url.format(port) for url in expected]


def test_a_machine_without_a_network_has_no_such_url(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any) -> None:
        raise OSError(101, "Network is unreachable")

    with listen("0.0.0.0", 0) as listener:
        monkeypatch.setattr(socket, "socket", unreachable)
        assert network_urls(listener) == []


@pytest.mark.skipif(sys.platform != "linux", reason="a folder of Linux")
def test_a_folder_that_is_read_only_is_told_before_the_start_with_the_option() -> None:
    with pytest.raises(
        AuthorityError,
        match=r"/proc/x: cannot store the certificate authority here: .*; choose another --ca-dir",
    ):
        open_listeners(SPEC, Settings(port=0, https_port=0, ca_dir=Path("/proc/x")))
