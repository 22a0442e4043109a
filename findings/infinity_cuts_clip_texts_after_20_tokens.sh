#!/usr/bin/env bash
# infinity computes CLIP's texts from their first 20 tokens, and CLIP's context is 77. It takes the limit from the config's attribute
# "max_length". The checkpoint has none: up to transformers 4, each config has this attribute with the default of text generation, 20. The
# texts below differ from their 21st token on and get the same vector, without a warning. transformers itself gives them different ones.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q infinity-emb==0.0.78 torch==2.8.0 torchvision==0.23.0 transformers==4.57.6 sentence-transformers==3.4.1 \
  pillow einops
cd "$folder" && DO_NOT_TRACK=1 HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - <<'PYTHON'
import asyncio, json, sys
import torch, transformers, infinity_emb
from infinity_emb import AsyncEmbeddingEngine, EngineArgs
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizerFast

print("infinity-emb", infinity_emb.__version__, "transformers", transformers.__version__, "torch", torch.__version__)
merges = ["r e", "re d</w>", "b l", "bl u", "blu e</w>"]
pieces = [*"abcdelru", *(letter + "</w>" for letter in "abcde"), *(merge.replace(" ", "") for merge in merges)]
json.dump({token: i for i, token in enumerate([*pieces, "<|startoftext|>", "<|endoftext|>"])}, open("vocab.json", "w"))
open("merges.txt", "w").write("\n".join(["#version: 0.2", *merges, ""]))
tokenizer = CLIPTokenizerFast("vocab.json", "merges.txt", model_max_length=77)
end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
torch.manual_seed(0)
config = CLIPConfig(text_config={"vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
                                 "num_attention_heads": 2, "bos_token_id": end - 1, "eos_token_id": end, "pad_token_id": end},
                    vision_config={"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
                                   "patch_size": 112})
CLIPModel(config).save_pretrained("clip")
CLIPProcessor(CLIPImageProcessor(), tokenizer).save_pretrained("clip")
print("config.json has max_length:", "max_length" in json.load(open("clip/config.json")))

texts = ["a b c " * 8 + colour for colour in ("red", "blue")]  # 25 words, and two tokens around them
ids = [tokenizer(text)["input_ids"] for text in texts]
print("tokens:", [len(line) for line in ids], "equal before the last word:", ids[0][:25] == ids[1][:25])
model = CLIPModel.from_pretrained("clip").eval()
with torch.no_grad():
    reference = [model.get_text_features(**tokenizer(text, return_tensors="pt")) for text in texts]


async def embed():
    engine = AsyncEmbeddingEngine.from_args(EngineArgs(model_name_or_path="clip", engine="torch", device="cpu", dtype="float32",
                                                       bettertransformer=False, model_warmup=False))
    async with engine:
        return (await engine.embed(sentences=texts))[0]


vectors = torch.tensor([vector.tolist() for vector in asyncio.run(embed())])
cosine = torch.nn.functional.cosine_similarity
print("cosine of both texts: transformers", round(float(cosine(*reference)), 5), "infinity", round(float(cosine(*vectors[:, None])), 5))
sys.exit(0 if torch.equal(vectors[0], vectors[1]) and float(cosine(*reference)) < 0.9999 else 1)
PYTHON
