"""Write docs/codes, the tables of docs/reference and the schema: `python scripts/generate_docs.py`.

A page for each code and transform, its output and example made by the fixture that the registry
names; tables of the transforms, the guarantees and the options. tests/test_docs.py compares all of it
with what stands in the repository.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
if __name__ == "__main__":
    sys.path.append(str(ROOT / "tests" / "support"))

from fixture_cases import FIXTURES, Case, read_case, shown_by  # noqa: E402
from fixture_runs import RunCase, read_run  # noqa: E402

from dockfix.checks.explanations import guide_of  # noqa: E402
from dockfix.checks.guarantees import GUARANTEES  # noqa: E402
from dockfix.cli import GROUPS  # noqa: E402
from dockfix.config.facts_schema import make_facts_schema, make_facts_table  # noqa: E402
from dockfix.config.keys import KEYS  # noqa: E402
from dockfix.config.schema import make_schema, make_table  # noqa: E402
from dockfix.explain.codes import HEADINGS, all_codes, explanation_of  # noqa: E402
from dockfix.options.declarations import Declaration, declared  # noqa: E402
from dockfix.output.summary import format_finding  # noqa: E402
from dockfix.results import Code, Kind  # noqa: E402
from dockfix.transforms import TRANSFORMS  # noqa: E402

PAGES: Final = ROOT / "docs" / "codes"
WORK: Final = ROOT / "docs" / "reference" / "how-it-works.md"
"""The page with the tables of the transforms and the guarantees."""
OPTIONS: Final = ROOT / "docs" / "reference" / "options.md"
CONFIGURATION: Final = ROOT / "docs" / "reference" / "configuration.md"
FACTS: Final = ROOT / "docs" / "reference" / "facts.md"
SCHEMA: Final = ROOT / "docs" / "dockfix.schema.json"
FACTS_SCHEMA: Final = ROOT / "docs" / "dockfix.facts.schema.json"
_LABELS: Final = {Kind.REVIEW: "needs review: ", Kind.NOTE: "note: ", Kind.FAILURE: "error: "}
_LANGUAGES: Final = {".py": "python", ".yaml": "yaml", ".md": "markdown", ".txt": "text"}
_BY_NAME: Final = {transform.name: transform for transform in TRANSFORMS}
# What differs from one machine, or one Python, to the next.
_PASSING: Final = (
    (re.compile(r"Python 3\.\d+"), "Python 3.N"),
    (re.compile(r" at [\w.]+:\d+"), " at MODULE:LINE"),
    (re.compile(r"/\S*/(?=[\w.-]+\.patch)"), "~/.local/state/dockfix/"),
    (re.compile(r"/\S*/repository/"), "/src/"),
)


def page(code: Code) -> str:
    """The page of a code or transform, in Markdown."""
    explanation = explanation_of(code)
    parts = [f"# {code.name}", f"{code.summary} ({', '.join(code.kinds)})"]
    parts += ["## Output", _fence("\n".join(_output(code)), "text")]
    parts += ["## Description", explanation.description]
    parts += ["## Example", *_example(code)]
    for title, text in explanation.sections():
        parts += [f"## {title}", text]
        if title == "What to do" and code.answered_by:
            trials = "".join(f"\n- {trial}" for trial in code.answered_by)
            parts.append(f"A run on a container engine answers this if\n{trials}")
        if title == "What to do" and (guide := guide_of(code)):
            parts.append(f"Step by step: [{guide}](../{guide})")
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """The table of contents of all pages, by kind."""
    about = "What dockfix may say of a file, and what each of its transforms does."
    parts = ["# Codes", f"{about} `dockfix --explain NAME` prints the same."]
    for kind, heading in HEADINGS.items():
        own = (code for code in all_codes() if kind in code.kinds)
        rows = [f"| [`{code.name}`]({code.name}.md) | {code.summary} |" for code in own]
        parts += [f"## {heading}", "\n".join(["| name | meaning |", "|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def transforms_table() -> str:
    """The transforms, in the order in which they work."""
    rows = [f"| [`{one.name}`](../codes/{one.name}.md) | {one.summary} |" for one in TRANSFORMS]
    return "\n".join(["| transform | what it does |", "|---|---|", *rows])


def guarantees_table() -> str:
    """The guarantees, each with its promise."""
    rows = [f"| [`{one.name}`](../codes/{one.code.name}.md) | {one.promise} |" for one in GUARANTEES]
    return "\n".join(["| guarantee | what it promises |", "|---|---|", *rows])


def options_page() -> str:
    """Every option of the command line, in its groups, with its key in a configuration."""
    parts = ["# Options", _OPTIONS_HEAD]
    for title, group in GROUPS.items():
        rows = [_option_row(name, one) for name, one in declared(group).items()]
        parts += [f"## {title}", "\n".join(["| option | key | what it does |", "|---|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def _option_row(name: str, one: Declaration) -> str:
    flags = ", ".join(f"`{flag} {one.metavar}`".replace(" `", "`") for flag in one.flags).replace("|", "\\|")
    key = f"`{known}`" if (known := name.replace("_", "-")) in KEYS else ""
    return f"| {flags} | {key} | {one.help} |"


_OPTIONS_HEAD: Final = (
    "`dockfix --help` prints the same. An option with a key can also be set in [a"
    " configuration](configuration.md), for all files or for some; the command line wins."
    " `# dockfix: ignore` in a Dockerfile leaves it alone, `# dockfix: ignore[pip-user]` leaves one transform"
    " out, and `# dockfix: accept[low-port]` accepts a review."
)


def keys_table() -> str:
    """The table of the keys of a configuration."""
    return "\n".join(make_table())


def facts_table() -> str:
    """The table of the keys of an image in dockfix.facts.toml."""
    return "\n".join(make_facts_table())


TABLES: Final = {
    FACTS: {"keys": facts_table},
    WORK: {"transforms": transforms_table, "guarantees": guarantees_table},
    CONFIGURATION: {"keys": keys_table},
}


def with_tables(page: Path, text: str) -> str:
    """The text of one of these pages with its tables as the code has them."""
    for name, table in TABLES[page].items():
        place = rf"(?<=<!-- {name}: kept by scripts/generate_docs.py -->\n).*?(?=<!-- end of {name} -->)"
        text, count = re.subn(place, f"\n{table()}\n\n".replace("\\", r"\\"), text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{page.name} has {count} places for the table of {name}")
    return text


def schema() -> str:
    """The JSON schema of a configuration."""
    return json.dumps(make_schema(), indent=2) + "\n"


def facts_schema() -> str:
    """The JSON schema of dockfix.facts.toml."""
    return json.dumps(make_facts_schema(), indent=2) + "\n"


def _output(code: Code) -> Iterator[str]:
    """The lines that a run prints of the code's cases, one for each kind."""
    if code.name in _BY_NAME:
        yield f"Dockerfile: would change ({code.name})"
        return
    seen: set[Kind] = set()
    for case in code.cases:
        for one in shown_by(case):
            if one.finding.code == code.name and one.kind not in seen:
                seen.add(one.kind)
                line = "Dockerfile: would change (...)" if one.kind is Kind.CHANGE else ""
                yield _steady(line or format_finding(one.path, one.finding, _LABELS.get(one.kind, "")))


def _steady(line: str) -> str:
    for pattern, text in _PASSING:
        line = pattern.sub(text, line)
    return line


def _example(code: Code) -> Iterator[str]:
    if code.name in _BY_NAME:
        yield _fence(_diff(_BY_NAME[code.name].before, _BY_NAME[code.name].after), "diff")
        yield f"[{code.cases[0]}](../../fixtures/{code.cases[0]}) is a larger one."
        return
    for case in code.cases:
        family, _, name = case.partition("/")
        if family == "cases":
            yield from _of_case(case, read_case(name))
        elif family == "guarantees":
            yield from _of_guarantee(case)
        else:
            yield from _of_run(case, read_run(name))


def _of_case(place: str, case: Case) -> Iterator[str]:
    yield f"{case.about} ([{place}](../../fixtures/{place}))"
    if case.context.path != "Dockerfile":
        yield f"Its path is `{case.context.path}`."
    if case.context.siblings:
        yield f"Beside it: {', '.join(f'`{name}`' for name in sorted(case.context.siblings))}."
    if case.after is None:
        yield _fence(case.before, "dockerfile")
    else:
        yield _fence(_diff(case.before, case.after), "diff")


def _of_guarantee(place: str) -> Iterator[str]:
    folder = FIXTURES / place
    texts = [(folder / f"{name}.Dockerfile").read_text(encoding="utf-8") for name in ("before", "broken")]
    about = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))["about"]
    yield f"A rewrite that was broken by hand. {about} ([{place}](../../fixtures/{place}))"
    yield _fence(_diff(*texts), "diff")


def _of_run(place: str, case: RunCase) -> Iterator[str]:
    yield f"{case.about} ([{place}](../../fixtures/{place}.toml))"
    yield _fence(f"dockfix {' '.join(case.arguments)}", "console")
    for name, text in case.files.items():
        yield f"`{name}`:"
        yield _fence(text.removeprefix("\n"), _language(name))
    yield from (f"`{name}` is a link to `{target}`." for name, target in case.links.items())
    yield from (f"`{name}` is a named pipe." for name in case.pipes)
    yield from (f"`{name}` is a submodule." for name in case.submodules)
    yield from (f"`{name}` has mode {mode:04o}." for name, mode in case.modes.items())
    yield from (f"`{name}` holds the bytes `{text}`." for name, text in case.binary.items())
    for name, (text, count) in case.repeated.items():
        yield f"`{name}` holds {text.rstrip()!r} on {count} lines."
    for name, (text, first, last) in case.chain.items():
        numbers = f"`{name.format(first)}` to `{name.format(last)}`"
        yield f"{numbers} each hold one line, `{text.format(first + 1).rstrip()}` the first of them."
    yield from (f"`{name}` was edited since the last commit." for name in case.edited)
    if case.fault:
        yield f"In this run {case.fault}."


def _language(name: str) -> str:
    return _LANGUAGES.get(Path(name).suffix, "dockerfile")


def _diff(before: str, after: str) -> str:
    """The whole text, with what goes and what comes."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return "\n".join(f"{line[0]}{line[2:]}".rstrip() for line in lines if line[0] != "?")


def _fence(text: str, language: str) -> str:
    marks = "````" if "```" in text else "```"
    return f"{marks}{language}\n{text.rstrip()}\n{marks}"


def pages() -> Iterator[tuple[Path, str]]:
    """Each file of docs/codes, with its text."""
    yield PAGES / "README.md", index()
    yield from ((PAGES / f"{code.name}.md", page(code)) for code in all_codes())


def main() -> None:
    """Write all of it, and delete pages of what has gone."""
    PAGES.mkdir(parents=True, exist_ok=True)
    texts = dict(pages())
    for path in PAGES.glob("*.md"):
        if path not in texts:
            path.unlink()
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    for path in TABLES:
        path.write_text(with_tables(path, path.read_text(encoding="utf-8")), encoding="utf-8")
    OPTIONS.write_text(options_page(), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")
    FACTS_SCHEMA.write_text(facts_schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
