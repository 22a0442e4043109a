"""Common parts of all areas of the comparison: the two programs, the verdict on a change, and the table of verdicts."""
import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import warnings

import numpy
import torch
import transformers
from PIL import Image
from transformers import AutoImageProcessor, LlavaNextForConditionalGeneration, LlavaNextProcessor, PreTrainedTokenizerFast

TEXT = "A tabby cat sits on a wall."
FRAME = ("<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n")
TEXT_PROMPT = FRAME.format("<sent>\nSummary above sentence in one word: ")
IMAGE_PROMPT = FRAME.format("<image>\nSummary above image in one word: ")
SAME = 0.9999  # cosines above it mean the same vector

transformers.logging.set_verbosity_error()
warnings.filterwarnings("ignore")


class Program:
    """e5v, run as a process."""

    def __init__(self, path):
        self.path = pathlib.Path(path).resolve()

    def vectors(self, model, *options):
        """The vectors that `e5v embed` prints, or its error message."""
        run = subprocess.run([self.path, "embed", "--device", "cpu", "--model", model, *options], capture_output=True, text=True)
        if run.returncode != 0:
            return run.stderr.strip() or f"exit code {run.returncode}"
        return numpy.array([json.loads(line)["embedding"] for line in run.stdout.splitlines()])


def tokenizer_of(folder):
    return PreTrainedTokenizerFast(tokenizer_file=str(pathlib.Path(folder) / "tokenizer.json"))


def load(folder):
    return LlavaNextForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()


def last_state(model, inputs):
    with torch.no_grad():
        states = model(**inputs, output_hidden_states=True).hidden_states[-1]
    return states[0, -1].double().numpy()


def text_vector(model, folder):
    ids = tokenizer_of(folder)(TEXT_PROMPT.replace("<sent>", TEXT), return_tensors="pt").input_ids
    return last_state(model, {"input_ids": ids, "attention_mask": torch.ones_like(ids)})


def image_vector(model, folder, image):
    """The vector of a PIL image, prepared with the settings of the folder."""
    processor = LlavaNextProcessor(image_processor=AutoImageProcessor.from_pretrained(folder), tokenizer=tokenizer_of(folder),
                                   patch_size=model.config.vision_config.patch_size, image_token="<image>",
                                   vision_feature_select_strategy=model.config.vision_feature_select_strategy,
                                   num_additional_image_tokens=1)  # CLIP's class token
    return last_state(model, processor(images=image, text=IMAGE_PROMPT, return_tensors="pt"))


def cosine(a, b):
    return float(a @ b / (numpy.linalg.norm(a) * numpy.linalg.norm(b)))


def one_line(text, width=110):
    """A message without paths of this run."""
    line = re.sub(r"/\S*/(?=[\w.-]+)", "", str(text).strip().splitlines()[0] if str(text).strip() else "")
    return (line if len(line) <= width else line[:width - 1] + "…").replace("|", "\\|")


@dataclasses.dataclass
class Verdict:
    field: str
    value: str
    effect: str  # the effect of the change on the reference's vectors
    verdict: str  # honoured, harmless, refused, or the fault
    note: str = ""

    @property
    def wrong(self):
        return self.verdict.startswith("WRONG")


def judge(field, value, before, reference, ours, spread=0.0):
    """Compares a change's outcomes. `before` are the reference's vectors without the change; `reference` and `ours` are lists
    of vectors, or the text of an error. `spread` is the change (1 - cosine) of the reference's vectors by the last bits
    of its own sums."""
    shown = json.dumps(value, default=str)
    shown = (shown if len(shown) <= 60 else shown[:59] + "…").replace("|", "\\|")
    name = re.split(r"[ .\[(]", field)[-1] if "(" not in field else re.split(r"[ .(]", field)[0]
    if isinstance(reference, str):
        effect = "refused"
    else:
        least = min(cosine(a, b) for a, b in zip(before, reference))
        effect = "none" if least > SAME else f"cosine {least:.3f}"
    if isinstance(ours, str):
        verdict = "refused" if name in ours or effect == "refused" else "refused, without the field's name"
        return Verdict(field, shown, effect, verdict, one_line(ours))
    if isinstance(reference, str):
        return Verdict(field, shown, effect, "read, where the reference refuses", one_line(reference))
    if len(ours) != len(reference):
        return Verdict(field, shown, effect, f"WRONG: {len(ours)} vectors of {len(reference)}")
    agreement = min(cosine(a, b) for a, b in zip(ours, reference))
    if agreement > min(SAME, 1 - 3 * spread):
        return Verdict(field, shown, effect, "harmless" if effect == "none" else "honoured")
    return Verdict(field, shown, effect, f"WRONG: cosine {agreement:.4f} to the reference")


def attempt(function):
    """The function's value, or its error as text."""
    try:
        return function()
    except Exception as error:  # any exception of the reference is a refusal
        return f"{type(error).__name__}: {error}" or "error"


class Workshop:
    """Folders with one thing changed, made from a base checkpoint and removed at the end."""

    def __init__(self, base):
        self.base = pathlib.Path(base).resolve()
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="e5v-compatibility-"))
        self.made = 0

    def folder(self):
        self.made += 1
        path = self.root / str(self.made)
        path.mkdir()
        return path

    def variant(self, **files):
        """A folder like the base, in which some files are JSON with other content; None omits a file. "_json" is the ending:
        config_json=... is config.json."""
        path = self.folder()
        changed = {name.replace("_json", ".json"): content for name, content in files.items()}
        for file in self.base.iterdir():
            if file.name not in changed:
                (path / file.name).symlink_to(file)
        for name, content in changed.items():
            if content is not None:
                (path / name).write_text(json.dumps(content))
        return path

    def json(self, name):
        return json.loads((self.base / name).read_text())

    def image(self):
        """An image of 3 tiles with much detail, as a file."""
        path = self.root / "image.png"
        if not path.exists():
            random = numpy.random.default_rng(7)
            small = random.integers(0, 256, (24, 36, 3), dtype=numpy.uint8)
            Image.fromarray(small).resize((300, 200), Image.Resampling.BICUBIC).save(path)
        return path

    def close(self):
        shutil.rmtree(self.root)
