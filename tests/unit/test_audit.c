/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_audit.c - audit records: what is put in comes out again, and nothing that is not exactly a
 * batch is taken for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xen9p/audit.h"

static uint8_t buf[AUDIT_BATCH_MAX];

static const struct audit_record sample = {
    .op = AUDIT_OP_RENAME,
    .cls = AUDIT_MUTATE,
    .flags = AUDIT_FLAG_DELETED,
    .error = ENOSPC,
    .reason = AUDIT_WHY_LIMIT,
    .uid = 0xfffffffe,
    .mode = 0100644,
    .value = UINT64_C(0x1122334455667788),
    .read = UINT64_MAX,
    .written = 7,
    .path = {"a\nb\"\0c", 6},
    .to = {"\xff\xfe", 2},
};

static void same(const struct audit_record *a, const struct audit_record *b)
{
    assert_int_equal(a->op, b->op);
    assert_int_equal(a->cls, b->cls);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->error, b->error);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->uid, b->uid);
    assert_int_equal(a->mode, b->mode);
    assert_true(a->value == b->value);
    assert_true(a->read == b->read);
    assert_true(a->written == b->written);
    assert_int_equal(a->path.len, b->path.len);
    assert_memory_equal(a->path.s, b->path.s, b->path.len);
    assert_int_equal(a->to.len, b->to.len);
    assert_memory_equal(a->to.s, b->to.s, b->to.len);
}

static void round_trip(void **state)
{
    struct audit_record r, other = {.op = AUDIT_OP_ATTACH, .cls = AUDIT_SESSION};
    struct audit_batch batch;
    struct builder b;
    struct cursor c;

    (void)state;
    audit_begin(&b, buf);
    assert_int_equal(audit_count(&b), 0);
    assert_true(audit_put(&b, &sample));
    assert_true(audit_put(&b, &other));
    assert_int_equal(audit_count(&b), 2);
    audit_finish(&b, 41, 3);
    assert_false(b.bad);
    assert_int_equal(audit_check(buf, builder_len(&b), &batch), 0);
    assert_int_equal(audit_open(&c, buf, builder_len(&b), &batch), 0);
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.lost, 3);
    assert_true(batch.first == 41);
    assert_int_equal(audit_next(&c, &r), 0);
    same(&r, &sample);
    assert_int_equal(audit_next(&c, &r), 0);
    other.path = other.to = (struct wire_str){"", 0};
    same(&r, &other);
    assert_true(cursor_done(&c));
    assert_int_equal(audit_next(&c, &r), -EPROTO);
}

/* An empty batch takes the largest record; a full one refuses and stays as it was. */
static void room(void **state)
{
    static char name[UINT16_MAX];
    struct audit_record r, big = {.op = AUDIT_OP_LINK, .cls = AUDIT_MUTATE};
    struct audit_batch batch;
    struct builder b;
    struct cursor c;
    unsigned n = 0;

    (void)state;
    memset(name, 'x', sizeof(name));
    big.path = (struct wire_str){name, UINT16_MAX};
    big.to = (struct wire_str){name, AUDIT_STRING_MAX};
    audit_begin(&b, buf);
    while (audit_put(&b, &big))
        n++;
    assert_int_equal(n, (AUDIT_BATCH_MAX - AUDIT_HEADER_SIZE) / AUDIT_RECORD_MAX);
    assert_true(n >= 1);
    assert_int_equal(audit_count(&b), n);
    audit_finish(&b, 1, 0);
    assert_int_equal(builder_len(&b), AUDIT_HEADER_SIZE + n * AUDIT_RECORD_MAX);
    assert_int_equal(audit_check(buf, builder_len(&b), &batch), 0);
    assert_int_equal(audit_open(&c, buf, builder_len(&b), &batch), 0);
    assert_int_equal(audit_next(&c, &r), 0);
    assert_int_equal(r.path.len, AUDIT_STRING_MAX);
    assert_int_equal(r.flags, AUDIT_FLAG_PATH_CUT); /* and not the other, which just fitted */
    assert_int_equal(r.to.len, AUDIT_STRING_MAX);
}

static size_t make(void)
{
    struct builder b;

    audit_begin(&b, buf);
    assert_true(audit_put(&b, &sample));
    assert_true(audit_put(&b, &sample));
    audit_finish(&b, 1, 0);
    return builder_len(&b);
}

static void refused_with(size_t at, uint8_t value, size_t len)
{
    uint8_t *copy = malloc(len); /* exactly as long as the message, for the sanitizers */
    struct audit_batch batch;

    assert_non_null(copy);
    memcpy(copy, buf, len);
    copy[at] = value;
    if (audit_check(copy, len, &batch) != -EPROTO)
        fail_msg("byte %zu = %u was accepted", at, value);
    free(copy);
}

static void refusals(void **state)
{
    static uint8_t long_message[AUDIT_BATCH_MAX + 1];
    const size_t len = make();
    struct audit_batch batch;

    (void)state;
    assert_int_equal(audit_check(buf, len, &batch), 0);
    for (size_t cut_at = 0; cut_at < len; cut_at++) {
        uint8_t *copy = malloc(cut_at + 1);

        assert_non_null(copy);
        memcpy(copy, buf, cut_at);
        assert_int_equal(audit_check(copy, cut_at, &batch), -EPROTO);
        free(copy);
    }
    refused_with(0, 2, len);                 /* version */
    refused_with(2, 1, len);                 /* fewer records than there are */
    refused_with(2, 3, len);                 /* more */
    refused_with(8, 0, len);                 /* no number */
    refused_with(16, 0, len);                /* operation */
    refused_with(16, AUDIT_OP_CONNECT, len); /* the supervisor's to say */
    refused_with(16, AUDIT_OP_SUPPRESSED, len);
    refused_with(16, 255, len);
    refused_with(17, AUDIT_CLASSES, len);
    refused_with(18, 8, len); /* flags */
    refused_with(19, 1, len);
    refused_with(22, 1, len); /* errno above 4095 */
    refused_with(24, AUDIT_REASONS, len);
    refused_with(27, 1, len);
    refused_with(16 + 44, 7, len); /* a path longer by one: all behind it moves */
    refused_with(16 + 44 + 1, 1, len);
    memcpy(long_message, buf, len);
    assert_int_equal(audit_check(long_message, sizeof(long_message), &batch), -EPROTO);
    assert_int_equal(audit_check(long_message, len + 1, &batch), -EPROTO);
}

/* A string above the bound is refused even though the message has the bytes. */
static void string_bound(void **state)
{
    struct audit_batch batch;
    struct builder b;
    static char name[AUDIT_STRING_MAX + 1];

    (void)state;
    audit_begin(&b, buf);
    builder_bytes(&b, (const uint8_t[]){AUDIT_OP_OPEN, AUDIT_READ}, 2);
    builder_bytes(&b, name, AUDIT_RECORD_SIZE - 2);
    builder_str(&b, name, sizeof(name));
    builder_str(&b, "", 0);
    buf[2] = 1;
    audit_finish(&b, 1, 0);
    assert_int_equal(audit_check(buf, builder_len(&b), &batch), -EPROTO);
}

/* Only news of a loss. */
static void lost_only(void **state)
{
    struct audit_batch batch;
    struct builder b;

    (void)state;
    audit_begin(&b, buf);
    audit_finish(&b, 1, 9);
    assert_int_equal(audit_check(buf, builder_len(&b), &batch), 0);
    assert_int_equal(batch.lost, 9);
    audit_finish(&b, 1, 0);
    assert_int_equal(audit_check(buf, builder_len(&b), &batch), -EPROTO);
}

static void names(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < AUDIT_OPS; i++)
        assert_non_null(audit_op_name(i));
    for (uint32_t i = 0; i < AUDIT_CLASSES; i++)
        assert_non_null(audit_class_name(i));
    for (uint32_t i = 1; i < AUDIT_REASONS; i++)
        assert_non_null(audit_reason_name(i));
    assert_null(audit_reason_name(AUDIT_WHY_NONE));
    assert_string_equal(audit_op_name(AUDIT_OPS), "?");
    assert_string_equal(audit_class_name(77), "?");
    assert_string_equal(audit_reason_name(AUDIT_REASONS), "?");
}

/* A domain's name as a name of a directory: itself where that is harmless, else told apart and never elsewhere. */
static void directory_of_a_domain(void **state)
{
    static const struct {
        const char *domain, *directory;
    } t[] = {
        {"web", "web"},   {"a.b-c_d9", "a.b-c_d9"}, {"", "unnamed"},
        {".", "%2E"},     {"..", "%2E."},           {".hidden", "%2Ehidden"},
        {"a/b", "a%2Fb"}, {"a b\n", "a%20b%0A"},    {"\xff%", "%FF%25"},
    };
    char a[AUDIT_DIRECTORY_MAX], b[AUDIT_DIRECTORY_MAX], name[1000];

    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        audit_directory(a, t[i].domain);
        assert_string_equal(a, t[i].directory);
    }
    /* too long: cut, and told apart by what was cut */
    memset(name, '/', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    audit_directory(a, name);
    name[sizeof(name) - 2] = 'x';
    audit_directory(b, name);
    assert_true(strlen(a) < AUDIT_DIRECTORY_MAX && strlen(a) < 255);
    assert_null(strchr(a, '/'));
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), strlen(b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(room),
        cmocka_unit_test(refusals),
        cmocka_unit_test(string_bound),
        cmocka_unit_test(lost_only),
        cmocka_unit_test(names),
        cmocka_unit_test(directory_of_a_domain),
    };

    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
