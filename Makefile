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
# With a sanitizer gcc warns of what cannot be: those builds do not judge.
ALL_CFLAGS = $(WARN) $(OPT) $(HARDEN) -ffunction-sections -fdata-sections \
	$(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -Wno-error) $(CFLAGS)
ALL_LDFLAGS = $(LDHARDEN) $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)

# make V=1 shows the commands themselves.
quiet    = $(if $(V),,@echo '  $(1)' $(2); )

# snappy is C++: loading libstdc++ with it would be a tenth of a broker's start.
SNAPPY   = $(if $(SAN),-lsnappy,-Wl,-Bstatic -lsnappy -lstdc++ -Wl,-Bdynamic -static-libgcc -lm)
LIBS     = -levent_extra -levent_core -levent_pthreads -ljansson -llz4 -lzstd -lisal $(SNAPPY) -lz -lpcre2-8 -lnettle -lxxhash -lpthread

PROGRAMS = kbrokerd kconsume kgroups kproduce ktopics
TOOLS    = $(filter-out kbrokerd,$(PROGRAMS))

WIRE_SCHEMA = $(wildcard lib/wire/schema/*.def)
WIRE_COMPILER = $(wildcard lib/wire/compiler/*.py)
WIRE_GEN = $(addprefix $(GEN)/wire/,messages.h messages.c error_codes.h enums.h)

LIB_SRC    = $(sort $(wildcard lib/*/*.c))
BROKER_SRC = $(sort $(filter-out cmd/kbrokerd/main.c,$(wildcard cmd/kbrokerd/*.c cmd/kbrokerd/*/*.c)))
LIB_OBJ    = $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
GEN_OBJ    = $(BUILD)/obj/gen/wire/messages.o
BROKER_OBJ = $(BROKER_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/gen/http/page.o
LIBKSPOOL  = $(BUILD)/libkspool.a
LIBBROKER  = $(BUILD)/libkbrokerd.a

# Unit tests: one program for each *_test.c; all of them link the helpers in
# tests/unit/support.
UNIT_SRC   = $(sort $(wildcard tests/unit/*/*_test.c tests/unit/*/*/*_test.c))
UNIT_BIN   = $(UNIT_SRC:%.c=$(BUILD)/%)
UNIT_HELP_OBJ = $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(filter-out %_test.c,$(wildcard tests/unit/support/*.c))))
unit_bins  = $(filter $(BUILD)/tests/unit/$(1)/%,$(UNIT_BIN))
.SECONDARY: $(UNIT_HELP_OBJ)

.PHONY: all lib help
all: $(PROGRAMS:%=$(BUILD)/bin/%)
lib: $(LIBKSPOOL)

# Generated code

# One run makes all of them (&:), and what includes one depends on it by name:
# so that a change of the schema rebuilds every user of it at once.
$(WIRE_GEN) &: $(WIRE_SCHEMA) $(WIRE_COMPILER)
	@mkdir -p $(@D)
	$(call quiet,GEN,$(@D))$(PYTHON) lib/wire/compiler/compile.py lib/wire/schema $(@D)

# The status page, one file, in the program.
HTTP_PAGE = $(sort $(wildcard cmd/kbrokerd/http/page/*))
$(GEN)/http/page.c $(GEN)/http/page.h &: $(HTTP_PAGE)
	@mkdir -p $(@D)
	$(call quiet,GEN,$(@D))$(PYTHON) cmd/kbrokerd/http/page/embed.py $(@D)

$(BUILD)/obj/gen/%.o: $(GEN)/%.c
	@mkdir -p $(@D)
	$(call quiet,CC,$@)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Objects, archives, programs

$(BUILD)/obj/%.o: %.c | $(WIRE_GEN) $(GEN)/http/page.h
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(LIBKSPOOL): $(LIB_OBJ) $(GEN_OBJ)
	@rm -f $@
	$(call quiet,AR,$@)$(AR) rcs $@ $^

$(LIBBROKER): $(BROKER_OBJ)
	@rm -f $@
	$(call quiet,AR,$@)$(AR) rcs $@ $^

$(BUILD)/bin/kbrokerd: $(BUILD)/obj/cmd/kbrokerd/main.o $(LIBBROKER) $(LIBKSPOOL)
	@mkdir -p $(@D)
	$(call quiet,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

define tool
$(BUILD)/bin/$(1): $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard cmd/$(1)/*.c))) $(LIBKSPOOL)
	@mkdir -p $$(@D)
	$$(call quiet,LD,$$@)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LIBS)
endef
$(foreach t,$(TOOLS),$(eval $(call tool,$(t))))

# Unit tests: make unit, or make unit-log for one folder

$(BUILD)/tests/unit/kbrokerd/%: tests/unit/kbrokerd/%.c $(UNIT_HELP_OBJ) $(LIBBROKER) $(LIBKSPOOL)
	@mkdir -p $(@D)
	$(call quiet,LD,$@)$(CC) $(CPPFLAGS) -Itests/unit $(ALL_CFLAGS) $(ALL_LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(filter %.o %.a,$^) -lcmocka $(LIBS)

$(BUILD)/tests/unit/%: tests/unit/%.c $(UNIT_HELP_OBJ) $(LIBKSPOOL)
	@mkdir -p $(@D)
	$(call quiet,LD,$@)$(CC) $(CPPFLAGS) -Itests/unit $(ALL_CFLAGS) $(ALL_LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(filter %.o %.a,$^) -lcmocka $(LIBS)

.PHONY: unit
unit: $(UNIT_BIN)
	@set -e; for t in $(UNIT_BIN); do $$t; done
.SECONDEXPANSION:
unit-%: $$(call unit_bins,$$*) FORCE
	@set -e; for t in $(call unit_bins,$*); do $$t; done
FORCE:

# Set-up.  Everything a fresh Debian machine lacks is installed by these.

.PHONY: deps deps-build
deps-build:
	@tests/deps build
deps:
	@tests/deps build check
	@tests/interop/clients/install

.PHONY: demo
demo: deps-build
	@$(MAKE) --no-print-directory -j2 all
	@BIN=$(abspath $(BUILD)/bin) examples/demo

# Tests.  check closes with the line "N passed, N failed, N skipped".

BATS_FILES = $(sort $(wildcard tests/cli/*.bats tests/crash/*.bats tests/interop/*.bats))
BROKER_BATS = tests/cli/kbrokerd.bats $(wildcard tests/crash/*.bats)
RUN_TESTS  = BIN=$(abspath $(BUILD)/bin) BUILD=$(abspath $(BUILD)) $(PYTHON) tests/run.py

.PHONY: check check-built test-bins
check: deps
	@$(MAKE) --no-print-directory check-built
test-bins: all $(UNIT_BIN)
check-built:
	@$(MAKE) --no-print-directory -j2 test-bins
	@$(RUN_TESTS) $(RUN_TESTS_FLAGS) $(UNIT_BIN) $(BATS_FILES)

# Address and undefined over all tests, thread over the broker's.
.PHONY: sanitize sanitize-address sanitize-thread
sanitize: sanitize-address sanitize-thread
sanitize-address: export ASAN_OPTIONS = detect_stack_use_after_return=1:allocator_may_return_null=1
sanitize-address: export UBSAN_OPTIONS = print_stacktrace=1
sanitize-address: export LSAN_OPTIONS = suppressions=$(CURDIR)/tests/leaks.supp:print_suppressions=0
sanitize-address: export KSPOOL_SANITIZED = address
sanitize-address:
	@$(MAKE) --no-print-directory check-built BUILD=$(BUILD)/address \
		SAN=address,undefined CFLAGS='-O1 -fno-sanitize-recover=all -U_FORTIFY_SOURCE'
sanitize-thread: export TSAN_OPTIONS = halt_on_error=1:second_deadlock_stack=1
sanitize-thread: export KSPOOL_SANITIZED = thread
sanitize-thread:
	@$(MAKE) --no-print-directory sanitize-thread-built BUILD=$(BUILD)/thread \
		SAN=thread CFLAGS='-O1 -U_FORTIFY_SOURCE'
.PHONY: sanitize-thread-built
sanitize-thread-built:
	@$(MAKE) --no-print-directory -j2 all $(call unit_bins,kbrokerd)
	@$(RUN_TESTS) $(call unit_bins,kbrokerd) $(BROKER_BATS)

# Fuzzing: FUZZ_SECONDS for all targets together, seeds from the vectors.

FUZZ_SECONDS = 60
FUZZ_SRC  = $(sort $(wildcard tests/fuzz/*_fuzz.c))
FUZZ_BIN  = $(FUZZ_SRC:%.c=$(BUILD)/%)
FUZZ_FLAGS = -fsanitize=address,undefined -fno-sanitize-recover=all

$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(LIBBROKER) $(LIBKSPOOL)
	@mkdir -p $(@D)
	$(call quiet,LD,$@)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

.PHONY: fuzz fuzz-built
fuzz:
	@tests/deps fuzz
	@$(MAKE) --no-print-directory fuzz-built BUILD=$(BUILD)/fuzz CC=clang \
		SAN=address,undefined CFLAGS='-O1 -fno-sanitize-recover=all -fsanitize=fuzzer-no-link -U_FORTIFY_SOURCE'
fuzz-built:
	@$(MAKE) --no-print-directory -j2 $(FUZZ_BIN)
	@tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ_BIN)

# Benchmarks: ratios to the machine's limit and to kcat, in one run.

BENCH_SRC = $(sort $(wildcard tests/bench/*.c))
BENCH_BIN = $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_SRC))

$(BUILD)/bench/%: tests/bench/%.c $(LIBKSPOOL)
	@mkdir -p $(@D)
	$(call quiet,LD,$@)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: bench
bench: all $(BENCH_BIN)
	@tests/deps check
	@BIN=$(abspath $(BUILD)/bin) BENCH_BIN=$(abspath $(BUILD)/bench) tests/bench/run

# Style

STYLE_FILES = $(sort $(wildcard lib/*/*.[ch] cmd/*/*.[ch] cmd/*/*/*.[ch] tests/unit/*/*.[ch] tests/unit/*/*/*.[ch] tests/fuzz/*.[ch] tests/bench/*.[ch]))

.PHONY: tidy format format-check
tidy: $(WIRE_GEN)
	@printf '%s\n' $(filter %.c,$(STYLE_FILES)) | xargs -P "$$(nproc)" -I{} \
		clang-tidy --quiet {} -- $(CPPFLAGS) -Itests/unit -std=gnu11
format:
	clang-format -i $(STYLE_FILES)
format-check:
	clang-format --dry-run -Werror $(STYLE_FILES)

# Installation: PREFIX and DESTDIR as everywhere.

MAN1 = $(wildcard man/*.1)
MAN5 = $(wildcard man/*.5)
DEST = $(DESTDIR)$(PREFIX)
BASH_COMPLETIONS = $(DEST)/share/bash-completion/completions
ZSH_COMPLETIONS  = $(DEST)/share/zsh/site-functions
FISH_COMPLETIONS = $(DEST)/share/fish/vendor_completions.d
SYSTEMD_UNITS    = $(DEST)/lib/systemd/system
SYSUSERS         = $(DEST)/lib/sysusers.d

.PHONY: install uninstall clean
install: all
	install -d $(DEST)/bin $(DEST)/share/man/man1 $(DEST)/share/man/man5 \
		$(BASH_COMPLETIONS) $(ZSH_COMPLETIONS) $(FISH_COMPLETIONS) \
		$(SYSTEMD_UNITS) $(SYSUSERS)
	install -s -m 755 $(PROGRAMS:%=$(BUILD)/bin/%) $(DEST)/bin
	install -m 644 $(MAN1) $(DEST)/share/man/man1
	install -m 644 $(MAN5) $(DEST)/share/man/man5
	for p in $(PROGRAMS); do \
		install -m 644 completions/$$p.bash $(BASH_COMPLETIONS)/$$p && \
		install -m 644 completions/_$$p $(ZSH_COMPLETIONS)/_$$p && \
		install -m 644 completions/$$p.fish $(FISH_COMPLETIONS)/$$p.fish || exit 1; \
	done
	sed 's,@BINDIR@,$(PREFIX)/bin,' packaging/systemd/kbrokerd.service >$(SYSTEMD_UNITS)/kbrokerd.service
	install -m 644 packaging/systemd/kbrokerd.socket $(SYSTEMD_UNITS)
	install -m 644 packaging/systemd/kbrokerd.sysusers $(SYSUSERS)/kbrokerd.conf

uninstall:
	rm -f $(PROGRAMS:%=$(DEST)/bin/%) \
		$(patsubst man/%,$(DEST)/share/man/man1/%,$(MAN1)) \
		$(patsubst man/%,$(DEST)/share/man/man5/%,$(MAN5)) \
		$(PROGRAMS:%=$(BASH_COMPLETIONS)/%) \
		$(PROGRAMS:%=$(ZSH_COMPLETIONS)/_%) \
		$(PROGRAMS:%=$(FISH_COMPLETIONS)/%.fish) \
		$(SYSTEMD_UNITS)/kbrokerd.service $(SYSTEMD_UNITS)/kbrokerd.socket \
		$(SYSUSERS)/kbrokerd.conf

clean:
	rm -rf $(BUILD)

help:
	@echo 'all        the programs, in $(BUILD)/bin/'
	@echo 'demo       install what is missing, build, and see a file go through'
	@echo 'check      install what is missing, build, run every test'
	@echo 'deps       install what build and tests need'
	@echo 'sanitize   all tests under address+undefined, the broker under thread'
	@echo 'fuzz       fuzz for FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'bench      speed, as ratios to the machine and to kcat'
	@echo 'tidy       clang-tidy;  format: clang-format'
	@echo 'install    below DESTDIR=$(DESTDIR) PREFIX=$(PREFIX);  uninstall'

-include $(shell find $(BUILD)/obj $(BUILD)/tests -name '*.d' 2>/dev/null)
