# SPDX-License-Identifier: GPL-2.0-or-later
# Test programs of the Xen lab, static so that they run in dom0 and in a guest alike.
#   build/tests/xen/bin/    run in dom0 (user-space frontend, ...)
#   build/tests/xen/guest/  run in guests
# Included by the top Makefile; tests/xen/run calls it alone with TOP=.

TOP ?= .
XT_SRC := $(TOP)/tests/xen
XT_OUT := $(TOP)/build/tests/xen
XT_CFLAGS := -std=gnu11 -O2 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
XT_XENLIBS := -lxengnttab -lxenevtchn -lxenstore -lxentoolcore -lxentoollog

XT_DOM0 := $(patsubst $(XT_SRC)/dom0/%.c,$(XT_OUT)/bin/%,$(wildcard $(XT_SRC)/dom0/*.c)) \
	$(XT_OUT)/bin/fe $(XT_OUT)/bin/ringecho $(XT_OUT)/bin/lock
XT_GUEST := $(patsubst $(XT_SRC)/guest/%.c,$(XT_OUT)/guest/%,$(wildcard $(XT_SRC)/guest/*.c)) \
	$(XT_OUT)/guest/ringecho

xen-test-programs: $(XT_DOM0) $(XT_GUEST)
.PHONY: xen-test-programs

$(XT_OUT)/bin/fe: $(wildcard $(XT_SRC)/fe/*.c) $(XT_SRC)/fe/fe.h $(XT_SRC)/rules.mk
	@mkdir -p $(@D)
	$(CC) $(XT_CFLAGS) -static -o $@ $(filter %.c,$^) $(XT_XENLIBS) -lpthread

# Both ends of it, for dom0 and for a guest.
$(XT_OUT)/bin/ringecho $(XT_OUT)/guest/ringecho: $(XT_SRC)/ringecho/ringecho.c $(XT_SRC)/rules.mk
	@mkdir -p $(@D)
	$(CC) $(XT_CFLAGS) -static -o $@ $< $(XT_XENLIBS) -lpthread

$(XT_OUT)/bin/%: $(XT_SRC)/dom0/%.c $(XT_SRC)/rules.mk
	@mkdir -p $(@D)
	$(CC) $(XT_CFLAGS) -static -o $@ $< -lpthread

# of guests, and of the host beside them
$(XT_OUT)/bin/lock: $(XT_OUT)/guest/lock
	cp $< $@

$(XT_OUT)/guest/%: $(XT_SRC)/guest/%.c $(XT_SRC)/rules.mk
	@mkdir -p $(@D)
	$(CC) $(XT_CFLAGS) -static -o $@ $< -lpthread
