"""The checks that rules can name."""

from __future__ import annotations

from collections.abc import Callable

from collector.redaction.checksums import (
    access_code,
    any_digits,
    base58check,
    bitcoin,
    card,
    card_sure,
    document,
    iban,
    iban_run,
    luhn,
    mac,
    mixed,
    not_number,
    routing,
    vin,
)
from collector.redaction.national_ids import (
    aadhaar,
    ahv,
    be_rrn,
    birth_date,
    bsn,
    cn_id,
    cnp,
    cnpj,
    codice_fiscale,
    cpf,
    cuit,
    ddmmyy,
    dni,
    hetu,
    itin,
    lettered_id,
    medicare,
    my_number,
    nhs,
    nino,
    nir,
    nric,
    personnummer,
    pesel,
    rodne_cislo,
    rrn,
    rut,
    sin,
    ssn,
    steuer_id,
    tckn,
    tfn,
    tw_id,
    yymmdd,
    za_id,
)

VALIDATORS: dict[str, Callable[[str], bool]] = {
    f.__name__: f
    for f in (
        luhn, card, card_sure, ssn, itin, cpf, cnpj, pesel, yymmdd, ddmmyy, personnummer, rrn, rodne_cislo, bsn, nir, be_rrn,
        ahv, steuer_id, tckn, cuit, rut, aadhaar, cn_id, za_id, sin, nhs, tfn, medicare, routing, cnp, my_number, any_digits,
        birth_date, iban, nino, dni, codice_fiscale, nric, tw_id, hetu, vin, base58check, bitcoin, mixed, iban_run, mac, document,
        lettered_id, not_number, access_code,
    )
}  # fmt: skip
