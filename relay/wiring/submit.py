"""The part of the relay that takes hashes of people's own pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.hashsubmission import CATEGORY
from relay.services.hashsubmissions import HashSubmissions, SubmitRules

if TYPE_CHECKING:
    from relay.config.settings import Settings
    from relay.ports import Clock, Store
    from relay.services.alerts import Alerts
    from relay.services.lists import Lists


def hash_submissions(
    settings: Settings, store: Store, clock: Clock, lists: Lists, alerts: Alerts
) -> HashSubmissions:
    """Look after what people hand in, for the page and for the operator's commands."""
    submit = settings.submit
    named = {one.category: one.name for one in settings.scanners if one.kind == "submitted"}
    rules = SubmitRules(
        lists={about: named[category] for about, category in CATEGORY.items() if category in named},
        review_first=submit.review == "before",
        rate=submit.rate,
        rate_of_all=submit.rate_of_all,
        most=submit.most,
    )
    return HashSubmissions(store, clock, lists, alerts, rules)
