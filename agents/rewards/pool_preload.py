"""What a scoring worker needs in memory, imported by the forkserver so that fresh workers are warm at once.

Not imported anywhere else: it reads in sympy, math-verify and reasoning-gym, and it changes the process it is
in.
"""

from __future__ import annotations

import logging
import os
import signal
import warnings
from importlib import import_module

# ^C reaches the whole process group; the pool's owner decides when its workers end.
signal.signal(signal.SIGINT, signal.SIG_IGN)
# Linear algebra libraries reserve address space for each thread, and workers have an address space limit.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
# math-verify warns on every answer that its own timeouts are off; the pool's timeout replaces them.
logging.disable(logging.CRITICAL)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import_module("reasoning_gym")
    _math_verify = import_module("math_verify")
    # The first parse compiles regular expressions and grammars, the first comparison fills sympy's caches.
    _math_verify.verify(
        _math_verify.parse(r"\boxed{\frac{1}{2}}", parsing_timeout=None),
        _math_verify.parse(r"\boxed{\sqrt{x}+0.5}", parsing_timeout=None),
        timeout_seconds=None,
    )
warnings.simplefilter("ignore")
