"""The pages show what the mock does, to nobody but its operator, and no credential."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.console.views import MOST
from evolink_mock.control.operator_key import set_cookie
from evolink_mock.server.app import _routes
from support.mocks.in_process import BODY, Mock, Receiver, playing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

TOKEN = "a-token-of-some-length"
PAGES = ["/ui", "/ui/live", "/ui/tasks", "/ui/accounts", "/ui/recipes", "/docs"]


@pytest.fixture
def mock() -> Iterator[Mock]:
    with playing() as mock:
        yield mock


def visit(mock: Mock, path: str, **headers: str) -> httpx2.Response:
    """A page as the operator's browser requests it."""
    cookie = set_cookie(mock.service.operator_key).decode().partition(";")[0]
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"host": "localhost", "cookie": cookie, **names}
    return mock.run(mock.client.get(f"/__mock__{path}", headers=sent))


def act(
    mock: Mock, method: str, path: str, account: str, body: Any = None, **headers: str
) -> httpx2.Response:
    cookie = set_cookie(mock.service.operator_key).decode().partition(";")[0]
    sent = {"host": "localhost", "cookie": cookie, "mock-account": account, **headers}
    return mock.run(mock.client.request(method, f"/__mock__{path}", headers=sent, json=body))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_only_scripts_of_this_server_and_is_not_framed_or_stored(mock: Mock, path: str) -> None:
    mock.create(token=TOKEN)
    answer = visit(mock, path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert TOKEN not in answer.text
    assert mock.service.operator_key not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_without_the_key_a_page_shows_nothing_of_any_account(mock: Mock, path: str) -> None:
    mock.create(token=TOKEN)
    label = mock.account(TOKEN).label
    answer = mock.run(mock.client.get(f"/__mock__{path}", headers={"host": "localhost"}))
    assert answer.status_code == (200 if path in {"/ui", "/docs"} else 401)
    assert label not in answer.text


def test_the_printed_link_gives_the_browser_a_cookie_that_no_other_site_can_use(mock: Mock) -> None:
    answer = visit(mock, f"/ui?key={mock.service.operator_key}", cookie="")
    assert (answer.status_code, answer.headers["location"]) == (303, "/__mock__/ui")
    assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
    wrong = visit(mock, "/ui?key=another-key", cookie="")
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (403, False)


def test_a_link_in_another_page_opens_the_console_but_its_scripts_get_nothing(mock: Mock) -> None:
    navigation = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert visit(mock, "/ui", **navigation).status_code == 200
    assert visit(mock, "/ui", **(navigation | {"sec_fetch_dest": "iframe"})).status_code == 403
    assert visit(mock, "/ui", sec_fetch_site="cross-site", sec_fetch_mode="cors").status_code == 403
    assert visit(mock, "/ui", origin="http://other.test").status_code == 403
    assert visit(mock, "/ui", host="other.test", **navigation).status_code == 403


def test_beyond_this_machine_the_console_needs_a_key_of_its_own() -> None:
    for ui_key, status in (None, 403), ("a-key-of-ours", 200):
        with playing(host="203.0.113.7", ui_key=ui_key) as mock:
            answer = mock.run(
                mock.client.get("http://203.0.113.7/__mock__/ui", headers={"host": "203.0.113.7"})
            )
            assert answer.status_code == status
            assert ("--ui-key" in answer.text) == (status == 403)


@pytest.mark.parametrize(("ui", "control"), [("off", "on"), ("on", "off")])
def test_the_console_can_be_switched_off(ui: str, control: str) -> None:
    with playing(ui=ui, control=control) as mock:
        assert visit(mock, "/ui").status_code == 404
        answer = mock.run(mock.client.get("/", headers={"accept": "text/html"}))
        assert answer.status_code == 404


def test_a_browser_that_opens_the_address_comes_to_the_console_and_a_program_does_not(mock: Mock) -> None:
    page = mock.run(mock.client.get("/", headers={"accept": "text/html,*/*"}))
    assert (page.status_code, page.headers["location"]) == (303, "/__mock__/ui")
    assert mock.run(mock.client.get("/")).status_code == 404


def test_a_request_is_shown_with_its_headers_and_body_and_as_curl_without_its_key(mock: Mock) -> None:
    mock.post(BODY | {"promt": "<script>alert(1)</script>"}, token=TOKEN)
    shown = visit(mock, "/ui/exchanges/1").text
    assert "unknown field promt" in shown
    assert "<script>alert" not in shown
    assert "curl -X POST &#39;http://mock.test/v1/videos/generations&#39;" in shown
    assert "$EVOLINK_API_KEY" in shown
    assert TOKEN not in shown
    assert visit(mock, "/ui/exchanges/2").status_code == 404


def test_a_head_request_is_shown_without_a_body_and_as_curl_that_ends(mock: Mock) -> None:
    mock.run(mock.client.head("/v1/nowhere"))
    shown = visit(mock, "/ui/exchanges/1").text
    assert "curl --head &#39;http://mock.test/v1/nowhere&#39;" in shown
    assert shown.count("No body.") == 2  # of the request and of the response


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("?status=4", 1),
        ("?status=4xx", 1),
        ("?violations=1", 1),
        ("?path=videos", 1),
        ("?text=there+is+no", 1),
        ("?text=TASK-unified", 1),
        ("?since=2", 1),
        ("?since=999", 3),
        ("?status=2&path=CREDITS", 1),
        ("?account=nobody", 0),
    ],
)
def test_the_live_view_can_be_filtered(mock: Mock, query: str, count: int) -> None:
    mock.get("/v1/credits")
    mock.get("/v1/nowhere")
    mock.create()
    rows = visit(mock, f"/ui/live{query}").text
    assert rows.count('class="when"') == count


def test_a_task_is_shown_with_its_timeline_result_and_callback(mock: Mock) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            await mock.asks("POST", "/v1/videos/generations", json=BODY | {"callback_url": receiver.url()})
            mock.clock.advance(60)
            await receiver.until(1)
            await mock.callbacks.until(1)

    with playing(allow_callbacks_to=("127.0.0.1",)) as mock:  # noqa: PLR1704
        mock.run(scene())
        shown = visit(mock, "/ui/tasks").text
    assert '<rect class="processing"' in shown
    assert "<video controls" in shown
    assert "delivered" in shown


def test_the_page_says_that_it_shows_only_the_newest_tasks(mock: Mock) -> None:
    for _ in range(MOST - 1):
        mock.create()
    assert "newest tasks" not in visit(mock, "/ui/tasks").text
    mock.create()
    assert f"Only the {MOST} newest tasks are shown." in visit(mock, "/ui/tasks").text


def test_without_an_account_the_latest_tasks_of_all_accounts_are_shown_the_newest_first(mock: Mock) -> None:
    shown: list[str] = []
    for token in ("one", "two", "one"):
        shown.insert(0, mock.create(token=token)["id"])
        mock.clock.advance(1)
    label = mock.account("two").label
    ids = re.compile(r'<article class="card" data-account="(\w+)" id="([\w-]+)"')
    for path in ("/ui/tasks", "/ui/tasks?account=", "/ui/tasks/cards?account="):
        found = ids.findall(visit(mock, path).text)
        assert [task for _, task in found] == shown
        assert [account == label for account, _ in found] == [False, True, False]
    assert ids.findall(visit(mock, f"/ui/tasks?account={label}").text) == [(label, shown[1])]
    assert ids.findall(visit(mock, "/ui/tasks?account=nobody").text) == []


def test_the_start_page_lists_every_simulated_operation(mock: Mock) -> None:
    rows = re.findall(r"<tr><td><code>(\w+) (\S+)</code>", unescape(visit(mock, "/ui").text))
    routes = [route for route in _routes(mock.service) if route.methods]
    assert sorted(rows) == sorted((min(route.methods or ()), route.path) for route in routes)


def test_the_operator_acts_for_the_account_of_a_card(mock: Mock) -> None:
    task = mock.create()
    label = mock.account().label
    done = act(mock, "POST", f"/tasks/{task['id']}/outcome", label, {"outcome": "completed"})
    assert (done.status_code, mock.query(task)["status"]) == (200, "completed")
    assert act(mock, "POST", "/clock/advance", label, {"seconds": 60}).status_code == 200
    assert act(mock, "POST", "/recipes", label, {"recipe": "402"}).status_code == 201
    shown = visit(mock, "/ui/accounts").text
    assert "clock frozen" in shown
    assert "<code>402</code>" in shown


def test_nobody_else_acts_for_an_account(mock: Mock) -> None:
    label = (mock.create(), mock.account())[1].label
    headers = {"host": "localhost", "mock-account": label}
    answer = mock.run(mock.client.post("/__mock__/clock/freeze", headers=headers))
    assert answer.status_code == 401
    other_site = act(mock, "POST", "/clock/freeze", label, origin="http://other.test")
    assert other_site.status_code == 403
    assert not mock.run(mock.client.get("/__mock__/account", headers={"authorization": "Bearer key"})).json()[
        "frozen"
    ]


def test_a_request_can_be_sent_again_for_the_account_that_sent_it(mock: Mock) -> None:
    mock.create()
    answer = act(mock, "POST", "/exchanges/1/resend", "")
    assert (answer.status_code, answer.json()) == (201, {"number": 2, "status": 200})
    assert mock.account().task_count == 2
    gone = act(mock, "POST", "/exchanges/99/resend", "")
    assert gone.status_code == 404


def test_the_documents_are_shown_with_this_server_as_their_only_one(mock: Mock) -> None:
    document = visit(mock, "/ui/documents/0.json").json()
    assert document["servers"] == [{"url": "/"}]
    assert "TaskDetailResponse" in document["components"]["schemas"]  # to which the callback refers
    assert visit(mock, "/ui/documents/99.json").status_code == 404


def test_an_open_page_does_not_fill_the_log_or_the_feed(mock: Mock) -> None:
    visit(mock, "/ui/tasks/cards")
    assert mock.logged() == ""
    assert mock.service.exchange_feed.last == 0


def test_the_example_to_copy_is_a_valid_request(mock: Mock) -> None:
    shown = unescape(visit(mock, "/ui").text)
    body = re.search(r"-d '(\{.*?\})'", shown)
    assert body
    assert mock.post(body[1].encode()).status_code == 200


def test_the_example_has_a_key_that_the_mock_accepts_and_only_the_operator_sees_it() -> None:
    with playing(tokens=frozenset({"second-key", "first-key"})) as mock:
        shown = unescape(visit(mock, "/ui").text)
        assert shown.count("first-key") == 4  # the environment, curl, Python and JavaScript
        assert "any-token" not in shown
        assert "first-key" in visit(mock, "/docs").text
        for path in ("/ui", "/docs"):
            assert "first-key" not in visit(mock, path, cookie="").text


def test_a_refusal_whose_style_sheet_would_be_refused_too_is_plain_text(mock: Mock) -> None:
    refused = visit(mock, "/ui", host="other.test")
    assert (refused.status_code, refused.headers["content-type"]) == (403, "text/plain; charset=utf-8")
    assert "--allow-host other.test" in refused.text


def test_a_document_has_every_schema_to_which_it_refers(mock: Mock) -> None:
    for number in range(2):
        text = visit(mock, f"/ui/documents/{number}.json").text
        references = set(re.findall(r'"#/components/schemas/(\w+)"', text))
        assert references <= set(json.loads(text)["components"]["schemas"])


def test_the_start_page_says_what_is_played_and_where_the_state_is(tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path / 'private.db'}"
    with playing(store=store, recipes="header,token", recipe="429") as mock:
        text = mock.get("/__mock__/ui", token=None).text
    assert "grok-imagine-image-to-video.yaml" in text
    assert "from header, token; by default 429" in text
    assert "kept in sqlite" in text
    assert "private.db" not in text
