"""Generates the form model of policies: what an admin page needs to let somebody build one by choosing.

A rule is a row of conditions, each a fact with an input of its kind, and an action. Whatever the form writes is
a policy file like any other and is read and judged like one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from relay.config.actions import MAX_DEFER
from relay.config.policy_keys import SCANNER_ERROR_VERBS
from relay.config.presets import PRESETS
from relay.config.quantities import SIZE_UNITS, TIME_UNITS
from relay.domain.policy import RELAYING, Mode, Verb
from relay.domain.rates import WINDOWS
from relay.domain.vocabulary import FACTS, LISTABLE, SAMPLE, VERBS, FactKind

if TYPE_CHECKING:
    from relay.domain.vocabulary import FactInfo

COMPARISONS: Final = ("up to", "less than", "at least", "more than", "")
"""How a number can be compared; the empty one stands for that very number."""

_INPUTS: Final = {FactKind.CHOICE: "choice", **dict.fromkeys(LISTABLE | {FactKind.MEDIA_TYPES}, "words")}


def policy_form() -> str:
    """`docs/policy.form.json`: facts, verbs, presets and the keys of a policy, for a form."""
    return json.dumps(form_model(), indent=2, ensure_ascii=False) + "\n"


def form_model() -> dict[str, Any]:
    """The form model as a JSON-able value."""
    return {
        "facts": [_fact(info) for info in FACTS],
        "verbs": [
            {
                "verb": info.verb.value,
                "meaning": info.meaning,
                "phrase": info.phrase,
                "reason": info.reason,
                "relays": info.verb in RELAYING,
                **({"seconds": {"least": 1, "most": MAX_DEFER}} if info.verb is Verb.DEFER else {}),
            }
            for info in VERBS
        ],
        "presets": [{"name": name, "meaning": meaning} for name, (_, meaning) in PRESETS.items()],
        "modes": [mode.value for mode in Mode],
        "on_scanner_error": [verb.value for verb in SCANNER_ERROR_VERBS],
        "units": {"time": list(TIME_UNITS), "size": list(SIZE_UNITS), "rate": list(WINDOWS)},
        "rule": {
            "name": {"input": "text", "most": 100},
            "reason": {"input": "text", "pattern": "[a-z0-9][a-z0-9-]{0,63}"},
            "until": {"input": "date"},
            "tell": {"input": "words"},
        },
    }


def _fact(info: FactInfo) -> dict[str, object]:
    return {
        "fact": info.fact.value,
        "meaning": info.meaning,
        "phrase": info.phrase,
        "kind": info.kind.value,
        "input": _INPUTS.get(info.kind, "comparison"),
        "about_media": info.about_media,
        **(
            {"choices": [{"word": str(word), "phrase": said} for word, said in info.words.items()]}
            if info.words
            else {}
        ),
        **({"any": list(info.any_of)} if info.any_of else {}),
        **({"none": info.none} if info.none else {}),
        **({"comparisons": list(COMPARISONS), "unit": info.unit} if info.compared else {}),
        **({"sample": SAMPLE[info.kind]} if info.kind in SAMPLE else {}),
        **({"list": True} if info.kind in LISTABLE else {}),
    }
