# SPDX-License-Identifier: GPL-2.0-or-later
# Launch and lockdown of the shipped worker; nothing to run under a sanitizer.

LOCKDOWN_TEST_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/host/lockdown/*.c) \
	tests/host/tap.c)

ifeq ($(SAN),)
HOST_TESTS += $(BUILD)/tests/host/lockdown/lockdown-test
HOST_TESTS_NEED += $(BUILD)/xen9p-worker
endif

$(BUILD)/tests/host/lockdown/lockdown-test: $(LOCKDOWN_TEST_OBJS) $(SUPERVISOR_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
