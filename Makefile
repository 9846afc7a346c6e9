# SPDX-License-Identifier: GPL-2.0-or-later
# xen9p: everything is built from here, by GNU make, into build/ (BUILD=).
#
#   make                build xen9pd and xen9p-worker
#   make check          everything CI runs; ends with "N passed, N failed, N skipped"
#   make demo           real Xen under QEMU, two guests, two jailed workers
#   make install DESTDIR= PREFIX=/usr [LIBXL_BIN=DIR]
#   make help           the other targets
#
# Variants: CC=clang, SAN=asan (with UBSan), SAN=tsan, SAN=fuzz (asan + coverage feedback for
# libFuzzer), COV=1, WERROR=1 (also with CI=true). A variant lives in a folder of its own below
# $(BUILD), so that they do not disturb each other.
#
# Tests: how to hook in
#   tests/unit/test_*.c   each one a cmocka program, linked with the three archives below. A test
#                         may #include "../../worker/x.c" to reach its static functions: an
#                         archive's member is not pulled in when nothing is missing.
#   tests/host/rules.mk, tests/fuzz/rules.mk, tests/xen/rules.mk, tests/bench/rules.mk are included
#   and may use $(BUILD) $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LIBS) $(COMMON_LIB)
#   $(SUPERVISOR_LIB) $(WORKER_LIB) $(SAN). Programs go to $(BUILD)/tests/.... They add to
#     HOST_TESTS     programs and scripts of check-host. The same list is built and run again with
#                    SAN=asan and SAN=tsan: whatever makes no sense there is added only
#                    ifeq ($(SAN),).
#     HOST_TESTS_NEED  what must be built before they run and is no test itself
#     FUZZ_SMOKE     programs and scripts with a short run of the fuzzers; built with SAN=fuzz
#     FUZZ_PROGRAMS  the fuzzers themselves (SAN=fuzz), linked with $(FUZZ_LDFLAGS)
#     LONG_PARTS     names of the parts of check-long; LONG_NAME holds the command lines of each
#     BENCHES        run by bench
#   A test says how it went with cmocka or TAP lines ("ok NAME", "not ok NAME", "ok NAME # skip
#   WHY") or just its exit status (77: skipped). tests/run-tests sums up. A test runs in the top
#   folder, finds $(BUILD) in the environment, and also runs when called by hand.

PREFIX ?= /usr
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec/xen9p
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
DOCDIR ?= $(PREFIX)/share/doc/xen9p
DESTDIR ?=
LIBXL_BIN ?=
BUILD ?= build

# Debian packages: to build, to check. Those of the Xen lab stand in tests/xen/lab/packages.txt.
DEPS := make gcc libc6-dev pkg-config libxen-dev libseccomp-dev libcap-ng-dev libconfuse-dev \
	libjansson-dev libmd-dev \
	clang clang-format clang-tidy libclang-rt-dev llvm libcmocka-dev shellcheck mandoc gcovr \
	systemd git
# For check-cross alone, which fetches arm64 libraries itself.
CROSS_DEPS := gcc-aarch64-linux-gnu qemu-user-static
DEPS += $(shell sed '/^\#/d' tests/xen/lab/packages.txt 2>/dev/null)

# --- variant ------------------------------------------------------------------------------------
SAN ?=
COV ?=
ifneq ($(filter-out asan tsan fuzz,$(SAN)),)
$(error SAN is asan, tsan or fuzz, not "$(SAN)")
endif
ifneq ($(SAN)$(COV),)
ifneq ($(filter install,$(MAKECMDGOALS)),)
$(error SAN and COV make test builds, which are never installed)
endif
endif
ifneq ($(SAN),)
ifeq ($(origin CC),default)
CC := clang
endif
endif

TOP_BUILD := $(BUILD)
override BUILD := $(BUILD)$(if $(SAN),/$(SAN))$(if $(COV),/cov)

SAN_FLAGS_asan := -fsanitize=address,undefined
SAN_FLAGS_tsan := -fsanitize=thread
SAN_FLAGS_fuzz := -fsanitize=address,undefined,fuzzer-no-link
SAN_FLAGS := $(if $(SAN),$(SAN_FLAGS_$(SAN)) -fno-sanitize-recover=all -fno-omit-frame-pointer)
FUZZ_LDFLAGS := -fsanitize=address,undefined,fuzzer

# --- flags --------------------------------------------------------------------------------------
# Flags that not every compiler and machine has.
takes = $(shell echo 'int main(void) { return 0; }' | \
	$(CC) -Werror $(1) -x c -c -o /dev/null - 2>/dev/null && echo '$(1)')
fortify_3 = $(shell printf '%s\n' '\#include <features.h>' '\#if __USE_FORTIFY_LEVEL < 3' \
	'\#error no' '\#endif' | $(CC) -Werror -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -E -x c - \
	>/dev/null 2>&1 && echo 3)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
WERROR ?= $(if $(filter true,$(CI)),1)
ifneq ($(filter-out 0,$(WERROR)),)
WARNINGS += -Werror
endif

ifneq ($(SAN),)
HARDENING := -fPIE
else
HARDENING := -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE \
	-D_FORTIFY_SOURCE=$(or $(fortify_3),2) \
	$(call takes,-fstack-clash-protection) $(call takes,-fcf-protection)
endif

OPTIMIZE ?= -O2
override CPPFLAGS += -Iinclude -D_GNU_SOURCE \
	-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ \
	-DXEN9P_WORKER_PATH='"$(LIBEXECDIR)/xen9p-worker"' \
	-DXEN9P_AUDIT_PATH='"$(LIBEXECDIR)/xen9p-audit"' $(if $(SAN),-DXEN9P_SANITIZER_BUILD)
override CFLAGS := -std=gnu11 $(OPTIMIZE) -g $(WARNINGS) $(HARDENING) $(SAN_FLAGS) \
	$(if $(COV),--coverage -fprofile-update=atomic) $(CFLAGS) -pthread
override LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed $(SAN_FLAGS) \
	$(if $(COV),--coverage) $(LDFLAGS) -pthread

SUPERVISOR_LIBS := -lxenstore -lxenevtchn -lxengnttab -lseccomp -lcap-ng -lconfuse -lmd
CTL_LIBS := -lseccomp -lconfuse -ljansson -lmd
WORKER_LIBS := -lcap-ng
AUDIT_LIBS := -lseccomp
LIBS := $(SUPERVISOR_LIBS) $(WORKER_LIBS)

# --- what there is ------------------------------------------------------------------------------
COMMON_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard common/*.c))
SUPERVISOR_OBJS := $(patsubst %.c,$(BUILD)/%.o,\
	$(filter-out supervisor/main.c supervisor/xen9pctl.c,$(wildcard supervisor/*.c)))
WORKER_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out worker/main.c,$(wildcard worker/*.c)))
AUDIT_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard supervisor/audit/*.c))

COMMON_LIB := $(BUILD)/libcommon.a
SUPERVISOR_LIB := $(BUILD)/libsupervisor.a
WORKER_LIB := $(BUILD)/libworker.a

PROGRAMS := $(if $(wildcard supervisor/main.c),$(BUILD)/xen9pd) \
	$(if $(wildcard supervisor/xen9pctl.c),$(BUILD)/xen9pctl) \
	$(if $(wildcard worker/main.c),$(BUILD)/xen9p-worker) $(BUILD)/xen9p-audit

UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
LINT_TESTS := $(wildcard tests/lint/*.sh)
HOST_TESTS :=
HOST_TESTS_NEED :=
FUZZ_SMOKE :=
FUZZ_PROGRAMS :=
LONG_XEN := $(basename $(notdir $(shell grep -l '^. class: long$$' tests/xen/t/*.sh)))
LONG_PARTS := $(LONG_XEN:%=xen-%)
$(foreach t,$(LONG_XEN),$(eval LONG_xen-$t = --live 'tests/xen/run $t'))
BENCHES :=

all: $(PROGRAMS) $(COMMON_LIB) $(SUPERVISOR_LIB) $(WORKER_LIB)

-include tests/coverage/rules.mk
-include tests/host/rules.mk
-include tests/audit/rules.mk
-include tests/fuzz/rules.mk
-include tests/xen/rules.mk
-include tests/bench/rules.mk

# --- building -----------------------------------------------------------------------------------
FORCE:

# A file that changes only when what it says changes: flags, lists of members.
define remember
@mkdir -p $(@D)
@printf '%s\n' $(1) | cmp -s - $@ || printf '%s\n' $(1) >$@
endef
quote = '$(subst ','\'',$(1))'

$(BUILD)/flags: FORCE
	$(call remember,$(call quote,$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)))

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(COMMON_LIB): MEMBERS = $(COMMON_OBJS)
$(SUPERVISOR_LIB): MEMBERS = $(SUPERVISOR_OBJS)
$(WORKER_LIB): MEMBERS = $(WORKER_OBJS)
$(BUILD)/libcommon.list: MEMBERS = $(COMMON_OBJS)
$(BUILD)/libsupervisor.list: MEMBERS = $(SUPERVISOR_OBJS)
$(BUILD)/libworker.list: MEMBERS = $(WORKER_OBJS)
$(COMMON_LIB): $(COMMON_OBJS)
$(SUPERVISOR_LIB): $(SUPERVISOR_OBJS)
$(WORKER_LIB): $(WORKER_OBJS)

$(BUILD)/lib%.list: FORCE
	$(call remember,$(call quote,$(MEMBERS)))

# Whole and at once, so that no member of a deleted source stays behind.
$(BUILD)/lib%.a: $(BUILD)/lib%.list
	@rm -f $@.new
	$(AR) rcs $@.new $(MEMBERS)
	@mv $@.new $@

$(BUILD)/xen9pd: $(BUILD)/supervisor/main.o $(SUPERVISOR_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(SUPERVISOR_LIBS)

$(BUILD)/xen9pctl: $(BUILD)/supervisor/xen9pctl.o $(SUPERVISOR_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CTL_LIBS)

# With COV=1 its counts need a way out of the jail: tests/coverage/counts.c.
$(BUILD)/xen9p-worker: $(BUILD)/worker/main.o $(WORKER_LIB) $(COMMON_LIB) \
		$(if $(COV),$(BUILD)/tests/coverage/counts.o)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(WORKER_LIBS)

$(BUILD)/xen9p-audit: $(AUDIT_OBJS) $(SUPERVISOR_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(AUDIT_LIBS)

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(SUPERVISOR_LIB) $(WORKER_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< $(SUPERVISOR_LIB) $(WORKER_LIB) $(COMMON_LIB) \
		$(LIBS) -ljansson -lcmocka

.SECONDARY: $(UNIT_TESTS:%=%.o)
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# --- tests --------------------------------------------------------------------------------------
RUN := BUILD=$(BUILD) tests/run-tests
JOBS := $(shell nproc)
# This file again for another variant, with the variables of the command line.
VARIANT = +$(MAKE) --no-print-directory BUILD=$(TOP_BUILD)
LIST = $(shell $(MAKE) -s --no-print-directory BUILD=$(TOP_BUILD) SAN=$(1) print-$(2))

test-programs: all $(UNIT_TESTS) $(filter $(BUILD)/%,$(HOST_TESTS)) $(HOST_TESTS_NEED)
fuzz-programs: $(FUZZ_PROGRAMS) $(filter $(BUILD)/%,$(FUZZ_SMOKE))
print-check-host:
	@echo $(filter $(BUILD)/%,$(UNIT_TESTS) $(HOST_TESTS))
print-fuzz-smoke:
	@echo $(FUZZ_SMOKE)
print-fuzz-programs:
	@echo $(FUZZ_PROGRAMS)

check-variants: test-programs
	$(VARIANT) SAN=asan test-programs
	$(VARIANT) SAN=tsan test-programs
	$(VARIANT) SAN=fuzz fuzz-programs

CHECK_UNIT = $(UNIT_TESTS)
CHECK_HOST = $(HOST_TESTS) $(call LIST,asan,check-host) $(call LIST,tsan,check-host) \
	$(call LIST,fuzz,fuzz-smoke)
CHECK_XEN = $(if $(wildcard tests/xen/run),--live --limit 1500 tests/xen/run)

check-unit: $(UNIT_TESTS)
	@$(RUN) $(CHECK_UNIT)

check-host: check-variants
	@$(RUN) $(CHECK_HOST)

check-xen: all
	@$(RUN) $(CHECK_XEN)

# The tests that need no jail as programs of arm64, where open flags, system calls and the sign of
# char are others; under an emulator, which has neither all system calls nor the speed.
CROSS_CHECK = $(MAKE) --no-print-directory BUILD=$(TOP_BUILD)/cross SAN= COV= WERROR=1 \
	CC="aarch64-linux-gnu-gcc --sysroot=$$root" AR=aarch64-linux-gnu-ar
CROSS_TESTS = $(UNIT_TESTS) --limit 1800 $(BUILD)/tests/host/host-engine
check-cross:
	+@$(MAKE) --no-print-directory -s need-deps DEPS='$(CROSS_DEPS)'
	+@root=$$(tests/cross/sysroot) && $(CROSS_CHECK) -s -j$(JOBS) cross-programs && \
	TEST_EMULATOR="qemu-aarch64-static -L $$root" $(CROSS_CHECK) cross-now

cross-programs: $(PROGRAMS) $(filter $(BUILD)/%,$(CROSS_TESTS))
cross-now:
	@$(RUN) $(CROSS_TESTS)

lint:
	@$(RUN) $(LINT_TESTS)

# Everything in one run, so that there is one sum. The programs are built with all processors.
check: need-deps
	+@$(MAKE) --no-print-directory -j$(JOBS) check-variants
	+@$(MAKE) --no-print-directory check-now

check-now:
	@$(RUN) $(LINT_TESTS) $(CHECK_UNIT) $(CHECK_HOST) $(CHECK_XEN)

# What takes longer, in parts of less than half an hour each: make check-long LONG_PART=NAME for one.
LONG_PART ?= $(LONG_PARTS)
check-long: need-deps
	+@$(MAKE) --no-print-directory -j$(JOBS) check-variants
	@$(RUN) --limit 1800 $(foreach p,$(LONG_PART),$(or $(LONG_$(p)),$(error no part "$(p)"; there are: $(LONG_PARTS))))

demo: need-deps
	+@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@tests/xen/demo

bench: all
	+@$(MAKE) --no-print-directory $(BENCHES)
	@for b in $(BENCHES); do BUILD=$(BUILD) $$b || exit 1; done

# Each fuzzer for FUZZ_SECONDS; what it finds stays in build/fuzz/NAME.
FUZZ_SECONDS ?= 300
fuzz:
	$(VARIANT) SAN=fuzz fuzz-programs
	@for f in $(call LIST,fuzz,fuzz-programs); do \
		d=$(TOP_BUILD)/fuzz/$${f##*/}; mkdir -p $$d/corpus; \
		echo "== $${f##*/}"; \
		seed=tests/fuzz/corpus/$${f##*/}; [ -d "$$seed" ] || seed=; \
		$$f -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$d/ -print_final_stats=1 \
			$$d/corpus $$seed || exit 1; \
	done

# Line coverage of worker/ and common/ by unit and host tests, the worker in its jail; lists the
# lines that nothing ran and fails below COVERAGE_LEAST percent, and for lines without a reason in
# tests/coverage/uncovered.
COVERAGE_LEAST ?= 90
coverage:
	$(VARIANT) COV=1 test-programs
	@BUILD=$(TOP_BUILD)/cov COVERAGE_LEAST=$(COVERAGE_LEAST) tests/coverage/run \
		$$($(MAKE) -s --no-print-directory COV=1 print-check-host)

SOURCES = $(wildcard common/*.[ch] include/xen9p/*.h supervisor/*.[ch] supervisor/*/*.[ch] \
	worker/*.[ch] \
	tests/*/*.[ch] tests/*/*/*.[ch])
format:
	clang-format -i $(SOURCES)
print-sources:
	@echo $(SOURCES)

# --- installing ---------------------------------------------------------------------------------
install: all
	@DESTDIR='$(DESTDIR)' BUILD='$(BUILD)' SBINDIR='$(SBINDIR)' LIBEXECDIR='$(LIBEXECDIR)' \
	MANDIR='$(MANDIR)' UNITDIR='$(UNITDIR)' TMPFILESDIR='$(TMPFILESDIR)' \
	SYSUSERSDIR='$(SYSUSERSDIR)' DOCDIR='$(DOCDIR)' LIBXL_BIN='$(LIBXL_BIN)' systemd/install.sh

# --- packages -----------------------------------------------------------------------------------
MISSING = $(shell for p in $(DEPS); do \
	dpkg-query -W -f='$${Status}\n' $$p 2>/dev/null | grep -q ' installed$$' || echo $$p; done)

deps:
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(DEPS)

# Installs what is missing when it may, names it otherwise.
need-deps:
	@missing='$(strip $(MISSING))'; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing: $$missing"; \
		$(MAKE) --no-print-directory deps; \
	else \
		echo "Missing packages (Debian's names): $$missing" >&2; \
		echo "Install them, or run 'make deps' as root." >&2; \
		exit 1; \
	fi

clean:
	rm -rf $(TOP_BUILD)

help:
	@echo 'all check check-unit check-host check-xen check-cross check-long lint format demo bench fuzz'
	@echo 'coverage install clean deps bench-scale bench-xen'
	@echo 'Variants: CC=clang SAN=asan|tsan COV=1 WERROR=1; see the head of Makefile'

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all check check-unit check-host check-xen check-cross check-long check-now check-variants lint \
	format cross-programs cross-now demo bench fuzz coverage install clean deps need-deps help FORCE test-programs fuzz-programs \
	print-check-host print-fuzz-smoke print-fuzz-programs print-sources
