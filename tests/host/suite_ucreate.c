/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite_ucreate.c - Tcreate in 9P2000.u and 9P2000: the bytes of every reply, and what stands there then.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "suites.h"
#include "u9.h"

#define U P9_DIALECT_U

static void create_rules_in(struct rig *g, struct u9 *u)
{
    static const struct {
        const char *name;
        uint32_t perm, mode;
        int error;
    } refused[] = {
        {"old", 0644, P9_OREAD, EEXIST},
        {"dir", 0644, P9_OREAD, EEXIST},
        {"dir", P9_DMDIR | 0755, P9_OREAD, EEXIST},
        {"dangling", 0644, P9_OREAD, EEXIST},
        {"n", P9_DMDIR | 0755, P9_OWRITE, EISDIR},
        {"n", P9_DMDIR | 0755, P9_OREAD | P9_OTRUNC, EISDIR},
        {"n", P9_DMDIR | 0755, P9_OREAD | P9_ORCLOSE, EISDIR},
        {"n", P9_DMAPPEND | 0644, P9_OREAD, EOPNOTSUPP},
        {"n", P9_DMEXCL | 0644, P9_OREAD, EOPNOTSUPP},
        {"n", 0x10000644, P9_OREAD, EINVAL}, /* DMMOUNT */
        {"n", 0x08000644, P9_OREAD, EINVAL}, /* DMAUTH */
        {"n", 0644 | 0x1000, P9_OREAD, EINVAL},
        {"n", 0644, 0x20, EINVAL},
        {"", 0644, P9_OREAD, ENOENT},
        {".", 0644, P9_OREAD, EINVAL},
        {"..", P9_DMDIR | 0755, P9_OREAD, EINVAL},
        {"a/b", 0644, P9_OREAD, EINVAL},
    };
    char name[258];

    u9_host_file(g, "old", "data", 0644);
    MUST(mkdirat(g->root_fd, "dir", 0755));
    MUST(symlinkat("elsewhere", g->root_fd, "dangling"));
    u9_walk(u, 0, 1, "");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        tap_note("\"%s\" perm 0x%x mode 0x%x", refused[i].name, refused[i].perm, refused[i].mode);
        u9_refused(u, u9_ask_create(u, 1, refused[i].name, refused[i].perm, refused[i].mode, ""),
                   refused[i].error);
    }
    memset(name, 'n', 256);
    name[256] = '\0';
    u9_refused(u, u9_ask_create(u, 1, name, 0644, 0, ""), ENAMETOOLONG);
    CHECK(!u9_host_has(g, "n"));
    CHECK(!u9_host_has(g, "elsewhere"));
    u9_host_says(g, "old", "data");
    u9_refused(u, u9_ask_create(u, 99, "n", 0644, 0, ""), EBADF);
    u9_walk(u, 0, 2, "old");
    u9_refused(u, u9_ask_create(u, 2, "n", 0644, 0, ""), ENOTDIR);
    u9_walk(u, 0, 3, "");
    u9_open(u, 3, P9_OREAD);
    u9_refused(u, u9_ask_create(u, 3, "n", 0644, 0, ""), EINVAL); /* an open fid */
    /* after all this fid 1 is what it was; then it is the file */
    name[255] = '\0';
    u9_want_qid(u, u9_ask_create(u, 1, name, 0640, P9_ORDWR, ""), P9_TCREATE, name);
    u9_write(u, 1, 0, "mine");
    u9_read(u, 1, 0, 10, "mine");
    u9_host_says(g, name, "mine");
    CHECK_EQ(u9_host_stat(g, name).st_mode & 07777, 0640);
    u9_refused(u, u9_ask_create(u, 1, "n", 0644, 0, ""), ENOTDIR);
    u9_refused(u, u9_ask(u, P9_TOPEN, "db", 1u, 0), EINVAL); /* it is open */
    /* for reading alone, though the file may not be read; DMTMP means nothing */
    u9_walk(u, 0, 4, "");
    u9_want_qid(u, u9_ask_create(u, 4, "r", P9_DMTMP | 0200, P9_OREAD, ""), P9_TCREATE, "r");
    u9_read(u, 4, 0, 10, "");
    u9_refused(u, u9_ask(u, P9_TWRITE, "dqdB", 4u, 0ull, 1u, (size_t)1, "x"), EBADF);
    /* a directory, open for reading */
    u9_walk(u, 0, 5, "");
    u9_want_qid(u, u9_ask_create(u, 5, "nd", P9_DMDIR | 0750, P9_OREAD, ""), P9_TCREATE, "nd");
    CHECK_EQ(u9_host_stat(g, "nd").st_mode, S_IFDIR | 0750);
    u9_read(u, 5, 0, 1000, "");
    u9_walk(u, 5, 6, "..");
    u9_refused(u, u9_ask(u, P9_TCREATE, "dsd", 6u, "n", 0644u), EINVAL);
}

static void create_rules(void)
{
    u9_in_both(create_rules_in);
}

/* What 9P2000.u adds to Tcreate. */
static void create_extensions(void)
{
    struct rig *g = rig_new(NULL);
    struct u9 u;
    static const struct {
        uint32_t perm;
        const char *ext;
        int error;
    } refused[] = {
        {P9_DMDEVICE | 0644, "c 1 3", EPERM},
        {P9_DMDEVICE | 0644, "b 7 0", EPERM},
        {P9_DMLINK, "", EINVAL},
        {P9_DMLINK, "\n", EINVAL},
        {P9_DMLINK, "x\n", EINVAL},
        {P9_DMLINK, "-1\n", EINVAL},
        {P9_DMLINK, "2 ", EINVAL},
        {P9_DMLINK, "99999999999\n", EINVAL},
        {P9_DMLINK, "4294967295\n", EINVAL},
        {P9_DMLINK, "77\n", EBADF},
        {P9_DMLINK, "0\n", EPERM}, /* a directory */
        {P9_DMSYMLINK | 0777, "", ENOENT},
        {P9_DMSYMLINK | P9_DMLINK, "2", EINVAL},
        {P9_DMDIR | P9_DMSYMLINK, "f", EINVAL},
        {P9_DMSOCKET | P9_DMNAMEDPIPE, "", EINVAL},
    };
    char target[4100], *ext = target;
    struct stat st;

    u9_host_file(g, "f", "data", 0644);
    u9_mount(&u, g, U);
    u9_walk(&u, 0, 1, "");
    u9_walk(&u, 0, 2, "f");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        tap_note("perm 0x%x ext \"%s\"", refused[i].perm, refused[i].ext);
        u9_refused(&u, u9_ask_create(&u, 1, "n", refused[i].perm, 0, refused[i].ext),
                   refused[i].error);
    }
    CHECK(!u9_host_has(g, "n"));
    u9_refused(&u,
               u9_ask(&u, P9_TCREATE, "dsdbS", 1u, "n", P9_DMSYMLINK | 0777u, 0, (size_t)3, "a\0b"),
               EINVAL);
    memset(target, 't', 4096);
    target[4096] = '\0';
    u9_refused(&u, u9_ask_create(&u, 1, "n", P9_DMSYMLINK | 0777, 0, ext), ENAMETOOLONG);
    target[4095] = '\0';
    u9_want_qid(&u, u9_ask_create(&u, 1, "longest", P9_DMSYMLINK | 0777, 0, ext), P9_TCREATE,
                "longest");
    u9_refused(&u, u9_ask(&u, P9_TOPEN, "db", 1u, 0), ELOOP); /* it is the link, not opened */
    CHECK_EQ(u9_host_stat(g, "longest").st_size, 4095);
    u9_walk(&u, 0, 3, "");
    u9_want_qid(&u, u9_ask_create(&u, 3, "s", P9_DMSYMLINK | 0777, 0, "../../etc/passwd"),
                P9_TCREATE, "s");
    u9_walk(&u, 0, 4, "");
    u9_want_qid(&u, u9_ask_create(&u, 4, "h", P9_DMLINK, 0, "2\n"), P9_TCREATE, "h");
    CHECK_EQ(u9_host_stat(g, "f").st_nlink, 2);
    CHECK_EQ(u9_host_stat(g, "f").st_ino, u9_host_stat(g, "h").st_ino);
    u9_open(&u, 4, P9_OREAD); /* it is the new name of the file, not opened */
    u9_read(&u, 4, 0, 10, "data");
    u9_walk(&u, 0, 5, "");
    u9_want_qid(&u, u9_ask_create(&u, 5, "h2", P9_DMLINK, 0, "2"), P9_TCREATE, "h2");
    u9_walk(&u, 0, 6, "");
    u9_want_qid(&u, u9_ask_create(&u, 6, "p", P9_DMNAMEDPIPE | 0640, 0, ""), P9_TCREATE, "p");
    st = u9_host_stat(g, "p");
    CHECK_EQ(st.st_mode, S_IFIFO | 0640);
    u9_refused(&u, u9_ask(&u, P9_TOPEN, "db", 6u, 0), ENXIO);
    u9_walk(&u, 0, 7, "");
    u9_want_qid(&u, u9_ask_create(&u, 7, "so", P9_DMSOCKET | 0600, 0, ""), P9_TCREATE, "so");
    CHECK_EQ(u9_host_stat(g, "so").st_mode, S_IFSOCK | 0600);
    /* sticky arrives; setuid and setgid are not given to a squashed file */
    u9_walk(&u, 0, 8, "");
    u9_want_qid(&u,
                u9_ask_create(&u, 8, "st",
                              P9_DMDIR | P9_DMSETVTX | P9_DMSETGID | P9_DMSETUID | 0777, 0, ""),
                P9_TCREATE, "st");
    CHECK_EQ(u9_host_stat(g, "st").st_mode, S_IFDIR | 01777);
    rig_end(g);
}

/* 9P2000 knows no more than files and directories, and no text behind the mode. */
static void create_without_extensions(void)
{
    static const uint32_t perms[] = {P9_DMSYMLINK, P9_DMLINK,   P9_DMDEVICE, P9_DMNAMEDPIPE,
                                     P9_DMSOCKET,  P9_DMSETUID, P9_DMSETGID, P9_DMSETVTX};
    struct rig *g = rig_new(NULL);
    struct u9 u;

    u9_mount(&u, g, P9_DIALECT_LEGACY);
    u9_walk(&u, 0, 1, "");
    for (size_t i = 0; i < sizeof(perms) / sizeof(perms[0]); i++) {
        tap_note("perm 0x%x", perms[i]);
        u9_refused(&u, u9_ask_create(&u, 1, "n", perms[i] | 0644, P9_OREAD, ""), EINVAL);
    }
    u9_refused(&u, u9_ask(&u, P9_TCREATE, "dsdbs", 1u, "n", 0644u, 0, ""), EINVAL);
    u9_refused(&u, u9_ask(&u, P9_TCREATE, "dsdbs", 1u, "n", P9_DMSYMLINK | 0777u, 0, "x"), EINVAL);
    CHECK(!u9_host_has(g, "n"));
    u9_want_qid(&u, u9_ask_create(&u, 1, "n", 0644, P9_OREAD, ""), P9_TCREATE, "n");
    rig_end(g);
}

/* 9P2000.u: as given, the client has a umask. 9P2000: never more than the directory has. */
static void create_permissions_in(struct rig *g, struct u9 *u)
{
    static const struct {
        uint32_t dir, perm, legacy;
    } t[] = {
        {0777, 0644, 0644},
        {0755, 0666, 0644},
        {0700, 0666, 0600},
        {0500, 0777, 0511}, /* x of a file is not taken away */
        {0750, P9_DMDIR | 0777, P9_DMDIR | 0750},
        {0700, P9_DMDIR | 0755, P9_DMDIR | 0700},
    };
    char dir[8];

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        uint32_t want = u->dialect == U ? t[i].perm : t[i].legacy;
        char path[16];

        snprintf(dir, sizeof(dir), "d%zu", i);
        snprintf(path, sizeof(path), "%s/n", dir);
        MUST(mkdirat(g->root_fd, dir, 0700));
        MUST(fchmodat(g->root_fd, dir, t[i].dir, 0));
        u9_walk(u, 0, 1, dir);
        u9_want_qid(u, u9_ask_create(u, 1, "n", t[i].perm, 0, ""), P9_TCREATE, path);
        CHECK_EQ(u9_host_stat(g, path).st_mode & 07777, want & 07777);
        u9_clunk(u, 1);
    }
}

static void create_permissions(void)
{
    u9_in_both(create_permissions_in);
}

static const struct tap_case cases[] = {
    {"rules", create_rules, 0, 0},
    {"extensions", create_extensions, 0, 0},
    {"without_extensions", create_without_extensions, 0, 0},
    {"permissions", create_permissions, 0, 0},
};
TAP_SUITE(ucreate, cases);
