"""A word for a password, key or token in another language announces a credential, in texts and as a member's name."""

from __future__ import annotations

import time
from unicodedata import normalize

import pytest
from evolink_check.traffic.body_redaction import redact_body
from evolink_mock.domain.redaction import Redactor
from evolink_spec.credentials.names import names_secret
from evolink_spec.credentials.texts import without_credentials

SECRET = "Vx01meadow-Lantern"
NAMES = [
    *(
        "Passwort",
        "Kennwort",
        "mot_de_passe",
        "motDePasse",
        "contraseña",
        "senha",
        "wachtwoord",
        "hasło",
        "пароль",
    ),
    *(
        "密码",
        "密碼",
        "密钥",
        "令牌",
        "パスワード",
        "トークン",
        "비밀번호",
        "암호",
        "토큰",
        "lösenord",
        "şifre",
        "heslo",
    ),
    *("API-Schlüssel", "clé_api", "clave_api", "chave_api", "API-ключ", "APIキー", "API키", "db_passwort"),
]
TEXTS = [
    *("mot de passe : {}", "la clé d'API : {}", "clave de API: {}", "chave da API = {}", "API Schlüssel: {}"),
    *("密码是{}", "パスワードは{}", "비밀번호는 {}", "密码\uff1a{}", "Passwort ist: x, Kennwort: {}"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_announces_a_credential(name: str) -> None:
    assert names_secret(name)
    assert names_secret(normalize("NFD", name).upper())
    assert SECRET not in without_credentials(f"a cat, {name}: {SECRET}", lambda _: "#")


@pytest.mark.parametrize("text", TEXTS)
def test_a_phrase_announces_a_credential(text: str) -> None:
    assert SECRET not in without_credentials(text.format(SECRET), lambda _: "#")


def test_journals_and_reports_contain_no_credential_with_such_a_name() -> None:
    for name in NAMES:
        body = f'{{"{name}":"tangerine"}}'.encode()
        assert "tangerine" not in Redactor(()).body(body)
        assert b"tangerine" not in redact_body(body)


@pytest.mark.parametrize(
    "name", ["Wort", "Antwort", "mot", "clave_de_sol", "sesenhaft", "ключица", "キーワード", "llave"]
)
def test_other_words_announce_none(name: str) -> None:
    assert not names_secret(name)


@pytest.mark.parametrize(
    "text", ["le mot de passe est perdu", "ein Wort: Sommer2026", "キーワード: sunset2026", "密室の猫"]
)
def test_ordinary_texts_stay(text: str) -> None:
    assert without_credentials(text, lambda _: "#") == text


@pytest.mark.parametrize("piece", ["mot de passe ", "clé d'", "密码是", "Passwort: ", "ключ "])
def test_the_time_grows_no_faster_than_the_text(piece: str) -> None:
    began = time.process_time()
    without_credentials(piece * (50_000 // len(piece)), lambda _: "#")
    assert time.process_time() - began < 5
