/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_golden.c - the filters of the policies that are shipped, each system call number tried.
 *
 * For each file of policy/ there is one of tests/unit/golden: every call that its worker may make,
 * with the reason and with what its arguments have to be. It is compared with the filter's table;
 * the compiled program is asked about every number; and the kernel is asked, by a process that has
 * loaded the filter and makes the call. GOLDEN_UPDATE=1 writes the files anew: to be read before
 * they are committed.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "bpf.h"
#include "emulated.h"
#include "policy_harness.h"
#include "xen9p/terms.h"

#include "../../supervisor/filter.c"
#include "../../supervisor/policy_internal.h"

#define POLICIES "policy"
#define GOLDEN "tests/unit/golden"
#define LAST_NR 1200       /* far behind the last system call there is */
#define LAST_IN_KERNEL 480 /* numbers that the kernel is asked about, too */

/* --- policies ------------------------------------------------------------------------------------ */

/* The filter of the first domain that a shipped file is for, or of everybody. */
static struct filter_spec spec_of(const char *name)
{
    static const struct backend_nodes nodes = {.path = "/srv/x"};
    struct policy_report report = {0};
    const struct policy_section *domain = NULL;
    char path[512];
    const char *const files[] = {path};
    struct policy_set *set;
    struct policy *p;
    struct terms t;

    snprintf(path, sizeof(path), "%s/%s.conf", POLICIES, name);
    set = policy_load_files(files, 1, &report);
    print_report(&report);
    policy_report_clear(&report);
    assert_non_null(set);
    for (size_t i = 0; i < set->num_sections && domain == NULL; i++)
        if (set->section[i]->kind == POLICY_DOMAIN)
            domain = set->section[i];
    p = policy_of_section(set, domain);
    assert_non_null(p);
    terms_of(p, &nodes, &t);
    policy_free(p);
    policy_set_unref(set);
    return (struct filter_spec){CTL_NOTIFY_EVTCHN, t.read_only, t.worker.forbidden,
                                t.worker.identity, (t.worker.flags & CTL_FLAG_DEVICE_NODES) != 0};
}

static int is_policy(const struct dirent *e)
{
    size_t len = strlen(e->d_name);

    return len > 5 && strcmp(e->d_name + len - 5, ".conf") == 0;
}

/* Calls `test` with each shipped policy's name. */
static void each_policy(void (*test)(const char *name, const struct filter_spec *spec,
                                     const struct program *p))
{
    struct dirent **names = NULL;
    int n = scandir(POLICIES, &names, is_policy, alphasort);

    assert_true(n >= 6);
    for (int i = 0; i < n; i++) {
        struct filter_spec spec;
        struct program p;

        names[i]->d_name[strlen(names[i]->d_name) - 5] = '\0';
        spec = spec_of(names[i]->d_name);
        p = program_of(filter_compile(&spec));
        test(names[i]->d_name, &spec, &p);
        free(p.insn);
        free(names[i]);
    }
    free(names);
}

/* --- the table as text --------------------------------------------------------------------------- */

static void print_pin(const struct scmp_arg_cmp *c, FILE *out)
{
    static const char *const signs[] = {
        [SCMP_CMP_NE] = "!=", [SCMP_CMP_LT] = "<",  [SCMP_CMP_LE] = "<=",
        [SCMP_CMP_EQ] = "==", [SCMP_CMP_GE] = ">=", [SCMP_CMP_GT] = ">",
    };

    if (c->op == SCMP_CMP_MASKED_EQ)
        fprintf(out, "arg%u & ~0x%llx == 0x%llx", c->arg, (unsigned long long)~c->datum_a,
                (unsigned long long)c->datum_b);
    else
        fprintf(out, "arg%u %s 0x%llx", c->arg, signs[c->op], (unsigned long long)c->datum_a);
}

static void print_rule(const struct filter_rule *r, FILE *out)
{
    fputs(r->num_pins == 0 ? "    any arguments" : "    ", out);
    for (unsigned int i = 0; i < r->num_pins; i++) {
        fputs(i != 0 ? ", " : "", out);
        print_pin(&r->pin[i], out);
    }
    fputc('\n', out);
}

/* How often `nr` is in the filter. */
static unsigned int print_call(int nr, const struct filter_spec *spec, FILE *out)
{
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);
    unsigned int n = 0;

    for (size_t i = 0; i < filter_table_len; i++) {
        const struct filter_rule *r = &filter_table[i];

        if (r->nr != nr || !in_filter(r, spec))
            continue;
        if (n++ == 0 && filter_reason(nr) == NULL)
            fail_msg("%s has no reason in supervisor/filter_reason.c", name);
        if (n == 1)
            fprintf(out, "%s: %s\n", name, filter_reason(nr));
        print_rule(r, out);
    }
    free(name);
    return n;
}

/* The whole golden file. The caller frees it. */
static char *text_of(const char *name, const struct filter_spec *spec)
{
    char *text = NULL;
    unsigned int calls = 0;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    fprintf(out,
            "# System calls of a worker under policy/%s.conf, on x86-64. Any other, and any of\n",
            name);
    fputs("# these with other arguments, kills it.\n", out);
    for (int nr = 0; nr <= LAST_NR; nr++)
        calls += print_call(nr, spec, out) != 0;
    fprintf(out, "# %u calls\n", calls);
    fclose(out);
    return text;
}

/* --- tests --------------------------------------------------------------------------------------- */

static void compare(const char *name, const struct filter_spec *spec, const struct program *p)
{
    char path[512], *have = text_of(name, spec), *want;
    size_t len;

    (void)p;
    snprintf(path, sizeof(path), "%s/%s.txt", GOLDEN, name);
    if (getenv("GOLDEN_UPDATE") != NULL) {
        FILE *f = fopen(path, "w");

        assert_non_null(f);
        fputs(have, f);
        assert_int_equal(fclose(f), 0);
    }
    if (access(path, R_OK) != 0)
        fail_msg("%s is missing; write it with GOLDEN_UPDATE=1 and read it", path);
    want = slurp(path, &len);
    if (strcmp(have, want) != 0)
        fail_msg("the filter of policy/%s.conf is not what %s says; if that is wanted, write it "
                 "anew with GOLDEN_UPDATE=1 and read what has changed",
                 name, path);
    free(want);
    free(have);
}

static void golden_files(void **state)
{
    (void)state;
#ifdef __x86_64__
    each_policy(compare);
#else
    (void)compare;
    SKIP_BECAUSE("the golden files have the calls and flags of x86-64");
#endif
}

/* What the table says about a number: none of its rules is in the filter, or all arguments do. */
static unsigned int by_table(int nr, const struct filter_spec *spec)
{
    unsigned int may = CAN_KILL;

    for (size_t i = 0; i < filter_table_len; i++)
        if (filter_table[i].nr == nr && in_filter(&filter_table[i], spec))
            may = (filter_table[i].num_pins == 0 ? may & ~CAN_KILL : may) | CAN_ALLOW;
    return may;
}

static void ask_program(const char *name, const struct filter_spec *spec, const struct program *p)
{
    for (int nr = -1; nr <= LAST_NR; nr++)
        if (answers(p, NATIVE_AUDIT_ARCH, nr) != by_table(nr, spec))
            fail_msg("policy/%s.conf: number %d: answers %u, %u in the table", name, nr,
                     answers(p, NATIVE_AUDIT_ARCH, nr), by_table(nr, spec));
}

static void every_number_of_the_program(void **state)
{
    (void)state;
    each_policy(ask_program);
}

#ifndef XEN9P_SANITIZER_BUILD
/* Makes one call under the filter; does not come back. No descriptor is open: nothing happens. */
static _Noreturn void make_call(const struct program *p, const struct seccomp_data *d)
{
    const struct rlimit none = {0, 0};
    const struct sock_fprog prog = {.len = (unsigned short)p->len, .filter = p->insn};

    for (int sig = 1; sig < NSIG; sig++) /* cmocka's handlers would make calls of their own */
        (void)signal(sig, SIG_DFL);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)syscall(SYS_close_range, 0u, ~0u, 0u);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) != 0)
        _exit(99);
    (void)syscall(d->nr, d->args[0], d->args[1], d->args[2], d->args[3], d->args[4], d->args[5]);
    for (;;)
        (void)syscall(SYS_exit_group, 0);
}

/* Processes that make a call at this moment: more than one, or the test takes minutes. */
static struct asked {
    pid_t pid;
    int nr;
    unsigned int want;
} asked[32];
static size_t num_asked;

static void hear_kernel(const char *name)
{
    for (size_t i = 0; i < num_asked; i++) {
        const struct asked *a = &asked[i];
        unsigned int got;
        int status = 0;

        assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
        assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 99);
        got = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? CAN_KILL : CAN_ALLOW;
        if (got != a->want)
            fail_msg("policy/%s.conf: number %d: the kernel says %u, the program %u", name, a->nr,
                     got, a->want);
    }
    num_asked = 0;
}

static void ask_both(const char *name, const struct program *p, const struct seccomp_data *d)
{
    pid_t pid = fork();

    if (pid == 0)
        make_call(p, d);
    assert_true(pid > 0);
    asked[num_asked++] = (struct asked){pid, d->nr, answer_to(p, d)};
    if (num_asked == sizeof(asked) / sizeof(asked[0]))
        hear_kernel(name);
}

/* Arguments with which a rule lets its call pass. */
static struct seccomp_data fitting(const struct filter_rule *r)
{
    struct seccomp_data d = {.nr = r->nr, .arch = NATIVE_AUDIT_ARCH};

    for (unsigned int i = 0; i < r->num_pins; i++) {
        const struct scmp_arg_cmp *c = &r->pin[i];

        d.args[c->arg] = c->op == SCMP_CMP_MASKED_EQ ? c->datum_b : c->datum_a;
    }
    return d;
}

/*
 * uretprobe and uprobe: newer kernels answer these two before any filter. They belong to trampolines
 * that the kernel maps into a traced program; made from elsewhere, they fail or are SIGILL.
 */
static bool is_trampoline(int nr)
{
#ifdef __x86_64__
    return nr == 335 || nr == 336;
#else
    (void)nr;
    return false;
#endif
}

static void ask_kernel(const char *name, const struct filter_spec *spec, const struct program *p)
{
    for (int nr = 0; nr <= LAST_IN_KERNEL; nr++) {
        const struct seccomp_data zero = {.nr = nr, .arch = NATIVE_AUDIT_ARCH};
        struct seccomp_data ones = zero;

        if (is_trampoline(nr))
            continue;
        memset(ones.args, 0xff, sizeof(ones.args));
        ask_both(name, p, &zero);
        if (by_table(nr, spec) != CAN_KILL)
            ask_both(name, p, &ones);
    }
    for (size_t i = 0; i < filter_table_len; i++) {
        const struct seccomp_data d = fitting(&filter_table[i]);

        if (!in_filter(&filter_table[i], spec))
            continue;
        assert_int_equal(answer_to(p, &d), CAN_ALLOW);
        ask_both(name, p, &d);
    }
    hear_kernel(name);
}

/* The same from inside of a process that has loaded the filter. */
static void every_number_in_the_kernel(void **state)
{
    (void)state;
    if (emulated())
        SKIP_BECAUSE("the emulator loads no filters: it has no seccomp(2)");
    each_policy(ask_kernel);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_files),
        cmocka_unit_test(every_number_of_the_program),
#ifndef XEN9P_SANITIZER_BUILD
        cmocka_unit_test(every_number_in_the_kernel),
#endif
    };

    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
