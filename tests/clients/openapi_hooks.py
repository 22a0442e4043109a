"""What schemathesis must know beside /openapi.json: images, and the reasons to refuse a request that no schema can say."""
import base64
import pathlib
import re

import schemathesis
from hypothesis import strategies

PNG = base64.b64encode(
    pathlib.Path(__file__).parents[1].joinpath("golden/images/img18_dark_90x60.png").read_bytes()).decode()
# These depend on two fields at once, or on the bytes of an upload.
REASONS = re.compile(r"""
    \[prompt\ .*\]\ has\ (a|no)\ slot\ for\ (a\ text|an\ image),\ the\ input\ has
  | \[prompt\ .*\]\ has\ \d+\ slots?\ for\ images?,
  | \[prompt\]\ .*\ holds\ <sent>\ more\ than\ once
  | \[queries\]\ expected\ one,\ or\ as\ many\ as\ the\ \d+\ documents
  | expected\ a\ text\ or\ an\ image,\ found\ neither
  | \]\ expected\ an\ image\ as\ base64        # schemathesis does not always draw from the format
  | \[items\[0\]\.images\]                   # of a form
  | found\ an\ empty\ file
  | \[items\[0\]\]\ expected\ text,\ image\ or\ both
  | \[request\]\ (expected|is\ not\ JSON)
  | \[(plus|minus)\[\d+\]\]\ expected\ a\ (weight|text)  # "a:1000", ":1"
  | parts\ of\ the\ query\ cancel\ each\ other
  | \[like\]\ expected\ like\ or\ image
  | \[filter\]\ expected\ a\ first\ date\ that\ is\ not\ after\ the\ last
  | \[encoding_format\]\ expected\ at\ most\ \d+\ inputs\ with\ bytes
""", re.VERBOSE)

schemathesis.openapi.format("image", strategies.sampled_from([PNG, "data:image/png;base64," + PNG]))


@schemathesis.hook
def before_call(context, case, kwargs):
    """No deadline that a slow machine would miss: its answer 503 says nothing of the server."""
    if isinstance(case.body, dict) and isinstance(case.body.get("timeout_ms"), (int, float)):
        if 0 < case.body["timeout_ms"] < 60_000:
            case.body["timeout_ms"] = 60_000


@schemathesis.check
def valid_request_refused_for_a_reason(ctx, response, case):
    """In place of positive_data_acceptance, which knows only status codes."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 413, 415, 422):
        return
    if not REASONS.search(response.text):
        raise AssertionError(f"a request that fits the description was refused: {response.text[:500]}")
