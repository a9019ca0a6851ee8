/* The gates of gates.py, compiled, and sharper: where in a buffer is each scan worth its cost?

   One pass tells bytes apart, 64 at a time, as bits of a word each. What may matter is let through with its surroundings. Nothing is read behind
   `size` bytes, nor written outside of what the caller made room for (compiled.py). */

#include <stdint.h>
#include <string.h>

const char *const spanledger_source = SOURCE; /* its digest: the library belongs to this very file */

enum { DIGITS, SAID, RUNS, ATS, COLONS, WIDE, STREETS, GATES };

/* Bytes let through on both sides of what matters, and bytes between two regions that are not worth a cut. The triggers of a scan reach no
   further, or what they tell would depend on the batch: test_redaction_gates.py compares with what is found without gates. */
static const int LEFT[GATES] = {8, 104, 24, 832, 16, 8, 2}, RIGHT[GATES] = {16, 48, 8, 8, 16, 8, 2}, GAP[GATES] = {8, 32, 16, 64, 16, 16, 16};

/* Digits of one number, and of what a word says, stand at most so far apart; so many make one, or as few with dots or capitals about them. */
enum { APART = 9, APART_SAID = 16, MANY = 6, FEW = 4, DOTS = 3, CAPITALS = 6 };

/* Letters and digits that tell an account, `DE89 3704 0044 053` without its country, and the bytes that they stand in with what separates them. */
enum { ACCOUNT_SIGNS = 13, ACCOUNT = 19 };

/* Words of a street, with what stands before its name: `12 N. St. James Park West Street`. */
enum { STREET = 6 };

/* A run of characters of a token, and how many digits and capitals tell it from words. */
enum { RUN = 28, TELLING = 2 };

enum { CHUNK = 64, PAGE = 64, STEPS = 5 };
typedef uint64_t Mask;              /* a bit for each byte of a chunk */
typedef Mask Masks[PAGE + 1];       /* of the chunks of a page, behind the last of the page before */

typedef union {
    struct {
        Masks digit, capital, hexadecimal, word, base64, at, colon, hyphen, dot, high, space, comma;
        Masks groups, numbered, words[STEPS], bases[STEPS], ends; /* what follows from these */
    };
    Masks each[12 + 2 + 2 * STEPS + 1];
} Page;

_Static_assert(sizeof(Page) == sizeof(((Page *)0)->each), "every mask is carried over to the next page");

typedef struct {
    int64_t *starts, *ends, count, room;
} Regions;

#define INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
#include <immintrin.h>
#define WITH_AVX2 __attribute__((target("avx2,bmi,popcnt")))

INLINE WITH_AVX2 Mask bits(__m256i low, __m256i high) {
    return (uint32_t)_mm256_movemask_epi8(low) | (Mask)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

INLINE WITH_AVX2 Mask same(__m256i a, __m256i b, char c) {
    const __m256i w = _mm256_set1_epi8(c);
    return bits(_mm256_cmpeq_epi8(a, w), _mm256_cmpeq_epi8(b, w));
}

INLINE WITH_AVX2 __m256i among(__m256i v, char first, char many) {
    const __m256i from = _mm256_sub_epi8(v, _mm256_set1_epi8(first));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(from, _mm256_set1_epi8(many - 1)), from);
}

INLINE WITH_AVX2 Mask range(__m256i a, __m256i b, char first, char many) { return bits(among(a, first, many), among(b, first, many)); }

INLINE WITH_AVX2 void kinds_avx2(const uint8_t *p, Page *k, int i) {
    const __m256i a = _mm256_loadu_si256((const __m256i *)p), b = _mm256_loadu_si256((const __m256i *)(p + 32));
    const __m256i fold = _mm256_set1_epi8(32), x = _mm256_or_si256(a, fold), y = _mm256_or_si256(b, fold);
    const Mask digit = range(a, b, '0', 10), sign = digit | range(x, y, 'a', 26), hyphen = same(a, b, '-'), dot = same(a, b, '.');
    k->digit[i] = digit;
    k->capital[i] = range(a, b, 'A', 26);
    k->hexadecimal[i] = digit | range(x, y, 'a', 6);
    k->word[i] = sign | hyphen | dot | same(a, b, '_');
    k->base64[i] = sign | same(a, b, '+') | same(a, b, '/');
    k->at[i] = same(a, b, '@');
    k->colon[i] = same(a, b, ':');
    k->hyphen[i] = hyphen;
    k->dot[i] = dot;
    k->high[i] = bits(a, b);
    k->space[i] = same(a, b, ' ');
    k->comma[i] = same(a, b, ',');
}
#endif

INLINE Mask when(int yes, int i) { return (Mask)(yes != 0) << i; }

INLINE void kinds_anywhere(const uint8_t *p, Page *k, int i) {
    k->digit[i] = k->capital[i] = k->hexadecimal[i] = k->word[i] = k->base64[i] = 0;
    k->at[i] = k->colon[i] = k->hyphen[i] = k->dot[i] = k->high[i] = k->space[i] = k->comma[i] = 0;
    for (int j = 0; j < CHUNK; j++) {
        const uint8_t c = p[j], folded = c | 32;
        const int digit = (uint8_t)(c - '0') < 10, sign = digit | ((uint8_t)(folded - 'a') < 26);
        k->digit[i] |= when(digit, j);
        k->capital[i] |= when((uint8_t)(c - 'A') < 26, j);
        k->hexadecimal[i] |= when(digit | ((uint8_t)(folded - 'a') < 6), j);
        k->word[i] |= when(sign | (c == '-') | (c == '.') | (c == '_'), j);
        k->base64[i] |= when(sign | (c == '+') | (c == '/'), j);
        k->at[i] |= when(c == '@', j);
        k->colon[i] |= when(c == ':', j);
        k->hyphen[i] |= when(c == '-', j);
        k->dot[i] |= when(c == '.', j);
        k->high[i] |= when(c > 127, j);
        k->space[i] |= when(c == ' ', j);
        k->comma[i] |= when(c == ',', j);
    }
}

/* Let `[from, to)` through, and what stands about it. Calls for a gate come in order. Where there is no room for another region, the last grows. */
INLINE void let(Regions *regions, int gate, int64_t from, int64_t to) {
    Regions *r = regions + gate;
    from = from > LEFT[gate] ? from - LEFT[gate] : 0;
    to += RIGHT[gate];
    if (r->count && (from <= r->ends[r->count - 1] + GAP[gate] || r->count == r->room)) {
        if (to > r->ends[r->count - 1]) r->ends[r->count - 1] = to;
    } else {
        r->starts[r->count] = from;
        r->ends[r->count++] = to;
    }
}

INLINE void let_all(Regions *regions, int gate, int64_t at, Mask m) {
    for (; m; m &= m - 1) {
        const int64_t i = at + __builtin_ctzll(m);
        let(regions, gate, i, i + 1);
    }
}

/* The bytes of a chunk with one of a kind n bytes before them. */
INLINE Mask before(const Mask *kind, int n) { return kind[0] << n | kind[-1] >> (CHUNK - n); }

/* Groups of hexadecimal digits between colons, dots or hyphens: the sign that ends the first of them, of hyphens the last. */
INLINE void groups(Page *p, int chunks) {
    for (int i = 1; i <= chunks; i++) {
        const Mask *hex = p->hexadecimal + i, *colon = p->colon + i, *hyphen = p->hyphen + i;
        const Mask one = before(hex, 1), two = one & before(hex, 2), three = two & before(hex, 3), four = three & before(hex, 4);
        const Mask few = (before(colon, 1) & before(hex, 2)) | (one & before(colon, 2)) | (two & before(colon, 3));
        const Mask colons = few | (three & before(colon, 4)) | (four & before(colon, 5));
        const Mask pairs = two & before(hyphen, 3) & before(hyphen, 6) & before(hyphen, 9);
        p->groups[i] = (*colon & colons) | (*hyphen & pairs) | (p->dot[i] & four & before(p->dot + i, 5));
    }
}

/* Words behind a number and a blank, with a letter, a comma or both between: `12 `, `12b, `. */
INLINE void numbered(Page *p, int chunks) {
    for (int i = 1; i <= chunks; i++) {
        const Mask *digit = p->digit + i, *word = p->word + i, *comma = p->comma + i;
        const Mask letter = before(digit, 3) & before(word, 2), sign = before(comma, 2) & (before(digit, 3) | (before(digit, 4) & before(word, 3)));
        p->numbered[i] = (*word | p->high[i]) & before(p->space + i, 1) & (before(digit, 2) | letter | sign);
    }
}

/* What ends 1, 2, 4, 8, 16 of a kind in a row. */
INLINE void rows(const Mask *kind, Masks *row, int chunks) {
    for (int i = 1; i <= chunks; i++) row[0][i] = kind[i];
    for (int k = 1; k < STEPS; k++)
        for (int i = 1; i <= chunks; i++) row[k][i] = row[k - 1][i] & before(row[k - 1] + i, 1 << (k - 1));
}

INLINE void runs(Page *p, int chunks) {
    const Mask *word = p->words[STEPS - 1], *base64 = p->bases[STEPS - 1];
    rows(p->word, p->words, chunks);
    rows(p->base64, p->bases, chunks);
    for (int i = 1; i <= chunks; i++) p->ends[i] = (word[i] & before(word + i, RUN - 16)) | (base64[i] & before(base64 + i, RUN - 16));
}

typedef struct {
    int64_t start, last, count;
} Number;

/* Are at least so many of these bytes in a range? */
static int some(const uint8_t *b, int64_t from, int64_t to, uint8_t first, uint8_t many, int wanted) {
    for (; from < to && wanted; from++) wanted -= (uint8_t)(b[from] - first) < many;
    return !wanted;
}

INLINE int is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

INLINE int is_letter(uint8_t c) { return (uint8_t)((c | 32) - 'a') < 26; }

enum { NEVER, ALWAYS, FOUR, LETTER, ENTITY };

/* What a byte may do between digits of one number: separate them, or four of a card and more, or stand by itself as a letter of an identifier. */
static const uint8_t BETWEEN[256] = {
    [' '] = ALWAYS, ['('] = ALWAYS, [')'] = ALWAYS, ['/'] = ALWAYS, ['_'] = ALWAYS, ['*'] = ALWAYS, ['-'] = ALWAYS, ['.'] = ALWAYS, ['\t'] = ALWAYS,
    ['\r'] = ALWAYS, ['\n'] = ALWAYS, ['+'] = ALWAYS, ['%'] = ALWAYS, ['\\'] = ALWAYS, [128 ... 255] = ALWAYS, [','] = FOUR, [':'] = FOUR,
    ['|'] = FOUR, [';'] = FOUR, ['"'] = FOUR, ['a' ... 'z'] = LETTER, ['A' ... 'Z'] = LETTER, ['&'] = ENTITY,
};

/* May these bytes stand between digits of one number? */
INLINE int separate(const uint8_t *b, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) switch (BETWEEN[b[i]]) {
        case ALWAYS: break;
        case FOUR:
            if (from < 4 || !is_digit(b[from - 2]) || !is_digit(b[from - 3]) || !is_digit(b[from - 4])) return 0;
            break;
        case LETTER: /* of an identifier, behind a blank or not, or of an escape such as `\n` */
            if (i + 1 == to && (i == from || (i == from + 1 && b[from] == ' '))) return 1;
            if (i == from || b[i - 1] != '\\' || (b[i] != 'n' && b[i] != 'r' && b[i] != 't')) return 0;
            break;
        case ENTITY: return to - from == 6 && !memcmp(b + i, "&nbsp;", 6);
        default: return 0;
    }
    return 1;
}

INLINE int is_year(const uint8_t *b) { return (b[0] == '1' && b[1] == '9') || (b[0] == '2' && b[1] == '0'); }

/* A day as in 2026-03-14, or two years as in 1998-2000: eight digits that no rule has. */
INLINE int dated(const uint8_t *b, const Number *n) {
    const uint8_t *p = b + n->start;
    const int64_t size = n->last + 1 - n->start;
    if (n->count != 8 || !is_year(p) || (n->start && p[-1] == '+')) return 0;
    if (size == 10 && p[4] == p[7] && (p[4] == '-' || p[4] == '/')) {
        const int month = 10 * (p[5] - '0') + p[6] - '0', day = 10 * (p[8] - '0') + p[9] - '0';
        return is_digit(p[5]) && is_digit(p[6]) && is_digit(p[8]) && month >= 1 && month <= 12 && day >= 1 && day <= 31;
    }
    return (size == 9 && p[4] == '-' && is_year(p + 5)) || (size == 10 && p[4] == ',' && p[5] == ' ' && is_year(p + 6));
}

/* Up to eight digits in a row, or a decimal, without a letter or a `+` beside them: no rule has these without a word (and words have a gate). */
INLINE int bare(const uint8_t *b, int64_t size, const Number *n) {
    const uint8_t *p = b + n->start, before = n->start ? p[-1] : 0, next = n->last + 1 < size ? b[n->last + 1] : 0;
    const uint8_t behind = n->last + 2 < size && (next == ' ' || next == '-') ? b[n->last + 2] : next;
    if (before == '+' || before == '.' || is_letter(before) || is_letter(behind) || (p[0] == '0' && p[1] == '0' && p[2] == '0')) return 0;
    int64_t whole = 0;
    while (whole < n->count && is_digit(p[whole])) whole++;
    const int64_t gaps = n->last + 1 - n->start - n->count;
    return whole <= 8 && (gaps == 0 || (gaps == 1 && p[whole] == '.'));
}

INLINE void end_number(Regions *regions, const uint8_t *b, int64_t size, const Number *n) {
    if (n->count < FEW) return;
    if (n->count < MANY && !some(b, n->start, n->last, '.', 1, DOTS)) {
        const int64_t from = n->start > 8 ? n->start - 8 : 0, to = n->last + 9 < size ? n->last + 9 : size;
        if (!some(b, from, to, 'A', 26, CAPITALS)) return;
    }
    if (!dated(b, n) && !bare(b, size, n)) let(regions, DIGITS, n->start, n->last + 1);
}

/* What begins as `GB29 NWBK 6016 133` does, the first digit at i. */
INLINE void let_account(Regions *regions, const uint8_t *b, int64_t size, int64_t i) {
    if (i < 2 || i + 1 >= size || !is_digit(b[i + 1]) || !is_letter(b[i - 1]) || !is_letter(b[i - 2]) || (i > 2 && (is_letter(b[i - 3]) || is_digit(b[i - 3])))) return;
    int64_t end = i;
    int signs = 0, apart = 0;
    for (; end < size && end < i + ACCOUNT && signs < ACCOUNT_SIGNS && apart < 3; end++) {
        const int sign = is_letter(b[end]) || is_digit(b[end]);
        signs += sign;
        apart = sign ? 0 : apart + 1;
    }
    if (signs == ACCOUNT_SIGNS) let(regions, DIGITS, i - 2, end);
}

INLINE void end_said(Regions *regions, const Number *n) {
    if (n->count >= FEW) let(regions, SAID, n->start, n->last + 1);
}

INLINE void go_on(Number *n, int64_t i, int fresh) {
    if (fresh) n->start = i, n->count = 0;
    n->last = i;
    n->count++;
}

INLINE void numbers(Regions *regions, const uint8_t *b, int64_t size, int64_t at, Mask digits, Number *number, Number *said) {
    for (; digits; digits &= digits - 1) {
        const int64_t i = at + __builtin_ctzll(digits), apart = i - number->last;
        int fresh = apart > APART;
        if (apart > 1 && !fresh) fresh = !separate(b, number->last + 1, i) && !(b[number->start] == '0' && b[number->start + 1] == '0');
        if (fresh) {
            end_number(regions, b, size, number);
            let_account(regions, b, size, i);
        }
        if (apart > APART_SAID) end_said(regions, said);
        go_on(number, i, fresh);
        go_on(said, i, apart > APART_SAID);
    }
}

/* Runs that end at these bytes, where digits and capitals stand in them: of this chunk, and of the one before. */
INLINE void let_runs(Regions *regions, int64_t at, Mask ends, Mask tells, Mask told) {
    for (; ends; ends &= ends - 1) {
        const int i = __builtin_ctzll(ends), behind = CHUNK - 1 - i;
        const Mask both = behind ? tells << behind | told >> (CHUNK - behind) : tells; /* the last of 64 bytes is the one that ends the run */
        if (__builtin_popcountll(both >> (CHUNK - RUN)) >= TELLING) let(regions, RUNS, at + i - RUN + 1, at + i + 1);
    }
}

/* May the name of a street begin here? A capital, a digit, or one of *de, del, der, la, of, the, van, von*. */
INLINE int named(const uint8_t *b, int64_t i, int64_t size) {
    if (i + 1 >= size) return 0;
    switch (b[i]) {
    case 'd': return b[i + 1] == 'e';
    case 'l': return b[i + 1] == 'a';
    case 'o': return b[i + 1] == 'f';
    case 't': return b[i + 1] == 'h';
    case 'v': return b[i + 1] == 'a' || b[i + 1] == 'o';
    default: return (uint8_t)(b[i] - '0') < 10 || (uint8_t)(b[i] - 'A') < 26 || b[i] == 0xc3;
    }
}

/* Where the word ends that begins here. */
INLINE int64_t word_end(const uint8_t *b, int64_t i, int64_t size) {
    for (; i < size; i++) {
        const int alphanumeric = (uint8_t)((b[i] | 32) - 'a') < 26 || (uint8_t)(b[i] - '0') < 10;
        if (!alphanumeric && b[i] < 128 && b[i] != '.' && b[i] != '\'' && b[i] != '-') break;
    }
    return i;
}

/* A house number and two words of a name or more. */
INLINE void let_streets(Regions *regions, const uint8_t *b, int64_t size, int64_t at, Mask words) {
    for (; words; words &= words - 1) {
        const int64_t i = at + __builtin_ctzll(words);
        if (!named(b, i, size)) continue;
        int64_t end = word_end(b, i, size);
        if (end >= size || b[end] != ' ' || !named(b, end + 1, size)) continue;
        for (int k = 1; k < STREET && end < size && b[end] == ' '; k++) end = word_end(b, end + 1, size);
        let(regions, STREETS, i - 4, end);
    }
}

INLINE void find(const uint8_t *b, int64_t size, Regions *regions, void (*kinds)(const uint8_t *, Page *, int)) {
    Page p;
    memset(&p, 0, sizeof p);
    Number number = {.last = -2 * APART_SAID}, said = number;
    for (int64_t at = 0; at < size; at += CHUNK * PAGE) {
        const int chunks = size - at < CHUNK * PAGE ? (int)((size - at + CHUNK - 1) / CHUNK) : PAGE;
        for (int i = 0; i < chunks; i++) {
            const int64_t from = at + CHUNK * i;
            uint8_t end[CHUNK] = {0};
            kinds(size - from < CHUNK ? memcpy(end, b + from, (size_t)(size - from)) : b + from, &p, i + 1);
        }
        groups(&p, chunks);
        numbered(&p, chunks);
        runs(&p, chunks);
        for (int i = 1; i <= chunks; i++) {
            const int64_t from = at + CHUNK * (i - 1);
            numbers(regions, b, size, from, p.digit[i], &number, &said);
            let_runs(regions, from, p.ends[i], p.digit[i] | p.capital[i], p.digit[i - 1] | p.capital[i - 1]);
            let_all(regions, ATS, from, p.at[i]);
            let_all(regions, COLONS, from, p.groups[i]);
            let_all(regions, WIDE, from, p.high[i]);
            let_streets(regions, b, size, from, p.numbered[i]);
        }
        for (size_t k = 0; k < sizeof p.each / sizeof *p.each; k++) p.each[k][0] = p.each[k][PAGE];
    }
    end_number(regions, b, size, &number);
    end_said(regions, &said);
}

#if defined(__x86_64__)
static WITH_AVX2 void find_avx2(const uint8_t *b, int64_t size, Regions *regions) { find(b, size, regions, kinds_avx2); }
#endif

static void find_anywhere(const uint8_t *b, int64_t size, Regions *regions) { find(b, size, regions, kinds_anywhere); }

static int64_t cut(const uint8_t *b, const Regions *r, uint8_t *into) {
    uint8_t *to = into;
    *to++ = 0;
    for (int64_t i = 0; i < r->count; i++) {
        memcpy(to, b + r->starts[i], (size_t)(r->ends[i] - r->starts[i]));
        to += r->ends[i] - r->starts[i];
        *to++ = 0;
    }
    return to - into;
}

/* Per gate: where its regions begin and end (`room` of each, one or more: size / 24 + 2 is enough), how many there are (-1: the gate stands open
   for three quarters of the buffer or more), and their bytes between NUL bytes, `size` after those of the gate before: so many. `plain`: without
   vector instructions. */
void spanledger_gates(const uint8_t *b, int64_t size, int64_t *starts, int64_t *ends, int64_t room, int64_t *counts, uint8_t *cuts,
                      int64_t *sizes, int plain) {
    Regions regions[GATES];
    for (int g = 0; g < GATES; g++) regions[g] = (Regions){starts + g * room, ends + g * room, 0, room};
#if defined(__x86_64__)
    if (!plain && __builtin_cpu_supports("avx2"))
        find_avx2(b, size, regions);
    else
#endif
        find_anywhere(b, size, regions);
    for (int g = 0; g < GATES; g++) {
        Regions *r = regions + g;
        if (r->count && r->ends[r->count - 1] > size) r->ends[r->count - 1] = size;
        int64_t held = r->count + 1;
        for (int64_t i = 0; i < r->count; i++) held += r->ends[i] - r->starts[i];
        const int open = 4 * held > 3 * size;
        counts[g] = open ? -1 : r->count;
        sizes[g] = open ? 0 : cut(b, r, cuts + g * size);
    }
}
