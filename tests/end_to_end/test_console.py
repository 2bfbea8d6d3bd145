"""The console in Chromium, over a real server: each act once, wide and light, narrow and dark, accessible in both."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from evolink_mock import Receiver
from evolink_mock.server.thread import serve_in_thread
from evolink_mock.settings import Settings
from evolink_spec import load
from playwright.sync_api import expect, sync_playwright
from support.records.builders import BODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or ""
KEY = "a-key-for-this-test"
# As root Chromium has no sandbox; the rest keeps it from talking to other machines.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"wide and light": (1280, "light"), "narrow and dark": (360, "dark")}
OTHER_SCHEMES = {"light": "dark", "dark": "light"}
TABS = ["", "/live", "/tasks", "/accounts", "/recipes"]

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no chromium on this machine")


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    settings = Settings(port=0, ui_key=KEY, allow_callbacks_to=("127.0.0.1",))
    with serve_in_thread(load(), settings) as server:
        yield server.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def console(browser: Browser, base_url: str, size: str = "wide and light") -> Iterator[Page]:
    """A new browser session that has opened the printed link, and reports no error."""
    width, scheme = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{base_url}/__mock__/ui?key={KEY}")
    yield page
    context.close()
    assert errors == []


class Client:
    """A client of the mock with an account of its own."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http
        self.label: str = http.get("/__mock__/account").json()["label"]

    def create(self, **fields: Any) -> str:
        task_id: str = self.http.post("/v1/videos/generations", json=BODY | fields).json()["id"]
        return task_id


@pytest.fixture
def client(base_url: str, request: pytest.FixtureRequest) -> Iterator[Client]:
    token = re.sub(r"\W+", "-", request.node.name)[-60:]
    with httpx2.Client(
        base_url=base_url, headers={"authorization": f"Bearer {token}"}, trust_env=False
    ) as http:
        yield Client(http)


def serious_violations(page: Page) -> list[str]:
    """What keeps people from using the page, as axe-core finds it."""
    found = Axe().run(page).response["violations"]
    return [one["id"] for one in found if one["impact"] in {"serious", "critical"}]


@pytest.mark.parametrize("size", SIZES)
def test_every_page_fits_its_width_and_is_accessible(
    browser: Browser, base_url: str, client: Client, size: str
) -> None:
    with Receiver() as receiver:
        client.create(callback_url=receiver.url)
        client.create(promt="unknown")
        with console(browser, base_url, size) as page:
            for tab in [*TABS, "/exchanges/1"]:
                page.goto(f"{base_url}/__mock__/ui{tab}")
                assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), tab
                for scheme in (SIZES[size][1], OTHER_SCHEMES[SIZES[size][1]]):
                    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
                    assert not serious_violations(page), (tab, scheme)


REPORT_HELD = (
    """() => document.addEventListener("htmx:sseBeforeMessage", () => console.log("held"), { once: true })"""
)


@pytest.mark.parametrize("size", SIZES)
def test_a_request_appears_while_the_page_is_open_and_can_be_opened_and_sent_again(
    browser: Browser, base_url: str, client: Client, size: str
) -> None:
    with console(browser, base_url, size) as page:
        page.goto(f"{base_url}/__mock__/ui/live?account={client.label}")
        task_id = client.create()
        row = page.locator("#rows tr").first
        expect(row).to_contain_text(task_id)
        page.get_by_role("button", name="Pause").click()
        with page.expect_console_message(lambda message: message.text == "held"):
            page.evaluate(REPORT_HELD)
            client.create()
        expect(page.locator("#rows tr")).to_have_count(1)
        page.get_by_role("button", name="Continue").click()
        expect(page.locator("#rows tr")).to_have_count(2)
        page.get_by_role("button", name="Clear").click()
        expect(page.locator("#rows tr")).to_have_count(0)
        task_id = client.create()
        page.locator("#rows a").click()
        expect(page.get_by_text("$EVOLINK_API_KEY")).to_be_visible()
        page.go_back()
        expect(page.locator("#rows tr")).to_have_count(1)
        expect(page.locator("#rows")).to_contain_text(task_id)
        page.locator("#rows a").click()
        page.get_by_role("button", name="Send again").click()
        expect(page.locator("#message")).to_contain_text("Send again: status 200.")
        page.locator("#message a").click()
        expect(page.locator("main")).not_to_contain_text(task_id)
        assert len(client.http.get("/__mock__/tasks").json()["tasks"]) == 4


def test_a_refused_request_shows_its_clause_and_the_nearest_name_until_a_reset_clears_the_view(
    browser: Browser, base_url: str, client: Client
) -> None:
    with console(browser, base_url) as page:
        page.goto(f"{base_url}/__mock__/ui/live?account={client.label}&violations=1")
        client.create()
        client.http.post("/v1/videos/generations", json=BODY | {"model": "grok-imagine-image-to-vidoe-beta"})
        row = page.locator("#rows tr").first
        expect(row.locator(".chip")).to_have_text("client.valid-request")
        row.locator("a").click()
        expect(page.locator("main")).to_contain_text("Nearest: grok-imagine-image-to-video-beta")
        expect(page.locator("main")).to_contain_text("Clause client.valid-request: ")
        page.go_back()
        expect(page.locator("#rows tr")).to_have_count(1)
        client.http.post("/__mock__/reset")
        expect(page.locator("#rows tr")).to_have_count(0)


@pytest.mark.parametrize("size", SIZES)
def test_a_task_is_finished_failed_expired_and_its_callback_delivered_again(
    browser: Browser, base_url: str, client: Client, size: str
) -> None:
    with Receiver() as receiver:
        client.http.post("/__mock__/clock/freeze")
        done, failed = client.create(callback_url=receiver.url), client.create()
        with console(browser, base_url, size) as page:
            page.goto(f"{base_url}/__mock__/ui/tasks?account={client.label}")
            card = page.locator(f"#{failed}")
            card.get_by_label("Code").select_option("service_error")
            card.get_by_role("button", name="Fail").click()
            expect(card.locator(".chip")).to_have_text("failed")
            card = page.locator(f"#{done}")
            card.get_by_role("button", name="Finish").click()
            expect(card).to_contain_text("delivered")
            card.get_by_role("button", name="Redeliver callback").click()
            expect(card.locator("li")).to_have_count(2)
            video = card.locator("video")
            video.evaluate("video => video.play()")
            expect(video).to_have_js_property("paused", value=False)
            video.evaluate("video => video.pause()")
            card.get_by_role("button", name="Expire link").click()
            expect(page.locator("#message")).to_have_text("Expire link: done")
            expect(video).to_have_count(0)
            link = client.http.get(f"/v1/tasks/{done}").json()["results"][0]
            assert client.http.get(link).status_code == 410


TWO_REFRESHES = """() => new Promise((refreshed) => {
    let count = 0;
    document.addEventListener("htmx:afterSwap", () => { if (++count === 2) refreshed(); });
})"""
AT_ONE_SECOND = """video => new Promise((sought) => {
    video.onseeked = sought;
    video.preload = "auto";
    video.currentTime = 1;
})"""


def test_a_refresh_keeps_the_chosen_code_the_focus_the_selected_text_and_the_time_of_a_paused_video(
    browser: Browser, base_url: str, client: Client
) -> None:
    client.http.post("/__mock__/clock/freeze")
    done, failed = client.create(), client.create()
    client.http.post(f"/__mock__/tasks/{done}/outcome", json={"outcome": "completed"})
    with console(browser, base_url) as page:
        page.goto(f"{base_url}/__mock__/ui/tasks?account={client.label}")
        page.locator("video").evaluate(AT_ONE_SECOND)
        card = page.locator(f"#{failed}")
        card.locator("h2 code").select_text()
        card.get_by_label("Code").select_option("service_error")
        card.get_by_label("Code").press("Tab")
        client.create()
        page.evaluate(TWO_REFRESHES)
        expect(page.locator("article")).to_have_count(3)
        expect(card.get_by_role("button", name="Fail")).to_be_focused()
        assert page.evaluate("getSelection().toString()") == failed
        expect(page.locator("video")).to_have_js_property("currentTime", 1)
        page.keyboard.press("Enter")
        expect(card).to_contain_text("service_error")


def test_the_focus_moves_to_the_heading_of_the_card_when_a_refresh_removes_the_pressed_button(
    browser: Browser, base_url: str, client: Client
) -> None:
    client.http.post("/__mock__/clock/freeze")
    client.http.post("/__mock__/recipes", json={"recipe": "ok"})
    task_id = client.create()
    with console(browser, base_url) as page:
        page.goto(f"{base_url}/__mock__/ui/tasks?account={client.label}")
        card = page.locator(f"#{task_id}")
        card.get_by_role("button", name="Finish").press("Enter")
        expect(card.get_by_role("heading")).to_be_focused()
        page.keyboard.press("Tab")
        expect(card.get_by_role("link")).to_be_focused()
        client.http.post("/__mock__/recipes", json={"recipe": "ok", "times": None})
        page.goto(f"{base_url}/__mock__/ui/accounts")
        card = page.locator(f"#account-{client.label}")
        card.get_by_role("button", name="Clear recipes").press("Enter")
        expect(card.get_by_role("heading")).to_be_focused()


@pytest.mark.parametrize("size", SIZES)
def test_the_tasks_of_all_accounts_are_shown_until_one_is_selected(
    browser: Browser, base_url: str, client: Client, size: str
) -> None:
    task_id = client.create()
    with console(browser, base_url, size) as page:
        page.goto(f"{base_url}/__mock__/ui/tasks")
        page.locator(f"#{task_id}").get_by_role("link", name=client.label).click()
        expect(page.locator("article")).to_have_count(1)
        page.get_by_label("Account").select_option("All accounts")
        other = create_for_another_account(client)
        page.get_by_role("button", name="Show").click()
        expect(page.locator(f"#{task_id}")).to_be_visible()
        expect(page.locator(f"#{other}")).to_be_visible()
        page.get_by_label("Account").select_option(client.label)
        page.get_by_role("button", name="Show").click()
        expect(page.locator("article")).to_have_count(1)


def create_for_another_account(client: Client) -> str:
    headers = {"authorization": "Bearer another-account"}
    task_id: str = client.http.post("/v1/videos/generations", json=BODY, headers=headers).json()["id"]
    return task_id


@pytest.mark.parametrize("size", SIZES)
def test_a_clock_is_frozen_advanced_and_resumed_and_an_account_reset(
    browser: Browser, base_url: str, client: Client, size: str
) -> None:
    client.create()
    with console(browser, base_url, size) as page:
        page.goto(f"{base_url}/__mock__/ui/accounts")
        card = page.locator(f"#account-{client.label}")
        card.get_by_role("button", name="Freeze clock").click()
        expect(card).to_contain_text("clock frozen")
        before = client.http.get("/__mock__/clock").json()["now"]
        card.get_by_role("button", name="Advance 24 h").click()
        expect(page.locator("#message")).to_have_text("Advance 24 h: done")
        assert client.http.get("/__mock__/clock").json()["now"] == before + 86_400
        card.get_by_role("button", name="Resume clock").click()
        expect(card).not_to_contain_text("clock frozen")
        page.on("dialog", lambda dialog: dialog.accept())
        card.get_by_role("button", name="Reset").click()
        expect(page.locator("#message")).to_have_text("Reset: done")
        assert client.http.get("/__mock__/tasks").json()["tasks"] == []


@pytest.mark.parametrize("size", SIZES)
def test_a_recipe_is_composed_previewed_and_assigned(
    browser: Browser, base_url: str, client: Client, size: str
) -> None:
    with console(browser, base_url, size) as page:
        page.goto(f"{base_url}/__mock__/ui/recipes")
        page.get_by_label("Recipe").fill("fial")
        expect(page.locator("#preview")).to_contain_text("the nearest are")
        page.get_by_label("Recipe").fill("402")
        page.get_by_role("button", name="429*2, ok").click()
        expect(page.locator("#preview")).to_contain_text('Prefer: mock="402, 429*2, ok"')
        page.get_by_label("Recipe").fill("")
        page.get_by_role("button", name="402", exact=True).click()
        expect(page.locator("#preview")).to_contain_text('Prefer: mock="402"')
        page.get_by_label("Account").select_option(client.label)
        page.get_by_role("button", name="Assign").click()
        expect(page.locator("#message")).to_have_text("Assign: done")
        assert client.http.post("/v1/videos/generations", json=BODY).status_code == 402


@pytest.mark.parametrize("size", SIZES)
def test_the_reference_sends_requests_to_this_mock_fits_its_width_and_is_accessible(
    browser: Browser, base_url: str, size: str
) -> None:
    with console(browser, base_url, size) as page:
        page.emulate_media(reduced_motion="reduce")
        page.goto(f"{base_url}/__mock__/docs")
        page.get_by_text("/v1/videos/generations").first.click()
        execute(page, "#main")
        expect(page.locator(".live-responses-table")).to_contain_text("task-unified")
        expect(page.locator(".errors-wrapper")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        band = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert band == {"light": "rgb(255, 255, 255)", "dark": "rgb(28, 32, 34)"}[SIZES[size][1]]
        assert not serious_violations(page)
        page.get_by_role("button", name=f"Switch to {OTHER_SCHEMES[SIZES[size][1]]} mode").click()
        assert not serious_violations(page)


def execute(page: Page, operation: str) -> None:
    page.locator(operation).get_by_role("button", name="Try it out").click()
    page.locator(operation).get_by_role("button", name="Execute").click()


def test_the_reference_of_the_control_api_has_a_key_that_the_mock_accepts(
    browser: Browser, base_url: str
) -> None:
    with console(browser, base_url) as page:
        page.goto(f"{base_url}/__mock__/docs")
        page.get_by_label("Select a definition").select_option("Control API")
        page.locator("#operations-default-account").click()
        execute(page, "#operations-default-account")
        expect(page.locator(".live-responses-table .response-col_status")).to_contain_text(["Code", "200"])
        assert not serious_violations(page)


ATTACK = """async ([target, account]) => {
    const send = async (path, options) => {
        try { return (await fetch(target + path, { credentials: "include", ...options })).status; }
        catch { return "refused"; }
    };
    const frame = document.createElement("iframe");
    frame.src = target + "/ui/live";
    const loaded = new Promise((resolve) => { frame.onload = () => resolve(frame.contentDocument); });
    document.body.append(frame);
    const headers = { "Mock-Account": account };
    return [
        await send("/ui/live"),
        await send("/clock/freeze", { method: "POST", headers }),
        await send("/clock/freeze", { method: "POST", mode: "no-cors" }),
        await loaded,
    ];
}"""


def test_a_page_of_another_origin_can_neither_read_nor_frame_nor_drive_the_console(
    browser: Browser, base_url: str, client: Client
) -> None:
    with serve_in_thread(load(), Settings(port=0, ui="off", control="off")) as another:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{base_url}/__mock__/ui?key={KEY}")  # the browser has the cookie
        page.goto(another.url.replace("127.0.0.1", "localhost"))  # another site to a browser
        page.evaluate("document.body.textContent = ''")
        answers = page.evaluate(ATTACK, [f"{base_url}/__mock__", client.label])
        context.close()
    assert answers == ["refused", "refused", 0, None]  # 0: a response that the page cannot read
    assert not client.http.get("/__mock__/account").json()["frozen"]


def test_a_name_that_merely_resolves_to_the_mock_shows_nothing(base_url: str) -> None:
    answer = httpx2.get(f"{base_url}/__mock__/ui", headers={"host": "rebound.test"}, trust_env=False)
    assert (answer.status_code, KEY in answer.text) == (403, False)
