"""Make the pictures in docs/images: `PYTHONPATH=tests uv run python tests/support/console_pictures.py`."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx2
from evolink_mock import Receiver
from evolink_mock.server.thread import serve_in_thread
from evolink_mock.settings import Settings
from evolink_spec import load
from playwright.sync_api import Page, sync_playwright

from support.builders import BODY

IMAGES = Path(__file__).parents[2] / "docs" / "images"
KEY = "a-key-for-pictures"
FIRST_PICTURE = """video => new Promise((shown) => {
    video.onseeked = shown;
    video.preload = "auto";
    video.currentTime = 1;
})"""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def main() -> None:
    """Play a short scene, and take a picture of two pages."""
    IMAGES.mkdir(exist_ok=True)
    settings = Settings(port=0, ui_key=KEY, allow_callbacks_to=("127.0.0.1",), seed=1)
    with (
        serve_in_thread(load(), settings) as server,
        Receiver() as receiver,
        sync_playwright() as playwright,
        httpx2.Client(base_url=server.url, headers={"authorization": "Bearer any-token"}) as client,
    ):
        _play(client, receiver.url)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1180, "height": 560}, color_scheme="light")
        page.goto(f"{server.url}/__mock__/ui?key={KEY}")
        _picture(page, f"{server.url}/__mock__/ui/live", "console-live.png")
        _picture(page, f"{server.url}/__mock__/ui/tasks", "console-tasks.png")
        browser.close()


def _play(client: httpx2.Client, callback_url: str) -> None:
    create = "/v1/videos/generations"
    task = client.post(create, json=BODY | {"callback_url": callback_url}).json()
    client.get(f"/v1/tasks/{task['id']}")
    client.post("/__mock__/clock/advance", json={"seconds": 60})
    client.get(f"/v1/tasks/{task['id']}")
    client.post(create, json=BODY | {"promt": "A dance"})
    client.post(create, json=BODY | {"duration": 7})
    client.get("/v1/video/generations")
    client.get("/v1/credits")


def _picture(page: Page, url: str, name: str) -> None:
    page.goto(url)
    for video in page.locator("video").all():
        video.evaluate(FIRST_PICTURE)
    page.screenshot(path=IMAGES / name)


if __name__ == "__main__":
    main()
