"""The secret in the query string of a callback URL."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from evolink_spec.credentials.names import names_secret

from evolink_check.receiver.records import Terms

_NAME = "secret"


def terms_of(url: str, secret: str = "", *, trusts_secret: bool = False) -> Terms:
    """Return the callback URL and its secret as a record.

    `secret` is the value of the secret, or `NAME=VALUE`. If the URL does not contain `secret`, the secret is added to
    the query string. The parameter is called NAME, or `secret` if no name is given. If `secret` is empty, the secret is
    searched for in the query string of the URL. The first query parameter with the name of a credential is used, such
    as `secret` or `token`. Raises ValueError if `trusts_secret` is set and the URL has no secret.
    """
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if secret and secret not in [value for _, value in pairs]:
        name, equals, value = secret.partition("=")
        if not equals or not name.isidentifier():
            name, value = "", secret
        if (name, value) not in pairs:
            pairs.append((name or _NAME, value))
            url = urlunsplit(parts._replace(query=urlencode(pairs)))
        secret = value
    if not secret:
        secret = next((value for name, value in pairs if value and names_secret(name)), "")
    if trusts_secret and not secret:
        raise ValueError("the callback URL has no secret to rely on: name it with --secret")
    return Terms(url, secret, trusts_secret)
