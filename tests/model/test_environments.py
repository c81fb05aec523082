"""Where virtual environments are."""

from __future__ import annotations

import pytest
from plans import read_plan

from dockfix.model.environments import find_environments, virtual_place

MADE = {
    "RUN python -m venv /venv": ["/venv"],
    "RUN cd /srv && python3 -m venv env": ["/srv/env"],
    "ENV VIRTUAL_ENV=/opt/env\nRUN python -m venv $VIRTUAL_ENV": ["/opt/env"],
    "RUN virtualenv /venv": ["/venv"],
    "ENV UV_PROJECT_ENVIRONMENT=/opt/env\nWORKDIR /app\nRUN uv sync": ["/opt/env"],
    "RUN pip install flask": [],
}
USED = {
    "RUN /venv/bin/pip install x": "/venv",
    "WORKDIR /srv\nRUN env/bin/pip install x": "/srv/env",
    "ENV VIRTUAL_ENV=/opt/env\nRUN pip install x": "/opt/env",
    'ENV PATH="/venv/bin:$PATH"\nRUN pip install x': "/venv",
}


@pytest.mark.parametrize("text", MADE)
def test_made(text: str) -> None:
    plan = read_plan(text + "\n")
    assert [place for run in plan.runs.values() for place in find_environments(run)] == MADE[text]


@pytest.mark.parametrize("text", USED)
def test_used(text: str) -> None:
    run = next(iter(read_plan(text + "\n").runs.values()))
    one = run.invocations[0]
    assert one.pip is not None
    assert virtual_place(one.pip, one) == USED[text]
