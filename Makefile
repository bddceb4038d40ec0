# Every task a person does. `make` alone prints them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
NPM := npm --loglevel=error
# The Node that the project brings, whatever the machine has.
NODE := node_modules/node/bin/node
IMAGE ?= nexus-mcp:dev
NODE_IMAGE ?= node:24-bookworm-slim
ARGS ?=

# What a change must pass before its tests: independent of each other.
CHECKS := lint format unused generated
# Side by side on two cores, each with its output in one piece where make can do that.
TOGETHER := --no-print-directory --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.PHONY: help run test test-unit test-browser test-integration test-cluster docker images chromium check $(CHECKS) fmt demo bench hostile screenshots generate rules alerts-report build image chart clean

help: ## Print this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "  make %-17s %s\n", $$1, $$2 }'

run: node_modules/.installed ## Serve on http://127.0.0.1:9999 (ARGS="--log.level debug")
	@exec $(NODE) src/main.ts $(ARGS)

test: node_modules/.installed ## Check and test everything, and print what the slowest test files cost
	@$(MAKE) $(TOGETHER) images $(CHECKS) chromium
	@$(NPM) --silent run test:all

test-unit: node_modules/.installed ## Run the tests that need nothing but npm (ARGS="test/mcp" for some)
	@$(NPM) --silent test -- $(ARGS)

test-browser: node_modules/.installed ## Run the tests of the status page in Chromium
	@$(NPM) --silent run test:browser -- $(ARGS)

test-integration: node_modules/.installed ## Run the tests on containers: Prometheus, Alertmanager, our image
	@$(NPM) --silent run test:integration -- $(ARGS)

test-cluster: node_modules/.installed ## Run the tests on the Kubernetes cluster that the kubeconfig names
	@$(NPM) --silent run test:cluster -- $(ARGS)

docker:
	@sh scripts/ensure-docker.sh

images: docker node_modules/.installed
	@$(NODE) scripts/stand-in-images.ts

# After what else may install packages.
chromium: docker
	@sh scripts/ensure-chromium.sh >/dev/null

check: node_modules/.installed ## Types, lint, format, unused code, generated files
	@$(MAKE) $(TOGETHER) $(CHECKS)

$(CHECKS): node_modules/.installed
	@$(NPM) --silent run $@

fmt: node_modules/.installed ## Format and fix what can be fixed
	@$(NPM) --silent run fmt

demo: docker node_modules/.installed ## Show it all: the server, traffic, Prometheus, Alertmanager, Grafana
	@exec $(NODE) scripts/demo.ts

bench: node_modules/.installed ## Measure, and print the ratios (ARGS="--quick")
	@$(NPM) --silent run bench -- $(ARGS)

hostile: node_modules/.installed ## Let hostile clients loose on a server, and see what they leave behind (ARGS="20000 SEED")
	@$(NPM) --silent run hostile -- $(ARGS)

screenshots: node_modules/.installed ## Take the picture of the README, and those of the dashboards where there is Grafana
	@$(NODE) scripts/screenshots.ts
	@if $(MAKE) --no-print-directory docker; then exec $(NODE) scripts/demo.ts --pictures dist/dashboards; \
	else echo 'No pictures of the dashboards are taken, because they need Docker'; fi

generate: node_modules/.installed ## Write the generated sections and files
	@$(NPM) --silent run generate

rules: node_modules/.installed ## Write the alert rules with parameters of your own into dist (ARGS=my-alerts.yaml)
	@$(NODE) scripts/alert-rules.ts $(ARGS)

alerts-report: node_modules/.installed ## Measure what the alerts detect, and write alerts/DETECTION.md
	@$(NPM) --silent run test:integration -- test/alerts/detection.test.ts --update

build: node_modules/.installed ## Compile to dist/
	@$(NPM) --silent run build

image: docker ## Build the container image (IMAGE=name:tag NODE_IMAGE=base)
	docker build --build-arg NODE_IMAGE=$(NODE_IMAGE) --build-arg REVISION=$$(git rev-parse HEAD) -t $(IMAGE) .

chart: node_modules/.installed ## Package the chart into dist/ (ARGS="--sign --key NAME --keyring FILE")
	@exec $(NODE) scripts/package-chart.ts $(ARGS)

clean: ## Remove what was built and installed
	rm -rf node_modules dist coverage

node_modules/.installed: package.json package-lock.json .npmrc
	@sh scripts/ensure-npm.sh
	@$(NPM) ci
	@touch $@
