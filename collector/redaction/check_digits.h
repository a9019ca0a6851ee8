/* Numbers that their digits tell (check_digits.c). Digits are values from 0 to 9. */

#include <stdint.h>

/* What a check is about; `OTHER` only Python can tell. */
enum Kind { FORM, CARD, SSN, CPF, CNPJ, NIR, BE_RRN, AHV, CUIT, AADHAAR, CN_ID, RRN, RODNE_CISLO, PERSONNUMMER, OTHER };

int spanledger_number(int kind, const uint8_t *digits, int n); /* are they one of a kind? Of `OTHER`, perhaps */
int spanledger_same(const uint8_t *digits, int n);             /* are they all alike? */
