/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_report.c - the errors and warnings of loading a policy, kept until all files were read.
 *
 * Texts hold pieces of files: whatever is not printable ASCII is escaped here, once.
 */
#include <stdlib.h>
#include <string.h>

#include "policy_internal.h"

#define TEXT_MAX 512

static void escape(char *out, size_t cap, const char *text)
{
    size_t n = 0;

    for (; *text != '\0' && n + 5 < cap; text++) {
        unsigned char ch = (unsigned char)*text;

        if (ch >= 0x20 && ch < 0x7f)
            out[n++] = (char)ch;
        else
            n += (size_t)snprintf(out + n, 5, "\\x%02x", ch);
    }
    out[n] = '\0';
}

static bool make_room(struct policy_report *r)
{
    struct policy_message *more;
    size_t cap = r->cap != 0 ? r->cap * 2 : 16;

    if (r->num >= POLICY_MAX_MESSAGES)
        return false;
    if (r->num < r->cap)
        return true;
    more = reallocarray(r->message, cap, sizeof(*more));
    if (more == NULL)
        return false;
    r->message = more;
    r->cap = cap;
    return true;
}

static void add(struct policy_report *r, bool warning, const char *file, unsigned line,
                const char *text)
{
    struct policy_message *m;
    char escaped[2 * TEXT_MAX];

    r->errors += !warning;
    if (!make_room(r)) {
        r->dropped++;
        return;
    }
    escape(escaped, sizeof(escaped), text);
    m = &r->message[r->num];
    m->file = file != NULL ? strdup(file) : NULL;
    m->line = line;
    m->warning = warning;
    m->text = strdup(escaped);
    if (m->text != NULL && (file == NULL || m->file != NULL)) {
        r->num++;
        return;
    }
    free(m->file);
    free(m->text);
    r->dropped++;
}

void policy_error(struct policy_report *r, const char *file, unsigned line, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    add(r, false, file, line, text);
}

void policy_warning(struct policy_report *r, const char *file, unsigned line, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    add(r, true, file, line, text);
}

void policy_report_clear(struct policy_report *r)
{
    for (size_t i = 0; i < r->num; i++) {
        free(r->message[i].file);
        free(r->message[i].text);
    }
    free(r->message);
    memset(r, 0, sizeof(*r));
}

void policy_report_format(const struct policy_message *m, char *out, size_t cap)
{
    const char *kind = m->warning ? "warning" : "error";

    if (m->file == NULL)
        (void)snprintf(out, cap, "%s: %s", kind, m->text);
    else if (m->line == 0)
        (void)snprintf(out, cap, "%s: %s: %s", m->file, kind, m->text);
    else
        (void)snprintf(out, cap, "%s:%u: %s: %s", m->file, m->line, kind, m->text);
}
