"""Advice on how to change a client: one line for each clause."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "auth.header": "Send `Authorization: Bearer KEY` with every request to the API.",
    "auth.header-only": "Take the key out of the URL and the body: logs and proxies keep both.",
    "auth.https": "Use https: plain http shows the key to the network.",
    "client.valid-request": "Validate the body against the documented schema before sending it.",
    "client.content-type": "Send exactly one `Content-Type: application/json` header.",
    "client.image-size": "Check that the image is at most 10 MB.",
    "client.image-format": "Send a JPEG, a PNG or a WebP.",
    "client.callback-url": "Use a public https URL of at most 2048 characters.",
    "client.actual-model": "Send the current model name: the old one is only accepted for compatibility.",
    "client.no-unknown-fields": "Leave out undocumented fields: they have no effect, and they hide typos.",
    "client.no-retry-refused": "Treat 400, 401, 402 and 403 as final: tell the user and stop.",
    "client.retry-after": "After a 429, wait for the number of seconds in Retry-After.",
    "client.backs-off": "After a 5xx, wait before the next try, and double the wait each time.",
    "client.no-blind-repeat": "When the response to a create is lost, tell the user: a second may also cost credits.",
    "client.reports-failure": "Report success only after a query has returned `completed`.",
    "client.tells-code": "Show `error.code` of error responses and of failed tasks: it tells the user what to do.",
    "client.no-crash": "Handle missing responses, missing fields and bodies without JSON; end with your own message.",
    "client.no-guarantees": "Check that a field exists before using it: no field of a response is required.",
    "client.given-ids": "Query exactly the `id` that the create returned.",
    "client.same-account": "Query a task with the key that created it.",
    "client.poll-interval": "Wait at least a second between two queries of a task; 2 to 15 seconds are usual.",
    "client.poll-useful": "Query a running task at least once a minute.",
    "client.asks-again": "Repeat a query after a 429, a 5xx, a lost response or a gateway's page: the task goes on.",
    "client.own-deadline": "Give up after a deadline of your own, and say that the task may go on.",
    "client.stops-at-end": "Stop polling after `completed` or `failed`: neither changes again.",
    "client.no-abandon": "Follow a task to its end: its credits are reserved.",
    "client.failed-is-failure": "Look at `status`, not at the HTTP status: a query of a failed task returns 200.",
    "client.fix-first": "Change the request before you create the task again: the same request fails again.",
    "client.retry-later": "Wait a few minutes before you create the task again.",
    "client.give-up": "Do not create the task again: neither waiting nor changes help.",
    "client.tolerant": "Ignore unknown fields, headers and values in responses.",
    "client.fetch-in-24h": "Fetch results at once: their links expire after 24 hours.",
    "client.link-without-key": "Fetch results without the key: links do not need it and may lead to any host.",
    "client.reports-success": "Report a completed task with a fetched result as a success (exit status 0).",
    "client.fetches-result": "Fetch the links in `results`, or show them to the user.",
    "client.checks-result": "Check the download's status, its length and the file before you report success.",
    "receiver.answers-2xx": "Answer a callback with 2xx at once: after any other answer it is sent again.",
    "receiver.within-10s": "Answer first and work afterwards: a callback times out after 10 seconds.",
    "receiver.idempotent": "Remember the ids of handled tasks; only answer a repeated callback with 2xx.",
    "receiver.asks-back": "Use a callback only as a reason to query the task: callbacks are not signed.",
    "receiver.fallback": "Also query the task from time to time: a callback is attempted only four times.",
}
