"""TRL's ``GRPOTrainer`` on questions that are encoded as everywhere here."""

from __future__ import annotations

from typing import Any

from trl.trainer.grpo_trainer import GRPOTrainer

from longthought.agents.models.chat_tokens import ChatEncoder
from longthought.agents.models.contract import Message


class TokenisedGRPOTrainer(GRPOTrainer):
    """TRL would take special tokens that are spelt in a question for real ones."""

    def _tokenize_prompts(self, prompts: Any) -> Any:
        tokenizer: Any = self.processing_class
        encoder = ChatEncoder(tokenizer)
        chats = [[Message(message["role"], message["content"]) for message in prompt] for prompt in prompts]
        return [encoder.encode(chat, add_generation_prompt=True).ids for chat in chats], None, {}
