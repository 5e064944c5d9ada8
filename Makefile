# Each layer of checks by its name; TESTING.md says what it shows. `bash .ci/run` runs them all, and
# installs what they need beyond Rust.

.DEFAULT_GOAL := help
.PHONY: cluster compared pictures mutants coverage sanitize help lint package public bench bench-briefly test property planted search simulation fuzz portable static manual install deb oci installed bare link steady soak-property soak-search soak-simulation soak-faults soak-fuzz

help: ## these lines
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

lint: ## format, clippy, documentation
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked

package: ## what would be published: its files, its metadata, and that it builds from them
	cargo package --workspace --exclude childminder-tests --exclude childminder-bench --locked $(PACKAGE_FLAGS)

public: ## the crates in each library's public API are those that it lists
	tests/public_dependencies.py

test: ## every test in the workspace
	cargo test --workspace --locked

property: ## the rules and the model, on 5,000 random stories a rule
	PROPTEST_CASES=5000 cargo test --release --locked -p childminder-tests --test rules

planted: ## bugs put into a copy of the core and the driver, or the SHARD k/n of them, and which layers find each
	cargo run --locked --release -p childminder-tests --example planted -- $(SHARD)

search: ## every ordering of events in small configurations
	cargo run --locked --release -p childminder-tests --example search

LIFETIMES = 10000000

simulation: ## ten million lifetimes under a simulated kernel
	cargo run --locked --release -p childminder-sim --example lifetimes -- $(LIFETIMES)

FUZZ_SECONDS = 60
FUZZED = fuzz/target/x86_64-unknown-linux-gnu/release

fuzz: ## a minute of each fuzz target, all at once
	cargo fuzz build -s none
	printf '%s\n' monitor record parse driver netstrings | xargs -P 5 -I TARGET sh -c '\
		mkdir -p fuzz/corpus/TARGET fuzz/artifacts/TARGET; \
		$(FUZZED)/TARGET -max_total_time=$(FUZZ_SECONDS) -max_len=1024 -rss_limit_mb=4096 \
			-artifact_prefix=fuzz/artifacts/TARGET/ fuzz/corpus/TARGET fuzz/seeds/TARGET \
			2>fuzz/artifacts/TARGET.log || { cat fuzz/artifacts/TARGET.log; exit 255; }; \
		echo "TARGET: $$(tail -n 1 fuzz/artifacts/TARGET.log)"'

bench: ROUNDS = 9
bench: static ## what minding costs, beside the kernel's floor and beside peers, in ROUNDS rounds; some five minutes
	cargo run --release --locked -p childminder-bench -- --rounds $(ROUNDS) \
		--childminder target/static/childminder $(ROWS)

bench-briefly: ## one short round of it in a debug build, whose figures mean nothing: that it runs
	cargo build --locked -p childminder-cli -p childminder-bench
	target/debug/childminder-bench --rounds 1 --brief

# What is skipped: LeakSanitizer works neither under strace nor without /proc, the sanitizer's own end of a thread needs
# the call that is refused, and a storm takes it longer than the test's limit.
UNSANITIZED = example:: costs:: whatever_is_asked_for proc_is_of_other_processes signals_that_stay_blocked no_storm

sanitize: ## the spawn and all else of the Unix layer under AddressSanitizer
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=target/sanitize \
		cargo test --locked --all-features -p childminder-unix --lib --test unix \
		--target x86_64-unknown-linux-gnu -- $(UNSANITIZED:%=--skip %)

mutants: ## every change of one operator or body in the core, or the SHARD k/n of them, is noticed
	PROPTEST_RNG_SEED=1 cargo mutants --jobs 2 $(if $(SHARD),--shard $(SHARD))

pictures: ## what `timeline` draws, looked at in a real browser
	cargo build --locked --release -p childminder-cli
	tests/pictures.py

coverage: ## every line and branch of the core, most lines of the adapters; or one of both as PARTS
	tests/coverage.py $(PARTS)

cluster: ## the wrapper of Slurm's tasks, in a cluster of two nodes; wants slurm-wlm, munge, iproute2 and root
	cargo build --locked -p childminder-cli
	tests/cluster/scenarios.py

# Debian's toolchain brings the sources of `core` and `std`; `-Zbuild-std` works on stable with this one variable.
DEBIAN_CARGO = RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CARGO_TARGET_DIR=target/bare /usr/bin/cargo
BUILD_STD = $(DEBIAN_CARGO) build --locked --release -Zbuild-std=core

SYSTEMS = aarch64-apple-darwin x86_64-unknown-freebsd

portable: ## every crate, checked by the compiler for systems other than Linux
	$(DEBIAN_CARGO) check --locked -Zwarnings --config 'build.warnings="deny"' -Zbuild-std=std,panic_abort \
		$(SYSTEMS:%=--target %) -p childminder-cli -p childminder-terminal -p childminder-sim -p childminder-tokio

compared: ## what docs/compared.md shows of others; wants those that .ci/run installs for it
	cargo fetch --locked --manifest-path tests/compared/Cargo.toml
	cargo test --locked -p childminder-cli --test command the_comparison -- --ignored

MUSL = $(shell uname -m)-unknown-linux-musl

# Debian's musl has no unwinder. LLVM's was built for glibc, but of what is glibc's it takes only the way in which a failed
# check of its own complains. Where the code could stand anywhere, musl-gcc would have musl's loader put it there, and an
# empty container has none.
static: ## target/static/childminder, the command in one file, which starts faster
	RUSTFLAGS='-Clinker=musl-gcc -Crelocation-model=static -Clink-self-contained=no -Lnative=/usr/lib/llvm-22/lib -Clink-arg=-Wl,--defsym=__fprintf_chk=abort' \
		RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CARGO_TARGET_DIR=target/musl /usr/bin/cargo build --locked --release \
		-Zbuild-std=std,panic_abort --target $(MUSL) -p childminder-cli
	install -D target/musl/$(MUSL)/release/childminder target/static/childminder

export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat --format=%Y CHANGELOG.md)

manual: ## target/share: the manual pages, and completions for bash, zsh and fish
	rm -rf target/share
	cargo run --locked -p childminder-cli --example manual -- target/share $$(date -u -d @$(SOURCE_DATE_EPOCH) +%F)

PREFIX = /usr/local
COMMAND = target/static/childminder

target/static/childminder: static

install: $(COMMAND) manual ## the command, its manual and its completions, below DESTDIR and PREFIX
	install -D $(COMMAND) $(DESTDIR)$(PREFIX)/bin/childminder
	cd target/share && find . -type f | xargs -I FILE install -D -m 644 FILE $(abspath $(DESTDIR))$(PREFIX)/share/FILE

deb: ## target/deb: a Debian package
	packaging/deb target/deb

BUILDAH = buildah --storage-driver vfs --root $(abspath target/buildah/root) --runroot $(abspath target/buildah/run)
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

oci: $(COMMAND) ## target/oci: an OCI layout, of nothing but the command
	rm -rf target/oci
	$(BUILDAH) build --isolation chroot --timestamp $(SOURCE_DATE_EPOCH) --file packaging/Dockerfile \
		--tag oci:target/oci:$(VERSION) target/static
	$(BUILDAH) rmi --all

installed: ## all of these, and `cargo install`, each in an empty root, where it runs
	packaging/check

bare: ## the core, built for a processor without an operating system
	$(BUILD_STD) --target thumbv7em-none-eabi -p childminder

LINK = $(BUILD_STD) -Zbuild-std-features=compiler-builtins-mem --target x86_64-unknown-linux-gnu \
	--manifest-path tests/link/Cargo.toml

link: ## the core, linked where no panic handler and no allocator exist
	$(LINK)
	! $(LINK) --features panics 2>target/bare/refused
	grep the_core_can_panic_or_allocate target/bare/refused

ROUNDS = 50
STEADY = unix terminal mio tokio cli

steady: ## each adapter's tests, ROUNDS times in a row beside three busy loops; the first failure ends it
	cargo test --no-run --locked --all-features $(STEADY:%=-p childminder-%)
	trap 'kill 0' EXIT; for loop in 1 2 3; do while :; do :; done & done; \
	for round in $$(seq $(ROUNDS)); do for crate in $(STEADY); do \
		echo "round $$round of $(ROUNDS): $$crate"; \
		cargo test -q --locked --all-features -p childminder-$$crate >target/steady.log 2>&1 \
			|| { cat target/steady.log; exit 1; }; \
	done; done

soak-property: ## an hour or so of random stories
	PROPTEST_CASES=2000000 cargo test --release --locked -p childminder-tests --test rules

soak-search: ## at least 50 million states; wants some 4 GiB
	cargo run --locked --release -p childminder-tests --example search -- 3000000 2000000

soak-simulation: ## 100 million lifetimes from another seed
	cargo run --locked --release -p childminder-sim --example lifetimes -- 100000000 5000000000

soak-faults: ## every system call of the command fails with every error; half an hour or so
	CHILDMINDER_FAULTS=all cargo test --locked -p childminder-cli --test faults -- --nocapture

soak-fuzz: ## two hours of the fuzz targets
	$(MAKE) fuzz FUZZ_SECONDS=3600
