/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_parse.c - one file through libConfuse: sections and values with the lines they came from.
 *
 * libConfuse stops at the first thing that it cannot read; what a value means is judged here, as
 * it goes by, and never stops it, so that all errors are told at once. It keeps only the last of a
 * repeated key or untitled section: its callbacks see each.
 */
#include <confuse.h>
#include <stdlib.h>
#include <string.h>

#include "policy_internal.h"

/* libConfuse's callbacks carry no pointer of ours, and its lexer is global already. */
static struct parser {
    struct policy_set *set;
    const char *file; /* the set's copy */
    const struct policy_scan *scan;
    struct policy_report *report;
    struct policy_section *section; /* the one being read */
    size_t num_sections;            /* read before it */
} * parser;

static enum policy_kind kind_of(const char *name)
{
    if (strcmp(name, "domain") == 0)
        return POLICY_DOMAIN;
    return strcmp(name, "template") == 0 ? POLICY_TEMPLATE : POLICY_DEFAULTS;
}

/* --- titles ----------------------------------------------------------------------------------- */

static const char *judge_title(const char *title)
{
    static const char incoming[] = POLICY_INCOMING;
    size_t len = strlen(title), tail = sizeof(incoming) - 1;

    if (len == 0)
        return "a title must not be empty";
    if (len > POLICY_MAX_TITLE)
        return "a title has at most 128 characters";
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)title[i] <= ' ' || title[i] == '"' || title[i] == '\'')
            return "a title has no spaces, quotes or control characters";
    if (title[0] == '/')
        return "a domain is not named by its path; give it a name and a path-allow";
    if (len > tail && strcmp(title + len - tail, incoming) == 0)
        return "leave --incoming out: a name also stands for its incoming migration";
    return NULL;
}

static void take_title(struct policy_section *s)
{
    char uuid[POLICY_UUID_LEN + 1];
    const char *why = judge_title(s->title);

    if (why == NULL && s->kind == POLICY_TEMPLATE && policy_is_glob(s->title))
        why = "a template's name has no * or ?";
    if (why != NULL)
        policy_error(parser->report, s->at.file, s->at.line, "%s \"%.140s\": %s",
                     policy_kind_name(s->kind), s->title, why);
    if (s->kind != POLICY_DOMAIN)
        return;
    s->title_is_glob = policy_is_glob(s->title);
    s->title_is_uuid = policy_uuid(s->title, uuid);
    if (s->title_is_uuid)
        memcpy(s->title, uuid, sizeof(uuid)); /* the same length */
}

/* The section that `sec` is; made when its first value, or its end, is seen. NULL without memory. */
static struct policy_section *section_of(cfg_t *sec)
{
    struct parser *p = parser;
    struct policy_place at = {p->file, (unsigned)sec->line};

    if (p->section != NULL)
        return p->section;
    if (p->num_sections < p->scan->num)
        at.line = p->scan->section_line[p->num_sections];
    p->section = policy_set_section(p->set, kind_of(cfg_name(sec)), cfg_title(sec), at);
    if (p->section == NULL)
        policy_error(p->report, at.file, at.line, "out of memory, or too many sections");
    else if (p->section->title != NULL)
        take_title(p->section);
    return p->section;
}

/* --- values ----------------------------------------------------------------------------------- */

static void take_text(struct policy_text *t, const char *name, const char *value, unsigned line)
{
    if (t->text != NULL) {
        policy_error(parser->report, parser->file, line,
                     "%s is given twice, first in line %u; leave one", name, t->at.line);
        return;
    }
    t->text = strdup(value);
    t->at = (struct policy_place){parser->file, line};
    if (t->text == NULL)
        policy_error(parser->report, parser->file, line, "out of memory");
}

static void take_uuid(struct policy_section *s, const char *value, unsigned line)
{
    char uuid[POLICY_UUID_LEN + 1];

    if (!policy_uuid(value, uuid)) {
        policy_error(
            parser->report, parser->file, line,
            "uuid: \"%.60s\" is none; it looks like 123e4567-e89b-12d3-a456-426614174000 (xl "
            "vm-list)",
            value);
        return;
    }
    if (s->title_is_uuid)
        policy_error(parser->report, parser->file, line,
                     "uuid: the section's title is a UUID already; leave one");
    take_text(&s->uuid, "uuid", uuid, line);
}

static void take_value(struct policy_section *s, enum policy_key key, bool first, const char *value,
                       unsigned line)
{
    const struct policy_key_info *k = &policy_keys[key];
    struct policy_value *v = &s->value[key];
    char why[256];
    const char *bad;

    if (first && v->given) {
        policy_error(parser->report, parser->file, line,
                     "%s is given twice, first in line %u; leave one", k->name, v->at.line);
        v->broken = true;
    }
    if (v->broken)
        return;
    if (key >= POLICY_DOMAIN_KEYS && s->kind != POLICY_DEFAULTS) {
        v->given = v->broken = true;
        policy_error(parser->report, parser->file, line,
                     "%s is the host's, not a domain's; it stands only in defaults", k->name);
        return;
    }
    if (first)
        v->at = (struct policy_place){parser->file, line};
    if (k->enforced == POLICY_NOT_ENFORCED) {
        v->given = v->broken = true;
        policy_error(parser->report, parser->file, line,
                     "%s is not enforced by this version; leave it out", k->name);
        return;
    }
    bad = policy_value_take(key, v, value, why, sizeof(why));
    if (bad != NULL)
        policy_error(parser->report, parser->file, line, "%s %s", k->name, bad);
}

/* libConfuse: a value, or an element of a list, has been read. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    struct policy_section *s = section_of(cfg);
    unsigned line = (unsigned)cfg->line;
    enum policy_key key = policy_key_by_name(opt->name);

    *(const char **)result = value;
    if (s == NULL)
        return -1;
    if (key != POLICY_KEYS)
        take_value(s, key, opt->nvalues == 1, value, line);
    else if (strcmp(opt->name, "uuid") == 0)
        take_uuid(s, value, line);
    else
        take_text(&s->template_name, opt->name, value, line);
    return 0;
}

/* libConfuse: a section has ended. An empty list has called nobody. */
static int on_section(cfg_t *cfg, cfg_opt_t *opt)
{
    cfg_t *sec = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
    struct policy_section *s = section_of(sec);

    (void)cfg;
    for (cfg_opt_t *o = sec->opts; s != NULL && o->name != NULL; o++)
        if ((o->flags & CFGF_MODIFIED) != 0 && o->nvalues == 0)
            policy_error(parser->report, s->at.file, s->at.line,
                         "%s is an empty list in this section; leave the key out", o->name);
    parser->section = NULL;
    parser->num_sections++;
    return s != NULL ? 0 : -1;
}

/* --- what libConfuse complains about ---------------------------------------------------------- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters to change, add or drop to come from one name to the other. */
static size_t distance(const char *a, const char *b)
{
    size_t row[32], len = strlen(b);

    if (strlen(a) > 31 || len > 31)
        return SIZE_MAX;
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (; *a != '\0'; a++) {
        size_t corner = row[0]++;

        for (size_t j = 1; j <= len; j++) {
            size_t above = row[j];

            row[j] = smaller(corner + (*a != b[j - 1]), 1 + smaller(above, row[j - 1]));
            corner = above;
        }
    }
    return row[len];
}

/* A key that was probably meant, or NULL. */
static const char *nearest(const char *name)
{
    const char *best = NULL;
    size_t least = 3;

    for (int i = 0; i < POLICY_KEYS; i++) {
        size_t d = distance(name, policy_keys[i].name);

        if (d < least) {
            least = d;
            best = policy_keys[i].name;
        }
    }
    return best;
}

static void unknown_key(const cfg_t *cfg, const char *name)
{
    const char *meant = nearest(name);
    bool top = strcmp(cfg->name, "root") == 0;

    if (top)
        policy_error(
            parser->report, parser->file, (unsigned)cfg->line,
            "\"%.60s\" is no section; there are defaults { }, template \"NAME\" { } and domain "
            "\"NAME\" { }",
            name);
    else if (strcmp(name, "uuid") == 0 || strcmp(name, "template") == 0)
        policy_error(parser->report, parser->file, (unsigned)cfg->line,
                     "%s stands only in a domain section", name);
    else if (meant != NULL)
        policy_error(parser->report, parser->file, (unsigned)cfg->line,
                     "there is no key \"%.60s\"; did you mean %s?", name, meant);
    else
        policy_error(parser->report, parser->file, (unsigned)cfg->line,
                     "there is no key \"%.60s\"; xen9p.conf(5) lists them", name);
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
    char text[256], *name;

    (void)vsnprintf(text, sizeof(text), fmt, ap);
    name = strchr(text, '\'');
    if (strncmp(text, "no such option", 14) == 0 && name != NULL) {
        name++;
        name[strcspn(name, "'")] = '\0';
        unknown_key(cfg, name);
    } else if (strncmp(text, "found duplicate title", 21) == 0) {
        policy_error(parser->report, parser->file, (unsigned)cfg->line,
                     "%s: the section is there already; leave one", text);
    } else {
        policy_error(parser->report, parser->file, (unsigned)cfg->line, "%s; see xen9p.conf(5)",
                     text);
    }
}

/* --- the grammar ------------------------------------------------------------------------------ */

#define MAX_OPTIONS (POLICY_KEYS + 3) /* uuid, template, end */

static void option(cfg_opt_t *o, const char *name, bool list)
{
    cfg_opt_t scalar_option = CFG_STR_CB(name, NULL, CFGF_NODEFAULT, on_value);
    cfg_opt_t list_option = CFG_STR_LIST_CB(name, NULL, CFGF_NODEFAULT, on_value);

    *o = list ? list_option : scalar_option;
}

static void options(cfg_opt_t o[MAX_OPTIONS], bool domain)
{
    cfg_opt_t end = CFG_END();
    size_t n = 0;

    for (; n < POLICY_KEYS; n++)
        option(&o[n], policy_keys[n].name, policy_is_list(policy_keys[n].type));
    if (domain) {
        option(&o[n++], "uuid", false);
        option(&o[n++], "template", false);
    }
    o[n] = end;
}

static cfg_t *grammar(void)
{
    cfg_opt_t common[MAX_OPTIONS], domain[MAX_OPTIONS];
    const cfg_flag_t titled = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;
    cfg_opt_t top[] = {CFG_SEC("defaults", common, CFGF_NONE), CFG_SEC("template", common, titled),
                       CFG_SEC("domain", domain, titled), CFG_END()};
    cfg_t *cfg;

    options(common, false);
    options(domain, true);
    for (size_t i = 0; i < 3; i++)
        top[i].validcb = on_section;
    cfg = cfg_init(top, CFGF_NONE); /* copies all of it */
    if (cfg != NULL)
        cfg_set_error_function(cfg, on_error);
    return cfg;
}

static void run(const char *text, size_t len)
{
    size_t before = parser->report->errors;
    cfg_t *cfg = grammar();
    FILE *in = cfg != NULL ? fmemopen((void *)(uintptr_t)text, len, "r") : NULL;

    if (in == NULL)
        policy_error(parser->report, parser->file, 0, "out of memory");
    else if (cfg_parse_fp(cfg, in) != CFG_SUCCESS && parser->report->errors == before)
        policy_error(parser->report, parser->file, 0, "cannot be read");
    if (in != NULL)
        (void)fclose(in);
    if (cfg != NULL)
        cfg_free(cfg);
}

void policy_parse(struct policy_set *set, const char *file, char *text, size_t len,
                  struct policy_report *report)
{
    struct policy_scan scan;
    struct parser p = {.set = set, .scan = &scan, .report = report};

    p.file = policy_set_file(set, file);
    if (p.file == NULL) {
        policy_error(report, file, 0, "out of memory");
        return;
    }
    if (policy_scan(p.file, text, len, &scan, report) && len > 0) {
        parser = &p;
        run(text, len);
        parser = NULL;
    }
    policy_scan_clear(&scan);
}
