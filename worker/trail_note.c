/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trail_note.c - what a request is about, in the words of an audit record.
 *
 * Reads a message a second time, by a table, so that handlers know nothing of this. Names are
 * those of the message, whatever they are; where a fid is says the kernel, not the guest, and it
 * is asked about the very fid that the handler got.
 */
#include "trail_note.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xen9p/descriptors.h"
#include "xen9p/operations.h"
#include "xen9p/p9.h"
#include "xen9p/worker.h"

#define OF_NO_CLASS AUDIT_CLASSES /* refusals alone are recorded */
#define QUIET 1u                  /* not even those: programs ask this all the time */
#define OPENS 2u                  /* class by what it is opened for */

/*
 * Fields, in their order:
 *   f F  fid whose place is path, to        n N  name behind path, to
 *   w    names of a walk behind path        t    text that is to
 *   v    u32 that is value                  b    u8 that is value
 *   m    u32 that is mode                   u    u32 that is uid
 *   A    name of what is attached to        4 s  u32, string to be skipped
 */
struct trail_message {
    uint8_t op; /* 0: never recorded */
    uint8_t cls;
    uint8_t flags;
    const char *layout;
};

static const struct trail_message messages[256] = {
    [P9_TVERSION] = {AUDIT_OP_VERSION, AUDIT_SESSION, 0, "v"},
    [P9_TATTACH] = {AUDIT_OP_ATTACH, AUDIT_SESSION, 0, "44sAu"},
    [P9_TLOPEN] = {AUDIT_OP_OPEN, AUDIT_READ, OPENS, "fv"},
    [P9_TOPEN] = {AUDIT_OP_OPEN, AUDIT_READ, OPENS, "fb"},
    [P9_TLCREATE] = {AUDIT_OP_CREATE, AUDIT_MUTATE, 0, "fnvm"},
    [P9_TCREATE] = {AUDIT_OP_CREATE, AUDIT_MUTATE, 0, "fnmb"},
    [P9_TMKDIR] = {AUDIT_OP_MKDIR, AUDIT_MUTATE, 0, "fnm"},
    [P9_TMKNOD] = {AUDIT_OP_MKNOD, AUDIT_MUTATE, 0, "fnm"},
    [P9_TSYMLINK] = {AUDIT_OP_SYMLINK, AUDIT_MUTATE, 0, "fnt"},
    [P9_TLINK] = {AUDIT_OP_LINK, AUDIT_MUTATE, 0, "FfN"},
    [P9_TRENAME] = {AUDIT_OP_RENAME, AUDIT_MUTATE, 0, "fFN"},
    [P9_TRENAMEAT] = {AUDIT_OP_RENAME, AUDIT_MUTATE, 0, "fnFN"},
    [P9_TUNLINKAT] = {AUDIT_OP_UNLINK, AUDIT_MUTATE, 0, "fnv"},
    [P9_TREMOVE] = {AUDIT_OP_REMOVE, AUDIT_MUTATE, 0, "f"},
    [P9_TSETATTR] = {AUDIT_OP_SETATTR, AUDIT_MUTATE, 0, "fvm"},
    [P9_TWSTAT] = {AUDIT_OP_SETATTR, AUDIT_MUTATE, 0, "f"},
    [P9_TREADLINK] = {AUDIT_OP_READLINK, AUDIT_READ, 0, "f"},
    [P9_TXATTRCREATE] = {AUDIT_OP_XATTR, AUDIT_MUTATE, 0, "ft"},
    [P9_TXATTRWALK] = {AUDIT_OP_XATTR, OF_NO_CLASS, QUIET, "f4t"},
    [P9_TLOCK] = {AUDIT_OP_LOCK, OF_NO_CLASS, 0, "f"},
    [P9_TGETLOCK] = {AUDIT_OP_LOCK, OF_NO_CLASS, QUIET, "f"},
    [P9_TSTATFS] = {AUDIT_OP_STATFS, OF_NO_CLASS, QUIET, "f"},
    [P9_TWALK] = {AUDIT_OP_WALK, OF_NO_CLASS, 0, "f4w"},
    [P9_TGETATTR] = {AUDIT_OP_GETATTR, OF_NO_CLASS, 0, "f"},
    [P9_TSTAT] = {AUDIT_OP_GETATTR, OF_NO_CLASS, 0, "f"},
    [P9_TREAD] = {AUDIT_OP_READ, OF_NO_CLASS, 0, "f"},
    [P9_TWRITE] = {AUDIT_OP_WRITE, OF_NO_CLASS, 0, "f"},
    [P9_TREADDIR] = {AUDIT_OP_READDIR, OF_NO_CLASS, 0, "f"},
    [P9_TFSYNC] = {AUDIT_OP_FSYNC, OF_NO_CLASS, 0, "f"},
};

/* --- where a file is --------------------------------------------------------------------------- */

#define DELETED " (deleted)"
#define DELETED_LEN (sizeof(DELETED) - 1)

size_t trail_root_len(void)
{
    char root[PATH_MAX];
    ssize_t n = readlinkat(WFD_PROC, fd_name(WFD_ROOT).s, root, sizeof(root));

    return n > 1 ? (size_t)n : 0;
}

/*
 * The kernel says so of a name that is gone, but a name may also be so: then the file is found
 * under it.
 */
static bool is_deleted(const char *path, size_t len, int fd)
{
    struct stat a, b;

    if (len <= DELETED_LEN || memcmp(path + len - DELETED_LEN, DELETED, DELETED_LEN) != 0)
        return false;
    return fstatat(fd, "", &a, AT_EMPTY_PATH) != 0 || a.st_nlink == 0 ||
           fstatat(WFD_ROOT, path + 1, &b, AT_SYMLINK_NOFOLLOW) != 0 || a.st_dev != b.st_dev ||
           a.st_ino != b.st_ino;
}

/* Path of `fd` in the export, with a slash in front. What cannot be told is "?", and cut. */
static size_t place_of(const struct trail *t, int fd, char out[TRAIL_PATH_MAX], uint16_t *flags,
                       uint16_t cut)
{
    char path[PATH_MAX + 1];
    ssize_t n = readlinkat(WFD_PROC, fd_name(fd).s, path, PATH_MAX);
    const char *p = path;
    size_t len = n > 0 && n < PATH_MAX ? (size_t)n : 0;

    if (len == 0 || len < t->root_len) {
        *flags |= cut;
        out[0] = '?';
        return 1;
    }
    path[len] = '\0';
    p += t->root_len;
    len -= t->root_len;
    if (is_deleted(p, len, fd)) {
        len -= DELETED_LEN;
        *flags |= AUDIT_FLAG_DELETED;
    }
    if (len == 0) { /* the root, where it is not "/" */
        out[0] = '/';
        return 1;
    }
    memcpy(out, p, len);
    return len;
}

/* --- the message ------------------------------------------------------------------------------- */

static void has_fid(struct trail_note *n, int i, uint32_t num)
{
    n->has[i] = true;
    n->num[i] = num;
}

/* Reads what the message says, but for names, which stand behind a place that is not known yet. */
static void parse(struct trail_note *n, struct cursor c)
{
    for (const char *f = n->msg->layout; *f != '\0'; f++) {
        switch (*f) {
        case 'f':
        case 'F':
            has_fid(n, *f == 'F', cursor_u32(&c));
            break;
        case 'v':
            n->rec.value = cursor_u32(&c);
            break;
        case 'b':
            n->rec.value = cursor_u8(&c);
            break;
        case 'm':
            n->rec.mode = cursor_u32(&c);
            break;
        case 'u':
            n->rec.uid = cursor_u32(&c);
            if (c.bad) /* the oldest dialect has none */
                n->rec.uid = P9_NONUNAME;
            break;
        case '4':
            (void)cursor_u32(&c);
            break;
        case 'A': /* what is attached to: a name, or the root */
            n->rec.path = cursor_str(&c);
            break;
        case 't':
            n->rec.to = cursor_str(&c);
            break;
        case 'w':
            c.p = c.end;
            break;
        default:
            (void)cursor_str(&c);
            break;
        }
    }
}

static void add_name(struct trail_note *n, int i, struct wire_str name)
{
    char *path = n->path[i];
    size_t len = n->len[i], room = TRAIL_PATH_MAX - len, want = name.len;

    if (len == 0 || path[len - 1] != '/') {
        if (room > 0) {
            path[len++] = '/';
            room--;
        }
    }
    if (want > room) {
        want = room;
        n->rec.flags |= i == 0 ? AUDIT_FLAG_PATH_CUT : AUDIT_FLAG_TO_CUT;
    }
    if (want > 0)
        memcpy(path + len, name.s, want);
    n->len[i] = (uint16_t)(len + want);
}

static void add_walk(struct trail_note *n, struct cursor *c)
{
    uint16_t num = cursor_u16(c);

    for (uint16_t i = 0; i < num && !c->bad; i++)
        add_name(n, 0, cursor_str(c));
}

/* The names, behind the places. */
static void parse_names(struct trail_note *n, struct cursor c)
{
    for (const char *f = n->msg->layout; *f != '\0'; f++) {
        switch (*f) {
        case 'n':
        case 'N':
            add_name(n, *f == 'N', cursor_str(&c));
            break;
        case 'w':
            add_walk(n, &c);
            break;
        case 's':
        case 't':
        case 'A':
            (void)cursor_str(&c);
            break;
        case 'b':
            (void)cursor_u8(&c);
            break;
        default:
            (void)cursor_u32(&c);
            break;
        }
    }
}

/* --- an open file ------------------------------------------------------------------------------ */

static bool opens_for_writing(uint8_t op_type, uint64_t flags)
{
    const uint64_t trunc = op_type == P9_TOPEN ? 0x10 : P9_L_TRUNC;

    return (flags & P9_L_ACCMODE) == P9_L_WRONLY || (flags & P9_L_ACCMODE) == P9_L_RDWR ||
           (flags & trunc) != 0;
}

enum audit_class trail_class_of_fid(const struct fid *f)
{
    return opens_for_writing(P9_TLOPEN, f->open_flags) ? AUDIT_MUTATE : AUDIT_READ;
}

void trail_record_of_fid(const struct trail *t, const struct fid *f, struct trail_path *room,
                         struct audit_record *rec)
{
    *rec = (struct audit_record){.op = AUDIT_OP_CLOSE,
                                 .cls = (uint8_t)trail_class_of_fid(f),
                                 .uid = f->uid,
                                 .read = atomic_load(&f->read),
                                 .written = atomic_load(&f->written)};
    rec->path.s = room->s;
    rec->path.len = (uint16_t)place_of(t, f->path_fd, room->s, &rec->flags, AUDIT_FLAG_PATH_CUT);
}

/* --- a request --------------------------------------------------------------------------------- */

static enum audit_class class_of(const struct request *r, const struct trail_note *n)
{
    if ((n->msg->flags & OPENS) != 0 && opens_for_writing(r->type, n->rec.value))
        return AUDIT_MUTATE;
    return n->msg->cls;
}

static bool is_recorded(uint32_t classes, uint32_t cls)
{
    return cls < AUDIT_CLASSES && (classes & 1u << cls) != 0;
}

/* The body, as it was copied from the ring. */
static struct cursor body_of(const struct request *r)
{
    const uint32_t size = r->type == P9_TWRITE ? P9_TWRITE_HDR_SIZE : r->size;
    const uint32_t len = size < P9_HDR_SIZE ? 0 : size - P9_HDR_SIZE;
    struct cursor c;

    cursor_init(&c, r->body, len < sizeof(r->body) ? len : sizeof(r->body));
    return c;
}

static void note_begin(struct request *r, const struct trail_message *m)
{
    struct trail_note *n = &r->note;

    n->msg = m;
    n->rec = (struct audit_record){.op = m->op, .uid = P9_NONUNAME};
    n->has[0] = n->has[1] = false;
    n->fid[0] = n->fid[1] = NULL;
    n->len[0] = n->len[1] = 0;
    parse(n, body_of(r));
}

void trail_begin(struct request *r)
{
    const struct trail_message *m = &messages[r->type];
    struct trail_note *n = &r->note;

    n->msg = NULL;
    n->made = false;
    n->classes = atomic_load_explicit(&r->session->limits.audit, memory_order_relaxed);
    if (n->classes == 0)
        return;
    n->why = AUDIT_WHY_NONE;
    if (!r->session->worker->trail.open)
        n->classes = 0;
    if (n->classes == 0 || m->op == 0 || m->cls == OF_NO_CLASS || r->error != 0)
        return;
    note_begin(r, m);
    n->before = is_recorded(n->classes, class_of(r, n));
    /* a refusal is recorded with the place that it was about, which it has not changed */
    if (!n->before && !is_recorded(n->classes, AUDIT_DENY))
        n->msg = NULL;
}

/* 0: it has to be looked up. */
static size_t known_place(struct trail *t, uint64_t key, char out[TRAIL_PATH_MAX])
{
    size_t len = 0;

    pthread_mutex_lock(&t->lock);
    if (atomic_load(&t->dir.key) == key && t->dir.moves == atomic_load(&t->moves)) {
        len = t->dir.len;
        memcpy(out, t->dir.path, len);
    }
    pthread_mutex_unlock(&t->lock);
    return len;
}

/* `moves` as it was before it was looked up: it counts for nothing if there was one meanwhile. */
static void remember_place(struct trail *t, uint64_t key, uint64_t moves, const char *path,
                           size_t len)
{
    pthread_mutex_lock(&t->lock);
    atomic_store(&t->dir.key, key);
    t->dir.moves = moves;
    t->dir.len = (uint16_t)len;
    memcpy(t->dir.path, path, len);
    pthread_mutex_unlock(&t->lock);
}

static size_t place_of_dir(struct trail *t, struct fid *f, char out[TRAIL_PATH_MAX],
                           uint16_t *flags, uint16_t cut)
{
    const uint64_t key = fid_key(f), moves = atomic_load(&t->moves);
    const uint16_t before = *flags;
    size_t len = key != 0 ? known_place(t, key, out) : 0;

    if (len > 0)
        return len;
    len = place_of(t, f->path_fd, out, flags, cut);
    if (key != 0 && *flags == before) /* neither cut nor deleted */
        remember_place(t, key, moves, out, len);
    return len;
}

static void read_place(struct request *r, int i)
{
    struct trail *t = &r->session->worker->trail;
    struct trail_note *n = &r->note;
    struct fid *f = n->fid[i];
    const uint16_t cut = i == 0 ? AUDIT_FLAG_PATH_CUT : AUDIT_FLAG_TO_CUT;

    if (S_ISDIR(f->type))
        n->len[i] = (uint16_t)place_of_dir(t, f, n->path[i], &n->rec.flags, cut);
    else
        n->len[i] = (uint16_t)place_of(t, f->path_fd, n->path[i], &n->rec.flags, cut);
}

void trail_saw(struct request *r, struct fid *f, uint32_t num)
{
    struct trail_note *n = &r->note;

    for (int i = 0; i < 2; i++) {
        if (!n->has[i] || n->num[i] != num || n->fid[i] != NULL)
            continue;
        n->fid[i] = fid_ref(f);
        if (n->before)
            read_place(r, i);
    }
}

/* --- the outcome ------------------------------------------------------------------------------- */

/* Groups of operations that it would have needed; what handlers judge by more than the type. */
static uint32_t needed_by(const struct request *r, const struct trail_note *n)
{
    const uint64_t flags = n->rec.value;

    switch (r->type) {
    case P9_TLOPEN:
    case P9_TLCREATE:
    case P9_TOPEN:
    case P9_TCREATE:
        return (opens_for_writing(r->type, flags) ? OPERATION_WRITE : 0u) |
               ((flags & P9_L_ACCMODE) == P9_L_WRONLY ? 0u : OPERATION_READ);
    case P9_TSETATTR:
        return flags == P9_SETATTR_SIZE ? OPERATION_WRITE : OPERATION_SETATTR;
    case P9_TWSTAT:
        return OPERATION_SETATTR;
    case P9_TREMOVE:
        return OPERATION_DELETE;
    default:
        return 0;
    }
}

static enum audit_reason reason_of(const struct request *r, int err)
{
    const struct session *s = r->session;
    const struct trail_note *n = &r->note;

    if (n->why != AUDIT_WHY_NONE)
        return n->why;
    if (err == -EROFS)
        return AUDIT_WHY_READ_ONLY;
    if (operation_admits(s->operations, r->type) == err ||
        operation_refusal(s->operations, needed_by(r, n)) == err)
        return AUDIT_WHY_OPERATION;
    return err == -ENFILE || err == -EMFILE || err == -EDQUOT ? AUDIT_WHY_LIMIT : AUDIT_WHY_NONE;
}

static bool is_denial(const struct trail_note *n, int err, enum audit_reason why)
{
    if ((n->msg->flags & QUIET) != 0)
        return false;
    return err == -EACCES || err == -EPERM || err == -EROFS || why != AUDIT_WHY_NONE;
}

/* What was refused: its handler may have been called with nothing, or not at all. */
static void look_again(struct request *r)
{
    struct trail_note *n = &r->note;

    for (int i = 0; i < 2; i++) {
        if (n->fid[i] != NULL && n->before)
            continue;
        if (n->has[i] && n->fid[i] == NULL)
            n->fid[i] = fid_get(r->session->fids, n->num[i], r->generation);
        if (n->fid[i] != NULL)
            read_place(r, i);
    }
}

static void make(struct request *r, enum audit_class cls, enum audit_reason why, int err)
{
    struct trail_note *n = &r->note;
    const struct fid *f = n->fid[0] != NULL ? n->fid[0] : n->fid[1];

    n->rec.cls = (uint8_t)cls;
    n->rec.error = (uint32_t)-err;
    n->rec.reason = err != 0 ? why : AUDIT_WHY_NONE;
    if (f != NULL)
        n->rec.uid = f->uid;
    if (r->type == P9_TVERSION)
        n->rec.value = atomic_load(&r->session->msize);
    if (r->type == P9_TSETATTR && (n->rec.value & P9_SETATTR_MODE) == 0)
        n->rec.mode = 0;
    if (r->type == P9_TATTACH && n->rec.path.len == 0)
        n->rec.path = (struct wire_str){"/", 1};
    parse_names(n, body_of(r));
    if (n->len[0] > 0)
        n->rec.path = (struct wire_str){n->path[0], n->len[0]};
    if (n->len[1] > 0)
        n->rec.to = (struct wire_str){n->path[1], n->len[1]};
    n->made = true;
}

static void judge(struct request *r, int err)
{
    struct trail_note *n = &r->note;
    enum audit_reason why = err != 0 ? reason_of(r, err) : AUDIT_WHY_NONE;
    enum audit_class cls = class_of(r, n);

    if (err != 0 && is_recorded(n->classes, AUDIT_DENY) && is_denial(n, err, why))
        cls = AUDIT_DENY;
    if (!is_recorded(n->classes, cls))
        return;
    if (err != 0)
        look_again(r);
    make(r, cls, why, err);
}

/* A message of no class has nothing noted yet. */
static bool note_refused(struct request *r, int err)
{
    const struct trail_message *m = &messages[r->type];

    if (err == 0 || m->op == 0 || m->cls != OF_NO_CLASS ||
        !is_recorded(r->note.classes, AUDIT_DENY))
        return false;
    note_begin(r, m);
    r->note.before = false;
    return true;
}

/* Tunlinkat dirfid[4] name[s] flags[4] */
static bool unlinks_directory(const struct request *r)
{
    struct cursor c = body_of(r);

    (void)cursor_u32(&c);
    (void)cursor_str(&c);
    return cursor_u32(&c) != 0;
}

/* A directory may be elsewhere now, or nowhere. */
static bool moves_directories(const struct request *r)
{
    switch (r->type) {
    case P9_TRENAME:
    case P9_TRENAMEAT:
    case P9_TWSTAT:
    case P9_TREMOVE:
        return true;
    case P9_TUNLINKAT:
        return unlinks_directory(r);
    default:
        return false;
    }
}

void trail_end(struct request *r, int err)
{
    struct trail_note *n = &r->note;

    if (n->classes == 0 || r->error != 0)
        return;
    if (moves_directories(r))
        atomic_fetch_add(&r->session->worker->trail.moves, 1);
    if (n->msg == NULL && !note_refused(r, err))
        return;
    if (!r->published)
        judge(r, err);
    for (int i = 0; i < 2; i++) {
        fid_put(n->fid[i]);
        n->fid[i] = NULL;
    }
    n->msg = NULL;
}
