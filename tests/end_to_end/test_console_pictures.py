"""The pictures in docs/images, which this test makes anew if EVOLINK_PICTURES is set."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import httpx2
import pytest
from evolink_mock import Receiver
from evolink_mock.server.thread import serve_in_thread
from evolink_mock.settings import Settings
from evolink_spec import load
from playwright.sync_api import sync_playwright
from support.paths import ROOT
from support.records.builders import BODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

IMAGES = ROOT / "docs" / "images"
WIDTH = 1180
KEY = "a-key-for-pictures"
# As root, Chromium has no sandbox. The other arguments keep it from talking to other machines.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
AT_ONE_SECOND = """video => new Promise((shown) => {
    video.onseeked = shown;
    video.preload = "auto";
    video.currentTime = 1;
})"""

pytestmark = pytest.mark.skipif(
    "EVOLINK_PICTURES" not in os.environ,
    reason="EVOLINK_PICTURES=1 makes the pictures of the documentation anew",
)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A browser in the console of a mock that has handled some requests."""
    settings = Settings(port=0, ui_key=KEY, allow_callbacks_to=("127.0.0.1",), seed=1)
    with (
        serve_in_thread(load(), settings) as server,
        Receiver() as receiver,
        sync_playwright() as playwright,
        httpx2.Client(base_url=server.url, headers={"authorization": "Bearer any-token"}) as client,
    ):
        send_requests(client, receiver.url)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(base_url=server.url, color_scheme="light")
        page.goto(f"/__mock__/ui?key={KEY}")
        yield page
        browser.close()


def send_requests(client: httpx2.Client, callback_url: str) -> None:
    create = "/v1/videos/generations"
    task = client.post(create, json=BODY | {"callback_url": callback_url}).json()
    client.get(f"/v1/tasks/{task['id']}")
    client.post("/__mock__/clock/advance", json={"seconds": 60})
    client.get(f"/v1/tasks/{task['id']}")
    client.post(create, json=BODY | {"promt": "A dance"})
    client.post(create, json=BODY | {"duration": 7})
    client.get("/v1/video/generations")
    client.get("/v1/credits")


@pytest.mark.parametrize(("name", "height"), [("live", 560), ("tasks", 880)])
def test_a_page_of_the_console_is_pictured(page: Page, name: str, height: int) -> None:
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.goto(f"/__mock__/ui/{name}")
    for video in page.locator("video").all():
        video.evaluate(AT_ONE_SECOND)
    picture = IMAGES / f"console-{name}.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size > 10_000
