# SPDX-License-Identifier: GPL-2.0-or-later
# The host tests: one set of suites, two programs. host-jailed drives the shipped worker binary;
# host-engine runs the worker's engine without its jail, for sanitizers.

HOST_TEST_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/host/backend_%,\
	$(wildcard tests/host/*.c)))

ifeq ($(SAN),)
HOST_TESTS += $(BUILD)/tests/host/host-jailed
HOST_TESTS_NEED += $(BUILD)/xen9p-worker
else ifneq ($(SAN),fuzz)
HOST_TESTS += $(BUILD)/tests/host/host-engine
endif

LONG_PARTS += million
LONG_million = --limit 1800 '$(BUILD)/tests/host/host-jailed cases.a_million_entries'

$(BUILD)/tests/host/host-jailed: $(BUILD)/tests/host/backend_jailed.o $(HOST_TEST_OBJS) \
		$(SUPERVISOR_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/host/host-engine: $(BUILD)/tests/host/backend_engine.o $(HOST_TEST_OBJS) \
		$(WORKER_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

-include tests/host/lockdown/rules.mk
-include tests/redteam/rules.mk
