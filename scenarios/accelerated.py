"""Starts a command of this package in several processes, by one of accelerate's configuration files."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from longthought.agents.errors import RunError, UsageError


def accelerate_file(name: str) -> Path:
    """The file of that path, or the one of that name that comes with the package: ddp, fsdp2, zero3, cpu2.

    Raises:
        UsageError: there is none.
    """
    if name.endswith((".yaml", ".yml", ".json")):
        if not (file := Path(name)).is_file():
            raise UsageError(f"--accelerate-config: {name} does not exist")
        return file
    ready = Path(str(files("longthought.train"))) / "accelerate"
    names = sorted(file.stem for file in ready.glob("*.yaml"))
    if name not in names:
        raise UsageError(f"--accelerate-config: {name} is none of {', '.join(names)}, and no file")
    return ready / f"{name}.yaml"


def launch(config: str, processes: int | None, arguments: Sequence[str]) -> int:
    """Run ``longthought`` with ``arguments`` in all processes to the end; returns the exit code.

    Args:
        processes: how many, in place of the configuration's own number.

    Raises:
        UsageError: no such configuration, or it needs what is not there.
        RunError: one of them was killed.
    """
    file = accelerate_file(config)
    torch: Any = import_module("torch")
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if content.get("distributed_type") == "DEEPSPEED" and find_spec("deepspeed") is None:
        raise UsageError(f"--accelerate-config: {config} needs `pip install deepspeed`")
    wanted = processes or int(content.get("num_processes", 1))
    if not content.get("use_cpu") and content.get("num_machines", 1) == 1:
        there = int(torch.cuda.device_count())
        if wanted > there:
            raise UsageError(
                f"--accelerate-config: {config} asks for {wanted} GPUs and {there} are there; set --processes"
            )
    return _launch(["--config_file", str(file), "--num_processes", str(wanted)], arguments)


def _launch(how: Sequence[str], arguments: Sequence[str]) -> int:
    commands: Any = import_module("accelerate.commands.launch")
    failed: Any = import_module("torch.distributed.elastic.multiprocessing.errors").ChildFailedError
    # A process that fails has said why; the launcher's own account of it is long and says less.
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parsed = commands.launch_command_parser().parse_args(
        [*how, "-m", "longthought.scenarios.cli", *arguments]
    )
    try:
        commands.launch_command(parsed)
    except failed as error:
        code = int(error.get_first_failure()[1].exitcode)
        if code < 0:
            raise RunError(
                f"a training process was killed by signal {-code}; checkpoints stay, go on with --resume"
            ) from None
        return code
    return 0
