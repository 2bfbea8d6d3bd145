"""Describe an effect in a sentence, such as "the callback is never sent"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.domain.tasks import LAST_PROGRESS
from evolink_mock.recipes.effects import BY_NAME, CANCEL, CANCELLED, FAIL, HALFWAY

if TYPE_CHECKING:
    from evolink_mock.recipes.grammar import Word

_GATEWAY = "the response is a gateway's HTML page with status"
_REDIRECTED = "the request is redirected (create: 307, else 302) to"
# By the text of the effect. An effect in none of these tables has only one form, which its row in EFFECTS describes.
_FIXED = {
    "502": f"{_GATEWAY} 502; the request has no effect",
    "503": f"{_GATEWAY} 503; the request has no effect",
    "504": f"{_GATEWAY} 504; the request has no effect",
    "504=done": f"{_GATEWAY} 504, but the request takes effect",
    "429": "the documented error with status 429, and a Retry-After of 1 second",
    "slow": "the task takes 10 times as long as usual",
    "stuck=pending": "the task stays pending forever",
    "stuck=processing": "the task stays processing forever",
    "link=expired": "the result link of the task returns 410",
    "link=404": "the result link of the task returns 404",
    "link=truncated": "the result link of the task returns half of the file",
    "link=page": "the result link of the task returns an HTML page with status 200",
    "link=empty": "the result link of the task returns an empty body with status 200",
    "link=redirect": "the result link of the task redirects to the file",
    "callback=twice": "the callback is sent again 1 s after it was delivered",
    "callback=early": "the callback is sent halfway through the task, with the final body",
    "callback=never": "the callback is never sent",
    "redirect=same": f"{_REDIRECTED} its own host, and has no effect",
    "redirect=other": f"{_REDIRECTED} another name of this server, and has no effect",
    "redirect=http": f"{_REDIRECTED} plain http, and has no effect",
    "body=none": "the request takes effect, but the response is a 204",
    "body=empty": "the request takes effect, but the body of the response is empty",
    "body=list": "the request takes effect, but the body of the response is a JSON list",
    "body=string": "the request takes effect, but the body of the response is a JSON string",
    "body=number": "the request takes effect, but the body of the response is a JSON number",
    "body=null": "the request takes effect, but the body of the response is the JSON value null",
    "body=page": "the request takes effect, but the body of the response is an HTML page",
    "retry=date": "the Retry-After of a 429 is an HTTP date",
    "retry=fraction": "the Retry-After of a 429 has a fraction (half a second less)",
    "retry=zero": "the Retry-After of a 429 is 0",
    "retry=none": "a 429 has no Retry-After",
    "shape=minimal": "the body of a 200 response has only the required properties",
    "shape=full": "the body of a 200 response has every documented property",
    "shape=extra": "a 200 response has unknown fields in its body and an unknown header",
    "shape=any": "the body of a 200 response has random values that the schema allows",
}
# By the name of the effect; {value} is its value.
_WITH_VALUE = {
    "429": "the documented error with status 429, and a Retry-After of {value}",
    "slow": "the task takes {value}",
    "latency": "the response is delayed by {value}, in real time",
    "trickle": "the body is sent in small parts over {value}",
    "omit": "the body lacks {value}",
    "add": "the body has also {value}, as a text",
    "null": "in the body, {value} is null",
    "empty": "in the body, {value} is empty",
    "type": "the response has the Content-Type {value}",
    "status": "a 200 response has the undocumented status {value}",
    "credits": "the account has {value} credits left, also for later requests",
    "rate": "the account has the rate limit {value}, also for later requests",
}
# By the name of the effect and the part of its value before the colon; {value} is the part after it.
_WITH_TIME = {
    ("callback", "late"): "the callback is sent {value} after the end of the task",
    ("skew", "ahead"): "created and the Date header are those of a server whose clock is {value} ahead",
    ("skew", "behind"): "created and the Date header are those of a server whose clock is {value} behind",
}
_LISTS = {"omit", "add", "null", "empty"}


def sentence(word: Word) -> str:
    """Return a sentence that says what an effect of a valid recipe does."""
    if word.name in {FAIL, CANCEL}:
        return _failure(word)
    if fixed := _FIXED.get(str(word)):
        return fixed
    value = word.value or ""
    kind, _, time = value.partition(":")
    if template := _WITH_TIME.get((word.name, kind)):
        return template.format(value=time)
    if word.name == "latency":
        value = value.replace("..", " to ")
    elif word.name in _LISTS:
        value = value.replace("/", ", ")
    if template := _WITH_VALUE.get(word.name):
        return template.format(value=value)
    if word.name not in BY_NAME:
        return f"the documented error with status {word.name}, on operations that document it"
    return BY_NAME[word.name].meaning.replace("`", "")


def _failure(word: Word) -> str:
    if word.name == CANCEL:
        progress = HALFWAY if word.progress is None else max(1, word.progress)
        return (
            f"the task is cancelled at {progress} percent; if the document has no status for that, the task fails "
            f"with {CANCELLED}"
        )
    progress = LAST_PROGRESS if word.progress is None else max(1, word.progress)
    code, _, kind = (word.value or "").partition("/")
    of_kind = f", of the kind {kind}," if kind else ""
    return f"the task fails with {code}{of_kind} at {progress} percent"
