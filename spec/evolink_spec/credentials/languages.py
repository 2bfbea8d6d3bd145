"""The words for passwords, keys and tokens in many languages.

English words are in the module `names`.
"""

from __future__ import annotations

import re
from unicodedata import normalize

# Without spaces, hyphens and underscores, at the end of a name.
_ENDS = re.compile(
    r"(?:passwort|passwörter|kennwort|kennwörter|motdepasse|motsdepasse|contraseña|contrasena|contrasenya|wachtwoord"
    r"|hasło|lösenord|losenord|salasana|adgangskode|passord|jelszó|parolă|şifre|mậtkhẩu|пароль|пароли|токен|секрет"
    r"|密码|密碼|密钥|密鑰|秘钥|金鑰|口令|令牌|パスワード|暗証番号|トークン|シークレット|秘密鍵|비밀번호|암호|토큰|시크릿|비밀키"
    r"|รหัสผ่าน|كلمةالمرور|סיסמה|κωδικός"
    r"|(?:api|geheim|zugangs|zugriffs)(?:schlüssel|schluessel|sleutel|nyckel|キー|키|ключ)"
    r"|(?:clé|cle|clave|chave|chiave|klucz|ключ)(?:d|de|do|da|del|della|dell|del)?"
    r"(?:api|accès|acceso|acesso|secrète|secreta|segreta|privée|privada)"
    r"|секретныйключ)(?:e?s|en|er)?$"
)
_WORDS = re.compile(r"(?:^|[\W_])(?:senha|haslo|heslo|parola|sifre|jeton)s?$")  # also parts of other words
_APOSTROPHES = re.compile(r"['\u2019]")
_SIGNS = (
    *(
        "wort",
        "mot de",
        "mot_de",
        "mot-de",
        "motde",
        "contrase",
        "senha",
        "woord",
        "haslo",
        "heslo",
        "losenord",
    ),
    *(
        "salasana",
        "adgangs",
        "parola",
        "sifre",
        "jeton",
        "schl",
        "sleutel",
        "cle ",
        "clave",
        "chave",
        "chiave",
    ),
    "klucz",
)
_OTHER_SIGNS = (
    *("ñ", "ł", "ö", "ó", "ă", "ş", "ậ", "é", "ü", "пароль", "пароли", "токен", "секрет", "ключ", "密", "秘"),
    *("鑰", "口令", "令牌", "パスワード", "暗証", "トークン", "シークレット", "キー", "비밀", "암호", "토큰"),
    *("시크릿", "키", "รหัส", "كلمة", "סיסמ", "κωδ"),
)
# Names of several words, up to the sign after them; other names are single words.
SEVERAL_WORDS = (
    r"mots?\sde\spasse|mật\skhẩu|(?:api|секретный)\s(?:schlüssel|sleutel|キー|키|ключ|密钥)"
    r"|(?:clé|cle|clave|chave|chiave|klucz|ключ)\s(?:d['\u2019]|de\s|do\s|da\s|del\s)?(?:l['\u2019])?"
    r"(?:api|accès|acceso|acesso|secrète|secreta|segreta)\b"
)
# In Chinese, Japanese and Korean, no space separates a name from the verb, nor the verb from the value.
WITH_VERB = re.compile(
    r"(?:密码|密碼|密钥|密鑰|金鑰|口令|令牌|パスワード|トークン|キー|비밀번호|암호|토큰)(?:是|为|為|は|는|은)[:\uff1a\s\"'「『]{0,5}"
    r"(?P<value>(?!removed)[!#-&(-+\--:=-Z\\^-z~]{4,8192}+)"
)


def names_secret_in_other_language(lower: str) -> bool:
    """Return whether a name in lower case is the name of a credential.

    An example is `mot_de_passe`, French for password.
    """
    lower = normalize("NFC", lower)  # some systems write an accent as a character of its own
    joined = _APOSTROPHES.sub("", re.sub(r"[-_. ]", "", lower))
    return _ENDS.search(joined) is not None or _WORDS.search(lower) is not None


def may_name_secret(lower: str) -> bool:
    """Return whether a text may name a credential in another language than English.

    `lower` is the text in lower case. If the result is False, the slower patterns need not be tried.
    """
    return any(sign in lower for sign in _SIGNS) or (
        not lower.isascii() and any(sign in lower for sign in _OTHER_SIGNS)
    )
