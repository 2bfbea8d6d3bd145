"""A server that goes away, comes back, is full or unsuitable; TLS and passwords."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
import trustme
from click.testing import CliRunner
from evolink_mock.cli.app import app
from evolink_mock.domain.store import StoreError
from evolink_mock.service.store_opening import PASSWORD
from evolink_mock.stores.redis import connection
from evolink_mock.stores.redis.store import RedisStore
from support.mocks.in_process import BODY, CREATE, playing, shaped
from support.mocks.redis_server import RedisServer, needs_server, needs_tls_server, new_place
from support.mocks.stores import create, open_store, result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.mocks.in_process import Mock

pytestmark = needs_server
KEY = {"authorization": "Bearer key"}


@pytest.fixture
def server() -> Iterator[RedisServer]:
    started = RedisServer()
    yield started
    started.close()


def status_of(mock: Mock, path: str = "/__mock__/ready") -> int:
    return mock.run(mock.client.get(path)).status_code


def until_ready(mock: Mock) -> None:
    store = mock.service.store
    assert isinstance(store, RedisStore)
    assert store.connection.connected.wait(20)
    assert status_of(mock) == 200


def assert_out_of_service(mock: Mock, reason: str) -> None:
    for _ in range(2):
        answer = mock.run(mock.client.post(CREATE, json=BODY, headers=KEY))
        assert answer.status_code == 503
        assert shaped(answer)["code"] == "service_unavailable"
    assert reason in mock.logged()
    assert status_of(mock) == 503
    assert status_of(mock, "/__mock__/health") == 200


def test_while_the_server_is_gone_requests_get_503_and_then_all_comes_back(server: RedisServer) -> None:
    with playing(store=server.url) as mock:
        task = mock.create()
        server.kill()
        assert_out_of_service(mock, "Connection")
        server.start()
        until_ready(mock)
        assert mock.query(task)["id"] == task["id"]
        mock.create()
        assert mock.account().task_count == 2


def test_a_server_that_does_not_reply_is_waited_for_once(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_REPLY_SECONDS", 0.2)
    with playing(store=server.url) as mock:
        mock.create()
        server.process.send_signal(signal.SIGSTOP)
        assert_out_of_service(mock, "Timeout")
        server.process.send_signal(signal.SIGCONT)
        until_ready(mock)
        mock.create()


def test_a_full_server_stores_nothing_and_all_comes_back(server: RedisServer) -> None:
    with playing(store=server.url) as mock:
        mock.create()
        store = mock.service.store
        assert isinstance(store, RedisStore)
        store.connection.call("CONFIG", "SET", "maxmemory", 1)
        assert_out_of_service(mock, "used memory > 'maxmemory'")
        assert mock.account().task_count == len(result(store.tasks("key"))) == 1
        store.connection.call("CONFIG", "SET", "maxmemory", 0)
        mock.create()
        assert status_of(mock) == 200


def test_a_server_that_has_lost_everything_gets_the_same_facts_again(server: RedisServer) -> None:
    store = open_store(server.url)
    assert isinstance(store, RedisStore)
    assert store.fact("seed", 7) == 7
    server.lose_everything()
    server.start()
    with pytest.raises(StoreError):
        store.account_now("key")
    assert store.connection.connected.wait(20)
    assert (store.fact("seed"), store.fact("version")) == (7, 1)
    assert create(store)
    store.close()


def test_a_server_that_has_forgotten_the_script_gets_it_again() -> None:
    store = open_store(new_place())
    assert isinstance(store, RedisStore)
    store.connection.call("SCRIPT", "FLUSH")
    assert create(store)
    assert result(store.account("key")).task_count == 1
    store.close()


def test_a_store_of_a_newer_version_is_refused_and_stays_as_it_is() -> None:
    place = new_place()
    store = open_store(place)
    assert isinstance(store, RedisStore)
    store.set_fact("version", 99)
    with pytest.raises(StoreError, match="version 99"):
        open_store(place)
    assert store.fact("version") == 99
    store.close()


@pytest.mark.parametrize(
    ("hello", "reason"),
    [
        ({"mode": "cluster", "version": "7.2.4"}, "cluster"),
        ({"mode": "standalone", "version": "6.2.14"}, "version 6.2.14 is too old"),
    ],
)
def test_a_cluster_and_an_old_server_are_refused(
    hello: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_server_properties", lambda _: hello)
    with pytest.raises(StoreError, match=reason):
        open_store(new_place())


def test_stores_with_other_prefixes_do_not_meet() -> None:
    one, other = open_store(new_place()), open_store(new_place())
    assert create(one)
    assert result(other.accounts()) == []
    assert create(other)
    one.close()
    other.close()


@needs_tls_server
def test_over_tls_with_a_password_from_the_environment_that_no_output_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    files = [f"--tls-{name}-file" for name in ("ca-cert", "cert", "key")]
    paths = [str(tmp_path / name) for name in ("ca.pem", "cert.pem", "key.pem")]
    options = [item for pair in zip(files, paths, strict=True) for item in pair]
    server = RedisServer(*options, "--tls-auth-clients", "no", "--requirepass", "secret", is_tls=True)
    place = f"rediss://127.0.0.1:{server.port}?ca={tmp_path / 'ca.pem'}"

    def run(password: str) -> tuple[int, str]:
        monkeypatch.setenv(PASSWORD, password)
        done = CliRunner().invoke(app, ["store", "info", "--store", place])
        return done.exit_code, done.output

    code, output = run("secret")
    assert (code, "accounts     0" in output, "secret" in output) == (0, True, False)
    code, output = run("mistake")
    assert (code, "invalid username-password pair" in output, "mistake" in output) == (2, True, False)
    server.close()
