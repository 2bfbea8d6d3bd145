"""What is kept of traffic: no credential, and no more than there is room for."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.proxy import monitor as monitoring
from evolink_check.proxy.monitor import LiveMonitor
from evolink_check.proxy.recorder import PendingExchange, ProxyRecorder
from evolink_check.traffic.credentials import credentials_in
from evolink_check.traffic.trace import Exchange
from evolink_spec import load
from evolink_spec.clauses import load_clauses
from support.records.trace_builders import BODY, CREATE, compact, error, task

if TYPE_CHECKING:
    from evolink_check.traffic.trace import Entry

SECRET = "correct-horse-battery-staple"
MIXED = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ"


def passing(target: str = "/v1/credits", **more: Any) -> PendingExchange:
    body, answer = more.pop("body", b""), more.pop("answer", b"{}")
    headers = [(name.encode(), value.encode()) for name, value in more.pop("headers", {}).items()]
    found = PendingExchange(
        more.pop("method", "POST"), target, 1.0, headers, request_complete=True, status=200, ended=2.0, **more
    )
    found.request.add(body)
    found.response.add(answer)
    return found


def kept_of(*exchanges: PendingExchange) -> list[Entry]:
    record = ProxyRecorder("https://api.example.test")
    entries = [record.add(exchange) for exchange in exchanges]
    return [entry for entry in entries if entry is not None]


@pytest.mark.parametrize(
    "name",
    [
        *("X-Auth", "X-Session-Id", "X-Credential", "Ocp-Apim-Subscription-Key", "X-Api-Key", "X-Auth-Token"),
        *(
            "X-Access-Token",
            "X-Goog-Api-Key",
            "X-Amz-Security-Token",
            "X-Secret",
            "X-Functions-Key",
            "ApiKey",
        ),
        *(
            "X-Key",
            "X-Auth-Key",
            "Proxy-Authorization",
            "X-Access-Key",
            "X-Client-Secret",
            "X-JWT",
            "Api-Session",
        ),
    ],
)
def test_a_credential_in_a_header_is_not_kept_nor_where_it_comes_back(name: str) -> None:
    later = passing(answer=json.dumps({"echo": SECRET}).encode())
    entries = kept_of(passing(headers={name: SECRET}, answer=f'{{"you sent": "{SECRET}"}}'.encode()), later)
    assert SECRET not in repr(entries)


@pytest.mark.parametrize(
    "name", ["Idempotency-Key", "Content-Type", "Accept", "X-Request-Id", "Sec-WebSocket-Key"]
)
def test_a_header_that_holds_no_credential_is_kept(name: str) -> None:
    (entry,) = kept_of(passing(headers={name: "some-value-of-it"}))
    assert (name, "some-value-of-it") in entry.exchange.request_headers


@pytest.mark.parametrize(
    ("exchange", "secret"),
    [
        (passing(headers={"Authorization": "Basic " + b64encode(f"me:{SECRET}".encode()).decode()}), SECRET),
        (passing(headers={"Authorization": f"ApiKey {SECRET}"}), SECRET),
        (passing(headers={"Cookie": f"theme=dark; sid={SECRET}"}), SECRET),
        (passing(f"/v1/credits?api_key={SECRET}"), SECRET),
        (passing("/v1/credits?access_token=correct%2Fhorse%2Fbattery"), "correct/horse/battery"),
        (passing(body=json.dumps({"client_secret": SECRET}).encode()), SECRET),
        (passing(body=f"user=me&password={SECRET}".encode()), SECRET),
    ],
)
def test_a_credential_is_removed_wherever_it_appears_again(exchange: PendingExchange, secret: str) -> None:
    echo = passing(
        f"/v1/tasks/{secret}",
        body=f"--x\r\nContent-Disposition: form-data; name=note\r\n\r\n{secret}\r\n--x--".encode(),
        answer=json.dumps({"message": f"no such key: {secret}", "url": f"https://x.test/{secret}"}).encode(),
    )
    assert secret not in repr(kept_of(exchange, echo))


def test_a_secret_field_of_a_form_is_not_kept_and_the_others_are() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="api_key"\r\n\r\n' + SECRET.encode() + b"\r\n"
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        b"\x89PNG\r\n\x1a\n\x00\xff\r\n--b--\r\n"
    )
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    (entry,) = kept_of(passing(headers=kind, body=body))
    assert entry.exchange.request_body == body.replace(SECRET.encode(), b"[removed]")
    assert not entry.exact


def test_what_looks_like_a_key_in_a_path_is_not_kept() -> None:
    entries = kept_of(passing(f"/{MIXED}/v1/credits"), passing("/v1/tasks/task-unified-1757169743-7cvnl5zw"))
    assert MIXED not in repr(entries)
    assert entries[1].exchange.url.endswith("/v1/tasks/task-unified-1757169743-7cvnl5zw")


@pytest.mark.parametrize(
    "value",
    [
        "sk-live-0123456789",
        MIXED,
        "0123456789abcdef" * 2,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    ],
)
def test_a_key_under_any_name_is_not_kept_nor_where_it_comes_back(value: str) -> None:
    echo = passing(answer=json.dumps({"echo": f"{value}!"}).encode())
    assert value not in repr(kept_of(passing(headers={"X-Foo": value}), echo))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("User-Agent", "Apache-HttpClient/4.5.14 (Java/17.0.9)"),
        ("X-Request-Id", MIXED),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("If-None-Match", '"0123456789abcdef0123456789abcdef"'),
        ("Idempotency-Key", MIXED),
        ("X-Foo", "8e1c9b1a-0d1f-4a7e-9a51-0f2b6f9a2a11"),
        ("Content-Type", "multipart/form-data; boundary=0123456789abcdef0123456789abcdef"),
    ],
)
def test_a_value_that_identifies_something_else_is_kept(name: str, value: str) -> None:
    assert (name, value) in kept_of(passing(headers={name: value}))[0].exchange.request_headers


def test_a_key_in_a_path_is_removed_where_the_response_repeats_it() -> None:
    answer = json.dumps({"message": f"no route for {MIXED}"}).encode()
    assert MIXED not in repr(kept_of(passing(f"/{MIXED}/v1/credits", answer=answer)))


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
@pytest.mark.parametrize("key", ["hunter", "123456"])
def test_a_short_key_of_letters_or_digits_is_masked_in_what_is_written(key: str, header: str) -> None:
    written: list[Entry] = []
    record = ProxyRecorder("https://api.example.test", written.append)
    answer = f'{{"message":"{key} is not known","created":123456}}'.encode()
    record.add(passing(headers={header: f"Bearer {key}"}, answer=answer))
    body = json.loads(written[0].exchange.response_body)
    assert (key in body["message"], body["created"]) == (False, 123456)
    assert record.short_keys == (key,)
    assert key in repr(record.trace().entries)  # the rules judge what was sent


def test_a_short_key_after_a_long_scheme_is_masked_in_what_is_written() -> None:
    written: list[Entry] = []
    record = ProxyRecorder("https://api.example.test", written.append)
    answer = b'{"message":"hunter is not known"}'
    record.add(passing(headers={"X-Api-Key": f"{'x' * 300} hunter"}, answer=answer))
    assert b"hunter" not in written[0].exchange.response_body


def test_a_plain_word_that_was_sent_as_a_key_is_masked_in_what_is_written() -> None:
    written: list[Entry] = []
    record = ProxyRecorder("https://api.example.test", written.append)
    record.add(passing(headers={"X-Api-Key": "opensesame"}, answer=b'{"message":"opensesame is not known"}'))
    assert b"opensesame" not in written[0].exchange.response_body


def test_only_what_was_sent_as_a_credential_is_one() -> None:
    exchange = Exchange(
        "POST", "/v1/x?page=some-long-value", (("X-Trace", "some-long-value"),), b"{}", 200, (), b""
    )
    assert credentials_in(exchange) == set()


def test_memory_is_bounded_and_what_was_forgotten_is_counted() -> None:
    record = ProxyRecorder("https://api.example.test", room=100_000)
    for _ in range(1000):
        record.add(passing(answer=b'{"a": "%s"}' % (b"x" * 500)))
    assert (len(record), len(record.trace().entries) < 100) == (1000, True)
    assert record.forgotten == 1000 - len(record.trace().entries) == record.unjudged


def test_what_was_forgotten_was_judged_before_and_is_in_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "_SHARE", 0)
    record = ProxyRecorder("https://api.example.test", room=100_000)
    monitor = LiveMonitor(record, load(), load_clauses(), "server", complete=True)
    wrong = {**task(), "status": "nonsense"}
    record.add(
        passing(
            CREATE, body=compact(BODY), answer=compact(wrong), headers={"Authorization": "Bearer some-key"}
        )
    )
    failed = {verdict.clause.id for verdict in monitor.new_failures() if verdict.fails}
    assert failed
    while not record.forgotten:
        for _ in range(20):
            record.add(passing("/v1/credits", method="GET", answer=compact(error("x", "y"))))
        monitor.new_failures()
    report = monitor.report(0.0)
    assert failed <= {verdict.clause.id for verdict in report.verdicts if verdict.fails}
    assert report.exit_status == 1
    assert record.unjudged == 0
    assert any(f"the first {record.forgotten} exchanges" in note for note in report.notes)
