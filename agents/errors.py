"""Every error this project raises, by the boundary it comes from.

LongthoughtError
├── UsageError(ValueError)        the user's input is wrong; one line says what to change (exit code 2)
│   └── JournalMismatch           a run directory holds another scenario's run
├── RunError(RuntimeError)        the run cannot go on, through no fault of the input (exit code 1)
├── ModelError                    an answer could not be had from a model
│   ├── RetryableError            another attempt may do better: 408/409/429/5xx, resets, timeouts, broken replies
│   ├── OutageError               all attempts failed, and so does a plain greeting: stops the run, which can be resumed
│   ├── ContextLengthError        the prompt does not fit the model's context; ends the debate, never retried
│   ├── RefusedError              the server will not take this request (400, 422); ends the debate, never retried
│   └── FatalModelError           every debate would fail likewise (401, 403, 404): ends the run before it spends more
├── UnreadableVerdict(ValueError) a critic's reply names no decision, or several; re-asked, never guessed
└── RewardError                   a reward model could not read; the reading is then *unscored*, never 0
"""

from __future__ import annotations


class LongthoughtError(Exception):
    """Root of all errors raised here."""


class UsageError(LongthoughtError, ValueError):
    """The user's input is wrong; the message names the file, the key and what would be right."""


class JournalMismatch(UsageError):
    """The run directory belongs to another scenario; the message shows the difference."""


class RunError(LongthoughtError, RuntimeError):
    """The run cannot go on (a full disk, a lost directory); what was journalled stays."""


class ModelError(LongthoughtError):
    """A model gave no usable answer."""


class RetryableError(ModelError):
    """This attempt failed in a way another attempt may not.

    ``retry_after`` is the server's own wish in seconds, or None; more than ``attempts`` are not worth it.
    """

    def __init__(self, reason: str, retry_after: float | None = None, attempts: int | None = None) -> None:
        super().__init__(reason)
        self.retry_after, self.attempts = retry_after, attempts


class OutageError(ModelError):
    """The model answers nothing at the moment, whatever it is asked and however often."""


class ContextLengthError(ModelError):
    """The prompt is longer than the model's context."""


class RefusedError(ModelError):
    """The server refuses this request; ``agents.refusals`` finds out whether it is the only one."""


class FatalModelError(ModelError):
    """No request of this run can succeed: wrong key, wrong model name, wrong address."""


class UnreadableVerdict(LongthoughtError, ValueError):
    """A critic's reply could not be read as exactly one decision. ``reply`` is shown back to the critic."""

    def __init__(self, complaint: str, reply: str = "") -> None:
        super().__init__(complaint)
        self.reply = reply


class RewardError(LongthoughtError):
    """A reward model failed; its reading becomes unscored."""
