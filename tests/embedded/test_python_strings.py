from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockfix.checks import codes
from dockfix.embedded.python_strings import decode_source, find_literals, rewrite_module
from dockfix.results import Changed, Finding, Result, Skipped, Unchanged

DOCKERFILE = "FROM python:3.8\nCOPY . .\nCMD python app.py\n"


def leave_root(text: str) -> Result:
    """A small stand-in for the real fix that makes each kind of change."""
    text = text.replace("COPY ", "RUN adduser --gecos '' app\nUSER app\nCOPY --chown=app:app ", 1)
    return Changed(text.replace("CMD ", 'ENV PATH="/home/app/.local/bin:${PATH}"\nCMD '), ("set-user",))


CASES = {
    "triple-quoted": (
        '''TEXT = """FROM python:3.8
COPY . .
CMD python app.py
"""
''',
        '''TEXT = """FROM python:3.8
RUN adduser --gecos '' app
USER app
COPY --chown=app:app . .
ENV PATH="/home/app/.local/bin:${PATH}"
CMD python app.py
"""
''',
    ),
    "pieces": (
        """TEXT = (
    "FROM python:3.8\\n"  # the base
    'COPY . .\\n'
    "CMD python app.py"
)
""",
        """TEXT = (
    "FROM python:3.8\\n"  # the base
    'RUN adduser --gecos \\'\\' app\\n'
    'USER app\\n'
    'COPY --chown=app:app . .\\n'
    "ENV PATH=\\"/home/app/.local/bin:${PATH}\\"\\n"
    "CMD python app.py"
)
""",
    ),
    "continued-pieces": (
        """TEXT = "FROM python:3.8\\n" \\
       "COPY . .\\n" \\
       "CMD python app.py\\n"
""",
        """TEXT = "FROM python:3.8\\n" \\
       "RUN adduser --gecos '' app\\n" \\
       "USER app\\n" \\
       "COPY --chown=app:app . .\\n" \\
       "ENV PATH=\\"/home/app/.local/bin:${PATH}\\"\\n" \\
       "CMD python app.py\\n"
""",
    ),
    "one-line": (
        "write('FROM python:3.8\\nCOPY . .\\n# \\x41 \\\\ \\u00e9\\nCMD python app.py')\n",
        "write('FROM python:3.8\\nRUN adduser --gecos \\'\\' app\\nUSER app\\n"
        "COPY --chown=app:app . .\\n# \\x41 \\\\ \\u00e9\\n"
        'ENV PATH="/home/app/.local/bin:${PATH}"\\nCMD python app.py\')\n',
    ),
    "dedented": (
        '''def build():
    return textwrap.dedent("""\\
        FROM python:3.8

        COPY . .
        CMD python app.py
    """).strip().encode()
''',
        '''def build():
    return textwrap.dedent("""\\
        FROM python:3.8

        RUN adduser --gecos '' app
        USER app
        COPY --chown=app:app . .
        ENV PATH="/home/app/.local/bin:${PATH}"
        CMD python app.py
    """).strip().encode()
''',
    ),
    "cleandoc": (
        '''TEXT = inspect.cleandoc("""
    FROM python:3.8
    COPY . .
    CMD python app.py
""")
''',
        '''TEXT = inspect.cleandoc("""
    FROM python:3.8
    RUN adduser --gecos '' app
    USER app
    COPY --chown=app:app . .
    ENV PATH="/home/app/.local/bin:${PATH}"
    CMD python app.py
""")
''',
    ),
    "indented": (
        '''TEXT = """
    FROM python:3.8
    COPY . .
    CMD python app.py
    """
''',
        '''TEXT = """
    FROM python:3.8
    RUN adduser --gecos '' app
    USER app
    COPY --chown=app:app . .
    ENV PATH="/home/app/.local/bin:${PATH}"
    CMD python app.py
    """
''',
    ),
    "raw": (
        '''TEXT = r"""FROM python:3.8
RUN true \\
 && true
COPY . .
CMD python app.py"""
''',
        '''TEXT = r"""FROM python:3.8
RUN true \\
 && true
RUN adduser --gecos '' app
USER app
COPY --chown=app:app . .
ENV PATH="/home/app/.local/bin:${PATH}"
CMD python app.py"""
''',
    ),
    "f-string": (
        '''TEXT = f"""FROM python:3.8
ARG VERSION={version}
COPY {source} .
CMD python app.py {{}}
"""
''',
        '''TEXT = f"""FROM python:3.8
ARG VERSION={version}
RUN adduser --gecos '' app
USER app
COPY --chown=app:app {source} .
ENV PATH="/home/app/.local/bin:${{PATH}}"
CMD python app.py {{}}
"""
''',
    ),
    "format": (
        '''TEXT = """FROM python:3.8
ENV VERSION={version!r:>{width}}
COPY . .
CMD python app.py
""".format(version=1, width=2)
''',
        '''TEXT = """FROM python:3.8
ENV VERSION={version!r:>{width}}
RUN adduser --gecos '' app
USER app
COPY --chown=app:app . .
ENV PATH="/home/app/.local/bin:${{PATH}}"
CMD python app.py
""".format(version=1, width=2)
''',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_literal_is_rewritten_in_its_own_notation(name: str) -> None:
    before, after = CASES[name]
    text, results = rewrite_module(before, leave_root)
    assert text == after
    assert [type(result) for result in results] == [Changed]


@pytest.mark.parametrize("name", CASES)
def test_line_ends_and_a_byte_order_mark_stay(name: str) -> None:
    before, after = ("\ufeff" + text.replace("\n", "\r\n") for text in CASES[name])
    assert rewrite_module(before, leave_root)[0] == after


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ('x = f"""FROM {base}\nCOPY . .\nCMD x\n"""', "hole-in-the-way"),
        ('x = f"""FROM a\n{steps}\nCOPY . .\n"""', "hole-in-the-way"),
        ('x = "FROM a\\nRUN pip install {}\\nCOPY . .".format(name)', "hole-in-the-way"),
        ('x = "FROM a\\nCOPY . ." + more', "not-plain-text"),
        ('x = "FROM a\\nCOPY . {}\\n".replace("{}", "b")', "not-plain-text"),
        ('x = "FROM a\\nCOPY . %s\\n" % b', "not-plain-text"),
        ('x = "FROM a\\nCOPY . {\\n".format(b)', "not-plain-text"),
        ("x = 'FROM a\\n' r'LABEL a=CMD b'", "cannot-carry"),
    ],
)
def test_what_has_no_place_for_the_fix_is_left_alone_with_a_reason(source: str, code: str) -> None:
    text, results = rewrite_module(source, leave_root)
    assert text == source
    assert [isinstance(result, Skipped) and result.reasons[0].code for result in results] == [code]


@pytest.mark.parametrize(
    "source",
    [
        '"""FROM python:3.8\nCOPY . .\n"""\n',
        'x = b"FROM python:3.8\\nCOPY . .\\n"',
        'assert text == "FROM python:3.8\\nCOPY . .\\n"',
        'self.assertEqual(text, "FROM python:3.8\\nCOPY . .\\n")',
        'Template("FROM python:3.8\\nCOPY . .\\n")',
        'lines = ["FROM python:3.8", "COPY . ."]',
        'sql = "SELECT *\\nFROM users\\nWHERE id = 1"',
        'sql = "FROM users\\nWHERE id = 1"',
        'x = "from here\\nto there"',
        'x = """FROM python:3.8\nCOPY . .\n',
        'x = """FROM python:3.8\n# \0\nCOPY . .\n"""',
        "",
    ],
)
def test_what_is_not_a_dockerfile_of_the_program_has_no_result(source: str) -> None:
    assert rewrite_module(source, leave_root) == (source, ())


def test_lines_of_findings_count_in_the_module() -> None:
    def fix(text: str) -> Result:
        return Unchanged((Finding(codes.NAMED_USER, 1, "a"), Finding(codes.LOW_PORT, 3, "b")))

    source = 'a = 1\nTEXT = (\n    "FROM a\\n"\n    "COPY . .\\nCMD x\\n"\n)\n'
    _, (result,) = rewrite_module(source, fix)
    assert isinstance(result, Unchanged)
    assert [note.line for note in result.notes] == [3, 4]


def test_a_change_that_needs_review_waits_for_unsafe() -> None:
    def fix(text: str) -> Result:
        return Changed(text + "USER app\n", ("set-user",), (Finding(codes.UNKNOWN_BASE, 1, "a"),))

    source = f"x = {DOCKERFILE!r}\n"
    assert rewrite_module(source, fix)[0] == source
    assert "USER app" in rewrite_module(source, fix, unsafe=True)[0]


def test_bytes_are_decoded_as_python_does() -> None:
    source = "# coding: latin-1\nx = 'FROM a\\n# é\\nCOPY . .\\nCMD x'\n"
    text, results = rewrite_module(source.encode("latin-1"), leave_root)
    assert decode_source(source.encode("latin-1")) == source
    assert "# é\\nRUN adduser" in text
    assert len(results) == 1


# What a generated module is made of.
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\f\v\x85\u2028\u2029"), max_size=12)
COMMENTS = WORDS.map(lambda word: f"# {word}".rstrip())
LINES = st.one_of(COMMENTS, st.sampled_from(["", "COPY . .", "RUN a \\", 'LABEL a="b\'c"', "ENV A=${B}"]))
BODIES = st.lists(LINES, min_size=1, max_size=6).map(lambda lines: "\n".join(["FROM a", *lines, "CMD x"]))
FILLERS = st.sampled_from(["", "a = 'FROM b'", "# FROM é\\n", "def f():\n    return '''x\n y'''", "é = 1"])


def spelt_in_pieces(text: str) -> str:
    return "(" + "\n  ".join(map(repr, text.splitlines(keepends=True))) + ")"


def spelt_triple(text: str) -> str:
    return '"""' + text.replace("\\", "\\\\").replace('"', '\\"') + '"""'


def spelt_raw(text: str) -> str:
    if "'''" in text or text.endswith(("'", "\\")):
        return repr(text)
    return f"r'''{text}'''"


def spelt_f(text: str) -> str:
    return "f" + spelt_triple(text).replace("{", "{{").replace("}", "}}")


def spelt_format(text: str) -> str:
    return spelt_triple(text.replace("{", "{{").replace("}", "}}")) + ".format()"


def spelt_dedented(text: str) -> str:
    margin = textwrap.indent(text, "    ")
    return f"textwrap.dedent({spelt_triple(margin)})" if textwrap.dedent(margin) == text else repr(text)


def spelt_stripped(text: str) -> str:
    return spelt_triple("\n" + text + "\n") + ".strip()" if text.strip() == text else repr(text)


SPELLINGS = st.sampled_from(
    [repr, spelt_in_pieces, spelt_triple, spelt_raw, spelt_f, spelt_format, spelt_dedented, spelt_stripped]
)


@st.composite
def fixes(draw: st.DrawFn) -> Callable[[str], Result]:
    """A fix that inserts lines and words, among them quotes, braces and backslashes."""
    at = draw(st.lists(st.integers(0, 8), max_size=3))
    added = draw(st.lists(LINES | WORDS.map(lambda word: "ENV X " + word), min_size=1, max_size=3))
    word = draw(st.sampled_from(["", "--chown=a:a ", "'${{x}}' ", '"""']))

    def fix(text: str) -> Result:
        lines = text.split("\n")
        for index in at:
            lines[1 + index : 1 + index] = added
        fixed = "\n".join(lines).replace("CMD ", f"CMD {word}")
        return Changed(fixed, ("x",)) if fixed != text else Unchanged()

    return fix


@settings(max_examples=30, deadline=None)
@given(text=BODIES, spell=SPELLINGS, fix=fixes(), before=FILLERS, after=FILLERS)
def test_nothing_but_the_literal_changes_and_it_evaluates_to_the_fixed_text(
    text: str, spell: Callable[[str], str], fix: Callable[[str], Result], before: str, after: str
) -> None:
    literal = spell(text)
    head, tail = f"import textwrap\n{before}\nTEXT = ", f"\n{after}\n"
    source = head + literal + tail
    fixed_source, results = rewrite_module(source, fix)
    assert fixed_source.startswith(head)
    assert fixed_source.endswith(tail)
    ast.parse(fixed_source)
    scope: dict[str, str] = {}
    exec(fixed_source[: len(fixed_source) - len(tail)], {}, scope)
    wanted = fix(text)
    carried = [result for result in results if isinstance(result, Changed)]
    if carried and isinstance(wanted, Changed):
        assert scope["TEXT"] == wanted.text
    else:
        assert fixed_source == source


@settings(max_examples=50, deadline=None)
@given(source=st.text(max_size=200) | BODIES.map(lambda text: f"x = {text!r}[:-1] + f'{{1}}'"))
def test_finding_literals_never_raises(source: str) -> None:
    texts = [excerpt.text for excerpt in find_literals(source)]
    assert all("FROM" in text.upper() for text in texts)
