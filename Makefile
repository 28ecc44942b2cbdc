# Ottoscale's front door. `make help` lists the targets.
.DEFAULT_GOAL := help
CONFIGURE = cmake -G Ninja -DCMAKE_CXX_COMPILER=clang++-19

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

deps: ## install what a build needs (Debian 12; root or sudo)
	@pkg/cmake/install-packages.sh build

build: deps ## build the product: build/ottoscale
	@$(CONFIGURE) -S . -B build -DCMAKE_BUILD_TYPE=Release -DOTTOSCALE_TESTS=OFF >build.log 2>&1 || { cat build.log; rm -f build.log; exit 1; }; rm -f build.log
	@cmake --build build

demo: build ## the main job in front of your eyes: no cluster, no account (FOR=120 ends after 120 s)
	@build/ottoscale demo $(if $(FOR),--for $(FOR)s)

test: ## set up, build and run every suite
	@test/run.sh

generate: ## write what is made from something else: crds/ from the schemas, and what deploy/generate.py makes (HELM=helm4)
	@crds/generate.py
	@python3 deploy/generate.py $(if $(HELM),--helm $(HELM))

tools: ## the real servers of the tests (kube-apiserver, etcd, kubectl, Helm) into the user's cache
	@test/tools/build.sh

lint: ## clang-format and clang-tidy of what changed since it was clean
	@pkg/cmake/install-packages.sh build test lint
	@pkg/cmake/lint.sh

bench: build ## the figures: a decision, and a race on a real kube-apiserver (POLICIES=1000 FOR=120 OF=ottoscale,kopf)
	@test/bench/run.sh $(if $(POLICIES),--policies $(POLICIES)) $(if $(FOR),--seconds $(FOR)) $(if $(OF),--of $(OF))

image: build ## the OCI image, without a container engine: build/image
	@deploy/image/build.py build/ottoscale build/image

clean: ## remove the build folder
	@rm -rf build

.PHONY: help deps build demo bench test generate tools lint image clean
