/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.c - lines of the audit log. Trusts no byte of a name.
 */
#include "text.h"

#include <stdlib.h>
#include <string.h>

void text_free(struct text *t)
{
    free(t->s);
    *t = (struct text){0};
}

void text_clear(struct text *t)
{
    t->len = 0;
    t->failed = false;
}

/* Room for `more` bytes. */
static bool grow(struct text *t, size_t more)
{
    size_t cap = t->cap;
    char *s;

    if (more <= t->cap - t->len)
        return !t->failed;
    while (cap - t->len < more)
        cap = cap == 0 ? 4096 : cap * 2;
    s = realloc(t->s, cap);
    if (s == NULL) {
        t->failed = true;
        return false;
    }
    t->s = s;
    t->cap = cap;
    return !t->failed;
}

void text_raw(struct text *t, const char *s, size_t len)
{
    if (!grow(t, len))
        return;
    memcpy(t->s + t->len, s, len);
    t->len += len;
}

static void put(struct text *t, const char *s)
{
    text_raw(t, s, strlen(s));
}

/*
 * Length of the valid UTF-8 sequence at `s`, and its character; 0 when it is none (Unicode, 3-7).
 */
static size_t utf8(const unsigned char *s, size_t len, uint32_t *ch)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

    if (n == 0 || n > len || s[0] > 0xf4)
        return 0;
    *ch = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *ch = *ch << 6 | (s[i] & 0x3f);
    }
    return *ch < least[n] || *ch > 0x10ffff || (*ch >= 0xd800 && *ch <= 0xdfff) ? 0 : n;
}

/* Characters that do something to a terminal or to the order of the text around them. */
static bool controls(uint32_t ch)
{
    return ch < 0x20 || (ch >= 0x7f && ch <= 0x9f) || ch == 0x61c ||
           (ch >= 0x200b && ch <= 0x200f) || (ch >= 0x2028 && ch <= 0x202e) ||
           (ch >= 0x2060 && ch <= 0x206f) || ch == 0xfeff || (ch >= 0xfff9 && ch <= 0xfffb) ||
           (ch & 0xfffe) == 0xfffe || (ch >= 0xfdd0 && ch <= 0xfdef) ||
           (ch >= 0xe0000 && ch <= 0xe007f);
}

static void escape_bytes(struct text *t, const unsigned char *s, size_t n)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        const char e[] = {'\\', '\\', 'x', hex[s[i] >> 4], hex[s[i] & 15]};

        text_raw(t, e, sizeof(e));
    }
}

/* How many bytes stand for themselves: most of all names, and all words. */
static size_t plain(const unsigned char *s, size_t len)
{
    size_t n = 0;

    while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '\\' && s[n] != '"')
        n++;
    return n;
}

/* One character that may not; returns its length. */
static size_t escape_one(struct text *t, const unsigned char *s, size_t len)
{
    uint32_t ch = 0;
    size_t n = utf8(s, len, &ch);

    if (n == 0 || controls(ch)) {
        n = n == 0 ? 1 : n;
        escape_bytes(t, s, n);
    } else if (ch == '\\') {
        put(t, "\\\\\\\\");
    } else if (ch == '"') {
        put(t, "\\\"");
    } else {
        text_raw(t, (const char *)s, n);
    }
    return n;
}

void text_escape(struct text *t, const char *str, size_t len)
{
    const unsigned char *s = (const unsigned char *)str;

    while (len > 0) {
        size_t n = plain(s, len);

        if (n > 0)
            text_raw(t, (const char *)s, n);
        else
            n = escape_one(t, s, len);
        s += n;
        len -= n;
    }
}

void text_open(struct text *t)
{
    put(t, "{");
}

void text_close(struct text *t)
{
    put(t, "}\n");
}

static void member(struct text *t, const char *key)
{
    if (t->len > 0 && t->s[t->len - 1] != '{')
        put(t, ",");
    put(t, "\"");
    put(t, key);
    put(t, "\":");
}

/* In decimal, with zeros in front up to `least` digits, 20 at most. */
static void put_digits(struct text *t, uint64_t value, size_t least)
{
    char digits[20];
    size_t at = sizeof(digits);

    while (value > 0 || sizeof(digits) - at < least) {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    }
    text_raw(t, digits + at, sizeof(digits) - at);
}

void text_number(struct text *t, const char *key, uint64_t value)
{
    member(t, key);
    put_digits(t, value, 1);
}

void text_string(struct text *t, const char *key, const char *s, size_t len)
{
    member(t, key);
    put(t, "\"");
    text_escape(t, s, len);
    put(t, "\"");
}

void text_word(struct text *t, const char *key, const char *word)
{
    if (word != NULL)
        text_string(t, key, word, strlen(word));
}

void text_true(struct text *t, const char *key)
{
    member(t, key);
    put(t, "true");
}

/* Days since 1970 to a date: the calendar repeats every 400 years, which begin in March here. */
static void date_of(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    const uint64_t z = days + 719468, era = z / 146097, of_era = z % 146097;
    const uint64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const uint64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    const uint64_t m = (5 * of_year + 2) / 153;

    *day = (unsigned)(of_year - (153 * m + 2) / 5 + 1);
    *month = (unsigned)(m < 10 ? m + 3 : m - 9);
    *year = (unsigned)(y + era * 400 + (*month <= 2 ? 1 : 0));
}

void text_time(struct text *t, const char *key, uint64_t ns)
{
    const uint64_t s = ns / 1000000000;
    unsigned year, month, day;

    date_of(s / 86400, &year, &month, &day);
    member(t, key);
    put(t, "\"");
    put_digits(t, year, 4);
    put(t, "-");
    put_digits(t, month, 2);
    put(t, "-");
    put_digits(t, day, 2);
    put(t, "T");
    put_digits(t, s / 3600 % 24, 2);
    put(t, ":");
    put_digits(t, s / 60 % 60, 2);
    put(t, ":");
    put_digits(t, s % 60, 2);
    put(t, ".");
    put_digits(t, ns / 1000 % 1000000, 6);
    put(t, "Z\"");
}
