"""What COPY and ADD leave in the file tree, as BuildKit does it."""

from __future__ import annotations

import pytest
from trees import replay, show

RUN = "RUN mkdir -p /app/sub && echo > /app/a.txt && ln -s /app/a.txt /l && ln -s /app /d"

# (lines, path, what stands there)
LEFT: list[tuple[str, str, str]] = [
    # The owner and the mode that a copy names are those of the directories that it makes as well.
    ("COPY --chown=7:8 a.txt /x/y/a.txt", "/x", "dir 7:8 755"),
    ("COPY --chmod=640 a.txt /x/y/a.txt", "/x/y", "dir 0 640"),
    ("COPY --chmod=640 a.txt /x/y/a.txt", "/x/y/a.txt", "any 0 640"),
    ("COPY --chmod=a=rX conf/ /x/", "/x", "dir 0 555"),
    ("COPY --chmod=2777 a.txt /x/", "/x", "dir 0 755"),
    # A file, or a folder whose contents alone get the whole mode.
    ("COPY --chmod=777 assets /x", "/x", "any 0 777 | any 0 755"),
    ("COPY --chmod=2777 a.txt /x/", "/x/a.txt", "any 0 2777"),
    (f"{RUN}\nCOPY --chown=7:8 --chmod=700 conf/ /app/", "/app", "dir 0 755"),
    # Directories in a directory that is there get the copy's, if it holds such, and files are replaced.
    (f"{RUN}\nCOPY --chown=7:8 conf/ /app/", "/app/sub", "dir 0 755 | dir 7:8 755"),
    (f"{RUN}\nCOPY --chown=7:8 conf/ /app/", "/app/a.txt", "file 0 644 | any 7:8 755"),
    (f"{RUN}\nCOPY --chown=7:8 a.txt /app/", "/app/a.txt", "any 7:8 755"),
    # What has no dot in its name may be a directory, and be copied into another.
    ("COPY . /app/\nCOPY --chown=7:8 conf /app/conf", "/app/conf", "any 0 755 | any 7:8 755"),
    ("COPY . /app/\nCOPY --chown=7:8 a.txt /app/a.txt", "/app/a.txt", "any 7:8 755"),
    ("COPY --chown=7:8 conf /x\nCOPY . /x/", "/x", "dir 7:8 755"),
    ("COPY --chown=7:8 conf /x\nCOPY . /x/", "/x/a.txt", "any 7:8 755 | any 0 755 | absent"),
    # A destination is followed; a link in it is replaced by what has its name.
    (f"{RUN}\nCOPY --chown=7:8 b.txt /l", "/app/a.txt", "any 7:8 755"),
    (f"{RUN}\nCOPY --chown=7:8 b.txt /d/", "/app/b.txt", "any 7:8 755"),
    (f"{RUN}\nRUN ln -s /app/a.txt /app/b.txt\nCOPY --chown=7:8 b.txt /app/", "/app/b.txt", "any 7:8 755"),
    (f"{RUN}\nRUN ln -s /app/a.txt /app/b.txt\nCOPY --chown=7:8 b.txt /app/", "/app/a.txt", "file 0 644"),
    ("WORKDIR /w\nRUN rm -rf /w\nUSER 7:8\nRUN true", "/w", "dir 7:8 755"),
    ("WORKDIR /w\nRUN rm -rf /w\nRUN true\nUSER 7:8", "/w", "dir 0 755"),
    # Its files are installed with the mode that is given, and their modes may be those of their owner alone.
    ("COPY tools /t\nRUN mkdir /x && install -m 700 /t/* /x/", "/x/one", "any 0 700 | absent"),
    (
        "COPY tools /t\nRUN mkdir /x && for f in /t/*; do install -m 700 $f /x; done",
        "/x/one",
        "any 0 700 | absent",
    ),
    (
        "COPY key /key\nRUN mkdir /x && echo > /x/a && chmod --reference=/key /x/a",
        "/x/a",
        "file 0 644 | file 0 755 | file 0 600",
    ),
    # A text in the file, a download, an archive.
    ("COPY <<EOF /x.sh\nhi\nEOF", "/x.sh", "file 0 644"),
    ("COPY --chmod=755 <<EOF /x.sh\nhi\nEOF", "/x.sh", "file 0 755"),
    ("ADD https://example.org/a.txt /x.txt", "/x.txt", "file 0 600"),
    ("ADD a.tar.gz /x/", "/x/one", "any an archive's 755 | absent"),
    ("ADD a.tar.gz /x/", "/x/a.tar.gz", "any an archive's 755 | absent"),
    ("ADD --chown=7:8 a.tar.gz /x/", "/x/one", "any 7:8 755 | absent"),
    ("COPY a.tar.gz /x/", "/x/a.tar.gz", "any 0 755"),
    # What is private in an archive that a step fetches itself would be of no use to anybody.
    (
        "COPY a.tar /\nRUN mkdir /x && tar -oxf /a.tar -C /x",
        "/x/one",
        "any 0 755 | any 0 700 | absent",
    ),
    ("RUN curl -o /a.tar example.org && mkdir /x && tar -oxf /a.tar -C /x", "/x/one", "any 0 755 | absent"),
    ("RUN mkdir /x && curl example.org | tar -oxf - -C /x", "/x/one", "any 0 755 | absent"),
]
BUILDER = (
    "FROM python:3.12-slim-bookworm AS builder\n"
    "RUN mkdir -p /out/in && echo > /out/in/key && chmod 600 /out/in/key && chown 5:6 /out/in /out/in/key"
)
FROM_STAGE: list[tuple[str, str, str]] = [
    ("COPY --from=builder /out/in/key /x/", "/x/key", "file 5:6 600"),
    ("COPY --from=builder /out/in/key /x/", "/x", "dir 0 755"),
    ("COPY --from=builder /out/in/key /x/other", "/x/other", "file 5:6 600"),
    ("COPY --from=builder /out/ /x/", "/x/in/key", "file 5:6 600"),
    ("COPY --from=builder out /x", "/x/in", "dir 5:6 755"),
    ("COPY --from=0 /out /x", "/x/in/key", "file 5:6 600"),
    ("COPY --from=builder --chown=7:8 /out /x", "/x/in/key", "file 7:8 600"),
    ("COPY --from=builder --chmod=755 /out /x", "/x/in/key", "file 5:6 755"),
    ("COPY --from=elsewhere /out /x", "/x/in/key", "any 0 755 | absent"),
]


@pytest.mark.parametrize(("lines", "path", "expected"), LEFT)
def test_copies(lines: str, path: str, expected: str) -> None:
    assert show(replay(lines).tree, path) == expected


@pytest.mark.parametrize(("lines", "path", "expected"), FROM_STAGE)
def test_copies_of_a_stage(lines: str, path: str, expected: str) -> None:
    assert show(replay(f"{BUILDER}\nFROM python:3.12-slim-bookworm\n{lines}").tree, path) == expected
