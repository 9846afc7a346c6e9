# SPDX-License-Identifier: GPL-2.0-or-later
# xen9p-audit as a process, in its jail. It needs root, mounts and its own filter, which a
# sanitizer's runtime does not fit into.

AUDIT_TEST_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/audit/*.c) \
	$(patsubst %,tests/host/%.c,tap harness frontend p9c backend_jailed))

ifeq ($(SAN)$(COV),)
HOST_TESTS += $(BUILD)/tests/audit/audit
HOST_TESTS_NEED += $(BUILD)/xen9p-audit $(BUILD)/xen9pctl $(BUILD)/xen9p-worker
endif

$(BUILD)/tests/audit/audit: $(AUDIT_TEST_OBJS) $(SUPERVISOR_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -ljansson
