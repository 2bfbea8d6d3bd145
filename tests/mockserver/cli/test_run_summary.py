"""What `run` tells of a command when it is over."""

from __future__ import annotations

import json
from typing import Any

from evolink_mock.cli.run_summary import TrafficSummary
from evolink_mock.domain.exchange import Exchange
from evolink_mock.interception.proxy import UNTRUSTED, ProxyConnection

HEAD = "evolink-mock: the command asked for\n"


def exchange(path: str, status: int = 200, task: str = "", *notes: str, method: str = "GET") -> Exchange:
    return Exchange(method, path, 0.0, status, task_id=task, notes=notes)


def report(*exchanges: Exchange, passages: tuple[ProxyConnection, ...] = ()) -> list[str]:
    heard = TrafficSummary()
    for one in exchanges:
        heard.exchange(one)
    for passage in passages:
        heard.passage(passage)
    first, *rest = heard.report(", try this").splitlines()
    assert first + "\n" == HEAD
    return [line.strip() for line in rest]


def test_the_same_request_of_different_tasks_is_one_line() -> None:
    polls = [exchange(f"/v1/tasks/task-{number}", 200, f"task-{number}") for number in range(3)]
    assert report(exchange("/v1/credits"), *polls) == [
        "1 x  200  GET  /v1/credits",
        "3 x  200  GET  /v1/tasks/{task}",
    ]


def test_a_refusal_is_told_with_its_reason_and_apart_from_a_success() -> None:
    create = "/v1/videos/generations"
    lines = report(
        exchange(create, 200, method="POST"),
        exchange(create, 400, "", "duration: 7 is not one of 6, 10", "a hint", method="POST"),
        exchange(create, 0, "", "the client disconnected", method="POST"),
    )
    assert lines == [
        f"1 x  200  POST {create}",
        f"1 x  400  POST {create}  (duration: 7 is not one of 6, 10; a hint)",
        f"1 x  ---  POST {create}  (the client disconnected)",
    ]


def test_other_hosts_are_told_after_what_the_mock_answered() -> None:
    passages = (
        ProxyConnection("example.com", 443, "refused"),
        ProxyConnection("example.com", 443, "refused"),
    )
    assert report(exchange("/a"), passages=passages)[1:] == ["2 x  refused: example.com:443"]


def test_who_asked_for_nothing_is_advised_unless_it_did_come_by_the_proxy() -> None:
    assert report() == ["nothing, try this"]
    assert report(passages=(ProxyConnection("a.example", 80, "passed on"),)) == [
        "nothing",
        "1 x  passed on: a.example:80",
    ]


def test_a_client_that_connected_and_sent_nothing_readable_is_not_suspected_of_reaching_the_real_api() -> (
    None
):
    (line,) = TrafficSummary().report(": try this", was_reached=True).splitlines()[1:]
    assert line.strip().startswith(
        "nothing: it connected to the mock, but sent no request that the mock can read"
    )


def test_a_report_stays_short_and_counts_whatever_comes() -> None:
    lines = report(*(exchange(f"/{number}") for number in range(2000)))
    assert (len(lines), lines[-1]) == (41, "and 961 more")


def test_nothing_of_a_request_drives_the_terminal() -> None:
    (line,) = report(exchange("/\x1b[2J\n" + "x" * 500, 404, "", "\x07"))
    assert line.isprintable()
    assert "/\\x1b[2J\\n" in line
    assert len(line) < 200


def test_a_client_that_did_not_trust_the_certificate_is_told_from_one_that_never_came() -> None:
    untrusting = ProxyConnection("api.evolink.ai", 443, UNTRUSTED)
    lines = report(passages=(untrusting, untrusting))
    assert lines[:2] == ["nothing", "2 x  did not trust the certificate: api.evolink.ai:443"]
    assert "it has its own trust store" in lines[2]
    assert "trust store" not in " ".join(report())


def event(*exchanges: Exchange, passages: tuple[ProxyConnection, ...] = ()) -> dict[str, Any]:
    heard = TrafficSummary()
    for one in exchanges:
        heard.exchange(one)
    for passage in passages:
        heard.passage(passage)
    line = heard.to_json(": try this")
    assert line.endswith("\n")
    assert line.count("\n") == 1
    return {name: value for name, value in json.loads(line).items() if name != "time"}


def test_a_log_of_json_has_the_requests_and_connections_as_objects() -> None:
    polls = [exchange(f"/v1/tasks/task-{number}", 200, f"task-{number}") for number in range(2)]
    lost = exchange("/\x07", 0, "", "the client disconnected", method="POST")
    assert event(*polls, lost, passages=(ProxyConnection("a.example", 80, "passed on"),)) == {
        "level": "info",
        "logger": "evolink_mock",
        "event": "summary",
        "message": "the command sent 3 requests",
        "requests": [
            {"count": 2, "status": 200, "method": "GET", "path": "/v1/tasks/{task}", "reasons": []},
            {
                "count": 1,
                "status": None,
                "method": "POST",
                "path": "/\x07",
                "reasons": ["the client disconnected"],
            },
        ],
        "connections": [{"count": 1, "host": "a.example", "port": 80, "outcome": "passed on"}],
    }


def test_the_message_of_a_log_of_json_says_what_to_do() -> None:
    assert event()["message"] == "the command asked for nothing: try this"
    untrusting = event(passages=(ProxyConnection("api.evolink.ai", 443, UNTRUSTED),))["message"]
    assert untrusting.startswith("the command asked for nothing. ")
    assert "it has its own trust store" in untrusting


def test_what_is_not_counted_separately_is_counted_together() -> None:
    many = [exchange(f"/{number}") for number in range(1200)]
    rows = event(*many)["requests"]
    assert (len(rows), rows[-1]["count"], rows[-1]["path"]) == (1001, 200, "")
    assert event(*many)["message"] == "the command sent 1200 requests"
