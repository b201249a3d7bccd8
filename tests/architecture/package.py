"""Which files `func azure functionapp publish` sends, as Azure Functions Core Tools decides it.

Azure/azure-functions-core-tools, src/Cli/func/Common/GitIgnoreParser.cs and FileSystemHelpers.cs (GetLocalFiles).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

NEVER_FOLDERS = (".git", ".vscode")
NEVER_FILES = (".funcignore", ".gitignore", "local.settings.json", "project.lock.json")


def shipped(paths: Iterable[str], funcignore: str) -> list[str]:
    """Those of the paths (relative, with slashes) that are sent."""
    lines = [line.strip() for line in funcignore.split("\n") if line.strip() and not line.strip().startswith("#")]
    ignored = _pattern(line for line in lines if not line.startswith("!"))
    kept = _pattern(line[1:] for line in lines if line.startswith("!"))
    return [path for path in paths if not _never(path) and (kept.search(path) or not ignored.search(path))]


def _pattern(lines: Iterable[str]) -> re.Pattern[str]:
    patterns = [_one(line.removeprefix("/")) for line in sorted(lines)]
    return re.compile("^((" + ")|(".join(patterns) + r"))\b" if patterns else "$^", re.ASCII)


def _one(line: str) -> str:
    escaped = re.sub(r"[-\[\]/{}()+?.\\^$|]", r"\\\g<0>", line)
    return escaped.replace("**", "(.+)").replace("*", r"([^\/]+)")


def _never(path: str) -> bool:
    *folders, name = path.split("/")
    return name in NEVER_FILES or any(folder in NEVER_FOLDERS for folder in folders)
