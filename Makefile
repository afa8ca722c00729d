# The words that people, CI and workflows type. `make help` lists them.

# What follows a target, as in SERVICE=payment, is data: recipes read it from the environment. On the command line make
# itself would read a $ in it, before the command that refuses it.
$(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(if $(findstring $$,$(value $(name))),$(error $(name) must be without a dollar sign))))

.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*\# .*/\1/p' $(MAKEFILE_LIST))
# make 3.81, which macOS has, runs a simple line without a shell, and not on the PATH below, unless told its shell.
SHELL := /bin/bash

# Everything runs on the Node that .tool-versions pins: the machine's, or else one from npm.
NODE_VERSION := $(shell sed -n 's/^nodejs //p' .tool-versions)
ifneq ($(shell node --version 2>/dev/null),v$(NODE_VERSION))
NODE := .tools/node-$(NODE_VERSION)/node_modules/node/bin/node
export PATH := $(CURDIR)/$(dir $(NODE)):$(PATH)
endif

SERVICES := $(patsubst %/package.json,%,$(wildcard *-service/package.json))
PACKAGES := $(wildcard packages/*)
INSTALLED := node_modules/.package-lock.json
BUNDLES := $(SERVICES:%=%/dist/main.cjs)
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

help: ## Show this list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  \033[36mmake %-18s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Try

run: $(BUNDLES) ## Pay 1,000 invoices here: both services, no Docker, no cluster
	@node tools/commands/run.ts

test: $(INSTALLED) $(BUNDLES) ## Run every test that needs no cluster
	@biome ci
	@for folder in . $(PACKAGES) $(SERVICES); do tsc --project $$folder || exit; done
	@depcruise --output-type err tools tests $(PACKAGES) $(SERVICES)
	@for folder in $(PACKAGES) $(SERVICES); do npm test --silent --prefix $$folder || exit; done
	@node tools/commands/test.ts 'tests/tools/**' 'tests/access/**' 'tests/workflows/**' 'tests/monitoring/**' 'tests/manifests/**' '!tests/manifests/mutations.test.ts' '!tests/manifests/fuzz.test.ts'

test-manifests: $(INSTALLED) ## Test the manifests alone, and run nothing of the services
	@node tools/commands/test.ts 'tests/manifests/**' '!tests/manifests/mutations.test.ts' '!tests/manifests/fuzz.test.ts'

up: $(NODE) ## Bring up a cluster in Docker that Argo CD syncs from your commits (ENVIRONMENT=testing, RESTORE=1)
	@node tools/commands/up.ts

pay: $(NODE) ## Make a pay run in the cluster
	@node tools/commands/pay.ts

status: $(NODE) ## Show what is deployed: revision, image, sync, health
	@node tools/commands/status.ts

e2e: $(INSTALLED) ## Test the cluster that KUBECONFIG names, and write report/index.html
	@rm -rf report/e2e report/index.html; mkdir -p report/e2e; set -o pipefail; \
	ava --concurrency 1 --timeout 10m 'tests/e2e/**' | tee report/e2e/log.txt; code=$$?; \
	EXIT_CODE=$$code node tools/commands/report.ts && exit $$code

test-images: $(INSTALLED) ## Test images, signatures, docker compose, and clusters without Argo CD: in Docker
	@ava --concurrency 1 --timeout 10m 'tests/docker/**'

down: $(NODE) ## Remove the cluster and all that make up made
	@node tools/commands/down.ts

##@ Deliver

deploy: $(NODE) ## Show the cluster the newest commit (a Git hook does it at each commit)
	@node tools/commands/deploy.ts

live: $(NODE) ## Follow a commit until every pod serves it, and say where it is (COMMIT=HEAD)
	@node tools/commands/live.ts

preview: node_modules/.package-lock.json ## Show what the clusters would get by the commits since BASE (main)
	@node tools/commands/preview.ts

promote: $(NODE) ## Open a promotion of testing's image to production (SERVICE=payment, DRY_RUN=1)
	@node tools/commands/promote.ts

bump: $(NODE) ## Put a published image into testing's overlay, on main (SERVICE=payment)
	@node tools/commands/bump.ts

revert: $(NODE) ## Take back what a commit brought whose deployment failed, on main (SERVICE=payment COMMIT=1a2b3c4)
	@node tools/commands/revert.ts

services: $(NODE) # by .github/workflows/publish.yaml: the services that HEAD has, as JSON
	@node tools/commands/services.ts

image: $(NODE) # by .github/workflows/publish.yaml: for this machine's architecture (SERVICE=payment)
	@node tools/commands/image.ts

publish: $(NODE) # by .github/workflows/publish.yaml: one image of those for each architecture
	@node tools/commands/publish.ts

sign: $(NODE) # by .github/workflows/publish.yaml: what make publish made, by its digest (SERVICE=payment DIGEST=sha256:...)
	@node tools/commands/sign.ts

verify-images: node_modules/.package-lock.json ## Check who signed the images that the overlays name (BASE=main: only new ones)
	@node tools/commands/verify-images.ts

new-service: $(NODE) ## Add a service: source, manifests, project, namespace (NAME=invoices-mail)
	@node tools/commands/new-service.ts

new-environment: $(NODE) ## Add an environment, as testing is (NAME=staging)
	@node tools/commands/new-environment.ts

##@ Operate

shell-multitool: $(NODE) ## Open a shell in the cluster, with curl and jq
	@node tools/commands/shell-multitool.ts

restore: $(NODE) ## Bring back Antaeus' invoices as they were at a moment (TIME=2026-11-30T12:00:00Z)
	@node tools/commands/restore.ts

dora: node_modules/.package-lock.json ## Write report/dora.html: how often, how fast and how safely is deployed
	@node tools/commands/dora.ts

disaster-drill: $(NODE) ## Delete the cluster, bring everything back from Git, and time it
	@node tools/commands/disaster-drill.ts

report: node_modules/.package-lock.json ## Write report/index.html again, and the tables of docs/access.md
	@node tests/manifests/write-documents.ts
	@node tools/commands/report.ts

branch-protection: $(NODE) ## Have GitHub enforce who may merge what (BUMP_APP=12345, DRY_RUN=1)
	@node tools/commands/branch-protection.ts

##@ Develop

install-asdf-tools: ## Install the tools that .tool-versions pins, by mise or asdf
	@if command -v mise >/dev/null; then mise install; \
	elif command -v asdf >/dev/null; then cut -d ' ' -f 1 .tool-versions | xargs -n 1 asdf plugin add; asdf install; \
	else echo "✘ Neither mise nor asdf is here: install one of them, or the tools of .tool-versions by hand"; exit 1; fi

mutate: $(INSTALLED) ## Break the manifests in many ways, and see the tests find each
	@ava tests/manifests/mutations.test.ts tests/manifests/fuzz.test.ts

schemathesis: $(BUNDLES) .tools/schemathesis/ready ## Ask payment what its description allows and forbids
	@node tools/commands/schemathesis.ts .tools/schemathesis/bin/schemathesis

bench: $(INSTALLED) payment-service/dist/snapshot.blob .tools/bench/ready ## Measure payment beside bare Node, fastify and Flask (BENCH_QUICK=1: roughly)
	@node payment-service/bench/run.ts

bench-antaeus: $(INSTALLED) antaeus-service/dist/main.cjs payment-service/dist/snapshot.blob ## Measure Antaeus with 1,000 to 1,000,000 invoices (BENCH_QUICK=1: up to 10,000)
	@node antaeus-service/bench/run.ts

bench-repository: $(INSTALLED) ## Measure what grows as services are added, up to a hundred (BENCH_QUICK=1: up to four)
	@node tools/commands/bench-repository.ts

image-contents: $(NODE) ## List what payment's image holds, file by file, and whose it is
	@node payment-service/bench/image-contents.ts

size: $(INSTALLED) ## Count folders, lines and circles, each beside its limit
	@node tools/commands/size.ts

format: $(INSTALLED) ## Format and fix the code
	@biome check --write

$(NODE):
	@command -v npm >/dev/null || { echo "✘ Node and npm are missing: install Node $(NODE_VERSION), see .tool-versions"; exit 1; }
	@echo "▸ Bringing Node $(NODE_VERSION) from npm: this machine has $$(node --version)"
	@npm install --silent --no-save --prefix .tools/node-$(NODE_VERSION) node@$(NODE_VERSION)

.tools/schemathesis/ready: tools/schemathesis/requirements.txt
	@echo "▸ Bringing Schemathesis from PyPI"
	@python3 -m venv .tools/schemathesis && .tools/schemathesis/bin/pip install --quiet --requirement $< && touch $@

# npm ci leaves the file behind that the rule is about, older than it wants it.
node_modules/.package-lock.json: package-lock.json | $(NODE)
	@echo "▸ Installing the packages" && npm ci --ignore-scripts --loglevel=error && touch $@

# The second expansion knows the service, and takes the names of its files as they are.
.SECONDEXPANSION:
%/dist/main.cjs: $(INSTALLED) %/package.json $(wildcard packages/*/src/*.ts) $$(wildcard $$*/*/*.ts)
	@cd $* && npm run --silent build -- --log-level=warning

.tools/bench/ready: payment-service/bench/peers/package.json payment-service/bench/peers/requirements.txt | $(NODE)
	@echo "▸ Installing the peers into .tools/bench"
	@mkdir -p .tools/bench && cp payment-service/bench/peers/package.json .tools/bench && npm install --silent --prefix .tools/bench
	@python3 -m venv .tools/bench/python && .tools/bench/python/bin/pip install --quiet --requirement payment-service/bench/peers/requirements.txt && touch $@

payment-service/dist/snapshot.blob: payment-service/dist/main.cjs payment-service/snapshot/snapshot.json
	@cd payment-service && npm run --silent snapshot
