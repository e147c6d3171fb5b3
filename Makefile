# Any target may be the first command in a fresh clone: all of them wait for $(READY).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Compiled modules are kept, whatever the environment says: every command starts sooner.
export PYTHONDONTWRITEBYTECODE :=

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
READY := .venv/.compiled
KERNELS := $(shell find linkage_rl -name '_*.pyx' -o -name '_*.pxd')
REQUIREMENTS := $(wildcard requirements/*.txt)

# `make train experiment=jp_all seed=2 ARGS="env.max_candidates=40"`: names given on the command
# line travel to the program; the same names in the environment do not.
NAMES := experiment agent seed database source clients bundle run output workers index refresh resume \
	action stack sha image log linked capture verdicts privacy retention_days customer list client older_than_days \
	goal confidence gate queue
OVERRIDES = $(foreach name,$(NAMES),$(if $(filter command line,$(origin $(name))),'$(name)=$($(name))')) $(ARGS)

# What goes into an image; a password among it is refused.
IMAGE_NAMES := BUNDLE CERTIFICATES DB_HOST DB_PORT DB_NAME DB_USER DB_PASS DATABASE_URL
IMAGE_WORDS = $(foreach name,$(IMAGE_NAMES),$(if $(filter command line,$(origin $(name))),'$(name)=$($(name))')) $(ARGS)

.PHONY: help setup setup-extras format check test test-slow test-extras docs wheel bench companies train evaluate link review learn \
	audit log forget export deploy \
	sweep torture experiment image image-train image-test sagemaker-local-test serve parity clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## create .venv, install everything pinned, compile the kernels, install the hooks
	@scripts/hooks.sh

$(INSTALLED): setup.cfg setup.py pyproject.toml $(REQUIREMENTS) constraints.txt scripts/setup.sh
	@scripts/setup.sh "$(PYTHON)"
	@touch $@

$(READY): $(INSTALLED) $(KERNELS)
	@$(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

setup-extras: $(READY) ## add Ray, Optuna, MLflow and W&B: launcher=ray, experiments.sweep, logger=
	@$(BIN)/pip install -qq --disable-pip-version-check -c constraints.txt --no-build-isolation \
		--editable '.[ray,sweep,mlflow,wandb]'

format: $(READY) ## fix what ruff can fix, then format
	$(BIN)/ruff check --fix --exit-zero --quiet
	$(BIN)/ruff format

check: $(READY) ## ruff, mypy, import floors, spelling
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

test: $(READY) ## the quick tests and the doctests, on all cores (ARGS="-k name" picks some)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile -m "not slow and not image and not extras and not local_mode" $(ARGS)

test-slow: $(READY) ## the tests of learning, of the wheel and of AWS in emulation
	$(BIN)/python -m pytest -m "slow and not extras" $(ARGS)

test-extras: setup-extras ## tests of Ray, Optuna, trackers and peers, each in minutes; needs chromium
	$(BIN)/python -m pytest -m extras $(ARGS)

docs: $(READY) ## build the documentation in docs/_build/html; warnings are errors
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

wheel: $(READY) ## build source distribution and wheel in dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist . >/dev/null
	@ls dist

bench: $(READY) ## time the hot paths beside rivals and print a table (ARGS=--quick)
	@$(BIN)/python -m experiments.cost speed $(ARGS)

companies: $(READY) ## load or refresh a company table: source=FILE database=URL | refresh=true
	@$(BIN)/python -m linkage_rl.companies $(OVERRIDES)

train: $(READY) ## train and compare: experiment=NAME agent=NAME seed=N
	@$(BIN)/python -m linkage_rl.train $(OVERRIDES)

evaluate: $(READY) ## measure a bundle on a list with truth: bundle=DIR clients=FILE
	@$(BIN)/python -m linkage_rl.evaluate $(OVERRIDES)

link: $(READY) ## link a client list: bundle=DIR clients=FILE output=FILE
	@$(BIN)/python -m linkage_rl.link $(OVERRIDES)

review: $(READY) ## the page on which people judge decisions: log=URL database=URL [linked=FILE]
	@$(BIN)/python -m linkage_rl.review $(OVERRIDES)

learn: $(READY) ## a better bundle from verdicts: bundle=DIR log=URL output=DIR
	@$(BIN)/python -m linkage_rl.learn $(OVERRIDES)

audit: $(READY) ## are the links of a list precise enough: log=URL list=ID goal=precision:0.95
	@$(BIN)/python -m linkage_rl.audit $(OVERRIDES)

export: $(READY) ## turn a run into a bundle: run=DIR output=DIR
	@$(BIN)/python -m linkage_rl.export $(OVERRIDES)

deploy: $(READY) ## image to SageMaker: action=plan|apply|status|rollback sha=COMMIT bundle=DIR
	@$(BIN)/python -m linkage_rl.deploy $(OVERRIDES)

log: $(READY) ## a decision log: log=URL, to import verdicts=FILE or capture=FILE
	@$(BIN)/python -m linkage_rl.log $(OVERRIDES)

forget: $(READY) ## delete decisions of a log: log=URL client=ID | older_than_days=N
	@$(BIN)/python -m linkage_rl.forget $(OVERRIDES)

experiment: $(READY) ## a suite with table and page, or a preset over three seeds: name=SUITE|PRESET
	$(if $(name),,$(error make experiment needs name=, a file of configs/suite/ or configs/experiment/))
	@$(if $(wildcard configs/suite/$(name).yaml),$(BIN)/python -m experiments.run suite=$(name) $(ARGS),\
		$(BIN)/python -m linkage_rl.train --multirun experiment=$(name) seed=1,2,3 $(ARGS))

sweep: $(READY) ## search hyperparameters: ARGS="sweep=tune trials=40 study=FILE"; restarting resumes
	@$(BIN)/python -m experiments.sweep $(OVERRIDES)

torture: $(READY) ## kills, full disks, fuzzed inputs and a soak, as root; over an hour (ARGS=soak: one)
	@OMP_NUM_THREADS=1 $(BIN)/python -m experiments.torture $(ARGS)

image: $(READY) ## build the serving image, with or without a bundle: BUNDLE=DIR DB_HOST=...
	@scripts/image.sh serve $(IMAGE_WORDS)

image-train: $(READY) ## build the training image, linkage_rl:train
	@scripts/image.sh train $(IMAGE_WORDS)

image-test: $(READY) ## build both images, then train and serve in containers
	$(BIN)/python -m pytest -m "image and not extras" tests/image $(ARGS)

sagemaker-local-test: $(READY) ## the SageMaker SDK's local mode with the image; downloads 1 GB
	@scripts/local_mode.sh
	$(BIN)/python -m pytest -m local_mode tests/image $(ARGS)

serve: $(READY) ## build the image and run it on the loopback: BUNDLE=DIR port=8080
	@scripts/serve.sh $(or $(BUNDLE),$(error make serve needs BUNDLE=DIR, a bundle folder)) $(or $(port),8080)

parity: $(READY) ## golden clients against a running server: BUNDLE=DIR port=8080
	@$(BIN)/python -m serving.parity $(or $(BUNDLE),$(error make parity needs BUNDLE=DIR, a bundle folder)) http://127.0.0.1:$(or $(port),8080)

clean: ## remove builds, caches and the environment; keeps what the commands wrote
	rm -rf .venv build dist docs/_build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find linkage_rl -name '_*.so' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
