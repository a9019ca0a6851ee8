"""Matchers for secrets that their surroundings give away: assignments, headers, URLs with passwords, private keys.

A value is a secret because of the name it is assigned to; what is left out is what only looks like one: references
(``${PASSWORD}``, ``os.environ[...]``), types, calls, placeholders, prose about passwords.
"""

# ruff: noqa: E501 - patterns read worse when cut
from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache

from collector.redaction.keys import entropy, looks_random, mixes_case
from collector.redaction.matching import Handler, Runaway, Span
from collector.redaction.rules import Rule

_NAME_BACK = re.compile(
    rb"(?:>-|\x9a\xbc\xef|[=\s]{1,4}(?:gnirt[sS]|rts)(?=\s?\??:)|[:=\s]{0,3};touq&)?[\\\"'`\])\s*:=>]{0,12}([A-Za-z0-9_.\-$\x80-\xff]{1,80})"
)
_FOREIGN_NAMES = re.compile(
    "密码|密碼|口令|пароль|пароля|パスワード|비밀번호|hasło|hasła|şifre|parolă|contraseña|lösenord|jelszó|κωδικός|κωδικός πρόσβασης|סיסמה|סיסמא|المرور|السر|पासवर्ड|khẩu|รหัสผ่าน|парола|гасло"
)  # of a name in lower case
_NAME_WORDS = re.compile(r"[^a-z]")
_PASSWORD_NAME = re.compile(
    r"(?:password|passwd|passphrase|passcode|passwort|kennwort|contrasena|motdepasse|mdp|senha|wachtwoord|haslo|sifre|heslo|parola|adgangskode|salasana|passord|losenord|sandi|pasword|(?<![a-z])passe|(?<![a-z])pass|(?:db|user|admin|root|my|sql|ftp|smtp|mail|redis|pg|proxy|ssh)pass|pwd|pswd|pw)\d*(?:value|plain|text|old|new|confirm|confirmation|hash)?$"
)
_SECRET_NAME = re.compile(
    r"(?:secret|secrets|clave|apikey|apitoken|apisecret|appkey|appsecret|accesskey|accesskeyid|secretkey|secretaccesskey|accountkey|authkey|authtoken|accesstoken|"
    r"refreshtoken|idtoken|sessiontoken|securitytoken|bearertoken|token|privatekey|signingkey|encryptionkey|cryptkey|masterkey|sharedkey|storagekey|servicekey|subscriptionkey|"
    r"licensekey|secretkeybase|keybase|licencekey|hostkey|functionkey|functionskey|sharedaccesskey|clientsecret|consumersecret|consumerkey|webhooksecret|sharedsecret|credential|credentials|creds|auth|"
    r"authorization|cookie|setcookie|sessionid|sessionkey|session|sid|jsessionid|phpsessid|csrftoken|xsrftoken|csrf|sig|signature|hmac|salt|pepper|seed|mnemonic|connectionstring|jwt|otp|totp|pin|cvv|cvc|"
    r"deploykey|readkey|writekey|ingestkey|integrationkey|routingkey|pushkey|serverkey|dsn|apipass|personalaccesstoken|pat|bottoken|webhooktoken|credstoken|keypair|sshkey|pgpkey|gpgkey|rsakey)(?:value|v?\d+|raw|plain|env|prod|dev|test|live|b64|base64)?$"
)
_WEAK_NAME = re.compile(r"(?:key|value|code|hash|nonce)$")
_PUBLIC_NAME = re.compile(
    r"(?:public|primary|foreign|sort|partition|cache|index|row|column|hot|shortcut|object|s3|dedup|idempotency|group|lookup|route|routing|dictionary|json|config|register|registry|map|sorting|"
    r"range|composite|unique|message|event|answer|label|fingerprint|join|surrogate|natural|access|translation|i18n|locale|option|setting|state|product|sub|search)key$|"
    r"(?:max|min|n|num|total|input|output|prompt|completion|cached|reasoning|next|page|nextpage|previouspage|continuation|eos|bos|pad|unk|mask|sep|cls|special|stop|start|end|first|last|image|padding|decoder\w*|"
    r"new|current|this|cursor|sync|skip|change|pagination|sequence|consistency|concurrency|cancellation|cancel)token$|(?:name|type|count|id|url|uri|path|file|policy|length|size|limit|field|label|class|hint|prompt|provider|store|manager|expiry|expires?|ttl)$"
)
GAP = re.compile(
    rb"(?:[=>:]{0,2}|\\?[\"'])(?:[ \t]|\\\\?[nt]|\r?\n[ \t]*(?:value|secret|token|key|password)[\"']?[:=][ \t]*|\|[ \t]*\r?\n[ \t]*|%20){0,8}"
)
TAKEN = re.compile(rb"[=:]?[ \t]{0,4}\\{0,3}[\"'`]?\[[A-Z_]+(?::[0-9a-f]+)?\]")  # a placeholder is assigned
_DULL = re.compile(  # what is assigned is a number, nothing, or short and without digits, as in code and prose: no secret, unless a scheme's name stands before
    rb"[=:]?[ \t]{0,4}(?!(?i:bearer|basic|token|bot|api|key|digest|negotiate|aws4|shared|splunk|genie|ntlm|hawk|oauth))"
    rb"(?:[0-9]{1,15}[\s,;)}\]]|\r?\n(?![ \t]*(?:value|secret|token|key|password))|[A-Za-z_.][A-Za-z_.()\[{=$*#!?/+~^@\-]{0,14}+(?:[\t\r\n,;&|)}\]<> ]|\\n)|(\\{0,3}[\"'])[A-Za-z_.]{1,15}\1)"
)
_PLAIN_VALUE = re.compile(rb" ?((?=[A-Za-z]{0,63}[0-9])(?=[0-9]{0,63}[A-Za-z])[A-Za-z0-9]{6,64}+[!#%*+]?+)(?=[\s\0])")
_PLAIN_SECRET = re.compile(rb"(?=[A-Za-z]{0,63}[0-9])(?=[0-9]{0,63}[A-Za-z])[A-Za-z0-9]{6,64}")
PLACEHOLDER_HEADS = frozenset(b"ex sa du fa ch re in pl yo my xx ab en ge".split())  # first letters of placeholders with digits, and of calls
_KNOWN, _UNHEARD = 4096, "?"  # names kept; what stands for others
_OPEN = re.compile(rb"(?:[bnrfuBNRFU]{0,2})(?=\\*[\"'`])|&quot;|(?=)")
_MAY_OPEN = frozenset(b"bnrfuBNRFU\\\"'`&%")  # first bytes of what may open a quoted value
_QUOTE = re.compile(rb"(\\{0,7})([\"'`])|&quot;|&#34;|%22")
_SCHEME = re.compile(
    rb"(?i)(?:bearer|basic|token|bot|apikey|api-key|key|digest|negotiate|aws4-hmac-sha256|sharedkey|sharedaccesssignature|splunk|genie[kK]ey|ntlm|hawk|oauth)[ +](?:[\w-]+=[\"']?)?[ ]?"
)
_BARE = re.compile(rb"[^\s\"'`,;<>&|\\\x00)}\]]{1,2048}+")
_BARE_PASSWORD = re.compile(rb"[^\s\"'`,;<>\\\x00]{1,512}+")
REFERENCE = re.compile(
    rb"(?i)\$\{?[a-z_(]|\$\(|\{\{|\{[a-z_][\w.\[\]]*\}|<[a-z%$]|%\(\w|%[A-Z_]+%|%s|%\w+%$|os\.|process\.env|getenv|environ|secrets?\.[a-z]|vault:|ref\+|env[.:(\[]|settings\.|config[.\[]|conf\.|self\.|this\.|args\.|params?[.\[]|"
    rb"options?\.|req(?:uest)?\.|input\(|var\.|local\.|data\.|file\(|import\.meta|@Value|ctx\.|st\.secrets|\*{3,}|\xe2\x80\xa2{2,}|x{4,}$|\.{3,}$|\xe2\x80\xa6|\[[A-Z_]+(?::[0-9a-f]+)?\]|\[redacted|<redacted"
)
PLACEHOLDER = re.compile(  # of a value in lower case: letters in either case would be tried one alternative after the other
    rb"(?:null|none|nil|true|false|undefined|empty|string|str|text|secretstr|int|bytes?|bool|any|optional|required|redacted|filtered|masked|hidden|removed|omitted|secret|token|"
    rb"pass(?:word|wd|phrase)?|pwd|pass|key|value|example\w*|sample\w*|dummy\w*|fake\w*|test|testing|todo|tbd|changeme|change[-_]?(?:me|it|this)\w*|replace[-_]?\w*|insert[-_]?\w*|placeholder\w*|your[-_ ]?[\w-]*|my[-_]?(?:password|token|secret|(?:api[-_]?)?key)\w*|"
    rb"x{3,}\w*|\*+|\.+|-+|foo|bar|baz|foobar|abc|abcdef\w*|12345?|0+|not[-_ ]?set|unset|default|admin|user|username|anonymous|nobody|env|enter\w*|invalid\w*|expired\w*|missing|unknown|must|should|is|are|was|for|and|or|the|a|an|to|in|of|field|input|type|reset|incorrect|wrong|basic|bearer|"
    rb"github[._]token|(?:api|access|auth|secret|client|private|db|database|user)[-_.]?(?:key|token|secret|password|id)|clickhouse|postgres|mysql|redis|mongo(?:db)?|guest|root)[\])}.,;:!?]*"
)
_IDENTIFIER = re.compile(rb"[A-Za-z_$][A-Za-z_]*(?:[.\-/:_ ]{1,2}[A-Za-z_]+)*[.:!?]*")
_PHRASE = re.compile(
    rb"[a-z]{3,12}(?: [a-z]{3,12}){2,7}|[A-Z][a-z]{2,11}(?: [A-Z]?[a-z]{2,12}){3,7}"
)  # plain words in quotes: a passphrase, unless it reads as prose
_PHRASE_NAME = re.compile(rb"(?i)(?:esarhp|cinomenm)")  # backwards: *passphrase*, *seed_phrase*, *mnemonic*
_PHRASE_LINE, _PHRASE_WORDS = re.compile(rb"[A-Za-z]{3,12}(?: [A-Za-z]{3,12}){3,7}(?=[ \t.]{0,2}(?:\r?\n|\\[nr]|[\0\"',;)]|\Z))"), 4
_PROSE = re.compile(rb"\b(?:the|your|must|should|with|password|for|and|not|this|that|enter|has|was|are|can|from|will|please|least|user)\b")
_HYPHENATED = re.compile(rb"[a-z]{2,12}(?:-[a-z]{2,12}){3,7}")  # four plain words and more, as generators of passphrases join them
_NAMING = re.compile(
    rb"\b(?:secret|key|token|pass|value|name|field|default|example|sample|test|config|here|placeholder|file|path|ref|input|prod|dev|staging|db|app|service|reset|change|not|be|my|in|to|of|or|by|is|as)\b"
)
_DOTTED = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+\(?")
_PATH = re.compile(rb"(?:\.{0,2}/|~/|[A-Za-z]:\\)?[\w.@\-]+(?:/[\w.@\-]*)+")
_CALL = re.compile(rb"[A-Za-z_][\w.]*[(\[]")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-]{6,}={0,2}")


def _plain_name(name: bytes) -> str:
    return _NAME_WORDS.sub("", name.decode("ascii", "ignore").lower())


@lru_cache(maxsize=4096)
def name_strength(name: bytes) -> str:
    """What a name promises of its value: ``password``, ``secret``, ``weak`` or nothing."""
    if not name.isascii():
        if _FOREIGN_NAMES.search(name.decode("utf-8", "ignore").lower()):
            return "password"
        if name[-1] >= 0x80:
            return ""
    plain = _plain_name(name)
    last = re.split(r"[.]", name.decode("ascii", "ignore"))[-1].lower()
    if _PASSWORD_NAME.search(plain) or last in ("pass", "pw"):
        return "password"
    if last.endswith(("sessionid", "sessid", "sid")):  # cookies; session_id is an identifier of ours
        return "secret"
    if _PUBLIC_NAME.search(plain) and plain not in ("accesskey", "routingkey"):
        return "secret" if plain.endswith(("secretaccesskey", "accesskey", "accesskeyid")) else ""
    if _SECRET_NAME.search(plain):
        return "secret"
    return "weak" if _WEAK_NAME.search(plain) else ""


DIGITS = b"0123456789"
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_READS = (b"getenv", b"environ")  # what of REFERENCE has neither marks nor is letters alone
_LEAST = {"password": 4, "secret": 6, "weak": 20}  # bytes of a value, by what its name promises


def is_secret(value: bytes, strength: str, *, quoted: bool) -> bool:
    """Is this value, assigned to a name of that strength, a secret and not something that stands for one?"""
    n = len(value)
    digits, letters = n - len(value.translate(None, DIGITS)), n - len(value.translate(None, _LETTERS))
    if n < _LEAST[strength]:
        return False
    if digits + letters < n or not digits:
        if REFERENCE.match(value) or b"\xe2\x80\xa2" in value or b"***" in value or b"${" in value or b"{{" in value:
            return False
        if value[:1] in b"<" and value[-1:] in b">":
            return False
    elif value[:7].lower().startswith(_READS):
        return False
    if PLACEHOLDER.fullmatch(value.lower()):
        return False
    if strength == "password":
        return _is_password(value, digits, letters, quoted=quoted)
    if b"://" in value or (_PATH.fullmatch(value) and not (n >= 32 and (looks_random(value) or mixes_case(value)) and value.count(b"/") < 6)):
        return False
    if strength == "weak":
        return looks_random(value) and not value.startswith((b"sha", b"http"))
    if not digits and not quoted and _CALL.match(value):
        return False
    if not digits:
        return (n >= 16 and entropy(value) >= 3.6 and value != value.lower() and not _IDENTIFIER.fullmatch(value)) or (n >= 24 and mixes_case(value))
    if _DOTTED.fullmatch(value) and not looks_random(value):
        return False
    if not letters:
        return n >= 6 and digits == n and quoted is False and n >= 16
    if not quoted and _CALL.match(value):
        return False
    return n >= 16 or (n >= 8 and (digits >= 2 or value != value.lower()))


def _is_password(value: bytes, digits: int, letters: int, *, quoted: bool) -> bool:
    special = len(value) - digits - letters
    if not quoted and special and (_CALL.match(value) or _DOTTED.fullmatch(value)):
        return False
    if digits and (letters or special):
        return len(value) >= 5 and not (special and not letters and value[:1] in b"$-+" and digits < 4)
    if digits:
        return len(value) >= 4
    if quoted and is_phrase(value):
        return True
    if quoted and special and len(value) >= 8 and value[-1:] in b"!$#%&*+" and b" " not in value and not value[1:-1].islower():
        return True
    if not quoted and _HYPHENATED.fullmatch(value) and _PROSE.search(value) is None and _NAMING.search(value) is None:
        return True
    if _IDENTIFIER.fullmatch(value) or (special and _PATH.fullmatch(value)):
        return (
            quoted
            and len(value) >= 8
            and (value.islower() or value.isupper() or mixes_case(value))
            and b" " not in value
            and b"_" not in value
            and b"." not in value
        )
    return special > 0 and len(value) >= 6 and letters >= 2 and value[-1:] not in b":" and b"(" not in value and b"[" not in value


def is_phrase(value: bytes, least: int = 3) -> bool:
    """Are these at least so many plain words that make no sentence?"""
    return value.count(b" ") >= least - 1 and _PHRASE.fullmatch(value) is not None and _PROSE.search(value.lower()) is None


def plainly_secret(value: bytes, strength: str) -> bool:
    """Is it a secret at first sight? Letters and digits, and nothing that a placeholder begins with."""
    return _PLAIN_SECRET.fullmatch(value) is not None and value[:2].lower() not in PLACEHOLDER_HEADS and (strength == "password" or len(value) >= 16)


_A_NAME = re.compile(rb"(?i)^(?!(?:string|str)$).*[a-z]")  # before a type, or an arrow, stands another
_promises: dict[bytes, str | None] = {}


def promise(said: bytes) -> str | None:
    """What a name promises, by what stands from the blank before it up to the sign; None if that does not tell."""
    strength = _promises.get(said, _UNHEARD)
    if strength is _UNHEARD:
        back = _NAME_BACK.match(said[::-1])
        name = back[1][::-1] if back and back.end() < len(said) else b""
        strength = name_strength(name) if _A_NAME.search(name) else None
        if len(_promises) < _KNOWN:
            _promises[said] = strength
    return strength


def assignment_handler(rule: Rule) -> Handler:
    """``name = value`` in any of the usual notations; the trigger ends at the ``:`` or ``=``."""
    runaway = Runaway(rule.class_name)

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        if b.find(b"[", to, to + 12) >= 0 and TAKEN.match(b, to, hi):
            return to
        first = max(b.rfind(b" ", max(lo, to - 40), to - 1), b.rfind(b"\n", max(lo, to - 40), to - 1))
        strength = promise(b[first:to]) if first >= 0 else None
        if strength == "" or (strength not in (None, "password") and _DULL.match(b, to, hi)):
            return to  # the usual case: code and prose
        if strength is not None:
            m = _PLAIN_VALUE.match(b, to, hi + 1)  # without quotes, letters and digits: it goes to the same end the long way
            if m and m[1][:2].lower() not in PLACEHOLDER_HEADS and (strength == "password" or (strength == "secret" and len(m[1]) >= 16)):
                out.append((*m.span(1), rule.class_name))
                return m.end()
        back = _NAME_BACK.match(b[max(lo, to - 96) : to][::-1])
        if back is None:
            return to
        if strength is None:
            strength = name_strength(back[1][::-1])
            if not strength or (strength != "password" and _DULL.match(b, to, hi)):
                return to
        if b[to : to + 1] in b"-?+" and b.rfind(b"${", max(lo, to - 64), to) > b.rfind(b"}", max(lo, to - 64), to):
            return to  # ${NAME:-default}
        gap = GAP.match(b, to, min(hi, to + 128))
        at = gap.end() if gap else to
        start, end, quoted = value_span(b, at, hi, strength)
        line = _PHRASE_LINE.match(b, at, hi) if not quoted and _PHRASE_NAME.match(back[1]) else None
        if line and is_phrase(line[0], _PHRASE_WORDS):
            out.append((*line.span(), rule.class_name))
            return line.end()
        if end <= start:
            return to
        if not is_secret(b[start:end], strength, quoted=quoted):
            past = runaway.failed_value(start, end, out)
            return past if past > start else to
        out.append((start, end, rule.class_name))
        return end

    return handle


def value_span(b: bytes, at: int, hi: int, strength: str) -> tuple[int, int, bool]:
    """First and last+1 byte of the value at ``at``, its scheme word stripped, and whether it stands in quotes."""
    opening = _OPEN.match(b, at, hi) if b[at] in _MAY_OPEN else None
    quote = _QUOTE.match(b, opening.end(), hi) if opening else None
    if quote is not None:
        start = quote.end()
        close = b.find(quote[0], start, min(hi, start + 4096))
        if close >= 0 and b.find(b"\n", start, close) < 0:
            scheme = _SCHEME.match(b, start, close)
            return (scheme.end() if scheme else start), close, True
        at = start
    scheme = _SCHEME.match(b, at, hi)
    at = scheme.end() if scheme else at
    value = (_BARE_PASSWORD if strength == "password" else _BARE).match(b, at, hi)
    if value is None:
        return at, at, False
    raw = value[0]
    if strength == "password" and b"&" in raw and re.search(rb"&\w+=", raw):
        raw = raw[: raw.index(b"&")]
    text = raw.rstrip(b".,:)]}") if not raw.endswith(b"==") else raw
    return at, at + len(text), False


SCHEME_WORDS = "basic|bearer|apikey|api-key|bot|token|negotiate|ntlm|digest"
_AUTH_SCHEME = re.compile(rb"(?i)(" + SCHEME_WORDS.encode() + rb")(?: |\+|%20)(?=[A-Za-z0-9+/_.~\-]*$)")
_AUTH_VALUE = re.compile(rb"[A-Za-z0-9+/_.~\-]{6,4096}+={0,2}")


def follows_scheme(b: bytes, start: int, lo: int) -> bool:
    """Does *Bearer* or its kin stand right before ``start``?"""
    return _AUTH_SCHEME.search(b, max(lo, start - 26), start) is not None


def authorization_handler(rule: Rule) -> Handler:
    """What follows ``Basic`` (base64 of ``user:password``) or ``Bearer``, ``Bot``, ``ApiKey`` …"""

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        scheme = _AUTH_SCHEME.search(b, max(lo, to - 26), to)
        if scheme is None:
            return to
        m = _AUTH_VALUE.match(b, scheme.end(), hi)
        if m is None:
            return to
        value = m[0]
        if scheme[1].lower() == b"basic":
            good = _basic(value)
        else:
            good = (len(value) >= 12 and any(48 <= c <= 57 for c in value) and not _IDENTIFIER.fullmatch(value)) or (
                len(value) >= 20 and mixes_case(value)
            )
        if good:
            out.append((m.start(), m.end(), rule.class_name))
        return m.end()

    return handle


def _basic(value: bytes) -> bool:
    try:
        return b":" in base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


_URL_USER = re.compile(rb"://([^\s:/@\"'<>\x00]{0,256}):([^\s/\"'<>\x00]{0,512}|[^\s\"'<>\x00?#]{0,512})@")


def stands_for_password(password: bytes, user: bytes) -> bool:
    """Is it nothing, a placeholder or a reference, where the password of a URL stands?"""
    return bool(
        not password
        or PLACEHOLDER.fullmatch(password.lower())
        or REFERENCE.match(password)
        or b"${" in password
        or (len(set(password)) == 1 and len(password) < 6)
        or (password == user and len(password) < 8)
    )


def url_credential_handler(rule: Rule) -> Handler:
    """The password of ``scheme://user:password@host``."""

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        scheme = b.rfind(b"://", max(lo, to - 800), to)
        m = _URL_USER.match(b, scheme, min(hi, to + 300)) if scheme >= 0 else None
        if m is None:
            return to
        if stands_for_password(m[2], m[1]):
            return m.end()
        out.append((m.start(2), m.end(2), rule.class_name))
        return m.end()

    return handle


_PEM_BODY = re.compile(rb"(?:[A-Za-z0-9+/=\s:,\-]|\\\\?[nrt])*+")


def pem_handler(rule: Rule) -> Handler:
    """From ``-----BEGIN … PRIVATE KEY`` to its END line, or to where the base64 stops."""
    no_end = [0, 0, 0]  # from, to (buffer offsets known to hold no END line) and the buffer's generation

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        start = b.rfind(b"-----BEGIN", lo, to)
        if start < 0:
            return to
        line = b.find(b"-----", to, min(hi, to + 24))
        head = line + 5 if line >= 0 else to
        close = -1 if no_end[0] <= head < no_end[1] and no_end[2] == Runaway.generation else b.find(b"-----END", head, hi)
        if close < 0:
            no_end[:] = [head, hi, Runaway.generation]
            body = _PEM_BODY.match(b, head, hi)
            end = body.end() if body else head
            if end - head < 24:
                return to
        else:
            again = b.find(b"-----BEGIN", head, close)
            tail = b.find(b"-----", close + 8, min(hi, close + 80))
            end = again if again >= 0 else (tail + 5 if tail >= 0 else min(hi, close + 40))
            if not re.search(rb"[A-Za-z0-9+/]{16}", b[head:end]) and b"\xe2" not in b[head:end]:
                return to
        out.append((start, end, rule.class_name))
        return end

    return handle


_RANDOM_TOKEN = re.compile(rb"[A-Za-z0-9_\-]{20,512}+")
_OTHER_IDS = re.compile(
    rb"(?i)(?:chatcmpl|msg|run|thread|resp|call|toolu|req|file|asst|step|item|evt|cus|sub|in|ch|pi|batch|ft|org|proj|user|sess|session|trace|span|conv|gen|cmpl|rs|fc|ws|vs|rgs?|prod|price|acct|card|ba|dp|il|seti|src|tok|txn|srvtoolu|bdrk|aoai)[-_]"
)


def random_token_handler(rule: Rule) -> Handler:
    """A random token beside a word such as *key* or *token*: keys of vendors no rule knows."""

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        head = _TOKEN_BACK.match(b[max(lo, to - 64) : to][::-1])
        start = to - (head.end() if head else 0)
        m = _RANDOM_TOKEN.match(b, start, hi)
        if m is None or _OTHER_IDS.match(m[0]) or not looks_random(m[0]) or b[m.end() : m.end() + 1] in (b"(", b"/"):
            return to
        out.append((start, m.end(), rule.class_name))
        return m.end()

    return handle


_TOKEN_BACK = re.compile(rb"[A-Za-z0-9_\-]*+")
