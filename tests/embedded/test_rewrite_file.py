from __future__ import annotations

import subprocess
import sys
import time

import pytest

from dockfix.embedded import can_hold_dockerfile, rewrite_file
from dockfix.embedded.changes import changed_spans
from dockfix.results import Changed, Result, Skipped


def leave_root(text: str) -> Result:
    """A small stand-in for the real fix that makes each kind of change."""
    text = text.replace("COPY ", "RUN adduser app\n\nUSER app\nCOPY --chown=app:app ", 1)
    return Changed(text.replace("CMD ", 'ENV PATH="/home/app/.local/bin:${PATH}"\nCMD '), ("set-user",))


CASES = {
    "compose": (
        "compose.yaml",
        """services:
  web:  # the site
    build:
      context: .
      dockerfile_inline: |
        FROM python:3.8
        ENV A=$$B C=${C:-d}

        COPY . .
        CMD python app.py
    ports: ["80:80"]
""",
        """services:
  web:  # the site
    build:
      context: .
      dockerfile_inline: |
        FROM python:3.8
        ENV A=$$B C=${C:-d}

        RUN adduser app

        USER app
        COPY --chown=app:app . .
        ENV PATH="/home/app/.local/bin:$${PATH}"
        CMD python app.py
    ports: ["80:80"]
""",
    ),
    "markdown": (
        "README.md",
        """# Use

1. Write

   ```dockerfile
   FROM python:3.8

   COPY . .
   CMD python app.py
   ```

> ~~~Docker
> FROM python:3.8
> COPY . .
> ~~~

```
FROM python:3.8
COPY . .
```
""",
        """# Use

1. Write

   ```dockerfile
   FROM python:3.8

   RUN adduser app

   USER app
   COPY --chown=app:app . .
   ENV PATH="/home/app/.local/bin:${PATH}"
   CMD python app.py
   ```

> ~~~Docker
> FROM python:3.8
> RUN adduser app
>
> USER app
> COPY --chown=app:app . .
> ~~~

```
FROM python:3.8
COPY . .
```
""",
    ),
    "restructured": (
        "docs/use.rst",
        """Use
===

.. code-block:: dockerfile
   :caption: Dockerfile

   FROM python:3.8
   COPY . .

Then build it.
""",
        """Use
===

.. code-block:: dockerfile
   :caption: Dockerfile

   FROM python:3.8
   RUN adduser app

   USER app
   COPY --chown=app:app . .

Then build it.
""",
    ),
    "quoted-heredoc": (
        "build.sh",
        """#!/bin/sh
cat > Dockerfile <<'EOF'
FROM python:3.8
COPY . .
CMD python app.py $A
EOF
docker build .
""",
        """#!/bin/sh
cat > Dockerfile <<'EOF'
FROM python:3.8
RUN adduser app

USER app
COPY --chown=app:app . .
ENV PATH="/home/app/.local/bin:${PATH}"
CMD python app.py $A
EOF
docker build .
""",
    ),
    "expanded-heredoc": (
        "build.sh",
        """docker build -t "$name" - <<-EOF
\tFROM python:3.8
\tLABEL rev=$(git rev-parse HEAD) by=`whoami` at=\\$x
\tRUN true \\\\
\t  && true
\tCOPY . .
\tCMD python app.py
\tEOF
""",
        """docker build -t "$name" - <<-EOF
\tFROM python:3.8
\tLABEL rev=$(git rev-parse HEAD) by=`whoami` at=\\$x
\tRUN true \\\\
\t  && true
\tRUN adduser app

\tUSER app
\tCOPY --chown=app:app . .
\tENV PATH="/home/app/.local/bin:\\${PATH}"
\tCMD python app.py
\tEOF
""",
    ),
    "workflow": (
        ".github/workflows/ci.yml",
        """on: push
jobs:
  build:
    steps:
      - run: |
          cat <<'EOF' > Dockerfile
          FROM python:3.8
          ARG REV=${{ github.sha }}
          COPY . .
          CMD python app.py
          EOF
          docker build .  # here
""",
        """on: push
jobs:
  build:
    steps:
      - run: |
          cat <<'EOF' > Dockerfile
          FROM python:3.8
          ARG REV=${{ github.sha }}
          RUN adduser app

          USER app
          COPY --chown=app:app . .
          ENV PATH="/home/app/.local/bin:${PATH}"
          CMD python app.py
          EOF
          docker build .  # here
""",
    ),
    "python": (
        "tests/build.py",
        'TEXT = "FROM python:3.8\\nCOPY . ."\n',
        'TEXT = "FROM python:3.8\\nRUN adduser app\\n\\nUSER app\\nCOPY --chown=app:app . ."\n',
    ),
}


def both_line_ends(name: str) -> tuple[str, ...]:
    """A shell reads carriage returns as text, so scripts have none."""
    return ("\n",) if name.endswith("heredoc") else ("\n", "\r\n")


@pytest.mark.parametrize(("name", "eol"), [(name, eol) for name in CASES for eol in both_line_ends(name)])
def test_a_dockerfile_in_another_file_is_rewritten_there(name: str, eol: str) -> None:
    path, before, after = CASES[name]
    text, results = rewrite_file(path, before.replace("\n", eol), leave_root)
    assert text == after.replace("\n", eol)
    assert {type(result) for result in results} == {Changed}


@pytest.mark.parametrize(
    ("path", "source", "code"),
    [
        ("compose.yml", 'a:\n  dockerfile_inline: "FROM a\\nCOPY . ."\n', "not-plain-text"),
        ("compose.yml", "a:\n  dockerfile_inline: |\n    FROM $BASE\n    COPY . .\n", "hole-in-the-way"),
        ("compose.yml", "a:\n  dockerfile_inline: |2\n      FROM a\n      COPY . .\n", "not-plain-text"),
        ("a.sh", "cat <<EOF\nFROM $BASE\nCOPY . .\nEOF\n", "hole-in-the-way"),
        ("a.sh", "cat <<EOF\nFROM a\n$STEPS\nCOPY . .\nEOF\n", "hole-in-the-way"),
    ],
)
def test_what_is_filled_in_later_is_left_alone_with_a_reason(path: str, source: str, code: str) -> None:
    text, (result,) = rewrite_file(path, source, leave_root)
    assert text == source
    assert isinstance(result, Skipped)
    assert result.reasons[0].code == code


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.md", "```python\nFROM a\nCOPY . .\n```\n"),
        ("a.md", "```dockerfile\nCOPY . .\nCMD x\n```\n"),
        ("a.rst", ".. code-block:: dockerfile\n\nFROM a\nCOPY . .\n"),
        ("a.sh", "cat <<EOF\nfrom here\nto there\nEOF\n"),
        ("a.sh", "cat <<EOF\nFROM a\nCOPY . .\n"),
        ("a.sh", "# cat <<EOF\nFROM a\nCOPY . .\n# EOF\n"),
        ("ci.yml", "run: 'cat <<EOF\n\n  FROM a\n\n  COPY . .\n\n  EOF'\n"),
        ("ci.yml", "run: |\n  cat <<EOF\n  FROM a\n {{ if }}\n  COPY\n  EOF\n"),
        ("a.txt", "FROM a\nCOPY . .\n"),
    ],
)
def test_what_is_not_a_dockerfile_has_no_result(path: str, source: str) -> None:
    assert rewrite_file(path, source, leave_root) == (source, ())


def test_kinds_of_files() -> None:
    paths = ["a.py", "A.MD", "x/docker-compose.prod.yml", "a.rst", "a.sh", "Dockerfile", "a.json"]
    assert [can_hold_dockerfile(path) for path in paths] == [True, True, True, True, True, False, False]


def test_no_parser_is_imported_where_there_is_nothing_to_read() -> None:
    program = (
        "import sys; from dockfix.embedded import rewrite_file\n"
        "rewrite_file('a.py', 'from a import b\\nx = 1', None)\n"
        "rewrite_file('a.yml', 'a: b', None)\n"
        "print(sorted({'libcst', 'ruamel.yaml', 'markdown_it', 'tree_sitter'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("opened", ["${A", "`a", "$(a"])
def test_a_substitution_that_is_never_closed_is_not_followed(opened: str) -> None:
    script = f"cat > Dockerfile <<EOF\nFROM python:3.12\nRUN echo {opened}\nCMD python a.py\nEOF\n"
    text, results = rewrite_file("build.sh", script, leave_root)
    assert text == script
    (found,) = results
    assert isinstance(found, Skipped)
    assert "is never closed" in found.reasons[0].message


def test_lines_that_repeat_are_compared_in_time() -> None:
    old = "WORKDIR /app\nCOPY . .\nRUN pip install x\n" * 1_000
    new = f"RUN useradd app\n{old}USER app\n"
    start = time.process_time()
    assert list(changed_spans(old, new)) == [(0, 0, "RUN useradd app\n"), (len(old), len(old), "USER app\n")]
    middle = (
        old[: len(old) // 2] + "ENV A=b\n" + old[len(old) // 2 :].replace("install x", "install --user x")
    )
    spans = list(changed_spans(old, middle))
    assert time.process_time() - start < 5
    text: list[str] = []
    at = 0
    for begin, end, replacement in spans:
        text += old[at:begin], replacement
        at = end
    assert "".join([*text, old[at:]]) == middle
