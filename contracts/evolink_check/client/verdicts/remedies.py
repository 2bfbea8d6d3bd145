"""What to change in a client, in a line for each clause. A table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "auth.header": "Send `Authorization: Bearer KEY` with every request to the API.",
    "auth.header-only": "Take the key out of the URL and the body: logs and proxies keep both.",
    "auth.https": "Ask over https; plain http shows the key to the network.",
    "client.valid-request": "Validate the body by the documented schema before it is sent.",
    "client.content-type": "Send `Content-Type: application/json`, once.",
    "client.image-size": "Check that the image has 10 MB at most.",
    "client.image-format": "Send a JPEG, a PNG or a WebP.",
    "client.callback-url": "Give a public https URL of 2048 characters at most.",
    "client.actual-model": "Send the actual model name: the old one is only still accepted.",
    "client.no-unknown-fields": "Leave out what is not documented: it has no effect, and hides typing errors.",
    "client.no-retry-refused": "Take 400, 401, 402 and 403 for final: tell the user and end.",
    "client.retry-after": "After a 429, wait for as many seconds as Retry-After says.",
    "client.backs-off": "After a 5xx, wait before the next try, and double the wait each time.",
    "client.no-blind-repeat": "When the answer to a create is lost, tell the user: a second create may pay twice.",
    "client.reports-failure": "Report success only when a query has said `completed`.",
    "client.tells-code": "Show `error.code`, of an error answer and of a failed task: it says what to do.",
    "client.no-crash": "Catch what an answer can do (no JSON, no field, no answer) and end in your own words.",
    "client.no-guarantees": "Check that a field is there before it is used: no answer field is required.",
    "client.given-ids": "Query exactly the `id` that the create has answered with.",
    "client.same-account": "Query a task with the key that created it.",
    "client.poll-interval": "Wait a second at least between two queries of a task; 2 to 15 s is usual.",
    "client.poll-useful": "Query a running task once a minute at least.",
    "client.asks-again": "Send a query again after a 429, a 5xx, a lost answer or a gateway's page: the task goes on.",
    "client.own-deadline": "Give up after a time of your own, and say that the task may go on.",
    "client.stops-at-end": "Stop at `completed` and at `failed`: neither changes any more.",
    "client.no-abandon": "Follow a task to its end: its credits are reserved.",
    "client.failed-is-failure": "Look at `status`, not at the HTTP status: a failed task is answered with 200.",
    "client.fix-first": "Change the request before it is created again: the same one fails again.",
    "client.retry-later": "Wait some minutes before the task is created again.",
    "client.give-up": "Do not create the task again: neither waiting nor changing helps.",
    "client.tolerant": "Ignore what you do not know in an answer.",
    "client.fetch-in-24h": "Fetch results at once: their links die after 24 hours.",
    "client.link-without-key": "Fetch results without the key: the link needs none, and may lead to anybody.",
    "client.reports-success": "Report a completed task, its result fetched, as a success (exit status 0).",
    "client.fetches-result": "Fetch what `results` names, or show the link.",
    "client.checks-result": "Look at status and length of the fetch, and at the file, before it is called a success.",
    "receiver.answers-2xx": "Answer a callback with 2xx at once; anything else is tried again.",
    "receiver.within-10s": "Answer first and work afterwards: a callback is given 10 seconds.",
    "receiver.idempotent": "Remember the ids that were handled; answer a repetition with 2xx and do nothing.",
    "receiver.asks-back": "Take a callback for a reason to query, not for the truth: it is not signed.",
    "receiver.fallback": "Query now and then although a callback was ordered: after four attempts there are no more.",
}
