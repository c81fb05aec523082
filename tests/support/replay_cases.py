"""The build contexts of `fixtures/replay`: the right answers for each, and how an answer is judged."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contexts import lay_out

from dockfix.syntax.parser import parse
from dockfix.syntax.words import image_from

ROOT: Final = Path(__file__).parents[2] / "fixtures" / "replay"
DESCRIPTION: Final = "case.toml"
OUTCOMES: Final = {
    "changed": "safe",
    "fixed": "safe",
    "needs-review": "review",
    "skipped": "skip",
    "unchanged": "unchanged",
    "failed": "failed",
}
NOT_LOOKED_AT: Final = "not-looked-at"
ANSWERS: Final = frozenset({*OUTCOMES.values(), NOT_LOOKED_AT})
_KEYS: Final = frozenset(
    "why expect codes contains lacks as_root as_user together dockerfile build context target args start runs"
    " bases modes links archives wheels".split()
)
CommandLine = Callable[..., tuple[int, str, str]]


@dataclass(frozen=True)
class ReplayCase:
    """One folder of `fixtures/replay`: a build context, and the right answers from its case.toml."""

    kind: str
    name: str
    facts: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Its folder below `fixtures/replay`."""
        return f"{self.kind}/{self.name}"

    @property
    def folder(self) -> Path:
        """The folder of its files."""
        return ROOT / self.kind / self.name

    @property
    def dockerfile(self) -> str:
        """The Dockerfile's path inside of the folder."""
        return str(self.facts.get("dockerfile", "Dockerfile"))

    @property
    def expected(self) -> frozenset[str]:
        """The right answers."""
        expect = self.facts["expect"]
        return frozenset([expect] if isinstance(expect, str) else expect)

    @property
    def is_built(self) -> bool:
        """Whether the engine suite builds and runs it."""
        return bool(self.facts["build"])

    @property
    def stand_ins(self) -> Mapping[str, Path]:
        """The bases it provides itself, and their Dockerfiles."""
        return {name: self.folder / file for name, file in self.facts.get("bases", {}).items()}

    def lay_out(self, context: Path) -> Path:
        """Copy it to the folder `context`, which must not exist; returns the path of its Dockerfile."""
        lay_out(self.folder, context, self.facts, DESCRIPTION)
        return context / self.dockerfile


@dataclass(frozen=True)
class Answer:
    """What dockfix did with one Dockerfile: `outcome` is one of ANSWERS, `text` the file afterwards."""

    outcome: str
    codes: frozenset[str]
    text: str


def find_cases() -> tuple[ReplayCase, ...]:
    """All of them, by kind and name."""
    return tuple(
        ReplayCase(file.parts[-3], file.parts[-2], _read(file))
        for file in sorted(ROOT.glob(f"*/*/{DESCRIPTION}"))
    )


def _read(file: Path) -> Mapping[str, Any]:
    facts = tomllib.loads(file.read_text(encoding="utf-8"))
    assert not facts.keys() - _KEYS, f"unknown keys in {file}"
    return facts


def ask(dockfix: CommandLine, repositories: Mapping[Path, Path]) -> dict[Path, Answer]:
    """Write the safe changes of some repositories, given with their Dockerfiles; returns an answer each."""
    folder = next(iter(repositories)).parent
    report = folder.parent / "report.json"
    code, _, messages = dockfix("--write", "--allow-dirty", "--report", str(report), *map(str, repositories))
    assert code in (0, 123), messages
    files = {folder / file["path"]: file for file in json.loads(report.read_text(encoding="utf-8"))["files"]}
    return {repository: _answer(files.get(file), file) for repository, file in repositories.items()}


def _answer(reported: Mapping[str, Any] | None, dockerfile: Path) -> Answer:
    outcome = OUTCOMES[reported["outcome"]] if reported else NOT_LOOKED_AT
    codes = frozenset(finding["code"] for finding in (reported["findings"] if reported else ()))
    return Answer(outcome, codes, dockerfile.read_text(encoding="utf-8"))


def find_faults(case: ReplayCase, answer: Answer) -> Iterator[str]:
    """The differences between an answer and what the case requires."""
    facts = case.facts
    if answer.outcome not in case.expected:
        right = " or ".join(sorted(case.expected))
        yield f"{answer.outcome} ({', '.join(sorted(answer.codes))}), not {right}"
        return
    if answer.outcome in ("review", "skip"):
        yield from (f"no finding {code}" for code in facts.get("codes", ()) if code not in answer.codes)
    if answer.outcome != "safe":
        return
    yield from (f"lacks {words}" for words in facts.get("contains", ()) if words not in answer.text)
    yield from (f"contains {words}" for words in facts.get("lacks", ()) if words in answer.text)
    steps = list(_read_steps(answer.text))
    for words in facts.get("as_root", ()):
        yield from (f"the user runs {line}" for line, user in steps if words in line and user)
    for words in facts.get("as_user", ()):
        yield from (f"root runs {line}" for line, user in steps if words in line and not user)
    users = {user for words in facts.get("together", ()) for line, user in steps if words in line}
    if len(users) > 1:
        yield f"steps that belong together run as {' and '.join(user or 'root' for user in sorted(users))}"
    for words in (word for key in ("as_root", "as_user", "together") for word in facts.get(key, ())):
        if not any(words in line for line, _ in steps):
            yield f"no step has {words}"


def _read_steps(text: str) -> Iterator[tuple[str, str]]:
    """Each step as written, and the USER in effect, empty for root."""
    user, stage = "", ""
    ends: dict[str, str] = {}
    for step in parse(text).instructions:
        if step.keyword == "FROM":
            image, name = image_from(step.args)
            user, stage = ends.get(image or "", ""), name or ""
        elif step.keyword == "USER":
            user = "" if step.args.partition(":")[0] in ("root", "0") else step.args
        ends[stage] = user
        yield str(step), user
