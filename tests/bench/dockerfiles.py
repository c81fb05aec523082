"""Synthetic Dockerfiles of about a kilobyte, of the kinds that people ship Python in."""

from __future__ import annotations

import random

BASES = (
    "python:3.8-slim-buster",
    "python:3.11-slim-bookworm",
    "python:3.12-slim",
    "python:3.13",
    "python:3.12-alpine",
    "ubuntu:24.04",
    "registry.example.org/team/python-runtime:7",
)
PACKAGES = [
    "build-essential",
    "ca-certificates",
    "curl",
    "gcc",
    "git",
    "libffi-dev",
    "libpq-dev",
    "libssl-dev",
    "tini",
    "tzdata",
]
LIBRARIES = [
    "django",
    "fastapi",
    "flask",
    "gunicorn",
    "httpx",
    "numpy",
    "pandas",
    "psycopg",
    "redis",
    "requests",
    "uvicorn",
]
COMMANDS = (
    'CMD ["python", "manage.py", "runserver", "0.0.0.0:8000"]',
    'CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app.wsgi"]',
    "CMD uvicorn app.main:app --host 0.0.0.0 --port 8080",
    'ENTRYPOINT ["python", "-m", "service"]',
)
ENDINGS = (
    'CMD ["gosu", "nobody", "python", "-m", "service"]\n',
    'USER 1000:1000\nCMD ["python", "-m", "service"]\n',
)


def generate(seed: int) -> str:
    """A Dockerfile, determined by the seed. One in ten drops root itself or already runs as a user."""
    draw = random.Random(seed)
    base = draw.choice(BASES)
    comments, builder = draw.random() < 0.6, draw.random() < 0.2
    steps = [_builder(draw)] if builder else []
    steps.append(("", f"FROM {base}"))
    labels = ("title", "description", "source", "vendor")
    text = " \\\n      ".join(
        f'org.opencontainers.image.{name}="Service {draw.randint(1, 99)}"' for name in labels
    )
    steps.append(("", f"LABEL {text}"))
    steps.append(("No bytecode, no buffering", "ENV PYTHONUNBUFFERED=1 \\\n    PYTHONDONTWRITEBYTECODE=1"))
    steps.append(("System packages", _system(draw, base)))
    steps.append(("Work here", "WORKDIR /" + draw.choice(("app", "srv/service", "code"))))
    steps.append(("Dependencies first, for the cache", "COPY requirements.txt constraints.txt ./"))
    steps.append(("", "RUN pip install --no-cache-dir -r requirements.txt -c constraints.txt"))
    extra = " \\\n    ".join(f'"{name}>=1,<{draw.randint(2, 90)}"' for name in draw.sample(LIBRARIES, 5))
    steps.append(("What the image needs beyond them", f"RUN pip install \\\n    {extra}"))
    steps.append(("The application", "COPY . ."))
    steps.append(("", f"EXPOSE {draw.choice((8000, 8080, 5000))}"))
    check = "import urllib.request as r; r.urlopen('http://localhost:8000/healthz')"
    steps.append(("", f'HEALTHCHECK --interval=30s CMD python -c "{check}"'))
    body = _join(steps, comments=comments)
    ending = draw.choice(ENDINGS) if draw.random() < 0.1 else draw.choice(COMMANDS) + "\n"
    return body + ("\n# Start\n" if comments else "") + ending


def _builder(draw: random.Random) -> tuple[str, str]:
    lines = (
        f"FROM node:{draw.randint(18, 22)} AS assets",
        "WORKDIR /src",
        "COPY package.json package-lock.json ./",
        "RUN npm ci",
        "COPY frontend frontend",
        "RUN npm run build",
    )
    return "Assets", "\n".join(lines)


def _system(draw: random.Random, base: str) -> str:
    names = " \\\n        ".join(sorted(draw.sample(PACKAGES, 6)))
    if "alpine" in base:
        return f"RUN apk add --no-cache \\\n        {names}"
    return (
        f"RUN apt-get update \\\n    && apt-get install -y --no-install-recommends \\\n        {names}"
        " \\\n    && rm -rf /var/lib/apt/lists/*"
    )


def _join(steps: list[tuple[str, str]], *, comments: bool) -> str:
    if not comments:
        return "".join(f"{text}\n" for _, text in steps)
    return "\n".join((f"# {comment}\n" if comment else "") + f"{text}\n" for comment, text in steps)
