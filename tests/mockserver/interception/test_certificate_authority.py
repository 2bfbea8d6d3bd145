"""The certificate authority: who may read it, what it may vouch for, and that there is only one."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from evolink_mock.interception.certificate_authority import Authority, AuthorityError, open_authority

NOW = datetime.now(UTC).timestamp()  # OpenSSL judges by the true time
HOST = "api.evolink.ai"
YEAR = 365 * 86400.0


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("data") / "ca", [HOST], NOW)


def certificate(of: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(of.certificate_pem)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def shake(server: ssl.SSLContext, trusted: bytes, name: str) -> None:
    """A TLS handshake in memory: a client that trusts only `trusted` asks for `name`. Raises what OpenSSL does."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=trusted.decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                pass
    assert not ends


def forged(by: Authority, *names: str) -> ssl.SSLContext:
    """A server with a certificate for any names, as somebody who had stolen the key could have it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA.from_pem(by.certificate_pem, by.key_pem).issue_cert(*names).configure_cert(context)
    return context


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", HOST])
def test_a_client_that_trusts_it_believes_the_server(ours: Authority, name: str) -> None:
    shake(ours.server_context([HOST], NOW), ours.certificate_pem, name)


def test_a_client_that_does_not_trust_it_refuses(ours: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(ours.server_context([HOST], NOW), trustme.CA().cert_pem.bytes(), HOST)


@pytest.mark.parametrize(
    "name", ["example.com", "evolink.ai", "api.evolink.ai.example.com", "10.0.0.1", "::2"]
)
def test_a_stolen_key_is_worth_nothing_for_another_name(ours: Authority, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake(forged(ours, name), ours.certificate_pem, name)


def test_a_stolen_key_makes_no_further_authority(ours: Authority) -> None:
    child = trustme.CA.from_pem(ours.certificate_pem, ours.key_pem).create_child_ca()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    child.issue_cert(HOST).configure_cert(context)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(context, ours.certificate_pem, HOST)


def test_its_constraints_are_critical_and_name_nothing_else(ours: Authority) -> None:
    constraints = certificate(ours).extensions.get_extension_for_class(x509.NameConstraints)
    permitted = {str(subtree.value) for subtree in constraints.value.permitted_subtrees or ()}
    assert constraints.critical
    assert permitted == {HOST, "localhost", "127.0.0.0/8", "::1/128"}


def test_it_vouches_for_servers_only(ours: Authority) -> None:
    usage = certificate(ours).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_it_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = open_authority(tmp_path / "share" / "ca", [HOST], NOW)
    finally:
        os.umask(before)
    folder = made.certificate.parent
    assert [mode(path) for path in (folder.parent, folder)] == [0o700, 0o700]
    assert (mode(folder / "ca-key.pem"), mode(made.certificate)) == (0o600, 0o644)


def test_the_key_is_secret_before_its_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    write = Path.write_bytes

    def note(path: Path, content: bytes) -> int:
        modes.append(mode(path))
        assert path.stat().st_size == 0
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", note)
    open_authority(tmp_path / "ca", [HOST], NOW)
    assert modes == [0o600, 0o600]


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    open_authority(tmp_path, [HOST], NOW)
    assert mode(tmp_path) == 0o755
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "ca-key.pem", "ca.pem"}


def test_it_stays_the_same(tmp_path: Path) -> None:
    first = open_authority(tmp_path, [HOST], NOW)
    assert open_authority(tmp_path, [HOST], NOW + YEAR) == first
    assert open_authority(tmp_path, [], NOW) == first


def test_those_that_start_at_once_get_the_same(tmp_path: Path) -> None:
    program = (
        "import sys, trustme; from pathlib import Path;"
        "from evolink_mock.interception.certificate_authority import open_authority;"
        "print('ready', flush=True); sys.stdin.read();"
        "made = open_authority(Path(sys.argv[1]), ['a.example'], float(sys.argv[2]));"
        "sys.stdout.write(made.certificate_pem.decode())"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "ca"), str(NOW)]
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(4)
        ]
        outputs = [process.stdout for process in started if process.stdout]
        assert [output.readline() for output in outputs] == ["ready\n"] * 4
        for process in started:
            assert process.stdin
            process.stdin.close()
        assert {output.read() for output in outputs} == {(tmp_path / "ca" / "ca.pem").read_text()}


def test_it_is_renewed_before_its_end_with_a_new_key(tmp_path: Path) -> None:
    first = open_authority(tmp_path, [HOST], NOW - 3 * YEAR + 80 * 86400)
    assert open_authority(tmp_path, [], NOW - 100 * 86400) == first
    renewed = open_authority(tmp_path, [], NOW)
    assert renewed.key_pem != first.key_pem
    shake(
        renewed.server_context([HOST], NOW), renewed.certificate_pem, HOST
    )  # what it covered, it still covers


def test_another_host_renews_it_with_the_same_key_so_that_old_trust_holds(tmp_path: Path) -> None:
    first = open_authority(tmp_path, [HOST], NOW)
    second = open_authority(tmp_path, ["api.example.com"], NOW)
    assert (second.key_pem, second.certificate_pem != first.certificate_pem) == (first.key_pem, True)
    server = second.server_context([HOST, "api.example.com"], NOW)
    shake(server, second.certificate_pem, "api.example.com")
    shake(second.server_context([HOST], NOW), first.certificate_pem, HOST)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server, first.certificate_pem, "api.example.com")
    assert open_authority(tmp_path, [HOST], NOW) == second


def test_a_lost_certificate_is_written_again(tmp_path: Path) -> None:
    first = open_authority(tmp_path, [HOST], NOW)
    first.certificate.unlink()
    assert open_authority(tmp_path, [HOST], NOW) == first
    assert first.certificate.read_bytes() == first.certificate_pem


def test_a_lost_key_makes_a_new_authority(tmp_path: Path) -> None:
    first = open_authority(tmp_path, [HOST], NOW)
    (tmp_path / "ca-key.pem").unlink()
    assert open_authority(tmp_path, [HOST], NOW).key_pem != first.key_pem


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    open_authority(tmp_path, [HOST], NOW)
    (tmp_path / "ca-key.pem").chmod(0o640)
    with pytest.raises(AuthorityError, match=r"ca-key\.pem: other users can read this key"):
        open_authority(tmp_path, [HOST], NOW)


@pytest.mark.parametrize("kept", ["certificate", "key", "both", "rubbish"])
def test_what_is_somebody_elses_is_neither_used_nor_overwritten(tmp_path: Path, kept: str) -> None:
    theirs = trustme.CA(organization_name="somebody")
    key, pem = theirs.private_key_pem.bytes(), theirs.cert_pem.bytes()
    files = {
        "certificate": {"ca.pem": pem},
        "key": {"ca-key.pem": key},
        "both": {"ca.pem": pem, "ca-key.pem": key + pem},
        "rubbish": {"ca.pem": b"rubbish"},
    }[kept]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    with pytest.raises(AuthorityError, match="that evolink-mock did not create"):
        open_authority(tmp_path, [HOST], NOW)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("ca*")} == files


def test_a_place_that_is_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        AuthorityError, match=r"file.*: cannot store the certificate authority here: Not a directory"
    ):
        open_authority(tmp_path / "file" / "ca", [HOST], NOW)


@pytest.mark.skipif(sys.platform == "win32", reason="the modes of a folder are those of POSIX")
def test_a_folder_that_other_users_can_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    folder.mkdir()
    for mode in (0o777, 0o702, 0o775, 0o720):
        folder.chmod(mode)
        with pytest.raises(AuthorityError, match="other users can write to this folder"):
            open_authority(folder, [HOST], NOW)
    assert list(folder.iterdir()) == []


def test_a_plain_server_loads_none_of_it() -> None:
    program = (
        "import sys, evolink_mock.cli.app, evolink_mock.server.server, evolink_mock.server.thread;"
        "import evolink_mock.interception.certificate_authority;"
        "ours = {f'evolink_mock.interception.{name}' for name in ('proxy', 'hosts')};"
        "print(({'cryptography', 'trustme', 'ctypes'} | ours) & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
