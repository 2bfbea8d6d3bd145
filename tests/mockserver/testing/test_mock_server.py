"""`MockServer`: started here or attached to, with accounts that are worlds of their own."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import evolink_mock
import httpx2
import pytest
from evolink_mock import ControlError, MockServer
from evolink_mock.server.listeners import PortError, listen
from evolink_mock.settings import Settings
from evolink_mock.testing.mock_server import MockServerSettings
from support.records.builders import BODY, CREATES, MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_mock import MockAccount

CREATE = "/v1/videos/generations"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(duration="1m") as server:
        yield server


def client(account: MockAccount) -> httpx2.Client:
    headers = {"authorization": f"Bearer {account.token}"}
    return httpx2.Client(base_url=account.base_url, headers=headers, trust_env=False)


def create(account: MockAccount, **fields: Any) -> httpx2.Response:
    with client(account) as http:
        return http.post(CREATE, json=BODY | fields)


def left(account: MockAccount) -> float:
    with client(account) as http:
        found: float = http.get("/v1/credits").json()["data"]["user"]["remaining_credits"]
    return found


def test_the_public_names_are_these() -> None:
    assert evolink_mock.__all__ == [
        "ContractViolationError",
        "ControlError",
        "MockAccount",
        "MockCallbacks",
        "MockClock",
        "MockServer",
        "Received",
        "Receiver",
    ]


@pytest.mark.parametrize("name", evolink_mock.__all__)
def test_a_public_name_is_found_where_it_is_promised_and_documented(name: str) -> None:
    found = getattr(evolink_mock, name)
    assert found.__name__ == name
    assert found.__doc__
    assert name in dir(evolink_mock)


def test_another_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="'evolink_mock' has no attribute 'Mock'"):
        _ = evolink_mock.Mock


def test_importing_the_package_and_its_plugin_imports_nothing_of_the_server() -> None:
    code = "import sys, pytest, evolink_mock, evolink_mock.testing.pytest_plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {
        name for name in done.stdout.split() if name.partition(".")[0] not in {"evolink_mock", "evolink_spec"}
    }
    assert (
        loaded & {"av", "httpx", "httpx2", "jsonschema_rs", "msgspec", "starlette", "uvicorn", "yaml"}
        == set()
    )
    ours = set(done.stdout.split()) - loaded
    names = ("pytest_plugin", "real_sockets")
    assert ours == {
        "evolink_mock",
        "evolink_mock.testing",
        *(f"evolink_mock.testing.{name}" for name in names),
    }


def test_two_mocks_run_beside_each_other_and_end_with_their_blocks() -> None:
    threads = threading.active_count()
    with MockServer() as one, MockServer() as other:
        assert one.base_url != other.base_url
        for url in (one.base_url, other.base_url):
            assert httpx2.get(f"{url}/v1/credits", trust_env=False).status_code == 401
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(url, trust_env=False)
    assert threading.active_count() == threads


def test_a_mock_can_be_started_again_but_not_twice() -> None:
    mock = MockServer()
    for _ in range(2):
        with mock, pytest.raises(RuntimeError, match="is running already"), mock:
            pass
    with pytest.raises(RuntimeError, match="in a `with` block"):
        _ = mock.base_url


def test_settings_are_written_as_on_the_command_line() -> None:
    with MockServer(
        duration="7s", credits=12.0, rate="3/day", tokens=["a"], denied_models=[MODEL], seed=1
    ) as mock:
        account = mock.account("a")
        assert (account.state.granted, account.state.rate, account.state.denied_models) == (
            12,
            "3/day",
            (MODEL,),
        )
        assert create(account).status_code == 403
        with pytest.raises(ControlError) as caught:
            mock.account("b")
        assert caught.value.status == 401


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"duration": "soon"}, "invalid duration 'soon'"),
        ({"rate": "often"}, "invalid rate 'often'"),
        ({"denied_models": ["none"]}, "'none' is not served"),
    ],
)
def test_a_setting_that_cannot_be_had_is_a_value_error(settings: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason), MockServer(**settings):
        pass


def test_a_setting_that_there_is_not_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="durations"), MockServer(durations="5s"):  # type: ignore[call-arg]
        pass


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"port {port} is in use"), MockServer(port=port):
            pass


def test_attached_to_a_running_mock_it_is_the_same_world(server: MockServer) -> None:
    account = server.account()
    create(account)
    with MockServer(url=server.base_url + "/") as attached:
        assert attached.base_url == server.base_url
        assert len(type(account)(attached.base_url, account.token).tasks) == 1
        other = attached.account()
        assert create(other).status_code == 200
        with pytest.raises(RuntimeError, match="runs in another process"):
            other.transport()
    assert len(account.tasks) == 1, "the mock goes on"


def test_attaching_to_nothing_says_so() -> None:
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with (
        pytest.raises(ConnectionError, match=f"no evolink-mock responds at {url}: .*refused"),
        MockServer(url),
    ):
        pass


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1", ""])
def test_attaching_to_what_is_no_url_says_so(url: str) -> None:
    with pytest.raises(ConnectionError, match="invalid URL"), MockServer(url=url):
        pass


def test_a_mock_that_runs_takes_no_settings() -> None:
    with pytest.raises(ValueError, match="duration, seed would have no effect"):
        MockServer("http://127.0.0.1:1", duration="5s", seed=3)


def test_accounts_have_tokens_of_their_own_and_never_meet(server: MockServer) -> None:
    one, other = server.account(), server.account()
    assert one.token != other.token
    task = create(one).json()
    assert [found.id for found in one.tasks] == [task["id"]]
    assert other.tasks == []
    with client(other) as http:
        assert http.get(f"/v1/tasks/{task['id']}").status_code == 403


def test_an_account_has_the_terms_it_was_opened_with(server: MockServer) -> None:
    account = server.account("named", credits=7, rate="2/hour", denied_models=list(filter(None, CREATES)))
    state = account.state
    assert account.token == "named"
    assert (state.granted, state.rate, set(state.denied_models)) == (7, "2/hour", set(CREATES) - {None})


def test_an_account_that_is_opened_again_begins_anew(server: MockServer) -> None:
    create(server.account("again", credits=10))
    account = server.account("again", credits=5)
    assert (account.tasks, left(account)) == ([], 5)


def test_every_setting_of_serve_is_a_keyword() -> None:
    assert set(MockServerSettings.__annotations__) == set(Settings.__struct_fields__)


@pytest.mark.parametrize(
    ("keyword", "why"),
    [
        ({"duration": "soon"}, "^duration: invalid duration 'soon'"),
        ({"port": 70000}, "^port: 70000 is not a whole number from 0 to 65535$"),
        ({"credits": -1}, "^credits: invalid number of credits '-1'"),
        ({"realtime": True, "duration": 1}, "^realtime and duration cannot be used together$"),
    ],
)
def test_a_keyword_that_cannot_be_is_refused_by_its_name(keyword: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        MockServer(**keyword)


def test_the_name_of_an_option_leads_to_its_keyword() -> None:
    option: dict[str, Any] = {"deny_model": MODEL}
    with pytest.raises(TypeError, match=r"^unknown setting 'deny_model' \(did you mean denied_models\?\)$"):
        MockServer(**option)


def test_a_term_of_an_account_that_there_is_not_is_refused_with_the_nearest(server: MockServer) -> None:
    misspelt: dict[str, Any] = {"credit": 5}
    with pytest.raises(TypeError, match=r"^unknown argument 'credit' \(did you mean credits\?\)$"):
        server.account(**misspelt)


def test_a_denied_model_may_be_written_without_a_list(server: MockServer) -> None:
    assert server.account(denied_models=MODEL).state.denied_models == (MODEL,)


def test_a_keyword_that_there_is_not_is_refused_with_the_nearest() -> None:
    misspelt: dict[str, Any] = {"alow_callbacks_to": ["localhost"]}
    with pytest.raises(
        TypeError, match=r"^unknown setting 'alow_callbacks_to' \(did you mean allow_callbacks_to"
    ):
        MockServer(**misspelt)


def test_a_duration_may_be_a_number_of_seconds() -> None:
    with MockServer(duration=0.1) as mock:
        assert mock.base_url
