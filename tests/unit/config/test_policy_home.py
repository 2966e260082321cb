"""Where a policy is written: taken out of a configuration, and put back, with every other byte as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from relay.config.diagnostics import Severity
from relay.config.live import LIVE, differences, taken_over, values
from relay.config.load import load
from relay.config.policy_file import load_policy_text
from relay.config.policy_home import policy_text, text_in, with_policy
from relay.config.presets import ARCHIVE, PRESETS
from relay.config.sample import reference, sample
from relay.config.settings import Settings
from relay.domain.errors import Malformed
from relay.domain.policy_record import record_of
from relay.domain.policy_yaml import written_out

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_795_300_000.0
BEFORE = '# top\nrelay: {url: "https://relay.example"}   # mine\n\n# about the policy\n'
AFTER = "\n# next\nlab:\n  pages: true\n"
BLOCK = """\
policy:   # first
  # leading
  preset: strict
  rules:
    - {name: A,
       when: {media: none}, then: relay}  # trailing

  lists:
    a: [x.example]
"""
INNER = """\
# leading
preset: strict
rules:
  - {name: A,
     when: {media: none}, then: relay}  # trailing

lists:
  a: [x.example]
"""


def test_a_block_is_taken_out_with_its_comments() -> None:
    assert text_in(BEFORE + BLOCK + AFTER) == INNER


def test_a_block_is_replaced_and_nothing_else() -> None:
    found = with_policy(BEFORE + BLOCK + AFTER, "mode: observe\n\n# more\n")
    assert found == BEFORE + "policy:\n  mode: observe\n\n  # more\n" + AFTER
    assert text_in(found) == "mode: observe\n\n# more\n"


def test_what_is_taken_out_can_be_put_back() -> None:
    text = BEFORE + BLOCK + AFTER
    again = with_policy(text, text_in(text) or "")
    assert text_in(again) == INNER
    assert again.replace("policy:\n", "policy:   # first\n") == text
    assert with_policy(sample(), text_in(sample()) or "") == sample()


@pytest.mark.parametrize(
    ("block", "taken"),
    [
        ("policy: {preset: strict}\n", "{preset: strict}\n"),
        (
            "policy: {preset: strict,\n   mode: observe}  # so\n",
            "{preset: strict,\n   mode: observe}  # so\n",
        ),
        ("policy: {file: policy.yaml}\n", "{file: policy.yaml}\n"),
        ("policy:\n  mode: observe", "mode: observe"),
        ("policy:\n  lists:\n    a:\n    - x.example\n", "lists:\n  a:\n  - x.example\n"),
        ("policy:\r\n  mode: observe\r\n", "mode: observe\r\n"),
        ("policy:\n", None),
        ("policy: ~\n", None),
        ("", None),
    ],
)
def test_every_way_of_writing_it(block: str, taken: str | None) -> None:
    if taken is not None:
        assert text_in(block) == taken
    found = with_policy(block, "---\nmode: enforce\n...\n")
    assert text_in(found) in {"mode: enforce\n", "mode: enforce\r\n"}
    assert with_policy(f"lab: {{}}\n{block}", "mode: enforce\n").startswith("lab: {}\n")


def test_a_configuration_without_a_policy_gets_one_at_its_end() -> None:
    assert with_policy("lab: {}", "mode: enforce") == "lab: {}\n\npolicy:\n  mode: enforce\n"
    assert with_policy("", "mode: enforce") == "policy:\n  mode: enforce\n"


def test_a_configuration_in_braces_is_left_alone() -> None:
    assert text_in("{policy: {mode: enforce}}") is None
    with pytest.raises(Malformed, match="braces"):
        with_policy("{lab: {}}", "mode: enforce")


@pytest.mark.parametrize("text", ["- a\n", "policy: [", "*a\n", "? [a]\n: b\n"])
def test_what_is_no_configuration_has_no_policy(text: str) -> None:
    assert text_in(text) is None
    assert policy_text(text) == text


def test_a_policy_under_its_key_is_the_policy() -> None:
    assert policy_text("# mine\npolicy:\n  mode: observe\n") == "mode: observe\n"
    assert policy_text("policy: {mode: observe}\n") == "{mode: observe}\n"
    assert policy_text("# mine\nmode: observe\n") == "# mine\nmode: observe\n"
    assert policy_text(BEFORE + BLOCK) == BEFORE + BLOCK


# -------------------------------------------------------------------- where it was read from


def loaded(folder: Path, config: str, policy: str | None = None, **environ: str):  # noqa: ANN201
    (folder / "config.yaml").write_text(config)
    if policy is not None:
        (folder / "rules.yaml").write_text(policy)
    return load(folder / "config.yaml", environ, NOW)


def test_a_policy_knows_its_text_its_place_and_its_preset(tmp_path: Path) -> None:
    found = loaded(tmp_path, BLOCK.replace("  lists:\n    a: [x.example]\n", ""))
    assert found.reading is not None
    written = found.reading.written
    assert written.text.startswith("# leading\npreset: strict\n")
    assert (written.preset, written.expanded) == ("strict", PRESETS["strict"][0])
    assert written.place == str(tmp_path / "config.yaml")
    assert found.home is not None
    assert (found.home.path.name, found.home.block) == ("config.yaml", True)
    assert found.require().written == written


def test_a_policy_in_a_file_of_its_own_lives_there_also_when_it_is_broken(tmp_path: Path) -> None:
    found = loaded(tmp_path, "policy: {file: rules.yaml}\n", "policy:\n  mode: observe\n")
    assert found.reading is not None
    assert (found.reading.written.place, found.reading.written.text) == ("rules.yaml", "mode: observe\n")
    assert found.home is not None
    assert (found.home.path.name, found.home.block) == ("rules.yaml", False)
    broken = loaded(tmp_path, "policy: {file: rules.yaml}\n", "rules: [\n")
    assert broken.home == found.home
    assert broken.policy is None


def test_the_built_in_policy_and_one_in_the_environment_are_written_out(tmp_path: Path) -> None:
    found = loaded(tmp_path, "lab: {}\n")
    assert found.reading is not None
    assert found.reading.written.place == "built-in policy"
    assert "# tried before the policy is used" in found.reading.written.text
    other = loaded(tmp_path, "{policy: {mode: observe}}\n")
    assert other.reading is not None
    assert other.reading.written.text == '{"mode": "observe"}'
    assert load(None, {}, NOW).home is None


def test_a_configuration_can_be_read_again(tmp_path: Path) -> None:
    first = loaded(tmp_path, "relay: {name: One}\n", ASSAY_LAB__PAGES="false")
    (tmp_path / "config.yaml").write_text("relay: {name: Two}\n")
    assert first.again is not None
    settings = first.again(NOW).require().settings
    assert (settings.relay.name, settings.lab.pages) == ("Two", False)


# -------------------------------------------------------------------- what changes live


def test_every_live_key_is_a_key() -> None:
    known = set(values(Settings()))
    assert set(LIVE) <= known
    assert {"relay.url", "relay.listen", "relay.data", "scanners"} <= known - set(LIVE)
    assert all(f"- `{key}`\n" in reference() for key in LIVE)


def test_only_live_keys_are_taken_over() -> None:
    old = Settings()
    new = Settings.model_validate(
        {"relay": {"name": "New", "listen": "127.0.0.1:9"}, "federation": {"block": ("a.example",)}}
    )
    found = taken_over(old, new)
    assert differences(old, found) == ["relay.name", "federation.block"]
    assert differences(found, new) == ["relay.listen"]


# -------------------------------------------------------------------- the text for the public


@pytest.mark.parametrize("name", [name for name in PRESETS if name != ARCHIVE])
def test_what_the_public_reads_is_the_policy(tmp_path: Path, name: str) -> None:
    reading = load_policy_text(f"preset: {name}\n", NOW, shown="x", directory=tmp_path).reading
    assert reading is not None
    assert reading.policy is not None
    again = load_policy_text(written_out(record_of(reading.policy)), NOW, shown="public", directory=tmp_path)
    assert [one.code for one in again.diagnostics if one.severity is Severity.ERROR] == []
    assert again.reading is not None
    assert again.reading.policy is not None
    assert record_of(again.reading.policy) == record_of(reading.policy)
