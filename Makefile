.DEFAULT_GOAL := help
.PHONY: help reproduce test lab notebook report bench train data clean
PYTHON   ?= python3
PIP_ARGS ?=
PROFILE  ?= small
VENV     ?= .venv
RUN      := $(VENV)/bin/python -m xaiutils
READY    := $(VENV)/.ready

help:       ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12
reproduce: $(READY) ## run every notebook at PROFILE=small|medium|paper and write the report
	$(RUN) reproduce --profile $(PROFILE) $(ARGS)
test: $(READY) ## run every notebook against its stored outputs, then the tests
	$(RUN) test $(ARGS)
lab: $(READY) ## open the workbook in JupyterLab
	$(RUN) lab
notebook: $(READY) ## run one: make notebook NB=agi/sec5_3_quantitative [PROFILE=medium]
	$(RUN) notebook $(NB) --profile $(PROFILE) $(ARGS)
report: $(READY) ## write the HTML report of what was run
	$(RUN) report --profile $(PROFILE)
bench: $(READY) ## speed as ratios: against the bound and against the usual way
	$(RUN) bench $(ARGS)
train: $(READY) ## train one of our own networks: make train MODEL=lenet-digits
	$(RUN) train $(MODEL) $(ARGS)
data: $(READY) ## fetch a data set into XAI_DATA: make data DATASET=cifar10
	$(RUN) data $(DATASET) $(ARGS)
clean:      ## remove build/ and .venv/
	rm -rf build $(VENV)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet $(PIP_ARGS) -c constraints.txt -e '.[all]'
	@touch $@
