# Valet's command line. `make` alone lists the targets.
#
# Each environment is made on first use, and again when its lock file is newer than the stamp file in the environment.
#   .venv            the command line and the local stack; for `make test` also the tests' and checks' own packages
#   .venv-sam        aws-sam-cli, which pins its own libraries
#   .venv-oldest     the local stack again, on Python 3.11, for the test that it runs there
#   .venv-ministack  the second emulated AWS of the contract tests, which pins its own botocore
#   .venv-bench      the servers and libraries that the benchmark compares Valet with
#   .lambda-runtime  the packages that Lambda's Python adds to the standard library, for the tests of what sam built

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start hundreds of processes, and each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
SAM := .venv-sam/bin/sam
BUILD ?= .aws-sam/build
# If empty, sam takes the value of samconfig.toml, both to build and to deploy.
ARCHITECTURE ?=
OVERRIDES := $(if $(ARCHITECTURE),--parameter-overrides Architecture=$(ARCHITECTURE))
# If samconfig.toml has no Region, this folder was never deployed: sam asks for the values and saves the answers there.
GUIDED = $(if $(shell grep -s '^region' samconfig.toml),,--guided)
# One process more than there are processors: one of them often waits for a browser or a server.
WORKERS := $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist loadgroup $(if $(CI),-p tests.support.no_skips)

# Prints the Python to make an environment with, or what is missing.
FIND_PYTHON = requirements/find_python.sh

# pip compares each file with the lock file's hashes. It may take wheels only: a source distribution has a hash too, but
# pip would build it with tools that it fetches without one.
LOCKED := --require-hashes --only-binary=:all:

# $(call install,python,lock file,options): install the packages of the lock file, as layers/valet/Makefile does. The first
# run downloads from the index or the mirror that pip's settings name. These could also add another lock file, or a folder
# to install to: so the second run ignores all settings and has no index.
define install
	@wheels=$$(mktemp -d); trap 'rm -rf "$$wheels"' EXIT; \
	$(1) -m pip download $(LOCKED) --quiet --progress-bar on --dest "$$wheels" --requirement $(2); \
	PIP_CONFIG_FILE=/dev/null $(1) -m pip --isolated install $(LOCKED) --quiet --no-index --find-links "$$wheels" $(3) --requirement $(2)
endef

# $(call environment,folder,lock file): install the packages of the lock file into the environment in the folder.
define environment
	@python=$$($(FIND_PYTHON)); echo "== $(1): $(2), with $$python (once; about a minute)"; \
	[ -x $(1)/bin/python ] || "$$python" -m venv $(1) || { rm -rf $(1); \
		echo "$$python cannot make an environment. On Debian, install python3-venv and try again." >&2; exit 1; }
	$(call install,$(1)/bin/python,$(2))
	@touch $@
endef


## Use

help: ## list these targets
	@awk -F ':.*## ' '/^## /{print "\n" substr($$0, 4)} /^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.local ## serve the whole system on http://127.0.0.1:3000, with AWS emulated in memory; PORT=... for another port, HOST=localhost for passkeys, CONFIG=... for a configuration file, API=your/template.yaml to serve your own API too
	@exec $(BIN)/python -m local

valet: .venv/.admin ## run the operator's command line, as admin/valet does; ARGS='clients list --local' for its arguments
	@admin/valet $(ARGS)

deploy: build ## build, then deploy with samconfig.toml; the first time, sam asks for the values that it needs
	$(SAM) deploy --template-file $(BUILD)/template.yaml $(GUIDED)

build: .venv-sam/.installed ## build the deployment into .aws-sam/build; ARCHITECTURE=x86_64 or arm64 instead of samconfig.toml's
	@.venv-sam/bin/python3.13 -c '' 2>/dev/null || { echo 'sam build needs Python 3.13 with venv: install it (on Debian or Ubuntu, python3.13-venv too), remove .venv-sam, and try again.' >&2; exit 1; }
	@PATH="$(CURDIR)/.venv-sam/bin:$$PATH" $(SAM) build --build-dir $(BUILD) $(OVERRIDES)
	@.venv-sam/bin/python3.13 deployment/finish.py $(BUILD)


## Work on Valet

test: lint browser cdk oldest .venv-ministack/.installed .lambda-runtime/.installed ## run all checks and all tests, those in a browser and those of the built functions included
	$(PYTEST)

check: lint ## run everything quick, in about two minutes: lint, and the unit, contract, integration, authorizer, template, privilege, command-line and documentation tests
	$(PYTEST) -m 'not slow' $(wildcard tests/unit tests/contract tests/parts/local tests/integration tests/parts/authorizer tests/parts/aws tests/parts/jose tests/parts/template tests/parts/admin tests/parts/docs tests/promises/privileges tests/parts/observability tests/parts/structure)

lint: .venv/.dev .venv-sam/.installed ## check format, ruff, mypy --strict, imports between modules, cfn-lint and sam validate
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=layers/valet/python $(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml
	$(SAM) validate --lint

format: .venv/.dev ## format the code, and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv-bench/.installed bench-node ## measure Valet against its budgets and other servers; under ten minutes; ARGS='--only B1' for a part
	@.venv-bench/bin/python -m bench $(ARGS)

lock: .venv-lock/.installed ## pin every dependency again in requirements/ and the layer; UPGRADE=1 to take newer versions
	@for name in layers/valet/python/requirements $(basename $(wildcard requirements/*.in)); do \
		echo "== $$name.txt"; .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
			$(if $(UPGRADE),--upgrade) --output-file $$name.txt $$name.in; done

wheel: .venv/.wheel ## build the Python package for APIs outside API Gateway into dist/ (docs/apis/python.md)
	@$(BIN)/python -m deployment.wheel dist

release: ## tag a release if tree, changelog and version agree; publishes nothing; VERSION=0.1.0
	@$(or $(wildcard $(BIN)/python),python3) -m deployment.release '$(VERSION)'

clean: ## remove the build and the caches
	rm -rf dist .aws-sam .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

distclean: clean ## remove the environments as well
	rm -rf .venv .venv-oldest .venv-sam .venv-ministack .venv-lock .venv-bench .lambda-runtime tests/e2e/node_modules tests/parts/cdk/node_modules bench/node/node_modules bench/.layer

.PHONY: help run valet deploy build test check lint format bench lock wheel release clean distclean browser cdk bench-node oldest


# Environments. .venv serves four lock files: dev.txt includes local.txt and wheel.txt, and local.txt includes admin.txt.

.venv/.admin: requirements/admin.txt
	$(call environment,.venv,requirements/admin.txt)

.venv/.local: requirements/local.txt
	$(call environment,.venv,requirements/local.txt)
	@touch .venv/.admin

.venv/.wheel: requirements/wheel.txt
	$(call environment,.venv,requirements/wheel.txt)

.venv/.dev: requirements/dev.txt
	$(call environment,.venv,requirements/dev.txt)
	@touch .venv/.admin .venv/.local .venv/.wheel

.venv-sam/.installed: requirements/sam.txt
	$(call environment,.venv-sam,requirements/sam.txt)

.venv-ministack/.installed: requirements/ministack.txt
	$(call environment,.venv-ministack,requirements/ministack.txt)

.venv-bench/.installed: requirements/bench.txt
	$(call environment,.venv-bench,requirements/bench.txt)

# The local stack must run on Python 3.11 too. If this machine has none, the test that needs it is skipped.
OLDEST := $(shell for candidate in python3.11 "$$(pyenv prefix 3.11 2>/dev/null || true)/bin/python3.11" /usr/bin/python3.11; do \
	"$$candidate" -c 'import ensurepip, sys; print(sys.executable)' 2>/dev/null && exit; done)
ifneq ($(OLDEST),)
oldest: .venv-oldest/.installed
.venv-oldest/.installed: FIND_PYTHON = echo $(OLDEST)
.venv-oldest/.installed: requirements/local.txt
	$(call environment,.venv-oldest,requirements/local.txt)
else
oldest:
endif

.venv-lock/.installed: requirements/lock.txt
	$(call environment,.venv-lock,requirements/lock.txt)

# This is a folder, not an environment: an environment's own packages would be on the functions' path too.
.lambda-runtime/.installed: requirements/runtime.txt .venv-sam/.installed
	rm -rf .lambda-runtime
	$(call install,.venv-sam/bin/python,$<,--no-deps --target .lambda-runtime)
	@touch $@

# The browser tests' client libraries, if there is a lock file for them and npm to install it.
ifneq ($(and $(wildcard tests/e2e/package-lock.json),$(shell command -v npm)),)
browser: tests/e2e/node_modules/.package-lock.json
tests/e2e/node_modules/.package-lock.json: tests/e2e/package-lock.json
	cd tests/e2e && npm ci --no-audit --no-fund
	@touch $@
else
browser:
endif

# AWS CDK, likewise: the example of docs/apis/cdk.md is synthesized with it.
ifneq ($(and $(wildcard tests/parts/cdk/package-lock.json),$(shell command -v npm)),)
cdk: tests/parts/cdk/node_modules/.package-lock.json
tests/parts/cdk/node_modules/.package-lock.json: tests/parts/cdk/package-lock.json
	cd tests/parts/cdk && npm ci --no-audit --no-fund
	@touch $@
else
cdk:
endif

# The JavaScript server and libraries that the benchmark compares with, if there is npm; else it says what it leaves out.
ifneq ($(shell command -v npm),)
bench-node: bench/node/node_modules/.package-lock.json
bench/node/node_modules/.package-lock.json: bench/node/package-lock.json
	cd bench/node && npm ci --no-audit --no-fund
	@touch $@
else
bench-node:
endif
