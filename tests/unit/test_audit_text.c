/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_audit_text.c - whatever a guest calls its files: the line parses, holds no byte that a
 * terminal would obey, and gives the name back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../supervisor/audit/text.c"

/* Undoes step 1: what a reader of the log does. Returns the length, or -1 for a broken escape. */
static ssize_t unescape(const char *s, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned v;

        if (s[i] != '\\') {
            out[n++] = s[i];
            continue;
        }
        if (i + 1 < len && s[i + 1] == '\\') {
            out[n++] = '\\';
            i++;
        } else if (i + 3 < len && sscanf(s + i + 1, "x%2x", &v) == 1) {
            out[n++] = (char)v;
            i += 3;
        } else {
            return -1;
        }
    }
    return (ssize_t)n;
}

static void round_trip(const char *name, size_t len)
{
    struct text t = {0};
    char *back = malloc(len + 1);
    const char *value;
    json_error_t error;
    json_t *o;

    assert_non_null(back);
    text_open(&t);
    text_number(&t, "seq", 1);
    text_string(&t, "path", name, len);
    text_close(&t);
    assert_false(t.failed);
    assert_true(t.s[t.len - 1] == '\n' && memchr(t.s, '\n', t.len - 1) == NULL);
    for (size_t i = 0; i + 1 < t.len; i++)
        assert_true((unsigned char)t.s[i] >= 0x20 && t.s[i] != 0x7f);
    o = json_loadb(t.s, t.len, JSON_REJECT_DUPLICATES, &error);
    if (o == NULL)
        fail_msg("does not parse: %s: %.*s", error.text, (int)t.len, t.s);
    value = json_string_value(json_object_get(o, "path"));
    assert_non_null(value);
    assert_int_equal(unescape(value, json_string_length(json_object_get(o, "path")), back), len);
    assert_memory_equal(back, name, len);
    json_decref(o);
    free(back);
    text_free(&t);
}

static void shown_as(const char *name, const char *inner)
{
    struct text t = {0};

    text_escape(&t, name, strlen(name));
    if (t.len != strlen(inner) || memcmp(t.s, inner, t.len) != 0)
        fail_msg("%s became %.*s", name, (int)t.len, t.s);
    text_free(&t);
    round_trip(name, strlen(name));
}

static void known(void **state)
{
    (void)state;
    round_trip("", 0);
    round_trip("a\0b", 3);
    shown_as("plain/name.txt", "plain/name.txt");
    shown_as("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
    shown_as("\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\xa7",
             "\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\xa7");
    shown_as("a\nb", "a\\\\x0ab");
    shown_as("\"}", "\\\"}");
    shown_as("\\x41", "\\\\\\\\x41");
    shown_as("\033[2J", "\\\\x1b[2J");
    shown_as("\xff", "\\\\xff");
    shown_as("\xc0\xaf", "\\\\xc0\\\\xaf"); /* overlong */
    shown_as("\xe0\x80\xaf", "\\\\xe0\\\\x80\\\\xaf");
    shown_as("\xed\xa0\x80", "\\\\xed\\\\xa0\\\\x80");            /* surrogate */
    shown_as("\xf4\x90\x80\x80", "\\\\xf4\\\\x90\\\\x80\\\\x80"); /* above U+10FFFF */
    shown_as("\xe6\x97", "\\\\xe6\\\\x97");                       /* cut off */
    shown_as("\xc2\x9b", "\\\\xc2\\\\x9b");                       /* C1: CSI */
    shown_as("\xe2\x80\xae", "\\\\xe2\\\\x80\\\\xae");            /* right-to-left override */
    shown_as("\xe2\x80\xa8", "\\\\xe2\\\\x80\\\\xa8");            /* line separator */
}

/* Every byte alone, after and before each byte of what makes UTF-8 difficult. */
static void all_pairs(void **state)
{
    static const unsigned char lead[] = {'a',  '\\', '"',  0x80, 0xbf, 0xc2,
                                         0xe0, 0xed, 0xef, 0xf0, 0xf4};
    char name[4];

    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        for (size_t i = 0; i < sizeof(lead); i++) {
            name[0] = (char)lead[i];
            name[1] = (char)a;
            name[2] = (char)lead[i];
            name[3] = (char)a;
            round_trip(name + 1, 1);
            round_trip(name, 4);
        }
    }
}

/* Every character there is, and strings of pseudo-random bytes. */
static void sweep(void **state)
{
    uint32_t x = 1;
    char name[300];

    (void)state;
    for (uint32_t ch = 0x80; ch < 0x110000; ch += ch < 0x3000 ? 1 : 61) {
        size_t n = ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;

        for (size_t i = n - 1; i > 0; i--)
            name[i] = (char)(0x80 | (ch >> (6 * (n - 1 - i)) & 0x3f));
        name[0] = (char)((0xf00 >> n) | ch >> (6 * (n - 1)));
        round_trip(name, n);
    }
    for (int i = 0; i < 20000; i++) {
        size_t len = (x >> 8) % sizeof(name);

        for (size_t k = 0; k < len; k++) {
            x = x * 1664525 + 1013904223;
            name[k] = (char)(x >> 24);
        }
        round_trip(name, len);
        x += 77;
    }
}

static void at(uint64_t s, const char *expected)
{
    struct text t = {0};
    char want[80];

    text_time(&t, "t", s * 1000000000 + 123456789);
    snprintf(want, sizeof(want), "\"t\":\"%s.123456Z\"", expected);
    assert_int_equal(t.len, strlen(want));
    assert_memory_equal(t.s, want, t.len);
    text_free(&t);
}

static void times(void **state)
{
    (void)state;
    at(0, "1970-01-01T00:00:00");
    at(951782399, "2000-02-28T23:59:59");
    at(951782400, "2000-02-29T00:00:00");
    at(1709251199, "2024-02-29T23:59:59");
    at(1735689599, "2024-12-31T23:59:59");
    at(1795479011, "2026-11-24T00:10:11");
    at(4107542400, "2100-03-01T00:00:00");
}

static void members(void **state)
{
    static const char want[] = "{\"a\":18446744073709551615,\"b\":true,\"c\":\"x\"}\n{\"d\":0}\n";
    struct text t = {0};

    (void)state;
    text_open(&t);
    text_number(&t, "a", UINT64_MAX);
    text_true(&t, "b");
    text_word(&t, "c", "x");
    text_word(&t, "no", NULL);
    text_close(&t);
    text_open(&t);
    text_number(&t, "d", 0);
    text_close(&t);
    assert_int_equal(t.len, strlen(want));
    assert_memory_equal(t.s, want, t.len);
    text_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known), cmocka_unit_test(all_pairs), cmocka_unit_test(sweep),
        cmocka_unit_test(times), cmocka_unit_test(members),
    };

    return cmocka_run_group_tests_name("audit text", tests, NULL, NULL);
}
