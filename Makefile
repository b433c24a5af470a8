# Two commands matter: `make demo` shows the whole way on the sample, `make test` runs every test.
# Each makes sure of what it needs first.
.PHONY: demo test build bench ranking silent format lint venv clean
.PHONY: bench-claims bench-nights bench-packing bench-histories bench-engines bench-sampling
.PHONY: faults engine-faults fuzz month
.PHONY: bench-fit bench-grid bench-path bench-shapes bench-predict bench-features out-of-core

PACKAGES = libopenblas-dev libsqlite3-dev zlib1g-dev libpq-dev gnuplot-nox
# A server for the store's tests, what makes a program's calls fail, and what Spark runs on.
TEST_PACKAGES = postgresql strace jq openjdk-17-jre-headless
TACIT = .build/release/tacit

demo: build
	$(TACIT) demo --out demo

test: prerequisites venv
	@scripts/require $(TEST_PACKAGES)
	swift build -c release --build-tests
	scripts/test

build: prerequisites
	swift build -c release --product tacit

.PHONY: prerequisites
prerequisites:
	@scripts/require-swift
	@scripts/require $(PACKAGES)

# Python, for the oracles of the tests.
venv: .venv/tests
.venv/tests: Tests/requirements.txt
	@scripts/require python3 python3-venv
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r Tests/requirements.txt
	touch $@

# The peers, for benchmarks.
.venv/bench: benchmarks/requirements.txt .venv/tests
	.venv/bin/pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	touch $@

# Every speed claim, side by side with its peers; writes benchmarks/results/. On a quiet machine with
# 24 GiB of memory and 20 GB of free disk; benchmarks/README.md says how long each takes.
bench: bench-fit bench-grid bench-path bench-shapes bench-predict bench-features

bench-fit bench-shapes bench-predict bench-features: bench-%: build .venv/bench
	.venv/bin/python benchmarks/$*.py

bench-grid: build .venv/bench
	@scripts/require gnuplot-nox
	.venv/bin/python benchmarks/grid.py

bench-path: build .venv/bench
	@scripts/require r-base-core r-cran-glmnet r-cran-doparallel
	.venv/bin/python benchmarks/path.py

# Fifty agents at one queue on PostgreSQL.
bench-claims: prerequisites
	@scripts/require $(TEST_PACKAGES)
	swift build -c release --build-tests
	python3 benchmarks/claims.py

# A night of a million accounts, a year of nights, and the night after it. Half an hour, 5 GB of disk.
bench-nights: prerequisites
	swift build -c release --build-tests
	python3 benchmarks/nights.py

# Kills and failures at every call of `tacit nightly` and `tacit deliver`; writes
# benchmarks/results/faults.md. Two hours.
faults: build
	@scripts/require $(TEST_PACKAGES)
	python3 benchmarks/faults.py

# libFuzzer on the readers, RUNS inputs a target; writes benchmarks/results/fuzz.md. fuzz/README.md.
RUNS = 200000
fuzz: build
	fuzz/build
	python3 fuzz/run.py --runs $(RUNS)

# Packed histories under kills and full disks (ten minutes, as root); an event's cost from 1 to 100 million
# events and twelve snapshots against one (half an hour, 10 GB); 100 million events on an engine (an hour,
# 10 GB); what case-control sampling costs (ten minutes). Each writes benchmarks/results/.
bench-packing bench-histories bench-engines bench-sampling: bench-%: build .venv/bench
	.venv/bin/python benchmarks/$*.py

# Spark's executors and driver, DuckDB and tacit killed in the middle of a night. A quarter of an hour.
engine-faults: build .venv/tests
	@scripts/require $(TEST_PACKAGES)
	.venv/bin/python benchmarks/engine_faults.py

# A month of five agents at the command line on a synthetic base; writes benchmarks/results/month.md.
# Twenty minutes.
month: build
	python3 benchmarks/month.py

# Trains on a matrix larger than memory (30 GB of disk; an hour where the disk reads 0.1 GB/s).
out-of-core: build .venv/bench
	.venv/bin/python benchmarks/out_of_core.py

# What each family of features adds out of fold; writes benchmarks/results/gain.md. Half an hour.
.PHONY: gain
gain: build .venv/bench
	.venv/bin/python benchmarks/gain.py

# How well the silent of twenty synthetic bases are ranked; writes benchmarks/results/ranking.md.
ranking: build .venv/bench
	.venv/bin/python benchmarks/ranking.py

# Ranking and level of the silent at several strengths of response bias; benchmarks/results/silent.md.
silent: build .venv/bench
	.venv/bin/python benchmarks/silent.py

format:
	swift format -i -r --configuration .swift-format Package.swift Sources Tests

lint:
	swift format lint -s -r --configuration .swift-format Package.swift Sources Tests

clean:
	rm -rf .build .venv demo benchmarks/work
