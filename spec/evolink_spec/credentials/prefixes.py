"""Patterns of the API keys of well-known services.

The keys are recognized by their prefix, such as `ghp_`.
"""

from __future__ import annotations

import re

# Ordinary words may also begin with these prefixes, so a key must also contain a digit.
_AMBIGUOUS = (r"(?:[spr]k|api|key|pat|tok)[-_][\w\-]{8,}",)
_WEB_TOKEN = (r"eyJ[\w\-]{8,}\.[\w\-.]*",)
_SOURCE_CODE = (  # hosts of source code, packages and containers
    r"gh[opsur]_\w{15,}", r"github_pat_\w{20,}", r"gl(?:agent|cbt|dt|ffct|ft|imt|pat|ptt|rt|soat)-[\w\-.]{16,}",
    r"ATATT3[\w\-=]{16,}", r"ATCTT3[\w\-=]{16,}", r"ATBB\w{28,}", r"npm_\w{20,}", r"pypi-[\w\-]{16,}",
    r"rubygems_[0-9a-f]{32,}", r"cio[A-Za-z0-9]{32}", r"oy2[a-z0-9]{43}", r"dckr_[op]at_[\w\-]{12,}",
    r"sntry[su]_[\w+/=\-]{14,}", r"CFPAT-[\w\-]{20,}",
)  # fmt: skip
_CLOUDS = (  # clouds, hosts of web sites and databases, stores of secrets
    r"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[A-Z0-9]{16}", r"AIza[\w\-]{30,}", r"ya29\.[\w\-.]{20,}",
    r"GOCSPX-[\w\-]{20,}", r"do[opr]_v1_\w{20,}", r"sbp_\w{20,}", r"sb_(?:publishable|secret)_[\w\-]{16,}",
    r"vc[aikpr]_[A-Za-z0-9]{20,}", r"vercel_[A-Za-z0-9]{14,}", r"nf[bcopu]_[A-Za-z0-9]{20,}", r"fo1_[\w\-]{20,}",
    r"rnd_[A-Za-z0-9]{20,}", r"HRKU-[\w\-]{20,}", r"pul-[0-9a-f]{32,}", r"hv[bsr]\.[\w\-]{20,}", r"dapi[0-9a-f]{32}",
    r"dp\.[a-z]{2,6}\.(?:[\w\-]{1,32}\.)?[\w\-]{20,}", r"tskey-[a-z]{2,10}-[\w\-]{8,}",
    r"pscale_[a-z]{2,8}_[\w\-.]{20,}",
    r"AGE-SECRET-KEY-1[A-Z0-9]{16,}", r"gls?[ac]_[\w+/=]{16,}", r"NR(?:AK|II|RA)-[A-Z0-9]{20,}", r"ops_eyJ[\w\-]{20,}",
    r"v1\.0-[0-9a-f]{20,}-[0-9a-f]{20,}",
)  # fmt: skip
_MODELS = (  # providers of models
    r"sk-(?:admin|ant|or|proj|svcacct)-[\w\-]{14,}",
    r"(?:api_org|hf)_[A-Za-z0-9]{20,}", r"gsk_\w{20,}", r"r8_\w{20,}", r"fal_\w{11,}", r"nvapi-[\w\-]{20,}",
    r"xai-[A-Za-z0-9]{20,}", r"pplx-[A-Za-z0-9]{20,}", r"tvly-[\w\-]{16,}", r"csk-[a-z0-9]{20,}",
    r"fw_[A-Za-z0-9]{20,}",
    r"tgp_v1_[\w\-]{20,}", r"jina_\w{20,}", r"lsv2_[a-z]{2}_\w{20,}", r"rpa_[A-Z0-9]{20,}\w*", r"e2b_\w{20,}",
    r"apify_api_\w{20,}", r"esecret_\w{20,}",
)  # fmt: skip
_APPLICATIONS = (  # messages, payments, planning, statistics
    r"xox[a-z]-[\w\-]{10,}", r"xapp-[\w\-]{12,}", r"SG\.[\w\-]{10,}\.[\w\-]{10,}", r"(?:AC|SK)[0-9a-f]{32}",
    r"AA[\w\-]{33,35}", r"whsec_[\w+/=\-]{20,}", r"shp(?:at|ca|pa|ss|tka|ua)_\w{20,}", r"sq0[a-z]{3}-[\w\-]{20,}",
    r"EAA[A-Za-z0-9]{18,}", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{32,}", r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}",
    r"(?:ntn|secret)_[A-Za-z0-9]{32,}", r"fig[dour]{1,2}_[\w\-]{20,}", r"ph[acsx]_[A-Za-z0-9]{20,}",
    r"PMAK-[\w\-]{20,}", r"re_[A-Za-z0-9]{6,}_[A-Za-z0-9]{16,}", r"EZ[AT]K[A-Za-z0-9]{50,}", r"shippo_[a-z]{4}_\w{20,}",
    r"duffel_[a-z]{4}_[\w\-]{20,}",
)  # fmt: skip
_KNOWN = re.compile("|".join((*_SOURCE_CODE, *_CLOUDS, *_MODELS, *_APPLICATIONS)))
_SHORT = re.compile("|".join((*_AMBIGUOUS, *_WEB_TOKEN)))
# Rare in ordinary text, such as several words joined by hyphens.
_IRREGULAR = re.compile(r"[a-z][A-Z]|[a-z]{14}|[A-Z]{14}")
# An optional beginning of a key, up to an early first dot, as in `SG.…`. Other words that may be keys have at least
# eleven characters before the first dot. The lookahead saves time.
DOTTED = r"(?:(?=[SGyahvdpbsr1][G1av29ps.])(?:SG|ya29|hv[bsr]|dp\.[a-z]{2,6}|v1)\.)?+"


def has_form_of_key(word: str) -> bool:
    """Return whether a word has the form of a key of a well-known service.

    JSON Web Tokens are included. The word must have the prefix and the length of a key. A word without digits must also
    look unlike ordinary text.
    """
    if any(map(str.isdigit, word)):
        return _KNOWN.fullmatch(word) is not None or _SHORT.fullmatch(word) is not None
    return _KNOWN.fullmatch(word) is not None and _IRREGULAR.search(word) is not None
