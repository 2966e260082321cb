"""Loading: defaults, paths, secrets, the environment, policy files; and that nothing is executed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.default_policy import DEFAULT_POLICY
from relay.config.diagnostics import Findings, Severity, Source
from relay.config.document import MAX_BYTES, Mapping, Node, parse, plain
from relay.config.load import Loaded, load
from relay.config.policy_keys import POLICY_KEYS
from relay.config.quantities import Address
from relay.config.rules import RULE_KEYS
from relay.config.sample import GENERATED, sample
from relay.config.services import ServiceSettings
from relay.config.settings import Settings, database_path
from relay.domain.facts import Fact
from relay.domain.policy import Between, Mode, OneOf, Verb
from relay.domain.vocabulary import FACTS

ROOT = Path(__file__).parents[3]
NOW = 1_790_000_000.0


class Write(Protocol):
    """Writes `config.yaml` and loads it with that environment."""

    def __call__(self, text: str, **environ: str) -> Loaded:
        """Load `text`."""


@pytest.fixture(name="write")
def _write(tmp_path: Path) -> Write:
    def write(text: str, **environ: str) -> Loaded:
        (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
        return load(tmp_path / "config.yaml", environ, NOW)

    return write


def codes(loaded: Loaded) -> list[str]:
    return [diagnostic.code for diagnostic in loaded.diagnostics]


# ----------------------------------------------------------------------------------------- the sample
def test_sample_says_what_the_defaults_are(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(sample(), encoding="utf-8")
    loaded = load(path, {}, NOW)
    assert loaded.diagnostics == ()
    path.write_text("", encoding="utf-8")
    assert load(path, {}, NOW).require() == loaded.require()


def test_sample_starts_a_relay_on_localhost(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(sample(), encoding="utf-8")
    settings = load(path, {}, NOW).require().settings
    assert settings.relay.url == "http://localhost:8080"
    assert settings.relay.listen == Address("127.0.0.1", 8080)
    assert settings.admin.listen == Address("127.0.0.1", 8081)
    assert settings.relay.data == tmp_path / "data"
    assert database_path(settings) == tmp_path / "data" / "relay.sqlite"
    assert [scanner.builtin for scanner in settings.scanners] == ["canary"]


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_committed_files_are_the_generated_ones(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == GENERATED[name]()


def test_generator_checks() -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, ROOT / "tools" / "generate", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_every_key_has_a_sentence() -> None:
    for section in Settings.model_fields.values():
        assert section.description
        fields = getattr(section.annotation, "model_fields", {})
        assert all(field.description for field in fields.values())


# -------------------------------------------------------------------------------------- all the values
def test_values_arrive_in_their_units(tmp_path: Path, write: Write) -> None:
    (tmp_path / "local.csv").write_text("algorithm,value,category,source,note\n")
    loaded = write(
        """\
relay: {url: "https://Relay.Example:443/", listen: "[::1]:0", contact: "mailto:me@relay.example"}
federation:
  subscriptions: allow-list
  allow: [Bücher.example, "*.example"]
  private_addresses: [127.0.0.0/8, "::1/128"]
  retention: 1.5 hours
  max_body: 500 kB
media: {max_pixels: 12, fetch_timeout: 1 minute}
scanners:
  - {name: local, kind: list, file: local.csv, category: csam, purpose: To test, country: DE}
attestation: {withhold: 0.5%, trusted: ["https://r.example/actor", r.example], accepted_lists: [a]}
"""
    )
    settings = loaded.require().settings
    assert settings.relay.url == "https://relay.example"
    assert str(settings.relay.listen) == "[::1]:0"
    assert settings.federation.allow == ("xn--bcher-kva.example", "*.example")
    assert settings.federation.private_addresses == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert settings.federation.retention == timedelta(minutes=90)
    assert settings.federation.max_body == 500_000
    assert settings.media.max_pixels == 12
    assert settings.scanners[0].file == tmp_path / "local.csv"
    assert settings.attestation.withhold == pytest.approx(0.005)
    assert settings.attestation.trusted == ("https://r.example/actor", "r.example")


def test_section_whose_keys_are_commented_out_is_empty(write: Write) -> None:
    loaded = write("relay:\n  # name: Assay\nscanners:\npolicy:\n")
    assert loaded.require().settings.relay.name == "Assay"


@pytest.mark.parametrize(
    ("database", "file"),
    [("sqlite", "data/relay.sqlite"), ("sqlite:other.db", "other.db"), ("postgresql://u@h/n", None)],
)
def test_database(tmp_path: Path, write: Write, database: str, file: str | None) -> None:
    settings = write(f"relay: {{database: '{database}'}}").require().settings
    assert database_path(settings) == (tmp_path / file if file else None)


def test_secrets_come_from_files_and_the_environment(tmp_path: Path, write: Write) -> None:
    (tmp_path / "secret").write_text("postgresql://me:hidden@db/relay\n")
    settings = write("relay: {database: 'file:secret'}").require().settings
    assert settings.relay.database == "postgresql://me:hidden@db/relay"
    assert "hidden" not in repr(settings)
    again = write("relay: {database: 'env:DB'}", DB="postgresql://db/relay")
    assert again.require().settings.relay.database == "postgresql://db/relay"


def test_a_secret_with_a_mistake_is_not_shown(write: Write) -> None:
    loaded = write("relay: {database: 'env:DB'}", DB="mysql://me:hidden@db")
    assert codes(loaded) == ["C104"]
    assert "hidden" not in loaded.render() + str([one.as_json() for one in loaded.diagnostics])


# -------------------------------------------------------------------------------------- the environment
def test_environment_overrides_keys(write: Write) -> None:
    loaded = write(
        "relay: {name: File, contact: me}\npolicy: {mode: enforce}\n",
        ASSAY_RELAY__NAME="From: the environment",
        ASSAY_FEDERATION__ALLOW='[a.example, "*.b.example"]',
        ASSAY_MEDIA__DECODERS="4",
        ASSAY_POLICY__MODE="observe",
        ASSAY_CONFIG="not a setting",
        PATH="/bin",
    )
    configuration = loaded.require()
    assert configuration.settings.relay.name == "From: the environment"
    assert configuration.settings.relay.contact == "me"
    assert configuration.settings.federation.allow == ("a.example", "*.b.example")
    assert configuration.settings.media.decoders == 4
    assert configuration.policy.mode is Mode.OBSERVE


def test_environment_overrides_keys_of_a_policy_file(tmp_path: Path, write: Write) -> None:
    (tmp_path / "policy.yaml").write_text(DEFAULT_POLICY)
    loaded = write("policy: {file: policy.yaml}", ASSAY_POLICY__MODE="observe")
    assert loaded.require().policy.mode is Mode.OBSERVE
    assert len(loaded.require().policy.rules) == 6


def test_mistakes_in_the_environment_name_the_variable(write: Write) -> None:
    loaded = write(
        "relay: {}",
        ASSAY_RELAY__LSTEN="x",
        ASSAY_FEDERATION__ALLOW="[a.example",
        ASSAY_FEDERATION__RETENTION="72",
        ASSAY_NOWHERE__KEY="1",
    )
    assert sorted({one.span.source.name for one in loaded.diagnostics}) == [
        "ASSAY_FEDERATION__ALLOW",
        "ASSAY_FEDERATION__RETENTION",
        "ASSAY_NOWHERE__KEY",
        "ASSAY_RELAY__LSTEN",
    ]


# ---------------------------------------------------------------------------------------------- policy
def test_lists_of_a_policy_file_start_at_that_file(tmp_path: Path, write: Write) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "names.txt").write_text("a.example # why\n\n*.b.example\n")
    (tmp_path / "sub" / "policy.yaml").write_text(
        "lists: {x: {file: names.txt}}\nrules: [{name: A, when: {from: 'list:x'}, then: drop}]\n"
    )
    policy = write("policy: {file: sub/policy.yaml}").require().policy
    assert policy.rules[0].when == (OneOf(Fact.FROM, frozenset(), ("x",)),)
    assert policy.lists == (("x", frozenset({"a.example", "*.b.example"})),)


@pytest.mark.parametrize(
    ("written", "least", "most"),
    [
        ("up to 31", 0, 31),
        ("less than 31", 0, 30),
        ("at least 3 bits", 3, None),
        ("more than 3", 4, None),
        ("7", 7, 7),
    ],
)
def test_comparisons(write: Write, written: str, least: int, most: int | None) -> None:
    rule = f"{{name: A, when: {{match distance: {written}}}, then: quarantine, reason: x}}"
    policy = write(f"policy: {{rules: [{rule}]}}").require().policy
    (condition,) = policy.rules[0].when
    assert isinstance(condition, Between)
    assert (condition.least, condition.most) == (least, most)


def test_any_stands_for_all_but_none(write: Write) -> None:
    rule = "{name: A, when: {media: any}, then: drop, reason: x}"
    policy = write(f"policy: {{rules: [{rule}], otherwise: defer 2 hours}}").require().policy
    (condition,) = policy.rules[0].when
    assert isinstance(condition, OneOf)
    assert condition.values == {"image", "video", "audio", "other"}
    assert (policy.otherwise.verb, policy.otherwise.seconds) == (Verb.DEFER, 7200)


def test_examples_know_every_fact(write: Write) -> None:
    text = """\
policy:
  lists: {friends: [a.example, b.example], annoying: ["https://a.example/users/ann"]}
  on_scanner_error: quarantine
  rules:
    - name: All
      when:
        media: [image, video]
        attestation: valid
        attested by: list:friends
        match: near
        match distance: 3
        category: other
        from: list:friends
        type: Announce
        list: canary
        media count: at least 2
        media size: more than 8 MiB
        media type: [image/*, video/mp4]
        actor: list:annoying
        language: [de, pt]
        hashtags: [Art, none]
        mentions: up to 3
        sensitive: yes
        software: [mastodon, none]
        subscribed for: less than 14 days
        first seen: at least 1 hour
        posts from server: more than 3 per minute
      then: quarantine
      reason: test
  examples:
    - given:
        media: any
        attestation: valid
        attested by: a.example
        match: near
        match distance: 3
        category: other
        from: [b.example, c.example]
        type: Announce
        list: canary
        media count: 2
        media size: 9 MiB
        media type: image/png
        actor: https://a.example/users/ann
        language: pt-br
        hashtags: ["#ART"]
        mentions: 3
        sensitive: true
        software: mastodon
        subscribed for: 3 days
        first seen: 3 days
        posts from server: 4 per minute
      expect: quarantine
      by: All
    - {given: {scan: pending, match: none}, expect: quarantine, by: on_scanner_error}
"""
    assert write(text).diagnostics == ()


# --------------------------------------------------------------------------------------- hostile files
def test_loading_executes_nothing(tmp_path: Path, write: Write) -> None:
    witness = tmp_path / "witness"
    for tag in ("object/apply:os.system", "object/new:os.system", "name:os.system"):
        loaded = write(f"relay:\n  name: !!python/{tag} ['touch {witness}']\n")
        assert "C008" in codes(loaded)
        assert loaded.settings is None
    assert not witness.exists()


def test_entity_bombs_are_refused(write: Write) -> None:
    pairs = zip("abcdefgh", "bcdefghi", strict=True)
    lines = ["a: &a [x, x]", *(f"{new}: &{new} [*{old}, *{old}]" for old, new in pairs)]
    assert write("\n".join(lines)).settings is None


def test_large_files_are_refused(write: Write) -> None:
    assert codes(write("#" * (MAX_BYTES + 1))) == ["C002"]


def test_bytes_that_are_no_text_are_refused_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"relay:\n  name: \xff\n")
    (diagnostic,) = load(path, {}, NOW).diagnostics
    assert (diagnostic.code, diagnostic.span.line, diagnostic.span.column) == ("C003", 2, 9)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    assert codes(load(tmp_path / "none.yaml", {}, NOW)) == ["C001"]


def test_control_characters_are_refused(write: Write) -> None:
    assert codes(write("relay: {name: \x00}")) == ["C004"]


@given(st.text(alphabet=st.sampled_from(list("ab:-[]{}&*!|>'\"#%@`, \n?")), max_size=60))
def test_any_text_gives_a_document_or_a_diagnostic(text: str) -> None:
    findings = Findings()
    node = parse(Source("x", tuple(text.split("\n"))), findings)
    assert node is not None or findings.errors


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("12:30:00", "12:30:00"),
        ("2027-07-09", "2027-07-09"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("true", True),
        ("~", None),
        ("-7", -7),
        ("1e3", 1000.0),
        ("'7'", "7"),
    ],
)
def test_plain_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    node: Node | None = parse(Source("x", (f"key: {text}",)), Findings())
    assert isinstance(node, Mapping)
    assert plain(node) == {"key": value}


SECTIONS = [getattr(section.annotation, "model_fields", {}) for section in Settings.model_fields.values()]
WORDS = [
    *Settings.model_fields,
    *(name for section in SECTIONS for name in section),
    *ServiceSettings.model_fields,
    *(
        "policy",
        *POLICY_KEYS,
        *RULE_KEYS,
        "given",
        "expect",
        "by",
        "file",
        "csv",
        "column",
        "fires",
        "refresh",
    ),
    *(info.fact.value for info in FACTS),
]
VALUES = ["any", "none", "image", "relay", "defer 1 day", "list", "list:x", "a.example", "1%", "up to 3"]
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(VALUES) | st.text(max_size=5)
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
        | st.fixed_dictionaries({"policy": st.dictionaries(st.sampled_from(POLICY_KEYS), inner, max_size=4)})
    ),
    max_leaves=20,
)


@given(documents)
def test_no_document_fails_without_a_diagnostic(
    tmp_path_factory: pytest.TempPathFactory, document: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    loaded = load(path, {}, NOW)
    errors = any(one.severity is Severity.ERROR for one in loaded.diagnostics)
    assert errors == (loaded.settings is None or loaded.policy is None)
    assert loaded.render().count("\n") >= len(loaded.diagnostics)


def test_environment_of_this_process_is_not_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ASSAY_RELAY__NAME", "Leaked")
    assert write("").require().settings.relay.name == "Assay"
