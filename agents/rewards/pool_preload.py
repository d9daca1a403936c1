"""The settings of processes that score text, imported first by the forkserver whose children inherit them.

Not imported anywhere else: it changes the process it is in.
"""

from __future__ import annotations

import logging
import os
import signal
import warnings

# ^C reaches the whole process group; the pool's owner decides when its workers end.
signal.signal(signal.SIGINT, signal.SIG_IGN)
# Linear algebra libraries reserve address space for each thread, and workers have an address space limit.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
# math-verify warns on every answer that its own timeouts are off; the pool's timeout replaces them.
logging.disable(logging.CRITICAL)
# A warning made an error by the owner's flags would end the server; libraries warn at import.
warnings.simplefilter("ignore")
