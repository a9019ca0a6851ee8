/* Most borders between the messages that a text lists lie between words: of these seams.py has nothing to say, and this says so sooner.

   A border counts as quiet only in the usual notation, and only where it is sure that no value goes on behind it. */

#include <stdint.h>
#include <string.h>

enum { BACK = 16, LONG = 288, QUOTES = 32, CLOSE = 40, TAIL = 56, FIELDS = 4, FIELD = 64, NUMBER = 6, WORD = 12, SHORT = 10, KEY = 24 };

#define INLINE static inline __attribute__((always_inline))

INLINE int is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

INLINE int is_letter(uint8_t c) { return (uint8_t)((c | 32) - 'a') < 26; }

INLINE int one_of(const char *signs, uint8_t c) { return c && strchr(signs, c) != NULL; }

INLINE int is_wordy(uint8_t c) { return is_letter(c) || is_digit(c) || one_of("@._%+/=:-", c); }

INLINE int64_t blank(const uint8_t *b, int64_t i) { return i + (b[i] == ' '); }

/* Is it one of these words, each between `|`, that stands at i up to a quote? */
static int64_t named(const uint8_t *b, int64_t i, const char *names) {
    for (const char *name = names; *name;) {
        const size_t size = strcspn(name, "|");
        if (!memcmp(b + i, name, size) && b[i + (int64_t)size] == '"') return i + (int64_t)size + 1;
        name += size + (name[size] == '|');
    }
    return 0;
}

/* Where the next message begins, if it is noted in the usual way: `"}, {"role": "user", "content": "`; or nothing. */
static int64_t opening(const uint8_t *b, int64_t i, int64_t hi) {
    if (b[i] != '"' || b[i + 1] != '}' || b[i + 2] != ',') return 0;
    i = blank(b, i + 3);
    if (b[i] != '{') return 0;
    i = blank(b, i + 1);
    for (int field = 0; field <= FIELDS; field++) {
        if (hi - i < LONG || b[i++] != '"') return 0; /* what follows stays within the text */
        int64_t end = named(b, i, "content|text|delta|value|input|output");
        if (end) return b[end] == ':' && b[blank(b, end + 1)] == '"' ? blank(b, end + 1) + 1 : 0;
        end = named(b, i, "role|type|id|name|index");
        if (!end || b[end] != ':') return 0;
        i = blank(b, end + 1);
        const int64_t first = i;
        if (b[i] == '"') {
            for (i++; i - first <= FIELD && (is_letter(b[i]) || is_digit(b[i]) || one_of("_.-", b[i])); i++) {}
            if (b[i++] != '"') return 0;
        } else {
            for (; i - first < NUMBER && is_digit(b[i]); i++) {}
            if (i == first) return 0;
        }
        if (b[i] != ',') return 0;
        i = blank(b, i + 1);
    }
    return 0;
}

/* Are these a few letters, and no token that goes on? */
static int is_short_word(const uint8_t *b, int64_t i) {
    int64_t end = i;
    while (end - i <= SHORT && is_letter(b[end])) end++;
    return end > i && end - i <= SHORT && !is_wordy(b[end]);
}

/* Could this be half of a number, a key or an address? */
static int is_worth(const uint8_t *b, int64_t i, int64_t end) {
    int half = 0, sign = 0;
    for (int64_t k = i; k < end; k++) half |= is_digit(b[k]) || one_of("@-_", b[k]), sign |= is_letter(b[k]) || is_digit(b[k]);
    return end - i > 2 && half && sign;
}

/* Could the token that ends one part go on in the next, and be more than a word? */
static int is_cut(const uint8_t *b, int64_t i, int64_t end, int64_t next) {
    int64_t rest = next;
    int mixed = 0, telling = 0;
    for (; rest - next < LONG && (is_letter(b[rest]) || one_of("._%+/-", b[rest])); rest++) mixed |= (uint8_t)(b[rest] - 'A') < 26;
    if (is_digit(b[rest]) || one_of("@:=", b[rest])) return 1;
    for (int64_t k = i; k < end; k++) {
        telling |= is_digit(b[k]) || one_of("@=", b[k]) || (b[k] == ':' && (b[k + 1] != '/' || b[k + 2] != '/'));
        mixed |= is_digit(b[k]) || (uint8_t)(b[k] - 'A') < 26;
    }
    return rest > next && (telling || (mixed && end - i + rest - next >= KEY));
}

static int is_quiet(const uint8_t *b, int64_t lo, int64_t hi, int64_t to) {
    int64_t at = to - 1;
    while (at > lo && to - at < BACK && b[at] != '{') at--;
    const int64_t end = at - 3 - (b[at - 1] == ' ');
    if (b[at] != '{' || end - lo < LONG || b[end - 1] == '\\') return 0;
    for (int64_t i = end - QUOTES; i < end; i++) if (b[i] == '"' && b[i - 1] != '\\') return 0;
    const int64_t next = opening(b, end, hi);
    if (!next || hi - next < LONG) return 0;
    int64_t last = end;
    while (end - last < CLOSE && one_of(" .,;:!?\"')]}\n\r\t\\", b[last - 1])) last--;
    if (end - last == CLOSE) return 0;
    int half = 0, letters = 1;
    int64_t first = last;
    for (; b[first - 1] != ' '; first--) {
        if (end - first == TAIL) return 0;
        half |= is_digit(b[first - 1]) || one_of("@-_", b[first - 1]);
        letters &= is_letter(b[first - 1]);
    }
    const int closed = last < end;
    if (!half && (closed || !is_wordy(b[next]) || !is_wordy(b[end - 1]) || (letters && last - first <= WORD && is_short_word(b, next)))) return 1;
    for (first = last; is_wordy(b[first - 1]); first--)
        if (end - first == TAIL) return 0;
    return last - first < 2 || !((half && is_worth(b, first, last)) || (!closed && is_cut(b, first, end, next)));
}

/* For each of n texts with one trigger for a next message: where the text begins and ends in the buffer, and where its trigger ends, in; whether
   nothing goes on behind that border, out. */
void spanledger_borders(const uint8_t *b, const int64_t *los, const int64_t *his, const int64_t *tos, int64_t n, uint8_t *quiet) {
    for (int64_t k = 0; k < n; k++) quiet[k] = (uint8_t)is_quiet(b, los[k], his[k], tos[k]);
}
