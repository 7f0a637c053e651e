# Every target sets up what it needs: a fresh machine with cargo, CPython, make and a C compiler
# will do. Environments live in .venv*, which `make clean` removes.

PYTHON ?= python3
VENV := .venv
BENCH := .venv-bench
MITMPROXY := .venv-mitmproxy
AUTOBAHN := .venv-autobahn
THIRD_PARTY := .venv-third-party
SPARK := .venv-spark
ASAN := .venv-asan
RELEASE := .venv-release
# How cargo builds the extension and the wheel. `.ci/run` chooses `checked`, as for the Rust tests (Cargo.toml).
PROFILE ?= release
MATURIN_PROFILE = --profile $(PROFILE) $(if $(filter checked,$(PROFILE)),--features beside-tests)
# With the package, whose crates ask for more features of some crates: what is built for it is used again.
RUST_TESTS := --profile checked --package wsdefrag-core --package wsdefrag-capture --package wsdefrag-py --locked --quiet
FUZZ_SECONDS ?= 60
# A test often waits, for a process or a socket: one more of them than there are cores keeps the cores busy.
JOBS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)')
RECORDING := vectors/captures/demo.pcapng
FUZZ_TARGETS := arbitrary_bytes split_feeding deflate encoder relay handshake packets merge connections http2 hpack tls_messages tls_keylog recorded checkpoint

BIN := $(VENV)/bin
# A process that has run out of tests takes over half of those that another one has left.
PYTEST := -m pytest --quiet --numprocesses $(JOBS) --dist worksteal
FUZZ_TOOLS := cargo +nightly fuzz --version >/dev/null 2>&1
# cargo-fuzz compiles each crate in one piece unless it is told otherwise, which uses one core.
FUZZ_BUILD := --fuzz-dir rust/fuzz --codegen-units 16
# The crates have no unsafe code, and AddressSanitizer doubles the time that they take to build. Lines of code in
# what a failure prints take a sixth of it, and `make fuzz` prints them.
BRIEFLY := --sanitizer none
BRIEFLY_FLAGS := RUSTFLAGS=-Cdebuginfo=0
# What fuzzing starts from, made of vectors/.
SEEDS := rust/fuzz/corpus/seeds
MAKE_SEEDS := cargo build $(RUST_TESTS) --example seeds && target/checked/examples/seeds $(SEEDS)
# What a few kilobytes of a state may ask for, in MiB, however they were changed.
FUZZ_LIMIT_checkpoint := -malloc_limit_mb=256
define fuzz
mkdir -p rust/fuzz/corpus/$(1)
$(5) cargo +nightly fuzz run $(FUZZ_BUILD) $(4) $(1) rust/fuzz/corpus/$(1) $(SEEDS)/$(1) $(wildcard rust/fuzz/regressions/$(1)) -- -max_total_time=$(2) -verbosity=0 $(FUZZ_LIMIT_$(1)) $(3)

endef
RUST := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name Cargo.toml -o -path '*/report/page/*' | grep -v /target/)
# mypy takes one module of a name at a time; there are three conftest.py and two echo_server.py.
TYPED_TESTS := tests/conftest.py tests/smoke.py $(shell find tests \
	-path tests/conformance -prune \
	-o '(' -name 'test_*.py' -o -path 'tests/support/*.py' ')' -print)
PYTHON_CODE := python tests tools benches examples docs

.DEFAULT_GOAL := help
.PHONY: help build demo test test-rust test-python test-random soak conformance conformance-quick check format bench
.PHONY: asan bench-tls memory-table fuzz fuzz-briefly wheel mitmproxy-env clean lint-rust-format lint-rust lint-docs lint-python lint-types
.PHONY: test-third-party spark-env test-spark test-spark-quick lint-stub deny stub coverage instructions instructions-check docs docs-serve
.PHONY: release-check release-check-quick third-party miri mutants try-cpython-314 try-aarch64 try-free-threaded

help: ## show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

$(BIN)/.tools: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --group build --group test --group check
	touch $@

$(BIN)/.extension: $(BIN)/.tools $(RUST)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop $(MATURIN_PROFILE) --quiet
	touch $@

$(MITMPROXY)/.ready: tests/support/make_mitmproxy_env.py
	$(PYTHON) tests/support/make_mitmproxy_env.py $(MITMPROXY)
	touch $@

# The interpreter may be another one, which would have cargo build everything anew each time; so the
# directory is another one. `.ci/run`, which builds once, shares it.
MITMPROXY_BUILD ?= --target-dir target/mitmproxy
$(MITMPROXY)/.extension: $(MITMPROXY)/.ready $(BIN)/.tools $(RUST)
	VIRTUAL_ENV=$(abspath $(MITMPROXY)) $(BIN)/maturin develop $(MATURIN_PROFILE) --quiet $(MITMPROXY_BUILD)
	touch $@

build: $(BIN)/.extension ## build the extension into .venv

demo: build ## print the messages and the connections of a recorded capture
	$(BIN)/wsdefrag messages $(RECORDING)
	$(BIN)/wsdefrag connections $(RECORDING)

test: test-rust test-python ## run all tests

# Random examples are the same in each run; `make test-random` has others. The profile `checked` (Cargo.toml)
# takes a seventh of the time of `dev` to run the core's tests.
test-rust: ## run the core's and the capture half's tests
	PROPTEST_RNG_SEED=6455 cargo test $(RUST_TESTS)

test-python: build mitmproxy-env ## run the package's tests, in one process more than there are cores
	$(BIN)/python $(PYTEST)

# The mutations of captures are seeded by hand, and so get other seeds by hand.
test-random: build mitmproxy-env ## run the property tests with random examples, many times as many as by day
	WSDEFRAG_MUTATIONS=1000 cargo test $(RUST_TESTS)
	WSDEFRAG_KILLS=200 WSDEFRAG_MUTATIONS=3000 WSDEFRAG_HPACK_BLOCKS=50000 WSDEFRAG_FLOWS=15000 WSDEFRAG_CUTS=1 WSDEFRAG_SALT=$$(date +%s) $(BIN)/python $(PYTEST) -m 'hypothesis or random' --hypothesis-profile random

# Programs that the tests start are measured too, by a .pth file that comes with coverage; so
# mitmproxy's environment gets it as well. Tests that see what it does in those programs are left out.
coverage: build mitmproxy-env ## run the package's tests, and fail below 95 % of its lines and branches
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group coverage
	$(BIN)/python -m pip --python $(MITMPROXY)/bin/python install --quiet --disable-pip-version-check --group coverage
	rm -rf target/coverage && mkdir -p target/coverage
	$(BIN)/python -m coverage run $(PYTEST) -m 'not unmeasured'
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

bench-tls: build ## compare encrypted captures with clear ones and with tshark
	cd benches && ../$(BIN)/python -m captures.tls && ../$(BIN)/python -m captures.tls_costs

memory-table: build ## print what hostile captures take, as a table; for docs/captures.md
	$(BIN)/python benches/captures/memory_table.py

soak: build ## 1,000 connections through the proxy at once, half of them up to no good; 10,000 over time; messages of 64 MiB
	WSDEFRAG_SOAK=1000 WSDEFRAG_CONNECTIONS=10000 $(BIN)/python -m pytest --quiet -rP tests/proxy/test_proxy_soak.py tests/proxy/test_proxy_many.py
	WSDEFRAG_LARGE=64 $(BIN)/python -m pytest --quiet tests/proxy/test_proxy_large.py

mitmproxy-env: $(MITMPROXY)/.extension ## make the environment that mitmproxy runs in, with the package

# AddressSanitizer watches the extension's memory. Its runtime has to be the first library of the
# process, and libstdc++ the next, for other extensions. Python's own allocator would hide what lies
# beside an object. Programs that the tests start would need the runtime, too, so only tests within a
# process run, none with a browser, and none that measure its memory. The build has the checks of `dev`, and the
# names and lines that a report shows: pyproject.toml asks for optimized code without them.
# They take some ten times as long, so the longest read fewer damaged captures.
ASAN_TESTS ?= tests/core tests/relay tests/capture tests/compat/wsproto
ASAN_TARGET = $(shell rustc -vV | sed -n 's/^host: //p')
ASAN_LIBRARIES = $(shell $(CC) -print-file-name=libasan.so) $(shell $(CC) -print-file-name=libstdc++.so.6)
ASAN_ENV = WSDEFRAG_MUTATIONS=25 WSDEFRAG_HPACK_BLOCKS=500 LD_PRELOAD="$(ASAN_LIBRARIES)" PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1

$(ASAN)/.tools: pyproject.toml
	$(PYTHON) -m venv $(ASAN)
	$(ASAN)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(ASAN)/bin/python -m pip install --quiet --group build --group test
	touch $@

asan: $(ASAN)/.tools ## run the tests under AddressSanitizer; needs a nightly toolchain and gcc's libasan
	@cargo +nightly --version >/dev/null || { echo 'make asan needs: rustup toolchain install nightly'; exit 1; }
	RUSTUP_TOOLCHAIN=nightly RUSTFLAGS='-Zsanitizer=address -Cstrip=none' CARGO_TARGET_DIR=$(abspath target/asan) \
	    CARGO_PROFILE_CHECKED_DEBUG=line-tables-only VIRTUAL_ENV=$(abspath $(ASAN)) \
	    $(ASAN)/bin/maturin develop --profile checked --quiet --target $(ASAN_TARGET)
	$(ASAN_ENV) $(ASAN)/bin/python $(PYTEST) --ignore-glob='*/test_memory*' --ignore-glob='*/test_capture_report*' -k 'not takes_less_than_64_mib and not takes_a_few_copies' $(ASAN_TESTS)

# The Autobahn TestSuite needs CPython 2.7; where there is none, make_env.py says so and ends with 3.
define conformance
$(PYTHON) tests/conformance/make_env.py $(AUTOBAHN) && $(BIN)/python tests/conformance/run.py $(AUTOBAHN)
endef

conformance: build ## run the Autobahn TestSuite in both roles, also through the proxy: hours; needs CPython 2.7
	@$(conformance)

conformance-quick: build ## its sections 1 to 7 and 10: 45 seconds; says so where there is no CPython 2.7
	@$(conformance) --quick || [ $$? = 3 ]

$(THIRD_PARTY)/.extension: $(BIN)/.tools $(RUST)
	$(PYTHON) -m venv $(THIRD_PARTY)
	VIRTUAL_ENV=$(abspath $(THIRD_PARTY)) $(BIN)/maturin develop --release --quiet --extras wsproto
	touch $@

# Not part of `make test`: it fetches five source distributions and what their tests need.
test-third-party: $(THIRD_PARTY)/.extension ## run the tests of packages that use wsproto on the drop-in; needs the network
	$(PYTHON) tests/third_party/run.py $(THIRD_PARTY)

# The package is not built again: the environment reads it from here, with the extension of .venv.
$(SPARK)/.ready: pyproject.toml
	$(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check --group spark
	echo $(abspath python) > $$($(SPARK)/bin/python -c 'import site; print(site.getsitepackages()[0])')/wsdefrag.pth
	touch $@

spark-env: ## make the environment that Spark runs in; says so where there is no Java 17
	@if $(PYTHON) tests/support/java.py; then $(MAKE) --no-print-directory $(SPARK)/.ready; fi

# Not part of `make test`: Spark is half a gigabyte, and a JVM takes a core.
SPARK_TESTS ?= tests/spark
SPARK_PYTEST = if $(PYTHON) tests/support/java.py >/dev/null; then $(SPARK)/bin/python -m pytest --quiet
test-spark: build spark-env ## run the tests of the data source of Spark; says so where there is no Java 17
	@$(SPARK_PYTEST) $(SPARK_TESTS); fi

# What `.ci/run` runs: the rows of whole tables, connections that span files, capture points, a task that
# fails and is tried again, the reader of a stream, a lake. No cluster, and one JVM.
SPARK_ROWS := tests/spark/test_spark_rows.py::test
SPARK_QUICK := '$(SPARK_ROWS)_rows_are_those_of_capture[demo-messages]' \
	'$(SPARK_ROWS)_connections_that_span_files_are_whole[connections]' \
	'$(SPARK_ROWS)_points_of_one_folder_are_captures_of_their_own[messages]' \
	'tests/spark/test_spark_faults.py::test_committed_rows_are_exact[local[2,4]-raise]' \
	'tests/spark/test_spark_lake.py::test_table_of_a_lake_has_the_rows_of_capture[messages]' \
	tests/spark/test_spark_stream_reader.py
test-spark-quick: build spark-env ## run a few of them: half a minute
	@$(SPARK_PYTEST) $(SPARK_QUICK); fi

check: lint-rust-format lint-rust lint-docs lint-python lint-types lint-stub fuzz-briefly ## formatting, lints, types, stubs, docs, a bounded fuzz run

# The parts of `make check`; those of .pre-commit-config.yaml among them need no built extension.
lint-rust-format:
	cargo fmt --all --check
	cargo fmt --manifest-path rust/fuzz/Cargo.toml --check

# The lint `incompatible_msrv` compares the standard library's items with `rust-version`. Nothing is linked, so
# libFuzzer, whose path is set, need not be built.
lint-rust:
	cargo clippy --workspace --all-targets --locked --quiet -- --deny warnings
	CUSTOM_LIBFUZZER_PATH=$(abspath target)/unused.a cargo clippy --manifest-path rust/fuzz/Cargo.toml --target-dir target --locked --quiet -- --deny warnings

lint-docs:
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --document-private-items --locked --quiet

lint-python: $(BIN)/.tools
	$(BIN)/ruff format --check $(PYTHON_CODE)
	$(BIN)/ruff check $(PYTHON_CODE)

lint-types: $(BIN)/.tools
	$(BIN)/mypy
	$(BIN)/mypy $(TYPED_TESTS) examples/*.py
	$(BIN)/mypy $(filter-out %/fuzzer.py,$(wildcard tests/conformance/*.py))
	$(BIN)/mypy tests/compat/mitmproxy/addon/conftest.py
	$(BIN)/mypy tests/compat/mitmproxy/parity/conftest.py
	$(BIN)/mypy tests/third_party/run.py
	$(BIN)/mypy tools/*.py tools/release/*.py

lint-stub: build
	$(BIN)/python tools/write_stub.py --check
	$(BIN)/python -m mypy.stubtest wsdefrag._native

# cargo-deny takes two minutes of a processor to build, so it is used where it is and not installed. What it says
# of licences, bans and sources depends on a few files only; their hashes are kept when it has nothing to say,
# and where they are the same, it need not be asked again. The advisories are another repository: without a
# network only a copy of it that is at hand can be read.
DENY_READS := Cargo.lock deny.toml Cargo.toml $(wildcard rust/wsdefrag-*/Cargo.toml) benches/instructions/Cargo.toml
DENY_PASSED := third-party/DENY.sha256
ADVISORIES := $(or $(CARGO_HOME),$(HOME)/.cargo)/advisory-dbs

deny: ## licences, bans and sources of the crates; advisories where the database is at hand
	@if ! cargo deny --version >/dev/null 2>&1; then \
	    if sha256sum --check --status $(DENY_PASSED); then \
	        echo 'no cargo-deny: these very dependencies have passed it ($(DENY_PASSED))'; \
	    else \
	        echo 'no cargo-deny (cargo install --locked cargo-deny): licences, bans and sources are not checked'; \
	    fi; \
	else \
	    cargo deny --workspace --locked check licenses bans sources && \
	    sha256sum $(DENY_READS) > $(DENY_PASSED) && \
	    if [ -d $(ADVISORIES) ]; then \
	        cargo deny --workspace --locked check --disable-fetch advisories; \
	    else \
	        echo 'no advisory database (cargo deny fetch db): advisories are not checked'; \
	    fi; \
	fi

$(BIN)/.docs: $(BIN)/.tools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group docs
	touch $@

# A warning is an error, and so is a link that leads nowhere. The reference is made of the package, so
# nothing of an earlier build is used.
docs: build $(BIN)/.docs ## build the site into target/docs
	$(BIN)/python -m sphinx --builder html --fresh-env --fail-on-warning --keep-going --quiet --jobs auto docs target/docs

DOCS_PORT ?= 8000

docs-serve: docs ## show the site at http://127.0.0.1:8000 (DOCS_PORT)
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory target/docs $(DOCS_PORT)

stub: build ## write python/wsdefrag/_native.pyi from the built module
	$(BIN)/python tools/write_stub.py

instructions: ## count the kernels' instructions; writes benches/INSTRUCTIONS.json (REASON='...' if more)
	$(PYTHON) benches/instructions/measure.py --reason "$$REASON"

instructions-check: ## compare them with that file; says so where there is no valgrind
	$(PYTHON) benches/instructions/measure.py --check

format: $(BIN)/.tools ## rewrite the code in the house's format
	cargo fmt --all
	$(BIN)/ruff format $(PYTHON_CODE)
	$(BIN)/ruff check --fix --quiet $(PYTHON_CODE)

fuzz: ## fuzz each target for FUZZ_SECONDS (60); needs a nightly toolchain and cargo-fuzz
	@$(FUZZ_TOOLS) || { echo 'make fuzz needs: rustup toolchain install nightly; cargo install cargo-fuzz'; exit 1; }
	$(MAKE_SEEDS)
	$(foreach target,$(FUZZ_TARGETS),$(call fuzz,$(target),$(FUZZ_SECONDS)))

# What was found before is replayed by `make test-rust` everywhere; new inputs are only looked for
# where the tools are. The seed is fixed, so that equal code meets equal inputs and only a change can
# turn a check red; `make fuzz` tries others each time. All targets are built together first, so that
# every core builds, and with little optimization, since the build takes longer than the runs; then two run
# at a time.
fuzz-briefly: export CARGO_PROFILE_RELEASE_OPT_LEVEL = 1
fuzz-briefly:
	@$(FUZZ_TOOLS) || echo 'no nightly toolchain or no cargo-fuzz: the fuzz targets are not run'
	$(if $(shell $(FUZZ_TOOLS) && echo yes),$(MAKE_SEEDS))
	$(if $(shell $(FUZZ_TOOLS) && echo yes),$(BRIEFLY_FLAGS) cargo +nightly fuzz build $(FUZZ_BUILD) $(BRIEFLY))
	$(if $(shell $(FUZZ_TOOLS) && echo yes),printf '%s\n' $(FUZZ_TARGETS:%=fuzz-briefly-%) | xargs -P 2 -n 1 $(MAKE) --no-print-directory)

fuzz-briefly-%:
	$(call fuzz,$*,4,-seed=1,$(BRIEFLY),$(BRIEFLY_FLAGS))

$(BENCH)/bin/.tools: benches/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BENCH)/bin/python -m pip install --quiet --group build --requirement benches/requirements.txt
	touch $@

# Only captures and proxies are compared with mitmproxy.
PARTS ?=
BENCH_PEERS = $(if $(filter-out engine outputs,$(or $(PARTS),all)),mitmproxy-env)

# pip compiles the modules that it installs.
bench: $(BENCH)/bin/.tools $(BENCH_PEERS) ## measure against the peers, or PARTS of it; writes benches/RESULTS.md and the charts
	VIRTUAL_ENV=$(abspath $(BENCH)) $(BENCH)/bin/maturin develop --release --quiet
	$(BENCH)/bin/python -m compileall -q python/wsdefrag
	cd benches/floor && VIRTUAL_ENV=$(abspath $(BENCH)) ../../$(BENCH)/bin/maturin develop --release --quiet
	$(BENCH)/bin/python benches/run.py $(PARTS)

wheel: $(BIN)/.tools ## build the wheel and try it in an empty environment
	rm -rf dist .venv-wheel
	$(BIN)/maturin build $(MATURIN_PROFILE) --locked --quiet --interpreter $(BIN)/python --out dist
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet --disable-pip-version-check --no-index --find-links dist wsdefrag
	cd dist && ../.venv-wheel/bin/python ../tests/smoke.py

$(RELEASE)/.tools: pyproject.toml
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(RELEASE)/bin/python -m pip install --quiet --group build --group release
	touch $@

$(RELEASE)/.zig: $(RELEASE)/.tools
	$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --group zig
	touch $@

# A wheel for each interpreter, the sdist, and two builds to compare: five builds with optimization across
# crates, of some minutes each. CHECK='--rehearsal' needs no date and no address; CHECK='versions sdist' runs
# these parts.
CHECK ?=
release-check: $(RELEASE)/.zig ## say whether this checkout can be released, and build what is published
	$(RELEASE)/bin/python tools/release_check.py $(CHECK)

# How large a wheel of the profile `checked` is says nothing of one with optimization.
release-check-quick: $(RELEASE)/.tools ## its parts that build nothing, with the wheel of `make wheel`
	$(RELEASE)/bin/python tools/release_check.py --quick $(or $(CHECK),--rehearsal) --wheels dist $(if $(filter checked,$(PROFILE)),--without size)

third-party: $(RELEASE)/.tools ## write the licences and the bill of materials of what wheels link
	$(RELEASE)/bin/python tools/write_third_party.py

# Other platforms, as far as Debian's packages bring them: they need root, debootstrap and a network.
try-cpython-314: $(RELEASE)/.zig ## try the wheel for CPython 3.14 in a root directory of Debian unstable
	tools/platforms/try_cpython.sh 3.14

try-aarch64: $(RELEASE)/.tools ## run the core's tests and a wheel on aarch64 under qemu-user
	tools/platforms/try_aarch64.sh

FREE_THREADED ?= python3.14t
try-free-threaded: $(RELEASE)/.tools ## run tests of threads and streams without a GIL, with FREE_THREADED=python3.14t
	tools/platforms/try_free_threaded.sh $(FREE_THREADED)

# The core has no unsafe code, but zlib-rs, memchr and simdutf8 have.
miri: ## run the core's unit tests under Miri; needs a nightly toolchain with its component
	@cargo +nightly miri --version >/dev/null 2>&1 || { echo 'make miri needs: rustup toolchain install nightly --component miri,rust-src'; exit 1; }
	MIRIFLAGS=-Zmiri-disable-isolation PROPTEST_CASES=4 cargo +nightly miri test --package wsdefrag-core --lib --locked

# Changes the code in many small ways; a change that no test notices survives, and is listed in
# target/mutants/mutants.out/missed.txt. All take hours: MUTANTS='--shard 0/50' tries a part of them.
MUTANTS ?=
mutants: ## look for changes of frame/, read/ and tcp/ that no test notices; needs cargo-mutants
	@cargo mutants --version >/dev/null 2>&1 || { echo 'make mutants needs: cargo install --locked cargo-mutants'; exit 1; }
	mkdir -p target/mutants
	PROPTEST_RNG_SEED=6455 cargo mutants --output target/mutants --no-shuffle $(MUTANTS)

clean: ## remove environments and build products
	rm -rf $(VENV) $(BENCH) $(MITMPROXY) $(AUTOBAHN) $(THIRD_PARTY) $(SPARK) $(ASAN) $(RELEASE) .venv-wheel dist target benches/floor/target rust/fuzz/target
