# SPDX-License-Identifier: GPL-2.0-or-later
# The benchmark: the host tests' frontend, a load generator, and the shipped worker.
BENCH_OBJS := $(patsubst %,$(BUILD)/tests/%.o,bench/bench bench/bench_tap bench/load \
	bench/workloads bench/report bench/floor \
	host/harness host/frontend host/p9c host/backend_jailed)
BENCHES += tests/bench/run.sh
BENCH_PROGRAMS := $(BUILD)/tests/bench/bench

$(BUILD)/tests/bench/bench: $(BENCH_OBJS) $(SUPERVISOR_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(BENCH_OBJS) $(SUPERVISOR_LIB) $(COMMON_LIB) $(LIBS)

# So that make bench builds it: the script itself is not made.
tests/bench/run.sh: $(BENCH_PROGRAMS) ;

# Not of a sanitizer's build: it drives the jailed worker.
ifeq ($(SAN)$(COV),)
HOST_TESTS += tests/bench/smoke.sh
HOST_TESTS_NEED += $(BENCH_PROGRAMS) $(BUILD)/xen9p-worker
endif
