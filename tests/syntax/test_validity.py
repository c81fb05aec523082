"""What BuildKit's instruction parser rejects; each line was also tried on a real engine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockfix.syntax.parser import parse
from dockfix.syntax.validity import rejections

REFUSED = [
    ("FOO bar", "unknown instruction FOO"),
    ("U\u017fER x", "unknown instruction U\u017fER"),
    ("ENV", "ENV needs an argument"),
    ("ENV A", "ENV needs a name and a value"),
    ("ENV A=1 B", "ENV has 'B' without an ="),
    ("ENV =x", "ENV has a blank name"),
    ("ENV --x A=b", "ENV has no flag --x"),
    ('ENV A="b', "ENV has a quote or a variable that cannot be parsed"),
    ("ENV A it's", "ENV has a quote or a variable that cannot be parsed"),
    ("ENV A=${B!x}", "ENV has a quote or a variable that cannot be parsed"),
    ("LABEL a", "LABEL needs a name and a value"),
    ("LABEL a=1 b", "LABEL has 'b' without an ="),
    ("ARG", "ARG needs an argument"),
    ("ARG --x", "ARG needs an argument"),
    ("ARG =1", "ARG has a blank name"),
    ("ARG A='x", "ARG has a quote or a variable that cannot be parsed"),
    ("COPY x", "COPY needs a source and a destination"),
    ('COPY ["x"]', "COPY needs a source and a destination"),
    ("COPY --foo=1 x y", "COPY has no flag --foo"),
    ("COPY --chown=a --chown=b x y", "COPY has --chown twice"),
    ("COPY --chown x y", "--chown needs a value"),
    ("COPY --link= x y", "--link needs a value"),
    ("COPY --link=maybe x y", "--link takes true or false, not maybe"),
    ("COPY x <<EOF\nEOF", "COPY cannot have a heredoc as its destination"),
    ('COPY "a b" /x', "COPY has a quote or a variable that cannot be parsed"),
    ("ADD --parents a b", "ADD has no flag --parents"),
    ('CMD ["a", 1]', "CMD in JSON form takes strings only"),
    ('RUN ["a", null]', "RUN in JSON form takes strings only"),
    ("ENTRYPOINT [1]", "ENTRYPOINT in JSON form takes strings only"),
    ("CMD --x y", "CMD has no flag --x"),
    ("RUN --foo x", "RUN has no flag --foo"),
    ("RUN --network=none --network=none x", "RUN has --network twice"),
    ("RUN --network=foo x", "--network takes default or none or host, not foo"),
    ("RUN --mount=type=foo x", "--mount does not support type 'foo'"),
    ("RUN --mount=foo=1 x", "--mount does not support 'foo'"),
    ("RUN --mount=type=cache,target x", "--mount has 'target' without a value"),
    ("RUN --mount=type=bind,from=$X x", "--mount does not expand variables in from"),
    ("RUN --mount=type=bind,target=/x,uid=1 x", "--mount of type bind does not support uid"),
    ("RUN --mount=type=cache,target=/x,sharing=foo x", "--mount does not support sharing 'foo'"),
    ("VOLUME", "VOLUME needs an argument"),
    ("VOLUME []", "VOLUME needs an argument"),
    ('VOLUME [""]', "VOLUME has an empty path"),
    ("SHELL bash -c", "SHELL must be in JSON form"),
    ("SHELL []", "SHELL needs an argument"),
    ("USER", "USER needs an argument"),
    ("USER --x", "USER needs an argument"),
    ("USER 'a", "USER has a quote or a variable that cannot be parsed"),
    ("WORKDIR", "WORKDIR needs an argument"),
    ("WORKDIR --x=1 /a", "WORKDIR has no flag --x"),
    ("EXPOSE", "EXPOSE needs an argument"),
    ("STOPSIGNAL", "STOPSIGNAL needs an argument"),
    ("MAINTAINER", "MAINTAINER needs an argument"),
    ("MAINTAINER --x y", "MAINTAINER has no flag --x"),
    ("FROM", "FROM takes an image, then perhaps AS and a name"),
    ("FROM a b", "FROM takes an image, then perhaps AS and a name"),
    ("FROM a AS", "FROM takes an image, then perhaps AS and a name"),
    ("FROM a AS 1a", "'1a' is not a valid stage name"),
    ("FROM --foo=1 a", "FROM has no flag --foo"),
    ("FROM --platform a", "--platform needs a value"),
    ("ONBUILD", "ONBUILD needs an argument"),
    ("ONBUILD ONBUILD RUN x", "ONBUILD cannot contain ONBUILD"),
    ("ONBUILD FROM x", "ONBUILD cannot contain FROM"),
    ("ONBUILD maintainer x", "ONBUILD cannot contain MAINTAINER"),
    ("ONBUILD ENV A", "ENV needs a name and a value"),
    ("ONBUILD CMD [1]", "CMD in JSON form takes strings only"),
    ("ONBUILD --x RUN a", "ONBUILD has no flag --x"),
    ("HEALTHCHECK", "HEALTHCHECK needs an argument"),
    ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
    ("HEALTHCHECK CMD", "HEALTHCHECK CMD needs a command"),
    ("HEALTHCHECK CMD []", "HEALTHCHECK CMD needs a command"),
    ('HEALTHCHECK CMD ["a", 1]', "HEALTHCHECK in JSON form takes strings only"),
    ("HEALTHCHECK FOO x", "HEALTHCHECK takes CMD or NONE, not FOO"),
    ("HEALTHCHECK --interval=x CMD y", "--interval takes a duration such as 30s, not x"),
    ("HEALTHCHECK --interval=1us CMD y", "--interval is shorter than a millisecond"),
    ("HEALTHCHECK --retries=-1 CMD y", "--retries takes a number, not -1"),
    ("HEALTHCHECK --retries=x CMD y", "--retries takes a number, not x"),
]

ACCEPTED = [
    "ARG --x a",
    "CMD",
    "ENTRYPOINT",
    "RUN",
    "RUN []",
    'CMD ["a"] # not JSON',
    'COPY ["a", "b"',
    "COPY -- a b",
    "COPY --from= x y",
    "COPY --exclude=a --exclude=b x y",
    "ENV A b=c",
    "ENV A=${B:-'x y'}",
    "ENV A=b \\",
    'LABEL "a b"=c',
    "MAINTAINER it's me",
    "ONBUILD FOO x",
    "ONBUILD COPY x",
    'ONBUILD ENV A="b',
    "HEALTHCHECK --bad NONE",
    "HEALTHCHECK none",
    "HEALTHCHECK --interval=0 CMD y",
    "HEALTHCHECK --interval=1m30.5s --retries=3 CMD it's",
    "RUN --mount=type=cache,target=/x,uid=1,sharing=locked x",
    "RUN --mount=type=$T,target=$X,uid=1 x",
    "RUN echo 'open",
    "FROM a as B",
    "FROM --platform=$BUILDPLATFORM a",
    "STOPSIGNAL --x SIGTERM",
    "user app",
]


@pytest.mark.parametrize(("line", "message"), REFUSED)
def test_refused(line: str, message: str) -> None:
    (problem,) = rejections(parse(f"FROM a\n{line}\n"))
    assert problem.message.startswith(message)
    assert problem.line == 2


@pytest.mark.parametrize("line", ACCEPTED)
def test_accepted(line: str) -> None:
    assert rejections(parse(f"FROM a\n{line}\n")) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN x\nFROM a\n", [(1, "RUN comes before the first FROM")]),
        ("ARG A\nENV B=1\nFROM a\n", [(2, "ENV comes before the first FROM")]),
        ("ARG A=1\nFROM $A\n", []),
        ("ARG A=1\n", [(1, "no FROM: there is no stage to build")]),
        (
            "FROM a\nUSER\nRUN \\\n x\nWORKDIR\n",
            [(2, "USER needs an argument"), (5, "WORKDIR needs an argument")],
        ),
        ("FROM a\n\\\n", [(2, "unknown instruction (empty)")]),
        ("", []),
    ],
)
def test_whole_files(text: str, expected: list[tuple[int, str]]) -> None:
    assert [(problem.line, problem.message) for problem in rejections(parse(text))] == expected


LINES = st.sampled_from([line for line, _ in REFUSED] + ACCEPTED + ["", "# c", "RUN a \\", " b"])


@given(st.lists(st.one_of(LINES, st.text(max_size=12)), max_size=8).map("\n".join))
def test_any_file_is_judged(text: str) -> None:
    tree = parse(text)
    found = rejections(tree)
    assert len(found) <= len(tree.instructions)
    assert all(problem.message and problem.line >= 1 for problem in found)


@pytest.mark.parametrize("line", ACCEPTED)
def test_the_oracle_accepts_too(line: str) -> None:
    dockerfile = pytest.importorskip("dockerfile")
    assert len(dockerfile.parse_string(f"FROM a\n{line}\n")) == 2
