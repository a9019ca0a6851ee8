/* Where the numbers of a text are that all go: what rough_numbers.py reads with patterns, faster. */

#include <stdint.h>
#include <string.h>

enum { FEWEST = 6, LONG = 64, MARK = 31, HASH_MIN = 8, HASH_MAX = 16, WORD_MIN = 3, WORD_MAX = 24 };

typedef struct {
    int64_t start, past, closer; /* the last: is it to be read with patterns, for what may go on behind it, or for its lines? */
} Number;

static int digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }
static int capital(uint8_t c) { return (uint8_t)(c - 'A') < 26; }
static int small(uint8_t c) { return (uint8_t)(c - 'a') < 26; }
static int begins(const uint8_t *b, int64_t at, int64_t hi, const char *what, int64_t n) { return hi - at >= n && !memcmp(b + at, what, (size_t)n); }

/* How many bytes the separator has that stands there, if one does. */
static int64_t separator(const uint8_t *b, int64_t at, int64_t hi) {
    const int64_t left = hi - at;
    if (left < 1) return 0;
    const uint8_t c = b[at], second = left > 1 ? b[at + 1] : 0, third = left > 2 ? b[at + 2] : 0;
    switch (c) {
    case ' ': case '.': case '-': case '(': case ')': case '\t': case '\r': case '\n': case '_': case '/': case '*': return 1;
    case '\\': {
        const uint8_t named = second == '\\' ? third : second;
        return named == 'n' || named == 'r' || named == 't' ? 2 + (second == '\\') : 0;
    }
    case '&': return begins(b, at, hi, "&nbsp;", 6) ? 6 : 0;
    case '%': return second == '2' && (third == '0' || third == 'D' || third == 'E') ? 3 : 0;
    case 0xC2: return second == 0xA0 ? 2 : 0;
    case 0xE2:
        if (second == 0x80) return (third >= 0x80 && third <= 0x95) || third == 0xAF ? 3 : 0;
        return second == 0x88 && third == 0x92 ? 3 : 0;
    case 0xE3: return second == 0x80 && third == 0x80 ? 3 : 0;
    default: return 0;
    }
}

/* Behind the digits, and what between them makes them one, from `at` on; `digits` counts them. */
static int64_t chain(const uint8_t *b, int64_t at, int64_t hi, int64_t *digits) {
    for (;;) {
        const int64_t first = at;
        while (at < hi && digit(b[at])) at++;
        *digits += at - first;
        int64_t next = at;
        for (int several = 0; several < 3; several++) next += separator(b, next, hi);
        if (next == at || next >= hi || !digit(b[next])) return at;
        for (int64_t k = at; k < next; k++) *digits += digit(b[k]); /* of an escape */
        at = next;
    }
}

/* Behind the placeholder that stands there, if one does. */
static int64_t placeholder(const uint8_t *b, int64_t at, int64_t hi) {
    int64_t z = at + 1;
    if (z >= hi || !capital(b[z++])) return at;
    const int64_t name = z;
    while (z < hi && z - name < MARK && (capital(b[z]) || digit(b[z]) || b[z] == '_')) z++;
    if (z == name || z >= hi) return at;
    if (b[z] == ']') return z + 1;
    if (b[z++] != ':') return at;
    const int64_t said = z;
    while (z < hi && z - said < HASH_MAX && (digit(b[z]) || (b[z] >= 'a' && b[z] <= 'f'))) z++;
    if (z < hi && z - said >= HASH_MIN && b[z] == ']') return z + 1;
    for (z = said; z < hi && z - said < WORD_MAX && (small(b[z]) || b[z] == '_'); z++) {}
    return z < hi && z - said >= WORD_MIN && b[z] == ']' ? z + 1 : at;
}

static int may_extend(const uint8_t *b, int64_t at, int64_t hi) {
    for (int k = 0; k < 2 && at < hi && (b[at] == ' ' || b[at] == ','); k++) at++;
    return at < hi && b[at] && strchr("xX#eEpPdD", b[at]);
}

/* `b[lo:hi]` is read; `into` has room for one every FEWEST bytes, and one more. How many there are. */
int64_t spanledger_numbers(const uint8_t *b, int64_t lo, int64_t hi, Number *into) {
    int64_t count = 0;
    for (int64_t at = lo; at < hi;) {
        const uint8_t c = b[at];
        if (c == '[') {
            const int64_t past = placeholder(b, at, hi);
            at = past > at ? past : at + 1;
            continue;
        }
        const int led = c == '+' || c == '(';
        if (!(digit(c) || (led && at + 1 < hi && digit(b[at + 1])))) {
            at++;
            continue;
        }
        int64_t digits = 0;
        const int64_t past = chain(b, at + led, hi, &digits);
        if (digits >= FEWEST) into[count++] = (Number){at, past, past - at > LONG || past - at == 10 || may_extend(b, past, hi)};
        at = past;
    }
    return count;
}
