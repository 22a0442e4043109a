"""The inputs that all engines of a comparison get, and the prompts around them."""

CHAT = "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n"
TEXT_PROMPT = CHAT.format("<sent>\nSummary above sentence in one word: ")
IMAGE_PROMPT = CHAT.format("<image>\nSummary above image in one word: ")

WHO = ["Two young women", "A man in a red jacket", "A brown dog", "Several small children", "An older couple",
       "A black and white cat", "A football player", "Three people on bikes"]
WHAT = ["walking along the beach near the sea", "standing in front of a large white building",
        "running through the snow with a ball", "sitting on a wooden bench by the lake",
        "looking at a train in the station", "crossing a street full of cars and people",
        "playing in the grass on a warm afternoon", "waiting for food at a small table"]


def captions(count):
    """The first `count` of 64 captions, those of bench/captions.cpp."""
    return [f"{who} {what}." for who in WHO for what in WHAT][:count]
