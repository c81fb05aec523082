"""The calls made to nerdctl are ones that it documents, and its warnings do no harm.

nerdctl itself is in no package here: a program of its name refuses every flag that nerdctl 2's
command reference does not list, warns as nerdctl does, and hands the call to docker.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from applications import build_network, engine, has_image

from dockfix.verify import VerifyOptions, prove

BASE = "python:3.12-slim-bookworm"
CONFINED = {
    *("--network", "--pids-limit", "--memory", "--cpus", "--cap-drop", "--cap-add", "--security-opt"),
    *("--log-driver", "--log-opt"),
}
FLAGS = {
    "version": {"--format"},
    "build": {"--progress", "--file", "--tag", "--label", "--build-arg", "--secret", "--target", "--network"},
    "create": {
        *("--label", "--env", "--env-file", "--pid", "--user", "--read-only", "--entrypoint"),
        *CONFINED,
    },
    "run": {"--rm", "--interactive", "--label", *CONFINED, "--entrypoint", "--env", "--env-file"},
    "exec": {"--interactive"},
    "start": set(),
    "inspect": {"--format"},
    "image inspect": set(),
    "logs": {"--tail"},
    "pull": {"--quiet"},
    "diff": set(),
    "rm": {"--force", "--volumes", "-f", "-v"},
    "rmi": {"--force", "-f"},
    "ps": {"-a", "-q", "--filter"},
    "images": {"-a", "-q", "--filter"},
}
ALONE = {"--read-only", "--rm", "--interactive", "--force", "--volumes", "-f", "-v", "-a", "-q"}
PROGRAM = """\
#!{python}
import os, sys
flags, alone = {flags!r}, {alone!r}
words = sys.argv[1:]
command = " ".join(words[:2]) if words[0] == "image" else words[0]
rest = iter(words[len(command.split()):])
for word in rest:
    if not word.startswith("-"):
        break
    name, equals, _ = word.partition("=")
    if command not in flags or name not in flags[command]:
        sys.exit("nerdctl: unknown: " + " ".join(words))
    if not equals and name not in alone:
        next(rest)
with open({calls!r}, "a") as calls:
    calls.write(command + "\\n")
print('time="2025-01-01T00:00:00Z" level=warning msg="a warning"', file=sys.stderr, flush=True)
if command == "version":
    words[-1] = words[-1].replace("Client", "Server")
os.execv({docker!r}, [{docker!r}, *words])
"""
COMMANDS = {
    "serves": "import time; open('state', 'w').write('x'); time.sleep(60)",
    "ends": "print('done')",
}


@pytest.mark.engine
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_calls_are_those_that_nerdctl_documents(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine().name != "docker":
        pytest.skip("what stands in for nerdctl needs docker")
    if not has_image(BASE):
        pytest.skip(f"no image {BASE} on this engine")
    calls = tmp_path / "calls"
    program = tmp_path / "bin" / "nerdctl"
    program.parent.mkdir()
    program.write_text(
        PROGRAM.format(
            python=sys.executable, flags=FLAGS, alone=ALONE, calls=str(calls), docker=engine().executable
        )
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    original = f'FROM {BASE}\nARG LEVEL\nWORKDIR /app\nCMD ["python", "-c", "{command}"]\n'
    rewrite = original.replace(
        "CMD", "RUN adduser --disabled-password --gecos '' u && chown u /app\nUSER u\nCMD"
    )
    dockerfile = tmp_path / "context" / "Dockerfile"
    dockerfile.parent.mkdir()
    settings = tmp_path / "settings"
    settings.write_text("A=1\n")
    options = VerifyOptions(
        engine="nerdctl",
        seconds=2,
        build_args={"LEVEL": "1"},
        build_network=build_network(),
        env=("B=2", "HOME_PAGE"),
        env_files=(str(settings),),
    )
    verdict = prove(original, rewrite, dockerfile, options)
    assert verdict.proven, (verdict, verdict.log_tail)
    assert verdict.details.engine == "nerdctl"
    assert verdict.details.before is not None
    assert verdict.details.before.up == ("sleep" in command)
    once = {"exec"} if "sleep" in command else {"run"}
    assert (
        set(calls.read_text().split("\n")) >= {"version", "build", "create", "image inspect", "diff"} | once
    )
