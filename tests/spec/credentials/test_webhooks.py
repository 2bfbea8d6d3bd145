"""The secret part of a webhook URL is removed, because whoever has the URL can call the webhook."""

from __future__ import annotations

import time

import pytest
from evolink_check.traffic.body_redaction import redact_body
from evolink_mock.domain.redaction import Redactor
from evolink_spec.credentials.webhooks import without_webhook_secrets

GUID = "550e8400-e29b-41d4-a716-446655440000"
WEBHOOKS = [  # what stays of the URL, and what is secret
    *(("hooks.slack.com/services/", "T0000/B0000/plainword"), ("hooks.slack.com/workflows/", "T0/A0/1/abc")),
    *(("discord.com/api/webhooks/", "123456/plainword"), ("discordapp.com/api/v10/webhooks/", "1/plainword")),
    ("x.webhook.office.com/webhookb2/", f"{GUID}@{GUID}/IncomingWebhook/0123456789abcdef/{GUID}"),
    *(
        ("outlook.office.com/webhook/", f"{GUID}@{GUID}"),
        ("hooks.zapier.com/hooks/catch/", "123456/23swswz/"),
    ),
    *(("hook.eu1.make.com/", "plainword"), ("maker.ifttt.com/trigger/x/with/key/", "plainword")),
    *(("webhook.site/", GUID), ("api.telegram.org/bot", "123:plainword/sendMessage")),
    ("open.feishu.cn/open-apis/bot/v2/hook/", GUID),
]


@pytest.mark.parametrize(("known", "secret"), WEBHOOKS)
def test_everything_after_the_known_beginning_is_removed(known: str, secret: str) -> None:
    plain = without_webhook_secrets(f"post to https://{known}{secret}, please", lambda _: "#")
    assert plain.replace("#/", "#") == f"post to https://{known}#, please"


def test_the_secret_subdomain_of_pipedream_is_removed() -> None:
    url = "https://eoabcdefghijkl.m.pipedream.net/x"
    assert without_webhook_secrets(url, lambda _: "#") == "https://#.m.pipedream.net/x"


@pytest.mark.parametrize(("known", "secret"), WEBHOOKS)
def test_journals_and_reports_contain_no_secret_of_a_callback_url(known: str, secret: str) -> None:
    body = f'{{"callback_url":"https://{known}{secret}"}}'.encode()
    for plain in (Redactor(()).body(body), redact_body(body).decode()):
        assert secret.strip("/") not in plain
        assert known in plain
    assert redact_body(redact_body(body)) == redact_body(body)


@pytest.mark.parametrize(
    "text", ["https://hooks.example/a/b", "https://slack.com/services", "a webhook.site"]
)
def test_other_urls_stay(text: str) -> None:
    assert without_webhook_secrets(text, lambda _: "#") == text


@pytest.mark.parametrize(
    "piece", ["hook.", "hooks.zapier.com/hooks/catch/", "maker.ifttt.com/trigger/", "a.pipedream"]
)
def test_the_time_grows_no_faster_than_the_text(piece: str) -> None:
    began = time.process_time()
    without_webhook_secrets(piece * (100_000 // len(piece)), lambda _: "#")
    assert time.process_time() - began < 5
