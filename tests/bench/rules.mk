# SPDX-License-Identifier: GPL-2.0-or-later
# The benchmark: the host tests' frontend, a load generator, and the shipped worker.
BENCH_OBJS := $(patsubst %,$(BUILD)/tests/%.o,bench/bench bench/bench_tap bench/load \
	bench/workloads bench/trace bench/report bench/floor bench/beside bench/backend bench/jailed bench/bare \
	audit/rig host/harness host/frontend host/p9c)
BENCHES += tests/bench/run.sh
BENCH_PROGRAMS := $(BUILD)/tests/bench/bench $(BUILD)/tests/bench/record

$(BUILD)/tests/bench/bench: $(BENCH_OBJS) $(SUPERVISOR_LIB) $(WORKER_LIB) $(COMMON_LIB) \
		$(BUILD)/xen9p-worker $(BUILD)/xen9p-audit
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(BENCH_OBJS) $(SUPERVISOR_LIB) $(WORKER_LIB) $(COMMON_LIB) \
		$(LIBS) -ljansson

# Writes a guest's session down as a trace that the benchmark replays.
RECORD_OBJS := $(patsubst %,$(BUILD)/tests/%.o,bench/record bench/bench_tap bench/backend bench/jailed bench/bare \
	host/harness host/frontend host/p9c)
$(BUILD)/tests/bench/record: $(RECORD_OBJS) $(SUPERVISOR_LIB) $(WORKER_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(RECORD_OBJS) $(SUPERVISOR_LIB) $(WORKER_LIB) $(COMMON_LIB) $(LIBS)

# What the one writes the other can replay.
TRACES_OBJS := $(patsubst %,$(BUILD)/tests/%.o,bench/traces bench/trace bench/load \
	host/tap host/harness host/frontend host/p9c host/backend_jailed)
$(BUILD)/tests/bench/traces: $(TRACES_OBJS) $(SUPERVISOR_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Both back ends of the host tests in one program. The one without a jail is never installed: it is an object of this.
$(BUILD)/tests/bench/jailed.o: tests/host/backend_jailed.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -Dbackend_start=backend_start_jailed -MMD -MP -c -o $@ $<
$(BUILD)/tests/bench/bare.o: tests/host/backend_engine.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -Dbackend_start=backend_start_bare -Dbackend_policy=backend_policy_bare \
		-Dbackend_is_jailed=backend_bare_is_jailed -MMD -MP -c -o $@ $<

SCALE_OBJS := $(patsubst %,$(BUILD)/tests/%.o,bench/scale bench/bench_tap bench/load \
	host/harness host/frontend host/p9c host/backend_jailed)
$(BUILD)/tests/bench/scale: $(SCALE_OBJS) $(SUPERVISOR_LIB) $(COMMON_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(SCALE_OBJS) $(SUPERVISOR_LIB) $(COMMON_LIB) $(LIBS)

# What the supervisor's part of it takes for Xen, and for guests.
$(BUILD)/tests/bench/noxen.so: tests/bench/noxen.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -shared -fPIC -o $@ $<
$(BUILD)/tests/bench/devices: $(BUILD)/tests/bench/devices.o $(BUILD)/tests/xen/fe/nodes.o
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lxenstore
SCALE_PROGRAMS := $(patsubst %,$(BUILD)/tests/bench/%,scale devices noxen.so)

# Up to DEVICES of them, each with its worker.
DEVICES ?= 1000
bench-scale: all $(SCALE_PROGRAMS)
	@BUILD=$(BUILD) tests/bench/scale.sh $(DEVICES)
	@BUILD=$(BUILD) tests/bench/connect.sh $(DEVICES)

# The same guest program against xen9p and QEMU's backend, in one boot of real Xen.
bench-xen: all
	XEN9P_LAB_SUITE=trixie-qemu tests/xen/run --keep $(BUILD)/bench-xen bench
	cp $(BUILD)/bench-xen/boot1/results/bench/bench.json $(BUILD)/bench-xen.json
.PHONY: bench-scale bench-xen

# So that make bench builds it: the script itself is not made.
tests/bench/run.sh: $(BENCH_PROGRAMS) ;

# Not of a sanitizer's build: it drives the jailed worker.
ifeq ($(SAN)$(COV),)
HOST_TESTS += $(BUILD)/tests/bench/traces tests/bench/smoke.sh
HOST_TESTS_NEED += $(BENCH_PROGRAMS) $(SCALE_PROGRAMS) $(BUILD)/xen9p-worker
endif
