# SPDX-License-Identifier: GPL-2.0-or-later
# The fuzzers (clang's libFuzzer); built with SAN=fuzz only. engine.c includes worker/pump.c as
# source, so the archive's own is never pulled in.

FUZZ_SMOKE += tests/fuzz/smoke
LONG_PARTS += fuzz
LONG_fuzz = 'env FUZZ_SMOKE_SECONDS=240 tests/fuzz/smoke'

ifeq ($(SAN),fuzz)
FUZZ_PROGRAMS += $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/engine.o \
		$(WORKER_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) $(FUZZ_LDFLAGS) -o $@ $^ $(WORKER_LIBS)

# The supervisor's own: no engine, no worker.
$(BUILD)/tests/fuzz/fuzz_policy: $(BUILD)/tests/fuzz/fuzz_policy.o $(SUPERVISOR_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) $(FUZZ_LDFLAGS) -o $@ $^ $(CTL_LIBS)

.SECONDARY: $(FUZZ_PROGRAMS:%=%.o) $(BUILD)/tests/fuzz/engine.o
endif
