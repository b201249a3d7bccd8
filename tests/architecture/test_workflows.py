"""What runs on GitHub: pinned actions, the fewest permissions, and the very commands of the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((CLONE / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit(path: Path) -> None:
    used = re.findall(r"uses: (\S+)", path.read_text("utf-8"))
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_holds_a_secret_or_may_write_to_the_repository(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "secrets." not in text
    assert re.search(r"^permissions:", text, re.MULTILINE)
    assert set(re.findall(r"^\s+([\w-]+): write$", text, re.MULTILINE)) <= {"id-token"}


def test_continuous_integration_audits_what_is_deployed_and_lists_it() -> None:
    text = (CLONE / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert "run: pip-audit --require-hashes --disable-pip --requirement requirements.txt\n" in text
    assert "--format cyclonedx-json --output sbom.json" in text


def test_continuous_integration_runs_both_commands_of_the_readme() -> None:
    text = (CLONE / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert "run: python3 dev check" in text
    assert "run: python3 dev test" in text
