"""Every field of PEFT's LoraConfig, each with values that are not its default."""
import dataclasses
import json
import shutil

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

import common

LANGUAGE = ["o_proj", "up_proj"]  # the vision tower has no modules of these names
SITE = "model.language_model.layers.0.self_attn.o_proj"

# A field without a line here ends the script, so that no field of a newer PEFT is skipped.
VALUES = {
    "task_type": [None, "CAUSAL_LM", "FEATURE_EXTRACTION"],
    "peft_type": ["LOHA", "IA3"],
    "auto_mapping": [{"base_model_class": "LlavaNextForConditionalGeneration",
                      "parent_library": "transformers.models.llava_next.modeling_llava_next"}],
    "peft_version": ["0.18.0"],
    "base_model_name_or_path": ["somewhere/else"],
    "revision": ["main"],
    "inference_mode": [False],
    "r": [2, 3],
    "target_modules": [["q_proj", "v_proj"], ["up_proj"], "all-linear", r".*language_model.*\.o_proj", ["multi_modal_projector.linear_1"],
                       ["o_proj", "up_proj", "lm_head"], ["embed_tokens"], [f"layers.{layer}.mlp.up_proj" for layer in range(4)]],
    "exclude_modules": [["layers.1.self_attn.o_proj"], r".*up_proj", ["lm_head"]],
    "lora_alpha": [1, 32],
    "lora_dropout": [0.5],
    "fan_in_fan_out": [True],
    "bias": ["all", "lora_only"],
    "use_rslora": [True],
    "modules_to_save": [["lm_head"], ["embed_tokens"]],
    "init_lora_weights": [False, True, "gaussian", "eva", "olora", "pissa", "pissa_niter_4", "corda", "loftq", "orthogonal", "lora_ga"],
    "layers_to_transform": [[0], 1],
    "layers_pattern": ["layers", ["layers"]],
    "rank_pattern": [{"up_proj": 2}, {r".*layers\.1\..*": 6}],
    "alpha_pattern": [{"o_proj": 1}, {r".*layers\.1\..*": 64}],
    "megatron_config": [{"tensor_model_parallel_size": 1}],
    "megatron_core": ["other.core"],
    "trainable_token_indices": [[5, 6], {"embed_tokens": [5, 6]}],
    "loftq_config": [{"loftq_bits": 4}],
    "eva_config": [{"rho": 3.0}],
    "corda_config": [{"corda_method": "kpm"}],
    "lora_ga_config": [{"direction": "ArB2r"}],
    "use_dora": [True],
    "velora_config": [{"num_groups": 2}],
    "alora_invocation_tokens": [[5, 6], [128]],
    "use_qalora": [True],
    "qalora_group_size": [8],
    "monteclora_config": [{"monteclora_n": 4}],
    "layer_replication": [[[0, 2], [1, 4]]],
    "runtime_config": [{"ephemeral_gpu_offload": True}],
    "lora_bias": [True],
    "target_parameters": [["language_model.layers.0.self_attn.o_proj.weight"]],
    "use_bdlora": [{"target_modules_bd_a": ["up_proj"], "target_modules_bd_b": ["o_proj"], "nblocks": 2}],
    "arrow_config": [{"top_k": 2}],
    "kasa_config": [{"lambda_1": 0.1}],
    "ensure_weight_tying": [True],
    "a_field_of_tomorrow": [3, "on", False, None],
}
# Values that PEFT accepts only when the adapter is made with them, because they change the stored tensors.
MADE = {"r", "target_modules", "exclude_modules", "bias", "modules_to_save", "layers_to_transform", "rank_pattern", "trainable_token_indices",
        "use_dora", "lora_bias", "target_parameters", "use_bdlora", "layer_replication", "use_qalora", "monteclora_config", "kasa_config",
        "velora_config", "init_lora_weights"}


def make(work, **fields):
    """An adapter with random matrices, saved by PEFT."""
    torch.manual_seed(1)
    defaults = {"r": 4, "lora_alpha": 16, "target_modules": LANGUAGE}
    model = get_peft_model(common.load(work.base), LoraConfig(**{**defaults, **fields}))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name and "magnitude" not in name:
                weight.copy_(torch.randn(weight.shape) * 0.5 / weight.shape[-1] ** 0.5)
            elif weight.requires_grad:
                weight.add_(torch.randn(weight.shape) * 0.1)
    folder = work.folder()
    model.save_pretrained(folder)
    return folder


def edited(work, adapter, field, value):
    folder = work.folder()
    for file in adapter.iterdir():
        shutil.copy(file, folder / file.name)
    config = json.loads((folder / "adapter_config.json").read_text())
    config[field] = value
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def reference(work, adapter):
    model = PeftModel.from_pretrained(common.load(work.base), adapter).eval()
    return [common.text_vector(model, work.base)]


def ours(work, program, adapter):
    return program.vectors(work.base, "--adapter", adapter, "--text", common.TEXT)


def with_tensor(work, adapter, name, tensor):
    """The adapter with one more tensor, as a future tool may store it."""
    folder = edited(work, adapter, "peft_version", "0.21.2")
    tensors = load_file(folder / "adapter_model.safetensors")
    tensors[name] = tensor
    save_file(tensors, folder / "adapter_model.safetensors")
    return folder


def compare(program, base):
    work = common.Workshop(base)
    try:
        known = {field.name for field in dataclasses.fields(LoraConfig)}
        missing = known - VALUES.keys()
        assert not missing, f"no values for the fields {sorted(missing)}"
        adapter = make(work)
        plain = reference(work, adapter)
        for field, values in VALUES.items():
            for value in values:
                yield common.judge(field, value, plain, *[attempt_one(work, program, adapter, field, value, which) for which in (True, False)])
                if field not in MADE:
                    continue
                made = common.attempt(lambda: make(work, **{field: value}))
                if isinstance(made, str):  # PEFT does not make it in this way
                    continue
                verdict = common.judge(field, value, plain, common.attempt(lambda: reference(work, made)), ours(work, program, made))
                verdict.field += " (as PEFT saves it)"
                yield verdict
        prefix = f"base_model.model.{SITE}"
        for name, shape in {f"{prefix}.lora_magnitude_vector": (128,), f"{prefix}.lora_B.bias": (128,), f"{prefix}.base_layer.weight": (128, 128),
                            "base_model.model.model.language_model.norm.weight": (128,)}.items():
            changed = with_tensor(work, adapter, name, torch.ones(shape))
            yield common.judge(f"tensor {name.removeprefix('base_model.model.')}", list(shape), plain,
                               common.attempt(lambda: reference(work, changed)), ours(work, program, changed))
    finally:
        work.close()


def attempt_one(work, program, adapter, field, value, is_reference):
    changed = edited(work, adapter, field, value)
    return common.attempt(lambda: reference(work, changed)) if is_reference else ours(work, program, changed)
