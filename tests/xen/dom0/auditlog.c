/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auditlog - what a test asks of an audit log, without the product's own reader.
 *
 *   auditlog check FILE...        each line is one JSON object (RFC 8259) with the members that every line has, numbers
 *                                 go up by one; prints "LINES lines, RECORDS records"
 *   auditlog bytes KEY OP FILE... the bytes of KEY of each line of operation OP, in hexadecimal
 *   auditlog names DIR            the names in a directory likewise, a slash in front
 * Files oldest first. Exits 1 with the line when something is not as it should be.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORKERS 16

struct member {
    char key[32];
    char text[70000]; /* of a string, unescaped once; else as it stands */
};

static struct member members[40];
static size_t num;
static const char *line_text;

static void bad(const char *why)
{
    printf("%s: %s\n", why, line_text);
    exit(1);
}

static unsigned hex4(const char **p)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++, (*p)++) {
        static const char digits[] = "0123456789abcdef";
        const char *d = **p != '\0' ? strchr(digits, **p | 0x20) : NULL;

        if (d == NULL)
            bad("bad \\u");
        value = value * 16 + (unsigned)(d - digits);
    }
    return value;
}

/* Bytes of a valid UTF-8 sequence, or 0. */
static size_t utf8(const unsigned char *s)
{
    uint32_t ch = s[0];
    size_t n = ch < 0x80 ? 1 : ch < 0xc2 ? 0 : ch < 0xe0 ? 2 : ch < 0xf0 ? 3 : ch < 0xf5 ? 4 : 0;

    ch = n > 1 ? ch & (0x7fu >> n) : ch;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        ch = ch << 6 | (s[i] & 0x3f);
    }
    return (n == 3 && (ch < 0x800 || (ch >= 0xd800 && ch < 0xe000))) ||
                   (n == 4 && (ch < 0x10000 || ch > 0x10ffff))
               ? 0
               : n;
}

static void take_string(const char **p, char *out, size_t cap)
{
    size_t len = 0;

    if (*(*p)++ != '"')
        bad("no string");
    while (**p != '"') {
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        size_t n = utf8((const unsigned char *)*p);
        const char *e;

        if ((unsigned char)**p < 0x20 || n == 0 || len + 5 > cap)
            bad("a byte that may not be in a string");
        if (**p != '\\') {
            memcpy(out + len, *p, n);
            len += n;
            *p += n;
            continue;
        }
        ++*p;
        if (**p == 'u') {
            ++*p;
            out[len++] = (char)hex4(p); /* the log has none; enough to see that */
            continue;
        }
        e = **p != '\0' ? strchr(from, **p) : NULL;
        if (e == NULL)
            bad("bad escape");
        out[len++] = to[e - from];
        ++*p;
    }
    ++*p;
    out[len] = '\0';
}

static void take_value(const char **p, char *out, size_t cap)
{
    size_t n;

    if (**p == '"') {
        take_string(p, out, cap);
        return;
    }
    n = strspn(*p, "0123456789");
    if (n == 0)
        n = strncmp(*p, "true", 4) == 0 ? 4 : strncmp(*p, "false", 5) == 0 ? 5 : 0;
    if (n == 0 || n > 20 || (**p == '0' && n > 1))
        bad("no value that a log has");
    snprintf(out, cap, "%.*s", (int)n, *p);
    *p += n;
}

static const char *text_of(const char *key)
{
    for (size_t i = 0; i < num; i++)
        if (strcmp(members[i].key, key) == 0)
            return members[i].text;
    return NULL;
}

static uint64_t number_of(const char *key)
{
    const char *s = text_of(key);

    if (s == NULL)
        bad(key);
    return strtoull(s, NULL, 10);
}

static void parse(const char *line, size_t len)
{
    const char *p = line;

    line_text = line;
    num = 0;
    if (strlen(line) != len || len == 0 || line[len - 1] != '\n' || *p++ != '{')
        bad("not a line");
    do {
        if (num == sizeof(members) / sizeof(members[0]))
            bad("too many members");
        take_string(&p, members[num].key, sizeof(members[num].key));
        if (text_of(members[num].key) != NULL)
            bad("a member twice");
        if (*p++ != ':')
            bad("no colon");
        take_value(&p, members[num].text, sizeof(members[num].text));
        num++;
    } while (*p++ == ',');
    if (strcmp(p - 1, "}\n") != 0)
        bad("no end of the object");
}

static void each_line(char **files, void (*take)(const char *arg), const char *arg)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    for (; *files != NULL; files++) {
        FILE *f = fopen(*files, "r");

        if (f == NULL) {
            perror(*files);
            exit(1);
        }
        while ((n = getline(&line, &cap, f)) > 0) {
            parse(line, (size_t)n);
            take(arg);
        }
        fclose(f);
    }
    free(line);
}

/* --- check -------------------------------------------------------------------------------------------------------- */

static struct {
    uint64_t seq, records;
    struct {
        uint64_t id, n;
    } worker[MAX_WORKERS];
} sum;

static void check(const char *arg)
{
    static const char *const always[] = {"time", "boot", "domain", "class", "op"};
    uint64_t id = number_of("worker"), n = number_of("n");
    size_t i = 0;

    (void)arg;
    for (size_t k = 0; k < sizeof(always) / sizeof(always[0]); k++)
        if (text_of(always[k]) == NULL || *text_of(always[k]) == '\0')
            bad(always[k]);
    if (number_of("seq") != ++sum.seq)
        bad("seq is not one more than before");
    if (n == 0)
        return;
    while (i < MAX_WORKERS && sum.worker[i].id != id && sum.worker[i].id != 0)
        i++;
    if (i == MAX_WORKERS)
        bad("too many workers");
    sum.worker[i].id = id;
    if (n != ++sum.worker[i].n)
        bad("n is not one more than before");
    for (const char *const *k =
             (const char *const[]){"uuid", "domid", "device", "pid", "policy", "result", NULL};
         *k != NULL; k++)
        if (text_of(*k) == NULL)
            bad(*k);
    sum.records++;
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static const char *wanted_op;

/* Undoes what is left when JSON is parsed: two backslashes, and \xNN. */
static void bytes(const char *key)
{
    const char *s = text_of(key);

    if (s == NULL || strcmp(text_of("op"), wanted_op) != 0)
        return;
    while (*s != '\0') {
        unsigned byte = (unsigned char)*s++;

        if (byte == '\\' && *s == '\\')
            s++;
        else if (byte == '\\' && sscanf(s, "x%2x", &byte) == 1)
            s += 3;
        else if (byte == '\\')
            bad("a backslash that is none of the two");
        printf("%02x", byte);
    }
    putchar('\n');
}

static void names(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    if (d == NULL) {
        perror(dir);
        exit(1);
    }
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        printf("2f");
        for (const char *s = e->d_name; *s != '\0'; s++)
            printf("%02x", (unsigned char)*s);
        putchar('\n');
    }
    closedir(d);
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "check") == 0) {
        each_line(argv + 2, check, NULL);
        printf("%llu lines, %llu records\n", (unsigned long long)sum.seq,
               (unsigned long long)sum.records);
    } else if (argc >= 5 && strcmp(argv[1], "bytes") == 0) {
        wanted_op = argv[3];
        each_line(argv + 4, bytes, argv[2]);
    } else if (argc == 3 && strcmp(argv[1], "names") == 0) {
        names(argv[2]);
    } else {
        fprintf(stderr, "usage: auditlog check FILE... | bytes KEY OP FILE... | names DIR\n");
        return 2;
    }
    return 0;
}
