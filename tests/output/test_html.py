"""The HTML report without a browser: its contents, and that no text in it becomes markup."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from file_results import changed, one_of_each

from dockfix.output import reports
from dockfix.output.owners import NOBODY
from dockfix.output.reports.html import HtmlReport
from dockfix.output.reports.html.lines import MOST_COLOURED, LineTable
from dockfix.output.reports.html.pictures import WIDTH, draw_bar
from dockfix.runner.outcome import FileResult
from dockfix.runner.verdict import Details, Difference, Ground, Kind, Observation, Verdict

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;{{ 7*7 }}"


class _Kept(io.StringIO):
    """A stream whose text stays readable after it is closed."""

    text = ""

    def close(self) -> None:
        self.text = self.getvalue()
        super().close()


def written(results: list[FileResult], title: str = "shop", owner: str = NOBODY) -> str:
    """The page for some results."""
    stream = _Kept()
    report = HtmlReport(stream, title, lambda file: owner)
    for file in results:
        report.add(file)
    report.close()
    return stream.text


class _Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, str] = {}
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside = dict(attrs).get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.raw[self._inside] = self.raw.get(self._inside, "") + data


def read(page: str, name: str) -> Any:
    return json.loads(_Elements(page).raw[name])


def proven(kind: Kind = Kind.PROVEN, **details: Any) -> FileResult:
    return replace(changed("a/Dockerfile"), proof=Verdict(kind, "a/Dockerfile", details=Details(**details)))


def test_each_file_has_a_row() -> None:
    rows = read(written(one_of_each()), "index")["files"]
    assert [(row["path"], row["top"], row["outcome"], row["codes"]) for row in rows] == [
        ("a/Dockerfile", "a/", "changed", ["existing-volumes"]),
        ("b, c/Dockerfile", "b, c/", "needs-review", ["unknown-base", "existing-volumes"]),
        ("d/Dockerfile", "d/", "unchanged", []),
        ('"e\\n/Dockerfile"', '"e\\n/', "skipped", ["drops-privileges"]),
        ("f/Dockerfile", "f/", "failed", ["not-utf-8"]),
    ]
    assert [(row["added"], row["removed"]) for row in rows][:3] == [(1, 0), (1, 0), (0, 0)]


def test_texts_and_edits_make_both_sides() -> None:
    before = "FROM a\r\n# ☃\nRUN x \\\n  && y\nCMD b"
    after = "FROM a\r\nUSER u\n# ☃\nRUN z \\\n  && y\nCMD b\nCMD c"
    texts = read(written([changed("Dockerfile", before, after)]), "texts")
    details = texts["files"][0]
    assert [texts["lines"][number] for number in details["lines"]] == before.replace("\r", "").split("\n")
    rewritten, at = [], 0
    for start, end, lines in details["edits"]:
        rewritten += [*details["lines"][at:start], *lines]
        at = end
    rewritten += details["lines"][at:]
    assert [texts["lines"][number] for number in rewritten] == after.replace("\r", "").split("\n")


def test_colourings_cover_their_lines() -> None:
    texts = read(written([changed("Dockerfile", "FROM a\nRUN echo '😀' \\\n && b $C # d\n")]), "texts")
    assert len(texts["lines"]) == len(texts["colours"]) > 3
    for line, colours in zip(texts["lines"], texts["colours"], strict=True):
        lengths = [int(length) for _, length in re.findall(r"([a-z_])(\d+)", colours)]
        assert sum(lengths) == len(line.encode("utf-16-le")) // 2
    assert texts["colours"][texts["lines"].index("FROM a")] == "k4_1s1"


def test_each_line_is_kept_once() -> None:
    texts = read(written([changed("a/Dockerfile"), changed("b/Dockerfile")]), "texts")
    assert sorted(texts["lines"]) == ["", "CMD b", "FROM a", "USER u"]
    assert texts["files"][0] == texts["files"][1]


def test_other_languages_have_their_own_colours() -> None:
    lines = LineTable()
    lines.number("def f(): pass\n", "build.py")
    assert lines.as_json()["colours"][0] == "k3_2o3_1k4"


def test_what_nobody_would_see_is_written_out() -> None:
    lines = LineTable()
    lines.number("RUN a\u202eb\x1b[1m\n", "Dockerfile")
    assert lines.as_json()["lines"][0] == "RUN a<U+202E>b<U+001B>[1m"
    assert "x8" in lines.as_json()["colours"][0]


def test_an_endless_instruction_stays_plain() -> None:
    lines = LineTable()
    lines.number("RUN " + "a" * MOST_COLOURED, "Dockerfile")
    assert lines.as_json()["colours"] == [f"_{MOST_COLOURED + 4}"]


def hostile() -> FileResult:
    """A file with markup wherever untrusted text can appear."""
    file = changed(f"{HOSTILE}/Dockerfile", f"FROM a\nRUN {HOSTILE}\n", f"FROM a\nUSER u\nRUN {HOSTILE}\n")
    difference = Difference("answers", HOSTILE)
    proof = Verdict(Kind.BREAKS, "a", log_tail=(HOSTILE,), details=Details(HOSTILE, HOSTILE, (difference,)))
    return replace(file, proof=proof)


def test_what_files_hold_is_no_markup() -> None:
    plain = _Elements(written([proven(Kind.BREAKS, engine="e", reason="r")], "title", "owner"))
    page = _Elements(written([hostile()], HOSTILE, HOSTILE))
    assert [tag for tag, _ in page.found] == [tag for tag, _ in plain.found]
    assert [sorted(attributes) for _, attributes in page.found] == [
        sorted(attributes) for _, attributes in plain.found
    ]
    assert json.loads(page.raw["index"])["files"][0]["path"] == f"{HOSTILE}/Dockerfile"
    assert json.loads(page.raw["texts"])["files"][0]["proof"]["log"] == [HOSTILE]


def test_the_page_may_run_its_own_script_alone() -> None:
    page = _Elements(written(one_of_each()))
    policies = [a["content"] for _, a in page.found if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    policy = dict(part.split(" ", 1) for part in (policies[0] or "").split("; "))
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.raw[name].encode()).digest()).decode()
        assert policy[f"{name}-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == "'none'"


def test_nothing_is_fetched() -> None:
    page = _Elements(written(one_of_each()))
    assert not [one for one in page.found if one[0] in ("link", "img", "iframe", "object")]
    assert not [a for _, a in page.found if {"src", "style", "onclick"} & set(a)]
    assert "@import" not in page.raw["style"]
    assert "url(" not in page.raw["style"]


def test_proofs_have_their_ground() -> None:
    seen = Observation("u", "/home/u", "/app", "python", True, None, 1.0, ())
    file = proven(engine="docker", ground=Ground.STAYED_UP, after=seen, seconds=2.04)
    page = written([file])
    proof = read(page, "texts")["files"][0]["proof"]
    assert proof["sentence"] == "proven (stayed up; no port answered)"
    assert proof["ground"] == "it stays up, as before; no port answers"
    assert (proof["engine"], proof["seconds"], proof["before"]) == ("docker", 2.0, None)
    assert list(proof["after"])[:2] == ["User", "Home"]
    assert "Proofs on a container engine" in page
    assert "Proofs on a container engine" not in written(one_of_each())


def test_every_ground_has_a_sentence() -> None:
    for ground in Ground:
        assert read(written([proven(ground=ground)]), "texts")["files"][0]["proof"]["ground"]


def test_bars_fill_their_width() -> None:
    segments = draw_bar({"one": 1, "none": 0, "two": 3})
    assert [(one.kind, one.x, one.width) for one in segments] == [("one", 0, 250), ("two", 250, 750)]
    assert draw_bar({"one": 1}, most=4)[0].width == WIDTH / 4
    assert draw_bar({"none": 0}) == ()


def test_owners_are_shown_where_there_are_some() -> None:
    assert "By owner" in written(one_of_each(), owner="@shop/web")
    assert "By folder" in written(one_of_each())


@pytest.mark.parametrize("count", [0, 1])
def test_few_files_make_a_page(count: int) -> None:
    page = written(one_of_each()[:count])
    assert len(read(page, "index")["files"]) == count
    assert ("1 file ·" in page) == (count == 1)


def test_the_command_line_writes_it_for_the_suffix(tmp_path: Path) -> None:
    (tmp_path / "CODEOWNERS").write_text("/a @shop/web\n")
    report = reports.open_report(str(tmp_path / "x.html"), str(tmp_path))
    for file in one_of_each():
        report.add(file)
    report.close()
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert [row["owner"] for row in read(page, "index")["files"]] == ["@shop/web", *[NOBODY] * 4]
    assert f"<title>dockfix report: {tmp_path.name}</title>" in page
