"""What a proof has shown that the application reads in root's home."""

from __future__ import annotations

import pytest

from dockfix import Options, fix
from dockfix.checks import codes
from dockfix.learned import Learned
from dockfix.results import Changed

TEXT = """\
FROM python:3.12-slim
WORKDIR /app
RUN pip install torch
COPY . .
{fill}
CMD ["python", "serve.py"]
"""
FILL = "RUN apt-get update && python prepare.py"


def fixed(fill: str, *reads: str) -> Changed:
    options = Options(learned=Learned(reads=reads), unsafe=True)
    result = fix(TEXT.format(fill=fill), options)
    assert isinstance(result, Changed)
    return result


def test_a_cache_that_is_read_is_moved_above_the_step_that_may_fill_it() -> None:
    text = fixed(FILL, "~/.cache/torch").text
    assert f'ENV TORCH_HOME="/opt/torch"\n{FILL} \\\n    && mkdir -p /opt/torch \\\n' in text
    assert "TORCH_HOME" not in fixed(FILL).text


@pytest.mark.parametrize(("fill", "read"), [(FILL, "~/.shop"), ("LABEL a=b", "~/.cache/torch")])
def test_what_cannot_be_moved_is_a_review(fill: str, read: str) -> None:
    result = fixed(fill, *dict.fromkeys(["~/.cache/torch", read]))
    (review,) = (one for one in result.reviews if one.code == codes.USES_ROOT_HOME.name)
    assert f"a proof saw it read {read} in root's home" in review.message
