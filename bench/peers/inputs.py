"""The inputs that all engines of a comparison get, and the prompts around them."""

import random

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


LOOKS = ["tall", "young", "old", "small", "tired", "smiling", "quiet", "busy", "blond", "bearded", "wet", "cold", "proud",
         "lonely", "cheerful", "serious", "barefoot", "elegant", "muddy", "sleepy", "curious", "angry", "strong", "shy"]
BEINGS = ["woman", "man", "girl", "boy", "dog", "cat", "cyclist", "farmer", "painter", "dancer", "soldier", "nurse",
          "horse", "waiter", "singer", "skier", "climber", "fisherman", "student", "teacher", "child", "tourist",
          "musician", "baker"]
DEEDS = ["walks", "stands", "sits", "sleeps", "runs", "waits", "plays", "dances", "jumps", "rests", "works", "eats"]
PLACES = ["on a narrow bridge", "in a crowded market", "behind a wooden fence", "near a stone fountain", "under a large tree",
          "beside a parked car", "in an empty kitchen", "on the sandy beach", "in front of a shop", "at the edge of a field",
          "inside a bright station", "on a snowy hill"]
ENDS = ["while a child watches", "during heavy rain", "as the sun goes down", "with a red umbrella", "next to three birds",
        "holding a paper bag", "among many people", "before the big race"]


def varied_captions(count):
    """`count` different captions of about a dozen words, the same ones every time. They differ from the first word on, so that
    an engine that computes common beginnings once gains as much as with real captions."""
    chance, made = random.Random(0), {}
    while len(made) < count:
        look, being, deed, place, end = (chance.choice(words) for words in (LOOKS, BEINGS, DEEDS, PLACES, ENDS))
        article = chance.choice(["The", "Some", "Another", "One"])
        made[f"{article} {look} {being} {deed} {place} {end}."] = None
    return list(made)
