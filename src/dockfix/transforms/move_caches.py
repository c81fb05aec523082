"""Move the caches of the home to /tmp, for a read-only root file system.

With `--read-only`, a cache that the start keeps in the home, and that has a variable of its own, goes to
/tmp, which is writable in such a container. A cache that the build fills, or on which a service mounts
something, stays where it is; one without a variable is named among the directories to mount.

Source: Docker's documentation of `docker run --read-only`; the sources of each variable are in homes.toml.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from dockfix.edits import Edit
from dockfix.model.plan import Plan
from dockfix.model.writable import find_home_caches
from dockfix.syntax.style import Layout, NewLine

NAME = "move-caches"
CHANGES = ""
CASES = ("cases/caches-on-a-read-only-root",)
BEFORE = """\
FROM python:3.12-slim
RUN useradd --create-home app
USER app
COPY main.py .
CMD ["uv", "run", "main.py"]
"""
AFTER = """\
FROM python:3.12-slim
RUN useradd --create-home app
USER app
COPY main.py .
ENV UV_CACHE_DIR="/tmp/uv"
CMD ["uv", "run", "main.py"]
"""


def propose(plan: Plan) -> Iterator[Edit]:
    """One ENV with the variables, below the last step that builds something."""
    if not plan.options.read_only or not plan.runs_as_user or plan.repairs is not None:
        return
    moved = {one.variable: one.path for one in find_home_caches(plan) if one.variable}
    values = [f'{name}="/tmp/{posixpath.basename(path).lstrip(".")}"' for name, path in moved.items()]
    built = [step for step in plan.lineage.own_steps if step.keyword not in ("CMD", "ENTRYPOINT")]
    if values and built:
        line = NewLine("ENV", " ".join(values), "Keep caches on the writable file system")
        yield Layout(plan.tree).insert_after(built[-1].instruction, [line])
