# SPDX-License-Identifier: GPL-2.0-or-later
# make coverage (COV=1): the jailed worker counts into files of COUNTS_DIR; see counts.c.

ifneq ($(COV),)
COUNTS_DIR := $(abspath $(BUILD))/counts
$(BUILD)/tests/coverage/counts.o: CPPFLAGS += -DCOUNTS_DIR='"$(COUNTS_DIR)"'
$(BUILD)/tests/coverage/counts.o: override CFLAGS := $(filter-out --coverage,$(CFLAGS))
endif
