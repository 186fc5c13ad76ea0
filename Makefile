# kspool: one plain Makefile.  make help lists the targets.
#
# A folder is a library: every .c below lib/ goes into libkspool.a, every .c
# below cmd/kbrokerd/ but main.c into libkbrokerd.a, so that tests and fuzzers
# link what the programs link.  Everything built lies below $(BUILD).

CC       = gcc
BUILD    = build
PREFIX   = /usr/local
VERSION := 0.1.0
PYTHON   = python3

WARN     = -std=gnu11 -Wall -Wextra -Wshadow -Wconversion -Wno-unknown-warning-option -Werror
OPT      = -O2 -g -fno-plt
HARDEN   = -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
LDHARDEN = -pie -Wl,-z,relro,-z,now -Wl,--as-needed -Wl,--gc-sections
SAN      =
GEN      = $(BUILD)/gen
CPPFLAGS = -D_GNU_SOURCE -DKSPOOL_VERSION='"$(VERSION)"' -Ilib -Icmd -I$(GEN)
ALL_CFLAGS = $(WARN) $(OPT) $(HARDEN) -ffunction-sections -fdata-sections \
	$(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) $(CFLAGS)
ALL_LDFLAGS = $(LDHARDEN) $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)

LIBS     = -levent_core -levent_pthreads -ljansson -llz4 -lzstd -lisal -lsnappy -lz -lpthread

PROGRAMS = kbrokerd kconsume kproduce ktopics
TOOLS    = $(filter-out kbrokerd,$(PROGRAMS))

WIRE_SCHEMA = $(wildcard lib/wire/schema/*.def)
WIRE_COMPILER = $(wildcard lib/wire/compiler/*.py)
WIRE_GEN_STAMP = $(GEN)/wire/stamp

LIB_SRC    = $(sort $(wildcard lib/*/*.c))
BROKER_SRC = $(sort $(filter-out cmd/kbrokerd/main.c,$(wildcard cmd/kbrokerd/*.c cmd/kbrokerd/*/*.c)))
LIB_OBJ    = $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
GEN_OBJ    = $(BUILD)/obj/gen/wire/messages.o
BROKER_OBJ = $(BROKER_SRC:%.c=$(BUILD)/obj/%.o)
LIBKSPOOL  = $(BUILD)/libkspool.a
LIBBROKER  = $(BUILD)/libkbrokerd.a

# Unit tests: one program for each *_test.c; other .c files beside them are
# helpers of all tests of that folder.
UNIT_SRC   = $(sort $(wildcard tests/unit/*/*_test.c tests/unit/*/*/*_test.c))
UNIT_BIN   = $(UNIT_SRC:%.c=$(BUILD)/%)
UNIT_HELP_OBJ = $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(filter-out %_test.c,$(wildcard tests/unit/support/*.c))))
unit_bins  = $(filter $(BUILD)/tests/unit/$(1)/%,$(UNIT_BIN))

.PHONY: all lib help
all: $(PROGRAMS:%=$(BUILD)/bin/%)
lib: $(LIBKSPOOL)

# Generated code

$(WIRE_GEN_STAMP): $(WIRE_SCHEMA) $(WIRE_COMPILER)
	@mkdir -p $(@D)
	$(PYTHON) lib/wire/compiler/compile.py lib/wire/schema $(@D)
	@touch $@
$(GEN)/wire/messages.c: $(WIRE_GEN_STAMP) ;

$(BUILD)/obj/gen/wire/messages.o: $(WIRE_GEN_STAMP)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $(GEN)/wire/messages.c

# Objects, archives, programs

$(BUILD)/obj/%.o: %.c | $(WIRE_GEN_STAMP)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(LIBKSPOOL): $(LIB_OBJ) $(GEN_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(LIBBROKER): $(BROKER_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/bin/kbrokerd: $(BUILD)/obj/cmd/kbrokerd/main.o $(LIBBROKER) $(LIBKSPOOL)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

define tool
$(BUILD)/bin/$(1): $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard cmd/$(1)/*.c))) $(LIBKSPOOL)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LIBS)
endef
$(foreach t,$(TOOLS),$(eval $(call tool,$(t))))

# Unit tests: make unit, or make unit-log for one folder

$(BUILD)/tests/unit/kbrokerd/%: tests/unit/kbrokerd/%.c $(UNIT_HELP_OBJ) $(LIBBROKER) $(LIBKSPOOL)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/unit $(ALL_CFLAGS) $(ALL_LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(filter %.o %.a,$^) -lcmocka $(LIBS)

$(BUILD)/tests/unit/%: tests/unit/%.c $(UNIT_HELP_OBJ) $(LIBKSPOOL)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/unit $(ALL_CFLAGS) $(ALL_LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(filter %.o %.a,$^) -lcmocka $(LIBS)

.PHONY: unit
unit: $(UNIT_BIN)
	@set -e; for t in $(UNIT_BIN); do $$t; done
unit-%: FORCE
	@$(MAKE) --no-print-directory $(call unit_bins,$*)
	@set -e; for t in $(call unit_bins,$*); do $$t; done
FORCE:

-include $(shell find $(BUILD)/obj $(BUILD)/tests -name '*.d' 2>/dev/null)
