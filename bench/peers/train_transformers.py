"""The training of E5-V's own script as one engine of a comparison: transformers + peft, one process, LoRA on the seven
matrices of a block, gradient checkpointing, supervised SimCSE's loss, AdamW."""

import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlavaNextForConditionalGeneration, PreTrainedTokenizerFast

import inputs

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class TransformersTrainer:
    def __init__(self, model, dtype, threads, recipe):
        self.name = f"transformers {dtype}"
        torch.set_num_threads(threads)
        torch.manual_seed(recipe["seed"])
        self.temperature = recipe["temperature"]
        self.tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(model / "tokenizer.json"), padding_side="left",
                                                 bos_token="<|begin_of_text|>", pad_token="<|end_of_text|>")
        kind = {"bf16": torch.bfloat16, "f32": torch.float32}[dtype]
        language_model = LlavaNextForConditionalGeneration.from_pretrained(model, dtype=kind).model.language_model
        language_model.config.use_cache = False
        language_model.gradient_checkpointing_enable({"use_reentrant": False})
        adapters = LoraConfig(r=recipe["rank"], lora_alpha=recipe["alpha"], lora_dropout=recipe["dropout"],
                              target_modules=TARGETS)
        self.model = get_peft_model(language_model, adapters)
        self.model.enable_input_require_grads()
        self.model.train()
        self.trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(self.trained, lr=recipe["lr"], weight_decay=0.0)

    def step(self, triplets):
        """Loss, tokens and seconds of one optimisation step on (anchor, positive, hard negative) triplets."""
        begin = time.perf_counter()
        sentences = [triplet[column] for column in range(3) for triplet in triplets]
        prompts = [inputs.TEXT_PROMPT.replace("<sent>", sentence) for sentence in sentences]
        batch = self.tokenizer(prompts, return_tensors="pt", padding=True, return_token_type_ids=False)
        vectors = self.model(**batch).last_hidden_state[:, -1].float()
        anchors, positives, negatives = torch.nn.functional.normalize(vectors, dim=-1).chunk(3)
        logits = anchors @ torch.cat([positives, negatives]).T / self.temperature
        loss = torch.nn.functional.cross_entropy(logits, torch.arange(len(triplets)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item(), int(batch["attention_mask"].sum()), time.perf_counter() - begin
