# Everything from a fresh clone: `make` lists the commands, `make reports` does all of it.
.DEFAULT_GOAL := help
.PHONY: help setup data reports lab notebook profile test lint bench check verify clean dev

# Which Python? The one named by PYTHON= or of the active environment, if it has all that pyproject.toml asks for,
# is used as it is, with the package taken from this folder. Otherwise it (or python3) makes the project's .venv.
ACTIVE := $(or $(VIRTUAL_ENV),$(CONDA_PREFIX))
ifeq "$(ACTIVE)" "$(CURDIR)/.venv"
ACTIVE :=
endif
BASE := $(or $(PYTHON),$(if $(ACTIVE),$(ACTIVE)/bin/python,python3))
# $(call quoted,path) is the path as the shell wants it: an apostrophe in it ends no quotes.
quoted = '$(subst ','\'',$(1))'
LACKS := $(if $(PYTHON)$(ACTIVE),$(shell $(call quoted,$(BASE)) tools/missing.py || echo a working Python),all)
ifeq ($(LACKS),)
PY := $(BASE)
export PYTHONPATH := $(CURDIR)$(if $(PYTHONPATH),:$(PYTHONPATH))
else
PY := .venv/bin/python
READY := .venv/.ready
endif
RUN := $(call quoted,$(PY))
# The notebooks' kernel is that Python's own, whatever kernels the user has installed.
export JUPYTER_PREFER_ENV_PATH := 1

# $(call apt,packages) installs Debian packages where that is possible and fails elsewhere.
apt = { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing $(1) ..." && apt-get update -qq \
	&& DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(1) >/dev/null; }

help: ## this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2} /^#:/ {print substr($$0, 3)}' Makefile

setup: $(READY) ## install what is needed into .venv (every other command does it first, too)
	@$(if $(filter setup,$(MAKECMDGOALS)),echo "Ready: $(PY)",:)

data: setup ## find or fetch the data set and check every file
	@$(RUN) -m fmnist_utils data

reports: setup ## run the notebooks and write reports/<profile>/index.html; only what has changed
	@$(RUN) -m fmnist_utils reports

lab: setup ## open JupyterLab on working copies of the notebooks; EDIT=1 on the series itself
	@$(RUN) -m fmnist_utils lab -- $(ARGS)

notebook: setup ## make a notebook of your own: NAME=07_mine
	@$(RUN) -m fmnist_utils notebook $(if $(NAME),"$$NAME",--help)

profile: setup ## make a profile of your own: NAME=mine LIKE=quick
	@$(RUN) -m fmnist_utils profile $(if $(NAME),"$$NAME",--help) $(if $(LIKE),--like "$$LIKE")

check: setup ## check the params/ files against the notebooks, running nothing
	@$(RUN) -m fmnist_utils check

verify: setup ## hold every stored file of OUT against its checksum; ARGS=--mend mends
	@$(RUN) -m fmnist_utils verify $(ARGS)

test: dev ## run the tests; ARGS=tests/test_store.py runs some, FAST=1 leaves out the slow ones
	@command -v chromedriver >/dev/null || $(call apt,chromium chromium-driver) \
		|| echo "Note: the browser tests cannot run: install Chromium and chromedriver (Debian: chromium chromium-driver)"
	@$(RUN) -m pytest $(if $(FAST),-m 'not slow') $(ARGS)

lint: dev ## check style and types
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy

bench: dev ## measure speed side by side, as ratios
	@$(RUN) -m benchmarks $(ARGS)

clean: ## remove caches, reports/smoke and reports/quick; .venv, data and reports/full stay
	rm -rf reports/smoke reports/quick .pytest_cache .mypy_cache .ruff_cache build *.egg-info
	find fmnist_utils notebooks tests benchmarks tools \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

#:
#:  Options, on the command line or in the environment:
#:    PROFILE=smoke|quick|full   a folder of params/; quick without a GPU, full with one
#:    ONLY="02 05"               these notebooks alone
#:    DATASET=mnist              a data set's name or folder     DATA_DIR=path   where its files are
#:    OUT=folder                 reports/<profile> if not given   SEEDS=5         seeds a comparison
#:    JOBS=auto|1|2|…            runs side by side                PRECISION=auto|fp32|bf16
#:    SCHEDULER=tcp://host:8786  train on a Dask cluster          FORCE=1         execute the unchanged too
#:    DRY_RUN=1                  say what would run, and its cost    RETRAIN=1   train again what is stored, too
#:    SET="name=value …"         parameters of the notebooks, as in the params files
#:    PYTHON=python3.12          use this Python, or make .venv with it
#:
#:  For example: make reports PROFILE=smoke ONLY=02

dev: setup
	@lacks="$$($(RUN) tools/missing.py dev)"; [ -z "$$lacks" ] || { echo "Error: $(PY) lacks $$lacks; pip install them" >&2; exit 2; }

# Made again only when what it was made from has changed, or when it was copied: it knows where the package lies.
ifneq "$(shell cat .venv/.ready 2>/dev/null)" "$(CURDIR)"
.PHONY: .venv/.ready
endif
.venv/.ready: pyproject.toml constraints.txt
	@[ ! -L .venv ] || { echo "Error: .venv is a link, and what lies there may be another project's: remove it, or name" \
		"an environment, as in make $(or $(MAKECMDGOALS),setup) PYTHON=$$(readlink .venv)/bin/python" >&2; exit 2; }
	@$(call quoted,$(BASE)) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Error: Python 3.11 or newer is needed: name one, as in make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12" >&2; exit 2; }
	@$(if $(filter-out all,$(LACKS)),echo "$(BASE) lacks $(LACKS): .venv is used instead")
	@$(call quoted,$(BASE)) -c 'import ensurepip, venv' 2>/dev/null || $(call apt,python3-venv) \
		|| { echo "Error: $(BASE) cannot make virtual environments: sudo apt-get install python3-venv" >&2; exit 2; }
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || $(call quoted,$(BASE)) -m venv --clear .venv
	@echo "Installing the dependencies into .venv (the first time: some minutes, up to 6 GB) ..."
	@.venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@echo $(call quoted,$(CURDIR)) > $@
