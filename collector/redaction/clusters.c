/* Clusters of digits that are told by their layout: what numbers.py finds out about most of them, without a look at each.

   A layout is a cluster's bytes with the digits told as `1`, or `0` where a zero is the first or second of its group. Python tells once what may be in a
   layout (layouts.py); here that is looked up and held against the digits. Where anything else matters - escapes, letters next to digits, dates
   in brackets, a possible card - the cluster is left to Python. Nothing is written outside of what the caller made room for (many_numbers.py). */

#include "check_digits.h"

#include <string.h>

enum { LONGEST = 2048, BACK = 256, GROUPS = LONGEST + BACK, KEY = 44, CHECKS = 14, DIGITS = 19, SLOTS = 2048, LONG_LINE = 9, LONG = 20 };
enum { BLOCK = 128, CARDS = 63, REFUSING = 62 }; /* as in word_blocks.py: bytes; the bits of two lists of words, those of the others are their rules' */
enum { BEFORE = 56, BEHIND = 20, CARD_BEFORE = 64, CARD_BEHIND = 24, REFUSED = 14, FAR = 16, LIST = 64, ROW = 6 }; /* bytes in which a word counts, or a number before */

enum Say { NOTHING, VALUE, LOOK, UNKNOWN };
enum Event { SURE, UNLESS_SAID, NOTHING_UNLESS_SAID, LISTED, LOOK_AT, PIECE, TOKEN, CLUSTER }; /* the last three: what is looked at */
enum Class { PHONE, CREDIT_CARD, US_SSN, NATIONAL_ID };
typedef struct {
    uint8_t first, past, kind, country; /* of which digits; where among these a country code stands, 255: nowhere */
    uint16_t allowed[DIGITS + 1];       /* which digits, a bit each */
} Check;

typedef struct {
    uint8_t size, checks, whole, beyond; /* bytes of the key; is it judged as one line; may more be in it than can be told? */
    uint8_t key[KEY];
    uint64_t fits; /* which rules that want a word have its shape */
    Check check[CHECKS];
} Layout;

typedef struct { /* the cluster, and the text's end as it is seen from there; `ends`: is it there that the cluster ends? */
    int64_t kind, start, end, class, fits, refused, from, to, hi, ends, listed, hit, look;
} Told;

typedef struct {
    const Layout *layouts; /* a hash table, linear probing */
    const uint8_t *countries;
    Told *told;
    const uint64_t *words; /* by blocks of the buffer: lists of which a word may begin there, a bit each */
    int64_t room, count; /* of what is told */
    int64_t next, done, look_until, told_until; /* the next hit; up to where clusters have been judged, are left to Python, may hold a value */
    int64_t unknown, unknown_size; /* a layout that is to be looked up first */
    int64_t roughly;               /* up to where none is looked up any more */
    int64_t known;                 /* how many were known so far */
    int64_t phones;                /* the bit of the words about telephone numbers */
} State;

typedef struct {
    const uint8_t *b;
    int64_t lo, hi, start, end;      /* of the text, of the cluster */
    int64_t letter_before, letter_behind; /* the nearest ones within reach, or far away */
    uint64_t words;                       /* lists of which a word may stand there */
    int n, sum, most, breaks, tabs, kinds; /* groups, digits in all and in one; line breaks; separators that are a table's; kinds of them */
    uint64_t fits;    /* which rules that want a word may have the shape of some piece */
    int dated, listed;                     /* does the next line of a log begin behind; do digits stand shortly before? */
    int64_t first[GROUPS], past[GROUPS];
    char kind[GROUPS]; /* what stands before */
} Cluster;

static int digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }
static int letter(uint8_t c) { return (uint8_t)((c | 32) - 'a') < 26; }
static int telling(uint8_t c) { return letter(c) || c > 127 || c == '$'; }
static int two(const uint8_t *p, int from, int to) {
    const int value = (p[0] - '0') * 10 + p[1] - '0';
    return digit(p[0]) && digit(p[1]) && from <= value && value <= to;
}

static int separator(uint8_t c) {
    return c == ' ' || c == '.' || c == '-' || c == '(' || c == ')' || c == '\t' || c == '\r' || c == '\n' || c == '_' || c == '/' || c == '*';
}

/* What stands between two groups, as clusters.py tells it. */
static char kind_of(const uint8_t *p, int64_t n) {
    if (n == 1) return *p == '\t' ? '|' : *p == '\r' ? '\n' : (char)*p;
    char found = '|';
    for (int64_t i = 0; i < n; i++) {
        if (p[i] == '\r' || p[i] == '\n') return '\n';
        if (p[i] == '(' || p[i] == ')') found = '(';
    }
    return found;
}

/* The end of the chain of groups and separators that goes on at `at`, or -1 where an escaped separator goes on with it, or may. */
static int64_t forward(const uint8_t *b, int64_t at, int64_t hi) {
    for (;;) {
        while (at < hi && digit(b[at])) at++;
        int64_t z = at;
        int escaped = 0;
        for (int several = 0; several < 3 && z < hi; several++) {
            if (b[z] > 127 || b[z] == '%' || b[z] == '&') return -1;
            if (b[z] == '\\') {
                const int64_t of = z + 1 + (b[z + 1] == '\\');
                if (of >= hi || (b[of] != 'n' && b[of] != 'r' && b[of] != 't')) break;
                z = of + 1, escaped = 1;
            } else if (separator(b[z])) {
                z++;
            } else {
                break;
            }
        }
        if (z == at || z >= hi || !digit(b[z])) return at;
        if (escaped) return -1;
        at = z;
    }
}

/* Where the chain begins that goes on at `at`, or -1 as above. */
static int64_t backward(const uint8_t *b, int64_t at, int64_t lo) {
    const int64_t least = at - BACK > lo ? at - BACK : lo;
    for (;;) {
        while (at > least && digit(b[at - 1])) at--;
        int64_t a = at;
        while (a > least && at - a < 4 && separator(b[a - 1])) a--;
        if (a == least && least > lo) return at;
        if (a == lo) return at;
        const uint8_t c = b[a - 1];
        if (c > 127 || c == '%' || (c == ';' && (a < 7 || !memcmp(b + a - 6, "&nbsp", 5)))) return -1;
        if (letter(c)) { /* of an escape, perhaps */
            if (a < 7 || b[a - 3] == '%') return -1;
            if (b[a - 2] != '\\') return memchr(b + a - 6, '\\', 4) ? -1 : at;
            const uint8_t before = b[a - 3 - (b[a - 3] == '\\')];
            const int word = letter(before) || before == ',' || before == '"' || before == ':' || before == '}';
            return (c == 'n' || c == 'r' || c == 't') && word && a - 5 > lo ? at : -1;
        }
        if (at - a > 3 || a == at || !digit(c)) return at;
        at = a;
    }
}

/* What is too long to be judged at once ends with a line, or a word, and begins with one. */
static int64_t cut_behind(const uint8_t *b, int64_t to, int64_t end) {
    int64_t cut = end;
    while (cut > to && b[cut - 1] != '\n') cut--;
    if (cut == to)
        for (cut = end; cut > to && b[cut - 1] != ' ';) cut--;
    if (cut == to) return end;
    while (!digit(b[cut - 1])) cut--;
    return cut;
}

static int64_t cut_before(const uint8_t *b, int64_t start, int64_t to) {
    int64_t cut = start;
    while (cut < to && b[cut] != '\n') cut++;
    if (cut == to)
        for (cut = start; cut < to && b[cut] != ' ';) cut++;
    if (cut == to) return start;
    while (!digit(b[cut])) cut++;
    return cut;
}

static int digits_of(const Cluster *c, int i, int j, uint8_t *into, int most) {
    int n = 0;
    for (; i < j; i++)
        for (int64_t at = c->first[i]; at < c->past[i]; at++, n++)
            if (n < most) into[n] = c->b[at] - '0';
    return n;
}

static void groups(Cluster *c) {
    int64_t at = c->start, before = c->start;
    int seen[128] = {0};
    c->n = c->sum = c->most = c->breaks = c->tabs = c->kinds = 0;
    while (at < c->end) {
        const int64_t first = at;
        while (at < c->end && digit(c->b[at])) at++;
        const int i = c->n++, size = (int)(at - first);
        c->first[i] = first, c->past[i] = at, c->kind[i] = 0;
        c->sum += size;
        if (size > c->most) c->most = size;
        if (i) {
            const char kind = c->kind[i] = kind_of(c->b + before, first - before);
            c->breaks += kind == '\n', c->tabs += kind == '|';
            if (!seen[(int)kind]) seen[(int)kind] = 1, c->kinds++;
        }
        before = at;
        while (at < c->end && !digit(c->b[at])) at++;
    }
}

/* May a word stand near these groups that says that they are a card? Between groups there are none. */
static int worded(const Cluster *c, int i, int j) {
    return c->words >> CARDS & 1 && (c->letter_before >= c->first[i] - CARD_BEFORE || c->letter_behind < c->past[j - 1] + CARD_BEHIND);
}

/* checksums.card_sure, or a word may say it. */
static int may_be_card(const uint8_t *d, int n, int usual, int worded) {
    const int two = d[0] * 10 + d[1];
    const int sure = n == 15 || n == 16 || (n == 14 && d[0] == 3) ||
                     (n == 19 && (two == 60 || two == 62 || two == 65 || (two >= 40 && two <= 49)));
    return ((usual && sure) || worded) && spanledger_number(CARD, d, n);
}

/* Are these groups eight pairs in a row of a matrix? */
static int pairs_in_rows(const Cluster *c, int i, int j) {
    int found = 0;
    const int64_t start = c->first[i], end = c->past[j - 1];
    if (j - i != 8) return 0;
    for (int k = i; k < j; k++)
        if (c->past[k] - c->first[k] != 2) return 0;
    for (int64_t at = start - ROW > c->lo ? start - ROW : c->lo; at < start; at++) found |= digit(c->b[at]);
    for (int64_t at = end; at < end + ROW && at < c->hi; at++) found |= digit(c->b[at]);
    return found;
}

/* May a card be among these groups? As cards.take_cards sees a long cluster. */
static int cards(const Cluster *c) {
    enum { PRINTED = 4 }; /* the first of these; the others want a word */
    static const uint8_t SHAPES[][6] = {{4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}, {4, 4, 4, 4, 3}, {4, 4, 4, 4, 2}, {4, 4, 4, 4, 1}, {8, 8}, {4, 12}, {6, 10},
                                        {6, 13}, {4, 4, 8}, {4, 8, 4}, {8, 4, 4}, {4, 4, 5}, {4, 4, 4}, {5, 5, 5}, {4, 5, 6}};
    uint8_t d[DIGITS];
    if (c->n > 8 && c->most < 6) {
        if (worded(c, 0, c->n)) return 1;
        for (int i = 0; i < c->n; i++)
            if (c->past[i] - c->first[i] != 4) return 0;
        return c->n % 4 == 0;
    }
    for (int i = 0, ones = 0; i < c->n; i++) {
        const int64_t size = c->past[i] - c->first[i];
        ones = size == 1 ? ones + 1 : 0;
        if (ones >= 14) return 1;
        if (size >= 12 && size <= DIGITS && may_be_card(d, digits_of(c, i, i + 1, d, DIGITS), 1, worded(c, i, i + 1))) return 1;
        if (size != 4 && size != 5 && size != 6 && size != 8) continue;
        for (unsigned s = 0; s < sizeof SHAPES / sizeof *SHAPES; s++) {
            int k = 0, usual = s < PRINTED;
            while (k < 6 && SHAPES[s][k] && i + k < c->n && c->past[i + k] - c->first[i + k] == SHAPES[s][k]) {
                usual &= k < 2 || c->kind[i + k] == c->kind[i + 1];
                k++;
            }
            if (k == 6 || SHAPES[s][k]) continue;
            if (may_be_card(d, digits_of(c, i, i + k, d, DIGITS), usual, worded(c, i, i + k))) return 1;
        }
    }
    return 0;
}

static int holds(const Check *check, const uint8_t *d, const uint8_t *countries) {
    const uint8_t *own = d + check->first;
    const int n = check->past - check->first;
    if (check->kind != FORM) return spanledger_number(check->kind, own, n);
    for (int i = 0; i < n; i++)
        if (!(check->allowed[i] >> own[i] & 1)) return 0;
    if (check->country == 255) return 1;
    return check->country + 3 <= n && countries[own[check->country] * 100 + own[check->country + 1] * 10 + own[check->country + 2]];
}

/* A layout by its key; where it is not known, it is what the state asks for. */
static const Layout *layout_of(State *s, const Cluster *c, int i, int j) {
    uint8_t key[KEY];
    const int64_t start = c->first[i], size = c->past[j - 1] - start;
    if (size > KEY) return NULL;
    uint64_t hash = 14695981039346656037u;
    for (int64_t k = 0, in = 0; k < size; k++) {
        const uint8_t x = c->b[start + k];
        in = digit(x) ? in + 1 : 0;
        key[k] = !digit(x) ? x : x == '0' && in < 3 ? '0' : '1';
        hash = (hash ^ key[k]) * 1099511628211u;
    }
    for (uint64_t slot = hash >> 20;; slot++) {
        const Layout *found = s->layouts + slot % SLOTS;
        if (!found->size) {
            s->unknown = start, s->unknown_size = size;
            return found;
        }
        if (found->size == size && !memcmp(found->key, key, (size_t)size)) {
            s->known++;
            return found;
        }
    }
}

/* May an extension stand behind, or a letter? */
static int extended(const Cluster *c, int64_t end) {
    static const char *const WORDS[] = {"ext", "pos", "dur"};
    int64_t at = end;
    while (at < c->hi && at - end < 2 && (c->b[at] == ' ' || c->b[at] == ',')) at++;
    if (at >= c->hi) return 0;
    if (c->b[at] == '#' || (c->b[at] | 32) == 'x' || letter(c->b[end])) return 1;
    for (int w = 0; w < 3; w++) {
        int k = 0;
        while (k < 3 && at + k < c->hi && (c->b[at + k] | 32) == WORDS[w][k]) k++;
        if (k == 3) return 1;
    }
    return 0;
}

static void tell(State *s, const Cluster *c, enum Event kind, int64_t start, int64_t end, int class, uint64_t fits, int refused, enum Event look,
                 int64_t hit) {
    s->told[s->count++] = (Told){kind,    start,   end,   class, (int64_t)fits, refused,
                                 c->start, c->end, c->hi, end == c->end && !c->dated, 0, hit, look};
}

/* Do `+` and these groups make a telephone number? */
static int international(const State *s, const Cluster *c, int i, int j) {
    uint8_t d[DIGITS];
    const int n = digits_of(c, i, j, d, DIGITS);
    return n > 7 && n < 16 && (j - i > 1 || n > 9) && !(j - i == 2 && c->kind[i + 1] == '.') && !spanledger_same(d, n) &&
           s->countries[d[0] * 100 + d[1] * 10 + d[2]];
}

/* Has a cluster the form of one line with one number in it, which words say nothing of? */
static int one_line(const Cluster *c) {
    if (c->n < 2 || c->n > 6 || c->past[0] - c->first[0] > 4) return 0;
    for (int i = 1; i < c->n; i++) {
        const int64_t size = c->past[i] - c->first[i];
        if (c->first[i] - c->past[i - 1] != 1 || size < 2 || size > 7) return 0;
        if (c->kind[i] != ' ' && c->kind[i] != '-' && c->kind[i] != '.') return 0;
    }
    return 1;
}

typedef struct {
    enum Say say;
    enum Class class;
    uint64_t fits;
    int i, j, also; /* the groups of a value; may a part of it be one, if it is none? */
} Found;

/* May three groups be year, month and day? Then no part of them is a number. */
static int may_be_date(const Cluster *c, int i, int j) {
    if (j - i != 3) return 0;
    const int64_t last = c->first[j - 1];
    const int sum = (int)(c->past[i] - c->first[i] + c->past[i + 1] - c->first[i + 1] + c->past[i + 2] - last);
    return sum == 8 || c->past[i] - c->first[i] == 4 || (c->past[j - 1] - last == 4 && (two(c->b + last, 19, 19) || two(c->b + last, 20, 20)));
}

/* The groups, of those from `i` to `j`, whose digits these are. */
static void piece_of(const Cluster *c, int i, int j, const Check *check, Found *found) {
    int at = 0;
    for (int k = i; k < j; at += (int)(c->past[k] - c->first[k]), k++) {
        if (at == check->first) found->i = k;
        if (at < check->past) found->j = k + 1;
    }
}

/* What the groups from `i` to `j` say where no word is near. `look`: what of them counts; for a `TOKEN`, the whole. */
static Found said(State *s, const Cluster *c, int i, int j, enum Event look) {
    uint8_t d[64];
    Found found = {.say = LOOK, .i = i, .j = j};
    const Layout *l = layout_of(s, c, i, j);
    if (!l) return found;
    found.fits = l->fits;
    found.say = l->size ? NOTHING : UNKNOWN;
    const int n = digits_of(c, i, j, d, 64);
    for (int k = 0; k < l->checks && !l->beyond; k++) {
        const Check *check = l->check + k;
        const int whole = check->past - check->first == n, size = check->past - check->first;
        if ((check->kind == CARD && look != CLUSTER) || (look == TOKEN && !whole)) continue;
        if (!holds(check, d, s->countries)) continue;
        if (check->kind == CARD && !may_be_card(d + check->first, size, !pairs_in_rows(c, i, j), worded(c, i, j))) continue;
        if (found.say == VALUE && found.i == i && found.j == j && !whole && check->kind != CARD) { /* the whole comes first */
            found.also = 1;
            continue;
        }
        if (found.say != NOTHING || check->kind == CARD || check->kind == OTHER) found.say = LOOK;
        if (found.say == LOOK) return found;
        found.say = VALUE, found.class = check->kind == FORM ? PHONE : check->kind == SSN ? US_SSN : NATIONAL_ID;
        if (!whole) piece_of(c, i, j, check, &found);
        if (whole ? !l->whole : j - i >= LONG_LINE || may_be_date(c, i, j)) found.say = LOOK;
        for (int g = found.i + 1; g < found.j; g++)
            if (c->kind[g] == '\n') found.say = LOOK;
        if (found.class == PHONE && (spanledger_same(d + check->first, size) || size < 7 || size > 17)) found.say = LOOK;
        if (found.say == LOOK) return found;
    }
    if (l->beyond) found.say = LOOK;
    return found;
}

/* See in_row in clusters.py. */
static int in_row(const Cluster *c, int i, int j) {
    const int64_t size = c->past[i] - c->first[i];
    if (!((size == 2 && j - i >= 6) || (size == 4 && j - i >= 4))) return 0;
    for (int k = i + 1; k < j; k++)
        if (c->past[k] - c->first[k] != size || c->kind[k] != c->kind[i + 1]) return 0;
    return 1;
}

/* Behind `+`: the line is a telephone number, or else its first word, or what stands before its last group; a word of a long line as a whole. */
static Found behind_plus(const State *s, const Cluster *c, int i, int j, enum Event look, Found found) {
    int sum = 0, token = i + 1;
    for (int k = i; k < j; k++) {
        sum += (int)(c->past[k] - c->first[k]);
        if (k > i && (c->kind[k] == '\n' || c->kind[k] == '|' || (c->kind[k] == '(' && j - i > 3))) found.say = LOOK;
    }
    if (found.say == VALUE && found.class == PHONE && found.i == i && found.j == j) found.say = NOTHING; /* what it is by its form */
    if (found.say != NOTHING || j - i > 8 || may_be_date(c, i, j)) {
        found.say = LOOK;
        return found;
    }
    while (token < j && c->kind[token] != ' ') token++;
    const int ends[] = {sum <= DIGITS ? j : i, token < j ? token : i, j - i > 2 && !in_row(c, i, j) ? j - 1 : i};
    for (int k = 0; k < (look == TOKEN ? 1 : 3); k++)
        if (ends[k] > i && international(s, c, i, ends[k])) {
            found.say = extended(c, c->past[ends[k] - 1]) || (ends[k] < j && may_be_date(c, i, ends[k])) ? LOOK : VALUE;
            found.class = PHONE, found.j = ends[k];
            return found;
        }
    found.say = j - i == 1 ? LOOK : NOTHING;
    return found;
}

/* Tell what groups say. 0: Python has to look at the whole cluster; -1: a layout is to be looked up first. */
static int judge(State *s, Cluster *c, int i, int j, enum Event look, int64_t hit) {
    const int64_t start = c->first[i], end = c->past[j - 1];
    const int near = c->letter_before >= start - BEFORE || c->letter_behind < end + BEHIND, plus = c->b[start - 1] == '+';
    Found f = said(s, c, i, j, look);
    if (f.say == UNKNOWN && start < s->roughly) f.say = LOOK;
    if (f.say == UNKNOWN) return -1;
    c->fits |= f.fits;
    const int fitting = near && c->words & f.fits, asked = fitting || (near && c->words >> s->phones & 1); /* words may say what it is */
    if (plus) f = behind_plus(s, c, i, j, look, f);
    const int whole = f.i == i && f.j == j;
    if (f.say == VALUE && ((f.class == PHONE && !(plus && f.i == i) && extended(c, c->past[f.j - 1])) || (asked && !whole))) f.say = LOOK;
    if (plus && asked && f.say == NOTHING) f.say = LOOK;
    if (f.say == LOOK && look == CLUSTER) return 0;
    if (f.say == LOOK) {
        tell(s, c, LOOK_AT, start, end, 0, f.fits, 0, look, hit);
    } else if (f.say == VALUE) {
        const int64_t from = c->first[f.i];
        const int refused = c->words >> REFUSING & 1 && c->letter_before >= from - REFUSED, more = f.class == PHONE && (c->b[from - 1] == '(' || c->b[from - 1] == '+');
        tell(s, c, fitting || refused ? UNLESS_SAID : SURE, from - more, c->past[f.j - 1], f.class, f.fits, refused ? 1 + f.also : 0, look, hit);
    } else if (asked) {
        tell(s, c, NOTHING_UNLESS_SAID, start, end, 0, f.fits, 0, look, hit);
    }
    return 1;
}

/* A line of a long cluster: as a whole, or each of its words. */
static int line(State *s, Cluster *c, int i, int j, int64_t hit) {
    int sum = 0, opened = 0;
    for (int k = i; k < j; k++) sum += (int)(c->past[k] - c->first[k]), opened |= k > i && c->kind[k] == '(';
    if (sum <= DIGITS || j - i < LONG_LINE) return judge(s, c, i, j, PIECE, hit);
    if (opened) {
        tell(s, c, LOOK_AT, c->first[i], c->past[j - 1], 0, 0, 0, PIECE, hit);
        return 1;
    }
    for (int from = i, k = i + 1; k <= j; k++) {
        if (k < j && c->kind[k] != ' ') continue;
        if (!(from == i && k == j)) { /* a line of one word is judged as a whole only, and that it is too long for */
            const int found = judge(s, c, from, k, TOKEN, hit);
            if (found < 1) return found;
        }
        from = k;
    }
    return 1;
}

/* A part of a long cluster: small ones whole, others line by line. */
static int part(State *s, Cluster *c, int i, int j, int64_t hit) {
    int sum = 0;
    for (int k = i; k < j; k++) sum += (int)(c->past[k] - c->first[k]);
    if (sum <= DIGITS && c->past[j - 1] - c->first[i] <= KEY) return judge(s, c, i, j, PIECE, hit);
    if (sum <= DIGITS) return 0;
    for (int from = i, k = i + 1; k <= j; k++) {
        if (k < j && c->kind[k] != '\n') continue;
        const int found = line(s, c, from, k, hit);
        if (found < 1) return found;
        from = k;
    }
    return 1;
}

static int dated(const uint8_t *p) { /* 2026-03-14 */
    return (two(p, 19, 19) || two(p, 20, 20)) && two(p + 2, 0, 99) && p[4] == '-' && two(p + 5, 1, 12) && p[7] == '-' && two(p + 8, 1, 31);
}

/* One of the forms that are taken whatever stands around, or none that numbers can be; 0: neither. */
static int usual(State *s, Cluster *c, int64_t hit) {
    const uint8_t *p = c->b + c->start;
    const int64_t size = c->end - c->start;
    uint8_t d[DIGITS];
    if (c->sum < 6) return 1;
    if (c->n == 4 && c->kinds == 1 && c->kind[1] == '.' && size < 16) {
        int quad = 1;
        for (int i = 0; i < 4; i++) {
            const int64_t n = c->past[i] - c->first[i];
            const uint8_t *o = c->b + c->first[i];
            quad &= n < 3 || (n == 3 && (o[0] == '1' || (o[0] == '2' && (o[1] < '5' || (o[1] == '5' && o[2] < '6')))));
        }
        if (quad) {
            c->listed = 0;
            return 1;
        }
    }
    if (size == 11 && c->n == 3 && c->kinds == 1 && c->kind[1] == '-' && p[3] == '-' && p[6] == '-') {
        digits_of(c, 0, 3, d, DIGITS);
        if (!spanledger_number(SSN, d, 9)) return 0;
        tell(s, c, SURE, c->start, c->end, US_SSN, 0, 0, CLUSTER, hit);
        return 1;
    }
    if (size == 19 && c->n == 4 && c->kinds == 1 && c->most == 4 && p[4] == p[9] && p[9] == p[14] && (p[4] == ' ' || p[4] == '-')) {
        if (!spanledger_number(CARD, d, digits_of(c, 0, 4, d, DIGITS))) return 0;
        tell(s, c, SURE, c->start, c->end, CREDIT_CARD, 0, 0, CLUSTER, hit);
        return 1;
    }
    return 0;
}

/* Where a list of numbers ends that a telephone number before says to be such: seven or eight digits each. */
static int64_t local_list(const Cluster *c, int64_t end) {
    const uint8_t *b = c->b;
    for (;;) {
        int64_t at = end, digits = 0;
        while (at < c->hi && at - end < 8 && strchr(" \t\r\n\"',;:|&/(+", b[at] ? b[at] : 'x')) at++;
        const int plus = b[at - 1] == '+';
        for (; at < c->hi && (digit(b[at]) || ((b[at] == ' ' || b[at] == '-') && digits && digit(b[at + 1]) && digits < 8)); at++) digits += digit(b[at]);
        if (plus || (digits != 7 && digits != 8) || (at < c->hi && (b[at] == ' ' || b[at] == '-' || b[at] == '.') && digit(b[at + 1]))) return end;
        end = at;
    }
}

/* The lists of which a word may begin there. */
static uint64_t words(const State *s, int64_t from, int64_t to) {
    uint64_t found = s->words ? 0 : ~(uint64_t)0;
    for (int64_t block = from / BLOCK; ~found && block <= to / BLOCK; block++) found |= s->words[block];
    return found;
}

/* How many of its groups a value before may say something of: the first line's, or all in a short part of it. */
static int listed(const Cluster *c) {
    int tab = 1, line = 1;
    while (tab < c->n && (c->kinds == 1 || c->kind[tab] != '|')) tab++;
    while (line < tab && c->kind[line] != '\n') line++;
    return tab < LONG ? tab : line;
}

/* The cluster that `to` is in. 1: told, 0: Python has to look, -1: a layout is to be looked up first. */
static int cluster(State *s, Cluster *c, int64_t to, int64_t hit) {
    const uint8_t *b = c->b;
    const int64_t least = to - 8 > c->lo ? to - 8 : c->lo;
    while (!digit(b[to - 1]) && to > least) to--;
    if (!digit(b[to - 1]) || to <= c->lo) return 0;
    const int64_t most = to + LONGEST < c->hi ? to + LONGEST : c->hi;
    int64_t end = forward(b, to, most);
    if (end < 0) return 0;
    if (end > to + LONGEST - 4) end = cut_behind(b, to, end);
    s->look_until = end;
    if (b[end] == ')' && end - 11 >= c->lo && b[end - 11] == '(' && dated(b + end - 10)) { /* behind a version: `3.0.0) (2022-10-20)` */
        if (to <= end - 11) return 0;
        s->done = end;
        return 1;
    }
    if (end - to < 4 && to - 13 >= c->lo && dated(b + to - 13) && (b[to - 3] == ' ' || b[to - 3] == '\r' || b[to - 3] == '\n') &&
        two(b + to - 2, 0, 99) && !digit(b[to - 14]) && !strchr(".-/ ", b[to - 14] ? b[to - 14] : 'x')) { /* a date and an hour */
        s->done = end;
        return 1;
    }
    int64_t start = backward(b, to, c->lo);
    if (start < 0) return 0;
    if (to - start > BACK - 4) start = cut_before(b, start, to);
    s->done = end;
    if (start - 1 > c->lo && letter(b[start - 1]) && b[start - 2] != '\\') { /* it goes on a word: up to a blank nothing but a card counts */
        int64_t cut = start, longest = 0;
        while (cut < end && !strchr(" \t\r\n(", b[cut])) {
            const int64_t from = cut;
            while (cut < end && digit(b[cut])) cut++;
            if (cut - from > longest) longest = cut - from;
            if (cut < end && !digit(b[cut]) && !strchr(" \t\r\n(", b[cut])) cut++;
        }
        const int account = cut == start + 2 && start - 3 >= 0 && letter(b[start - 2]) && !letter(b[start - 3]) && !digit(b[start - 3]);
        if (account)
            for (int64_t at = cut, run = 0; at < end; at++) longest = (run = digit(b[at]) ? run + 1 : 0) > longest ? run : longest;
        if (longest >= 15) return 0;
        while (cut < end && !digit(b[cut])) cut++;
        if (account || cut >= end) return 1;
        start = cut;
    }
    if (b[end] == ':' || b[end] == 'T') { /* the next line of a log begins there, perhaps */
        for (int64_t at = end - 13; at <= end - 10; at += 3) {
            if (at < start || !dated(b + at) || (at < end - 10 && (b[at + 10] != ' ' || !two(b + at + 11, 0, 99)))) continue;
            int64_t line = at;
            while (line > start && at - line < 2 && (b[line - 1] == '\r' || b[line - 1] == '\n')) line--;
            if (line == at && at > start) continue;
            if (line - start <= 5) return 1;
            for (end = c->hi = line; !digit(b[end - 1]); end--) {} /* what stands before is judged by itself */
            c->dated = 1;
            break;
        }
    }
    c->start = start, c->end = end;
    if (s->told_until > 0 && start - s->told_until < LIST)
        for (int64_t at = start; at-- > (start - FAR > c->lo ? start - FAR : c->lo);) c->listed |= digit(b[at]);
    groups(c);
    const uint8_t *p = b + start;
    const int century = end - start > 4 && (two(p, 19, 19) || two(p, 20, 20));
    if (century && (p[4] == '-' || p[4] == '/' || p[4] == '.' || p[4] == ' ' || p[4] == ',')) { /* a date, years */
        const uint8_t *q = b + c->first[c->n - 1];
        const int day = end - start >= 10 && two(p + 5, 1, 12) && (p[7] == '-' || p[7] == '/' || p[7] == '.') && two(p + 8, 1, 31);
        if ((day && (end - start == 10 || p[10] == '\r' || p[10] == '\n')) ||
            (c->past[c->n - 1] - c->first[c->n - 1] == 4 && (two(q, 19, 19) || two(q, 20, 20))))
            return 0;
    }
    for (int i = 1; i < c->n; i++)
        if (b[c->first[i] - 1] == '(' && c->past[i] - c->first[i] == 4 && dated(b + c->first[i])) return 0;
    c->letter_before = -LONGEST, c->letter_behind = INT64_MAX;
    const int64_t before_it = start - CARD_BEFORE > c->lo ? start - CARD_BEFORE : c->lo, behind_it = end + CARD_BEHIND < c->hi ? end + CARD_BEHIND : c->hi;
    c->words = words(s, before_it, behind_it);
    for (int64_t at = start; at-- > before_it;)
        if (telling(b[at])) {
            c->letter_before = at;
            break;
        }
    for (int64_t at = end; at < behind_it; at++)
        if (telling(b[at])) {
            c->letter_behind = at;
            break;
        }
    const int64_t before = s->count;
    int found = 1;
    const int plus = b[start - 1] == '+' || (b[start - 1] == '(' && b[start - 2] == '+');
    if (c->sum < 6) c->listed = 0;
    if (c->sum < 6 || (c->n > 1 && usual(s, c, hit))) goto told;
    if (plus && b[start - 1] != '+') found = 0;
    else if (plus && one_line(c) && international(s, c, 0, c->n) && !extended(c, end)) tell(s, c, SURE, start - 1, end, PHONE, 0, 0, CLUSTER, hit);
    else if (c->sum <= DIGITS || (c->n < LONG_LINE && !c->breaks && !c->tabs)) found = judge(s, c, 0, c->n, CLUSTER, hit);
    else if (c->n == 1) found = 1;
    else if (cards(c)) found = 0;
    else {
        const int split = c->tabs && c->kinds > 1;
        for (int from = 0, k = 1; k <= c->n && found == 1; k++) {
            if (k < c->n && !(split && c->kind[k] == '|')) continue;
            found = part(s, c, from, k, hit);
            from = k;
        }
    }
told:
    const int64_t rows = s->count - before;
    if (found == 1 && c->listed) { /* a value before may say what this is: if nothing else does */
        int sure = 0;
        for (int64_t k = before; k < s->count; k++) sure |= s->told[k].kind == SURE;
        if (rows == 1 && s->told[before].look == CLUSTER) s->told[before].listed = !sure;
        else if (!sure) tell(s, c, LISTED, start, c->past[listed(c) - 1], 0, c->fits, 0, CLUSTER, hit);
    }
    if (found < 1) s->count = before, s->done = 0;
    else if (rows) s->told_until = end < s->told_until ? s->told_until : local_list(c, end);
    return found;
}

/* Judge the clusters of hits, from `next` on. 1: all; 0: there is no more room to tell; -1: a layout is to be looked up first. */
int spanledger_clusters(State *s, const uint8_t *b, int64_t n, const int64_t *ats, const int64_t *los, const int64_t *his) {
    static _Thread_local Cluster c;
    c.b = b;
    for (; s->next < n; s->next++) {
        const int64_t i = s->next, to = ats[i] < his[i] ? ats[i] : his[i];
        if (to <= s->done) continue;
        if (s->count + GROUPS > s->room) return 0;
        c.lo = los[i], c.hi = his[i], c.start = c.end = to, c.letter_before = -LONGEST, c.letter_behind = INT64_MAX, c.dated = c.listed = 0, c.fits = 0;
        const int64_t done = s->done;
        int found = 0;
        if (to > s->look_until) {
            s->look_until = 0;
            found = cluster(s, &c, to, i);
            if (found < 0) {
                s->done = done, s->look_until = 0;
                return -1;
            }
        }
        if (found) s->look_until = 0;
        if (!found) { /* the others in it are told too, for it is not known up to where Python reads it */
            s->done = done, s->told_until = to > s->look_until ? to : s->look_until;
            if (c.end < s->look_until) c.end = s->look_until;
            tell(s, &c, CLUSTER, to, to, 0, 0, 0, CLUSTER, i);
        }
    }
    return 1;
}
