# SPDX-License-Identifier: GPL-2.0-or-later
# A worker that turns hostile after its lockdown. There is a jail to break out of in the plain build
# only. What is built here is never installed.

REDTEAM_ATTEMPTS := $(patsubst %,$(BUILD)/tests/redteam/%.o,tools paths links moved processes kernel \
	descriptors control audit marks exhaustion changes)
REDTEAM_DRIVER := $(patsubst %,$(BUILD)/tests/redteam/%.o,redteam run scene judge logs host selftest) \
	$(BUILD)/tests/host/tap.o

ifeq ($(SAN)$(COV),)
HOST_TESTS += $(BUILD)/tests/redteam/redteam
HOST_TESTS_NEED += $(BUILD)/tests/redteam/hostile-worker $(BUILD)/xen9p-worker $(BUILD)/xen9p-audit
endif

$(BUILD)/tests/redteam/hostile-worker: $(BUILD)/tests/redteam/hostile_worker.o \
		$(REDTEAM_ATTEMPTS) $(WORKER_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(WORKER_LIBS)

$(BUILD)/tests/redteam/redteam: $(REDTEAM_DRIVER) $(REDTEAM_ATTEMPTS) $(SUPERVISOR_LIB) \
		$(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(SUPERVISOR_LIBS)
