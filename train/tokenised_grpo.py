"""TRL's ``GRPOTrainer`` on questions that are encoded as everywhere here."""

from __future__ import annotations

from typing import Any

from trl.trainer.grpo_trainer import GRPOTrainer

from longthought.agents.models.chat_tokens import ChatEncoder
from longthought.agents.models.contract import Message
from longthought.train.problem_batches import ProblemSampler


class TokenisedGRPOTrainer(GRPOTrainer):
    """TRL would take special tokens that are spelt in a question for real ones.

    The order of the problems is that of the seed and the epoch.
    """

    def _get_train_sampler(self, dataset: Any = None) -> ProblemSampler:
        trl: Any = super()
        order = trl._get_train_sampler(dataset)
        return ProblemSampler(
            order.data_source,
            mini_repeat_count=order.mini_repeat_count,
            batch_size=order.batch_size,
            repeat_count=order.repeat_count,
            seed=order.seed,
        )

    def _tokenize_prompts(self, prompts: Any) -> Any:
        tokenizer: Any = self.processing_class
        encoder = ChatEncoder(tokenizer)
        chats = [[Message(message["role"], message["content"]) for message in prompt] for prompt in prompts]
        return [encoder.encode(chat, add_generation_prompt=True).ids for chat in chats], None, {}
