/* Check digits, dates and ranges: what checksums.py and national_ids.py say of digits, for clusters.c. */

#include "check_digits.h"

static int weighted(const uint8_t *d, const uint8_t *weights, int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) sum += d[i] * weights[i];
    return sum;
}

static int64_t value(const uint8_t *d, int n) {
    int64_t found = 0;
    for (int i = 0; i < n; i++) found = found * 10 + d[i];
    return found;
}

static int luhn(const uint8_t *d, int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) sum += i & 1 ? 2 * d[n - 1 - i] - 9 * (d[n - 1 - i] > 4) : d[n - 1 - i];
    return sum % 10 == 0;
}

int spanledger_same(const uint8_t *d, int n) {
    int found = 1;
    for (int i = 1; i < n; i++) found &= d[i] == d[0];
    return found;
}

static int issuer(int four, int n) {
    const int first = four / 1000, two = four / 100, three = four / 10;
    if (first == 4) return n == 13 || n == 16 || n == 19;
    if ((51 <= two && two <= 55) || (2221 <= four && four <= 2720)) return n == 16;
    if (two == 34 || two == 37) return n == 15;
    if ((300 <= three && three <= 305) || four == 3095 || two == 36 || two == 38 || two == 39) return 14 <= n && n <= 19;
    if (two == 35 || two == 60 || two == 64 || two == 65 || two == 62 || two == 81 || two == 82 || (2200 <= four && four <= 2205) || four == 9792)
        return (16 <= n && n <= 19) || ((two == 60 || two == 62 || two == 64 || two == 65) && n >= 12);
    if (four == 1800 || four == 2131) return n == 15;
    return two == 50 || two == 56 || two == 57 || two == 58 || first == 6 || four == 604;
}

/* checksums.card */
static int card(const uint8_t *d, int n) {
    if (n < 12 || n > 19 || !issuer(d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3], n)) return 0;
    return luhn(d, n) && !spanledger_same(d, n);
}

/* national_ids.ssn */
static int social_security_number(const uint8_t *d) {
    const int area = d[0] * 100 + d[1] * 10 + d[2];
    return area && area != 666 && area < 900 && (d[3] || d[4]) && (d[5] || d[6] || d[7] || d[8]);
}

static int verhoeff(const uint8_t *d, int n) {
    static const char TABLE[10][11] = {"0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
                                       "5987604321", "6598710432", "7659821043", "8765932104", "9876543210"};
    static const char ORDER[8][11] = {"0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258"};
    int c = 0;
    for (int i = 0; i < n; i++) c = TABLE[c][ORDER[i % 8][d[n - 1 - i]] - '0'] - '0';
    return c == 0;
}

static int day_and_month(const uint8_t *day, int days, const uint8_t *month, int months) { /* more may be added to both */
    const int d = (day[0] * 10 + day[1]) % days, m = (month[0] * 10 + month[1]) % months % (months < 100 ? 20 : 100);
    return 1 <= d && d <= 31 && 1 <= m && m <= 12;
}

/* Are digits one of these numbers, or may they be? As in national_ids.py. */
int spanledger_number(int kind, const uint8_t *d, int n) {
    static const uint8_t ELEVEN[] = {11, 10, 9, 8, 7, 6, 5, 4, 3, 2}, COMPANY[] = {6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2};
    static const uint8_t HOLDER[] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2}, EAN[] = {1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3};
    static const int LENGTHS[] = {[SSN] = 9, [CPF] = 11, [CNPJ] = 14, [NIR] = 15, [BE_RRN] = 11, [AHV] = 13, [CUIT] = 11, [AADHAAR] = 12,
                                  [CN_ID] = 18, [RRN] = 13};
    static const uint8_t RESIDENT[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    if (kind >= SSN && kind <= RRN && n != LENGTHS[kind]) return 0;
    int a, b;
    switch (kind) {
    case CARD: return card(d, n);
    case SSN: return social_security_number(d);
    case CPF: return !spanledger_same(d, n) && weighted(d, ELEVEN + 1, 9) * 10 % 11 % 10 == d[9] && weighted(d, ELEVEN, 10) * 10 % 11 % 10 == d[10];
    case CNPJ:
        a = weighted(d, COMPANY + 1, 12) % 11, b = weighted(d, COMPANY, 13) % 11;
        return !spanledger_same(d, n) && d[12] == (a < 2 ? 0 : 11 - a) && d[13] == (b < 2 ? 0 : 11 - b);
    case NIR: return (d[0] == 1 || d[0] == 2 || d[0] == 3 || d[0] == 7 || d[0] == 8) && 97 - value(d, 13) % 97 == value(d + 13, 2);
    case BE_RRN: return 97 - value(d, 9) % 97 == value(d + 9, 2) || 97 - (2000000000 + value(d, 9)) % 97 == value(d + 9, 2);
    case AHV: return d[0] == 7 && d[1] == 5 && d[2] == 6 && (10 - weighted(d, EAN, 12) % 10) % 10 == d[12];
    case CUIT:
        a = 11 - weighted(d, HOLDER, 10) % 11, b = d[0] * 10 + d[1];
        return (b == 20 || (b >= 23 && b <= 25) || b == 27 || b == 30 || b == 33 || b == 34) && (a == 11 ? 0 : a == 10 ? 9 : a) == d[10];
    case AADHAAR: return d[0] > 1 && verhoeff(d, n);
    case CN_ID:
        a = (int)value(d + 6, 4);
        return a >= 1900 && a <= 2100 && day_and_month(d + 12, 100, d + 10, 100) && "10X98765432"[weighted(d, RESIDENT, 17) % 11] - '0' == d[17];
    case RRN: return day_and_month(d + 4, 100, d + 2, 100) && d[6] > 0 && d[6] < 9;
    case RODNE_CISLO: return (n == 9 || (n == 10 && value(d, 10) % 11 == 0)) && day_and_month(d + 4, 100, d + 2, 50);
    case PERSONNUMMER: return (n == 10 || n == 12) && day_and_month(d + n - 6, 60, d + n - 8, 100) && luhn(d + n - 10, 10);
    }
    return 1;
}
