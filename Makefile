# `make` alone lists the targets. Each target does its own set-up.
SHELL := /bin/bash
RUN := .venv/bin/
PROFILE ?= sme-2x4090
ROLE ?= base

.DEFAULT_GOAL := help
.PHONY: help setup setup-lab demo test test-all lint bench gpu-check molecule clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: ## Python environment from the lock file (no root needed)
	@scripts/bootstrap

setup-lab: ## the same, and as root the system packages of the lab
	@scripts/bootstrap --lab

demo: setup-lab ## a whole stack on real LXC guests of this machine (GPUs simulated), verified
	@$(RUN)provision up --profile $(PROFILE) --lab --yes

test: setup-lab ## lint, types, unit, contract and golden tests; as root also the lab
	@scripts/test

test-all: setup-lab ## the same, with the lab tests that take many minutes
	@scripts/test --all

lint: setup ## ruff, mypy strict, yamllint, ansible-lint production
	@scripts/lint

bench: ## measured: the decision layer beside its peers, memory, planning, second run; some: make bench PARTS="layer"
	@scripts/bootstrap --bench
	@$(RUN)python -m bench $(PARTS)

gpu-check: setup ## the plan against a real NVIDIA card; options: make gpu-check ARGS="--source FILE"
	@$(RUN)python -m bench.gpu_check $(ARGS)

molecule: setup-lab ## one role on a real LXC host: make molecule ROLE=caddy
	@PATH="$(CURDIR)/.venv/bin:$$PATH" $(RUN)molecule test -s $(ROLE)

clean: setup ## take down every lab of this machine: guests, bridges, firewall rules, mounts
	@$(RUN)provision lab down --all
