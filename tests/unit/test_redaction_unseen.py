"""Forms met in real prompts, logs and code of many countries: what a value looks like there, what is said beside it, and what only looks alike."""

# ruff: noqa: E501 - data
from __future__ import annotations

import re

import pytest

from collector.redaction import Redactor

PASSWORDS = ("Sommer4812!", "tr0ub4dor&06", "Xk9#CrJk0R", "QwznwZdnkb@7", "E8sRE5tRCuFn!")
SAID = """Passwort: {}|Das Kennwort lautet {}|mdp: {}|le mot de passe est {}|Contraseña: {}|clave: {}|la clave es {}|密码：{}|密码是{}|口令: {}|パスワード：{}
パスワードは{}です|비밀번호: {}|비밀번호는 {} 입니다|пароль: {}|мой пароль {}|كلمة المرور: {}|كلمة السر هي {}|पासवर्ड: {}|मेरा पासवर्ड {} है|senha: {}|wachtwoord: {}
moje hasło to {}|şifre: {}|lösenord: {}|adgangskode: {}|salasana: {}|heslo: {}|parola: {}|jelszó: {}|סיסמה: {}|mật khẩu: {}|รหัสผ่าน: {}|kata sandi: {}|κωδικός: {}"""
TYPED = r"""net use \\srv\s /user:bob {}|net user bob {} /add|smtp.login('a@b.io', '{}')|ENV MYSQL_ROOT_PASSWORD {}|htpasswd -b .htpasswd bob {}|openssl enc -k {}
7z x a.7z -p{}|unzip -P {} a.zip|gpg --passphrase {} -d f|ssh-keygen -N '{}' -f k|My login is bob / {}|username bob, password {}|credentials are bob:{} ok?
pass_word={}|setPassword("{}")|.password("{}")|withPassword('{}')|&#124; password &#124; {} &#124;|Password (temporary): {}|initial password {}|passcode {}
echo {} &#124; sudo -S apt|echo '{}' &#124; docker login --password-stdin|ConvertTo-SecureString '{}' -AsPlainText -Force|let pwd: string = '{}';"""


def _forms(table: str) -> list[str]:
    return [form.replace("&#124;", "|") for form in re.split(r"[|\n]", table)]


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


@pytest.mark.parametrize("form", _forms(SAID) + _forms(TYPED))
def test_a_password_goes_however_it_is_told(redactor: Redactor, form: str) -> None:
    kept = [out for out in (redactor.redact(form.format(p)).text for p in PASSWORDS) if any(p[:-1] in out for p in PASSWORDS)]
    assert kept == []


@pytest.mark.parametrize(
    "text",
    """Passwort: bitte eingeben|contraseña: obligatoria|la clave es la paciencia|mot de passe : requis|密码：必填|пароль: обязательное поле|كلمة المرور: مطلوبة
the password OAuth2 flow|password hashing uses SHA256|password must have 8-64 characters|password v2.1.0|clave primaria: id_cliente|mdp: voir le coffre|login: admin
credentials: see vault|login / signup|net user add|splitpasswd('user:passwd')|let token: string = undefined;|client_secret: string""".replace(
        "\n", "|"
    ).split("|"),
)
def test_words_about_passwords_stay(redactor: Redactor, text: str) -> None:
    assert redactor.redact(text).text == text


PHONES = """055 1234 567|087 123 4567|021 123 4567|050 123 4567|081-234-5678|0664 1234567|0712 345678|0300-1234567|0151 23456789|06 30 123 4567|098765 43210|电话 010-62345678
携帯：09012345678|手机号13812345678|연락처 01012345678|جوال 0501234567|هاتف: ٠٥٠١٢٣٤٥٦٧|טלפון 050-1234567|τηλ 6912345678|puh. 040 1234567|tlm 912 345 678|फोन नंबर 9876543210
मोबाइल: 98765 43210|joindre au 0612345678|chame no 11912345678|тел. 89123456789|nomor 081234567890|โทร 0812345678"""


@pytest.mark.parametrize("form", _forms(PHONES))
@pytest.mark.parametrize("around", ["{}", 'please note: "{}".', '{{"note": "{}"}}'])
def test_a_telephone_number_goes_in_the_form_of_its_country(redactor: Redactor, form: str, around: str) -> None:
    assert not re.search(r"[0-9٠-٩]{4}", redactor.redact(around.format(form)).text)


NUMBERS = """SVNR 1237 010180|PPS number 1234567FA|RFC: VECJ880326XXX|DNI 30.123.456|cédula de ciudadanía 1.020.345.678|HKID A123456(3)|MyKad 900101-14-5678|NIK 3171234567890123
เลขประจำตัวประชาชน 1-1018-00001-23-4|תעודת זהות 123456782|رقم الهوية 1012345678|Emirates ID 784-1990-1234567-1|الرقم القومي 29001011234567|NIN 12345678901|СНИЛС 112-233-445 95
ИНН 500100732259|паспорт 4509 123456|ІПН 3123456789|TAJ szám 123 456 788|ЕГН 7501010018|ΑΜΚΑ 01018012345|ΑΦΜ 123456783|asmens kodas 38703181745|isikukood 38001085718
personas kods 010180-12345|OIB 33392005961|JMBG 0101980710006|Reisepassnummer C01X00T47|护照号 E12345678|Führerscheinnummer B072RRE2I55|CLABE 032180000118359719
Krankenversichertennummer A123456780|patient MRN 00123456"""


@pytest.mark.parametrize("form", _forms(NUMBERS))
@pytest.mark.parametrize("around", ["{}", "Bitte prüfen: {}, danke", '{{"x": "{}"}}'])
def test_the_number_of_a_person_goes_with_the_word_that_names_it(redactor: Redactor, form: str, around: str) -> None:
    assert not re.search(r"[0-9]{3}", redactor.redact(around.format(form)).text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "ИНН обязателен",
            "паспорт выдан в 2019 году",
            "DNI field is required",
            "the MRN of a patient",
            "RFC 9110 section 15.5",
            "身份证号必填",
            "NIK is mandatory",
        ),
        *("mi DNI es obligatorio, paso 2 de 3", "id 0012-345678", "part no 0401-123456", "SKU 0123-456789", "0001 000002", "matrix 0.12 0.34"),
    ],
)
def test_words_about_numbers_and_other_numbers_stay(redactor: Redactor, text: str) -> None:
    assert redactor.redact(text).text == text


@pytest.mark.parametrize(
    "mail",
    [
        "用户@例子.公司",
        '"ana b"@example.org',
        '"very.unusual"@example.com',
        "पता@उदाहरण.भारत",
        "test@예시.한국",
        "ana@例子。公司",
        "أحمد@example.com",
        "ana@mail.例子.中国",
    ],
)
@pytest.mark.parametrize("around", ["{}", "write to {} today", "an {}.", '{{"to":{}}}'])
def test_a_mail_address_goes_in_any_script_and_with_a_quoted_name(redactor: Redactor, mail: str, around: str) -> None:
    import json

    out = redactor.redact(around.format(json.dumps(mail, ensure_ascii=False) if "{{" in around else mail)).text
    assert not any(part in out for part in re.split(r"[@.。]", mail.strip('"')))


def test_quotes_before_an_at_sign_that_are_no_name_stay(redactor: Redactor) -> None:
    for text in ('{"@type":"x","@id":"a@b"}', 'x="1"@foo', '"@context":"https://schema.example"', "ana@mail.谢谢", 'import "x"@1.2.3'):
        assert redactor.redact(text).text == text


CARDS = (("4111", "1111", "1111", "1111"), ("5555", "5555", "5555", "4444"), ("3782", "822463", "10005"))


@pytest.mark.parametrize("mark", [",", ", ", ":", "|", " | ", ";", "; "])
@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("around", ["{}", "card {} ok", '{{"pan":"{}"}}'])
def test_a_card_goes_whatever_cuts_it(redactor: Redactor, mark: str, card: tuple[str, ...], around: str) -> None:
    assert redactor.redact(around.format(mark.join(card))).text == around.format("[CREDIT_CARD]")


def test_a_card_in_twos_or_in_a_list_of_four_goes(redactor: Redactor) -> None:
    assert redactor.redact("41 11 11 11 11 11 11 11").text == "[CREDIT_CARD]"
    assert "1111" not in redactor.redact('{"pan": ["4111", "1111", "1111", "1111"]}').text


@pytest.mark.parametrize(
    "text",
    [
        "4111,1111,1111,1112",
        "2019,2020,2021,2022",
        "4111,1111,1111,1111,1111",
        "12,4111,1111,1111,1111",
        "1,2\n4111,1111,1111,1111\n3,4",
    ],
)
def test_four_numbers_that_are_no_card_or_stand_in_a_longer_row_stay(redactor: Redactor, text: str) -> None:
    assert redactor.redact(text).text == text
