# SPDX-License-Identifier: GPL-2.0-or-later
# The benchmark: the host tests' frontend, a load generator, and the shipped worker.
BENCH_OBJS := $(patsubst %,$(BUILD)/tests/%.o,bench/bench bench/bench_tap bench/load \
	bench/workloads bench/report bench/floor \
	host/harness host/frontend host/p9c host/backend_jailed)
BENCHES += tests/bench/run.sh
BENCH_PROGRAMS := $(BUILD)/tests/bench/bench

$(BUILD)/tests/bench/bench: $(BENCH_OBJS) $(SUPERVISOR_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(BENCH_OBJS) $(SUPERVISOR_LIB) $(COMMON_LIB) $(LIBS)

SCALE_OBJS := $(patsubst %,$(BUILD)/tests/%.o,bench/scale bench/bench_tap bench/load \
	host/harness host/frontend host/p9c host/backend_jailed)
$(BUILD)/tests/bench/scale: $(SCALE_OBJS) $(SUPERVISOR_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(SCALE_OBJS) $(SUPERVISOR_LIB) $(COMMON_LIB) $(LIBS)

# Up to DEVICES of them, each with its worker.
DEVICES ?= 1000
bench-scale: all $(BUILD)/tests/bench/scale
	@BUILD=$(BUILD) tests/bench/scale.sh $(DEVICES)

# The same guest program against xen9p and QEMU's backend, in one boot of real Xen.
bench-xen: all
	XEN9P_LAB_SUITE=trixie-qemu tests/xen/run --keep $(BUILD)/bench-xen bench
	cp $(BUILD)/bench-xen/boot1/results/bench/bench.json $(BUILD)/bench-xen.json
.PHONY: bench-scale bench-xen

# So that make bench builds it: the script itself is not made.
tests/bench/run.sh: $(BENCH_PROGRAMS) ;

# Not of a sanitizer's build: it drives the jailed worker.
ifeq ($(SAN)$(COV),)
HOST_TESTS += tests/bench/smoke.sh
HOST_TESTS_NEED += $(BENCH_PROGRAMS) $(BUILD)/tests/bench/scale $(BUILD)/xen9p-worker
endif
