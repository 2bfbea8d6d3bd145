"""The served report: the page at a link that nobody can guess, and nothing else."""

from __future__ import annotations

import httpx2
from evolink_check.cli.reports.server import serving


def test_the_page_is_at_its_link_and_nothing_at_any_other() -> None:
    with serving("<p>é</p>") as url, httpx2.Client(trust_env=False) as http:
        response = http.get(url)
        assert (response.status_code, response.text) == (200, "<p>é</p>")
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert http.get(url.rpartition("/")[0]).status_code == 404
        assert http.get(f"{url}x").status_code == 404
        assert url.startswith("http://127.0.0.1:")
