"""Remove the secret part of the webhook URLs of well-known services.

Anyone who knows such a URL can send messages without another credential.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from evolink_spec.credentials.replacement import with_value_replaced

if TYPE_CHECKING:
    from collections.abc import Callable

_BEGINNINGS = (  # all that follows in the path is secret
    r"hooks\.slack(?:-gov)?\.com/(?:services|triggers|workflows)",
    r"discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks",
    r"webhook\.office\.com/webhookb2",
    r"outlook\.office(?:365)?\.com/webhook",
    r"hooks\.zapier\.com/hooks/(?:catch|standard)",
    r"hook\.(?:[a-z0-9]{2,4}\.)?(?:make|integromat)\.com",
    r"maker\.ifttt\.com/trigger/[^\s/]{1,64}/(?:json/)?with/key",
    r"hooks\.airtable\.com/workflows",
    r"webhook\.site",
    r"api\.telegram\.org/(?:file/)?bot(?=\d)",
    r"open\.(?:feishu|larksuite)\.(?:cn|com)/open-apis/bot/(?:v2/)?hook",
)
_REST = r"(?!removed|\[|[\ufdd0\ufdd1~])[\w\-.~@%:=+/]*[\w\-~%=+]"
_PATH = re.compile(rf"(?:{'|'.join(_BEGINNINGS)})(?:(?<=bot)|/)(?P<value>{_REST})", re.IGNORECASE)
_HOST = re.compile(r"(?<![\w.\-])(?P<value>(?!removed)[a-z0-9]{8,63})(?=\.m\.pipedream\.net)", re.IGNORECASE)
_SIGNS = ("hook", "ifttt", "pipedream", "telegram.org")


def without_webhook_secrets(text: str, replace: Callable[[str], str]) -> str:
    """Replace the secret parts of webhook URLs, and return the text."""
    lower = text.lower()
    if not any(sign in lower for sign in _SIGNS):
        return text
    replaced = partial(with_value_replaced, replace)
    return _HOST.sub(replaced, _PATH.sub(replaced, text))
