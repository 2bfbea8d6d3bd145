"""Several processes over one store answer as one does, and one that is killed takes nothing with it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Self

import pytest
from evolink_mock.domain.accounts import label_of
from evolink_mock.serving.workers import Workers
from support.mocks.in_process import BODY, CREATE
from support.mocks.mock_process import BIN
from support.mocks.redis_server import SHARED_STORES
from support.mocks.stores import place
from support.real_time import NEEDS_A_QUIET_MACHINE

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs the processes of Linux")
WORKERS = 3
WHOLE = re.compile(r"\d\d:\d\d:\d\d  (\d\d\d  .* ms(  \(.*\))?|callback .*)\n|worker \d+ was .*\n")
PRICE = 5
KEY = {"Authorization": "Bearer key"}
UI_KEY = "key-of-the-console"


class Mock:
    """`evolink-mock serve --workers`. Every request takes a connection of its own, so that any worker may answer."""

    def __init__(self, store: str) -> None:
        self.process = subprocess.Popen(
            [
                *(BIN / "evolink-mock", "serve", "--port", "0", "--store", store),
                *(
                    "--workers",
                    str(WORKERS),
                    "--duration",
                    "60s",
                    "--allow-callbacks-to",
                    "127.0.0.1",
                    "--metrics",
                    "--ui-key",
                    UI_KEY,
                ),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split(" at http://")[1].split()[0]
        self.log: list[str] = []
        self._news = Condition()
        self.reader = Thread(target=self._read, daemon=True)
        self.reader.start()

    def ask(self, method: str, path: str, token: str = "key", body: Any = None) -> tuple[int, Any]:
        """The status and the JSON of a response."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        with closing(HTTPConnection(self.address, timeout=30)) as connection:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            is_json = response.headers["content-type"] == "application/json"
            return response.status, json.loads(response.read()) if is_json else None

    def page(self, path: str) -> str:
        """A page of the console."""
        with closing(HTTPConnection(self.address, timeout=30)) as connection:
            connection.request("GET", f"/__mock__/ui{path}", headers={"Mock-Operator-Key": UI_KEY})
            return connection.getresponse().read().decode()

    def do(self, method: str, path: str, token: str = "key", **body: Any) -> Any:
        status, answer = self.ask(method, f"/__mock__{path}", token, body or None)
        assert status < 300, answer
        return answer

    def create(self, token: str = "key", **more: Any) -> tuple[int, Any]:
        return self.ask("POST", CREATE, token, BODY | more)

    def query(self, task_id: str, token: str) -> str:
        status: str = self.ask("GET", f"/v1/tasks/{task_id}", token)[1]["status"]
        return status

    def workers(self) -> list[int]:
        return children_of(self.process.pid)

    def until_logged(self, line: str) -> None:
        with self._news:
            assert self._news.wait_for(lambda: line in self.log, 30), self.log

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.log.append(line)
                self._news.notify_all()


@pytest.fixture(scope="module", params=SHARED_STORES)
def mock(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    served = Mock(place(request.param, tmp_path_factory.mktemp("workers")))
    yield served
    with served.process:  # closes the pipes
        served.process.send_signal(signal.SIGINT)
        assert served.process.stdout is not None
        assert served.process.stdout.read().splitlines().count("stopped") == 1
        assert served.process.wait(20) == 0
        served.reader.join()
    assert [line for line in served.log if not WHOLE.fullmatch(line)] == []


class Receiver:
    """Counts callbacks."""

    def __enter__(self) -> Self:
        calls: Counter[str] = Counter()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                calls[self.path] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.calls = calls
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_credits_for_so_many_tasks_accept_so_many_of_concurrent_creates(mock: Mock) -> None:
    mock.do("POST", "/accounts", "credits", credits=60 * PRICE)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: mock.create("credits"), range(120)))
    assert Counter(status for status, _ in answers) == {200: 60, 402: 60}
    ids = {task["id"] for status, task in answers if status == 200}
    assert len(ids) == 60
    account = mock.do("GET", "/account", "credits")
    assert (account["tasks"], account["used"], account["remaining"]) == (60, 300, 0)


def test_a_rate_limit_and_a_counted_recipe_are_exact(mock: Mock) -> None:
    mock.do("POST", "/accounts", "rate", rate="20/day")
    mock.do("POST", "/accounts", "recipe")
    mock.do("POST", "/recipes", "recipe", recipe="503*7, ok*3, 402*5", operation="create")
    with ThreadPoolExecutor(12) as pool:
        limited = list(pool.map(lambda _: mock.create("rate")[0], range(50)))
        ordered = list(pool.map(lambda _: mock.create("recipe")[0], range(40)))
    assert Counter(limited) == {200: 20, 429: 30}
    assert Counter(ordered) == {503: 7, 402: 5, 200: 28}


def test_time_is_moved_for_all_workers_and_the_one_who_moves_it_waits_for_the_callbacks(mock: Mock) -> None:
    with Receiver() as receiver:
        mock.do("POST", "/clock/freeze", "clock")
        _, task = mock.create("clock", callback_url=f"{receiver.url}/moved")
        passed = mock.do("POST", "/clock/advance", "clock", seconds=100)
        assert receiver.calls["/moved"] == 1
        assert [event["what"] for event in passed["happened"]] == [
            "task.processing",
            "task.completed",
            "callback.attempt",
        ]
        assert {mock.query(task["id"], "clock") for _ in range(10)} == {"completed"}
        assert len({mock.do("GET", "/clock", "clock")["now"] for _ in range(10)}) == 1


@NEEDS_A_QUIET_MACHINE
def test_who_waits_is_woken_within_50_ms_by_what_another_worker_does(mock: Mock) -> None:
    def wait(_: int) -> tuple[str, float]:
        why: str = mock.do("POST", "/wait/task", "wait", task_id=task, timeout=25)["why"]
        return why, time.perf_counter()

    task = mock.create("wait")[1]["id"]
    with ThreadPoolExecutor(6) as pool:
        waits = [pool.submit(wait, number) for number in range(6)]
        for _ in range(6):
            mock.query(task, "wait")  # meanwhile they arrive
        mock.do("POST", f"/tasks/{task}/outcome", "wait", outcome="completed")
        decided = time.perf_counter()
        ended = [wait.result() for wait in waits]
    assert {why for why, _ in ended} == {"reached"}
    assert max(at for _, at in ended) - decided < 0.05


def test_the_journal_the_har_file_and_the_console_show_what_every_worker_has_done(mock: Mock) -> None:
    label = label_of("shown")
    tasks = {mock.create("shown")[1]["id"] for _ in range(8)}
    for _ in range(4):
        har = mock.do("GET", "/journal.har", "shown")["log"]["entries"]
        assert len(har) == len(mock.do("GET", "/journal", "shown")["entries"]) == len(tasks)
        page = mock.page(f"/tasks/{label}")
        assert {task for task in tasks if task in page} == tasks
        assert label in mock.page("/accounts")


def test_every_worker_shows_the_metrics_of_all(mock: Mock) -> None:
    for _ in range(12):
        mock.ask("GET", "/v1/models", token="metrics")
    for _ in range(4):
        with closing(HTTPConnection(mock.address, timeout=30)) as connection:
            connection.request("GET", "/__mock__/metrics")
            text = connection.getresponse().read().decode()
        assert 'evolink_mock_requests_total{method="GET",route="/v1/models",status="200"} 12.0' in text


def test_a_killed_worker_is_replaced_and_its_tasks_play_to_their_end(mock: Mock) -> None:
    with Receiver() as receiver:
        created = [mock.create("kill", callback_url=f"{receiver.url}/{number}") for number in range(4)]
        before = mock.workers()
        os.kill(before[0], signal.SIGKILL)
        mock.until_logged(f"worker {before[0]} was killed by SIGKILL; a new worker replaces it\n")
        for _, task in created:
            assert mock.query(task["id"], "kill") in {"pending", "processing"}
        mock.do("POST", "/clock/advance", "kill", seconds=100)
        assert receiver.calls == {f"/{number}": 1 for number in range(4)}
        entries = mock.do("GET", "/journal", "kill")["entries"]
        assert len(entries) >= 4
    assert len(mock.workers()) == WORKERS


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """A pipe that accepts nothing more, because nobody reads it."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"." * 4096)
    os.set_blocking(writer, True)
    yield writer
    os.close(writer)
    os.close(reader)


def test_output_that_is_not_read_hinders_neither_a_replacement_nor_the_stop_by_a_hangup(
    full_pipe: int, tmp_path: Path
) -> None:
    os.mkfifo(port_file := tmp_path / "port")
    state = ("--port", "0", "--port-file", port_file, "--store", f"sqlite:{tmp_path / 'db'}")
    command = (BIN / "evolink-mock", "serve", "--workers", "2", *state)
    with subprocess.Popen(command, stdout=full_pipe, stderr=full_pipe) as mock:
        address = f"127.0.0.1:{port_file.read_text().strip()}"  # waits for it
        killed, *_ = before = children_of(mock.pid)
        os.kill(killed, signal.SIGKILL)
        while killed in (present := children_of(mock.pid)) or len(present) < len(before):
            assert credits_status(address) == 200
        with closing(HTTPConnection(address, timeout=30)) as waiting:
            waiting.request("GET", "/v1/credits", headers=KEY | {"Prefer": 'mock="latency=30s"'})
            assert [credits_status(address) for _ in range(9)] == [200] * 9  # it has arrived, too
            mock.send_signal(signal.SIGHUP)
            assert waiting.getresponse().status == 200
        assert mock.wait(20) == 0


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def credits_status(address: str) -> int:
    with closing(HTTPConnection(address, timeout=30)) as connection:
        connection.request("GET", "/v1/credits", headers=KEY)
        return connection.getresponse().status


def test_a_signal_that_arrives_before_the_end_of_a_worker_is_known_stops_the_others() -> None:
    def nothing(*_: object) -> None: ...

    workers = Workers(2, nothing, nothing, nothing, nothing)
    with subprocess.Popen(["true"]) as ended, subprocess.Popen(["sleep", "60"]) as waiting:
        ended.wait()
        workers._pids |= {ended.pid, waiting.pid}  # noqa: SLF001  (the moment cannot be met from outside)
        workers._stop(signal.SIGTERM, None)  # noqa: SLF001
        assert waiting.wait(10) == -signal.SIGTERM
