"""Every code of what can be wrong with a policy, with what it means. Codes are stable; messages may be reworded."""

from __future__ import annotations

from typing import Final

POLICY_CODES: Final = {
    "P101": "A key is written twice in one rule or section.",
    "P102": "A key that does not exist.",
    "P103": "A rule or example lacks something that it needs.",
    "P104": "Something has the wrong form: a word where a list is needed, a number where a name is.",
    "P105": "An action that does not exist, or that is not possible here.",
    "P106": "A rule restricts media without a reason code.",
    "P107": "A reason code that is not in lower-case letters, digits and hyphens.",
    "P108": "`tell` names somebody for whom there is no channel under `alerts`.",
    "P109": "Two rules have one name.",
    "P110": "A preset that does not exist.",
    "P111": "Too many rules.",
    "P201": "A condition that does not exist.",
    "P202": "A word that this condition cannot have.",
    "P203": "A list that is not defined.",
    "P204": "A web address or handle where a server name is needed.",
    "P205": "Not a server name.",
    "P206": "Not a comparison: the number, its unit, or how to compare is missing.",
    "P207": "A list file that cannot be read, or a row of one that cannot be used.",
    "P208": "A list file that has no such column.",
    "P209": "Nothing is named.",
    "P210": "Not a date.",
    "P211": "Not the address of an account.",
    "P212": "A list that holds something else than the condition needs.",
    "P213": "An example names a list whose members are not known before it was fetched.",
    "P214": "A scanner that is not configured.",
    "P301": "The rule has ended.",
    "P302": "The rule can never apply: rules above take everything.",
    "P303": "An example comes out differently.",
    "P304": "A list that no condition names.",
    "P305": "The rule is about activities that never reach the policy.",
    "P306": "The conditions of the rule exclude each other.",
    "P307": "An age, size or rate without comparison, which hardly ever fits.",
    "P401": "The rule would relay a known match or an NCII match.",
    "P402": "Media would be relayed unchecked while a scanner is down.",
    "P403": "Known matches would be relayed in `observe`, or the key has no effect.",
    "P404": "The rule relays what matched a list.",
    "P405": "The rule relays media whatever our scan found, and no rule above holds near matches.",
    "P406": "`otherwise` relays whatever our scan found.",
    "P407": "A rule in `always` relays, past all rules that could hold it.",
    "P408": "The rule attests, and does not ask for a clean scan.",
    "P409": "The rule trusts an issuer, and does not ask whether all media of the post is attested.",
}
"""P1: form. P2: values. P3: rules that do nothing, and examples. P4: risks. Which are warnings is in the message."""

WARNINGS: Final = frozenset(
    {
        *("P108", "P301", "P302", "P304", "P305", "P306", "P307"),
        *("P402", "P403", "P404", "P405", "P406", "P407", "P408", "P409"),
    }
)
"""Codes that never keep a policy from being used. P207 is a warning for a row of a CSV file, else an error."""
