/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_scan.c - what a policy file may consist of, judged before libConfuse reads it.
 *
 * libConfuse's lexer forgives more than a policy can bear: it expands "${NAME}" from the
 * environment, also outside of quotes; drops characters that it does not know (max-fids = *5);
 * takes the end of the file for the end of a section or comment; and after an unfinished string or comment it begins the
 * next file in the middle of one. So a file may hold only what both of us read alike:
 * words, '=', ',', braces, strings of one line without escapes, comments from '#' to the end of the line. Comments are
 * overwritten with blanks, since libConfuse does not take them inside of a list.
 */
#include <stdlib.h>
#include <string.h>

#include "policy_internal.h"

#define MAX_DEPTH 2 /* section, list */

struct scanner {
    const char *file;
    char *text;
    size_t len, at;
    unsigned line;
    unsigned open[MAX_DEPTH]; /* lines of braces that are open */
    size_t depth;
    struct policy_scan *out;
    struct policy_report *report;
    bool bad;
    bool lost; /* braces do not match: one error about that is enough */
};

static void complain(struct scanner *s, unsigned line, const char *text)
{
    policy_error(s->report, s->file, line, "%s", text);
    s->bad = true;
}

/* What is wrong with a byte wherever it stands, apart from comments. */
static const char *judge_byte(const struct scanner *s)
{
    unsigned char ch = (unsigned char)s->text[s->at];

    if (ch == '$' && s->at + 1 < s->len && s->text[s->at + 1] == '{')
        return "\"${\" would be replaced from the environment; write the value itself";
    if (ch == '\\')
        return "there are no escapes with a backslash; write the character itself";
    if (ch == '|')
        return "\"|\" has no meaning in a policy";
    if ((ch < 0x20 && ch != '\t' && ch != '\n') || ch == 0x7f)
        return ch == '\r' ? "carriage return; save the file with Unix line ends"
                          : "control character; remove it";
    return NULL;
}

static void skip_comment(struct scanner *s)
{
    while (s->at < s->len && s->text[s->at] != '\n')
        s->text[s->at++] = ' ';
}

static void skip_string(struct scanner *s)
{
    char quote = s->text[s->at++];

    for (; s->at < s->len && s->text[s->at] != quote; s->at++) {
        const char *why = judge_byte(s);

        if (s->text[s->at] == '\n')
            break;
        if (why != NULL)
            complain(s, s->line, why);
    }
    if (s->at >= s->len || s->text[s->at] != quote)
        complain(s, s->line, "the string does not end on its line; close the quotes");
    else
        s->at++;
}

static bool note_section(struct scanner *s)
{
    struct policy_scan *o = s->out;
    size_t cap = o->cap != 0 ? o->cap * 2 : 16;
    unsigned *more;

    if (o->num == o->cap) {
        more = reallocarray(o->section_line, cap, sizeof(*more));
        if (more == NULL)
            return false;
        o->section_line = more;
        o->cap = cap;
    }
    o->section_line[o->num++] = s->line;
    return true;
}

static void open_brace(struct scanner *s)
{
    if (s->depth == MAX_DEPTH) {
        if (!s->lost)
            complain(s, s->line, "a list cannot hold braces; is a closing brace missing above?");
        s->lost = true;
        return;
    }
    if (s->depth == 0 && !note_section(s))
        complain(s, s->line, "out of memory");
    s->open[s->depth++] = s->line;
}

static void close_brace(struct scanner *s)
{
    if (s->depth != 0) {
        s->depth--;
        return;
    }
    if (!s->lost)
        complain(s, s->line, "closing brace without an opening one");
    s->lost = true;
}

static void plain_byte(struct scanner *s)
{
    const char *why = judge_byte(s);
    char ch = s->text[s->at];

    if (why != NULL)
        complain(s, s->line, why);
    else if (strchr("*()+", ch) != NULL)
        complain(s, s->line,
                 ch == '+' ? "\"+\" outside of quotes; write +NAME in quotes, and a "
                             "list only once"
                           : "\"*\", \"(\" and \")\" stand only in quotes");
    else if (ch == '/' && s->at + 1 < s->len && s->text[s->at + 1] == '/')
        complain(s, s->line, "comments begin with #; a path has no //");
    else if (ch == '{')
        open_brace(s);
    else if (ch == '}')
        close_brace(s);
    else if (ch == '\n')
        s->line++;
    s->at++;
}

bool policy_scan(const char *file, char *text, size_t len, struct policy_scan *scan,
                 struct policy_report *report)
{
    struct scanner s = {
        .file = file, .text = text, .len = len, .line = 1, .out = scan, .report = report};

    memset(scan, 0, sizeof(*scan));
    while (s.at < len) {
        char ch = text[s.at];

        if (ch == '#')
            skip_comment(&s);
        else if (ch == '"' || ch == '\'')
            skip_string(&s);
        else
            plain_byte(&s);
    }
    if (s.depth != 0 && !s.lost)
        complain(&s, s.open[0], "the section that begins here is not closed");
    return !s.bad;
}

void policy_scan_clear(struct policy_scan *scan)
{
    free(scan->section_line);
    memset(scan, 0, sizeof(*scan));
}
