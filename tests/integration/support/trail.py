"""The grammar of x-429chain-trail."""
import re

OUTCOMES = ("ok skipped_cooldown skipped_quota skipped_unfit skipped_health rate_limited quota_exhausted auth overloaded error "
            "timeout connect broken empty model_unavailable").split()
ITEM = re.compile(r"(?P<target>[^;,\s]+);o=(?P<outcome>" + "|".join(OUTCOMES) + r")(?:;s=(?P<status>\d{3}))?"
                  r"(?:;ms=(?P<ms>\d+))?(?:;retry=(?P<retry>\d+(?:\.\d+)?))?")


def parse(text):
    """A list of dicts, without the closing `…+N`."""
    items = []
    for part in text.split(", "):
        if re.fullmatch(r"…\+\d+", part):
            continue
        found = ITEM.fullmatch(part)
        assert found, f"trail item {part!r} in {text!r}"
        items.append(found.groupdict())
    return items


def outcomes(answer):
    """[("a/m", "rate_limited"), …] of an answer."""
    text = answer.header("x-429chain-trail")
    assert text is not None, f"no trail on {answer!r}"
    return [(item["target"], item["outcome"]) for item in parse(text)]
