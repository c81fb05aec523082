"""What is fuzzed: the seeds, words and call for each reader of untrusted input."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from dockfix import Options, fix
from dockfix.config import ConfigError
from dockfix.config.facts_file import format_facts, parse_facts
from dockfix.confined import Loss
from dockfix.context import Context
from dockfix.embedded import rewrite_file
from dockfix.files.cache import Cache, _sign
from dockfix.inspection.configuration import UnreadableError, read_configuration, read_json
from dockfix.learned import NOTHING
from dockfix.output.journal import Journal, JournalError
from dockfix.output.owners import Owners
from dockfix.repository.builds import find_builds
from dockfix.repository.interpolation import read_environment
from dockfix.repository.manifests import read_manifests
from dockfix.results import Unchanged
from dockfix.runner.outcome import FileResult

FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
DOCKERFILE: Final = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install x\nCMD python app.py\n"


_POD: Final = """{{- $x := .Values.name | default "web" -}}
{{- define "n" }}{{ .a | quote }}{{ end }}
spec:
  containers:
    {{- range $i, $one := .Values.rows }}
    - name: {{ include "n" (dict "a" $one) }}
      image: {{ printf "%s-%d" $x $i }}
      {{- if and $.Values.on (hasKey $.Values "rows") }}
      volumeMounts: {{ toYaml $.Values.mounts | nindent 8 }}
      {{- else }}
      command: [{{ tpl "{{ .Values.name }}" $ }}]
      {{- end }}
    {{- end }}
"""
_VALUES: Final = "name: web\non: false\nrows: [a, b]\nmounts: [{mountPath: /a, name: b}]\n"


@dataclass(frozen=True, slots=True)
class Target:
    """A reader: it may reject a text, but must not raise, hang, or use much memory."""

    run: Callable[[str], None]
    seeds: Sequence[str]
    words: Sequence[str]
    lost: frozenset[Loss] = frozenset()
    """How its process may be lost: a run names the file, and goes on."""


def _fix(text: str) -> None:
    fix(text, Options(unsafe=True))


def _shell(text: str) -> None:
    fix(
        f"FROM python:3.12\nRUN {text}\nCOPY start.sh /\nCMD /start.sh\n",
        Options(unsafe=True),
        _with("start.sh", text),
    )


def _python(text: str) -> None:
    fix(DOCKERFILE, Options(unsafe=True), _with("app.py", text))
    rewrite_file("a.py", text, fix, unsafe=True)


def _with(name: str, text: str) -> Context:
    return Context("Dockerfile", frozenset({name}), {name: text}.get, lambda _: frozenset({name}))


def _facts(text: str) -> None:
    """Facts are refused, or a rewrite survives them."""
    try:
        facts = parse_facts("dockfix.facts.toml", text)
    except ConfigError:
        return
    assert parse_facts("x", format_facts(*facts)) == facts
    known = dict.fromkeys([_DIGEST], next(iter(facts.images.values()))) if facts.images else {}
    learned = next(iter(facts.files.values()), NOTHING)
    for last in ("", 'CMD ["run"]\n'):
        file = f"FROM x@{_DIGEST}\nWORKDIR /app\nCOPY . .\nRUN pip install x\n{last}"
        fix(file, Options(unsafe=True, facts=known, learned=learned))


def _image(text: str) -> None:
    """Answers of an engine or a registry are refused, or can be recorded."""
    try:
        facts = read_configuration(read_json(text), _DIGEST)
    except UnreadableError:
        return
    assert parse_facts("x", format_facts({"x": facts})).images == {"x": facts}


def _compose(text: str) -> None:
    find_builds("compose.yml", text, lambda _: text)
    read_manifests(
        [(name, text) for name in ("compose.yml", "pod.yaml", "devcontainer.json", "config.yaml")],
        bool,
        lambda _: text,
    )
    rewrite_file("compose.yml", text, fix, unsafe=True)


def _chart(text: str) -> None:
    """Templates of a chart, whose values and helpers are the same text, and settings of platforms."""
    files = {"c/values.yaml": text, "c/templates/": "_helpers.tpl", "c/templates/_helpers.tpl": text}
    read_manifests([("c/templates/pod.yaml", text)], bool, files.get)
    read_manifests([("c/templates/pod.yaml", text)], bool, {"c/values.yaml": _VALUES}.get)
    for name in ("fly.toml", "railway.json", "render.yaml", "heroku.yml", "app.yaml"):
        find_builds(name, text)
        read_manifests([(name, text)])


def _bake(text: str) -> None:
    find_builds("docker-bake.hcl", text)
    find_builds("docker-bake.json", text)
    read_environment(text)


def _workflow(text: str) -> None:
    for name in (".github/workflows/a.yml", ".gitlab-ci.yml", "cloudbuild.yaml", "package.json", "README.md"):
        find_builds(name, text, lambda _: text)
    find_builds("build.sh", text)
    find_builds("Makefile", text)
    find_builds("justfile", text)
    read_manifests([(".gitlab-ci.yml", text)])


def _code(text: str) -> None:
    for name in ("infra/app_stack.py", "tests/conftest.py", "lib/stack.ts"):
        find_builds(name, text)
        read_manifests([(name, text)])


def _markdown(text: str) -> None:
    rewrite_file("README.md", text, fix, unsafe=True)


def _owners(text: str) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "CODEOWNERS").write_bytes(text.encode("utf-8", "surrogatepass"))
        owners = Owners(folder)
        for name in ("a/Dockerfile", "Dockerfile", "a" * 200 + "/" + "b/" * 50 + "Dockerfile"):
            owners.of(FileResult(name, Unchanged(), name=name))


def _journal(text: str) -> None:
    with TemporaryDirectory() as folder:
        root = os.path.realpath(folder)
        Path(root, "kept").mkdir()
        Path(root, "Dockerfile").write_text("mine\n")
        Path(root, "kept", "1.jsonl").write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            for path, finding in Journal(os.path.join(root, "kept"), root).undo():
                assert finding is not None, path
        except JournalError:
            pass
        assert Path(root, "Dockerfile").read_text() == "mine\n"


def _cache(text: str) -> None:
    """Any bytes, unsigned and signed."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.cache")
        body = text.encode("utf-8", "surrogatepass")
        for data in (body, Cache(str(path), "v", b"k")._version + _sign(b"other", b"k") + body):
            path.write_bytes(data)
            path.chmod(0o600)
            assert not Cache(str(path), "v", b"k").knows_files


def _texts(pattern: str) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8") for path in sorted(FIXTURES.glob(pattern))[:200])


_COMPOSE: Final = (
    "services:\n  a: &a\n    build:\n      context: .\n      args: {A: $B, C: '${D:-e}'}\n"
    "    volumes: [d:/root/x]\n"
    "  b:\n    <<: *a\n    user: root\n    ports: ['80:80']\n",
    "kind: Pod\nspec:\n  securityContext: {runAsNonRoot: true}\n  containers:\n  - {name: a, image: a}\n",
    *_texts("callers/compose/repository/*.yaml"),
)
_BAKE: Final = (
    'target "a" {\n  inherits = ["b"]\n  args = { A = "b", C = null }\n  tags = ["x:y"]\n}\n'
    'target "b" { context = "." }\n',
    '{"target": {"a": {"inherits": ["b"], "context": ".", "args": {"A": "b"}}, "b": {}}}',
    *_texts("callers/*/repository/*.hcl"),
)
_WORKFLOW: Final = (
    "jobs:\n  a:\n    steps:\n    - uses: docker/build-push-action@v5\n      with:\n"
    "        file: a/Dockerfile\n"
    "        build-args: |\n          A=b\n    - run: docker build -f x/Dockerfile -t ${{ env.A }} $(pwd)\n",
    "docker build --build-arg A=$B \\\n  -t x:y . && docker buildx build -f 'a b' .\n",
    *_texts("callers/git*/repository/**/*.yml"),
    *_texts("callers/cloudbuild/repository/*.yaml"),
)

_DIGEST: Final = f"sha256:{'a' * 64}"
_FACTS: Final = (
    f'version = 1\n[images.x]\ndigest = "{_DIGEST}"\nsource = "image"\nentrypoint = ["/s"]\n'
    'system = "debian"\naccounts = ["app:1000:1000:/home/app:"]\n'
    'groups = ["app:1000:", "data:5:app"]\n'
    'volumes = ["/v"]\n'
    'pythons = [{ path = "/p", owner = "image", version = "3.12", pip = "25" }]\n'
    '[images.x.commands]\nsh = "/bin/dash"\nuseradd = "/u"\npython3 = "/p"\n[images.x.paths]\n'
    '"/" = "drwxr-xr-x 0:0 listed"\n"/app" = "lrwxrwxrwx 0:0 -> usr"\n"/home/app" = "absent"\n'
    '[images.x.scripts]\n"/s" = "#!/bin/sh\\nexec \\"$@\\"\\n"\n',
    f'version = 1\n[images.x]\ndigest = "{_DIGEST}"\nsource = "registry"\nuser = "app"\n'
    'env = { HOME = "/x" }\nonbuild = ["COPY . /y"]\n'
    'command = ["a", "b"]\nshell = ["/bin/bash", "-c"]\nports = ["80/tcp"]\n',
)
_IMAGE: Final = (
    '{"User": "a", "Env": ["PATH=/bin"], "Cmd": ["a"], "Volumes": {"/v": {}}, "ExposedPorts": {"80": {}}}',
    '{"Entrypoint": ["/s"], "Shell": ["sh", "-c"], "OnBuild": ["RUN x"], "WorkingDir": "/app"}',
)

TARGETS: Final[dict[str, Target]] = {
    "facts": Target(
        _facts,
        _FACTS,
        (
            "[",
            "]",
            '"',
            "'''",
            " = ",
            "\n",
            "d",
            "l",
            "-",
            "rwx",
            " 0:0",
            " -> ",
            "/",
            "..",
            "absent",
            " listed",
            ":",
            "1000",
            "4294967295",
            "root",
            "$",
            "`",
            "paths",
            "accounts",
            "groups",
            "commands",
            "sh",
            "busybox",
            "useradd",
            "volumes",
            "user",
            "env",
            "HOME",
            "workdir",
            "source",
            "registry",
        ),
    ),
    "image": Target(
        _image, _IMAGE, ("[", "]", "{", "}", '"', ",", ":", "null", "1", "/", "=", "\\n", "\\u0000")
    ),
    "dockerfile": Target(
        _fix,
        (DOCKERFILE, *_texts("cases/*/Dockerfile")),
        (
            "FROM ",
            " AS ",
            "RUN ",
            "COPY --from=",
            "<<EOF\n",
            "\\\n",
            "${A:-",
            "}",
            "ARG ",
            "ENV ",
            "USER ",
            "--mount=type=cache,target=",
            "[",
            '"',
            "'",
            "# escape=`\n",
            "ONBUILD ",
            "HEALTHCHECK ",
            "$",
            "9" * 30,
        ),
    ),
    "shell": Target(
        _shell,
        ("pip install x && chown -R a:b /c", "for a in b c; do mkdir $a; done", "if [ -f x ]; then rm y; fi"),
        (
            "$(",
            "`",
            "<<A\n",
            "A\n",
            "&&",
            "||",
            ";",
            "|",
            "{",
            "}",
            "(",
            ")",
            "'",
            '"',
            "\\",
            "${",
            "case a in ",
            "esac",
            "do ",
            "done",
            "function f ",
            "chmod ",
            "useradd ",
            "> ",
            "2>&1",
            "*",
            "~",
            "eval ",
        ),
    ),
    "compose": Target(
        _compose,
        _COMPOSE,
        ("&a ", "*a", "<<: ", "- ", ": ", "|\n", ">\n", "{", "[", "]", "}", "---\n", "!!", "'"),
    ),
    "chart": Target(
        _chart,
        (_POD, _VALUES, "build: {docker: {web: D}}\nrun:\n  web: python x\n", '[processes]\nweb = "x"\n'),
        (
            "{{ ",
            " }}",
            "{{- ",
            " -}}",
            "if ",
            "range ",
            "with ",
            "end",
            "else ",
            "define ",
            "include ",
            "tpl ",
            "toYaml ",
            "nindent 9 ",
            "| ",
            ":= ",
            "$x ",
            ".Values",
            "(",
            ")",
            '"',
            "`",
            "/*",
            "*/",
            "- ",
            "\n",
        ),
    ),
    "bake": Target(
        _bake, _BAKE, ("<<A\n", "A\n", "{", "}", "[", "]", '"', "\\", "=", "inherits", "#", "/*", "*/")
    ),
    "workflow": Target(
        _workflow,
        _WORKFLOW,
        ("${{", "}}", "$(", ")", "`", "docker build ", "-f ", "'", '"', "\\\n", "|\n", "- "),
    ),
    "code": Target(
        _code,
        (
            'client.images.build(path=str(Path(__file__).parent / "a"), buildargs={"A": b})\n',
            'DockerContainer(f"a/{b}:1").with_command("a b").with_env("c", d)\n',
            'ContainerImage.fromAsset(path.join(__dirname, "a"), { file: "b" });\n',
        ),
        (
            "fromDockerBuild(",
            "containers.run(",
            "x = x\n",
            "parents[",
            ".parent",
            " / ",
            "{",
            "}",
            "(",
            ")",
            '"',
        ),
    ),
    "markdown": Target(
        _markdown,
        (f"# a\n\n```dockerfile\n{DOCKERFILE}```\n", f"~~~ Dockerfile\n{DOCKERFILE}~~~\n"),
        ("```", "~~~", "> ", "- ", "    ", "<details>", "<!--", "|", "dockerfile\n", "`", "\t"),
    ),
    "python": Target(
        _python,
        (
            "import os\nopen('/data/x', 'w')\n",
            f"from pathlib import Path\nD = '''{DOCKERFILE}'''\nPath('a').mkdir()\n",
        ),
        (
            "f'",
            "'''",
            "\\N{",
            "}",
            "{",
            "(",
            ")",
            "[",
            "]",
            "+",
            ".parent",
            "open(",
            "lambda ",
            "if x else ",
            "os.environ['A']",
            "class A:\n ",
            "def f():\n ",
            "\\x",
            "% ",
            "9" * 30,
            "import a\n",
            "async ",
            "*a",
        ),
        frozenset({Loss.DEPTH}),
    ),
    "codeowners": Target(
        _owners,
        ("* @a/b\n/a/ @c d@e.f\n[x]\n*.py @g\n",),
        ("*", "**", "/", "[", "]", "!", "\\ ", "#", "@", "?"),
    ),
    "journal": Target(
        _journal,
        ('{"format": 1}\n{"path": "2f61", "before": "YQ==", "after": "' + "0" * 64 + '"}\n{"end": true}\n',),
        (
            '"path"',
            '"before"',
            '"after"',
            '"refused"',
            "{",
            "}",
            "[",
            "]",
            '"',
            "null",
            "2f",
            "\n",
            "0" * 64,
            "9" * 30,
        ),
    ),
    "cache": Target(
        _cache, ("dockfix 5 x", "{}"), ("\x00", "\x7f", "[", "{", "(", "i", "s", "\udcff", "\udc80")
    ),
}
