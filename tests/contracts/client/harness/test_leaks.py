"""Keys and secrets in what a client printed and wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from evolink_check.client.harness.leaks import printed_secrets, secrets_of, written_secrets
from evolink_check.traffic.known_keys import KEY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("", ()),
        ("http://127.0.0.1:1/callback", ()),
        ("http://127.0.0.1:1/callback?secret=7c31e9&n=1", ("7c31e9",)),
        ("https://a.example/hooks/0123456789abcdef", ("0123456789abcdef",)),
    ],
)
def test_the_secrets_of_a_callback_url(url: str, secrets: tuple[str, ...]) -> None:
    assert secrets_of(url) == secrets


def test_secrets_in_the_output_are_named_by_their_stream() -> None:
    texts = {"stdout.txt": f"key {KEY}", "stderr.txt": "listening on /callback?secret=7c31e9"}
    assert list(printed_secrets(texts, ("7c31e9",))) == [
        "the key in stdout",
        "the secret of the callback URL in stderr",
    ]
    assert list(printed_secrets({"stdout.txt": "saved"}, ("7c31e9",))) == []


def test_secrets_in_files_are_named_by_their_file(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "debug.txt").write_text("Bearer a-long-token", encoding="utf-8")
    (tmp_path / "video.mp4").write_bytes(b"\0" * 100)
    assert list(written_secrets(tmp_path, "a-long-token", ())) == ["the key in the file log/debug.txt"]
