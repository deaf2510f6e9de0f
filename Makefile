# Selfserve, one word per deed. `make help` lists them.
# Needs only make and Python >= 3.11; everything else is installed into .venv, from hash-locked files.

VENV := .venv
PY := $(VENV)/bin/python
INSTALL := install -qq --disable-pip-version-check --no-input --require-hashes
PIP := $(PY) -m pip $(INSTALL)
PYTEST := $(PY) -m pytest -q
JOBS ?= 2

# The first Python that is new enough; `make run PYTHON=/path/to/python3` names another.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)

.DEFAULT_GOAL := help
.PHONY: help run demo test fast browser bench fix check lock migration routes rights static clean

help: ## List the deeds
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## -- using it ---------------------------------------------------------------------------------------------------

run: $(VENV)/.runtime static ## Start Selfserve on http://127.0.0.1:4000 (Ctrl-C stops it)
	@$(PY) -m selfserve.setup --serve
	@exec $(PY) -m selfserve.serve

demo: $(VENV)/.runtime static ## The same with a made-up company in a throw-away database
	@SELFSERVE_DATA_DIR="$$(mktemp -d)"; DATABASE_URL="sqlite:///$$SELFSERVE_DATA_DIR/demo.db"; \
	export SELFSERVE_DATA_DIR DATABASE_URL SELFSERVE_ORGANIZATION=Acme; trap 'rm -rf "$$SELFSERVE_DATA_DIR"' EXIT; trap : INT TERM; \
	$(PY) -m selfserve.setup --demo --serve && $(PY) -m selfserve.serve

## -- proving it -------------------------------------------------------------------------------------------------

test: $(VENV)/.dev static ## Everything: on SQLite, on PostgreSQL, then in a real browser
	@TEST_DATABASE=sqlite $(PYTEST) -n $(JOBS) --dist worksteal --ignore=tests/browser
	@TEST_DATABASE=postgresql $(PYTEST) -n $(JOBS) --dist worksteal --ignore=tests/browser --ignore=tests/unit
	@$(MAKE) --no-print-directory browser

fast: $(VENV)/.dev ## No browser, SQLite only (make fast only=tests/unit)
	@TEST_DATABASE=sqlite $(PYTEST) -n $(JOBS) --dist worksteal $(or $(only),--ignore=tests/browser)

browser: $(VENV)/.dev $(VENV)/.provider static ## Whole journeys in a real Chromium
	@TEST_CHROMIUM="$$($(PY) -m tests.chromium)" && export TEST_CHROMIUM && TEST_DATABASE=sqlite $(PYTEST) -n $(JOBS) --dist worksteal tests/browser

check: $(VENV)/.dev ## Lint, format, types, templates, migrations, dead code
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m djlint --quiet --lint selfserve/templates
	@$(PY) -m vulture
	@TEST_DATABASE=sqlite $(PYTEST) tests/contract/test_migrations.py
	@TEST_DATABASE=postgresql $(PYTEST) tests/contract/test_migrations.py

bench: $(VENV)/.dev static ## Measure beside a bare Flask view, about 90 minutes (make bench quick=1)
	@$(PY) -m bench $(if $(quick),--effort quick) $(if $(short),--effort short) $(if $(databases),--databases $(databases)) $(if $(only),--only $(only))

fix: $(VENV)/.dev ## Format, and mend what the linter can mend
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

## -- changing it ------------------------------------------------------------------------------------------------

lock: $(VENV)/.dev ## Renew the requirements*.txt from the .in files
	@for name in requirements requirements-dev requirements-provider; do $(PY) -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command 'make lock' $$name.in -o $$name.txt; done

migration: $(VENV)/.dev ## Draft a migration from the models: make migration name="add teams"
	@test -n "$(name)" || { echo 'Name it: make migration name="add teams"' >&2; exit 2; }
	@$(VENV)/bin/flask --app wsgi db migrate -m "$(name)" --rev-id "$$(printf '%04d' $$(( $$(ls migrations/versions/*.py | wc -l) + 1 )))"

routes: $(VENV)/.runtime ## List every address with the permission it asks for
	@$(VENV)/bin/flask --app wsgi rights --routes

rights: $(VENV)/.runtime ## Print the README's table of rights from the policy
	@$(VENV)/bin/flask --app wsgi rights

static: $(VENV)/.static ## Compress the static files

clean: ## Remove everything that was made, but never your data (instance/)
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@find selfserve/static -name '*.gz' -delete

## -- stamps: done once, again only when what they depend on has changed ------------------------------------------

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Selfserve needs Python 3.11 or newer and found none. Name one: make run PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Selfserve needs Python 3.11 or newer; $(PYTHON) is older. Name another: make run PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	@echo "Installing what Selfserve needs into $(VENV) (only when requirements.txt has changed) ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	@echo "Installing what the tests need into $(VENV) (only when the requirements have changed) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $(VENV)/.runtime $@

$(VENV)/.provider: requirements-provider.txt | $(VENV)/bin/python
	@echo "Installing the identity provider of the browser tests into $(VENV)/provider (only when its requirements have changed) ..."
	@$(PY) -m venv --clear --without-pip $(VENV)/provider
	@$(PY) -m pip --python $(VENV)/provider/bin/python $(INSTALL) -r requirements-provider.txt
	@touch $@

$(VENV)/.static: $(shell find selfserve/static -type f ! -name '*.gz' 2>/dev/null) | $(VENV)/.runtime
	@find selfserve/static -name '*.gz' -delete
	@$(PY) -m whitenoise.compress --quiet --no-brotli selfserve/static
	@touch $@
