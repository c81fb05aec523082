from __future__ import annotations

import pytest

from dockfix.context import Context
from dockfix.evidence.assess import collect_evidence
from dockfix.model.evidence import BuildScript
from dockfix.model.lineage import find_lineages, read_stages
from dockfix.model.plan import Plan
from dockfix.options import Options
from dockfix.syntax.parser import parse

SCRIPT = 'import os\nos.makedirs("data", exist_ok=True)\nopen("/srv/list", "w").write("x")\n'
WRITES = (("data/", True), ("/srv/list", True))


def scripts(dockerfile: str, files: dict[str, str]) -> tuple[BuildScript, ...]:
    tree = parse(dockerfile)
    stages = read_stages(tree, Options())
    lineage = find_lineages(stages, ())[0]
    names = frozenset({"Dockerfile", "README", *files})
    context = Context(read=files.get, names=lambda folder: frozenset() if folder else names)
    return collect_evidence(Plan(tree, stages, lineage, Options(), context)).scripts


@pytest.mark.parametrize("workdir", ["/app", "/srv/shop", "/"])
def test_relative_paths_follow_the_command(workdir: str) -> None:
    text = f'FROM python:3.12\nWORKDIR {workdir}\nCOPY build.py ./\nRUN python build.py\nCMD ["true"]\n'
    (found,) = scripts(text, {"build.py": SCRIPT})
    assert dict(found.writes) == dict(WRITES)
    assert found.words == ("python", "build.py")
    assert found.step == 3
    assert found.is_complete


@pytest.mark.parametrize(
    "run",
    [
        "RUN python build.py",
        "RUN python -m build",
        "RUN python -c \"import os; os.makedirs('data', exist_ok=True); open('/srv/list', 'w')\"",
        f"RUN python3 <<EOF\n{SCRIPT}EOF",
        f"RUN <<EOF\npython - <<PY\n{SCRIPT}PY\nEOF",
    ],
)
def test_ways_to_run_code(run: str) -> None:
    text = f'FROM python:3.12\nWORKDIR /app\nCOPY build.py .\n{run}\nCMD ["true"]\n'
    (found,) = scripts(text, {"build.py": SCRIPT})
    assert dict(found.writes) == dict(WRITES)


@pytest.mark.parametrize(
    ("run", "files"),
    [
        ("RUN python build.py", {}),
        ("RUN python manage.py collectstatic", {"manage.py": SCRIPT}),
        ("RUN python -c \"import os; os.mkdir('$X')\"", {}),
        ("RUN echo python build.py", {"build.py": SCRIPT}),
    ],
)
def test_code_that_cannot_be_read_is_not_described(run: str, files: dict[str, str]) -> None:
    text = f'FROM python:3.12\nWORKDIR /app\nCOPY . .\n{run}\nCMD ["true"]\n'
    assert all(not one.writes for one in scripts(text, files))


@pytest.mark.parametrize(
    "more", ["import subprocess\nsubprocess.run(['x'])\n", "open(input(), 'w')\n", "import whisper\n"]
)
def test_code_with_unknown_effects_is_incomplete(more: str) -> None:
    text = 'FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN python build.py\nCMD ["true"]\n'
    (found,) = scripts(text, {"build.py": SCRIPT + more})
    assert not found.is_complete


@pytest.mark.parametrize(
    ("workdir", "source", "expected"),
    [
        ("/app", "open('x', 'w')\n", True),
        ("/app", "import os\nos.remove('/usr/bin/x')\n", False),
        ("/app", "import os\nos.remove('/app/x')\n", True),
        ("/srv", "import os\nos.remove('/app/x')\n", False),
    ],
)
def test_code_that_names_other_places_is_not_confined(workdir: str, source: str, expected: bool) -> None:
    text = f'FROM python:3.12\nWORKDIR {workdir}\nCOPY . .\nRUN python build.py\nCMD ["true"]\n'
    (found,) = scripts(text, {"build.py": source})
    assert found.is_complete
    assert found.is_confined is expected
