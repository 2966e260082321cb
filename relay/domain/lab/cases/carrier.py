"""The cases about a relay. Those without a clause are what relays do anyway (FEP-ae0c, Activity Relays)."""

from __future__ import annotations

from typing import Final

from relay.domain.lab.model import Cap, Case, Grade, Level, Role

_NOT_FOUND: Final = Cap("not-found", Grade.F, "There is no relay to be found at the address.")
_NOBODY_IN: Final = Cap("no-subscription", Grade.E, "It does not take subscriptions in Mastodon's dialect.")
_NOT_A_RELAY: Final = Cap("not-a-relay", Grade.F, "Nothing that was published arrived anywhere.")
_VOUCHES_UNSEEN: Final = Cap(
    "vouches-unseen",
    Grade.E,
    "It vouches for bytes that it did not look at, which is worse than not to vouch.",
)
_LEAKS: Final = Cap("passes-on-private", Grade.E, "It passes on what was not meant for everybody.")
_BELIEVES: Final = Cap("believes-anybody", Grade.F, "It passes on what others made up in somebody's name.")


def _case(
    number: int, level: Level, title: str, clauses: str, advice: str, *, cap: Cap | None = None
) -> Case:
    return Case(f"ATT-{number}", Role.CARRIER, title, tuple(clauses.split()), level, advice, cap)


CARRIER: Final[tuple[Case, ...]] = (
    # ------------------------------------------------------------ how it is found
    _case(
        200,
        Level.MUST,
        "The relay's actor can be fetched without a signature and has an inbox and a key.",
        "",
        "Serve the actor document as application/activity+json to everybody: whoever checks a signature of the relay "
        "needs it first.",
        cap=_NOT_FOUND,
    ),
    _case(
        201,
        Level.MUST,
        "WebFinger finds the relay by name, and `self` is its actor id.",
        "",
        "Answer /.well-known/webfinger for acct:NAME@HOST with a link `self` to the actor, to the letter.",
    ),
    _case(
        202,
        Level.SHOULD,
        "NodeInfo names the software.",
        "",
        "Serve a link document at /.well-known/nodeinfo and a NodeInfo document of version 2.0 or 2.1 behind it.",
    ),
    _case(
        203,
        Level.SHOULD,
        "The actor names the profile in `generator.implements`, and its lookup if it has one.",
        "K-07",
        "Add `generator` with `implements` (FEP-844e) and the address of the profile, and "
        "`endpoints.mediaAttestation`.",
    ),
    # ------------------------------------------------------------ subscribing
    _case(
        204,
        Level.MUST,
        "A Follow of the public collection is answered with an Accept that names it.",
        "",
        "Send Accept with the id of the Follow to the follower's inbox. A relay that approves by hand has to approve "
        "while the test waits: give it a longer --timeout.",
        cap=_NOBODY_IN,
    ),
    _case(
        205,
        Level.SHOULD,
        "A Follow of the relay's actor is answered with an Accept that names it.",
        "",
        "Pleroma, Akkoma, GoToSocial and others subscribe like this: take both kinds of Follow.",
    ),
    _case(
        206,
        Level.SHOULD,
        "The Accept embeds the whole Follow.",
        "",
        "Misskey reads id and actor of the embedded Follow; Mastodon takes it as well as a bare id.",
    ),
    _case(
        207,
        Level.MUST,
        "Every delivery has a good HTTP signature by the relay's actor that covers the digest of the body.",
        "",
        "Sign with the key in the actor document; cover the target, the host, a time and the digest.",
    ),
    # ------------------------------------------------------------ passing on
    _case(
        210,
        Level.MUST,
        "A public post with a picture reaches a subscriber of Mastodon's kind.",
        "",
        "Look whether the relay fetched the picture and what it decided. A relay in observation, or one that holds "
        "media of new servers, cannot be tested like this.",
        cap=_NOT_A_RELAY,
    ),
    _case(
        211,
        Level.MUST,
        "An activity that is forwarded has the bytes that were received.",
        "C-01",
        "Keep the body as it came and send it; do not parse it and write it again. Its signature is worth nothing "
        "otherwise.",
    ),
    _case(
        212,
        Level.MUST,
        "`hash` and `attestation` inside a forwarded object are as its author wrote them.",
        "C-01",
        "Leave objects of others alone, also properties that you do not know.",
    ),
    _case(
        213,
        Level.MUST,
        "The two properties are not added to an object of somebody else.",
        "P-06",
        "Send attestations in the header field, and name them in `mediaAttestation` of your own Announce.",
    ),
    _case(
        214,
        Level.SHOULD,
        "A public post reaches a subscriber of LitePub's kind as an Announce of its id.",
        "",
        "Announce the id of the object, not that of the activity, and do not embed it.",
    ),
    # ------------------------------------------------------------ attestations beside it
    _case(
        215,
        Level.MUST,
        "Deliveries bring attestations of the post's media in the header field.",
        "C-02",
        "Send Media-Attestation with the attestations of the post's media. If the relay takes those of trusted "
        "issuers only, let it check media itself, or trust the lab's issuer for the time of the test.",
    ),
    _case(
        216,
        Level.MUST,
        "The field is a List of Strings of at most 7 tokens and 4096 bytes.",
        "C-02 W-01",
        "Each token in double quotes, comma and space between them, no parameters.",
    ),
    _case(
        217,
        Level.MUST,
        "The HTTP signature covers the field.",
        "C-03",
        "Add media-attestation to `headers` (draft-cavage) or to the components (RFC 9421).",
    ),
    _case(
        218, Level.MUST, "The field is never empty.", "C-04", "Leave it out when there is nothing to send."
    ),
    _case(
        219,
        Level.MUST,
        "`mediaAttestation` on an Announce is defined inline and holds attestation strings.",
        "C-05",
        "Put the term into `@context` as the profile has it: id, type @id, container @set.",
    ),
    _case(
        220,
        Level.MUST,
        "Every token that is sent verifies with the bytes that are served.",
        "C-02 K-01 I-08",
        "The verdict says which step fails. Look at the key in the relay's actor document first.",
        cap=_VOUCHES_UNSEEN,
    ),
    _case(
        221,
        Level.MUST,
        "Every token is about media of the activity that it comes with.",
        "C-02 W-03",
        "Select by digest what belongs to this post, and send nothing else.",
    ),
    _case(
        222,
        Level.MUST,
        "Whatever is vouched for was fetched first.",
        "C-06",
        "Compute the digest of the bytes yourself: what the object declares proves nothing.",
        cap=_VOUCHES_UNSEEN,
    ),
    _case(
        223,
        Level.MUST,
        "A file whose bytes are not those that the object declares is not vouched for as declared.",
        "C-06",
        "Take the digest of the bytes that you received, and drop attestations about others.",
        cap=_VOUCHES_UNSEEN,
    ),
    _case(
        224,
        Level.SHOULD,
        "With sixteen pictures the tokens of the first are sent.",
        "C-08",
        "Fill the field in the order of the attachments until it is full; the rest can be looked up.",
    ),
    _case(
        225,
        Level.MUST,
        "An attestation that does not verify is not passed on.",
        "C-06 C-07",
        "Verify what comes with a post before it is passed on: signature, times, digest of the bytes.",
        cap=_VOUCHES_UNSEEN,
    ),
    _case(
        226,
        Level.SHOULD,
        "A picture of the canary list is not passed on by a relay that checks media.",
        "",
        "The lab's canary is harmless and stands on a list of its own: add that list to see that checking works.",
    ),
    # ------------------------------------------------------------ what is not passed on
    _case(
        230,
        Level.MUST,
        "Nothing goes back to the server that it came from.",
        "",
        "Leave out the servers of the sender, of the actor and of the object.",
    ),
    _case(
        231,
        Level.SHOULD,
        "A post that comes twice is passed on once.",
        "",
        "Remember object ids: the same post comes by other relays, too.",
    ),
    _case(
        232,
        Level.SHOULD,
        "An Update that its author signed is forwarded.",
        "",
        "Edits travel only as forwarded bytes; without them old versions stay everywhere.",
    ),
    _case(
        233,
        Level.SHOULD,
        "A Delete that its author signed is forwarded.",
        "",
        "Deletions travel only as forwarded bytes; without them posts stay that their authors took back.",
    ),
    _case(
        234,
        Level.MUST,
        "What is not public is not passed on.",
        "",
        "Pass on only what names the public collection in `to`.",
        cap=_LEAKS,
    ),
    _case(
        235,
        Level.MUST,
        "What is not signed is not passed on.",
        "",
        "Answer 401 to deliveries without an HTTP signature.",
        cap=_BELIEVES,
    ),
    _case(
        236,
        Level.MUST,
        "What is signed with another key than the actor's is not passed on.",
        "",
        "Fetch the key from the actor's own server and verify with it.",
        cap=_BELIEVES,
    ),
    _case(
        237,
        Level.SHOULD,
        "What a server sends that does not subscribe is not passed on.",
        "",
        "Relays that take posts from anybody are flooded by anybody.",
    ),
    _case(
        238,
        Level.MUST,
        "After the Undo of a Follow nothing is delivered any longer.",
        "",
        "Find the subscription by the actor and the id of the Follow, and end it.",
    ),
    # ------------------------------------------------------------ in hostile mode
    _case(
        250,
        Level.SHOULD,
        "A delivery that is sent again to the letter is not acted on again.",
        "",
        "Remember signatures for as long as their dates are accepted.",
    ),
    _case(
        251,
        Level.MUST,
        "A picture that changes behind its address is not vouched for with its old token.",
        "C-06",
        "Keep attestations by digest and not by address, and fetch before you vouch.",
        cap=_VOUCHES_UNSEEN,
    ),
    _case(
        252,
        Level.SHOULD,
        "A server whose key changed is understood again.",
        "",
        "Fetch the key anew when a signature does not verify, at most every few minutes.",
    ),
    _case(
        253,
        Level.SHOULD,
        "Of deliveries of the same post at the same time one is passed on.",
        "",
        "Check and remember in one step.",
    ),
    _case(
        254,
        Level.SHOULD,
        "A subscriber that is slow does not delay others.",
        "",
        "Deliver to several servers at the same time.",
    ),
    _case(
        255,
        Level.SHOULD,
        "A delivery that is refused for now is tried again.",
        "",
        "Keep it after 429 and 5xx, rest as long as Retry-After says, and try again. Within the time of this test "
        "it is seen only from relays that try again soon, or when they hear of the server.",
    ),
    _case(
        256,
        Level.SHOULD,
        "A field that breaks the grammar is ignored, and the activity processed as if it were not there.",
        "",
        "Do not refuse the delivery, and do not take a part of the field.",
    ),
    _case(
        257,
        Level.SHOULD,
        "Usual other spellings are understood.",
        "",
        "Take one value for an array of one, `as:Public` for the public collection, and a type in an array.",
    ),
)
