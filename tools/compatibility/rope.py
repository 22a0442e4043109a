"""The rotary embedding's parameters, under old and new keys, alone and together."""
import copy
import itertools

import common

LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
OLD = [None, {}, {"rope_theta": 2e4}, {"rope_type": "default", "rope_theta": 3e4}, LLAMA3, {**LLAMA3, "rope_theta": 4e4},
       {"type": "default"}]
NEW = [None, {"rope_theta": 5e4}, {"rope_type": "default", "rope_theta": 6e4}, {**LLAMA3, "rope_theta": 7e4}, {**LLAMA3, "factor": 2.0}]
TOP = [None, 1e3]
OTHERS = {
    "linear": {"rope_type": "linear", "factor": 4.0}, "linear (type)": {"type": "linear", "factor": 4.0},
    "dynamic": {"rope_type": "dynamic", "factor": 4.0}, "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
    "yarn (attention_factor)": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "attention_factor": 1.5},
    "longrope": {"rope_type": "longrope", "short_factor": [1.5] * 8, "long_factor": [4.0] * 8, "original_max_position_embeddings": 64, "factor": 4.0},
    "proportional": {"rope_type": "proportional"},
    "llama3 without original_max_position_embeddings": {k: v for k, v in LLAMA3.items() if k != "original_max_position_embeddings"},
    "an unknown type": {"rope_type": "tomorrow", "factor": 2.0}, "type and rope_type": {"type": "linear", "rope_type": "default", "factor": 4.0},
    "partial_rotary_factor": {"rope_type": "default", "partial_rotary_factor": 0.5},
    "an unknown key": {"rope_type": "default", "of_tomorrow": 2.0},
    "llama3 with a string": {**LLAMA3, "factor": "8.0"},
}


def changed(base, top=None, old=None, new=None, **more):
    config = copy.deepcopy(base)
    text = config["text_config"]
    text.pop("rope_theta", None)
    for key, value in {"rope_theta": top, "rope_scaling": old, "rope_parameters": new}.items():
        if value is not None:
            text[key] = value
    text.update(more)
    return config


def compare(program, base):
    work = common.Workshop(base)
    try:
        config = work.json("config.json")

        def outcome(content, which):
            folder = work.variant(config_json=content)
            if which:
                return common.attempt(lambda: [common.text_vector(common.load(folder), folder)])
            return program.vectors(folder, "--text", common.TEXT)

        plain = outcome(changed(config), True)
        for top, old, new in itertools.product(TOP, OLD, NEW):
            given = {key: value for key, value in {"rope_theta": top, "rope_scaling": old, "rope_parameters": new}.items() if value is not None}
            content = changed(config, top, old, new)
            yield common.judge("rope " + " + ".join(given) if given else "rope", given, plain, outcome(content, True), outcome(content, False))
        for name, value in OTHERS.items():
            for key in ("rope_scaling", "rope_parameters"):
                content = changed(config, 1e4, **{"old" if key == "rope_scaling" else "new": value})
                yield common.judge(f"rope {key}, {name}", value, plain, outcome(content, True), outcome(content, False))
        for key, value in {"partial_rotary_factor": 0.5, "original_max_position_embeddings": 32, "rope_theta": 77.0}.items():
            content = changed(config, None, LLAMA3, None, **{key: value})
            yield common.judge(f"rope {key} beside llama3", value, plain, outcome(content, True), outcome(content, False))
        for key, value in {"rope_theta": 55.0, "rope_scaling": {"rope_type": "default", "rope_theta": 66.0},
                           "rope_parameters": {"rope_type": "default", "rope_theta": 77.0}}.items():
            content = {**changed(config), key: value}
            yield common.judge(f"rope {key} outside text_config", value, plain, outcome(content, True), outcome(content, False))
    finally:
        work.close()
