"""Documents are named by a path, and never fetched."""

from __future__ import annotations

from pathlib import Path

import pytest
from evolink_spec.document_path import parse_document_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("api.yaml", "api.yaml"),
        ("/srv/api.yaml", "/srv/api.yaml"),
        ("a:b.yaml", "a:b.yaml"),
        ("file:///srv/the%20api.yaml", "/srv/the api.yaml"),
        ("FILE://localhost/srv/api.yaml", "/srv/api.yaml"),
    ],
)
def test_a_path_and_a_file_url_name_a_file(text: str, path: str) -> None:
    assert parse_document_path(text) == Path(path)


@pytest.mark.parametrize(
    "url",
    ["http://a/api.yaml", "HTTPS://a/api.yaml", "ftp://a/api.yaml", "s3://a/api.yaml", "file://a/api.yaml"],
)
def test_any_other_url_is_to_be_downloaded_first(url: str) -> None:
    with pytest.raises(ValueError, match="is a URL: download the document first"):
        parse_document_path(url)
