"""What receivers of alerts get: `tests/golden/alerts/FORM-NAME.txt`.

`ASSAY_UPDATE_GOLDEN=1` writes the texts anew; read them before you commit them.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from email import message_from_string, policy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relay.domain import alertwords
from relay.domain.alerts import Alert, AlertKind, Message
from relay.domain.policy import Decision, Verb
from relay.protocol.alertforms import (
    DISCORD_MOST,
    FORMS,
    NTFY_MOST,
    From,
    discord_form,
    json_form,
    mail_form,
    ntfy_form,
    secret_bytes,
    signed,
    text_form,
)

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[2] / "golden" / "alerts"
AT = 1_795_300_000.0
RELAY = From("https://relay.example", "Assay", "relay.example", "https://admin.relay.example/")
PLAIN = replace(RELAY, link=None)
HELD = Decision(
    Verb.QUARANTINE,
    Verb.QUARANTINE,
    enforced=True,
    seconds=0,
    rule='<!channel> & "@all" Ünknown',
    reason="known-match",
    policy="1-0",
    trace=(),
)


def message(*alerts: Alert, count: int | None = None) -> Message:
    """A message of these alerts."""
    dated = tuple(replace(alert, at=AT + place) for place, alert in enumerate(alerts))
    kind = alerts[0].kind
    return Message(7, "0123456789abcdef", "mods", kind, count or len(alerts), dated, AT, AT + 30)


MESSAGES = {
    "one": message(alertwords.held(14, HELD)),
    "many": message(*(alertwords.held(number, HELD) for number in (14, 15, 16)), count=40),
    "calm": message(alertwords.subscriber_waits(5)),
}


def shown(body: bytes) -> str:
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False) + "\n"


def ntfy(one: Message, sender: From) -> str:
    headers, body = ntfy_form(one, sender)
    return "".join(f"{name}: {value}\n" for name, value in headers.items()) + f"\n{body.decode()}\n"


def mail(one: Message, sender: From) -> str:
    return mail_form(
        one, sender, address="relay@relay.example", to=["a@b.example", "c@d.example"]
    ).as_string()


SHOWN: dict[str, Callable[[Message, From], str]] = {
    **{name: lambda one, sender, form=form: shown(form(one, sender)) for name, form in FORMS.items()},  # type: ignore[misc]
    "ntfy": ntfy,
    "mail": mail,
}


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("form", SHOWN)
def test_a_receiver_gets(form: str, name: str) -> None:
    sender = PLAIN if name == "calm" else RELAY
    text = SHOWN[form](MESSAGES[name], sender)
    expected = GOLDEN / f"{form}-{name}.txt"
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


def test_the_signature_is_that_of_standard_webhooks() -> None:
    # The example of the specification, "Signature scheme".
    body = b'{"event_type":"ping","data":{"success":true}}'
    one = replace(MESSAGES["one"], key="msg_loFOjxBNrRLzqYUf")
    headers = signed(b64decode("plJ3nmyCDGBKInavdOK15jsl"), one, body, 1_731_705_121.7)
    assert headers == {
        "webhook-id": "msg_loFOjxBNrRLzqYUf",
        "webhook-timestamp": "1731705121",
        "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    }
    assert "webhook-signature" not in signed(None, one, body, 0.0)


def test_keys_are_text_or_base64() -> None:
    key = bytes(range(32))
    assert secret_bytes("whsec_" + b64encode(key).decode()) == key
    assert secret_bytes("a long and secret sentence") == b"a long and secret sentence"
    for wrong in ("short", "x" * 65, "whsec_%%%", "whsec_" + b64encode(b"short").decode(), "whsec_ä"):
        with pytest.raises(ValueError, match="is not a key; "):
            secret_bytes(wrong)


def test_the_same_message_has_the_same_bytes_at_every_attempt() -> None:
    one = MESSAGES["many"]
    again = replace(one, attempts=9)
    assert json_form(one, RELAY) == json_form(again, RELAY)
    assert mail(one, RELAY) == mail(again, RELAY)


def test_an_alert_without_a_time_has_that_of_its_message() -> None:
    one = replace(MESSAGES["one"], alerts=(alertwords.trial("mods"),))
    assert json.loads(json_form(one, PLAIN))["data"]["alerts"][0] == {
        "title": "A test alert",
        "text": "This is a test of the channel mods. Nothing happened. See: assay alerts list",
        "about": None,
        "at": "2026-11-21T22:26:40Z",
    }


def test_limits_of_receivers_are_kept() -> None:
    long = message(Alert(AlertKind.KEY, "A title", "ä" * 5_000))
    assert len(json.loads(discord_form(long, RELAY))["content"]) == DISCORD_MOST
    _, body = ntfy_form(long, RELAY)
    assert len(body) == NTFY_MOST
    assert set(body.decode()) == {"ä"}


def test_nobody_is_called_by_the_name_of_a_rule() -> None:
    text = json.loads(text_form(MESSAGES["one"], RELAY))["text"]
    assert "<!channel>" not in text
    assert "@all" not in text
    assert json.loads(discord_form(MESSAGES["one"], RELAY))["allowed_mentions"] == {"parse": []}


def test_titles_that_are_not_ascii_travel_in_headers() -> None:
    named = replace(RELAY, name="Fördewarte")
    headers, _ = ntfy_form(MESSAGES["one"], named)
    assert re.fullmatch(r"=\?utf-8\?[bq]\?[!-~]+\?=", headers["Title"])
    read = message_from_string(mail(MESSAGES["one"], named), policy=policy.default)
    assert read["Subject"] == "[Fördewarte] Held: known-match"
    assert read.get_content().endswith("\n-- \nFördewarte, https://relay.example\n")
