"""What may be called, and every way to spell what may not."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network

import pytest
from evolink_mock.callbacks.url_guard import Allowed, address_refusal, parse_allowed
from evolink_mock.http.urls import parse_url
from evolink_spec.models import CallbackRules
from hypothesis import assume, given
from hypothesis import strategies as st
from support.records.callbacks import url_refusal

RULES = CallbackRules("callback_url", 2048, 10.0, (1.0, 2.0, 4.0))


def words(text: str) -> list[str]:
    return text.split()


def wide(text: str) -> str:
    """Spell it in full-width characters, which a browser maps back to ASCII."""
    return text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})


INTERNAL_V4 = words("""
    0.0.0.0/8  10.0.0.0/8  100.64.0.0/10  127.0.0.0/8  169.254.0.0/16
    172.16.0.0/12  192.0.0.0/24  192.0.2.0/24
    192.168.0.0/16  198.18.0.0/15  198.51.100.0/24  203.0.113.0/24  224.0.0.0/4  240.0.0.0/4
""")

# A host that is plain once it is read, so the reason can name the address.
INTERNAL_HOSTS = words("""
    127.0.0.1  127.255.255.254  0.0.0.0  0.1.2.3  10.0.0.1  10.255.255.255  172.16.0.1  172.31.255.255
    192.168.0.1  169.254.169.254  100.64.0.1  100.127.255.255  100.100.100.200  192.0.0.170  192.0.2.7
    198.18.0.1  198.19.255.255  198.51.100.1  203.0.113.9  224.0.0.1  239.255.255.255  240.0.0.1
    255.255.255.255  192.88.99.1  127.0.0.1.
    [::]  [::1]  [0:0:0:0:0:0:0:1]  [0000:0000:0000:0000:0000:0000:0000:0001]  [::0001]  [0::1]  [::0:1]
    [::127.0.0.1]  [::7f00:1]  [::ffff:127.0.0.1]  [::FFFF:7F00:1]  [0:0:0:0:0:ffff:10.0.0.1]
    [::ffff:0:127.0.0.1]  [64:ff9b::127.0.0.1]  [64:ff9b::a9fe:a9fe]
    [64:ff9b:1::1]  [64:ff9b:1:ffff::8.8.8.8]
    [2002:7f00:1::]  [2002:808:808::]  [2001::1]  [2001:0:4136:e378:8000:63bf:3fff:fdd2]  [2001:10::1]
    [2001:2::1]  [2001:db8::1]  [3fff::1]  [5f00::1]  [100::1]  [fc00::1]  [fd12:3456:789a::1]  [fe80::1]
    [febf::1]  [fec0::1]  [ff02::1]  [ff0e::1]  [2606:4700::5efe:10.0.0.1]  [2606:4700::200:5efe:c0a8:1]
""")

INTERNAL_NAMES = words("""
    localhost  LOCALHOST  localhost.  a.localhost  a.b.LocalHost.  localhost.localdomain  ip6-localhost
    ip6-loopback  localhost6.localdomain6  printer.local  metadata.google.internal  host.docker.internal
    router.lan  nas.home.arpa  wiki.corp  redis  metadata  kubernetes
""")

# What one parser reads as an internal address and another as something else, or nothing.
DISGUISES = words(r"""
    2130706433  02130706433  017700000001  0x7f000001  0X7F000001  0x7F.1  0x7f.0.0.1  0177.0.0.1  0177.0.1
    127.1  127.0.1  127.1.  0  0x0  0.0  0x  1.2.3.0x  127.0.0.01  127.0.0.0x1  00127.0.0.1  256.0.0.1
    1.2.3.4.5  4294967296  0x100000000  017700000000000000000001  3232235521  0xc0.0xa8.1  010.8.8.8
    127%2e0%2e0%2e1  %31%32%37.0.0.1  127.0.0.1%00  127.0.0.1..  .127.0.0.1  127..1
    [fe80::1%25eth0]  [fe80::1%eth0]  [::1%lo]  [::1%]  [::ffff:127.1]  [::ffff:0x7f.0.0.1]  [v1.127.0.0.1]
    [127.0.0.1]  [::1  ::1]  ::1  fe80::1  [[::1]]  [::1][::2]  [::1]x  []
    hooks.example@127.0.0.1  hooks.example:443@127.0.0.1  127.0.0.1@hooks.example
    u:p@hooks.example  @hooks.example
    hooks.example\@127.0.0.1  127.0.0.1\@hooks.example  \127.0.0.1
    hooks.example\  hooks.example\.internal.example
    hooks.example,127.0.0.1  127.0.0.1;hooks.example  hooks.example&x  hooks*.example
    -hooks.example  hooks-.example
""")

# What IDNA and NFKC make of these is 127.0.0.1 and localhost.
FOREIGN = [
    *(wide("127.0.0.1"), wide("127") + ".0.0.1", "127\u30020\u30020\u30021", "127\uff610\uff610\uff611"),
    *("\u2460\u2461\u2466.0.0.1", wide("localhost"), "\u24dbocalhost", "local\u00adhost", wide("[::1]")),
]

PUBLIC_HOSTS = words("""
    8.8.8.8  1.1.1.1  9.255.255.255  11.0.0.0  100.63.255.255  100.128.0.0  172.15.255.255  172.32.0.0
    192.167.255.255  192.169.0.0  169.253.1.1  223.255.255.255  126.255.255.255  128.0.0.0  8.8.8.8.
    [2606:4700::1111]  [2606:4700:0:0:0:0:0:1111]  [2001:4860:4860::8888]  [2A00:1450:4001:80B::200E]
    [64:ff9b::8.8.8.8]  [::ffff:8.8.8.8]
    hooks.example  Hooks.Example  hooks.example.  a-b.c_d.hooks.example  xn--bcher-kva.example
    localhost.example  notlocalhost.example  127.0.0.1.hooks.example  10.hooks.example  0x7f.hooks.example
    1e100.net  deadbeef.example  7f000001.example  localdomain.example
""")


def refused(host: str) -> str | None:
    return url_refusal(f"https://{host}/hook", RULES, ())


@pytest.mark.parametrize("host", INTERNAL_HOSTS)
def test_an_internal_address_is_refused_as_what_it_is(host: str) -> None:
    reason = refused(host)
    assert reason is not None
    assert reason.endswith(("is an internal address", "is a reserved address", "is a multicast address"))


@pytest.mark.parametrize("host", INTERNAL_NAMES)
def test_an_internal_name_is_refused_as_one(host: str) -> None:
    assert refused(host) == f"{host.lower().removesuffix('.')} is an internal name"


@pytest.mark.parametrize("host", DISGUISES + FOREIGN)
def test_a_host_that_parsers_may_read_differently_is_refused(host: str) -> None:
    assert refused(host)


@pytest.mark.parametrize("host", PUBLIC_HOSTS)
def test_a_public_host_may_be_called(host: str) -> None:
    assert refused(host) is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example/", "only https is supported"),
        ("ftp://hooks.example/", "only https is supported"),
        ("file:///etc/passwd", "only https is supported"),
        ("https://127.0.0.1/", "127.0.0.1 is an internal address"),
        ("https://2130706433/", "may hide an internal address: write four plain decimal numbers"),
        ("https://hooks.example:0/", "has a port that is not in 1..65535"),
        ("https://hooks.example:65536/", "has a port that is not in 1..65535"),
        ("https://hooks.example:999999/", "has a malformed host or port"),
        ("https://hooks.example:80a/", "has a malformed host or port"),
        ("https://hooks.example:-1/", "has a malformed host or port"),
        ("https://hooks.example:443:444/", "has a malformed host or port"),
        ("https:///hook", "has no host"),
        ("https://", "has no host"),
        ("https://.", "has no host"),
        ("https://:443/", "has no host"),
        ("https:hooks.example", "is not a URL of the form https://HOST/PATH"),
        ("https:/hooks.example", "is not a URL of the form https://HOST/PATH"),
        ("//hooks.example/", "is not a URL of the form https://HOST/PATH"),
        ("hooks.example", "is not a URL of the form https://HOST/PATH"),
        ("", "is not a URL of the form https://HOST/PATH"),
        ("javascript:alert(1)", "is not a URL of the form https://HOST/PATH"),
        ("https:\\\\hooks.example\\", "is not a URL of the form https://HOST/PATH"),
        ("https://hooks.example/a\\b", "has a backslash"),
        ("https://[fe80::1%25eth0]/", "has an address with a zone"),
        ("https://user:secret@hooks.example/", "has a user name or password before the host"),
        (f"https://{'a' * 64}.example/", "has a host that is neither a name nor an address"),
        (f"https://{'a.' * 127}example/", "has a host that is neither a name nor an address"),
    ],
)
def test_the_reason_says_what_is_wrong(url: str, reason: str) -> None:
    assert url_refusal(url, RULES, ()) == reason


@pytest.mark.parametrize(
    "character", [*"\t\n\r\0\x0b\x7f \u00a0\u200b\u00ad\u00e9\u3002\U0001f600", "\ud800"]
)
@pytest.mark.parametrize("place", ["{}https://h.example/", "https://h{}.example/", "https://h.example/{}"])
def test_whitespace_control_and_foreign_characters_are_refused_anywhere(character: str, place: str) -> None:
    url = place.format(character)
    assert url_refusal(url, RULES, ()) == "has a space, a control character or one outside ASCII"


def test_exactly_as_many_characters_as_the_rules_say_may_be_given() -> None:
    url = "https://hooks.example/".ljust(2048, "x")
    assert url_refusal(url, RULES, ()) is None
    assert url_refusal(url + "x", RULES, ()) == "is longer than 2048 characters"


@pytest.mark.parametrize(
    ("url", "host", "port", "request_target"),
    [
        ("https://Hooks.Example", "hooks.example", 443, b"/"),
        ("HTTPS://hooks.example.:/", "hooks.example", 443, b"/"),
        ("https://hooks.example:08443/A/../b//c;d", "hooks.example", 8443, b"/A/../b//c;d"),
        ("https://hooks.example?secret=a%2Fb&b=%zz+&&c", "hooks.example", 443, b"/?secret=a%2Fb&b=%zz+&&c"),
        ("https://hooks.example/?", "hooks.example", 443, b"/?"),
        ("https://hooks.example/p?q=/?x@y:z#top?no", "hooks.example", 443, b"/p?q=/?x@y:z"),
        ("https://hooks.example#@127.0.0.1/", "hooks.example", 443, b"/"),
        ("https://[2606:4700:0::1111]:8443/x", "2606:4700::1111", 8443, b"/x"),
        ("http://localhost/", "localhost", 80, b"/"),
    ],
)
def test_path_and_query_are_kept_to_the_byte(url: str, host: str, port: int, request_target: bytes) -> None:
    where = parse_url(url)
    assert (where.host, where.port, where.request_target) == (host, port, request_target)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://hooks.example:443/", "hooks.example"),
        ("http://hooks.example:443/", "hooks.example:443"),
        ("http://[::1]:9000/", "[::1]:9000"),
    ],
)
def test_the_host_header_names_a_port_that_is_not_the_default(url: str, authority: str) -> None:
    assert parse_url(url).authority() == authority


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("localhost", "localhost", None),
        ("LocalHost.:9000", "localhost", 9000),
        ("127.0.0.1:80", "127.0.0.1", 80),
        ("[0:0::1]:9000", "::1", 9000),
        ("[::1]", "::1", None),
        ("webhook", "webhook", None),
    ],
)
def test_an_allowed_host_may_have_a_port(text: str, host: str, port: int | None) -> None:
    assert parse_allowed(text) == Allowed(host, port)


@pytest.mark.parametrize(
    "text",
    [
        *("", ":80", "http://localhost", "localhost:0", "localhost:99999", "localhost:x", "a b", "*", "::1"),
        *(
            "[::1",
            "2130706433",
            "127.1",
            "me@localhost",
            "localhost/hook",
            "localhost:80:80",
            wide("localhost"),
        ),
    ],
)
def test_nonsense_for_an_allowed_host_is_answered_with_the_form_expected(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected HOST or HOST:PORT, such as localhost:9000") as caught:
        parse_allowed(text)
    assert str(caught.value).startswith(repr(text))


@pytest.mark.parametrize(
    ("allowed", "url", "passes"),
    [
        ("localhost", "http://localhost:9000/hook", True),
        ("localhost", "https://LOCALHOST./hook", True),
        ("localhost:9000", "http://localhost:9000/", True),
        ("localhost:9000", "http://localhost:9001/", False),
        ("localhost:80", "http://localhost/", True),
        ("localhost", "http://127.0.0.1/", False),
        ("localhost", "http://a.localhost/", False),
        ("127.0.0.1", "http://127.0.0.1/", True),
        ("127.0.0.1", "http://2130706433/", False),
        ("127.0.0.1", "http://127.0.0.1@hooks.example/", False),
        ("[::1]:9000", "http://[0:0:0:0:0:0:0:1]:9000/", True),
        ("localhost", "ftp://localhost/", False),
    ],
)
def test_an_allowed_host_is_exempt_and_no_other(allowed: str, url: str, *, passes: bool) -> None:
    assert (url_refusal(url, RULES, [parse_allowed(allowed)]) is None) is passes


def test_an_allowed_host_is_still_bound_by_the_length() -> None:
    url = "http://localhost/".ljust(2049, "x")
    assert url_refusal(url, RULES, [parse_allowed("localhost")]) == "is longer than 2048 characters"


@pytest.mark.parametrize("ip", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_a_public_address_that_a_name_resolved_to_may_be_called(ip: str) -> None:
    assert address_refusal(ip) is None


@pytest.mark.parametrize("ip", ["fe80::1%eth0", "2606:4700::1111%eth0", "::ffff:10.0.0.1", "nonsense", ""])
def test_an_odd_or_internal_address_that_a_name_resolved_to_is_refused(ip: str) -> None:
    assert address_refusal(ip)


def _within(network: str) -> st.SearchStrategy[IPv4Address]:
    block = IPv4Network(network)
    return st.integers(int(block[0]), int(block[-1])).map(IPv4Address)


INTERNAL = st.sampled_from(INTERNAL_V4).flatmap(_within)
DIGITS = st.sampled_from(["{}", "{:#x}", "{:#X}", "0{:o}", "000{:o}", "0x000{:x}"])


@st.composite
def spelled(draw: st.DrawFn) -> str:
    """An internal IPv4 address with one to four parts, each in a base of its own."""
    number = int(draw(INTERNAL))
    leading = draw(st.integers(0, 3))
    parts = [number >> 24 - 8 * place & 0xFF for place in range(leading)]
    parts.append(number & (1 << 32 - 8 * leading) - 1)
    host = ".".join(draw(DIGITS).format(part) for part in parts)
    host = draw(st.sampled_from([host, host + ".", host.translate({ord("."): "。"})]))
    return draw(st.sampled_from([host, host.translate({48 + n: 0xFF10 + n for n in range(10)})]))


@given(spelled())
def test_every_spelling_of_every_internal_ipv4_address_is_refused(host: str) -> None:
    assert refused(host)


@given(INTERNAL, st.sampled_from(["::", "::ffff:", "::ffff:0:", "64:ff9b::", "2606:4700::5efe:"]))
def test_every_internal_ipv4_address_inside_an_ipv6_one_is_refused(address: IPv4Address, prefix: str) -> None:
    assert address_refusal(f"{prefix}{address}")
    assert refused(f"[{prefix}{address}]")
    number = int(address)
    assert refused(f"[{prefix}{number >> 16:X}:{number & 0xFFFF:04x}]")


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_an_ipv4_address_in_plain_notation_passes_exactly_when_it_is_public(address: IPv4Address) -> None:
    anycast = IPv4Network("192.88.99.0/24"), IPv4Network("192.0.0.0/24")  # where releases of Python differ
    assume(not any(address in network for network in anycast))
    public = address.is_global and not address.is_multicast
    assert (refused(str(address)) is None) is public
    assert (address_refusal(str(address)) is None) is public


@given(st.text("0123456789xXaF.", min_size=1, max_size=12))
def test_whatever_the_c_library_takes_for_an_internal_address_is_refused(host: str) -> None:
    try:
        address = IPv4Address(socket.inet_aton(host))
    except OSError:
        return
    assert address.is_global or refused(host)


@given(st.text(max_size=60).map("https://".__add__) | st.text(max_size=60))
def test_any_text_at_all_is_judged(url: str) -> None:
    reason = url_refusal(url, RULES, ())
    assert reason is None or reason
