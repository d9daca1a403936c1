"""What an endpoint can and cannot do, asked of the endpoint itself: behind ``longthought doctor``.

It asks through the openai SDK, so that it also finds what our own client might get wrong.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from longthought.agents.models.wire_errors import Endpoint

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion

Grade = Literal["ok", "warn", "fail"]

#: A debate of a dozen turns needs about this many tokens.
SHORT_CONTEXT = 2048

_LIMIT = re.compile(r"(?:context|model|sequence)[ _]len(?:gth)?\D{0,24}?(\d{2,})", re.IGNORECASE)
_WORDS = ["continue", "terminate"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was found, and what to do about it (empty when nothing is needed)."""

    check: str
    grade: Grade
    what: str
    advice: str = ""


async def examine(
    base_url: str, model: str | None = None, api_key: str | None = None, *, timeout: float = 60.0
) -> list[Finding]:
    """Check health, models, one token, n, structured output, reasoning and context length, in this order.

    Never raises for what the endpoint does; what makes further checks pointless ends the list. ``timeout`` is
    in seconds for each request. At most about 200 tokens are sampled.
    """
    from openai import AsyncOpenAI

    async with AsyncOpenAI(
        base_url=base_url, api_key=api_key or "none", max_retries=0, timeout=timeout
    ) as client:
        return await _Examination(client, model, Endpoint(base_url, model or "", api_key)).run()


class _Examination:
    """The checks of one endpoint, which learn from each other: which model, how long its context is."""

    def __init__(self, client: AsyncOpenAI, model: str | None, endpoint: Endpoint) -> None:
        self._client, self._model, self._endpoint = client, model, endpoint
        self._context: int | None = None

    async def run(self) -> list[Finding]:
        steps: list[tuple[str, Callable[[], Awaitable[Finding]]]] = [
            ("health", self._health),
            ("models", self._models),
            ("one token", self._one_token),
            ("n", self._n),
            ("structured output", self._structured),
            ("reasoning", self._reasoning),
            ("context length", self._context_length),
        ]
        findings: list[Finding] = []
        for check, step in steps:
            try:
                found = await step()
            except Exception as error:  # whatever the endpoint does is a finding
                found = Finding(check, "fail", self._words(error), _advice(error))
            findings.append(found)
            if found.grade == "fail":
                break
        return findings

    async def _health(self) -> Finding:
        from openai import APIStatusError

        root = str(self._client.base_url).rstrip("/").removesuffix("/v1")
        try:
            await self._client.get(f"{root}/health", cast_to=str)
        except APIStatusError as error:
            if error.status_code in (401, 403, 404, 405):
                return Finding("health", "ok", f"no /health ({error.status_code}); hosted services have none")
            advice = "wait until the model is loaded, or look at the server's log"
            return Finding("health", "fail", f"{root}/health answers {error.status_code}", advice)
        return Finding("health", "ok", f"{root}/health answers 200")

    async def _models(self) -> Finding:
        rows = (await self._client.models.list()).data
        names = [row.id for row in rows]
        if not names:
            return Finding(
                "models", "fail", "the endpoint lists no models", "is base_url right? it ends in /v1"
            )
        asked = self._model or names[0]
        if asked not in names:
            shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
            return Finding("models", "fail", f"no model {asked}", f"choose one of: {shown}")
        self._model = asked
        length: Any = (rows[names.index(asked)].model_extra or {}).get("max_model_len")
        self._context = length if isinstance(length, int) else None
        return Finding("models", "ok", f"{asked} is served ({len(names)} in all)")

    async def _one_token(self) -> Finding:
        reply = await self._ask("Say hello.", max_tokens=1)
        used = reply.usage
        if used is None:
            advice = "budgets in tokens and costs will count nothing from this endpoint"
            return Finding("one token", "warn", "a reply, but without token counts", advice)
        counts = f"{used.prompt_tokens} prompt and {used.completion_tokens} completion tokens"
        return Finding(
            "one token", "ok", f"a reply of {counts}, finish_reason {reply.choices[0].finish_reason}"
        )

    async def _n(self) -> Finding:
        from openai import BadRequestError, UnprocessableEntityError

        advice = "best-of-n and searches will ask one by one, and pay for the prompt each time"
        try:
            reply = await self._ask("Say hello.", max_tokens=4, n=2)
        except (BadRequestError, UnprocessableEntityError):
            return Finding("n", "warn", "n = 2 is refused", advice)
        if len(reply.choices) == 2:
            return Finding("n", "ok", "two choices in one request")
        return Finding("n", "warn", f"n = 2 gives {len(reply.choices)} choice", advice)

    async def _structured(self) -> Finding:
        from openai import BadRequestError, UnprocessableEntityError

        advice = (
            "verdicts will be read from free text and re-asked when unreadable; vllm serve can constrain them"
        )
        prompt = "Name a colour."  # whatever an unconstrained model says to this is not among the words
        try:
            reply = await self._ask(
                prompt, max_tokens=16, extra_body={"structured_outputs": {"choice": _WORDS}}
            )
        except (BadRequestError, UnprocessableEntityError):
            return Finding("structured output", "warn", "structured_outputs is refused", advice)
        content = reply.choices[0].message.content
        if content in _WORDS:
            return Finding("structured output", "ok", "replies keep to a choice of words")
        if content is None:
            advice = "a reasoning parser swallows constrained replies: serve without --reasoning-parser"
            return Finding("structured output", "warn", "a constrained reply came without content", advice)
        return Finding("structured output", "warn", "structured_outputs is ignored", advice)

    async def _reasoning(self) -> Finding:
        reply = await self._ask("What is 17 + 25? Think first.", max_tokens=128)
        message = reply.choices[0].message
        extra = message.model_extra or {}
        field = next((name for name in ("reasoning", "reasoning_content") if extra.get(name)), None)
        if field:
            return Finding("reasoning", "ok", f"thinking comes apart from the answer, in the field {field}")
        if "<think>" in (message.content or ""):
            advice = "serve with --reasoning-parser, or expect thinking inside steps"
            return Finding(
                "reasoning", "warn", "thinking comes inside the answer, between <think> tags", advice
            )
        return Finding("reasoning", "ok", "no reasoning field: the model thinks in its answer, or not at all")

    async def _context_length(self) -> Finding:
        from openai import BadRequestError, UnprocessableEntityError

        source = "as the endpoint lists it"
        if self._context is None:
            source = "as its error says"
            try:
                await self._ask("Say hello.", max_tokens=100_000_000)
            except (BadRequestError, UnprocessableEntityError) as error:
                stated = _LIMIT.search(str(error))
                self._context = int(stated[1]) if stated else None
        if self._context is None:
            advice = "set the budgets so that a debate fits the context you know of"
            return Finding("context length", "warn", "the endpoint does not tell", advice)
        told = f"{self._context} tokens, {source}"
        if self._context < SHORT_CONTEXT:
            advice = "long debates will end for want of context; use memory: path, or fewer turns"
            return Finding("context length", "warn", told, advice)
        return Finding("context length", "ok", told)

    async def _ask(self, text: str, **settings: Any) -> ChatCompletion:
        # The SDK returns whatever came (a string for HTML), and its overloads do not take settings as a dict.
        create = cast("Callable[..., Awaitable[object]]", self._client.chat.completions.create)
        reply = await create(model=self._model, messages=[{"role": "user", "content": text}], **settings)
        if not getattr(reply, "choices", None):
            raise ValueError("a reply that is no chat completion")
        return cast("ChatCompletion", reply)

    def _words(self, error: Exception) -> str:
        return self._endpoint.quote(str(error.__cause__ or error)) or type(error).__name__


def _advice(error: Exception) -> str:
    from openai import (
        APIConnectionError,
        APITimeoutError,
        AuthenticationError,
        NotFoundError,
        PermissionDeniedError,
    )

    match error:
        case APITimeoutError():
            return "the server takes requests but does not answer: look at its log"
        case APIConnectionError():
            return "is the server running, and is base_url right?"
        case AuthenticationError() | PermissionDeniedError():
            return "give the endpoint's API key"
        case NotFoundError():
            return "is base_url right? it usually ends in /v1"
        case _:
            return "this is no OpenAI-compatible endpoint, or it is out of order: look at its log"
