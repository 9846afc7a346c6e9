/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_value.c - one value: from text, strictly, and back. Pure.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy_internal.h"
#include "xen9p/limits.h"
#include "xen9p/nodes.h"

#define KIB UINT64_C(1024)

bool policy_is_list(enum policy_type type)
{
    return type == POLICY_TYPE_SET || type == POLICY_TYPE_PATHS || type == POLICY_TYPE_OPERATIONS;
}

enum policy_key policy_key_by_name(const char *name)
{
    int i;

    for (i = 0; i < POLICY_KEYS; i++)
        if (strcmp(policy_keys[i].name, name) == 0)
            break;
    return (enum policy_key)i;
}

bool policy_uuid(const char *text, char out[POLICY_UUID_LEN + 1])
{
    for (size_t i = 0; i < POLICY_UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
        out[i] = (char)tolower((unsigned char)text[i]);
    }
    out[POLICY_UUID_LEN] = '\0';
    return text[POLICY_UUID_LEN] == '\0';
}

bool policy_path_below(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);

    if (strcmp(prefix, "/") == 0)
        return path[0] == '/';
    return strncmp(path, prefix, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* --- taking ----------------------------------------------------------------------------------- */

static const char *range(const struct policy_key_info *k, char *why, size_t cap)
{
    (void)snprintf(why, cap, "must be %llu to %llu (%s)", (unsigned long long)k->min,
                   (unsigned long long)k->max, k->unit);
    return why;
}

static const char *take_number(const struct policy_key_info *k, struct policy_value *v,
                               const char *text, char *why, size_t cap)
{
    if (nodes_decimal(text, strlen(text), k->max, &v->number) != 0 || v->number < k->min)
        return range(k, why, cap);
    return NULL;
}

/* Bytes that the letter at the end of a size stands for; 0 when it is none. */
static uint64_t size_factor(char letter)
{
    switch (letter) {
    case 'K':
        return KIB;
    case 'M':
        return KIB * KIB;
    case 'G':
        return KIB * KIB * KIB;
    case 'T':
        return KIB * KIB * KIB * KIB;
    default:
        return 0;
    }
}

static const char *take_size(const struct policy_key_info *k, struct policy_value *v,
                             const char *text, char *why, size_t cap)
{
    size_t len = strlen(text);
    uint64_t factor = len > 1 ? size_factor(text[len - 1]) : 0;

    if (factor != 0)
        len--;
    else
        factor = 1;
    if (nodes_decimal(text, len, k->max / factor, &v->number) == 0) {
        v->number *= factor;
        if (v->number >= k->min)
            return NULL;
    }
    (void)snprintf(why, cap, "must be %llu to %llu %s, or a number with K, M, G or T behind it",
                   (unsigned long long)k->min, (unsigned long long)k->max, k->unit);
    return why;
}

static const char *take_mode(const struct policy_key_info *k, struct policy_value *v,
                             const char *text)
{
    size_t len = strlen(text);

    v->number = 0;
    for (size_t i = 0; i < len && len <= 5; i++) {
        if (text[i] < '0' || text[i] > '7')
            return "must be an octal mode from 0000 to 0777";
        v->number = v->number * 8 + (uint64_t)(text[i] - '0');
    }
    return len >= 3 && len <= 5 && v->number <= k->max ? NULL
                                                       : "must be an octal mode from 0000 to 0777";
}

/* Number of the choice, or -1 with `why`. */
static int choice(const struct policy_key_info *k, const char *text, char *why, size_t cap)
{
    size_t n;

    for (int i = 0; i < POLICY_MAX_CHOICES && k->choices[i] != NULL; i++)
        if (strcmp(k->choices[i], text) == 0)
            return i;
    n = (size_t)snprintf(why, cap, "\"%.40s\" is none of:", text);
    for (int i = 0; i < POLICY_MAX_CHOICES && k->choices[i] != NULL && n < cap; i++)
        n += (size_t)snprintf(why + n, cap - n, " %s", k->choices[i]);
    return -1;
}

static const char *take_choice(const struct policy_key_info *k, struct policy_value *v,
                               const char *text, char *why, size_t cap)
{
    int i = choice(k, text, why, cap);

    if (i < 0)
        return why;
    if (k->type == POLICY_TYPE_SET)
        v->number |= UINT64_C(1) << i;
    else
        v->number = (uint64_t)i;
    if (k->enforced == POLICY_ENFORCED || k->enforced == POLICY_NOT_ENFORCED ||
        (k->enforced >> i & 1) != 0)
        return NULL;
    (void)snprintf(why, cap, "\"%s\" is not enforced by this version; leave the key out", text);
    return why;
}

static const char *take_pair(const struct policy_key_info *k, struct policy_value *v,
                             const char *text, char *why, size_t cap)
{
    const char *colon = strchr(text, ':');
    uint64_t a, b;

    if (colon == NULL || nodes_decimal(text, (size_t)(colon - text), k->max, &a) != 0 ||
        nodes_decimal(colon + 1, strlen(colon + 1), k->max, &b) != 0) {
        (void)snprintf(why, cap, "must be %s in quotes, both %llu to %llu", k->unit,
                       (unsigned long long)k->min, (unsigned long long)k->max);
        return why;
    }
    v->number = a << 32 | b;
    return NULL;
}

static const char *judge_path(const char *path)
{
    if (path[0] != '/')
        return "must be an absolute path";
    if (strlen(path) >= LIMIT_EXPORT_PATH)
        return "is longer than an export's path can be";
    if (path[1] == '\0')
        return NULL;
    for (const char *p = path; *p != '\0'; p += 1 + strcspn(p + 1, "/")) {
        size_t len = strcspn(p + 1, "/");

        if (len == 0)
            return "must not contain // or end in /";
        if (strncmp(p + 1, "..", len) == 0 && len <= 2)
            return "must not contain . or ..";
    }
    return NULL;
}

static const char *take_path(struct policy_value *v, const char *text, char *why, size_t cap)
{
    const char *bad = judge_path(text);
    char **more;

    if (bad != NULL) {
        (void)snprintf(why, cap, "\"%.80s\" %s", text, bad);
        return why;
    }
    if (v->num_items == POLICY_MAX_ITEMS)
        return "has too many entries";
    more = reallocarray(v->item, v->num_items + 1, sizeof(*more));
    if (more == NULL)
        return "out of memory";
    v->item = more;
    more[v->num_items] = strdup(text);
    if (more[v->num_items] == NULL)
        return "out of memory";
    v->num_items++;
    return NULL;
}

static const char *take_operation(struct policy_value *v, const char *text, char *why, size_t cap)
{
    uint32_t bits = OPERATIONS_ALL;
    size_t n;

    if ((text[0] == '+' || text[0] == '-') && strcmp(text + 1, "all") != 0)
        bits = operation_by_name(text + 1, strlen(text + 1));
    if ((text[0] != '+' && text[0] != '-') || bits == 0) {
        n = (size_t)snprintf(why, cap, "\"%.40s\" is not + or - and one of: all", text);
        for (size_t i = 0; i < OPERATIONS && n < cap; i++)
            n += (size_t)snprintf(why + n, cap - n, " %s", operation_table[i].name);
        return why;
    }
    if (text[0] == '+') {
        v->add |= bits;
        v->keep |= bits;
    } else {
        v->add &= ~bits;
        v->keep &= ~bits;
    }
    return NULL;
}

/*
 * Operations without anything said about them are inherited: `keep` starts with all of them, at
 * the first item.
 */
const char *policy_value_take(enum policy_key key, struct policy_value *v, const char *text,
                              char *why, size_t cap)
{
    const struct policy_key_info *k = &policy_keys[key];

    if (!v->given && k->type == POLICY_TYPE_OPERATIONS)
        v->keep = OPERATIONS_ALL;
    v->given = true;
    switch (k->type) {
    case POLICY_TYPE_NUMBER:
        return take_number(k, v, text, why, cap);
    case POLICY_TYPE_SIZE:
        return take_size(k, v, text, why, cap);
    case POLICY_TYPE_MODE:
        return take_mode(k, v, text);
    case POLICY_TYPE_CHOICE:
    case POLICY_TYPE_SET:
        return take_choice(k, v, text, why, cap);
    case POLICY_TYPE_PAIR:
        return take_pair(k, v, text, why, cap);
    case POLICY_TYPE_PATHS:
        return take_path(v, text, why, cap);
    case POLICY_TYPE_OPERATIONS:
        return take_operation(v, text, why, cap);
    }
    return "has no type";
}

void policy_value_clear(struct policy_value *v)
{
    for (size_t i = 0; i < v->num_items; i++)
        free(v->item[i]);
    free(v->item);
    memset(v, 0, sizeof(*v));
}

/* --- printing --------------------------------------------------------------------------------- */

static void print_size(uint64_t n, FILE *out)
{
    static const char letters[] = "KMGT";
    int i = -1;

    for (; n != 0 && n % KIB == 0 && i < 3; i++)
        n /= KIB;
    if (i < 0)
        (void)fprintf(out, "%llu", (unsigned long long)n);
    else
        (void)fprintf(out, "%llu%c", (unsigned long long)n, letters[i]);
}

static void print_paths(const struct policy_value *v, FILE *out)
{
    (void)fputc('{', out);
    for (size_t i = 0; i < v->num_items; i++) {
        char quote = strchr(v->item[i], '"') != NULL ? '\'' : '"';

        (void)fprintf(out, "%s%c%s%c", i != 0 ? ", " : "", quote, v->item[i], quote);
    }
    (void)fputc('}', out);
}

static void print_set(const struct policy_key_info *k, uint64_t bits, FILE *out)
{
    const char *comma = "";

    (void)fputc('{', out);
    for (int i = 0; i < POLICY_MAX_CHOICES && k->choices[i] != NULL; i++) {
        if ((bits >> i & 1) == 0)
            continue;
        (void)fprintf(out, "%s\"%s\"", comma, k->choices[i]);
        comma = ", ";
    }
    (void)fputc('}', out);
}

/* From "all" or from nothing, whichever is shorter: what is inherited does not matter then. */
static void print_operations(uint32_t bits, FILE *out)
{
    bool from_all = __builtin_popcount(bits) * 2 > OPERATIONS;

    (void)fprintf(out, "{\"%call\"", from_all ? '+' : '-');
    for (size_t i = 0; i < OPERATIONS; i++)
        if (((bits & operation_table[i].bit) != 0) != from_all)
            (void)fprintf(out, ", \"%c%s\"", from_all ? '-' : '+', operation_table[i].name);
    (void)fputc('}', out);
}

void policy_value_print(enum policy_key key, uint64_t number, const struct policy_value *v,
                        FILE *out)
{
    const struct policy_key_info *k = &policy_keys[key];

    switch (k->type) {
    case POLICY_TYPE_NUMBER:
        (void)fprintf(out, "%llu", (unsigned long long)number);
        break;
    case POLICY_TYPE_SIZE:
        print_size(number, out);
        break;
    case POLICY_TYPE_MODE:
        (void)fprintf(out, "%04llo", (unsigned long long)number);
        break;
    case POLICY_TYPE_CHOICE:
        (void)fputs(k->choices[number], out);
        break;
    case POLICY_TYPE_SET:
        print_set(k, number, out);
        break;
    case POLICY_TYPE_PAIR:
        (void)fprintf(out, "\"%llu:%llu\"", (unsigned long long)(number >> 32),
                      (unsigned long long)(number & UINT32_MAX));
        break;
    case POLICY_TYPE_PATHS:
        print_paths(v, out);
        break;
    case POLICY_TYPE_OPERATIONS:
        print_operations((uint32_t)number, out);
        break;
    }
}
