#!/usr/bin/env python3
"""Changes every field of PEFT's LoraConfig in an adapter and compares what PEFT and e5v compute.

    pip install torch transformers peft   # run with torch 2.15.0, transformers 5.24.0, peft 0.21.2
    tools/compare_adapter_fields.py build/release/e5v tests/golden/ckpt/tiny-small-f32

One adapter with random matrices is written for the tiny checkpoint; then each case edits its adapter_config.json (or its
tensors), PEFT opens it on LlavaNextForConditionalGeneration, and e5v embeds one text with it. Each line tells what the
field does to PEFT's vector and what e5v does: the same vector, or a refusal. Then PEFT opens what `e5v train` writes, for
LLaVA-NeXT and for its language model alone. The exit code is 1 when e5v gives another vector than PEFT without an error,
when PEFT does not find all matrices of a trained adapter, or when LoraConfig has a field that no case changes.
"""
import argparse
import dataclasses
import json
import pathlib
import shutil
import subprocess
import tempfile
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM, LlavaNextForConditionalGeneration

SENTENCE = "A tabby cat sits on a wall."
PROMPT = ("<|start_header_id|>user<|end_header_id|>\n\n" + SENTENCE + "\nSummary above sentence in one word: <|eot_id|>"
          "<|start_header_id|>assistant<|end_header_id|>\n\n \n")
TARGETS = ["q_proj", "up_proj", "linear_2"]

# Field, values. The adapter itself has r 4, lora_alpha 8 and TARGETS.
CASES = [
    ("task_type", ["CAUSAL_LM", "FEATURE_EXTRACTION", None]),
    ("peft_type", ["LORA", "IA3", "ADALORA"]),
    ("auto_mapping", [None, {"base_model_class": "X", "parent_library": "y", "unsloth_fixed": True}]),
    ("peft_version", ["0.5.0", None]),
    ("base_model_name_or_path", ["", "nowhere", None]),
    ("revision", ["main"]),
    ("inference_mode", [False, True]),
    ("r", [8, 2]),
    ("target_modules", [["q_proj"], "all-linear", r".*language_model.*\.(q_proj|up_proj)", ".*(q_proj|up_proj|linear_2)",
                        "q_proj", [], None, TARGETS + ["k_proj"]]),
    ("exclude_modules", [["up_proj"], r".*layers\.0.*", r".*nothing.*", [], None]),
    ("lora_alpha", [16, 2.5, 0]),
    ("lora_dropout", [0.5]),
    ("fan_in_fan_out", [True]),
    ("bias", ["all", "lora_only"]),
    ("use_rslora", [True]),
    ("modules_to_save", [["lm_head"], ["norm"], []]),
    ("init_lora_weights", [True, False, None, "gaussian", "Gaussian", "eva", "orthogonal", "mica", "MiCA", "olora", "OLoRA",
                           "pissa", "pissa_niter_4", "corda", "loftq", "lora_ga", "nonsense", 1, 0]),
    ("layers_to_transform", [[1], 1, [0, 1, 2, 3], []]),
    ("layers_pattern", ["layers", ["h"]]),
    ("rank_pattern", [{"q_proj": 8}, {"none": 8}, None]),
    ("alpha_pattern", [{"q_proj": 32}, {r"layers\.1\..*": 32, "q_proj": 1}, None]),
    ("megatron_config", [{"hidden_size": 128}]),
    ("megatron_core", ["elsewhere.core", None]),
    ("trainable_token_indices", [[1, 2], {"embed_tokens": [1]}, []]),
    ("loftq_config", [{"loftq_bits": 4, "loftq_iter": 1}]),
    ("eva_config", [{"rho": 1.0}]),
    ("corda_config", [{"corda_method": "kpm"}]),
    ("lora_ga_config", [{"direction": "ArB2r"}]),
    ("use_dora", [True]),
    ("velora_config", [{"num_groups": 4, "scale": 1.0, "init_type": "random"}]),
    ("alora_invocation_tokens", [[1], [2057], []]),
    ("use_qalora", [True]),
    ("qalora_group_size", [32]),
    ("monteclora_config", [{"num_samples": 4}]),
    ("layer_replication", [[[0, 2], [1, 4]], []]),
    ("runtime_config", [{"ephemeral_gpu_offload": True}]),
    ("lora_bias", [True]),
    ("target_parameters", [["language_model.layers.0.self_attn.v_proj.weight"], []]),
    ("use_bdlora", [{"target_modules_bd_a": ["q_proj"], "target_modules_bd_b": ["up_proj"], "nblocks": 2,
                     "match_strict": False}]),
    ("arrow_config", [{"top_k": 1}]),
    ("kasa_config", [{"beta": 0.1, "gamma": 0.1}]),
    ("ensure_weight_tying", [True]),
    ("a_field_of_tomorrow", [None, False, [], {}, "", True, 1, "x"]),
]

PREFIX = "base_model.model.model.language_model."


def without(names):
    return lambda tensors: {k: v for k, v in tensors.items() if not any(n in k for n in names)}


def renamed(old, new):
    return lambda tensors: {k.replace(old, new): v for k, v in tensors.items()}


def added(name, shape):
    return lambda tensors: {**tensors, name: torch.full(shape, 0.1)}


TENSOR_CASES = [
    ("one layer missing", without(["language_model.layers.3."])),
    ("one lora_B missing", without(["language_model.layers.3.self_attn.q_proj.lora_B"])),
    ("the tower missing", without(["vision_tower"])),
    ("names of transformers 4.51", renamed("base_model.model.model.language_model.", "base_model.model.language_model.model.")),
    ("names without base_model.model.", renamed("base_model.model.", "")),
    ("names with the adapter's name", renamed(".weight", ".default.weight")),
    ("matrices of no target", lambda tensors: added(PREFIX + "layers.0.self_attn.v_proj.lora_A.weight", (4, 128))(
        added(PREFIX + "layers.0.self_attn.v_proj.lora_B.weight", (32, 4))(tensors))),
    ("lora_embedding_A", added(PREFIX + "embed_tokens.lora_embedding_A", (4, 2368))),
    ("lora_magnitude_vector", added(PREFIX + "layers.0.self_attn.q_proj.lora_magnitude_vector", (128,))),
    ("lora_B.bias", added(PREFIX + "layers.0.self_attn.q_proj.lora_B.bias", (128,))),
    ("embed_tokens.weight", added(PREFIX + "embed_tokens.weight", (2368, 128))),
    ("q_proj.base_layer.weight", added(PREFIX + "layers.0.self_attn.q_proj.base_layer.weight", (128, 128))),
    ("norm.modules_to_save.weight", added(PREFIX + "norm.modules_to_save.weight", (128,))),
    ("norm.weight", added(PREFIX + "norm.weight", (128,))),
    ("f16", lambda tensors: {k: v.half() for k, v in tensors.items()}),
    ("f64", lambda tensors: {k: v.double() for k, v in tensors.items()}),
    ("NaN", lambda tensors: {k: v * float("nan") for k, v in tensors.items()}),
]


def base_model(checkpoint):
    kind = json.loads((pathlib.Path(checkpoint) / "config.json").read_text())["architectures"][0]
    of = {"LlamaForCausalLM": LlamaForCausalLM}.get(kind, LlavaNextForConditionalGeneration)
    return of.from_pretrained(checkpoint, dtype=torch.float32)


def peft_vector(checkpoint, adapter, ids):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            model = PeftModel.from_pretrained(base_model(checkpoint), adapter).eval()
            with torch.no_grad():
                out = model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True)
        except Exception as error:  # whatever PEFT raises is an answer
            return None, f"{type(error).__name__}: {error}"
    vector = out.hidden_states[-1][0, -1].double()
    missing = any("missing adapter keys" in str(w.message) for w in seen)
    return vector / vector.norm(), "warns of missing keys" if missing else ""


def e5v_vector(program, checkpoint, adapter):
    added = [] if adapter is None else ["--adapter", adapter]
    done = subprocess.run([program, "embed", "--model", checkpoint, *added, "--text", SENTENCE, "--device", "cpu"],
                          capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr.strip()
    return torch.tensor(json.loads(done.stdout)["embedding"], dtype=torch.float64), ""


def short(text):
    return " ".join(text.split())[:110]


def compare(what, program, checkpoint, adapter, ids, plain):
    theirs, their_words = peft_vector(checkpoint, adapter, ids)
    ours, our_words = e5v_vector(program, checkpoint, adapter)
    if theirs is None:
        peft = "raises " + short(their_words)
    else:
        peft = f"{float(theirs @ plain):.6f} {their_words}"
    # What PEFT cannot open is no reference. All else must be the same or refused.
    good = ours is None or theirs is None or float(ours @ theirs) > 0.9999
    e5v = "refused: " + short(our_words.split("] ")[-1]) if ours is None else (
        "computed" if theirs is None else f"cosine {float(ours @ theirs):.6f}")
    print(f"{'ok ' if good else 'BAD'} | {what} | {peft} | {e5v}", flush=True)
    return good


def language_model_alone(checkpoint, folder):
    whole = base_model(checkpoint)
    alone = LlamaForCausalLM(whole.config.text_config)
    alone.model.load_state_dict(whole.model.language_model.state_dict())
    alone.save_pretrained(folder)
    shutil.copy(checkpoint + "/tokenizer.json", folder)


def compare_trained(program, checkpoint, folder, ids):
    pairs = folder / "pairs.csv"
    pairs.write_text("sent0,sent1\n" + "".join(f"a cat number {i},one cat of {i}\n" for i in range(8)))
    subprocess.run([program, "train", "--model", checkpoint, "--pairs", pairs, "--batch", "4", "--epochs", "2", "--lr", "4e-2",
                    "--warmup", "1", "--rank", "4", "--output", folder / "run", "--device", "cpu"], check=True,
                   capture_output=True)
    adapter = folder / "run" / "adapter"
    theirs, words = peft_vector(checkpoint, adapter, ids)
    ours, _ = e5v_vector(program, checkpoint, adapter)
    plain, _ = e5v_vector(program, checkpoint, None)
    good = words == "" and float(ours @ theirs) > 0.9999 and float(ours @ plain) < 0.99
    print(f"{'ok ' if good else 'BAD'} | e5v train on {base_model(checkpoint).config.architectures[0]} | PEFT {words or 'finds all'}"
          f" | cosine {float(ours @ theirs):.6f}, to the base {float(ours @ plain):.6f}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("checkpoint")
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(args.checkpoint + "/tokenizer.json")
    ids = torch.tensor([tokenizer.encode(PROMPT).ids])
    torch.manual_seed(1)
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        config = LoraConfig(r=4, lora_alpha=8, target_modules=TARGETS, init_lora_weights=False)
        get_peft_model(base_model(args.checkpoint), config).save_pretrained(folder)
        config = json.loads((folder / "adapter_config.json").read_text())
        config["init_lora_weights"] = True
        tensors = load_file(folder / "adapter_model.safetensors")

        def put(changed, changed_tensors):
            (folder / "adapter_config.json").write_text(json.dumps(changed))
            save_file(changed_tensors, folder / "adapter_model.safetensors", {"format": "pt"})

        put(config, tensors)
        plain, _ = peft_vector(args.checkpoint, name, ids)
        print("    | field = value | cosine of PEFT's vector to the unchanged one | e5v, cosine to PEFT's vector")
        for field, values in CASES:
            for value in values:
                changed = {**config, field: value}
                if field == "layers_pattern":
                    changed["layers_to_transform"] = [0, 1, 2, 3]
                put(changed, tensors)
                good &= compare(f"{field} = {json.dumps(value)}", args.program, args.checkpoint, name, ids, plain)
        for what, edit in TENSOR_CASES:
            put(config, edit(tensors))
            good &= compare(what, args.program, args.checkpoint, name, ids, plain)
        language_model_alone(args.checkpoint, folder / "alone")
        for part, checkpoint in (("whole", args.checkpoint), ("part", str(folder / "alone"))):
            (folder / part).mkdir()
            good &= compare_trained(args.program, checkpoint, folder / part, ids)
    unseen = {f.name for f in dataclasses.fields(LoraConfig)} - {field for field, _ in CASES}
    if unseen:
        print("fields without a case:", ", ".join(sorted(unseen)))
    raise SystemExit(0 if good and not unseen else 1)


if __name__ == "__main__":
    main()
