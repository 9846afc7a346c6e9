/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bpf.h - what a compiled filter answers, found by interpreting it: over all arguments of a system
 * call, or for given ones.
 */
#ifndef XEN9P_TESTS_BPF_H
#define XEN9P_TESTS_BPF_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Of calls made by programs like this one. */
#if defined(__x86_64__)
#define NATIVE_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_AUDIT_ARCH AUDIT_ARCH_AARCH64
#else
#error "no test knows this machine's system calls"
#endif

struct program {
    struct sock_filter *insn;
    size_t len;
};

/* Answers of a filter for one number, over all arguments; bits. */
#define CAN_ALLOW 1u
#define CAN_KILL 2u
#define CAN_OTHER 4u

static inline unsigned int bpf_answer(uint32_t ret)
{
    if (ret == SECCOMP_RET_ALLOW)
        return CAN_ALLOW;
    return ret == SECCOMP_RET_KILL_PROCESS ? CAN_KILL : CAN_OTHER;
}

/*
 * Runs a program from `pc` with accumulator `a`. With `data` fully known (`args`) there is one
 * answer; without, both branches of every test of an argument are taken.
 */
static inline unsigned int bpf_run(const struct program *p, size_t pc,
                                   const struct seccomp_data *data, bool args, uint32_t a,
                                   bool known)
{
    for (;;) {
        const struct sock_filter *i = &p->insn[pc++];
        bool yes;

        assert_true(pc <= p->len);
        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(i->k % 4 == 0 && i->k < sizeof(*data));
            memcpy(&a, (const char *)data + i->k, 4);
            known = args || i->k < offsetof(struct seccomp_data, args);
            continue;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            continue;
        case BPF_RET | BPF_K:
            return bpf_answer(i->k);
        case BPF_JMP | BPF_JA:
            pc += i->k;
            continue;
        case BPF_JMP | BPF_JEQ | BPF_K:
            yes = a == i->k;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            yes = a > i->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            yes = a >= i->k;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            yes = (a & i->k) != 0;
            break;
        default:
            fail_msg("instruction 0x%x", i->code);
            return 0;
        }
        if (!known)
            return bpf_run(p, pc + i->jt, data, args, a, false) |
                   bpf_run(p, pc + i->jf, data, args, a, false);
        pc += yes ? i->jt : i->jf;
    }
}

/* Of number `nr`, whatever its arguments are. */
static inline unsigned int answers(const struct program *p, uint32_t arch, int nr)
{
    const struct seccomp_data data = {.nr = nr, .arch = arch};

    return bpf_run(p, 0, &data, false, 0, true);
}

/* Of a call with these arguments. */
static inline unsigned int answer_to(const struct program *p, const struct seccomp_data *data)
{
    return bpf_run(p, 0, data, true, 0, true);
}

/* What filter_compile() has returned; the descriptor is closed. */
static inline struct program program_of(int fd)
{
    struct program p;
    struct stat st;

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    assert_int_equal(st.st_size % (off_t)sizeof(struct sock_filter), 0);
    p.len = (size_t)st.st_size / sizeof(struct sock_filter);
    p.insn = malloc((size_t)st.st_size);
    assert_true(p.insn != NULL && pread(fd, p.insn, (size_t)st.st_size, 0) == st.st_size);
    close(fd);
    return p;
}

#endif
