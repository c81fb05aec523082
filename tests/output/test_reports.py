from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from file_results import changed, one_of_each

from dockfix.checks import codes
from dockfix.checks.explanations import read_explanation
from dockfix.output import reports
from dockfix.output.reports.outcome import statements
from dockfix.results import Changed, Finding
from dockfix.runner.outcome import FileResult


def written(tmp_path: Path, name: str, results: list[FileResult] | None = None) -> str:
    """The report of that name over the results, as text."""
    report = reports.open_report(str(tmp_path / name), str(tmp_path))
    for file in one_of_each() if results is None else results:
        report.add(file)
    report.close()
    return (tmp_path / name).read_text()


def test_json_has_a_row_for_each_file(tmp_path: Path) -> None:
    report = json.loads(written(tmp_path, "x.json"))
    assert [(row["path"], row["outcome"]) for row in report["files"]] == [
        ("a/Dockerfile", "changed"),
        ("b, c/Dockerfile", "needs-review"),
        ("d/Dockerfile", "unchanged"),
        ("e\n/Dockerfile", "skipped"),
        ("f/Dockerfile", "failed"),
    ]
    assert report["counts"] == dict.fromkeys(report["counts"], 1) | {"fixed": 0}
    assert report["files"][0]["edits"] == [{"start": 1, "end": 1, "text": "USER u\n"}]
    assert report["files"][3]["findings"] == [
        {
            "kind": "reason",
            "code": "drops-privileges",
            "line": 2,
            "message": "gosu drops root itself",
            "cure": "leave it",
        }
    ]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_json_keeps_to_its_schema(tmp_path: Path, count: int) -> None:
    place = Path(reports.__file__).with_name("report-1.schema.json")
    schema = json.loads(place.read_text())
    check(json.loads(written(tmp_path, "x.json", one_of_each()[:count])), schema, schema)


def check(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    """Check a value against the parts of JSON Schema that ours uses."""
    if "$ref" in schema:
        return check(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    kinds = {"object": dict, "array": list, "string": str, "integer": int}
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]])
    assert "const" not in schema or value == schema["const"]
    assert "enum" not in schema or value in schema["enum"]
    assert "minimum" not in schema or value >= schema["minimum"]
    for item in value if isinstance(value, list) else ():
        check(item, schema["items"], root)
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= set(value)
        for key, item in value.items():
            check(item, schema["properties"].get(key, {}) if "properties" in schema else {}, root)
            assert key in schema.get("properties", {}) or "additionalProperties" in schema
    return None


def sarif(tmp_path: Path, results: list[FileResult] | None = None) -> dict[str, Any]:
    """The only run of a SARIF report."""
    log = json.loads(written(tmp_path, "x.sarif", results))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    return dict(run)


def test_sarif_names_rules_places_and_levels(tmp_path: Path) -> None:
    run = sarif(tmp_path)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    found = [
        (
            result["ruleId"],
            result["level"],
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            result["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for result in run["results"]
    ]
    assert found == [
        ("runs-as-root", "warning", "a/Dockerfile", 1),
        ("existing-volumes", "note", "a/Dockerfile", 1),
        ("runs-as-root", "note", "b%2C%20c/Dockerfile", 1),
        ("unknown-base", "note", "b%2C%20c/Dockerfile", 1),
        ("existing-volumes", "note", "b%2C%20c/Dockerfile", 1),
        ("drops-privileges", "note", "e%0A/Dockerfile", 2),
        ("not-utf-8", "error", "f/Dockerfile", 3),
    ]


def test_sarif_describes_its_rules(tmp_path: Path) -> None:
    rules = {rule["id"]: rule for rule in sarif(tmp_path)["tool"]["driver"]["rules"]}
    levels = {name: rule["defaultConfiguration"]["level"] for name, rule in rules.items()}
    assert levels == {
        "runs-as-root": "warning",
        "existing-volumes": "note",
        "unknown-base": "note",
        "drops-privileges": "note",
        "not-utf-8": "error",
    }
    for name, rule in rules.items():
        code = codes.named(name)
        assert rule["shortDescription"] == {"text": code.summary}
        assert rule["fullDescription"]["text"] == read_explanation(code).description
        assert rule["helpUri"].endswith(f"/docs/codes/{name}.md")
        assert "\n\n## What to do\n\n" in rule["help"]["markdown"]
        assert "What to do: " in rule["help"]["text"]
        assert rule["properties"]["tags"][: len(code.kinds) + 1] == ["docker", *code.kinds]
        assert ("security-severity" in rule["properties"]) == (name == "runs-as-root")


FIXES = [
    ("FROM a\nCMD b\n", "FROM a\nUSER u\nCMD b\n"),
    ("FROM a\nCMD b", "FROM a\nUSER u\nCMD b"),
    ("FROM a\nCMD b", "FROM a\nCMD b\nUSER u\n"),
    ("FROM a\nCMD b", "FROM a\nCMD c"),
    ("FROM a\nCMD b\n", "FROM a\nCMD b\nUSER u\n"),
    ("FROM a\r\nRUN x\r\nCMD b\r\n", "FROM a\r\nUSER u\r\nCMD b\r\n"),
    ("FROM a\n# 😀\nRUN x\nRUN y\nCMD b\n", "# 😀\nRUN z\nCMD b\n"),
]


@pytest.mark.parametrize(("before", "after"), FIXES)
def test_sarif_fixes_make_the_rewrite(tmp_path: Path, before: str, after: str) -> None:
    result = sarif(tmp_path, [changed("Dockerfile", before, after)])["results"][0]
    (change,) = result["fixes"][0]["artifactChanges"]
    starts = [0]
    for line in before.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    text = before
    for replacement in reversed(change["replacements"]):
        region = replacement["deletedRegion"]
        start = starts[region["startLine"] - 1] + region["startColumn"] - 1
        end = starts[region["endLine"] - 1] + region["endColumn"] - 1
        assert 0 <= start <= end <= len(before)
        text = text[:start] + replacement["insertedContent"]["text"] + text[end:]
    assert text == after


def test_github_commands_are_escaped(tmp_path: Path) -> None:
    lines = written_as(tmp_path, "github")
    assert lines.splitlines()[0] == (
        "::warning file=a/Dockerfile,line=1,title=dockfix%3A runs-as-root::"
        "The image runs as root; dockfix can change that: create-user, set-user."
    )
    assert lines.splitlines()[2:5] == [
        "::notice file=b%2C c/Dockerfile,line=1,title=dockfix%3A runs-as-root::"
        "The image runs as root; dockfix can change that after a review of unknown-base.",
        "::notice file=b%2C c/Dockerfile,line=1,title=dockfix%3A unknown-base::"
        "base <unknown>, 100%25 (--base FAMILY)",
        "::notice file=b%2C c/Dockerfile,line=1,title=dockfix%3A existing-volumes::"
        "volumes may hold root's files (chown them)",
    ]


def written_as(tmp_path: Path, name: str) -> str:
    report = reports.open_report(f"{name}:{tmp_path / 'report.txt'}", str(tmp_path))
    for file in one_of_each():
        report.add(file)
    report.close()
    return (tmp_path / "report.txt").read_text()


def test_junit_counts_what_runs_as_root(tmp_path: Path) -> None:
    suites = ElementTree.fromstring(written(tmp_path, "x.xml"))
    counts = {"name": "dockfix", "tests": "5", "failures": "1", "errors": "1", "skipped": "2", "time": "0"}
    assert suites.attrib == counts
    assert [suite.attrib for suite in suites] == [counts]
    cases = suites.findall(".//testcase")
    assert [(case.get("name"), [child.tag for child in case]) for case in cases] == [
        ("a/Dockerfile", ["failure"]),
        ("b, c/Dockerfile", ["skipped"]),
        ("d/Dockerfile", []),
        ('"e\\n/Dockerfile"', ["skipped"]),
        ("f/Dockerfile", ["error"]),
    ]
    assert "+USER u\n" in (cases[0][0].text or "")
    assert (cases[0][0].text or "").startswith(
        "volumes may hold root's files (chown them) [existing-volumes]\n"
    )
    assert cases[1][0].attrib == {"message": "needs review: unknown-base"}
    assert cases[4][0].text == "line 3: not UTF-8: byte 0xff (save it as UTF-8) [not-utf-8]"


def test_junit_survives_what_xml_forbids(tmp_path: Path) -> None:
    text = written(
        tmp_path, "x.xml", [changed("Dockerfile", "FROM a\nRUN \x0c\x1b]]>&\n", "FROM a\nUSER u\n")]
    )
    assert len(ElementTree.fromstring(text).findall(".//failure")) == 1


# What docs.gitlab.com ("Code Quality", report format) says of each entry.
CODE_QUALITY: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "location", "severity"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./|/)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


@pytest.mark.parametrize("count", [0, 1, 5])
def test_gitlab_gets_what_code_quality_takes(tmp_path: Path, count: int) -> None:
    report = reports.open_report(f"gitlab:{tmp_path / 'x.json'}", str(tmp_path))
    for file in one_of_each()[:count]:
        report.add(file)
    report.close()
    entries = json.loads((tmp_path / "x.json").read_text())
    jsonschema.validate(entries, CODE_QUALITY)
    prints = [entry["fingerprint"] for entry in entries]
    assert len(set(prints)) == len(prints)
    found = [(one["check_name"], one["severity"], one["location"]["path"]) for one in entries]
    assert (
        found[:2]
        == [
            ("runs-as-root", "major", "a/Dockerfile"),
            ("existing-volumes", "info", "a/Dockerfile"),
        ][: count * 2]
    )
    assert (("not-utf-8", "critical", "f/Dockerfile") in found) == (count == 5)


def test_marks_survive_what_moves_and_not_what_changes() -> None:
    def marks(text: str, line: int, *more: int) -> list[str]:
        reviews = tuple(Finding(codes.LOW_PORT, one, "low") for one in (line, *more))
        file = FileResult("a", Changed("", ("set-user",), reviews), text.encode())
        return [one.mark for one in statements(file)]

    root, port = marks("FROM a:1\nEXPOSE 80\n", 2)
    assert marks("FROM a:1\n\n  EXPOSE   80\n", 3) == [root, port]
    assert marks("FROM a:1\nEXPOSE 81\n", 2) == [root, marks("FROM b\nRUN x\nEXPOSE 81\n", 3)[1]]
    assert marks("FROM a:1\nEXPOSE 81\n", 2)[1] != port
    assert marks("FROM a:1\nEXPOSE 80\nEXPOSE 80\n", 2, 3) == [root, port, port.replace(":1", ":2")]
    bases = {
        marks(f"FROM {base}\n", 1)[1] for base in ("r.io:5000/a:1", "r.io:5000/a:2", "r.io:5000/a@sha256:0f")
    }
    assert len(bases) == 1
    assert marks("FROM r.io:5000/b:1\n", 1)[1] not in bases


def test_markdown_counts_and_lists(tmp_path: Path) -> None:
    text = written(tmp_path, "x.md")
    assert "| Run as root, can be fixed | 1 |\n" in text
    assert "- `a/Dockerfile`: create-user, set-user\n" in text
    assert "  - reason: line 2: gosu drops root itself (leave it) [drops-privileges]\n" in text
    assert "<details>" not in text
    assert "base \\<unknown\\>" in text
    many = written(tmp_path, "y.md", [changed(str(number)) for number in range(30)])
    assert "| Run as root, can be fixed | 30 |\n" in many
    assert "<details><summary>60 lines</summary>" in many


def test_a_report_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no known suffix: write FORMAT:FILE \(json, sarif"):
        reports.open_report(str(tmp_path / "report.txt"), str(tmp_path))
