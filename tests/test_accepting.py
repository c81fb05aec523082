"""Reviews that are answered: by options and by comments, one reason at a time."""

from __future__ import annotations

import pytest

from dockfix import Changed, Options, Result, Skipped, Unchanged, fix

LOW_PORT = 'FROM python:3.12-slim-bookworm\nWORKDIR /app\nCOPY . .\nEXPOSE 80\nCMD ["python", "app.py"]\n'
TWO_REVIEWS = LOW_PORT.replace("python:3.12-slim-bookworm", "registry.example.org/tools")


def codes(result: Result) -> tuple[list[str], list[str]]:
    """The reviews that are left, and those that are accepted."""
    assert isinstance(result, Changed)
    return [one.code for one in result.reviews], [one.code for one in result.accepted]


@pytest.mark.parametrize(
    ("accept", "left", "accepted"),
    [
        (set(), ["unknown-base", "low-port"], []),
        ({"low-port"}, ["unknown-base"], ["low-port"]),
        ({"onbuild"}, ["unknown-base", "low-port"], []),
        ({"low-port", "unknown-base"}, [], ["unknown-base", "low-port"]),
    ],
)
def test_an_option_answers_the_reviews_that_it_names(
    accept: set[str], left: list[str], accepted: list[str]
) -> None:
    result = fix(TWO_REVIEWS, Options(accept=frozenset(accept)))
    assert codes(result) == (left, accepted)
    assert isinstance(result, Changed)
    assert result.safe == (not left)


def test_comments_and_options_add_up() -> None:
    text = f"# dockfix: accept[low-port]\n{TWO_REVIEWS}"
    assert codes(fix(text)) == (["unknown-base"], ["low-port"])
    assert codes(fix(text, Options(accept=frozenset({"unknown-base"})))) == ([], ["unknown-base", "low-port"])


def test_a_comment_is_for_its_own_file() -> None:
    fix(f"# dockfix: accept[low-port]\n{LOW_PORT}")
    assert codes(fix(LOW_PORT)) == (["low-port"], [])


def test_what_is_accepted_changes_nothing_of_the_rewrite() -> None:
    plain, accepted = fix(LOW_PORT), fix(LOW_PORT, Options(accept=frozenset({"low-port"})))
    assert isinstance(plain, Changed)
    assert isinstance(accepted, Changed)
    assert plain.text == accepted.text


def notes(text: str, options: Options | None = None) -> list[str]:
    result = fix(text, options or Options())
    assert isinstance(result, Changed | Unchanged)
    return [str(note) for note in result.notes if note.code in ("unknown-name", "unused-comment")]


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("accept[low-prot]", "names no review [unknown-name] (did you mean 'low-port'?)"),
        ("accept[pip-user]", "names no review [unknown-name] (write ignore[pip-user])"),
        ("accept", "names no review [unknown-name] (name the reviews that it accepts: accept[low-port])"),
        ("accept[low-port]", ""),
        ("accept[onbuild]", "accepts nothing [unused-comment] (delete it)"),
        ("ignore[venv]", "leaves nothing out [unused-comment] (delete it)"),
        ("ignore[chown-copies]", ""),
    ],
)
def test_a_comment_that_misses_its_target_is_reported(comment: str, said: str) -> None:
    text = LOW_PORT.replace("EXPOSE", f"# dockfix: {comment}\nEXPOSE")
    accept = Options(accept=frozenset({"low-port"}))
    expected = [f"line 4: the comment `{comment}` {said}"] if said else []
    assert notes(text, None if comment == "accept[low-port]" else accept) == expected


def test_nothing_is_said_of_a_review_that_may_yet_come() -> None:
    """While another review holds the file back, its sources are not read."""
    assert notes(f"# dockfix: accept[denied-to-user]\n{LOW_PORT}") == []


@pytest.mark.parametrize(
    ("comment", "help"),
    [
        ("ignore[pip-usr]", "did you mean 'pip-user'?"),
        ("ignore[low-port]", "write accept[low-port]"),
        ("ingore[pip-user]", "did you mean 'ignore'?"),
        ("ignroe", "did you mean 'ignore'?"),
        ("skip[pip-user]", "known: ignore, accept"),
    ],
)
def test_a_change_waits_for_a_name_that_may_have_been_meant_to_prevent_it(comment: str, help: str) -> None:
    result = fix(f"# dockfix: {comment}\n{LOW_PORT}", Options(accept=frozenset({"low-port"})))
    assert isinstance(result, Changed)
    assert [(one.code, one.line, one.help) for one in result.reviews] == [("unknown-name", 1, help)]


def test_prose_about_dockfix_is_no_comment_for_it() -> None:
    assert notes(f"# dockfix: made this file\n{LOW_PORT}") == []
    assert codes(fix(f"# dockfix: made this file\n{LOW_PORT}")) == (["low-port"], [])


def test_a_file_that_stays_as_it_is_keeps_its_comments() -> None:
    text = "# dockfix: accept[low-port]\nFROM python:3.12\nUSER 1000\nCMD python app.py\n"
    assert notes(text) == []
    assert notes(text.replace("low-port", "low-prot")) != []
    assert isinstance(fix(text.replace("accept[low-port]", "ignore")), Skipped)


def test_reviews_of_a_second_image_stand_at_lines_of_the_file_as_it_was_read() -> None:
    """The first image's change adds lines above those of the second."""
    stage = 'FROM python:3.12-slim-bookworm AS {}\nWORKDIR /app\nCOPY . .\n{}CMD ["python", "app.py"]\n'
    text = stage.format("web", "") + stage.format("api", "EXPOSE 80\n") + stage.format("job", "")
    result = fix(text, Options(targets=("web", "api")))
    assert isinstance(result, Changed)
    assert [(one.code, one.line) for one in result.reviews] == [("low-port", 8)]
    assert result.text.split("\n").index("EXPOSE 80") + 1 > 8
