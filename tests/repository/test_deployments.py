from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest
from git_repository import Repository

from dockfix.files import stamps
from dockfix.files.candidates import Build, Candidate
from dockfix.repository.deployments import find_deployments, find_relevant, likely_names

DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /srv\nCOPY . .\nCMD ["python", "web.py"]\n'
WRITES = 'import os\nos.makedirs("/data/up", exist_ok=True)\n'
COMPOSE = """\
# how it runs here
services:
  web:
    build: services/web
    user: root   # for the cache
    volumes:
      - models:/root/.cache/huggingface
      - data:/data
"""
POD = """\
kind: Pod
spec:
  securityContext: {runAsNonRoot: true}
  containers:
    - name: web
      image: registry.example/team/web:1
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def web(repository: Repository) -> Repository:
    repository.put("services/web/Dockerfile", text=DOCKERFILE)
    repository.put("services/web/web.py", text=WRITES)
    return repository


@pytest.mark.integration
def test_a_contradiction_is_reported_with_its_line(web: Repository, dockfix: Run) -> None:
    web.put("compose.yml", text=COMPOSE)
    _, patch, messages = dockfix("--diff", "-v", ".")
    assert "chown appuser:appuser /srv /home/appuser/.cache /home/appuser/.cache/huggingface /data" in (
        re.sub(r" \\\n\+ +", " ", patch)
    )
    assert "compose.yml:5 still runs it as root [manifest-user]" in messages
    assert (
        "compose.yml:7 mounts models at /root/.cache/huggingface, which only root can read:"
        " the user's own cache is lost with each container [manifest-mount]" in messages
    )
    assert "compose.yml" not in patch


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {build: services/web, user: root}}\n",
        "services:\n  web: {image: x/web, user: 'root', build: services/web}\n",
        '{"services": {"web": {"build": "services/web", "user": "root"}}}\n',
    ],
)
def test_a_contradiction_in_flow_style_is_reported(web: Repository, dockfix: Run, text: str) -> None:
    web.put("compose.yml", text=text)
    _, _, messages = dockfix("--diff", "-v", ".")
    assert "still runs it as root [manifest-user]" in messages


@pytest.mark.parametrize(
    "pod",
    [
        "kind: Pod\nspec:\n  securityContext: {runAsNonRoot: true}\n  containers: [{image: x/web:1}]\n",
        '{"kind": "Pod", "spec": {"securityContext": {"runAsNonRoot": true},\n'
        '"containers": [{"image": "x/web:1", "name": "a"}]}}\n',
    ],
)
@pytest.mark.integration
def test_a_pod_in_flow_style_is_read(web: Repository, dockfix: Run, pod: str) -> None:
    web.put("deploy/web.yaml", text=pod)
    _, patch, _ = dockfix("--diff", "-v", ".")
    assert "+USER 10001:10001" in patch


@pytest.mark.integration
def test_run_as_non_root_makes_the_user_a_number(web: Repository, dockfix: Run) -> None:
    web.put("deploy/web.yaml", text=POD)
    _, patch, messages = dockfix("--diff", "-v", ".")
    assert "+USER 10001:10001" in patch
    assert "deploy/web.yaml:3 sets runAsNonRoot, so USER is a number [numeric-user]" in messages
    assert "+USER appuser" in dockfix("--diff", "--no-evidence", ".")[1]
    assert "+USER appuser" in dockfix("--diff", "--no-numeric", ".")[1]


@pytest.mark.integration
def test_manifests_follow_on_request(web: Repository, dockfix: Run) -> None:
    web.put("compose.yml", text=COMPOSE)
    web.put("other.yml", text=COMPOSE.replace("services/web", "services/other"))
    web.commit()
    dockfix("--write", "--manifests", ".")
    expected = COMPOSE.replace("user: root", "user: appuser").replace("/root/.cache", "/home/appuser/.cache")
    assert (web.folder / "compose.yml").read_text() == expected
    assert (web.folder / "other.yml").read_text() == COMPOSE.replace("services/web", "services/other")
    dockfix("--undo", ".")
    assert (web.folder / "compose.yml").read_text() == COMPOSE


@pytest.mark.integration
def test_a_manifest_of_the_same_name_further_down_stays(web: Repository, dockfix: Run) -> None:
    other = COMPOSE.replace("services/web", "elsewhere")
    web.put("compose.yml", text=COMPOSE)
    web.put("services/compose.yml", text=other)
    web.commit()
    dockfix("--write", "--manifests", ".")
    assert "user: appuser" in (web.folder / "compose.yml").read_text()
    assert (web.folder / "services/compose.yml").read_text() == other


@pytest.mark.integration
def test_a_manifest_above_stays_for_no_patch_reaches_it(
    web: Repository, dockfix: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.put("compose.yml", text=COMPOSE)
    web.commit()
    monkeypatch.chdir(web.folder / "services")
    _, patch, messages = dockfix("--diff", "--manifests", "-v", ".")
    assert "+++ b/web/Dockerfile" in patch
    assert "compose.yml" not in patch
    assert "compose.yml:5 still runs it as root [manifest-user]" in messages


@pytest.mark.integration
def test_what_an_edit_fixes_is_not_reported(web: Repository, dockfix: Run) -> None:
    web.put("compose.yml", text=f"{COMPOSE}      - home:/root\n")
    web.put("compose.dev.yml", text=COMPOSE.replace("root   #", "${WHO:-root}   #"))
    _, patch, messages = dockfix("--diff", "--manifests", "-v", ".")
    assert "+    user: appuser" in patch
    assert "compose.yml:5" not in messages
    assert "compose.yml:7" not in messages
    assert "compose.yml:9 mounts home at /root, which only root can read [manifest-mount]" in messages
    assert "compose.dev.yml:5 still runs it as root [manifest-user]" in messages
    assert "compose.dev.yml:7 mounts models at" not in messages


@pytest.mark.integration
def test_a_count_of_what_is_known_counts_the_manifests_too(
    web: Repository, dockfix: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "_SETTLED", -(10**12))
    web.put("compose.yml", text=COMPOSE)
    for _ in range(2):
        assert "  would change      2" in dockfix("--check", "--manifests", ".")[2]


def test_manifests_of_what_does_not_change_stay(web: Repository, dockfix: Run) -> None:
    web.put("services/web/Dockerfile", text=DOCKERFILE.replace("CMD", "RUN useradd a\nUSER a\nCMD"))
    web.put("compose.yml", text=COMPOSE)
    assert dockfix("--diff", "--manifests", ".")[1] == ""


@pytest.mark.integration
def test_a_changed_manifest_is_read_again(web: Repository, dockfix: Run) -> None:
    web.put("compose.yml", text=COMPOSE)
    os.utime("compose.yml", (1e9, 1e9))
    assert "compose.yml:5 still runs it as root" in dockfix("--diff", "-v", ".")[2]
    assert "compose.yml:5 still runs it as root" in dockfix("--diff", "-v", ".")[2]
    web.put("compose.yml", text=COMPOSE.replace("# how", "#\n# how"))
    assert "compose.yml:6 still runs it as root" in dockfix("--diff", "-v", ".")[2]


@pytest.mark.integration
def test_a_file_that_a_manifest_refers_to_is_read_again(
    web: Repository, dockfix: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "_SETTLED", 0)
    web.put("compose.yml", text="services:\n  web:\n    build:\n      context: ${PLACE}\n    user: root\n")
    web.put("other/Dockerfile", text=DOCKERFILE)
    for place in ("services/web", "other", "services/web"):
        web.put(".env", text=f"PLACE={place}\n")
        for _ in range(2):
            _, _, messages = dockfix("--diff", "-v", ".")
            (line,) = (line for line in messages.splitlines() if "[manifest-user]" in line)
            assert f"{place}/Dockerfile" in line


@pytest.mark.parametrize("report", ["out.md", "out.json", "out.sarif", "out.xml", "github"])
@pytest.mark.integration
def test_a_folder_whose_name_is_not_text_is_reported_with_escapes(
    repository: Repository, dockfix: Run, report: str
) -> None:
    folder = os.fsdecode(b"b\xff\n")
    repository.put(f"{folder}/services/web/Dockerfile", text=DOCKERFILE)
    repository.put(f"{folder}/compose.yml", text=COMPOSE)
    code, _, messages = dockfix("--check", "-v", "--report", report, ".")
    assert code == 1
    assert r'"b\377\n/compose.yml":5 still runs it as root' in messages


@pytest.mark.parametrize(
    ("image", "images", "expected"),
    [
        ("registry.example/team/web:1", {"a/Dockerfile": ("registry.example/team/web",)}, "a/Dockerfile"),
        ("mirror/web@sha256:1", {"a/Dockerfile": ("registry.example/team/web",)}, "a/Dockerfile"),
        ("web", {"web/Dockerfile": (), "api/Dockerfile": ()}, "web/Dockerfile"),
        ("web", {"web/Dockerfile": ("team/site",)}, None),
        ("web", {"one/web/Dockerfile": (), "two/web/Dockerfile": ()}, None),
        ("x/web", {"one/Dockerfile": ("x/web",), "two/web/Dockerfile": ()}, "one/Dockerfile"),
    ],
)
def test_an_image_belongs_to_one_dockerfile(
    repository: Repository, image: str, images: dict[str, tuple[str, ...]], expected: str | None
) -> None:
    repository.put("pod.yaml", text=POD.replace("registry.example/team/web:1", image))
    repository.put(*images, text=DOCKERFILE)
    root = str(repository.folder)
    candidates = [
        Candidate(path, f"{root}/{path}", builds=(Build("x", path, "", images=names),))
        for path, names in images.items()
    ]
    found = find_deployments([(root, find_relevant(root, ["pod.yaml", "gone.yaml"]))], candidates)
    assert list(found) == ([f"{root}/{expected}"] if expected else [])


@pytest.mark.parametrize(
    ("dockerfile", "any_language", "is_read"),
    [
        ("FROM node:22\nCMD node .\n", False, False),
        ("FROM node:22\nCMD node .\n", True, True),
        ("FROM acme/runtime\nCMD gunicorn shop:app\n", False, True),
    ],
)
def test_manifests_of_other_languages_are_read_if_these_are_asked_for(
    repository: Repository, dockerfile: str, any_language: bool, is_read: bool
) -> None:
    repository.put("pod.yaml", text=POD)
    repository.put("services/web/Dockerfile", text=dockerfile)
    root = str(repository.folder)
    candidates = [Candidate("services/web/Dockerfile", f"{root}/services/web/Dockerfile")]
    rows = [(root, find_relevant(root, ["pod.yaml"]))]
    assert bool(find_deployments(rows, candidates, any_language=any_language)) is is_read


def test_a_manifest_that_two_searches_found_is_read_once(web: Repository) -> None:
    web.put("pod.yaml", text=POD)
    root = str(web.folder)
    candidates = [Candidate("services/web/Dockerfile", f"{root}/services/web/Dockerfile")]
    relevant = find_relevant(root, ["pod.yaml"])
    found = find_deployments([(root, relevant), (root, relevant)], candidates)
    assert [len(rows) for rows in found.values()] == [1]


@pytest.mark.parametrize(
    ("dockerfile", "names"),
    [
        ("services/web/Dockerfile", {"web"}),
        ("web/docker/Dockerfile", {"web"}),
        ("web.Dockerfile", {"web"}),
        ("docker/Dockerfile.web", {"web"}),
        ("services/api/Dockerfile", {"api"}),
        ("services/api/web.Dockerfile", {"api", "web"}),
        ("services/docker/Dockerfile", {"services"}),
        ("Dockerfile", {"shop"}),
        ("docker/Dockerfile", {"shop"}),
        ("Dockerfile.dev", {"dev"}),
    ],
)
def test_an_image_is_likely_called_like_its_folder_or_file(dockerfile: str, names: set[str]) -> None:
    assert likely_names(dockerfile, "Shop") == names


def test_a_repository_with_a_plain_name_says_nothing_of_its_image() -> None:
    assert likely_names("Dockerfile", "app") == set()


@pytest.mark.parametrize(
    ("image", "others", "is_matched"),
    [
        ("acme/{}:main", (), True),
        ("acme/{}:main", ("Dockerfile.dev", "web/Dockerfile"), True),
        ("acme/{}:main", ("docker/Dockerfile",), False),
        ("acme/other:main", (), False),
    ],
)
@pytest.mark.integration
def test_a_service_runs_the_image_that_is_called_like_the_repository(
    repository: Repository, dockfix: Run, image: str, others: tuple[str, ...], is_matched: bool
) -> None:
    # The folder on the host may belong to anybody, and a service without `build` mounts it.
    service = f"{{image: '{image.format(repository.folder.name)}', volumes: ['~/up:/data/up']}}"
    repository.put("compose.yaml", text=f"services: {{web: {service}}}\n")
    repository.put("web.py", text=WRITES)
    repository.put("Dockerfile", *others, text=DOCKERFILE)
    repository.commit()
    _, _, messages = dockfix("--diff", "--no-cache", ".")
    assert ("compose.yaml:1 mounts ~/up at /data/up, where the application writes" in messages) is is_matched


@pytest.mark.parametrize(("above", "is_matched"), [("", True), ("other/", False)])
@pytest.mark.integration
def test_a_service_may_be_built_by_another_file_of_its_folder(
    web: Repository, dockfix: Run, above: str, is_matched: bool
) -> None:
    built = "services:\n  web:\n    image: team/web\n    build: services/web\n"
    run = "services:\n  web:\n    image: registry.example/shop:latest\n    volumes: [./up:/data/up]\n"
    web.put("compose.local.yml", text=built)
    web.put(f"{above}compose.yml", text=run)
    _, _, messages = dockfix("--diff", "-v", ".")
    assert ("compose.yml:4 mounts ./up at /data/up" in messages) is is_matched


OVERLAY = "services:\n  web:\n    image: team/shop\n    build: {context: services/web}\n"
ELSEWHERE = (
    "services:\n  shop:\n    image: team/shop\n    build: {context: ./shop}\n    volumes: [./up:/data/up]\n"
)


@pytest.mark.parametrize(
    ("files", "line"),
    [
        # The image that an override builds has the mounts of the file below.
        (
            {
                "compose.yml": "services:\n  web:\n    image: python:3.14\n    volumes: [./up:/data/up]\n",
                "compose.gpu.yml": OVERLAY + "  db:\n    environment: {A: b}\n",
            },
            "compose.gpu.yml:3",
        ),
        # A file that is used in another folder names the image of a build that is found.
        ({"compose.yml": OVERLAY, "compose.other.yml": ELSEWHERE}, "compose.other.yml:5"),
    ],
)
@pytest.mark.integration
def test_mounts_of_another_file_are_those_of_the_image(
    web: Repository, dockfix: Run, files: dict[str, str], line: str
) -> None:
    for name, text in files.items():
        web.put(name, text=text)
    _, _, messages = dockfix("--diff", "-v", ".")
    assert f"{line} mounts ./up at /data/up" in messages


@pytest.mark.integration
def test_a_service_with_a_public_image_does_not_run_what_its_namesake_builds(
    web: Repository, dockfix: Run
) -> None:
    web.put("compose.ci.yml", text="services:\n  web: {build: services/web}\n")
    web.put("compose.yml", text="services:\n  web: {image: 'python:3.14-slim', command: touch /etc/x}\n")
    web.commit()
    assert "/etc/x" not in dockfix("--diff", ".")[2]
    web.put("compose.yml", text="services:\n  web: {command: touch /etc/x}\n")
    web.commit()
    assert "/etc/x" in dockfix("--diff", ".")[2]


@pytest.mark.parametrize("name", ["local.yml", "ops/production.yaml"])
@pytest.mark.integration
def test_compose_files_are_named_by_their_environment(web: Repository, dockfix: Run, name: str) -> None:
    context = "../services/web" if "/" in name else "services/web"
    web.put(name, text=f"services:\n  web: &web\n    build: {context}\n    volumes: [.:/data/up]\n")
    _, _, messages = dockfix("--diff", "-v", ".")
    assert f"{name}:4 mounts . at /data/up" in messages


def test_a_variable_names_the_same_image_wherever_a_script_uses_it(web: Repository, dockfix: Run) -> None:
    build = 'docker build -t "$IMAGE" services/web\n'
    run = "export $(grep -v '^#' .env | xargs)\n{}docker run --rm -v $(pwd)/up:/data/up ${{IMAGE}}:latest\n"
    web.put("start.sh", text=run.format(build))
    assert "start.sh:3 mounts $_/up at /data/up, where the application writes" in dockfix("--diff", ".")[2]
    web.put("build.sh", text=build)
    web.put("start.sh", text=run.format(""))
    web.put("services/shop/Dockerfile", text=DOCKERFILE)
    web.commit()
    assert "/data/up" not in dockfix("--diff", ".")[2]


OPEN_SERVICE = """services:
  {service}:
    image: "${{IMAGE}}:${{TAG}}"
    volumes: [./up:/data/up]
"""
OPEN_POD = """kind: Pod
spec:
  containers:
    - {{name: {service}, image: $REGISTRY/$IMAGE, volumeMounts: [{{name: up, mountPath: /data/up}}]}}
  volumes: [{{name: up, hostPath: {{path: /srv/up}}}}]
"""
OPEN_RUN = 'docker run --name {service} -v "$PWD/up:/data/up" "$IMAGE"\n'


@pytest.mark.parametrize(
    ("name", "text"), [("compose.yml", OPEN_SERVICE), ("pod.yml", OPEN_POD), ("run.sh", OPEN_RUN)]
)
@pytest.mark.parametrize(
    ("service", "others", "is_matched"),
    [
        ("grabber", (), True),
        ("redis", (), False),
        ("grabber", ("services/shop/Dockerfile",), False),
        ("web", ("services/shop/Dockerfile",), True),
    ],
)
@pytest.mark.integration
def test_an_image_whose_name_is_a_variable_is_that_of_the_only_dockerfile_or_of_its_name(
    web: Repository,
    dockfix: Run,
    name: str,
    text: str,
    service: str,
    others: tuple[str, ...],
    is_matched: bool,
) -> None:
    web.put(name, text=text.format(service=service))
    web.put(*others, text=DOCKERFILE)
    web.commit()
    assert (" at /data/up" in dockfix("--diff", "-v", ".")[2]) is is_matched


@pytest.mark.integration
def test_an_image_whose_name_is_a_variable_is_not_one_that_compose_builds(
    web: Repository, dockfix: Run
) -> None:
    stranger = "{image: '${DB_IMAGE}', volumes: ['./up:/data/up']}"
    web.put("compose.yml", text=f"services:\n  web: {{build: services/web}}\n  store: {stranger}\n")
    web.commit()
    assert " at /data/up" not in dockfix("--diff", "-v", ".")[2]


@pytest.mark.parametrize("options", ["", "-u root "])
@pytest.mark.parametrize("verb", ["run --rm", "exec"])
@pytest.mark.integration
def test_what_a_script_runs_in_a_service_writes_there(
    web: Repository, dockfix: Run, verb: str, options: str
) -> None:
    web.put(
        "compose.yml", text="services:\n  shop:\n    build: services/web\n    volumes: [./out:/srv/out]\n"
    )
    web.put("services/web/report.py", text='open("out/report", "w")\n')
    web.put("Makefile", text=f"report:\n\tdocker compose {verb} {options}shop python report.py\n")
    web.put("services/other/Dockerfile", text=DOCKERFILE)
    web.commit()
    messages = dockfix("--diff", "-v", ".")[2]
    assert ("mounts ./out at /srv/out, where the application writes" in messages) is (options == "")


def test_mounts_that_comments_show_are_named_with_the_one_command(web: Repository, dockfix: Run) -> None:
    comment = "# docker run -v hf:/root/.cache/huggingface -v ./up:/data/up -v ro:/root/key:ro web\n"
    web.put("services/web/Dockerfile", text=comment + DOCKERFILE)
    _, _, messages = dockfix("--diff", ".")
    assert (
        "Dockerfile:1 mounts hf at /root/.cache/huggingface, which only root can read: the user's own cache"
        " is lost with each container [manifest-mount] (mount it at /home/appuser/.cache/huggingface; once:"
        " docker run --rm -u 0 -v hf:/home/appuser/.cache/huggingface --entrypoint chown web -R appuser"
        " /home/appuser/.cache/huggingface)" in messages
    )
    assert "Dockerfile:1 mounts ro at /root/key, which only root can read [manifest-mount]" in messages
    assert "Dockerfile:1 mounts ./up at /data/up, where the application writes" in messages


def test_volume_that_moves_keeps_the_files_of_root(web: Repository, dockfix: Run) -> None:
    web.put("compose.yml", text=COMPOSE)
    _, _, messages = dockfix("--diff", "--manifests", "-v", ".")
    assert (
        "compose.yml:7 mounts models: what it holds already belongs to root [existing-volumes] (once: docker"
        " compose run --rm -u 0 --entrypoint chown web -R appuser /home/appuser/.cache/huggingface)"
        in messages
    )


def test_an_image_is_known_by_the_end_of_its_name(web: Repository, dockfix: Run) -> None:
    web.put(
        ".github/workflows/image.yml",
        text="on: push\nenv:\n  IMAGE: ${{ github.repository }}-stock\njobs:\n  image:\n    steps:\n"
        "      - id: meta\n        uses: docker/metadata-action@v5\n"
        "        with: {images: 'ghcr.io/${{ env.IMAGE }}'}\n"
        "      - uses: docker/build-push-action@v6\n"
        "        with: {context: services/web, tags: '${{ steps.meta.outputs.tags }}'}\n",
    )
    run = "docker run -v /mnt/data:/data ghcr.io/acme/{}:latest"
    web.put("README.md", text=f"    {run.format('shop-stock')}\n")
    assert "README.md:1 mounts /mnt/data at /data" in dockfix("--diff", ".")[2]
    web.put("README.md", text=f"    {run.format('shop-prices')}\n")
    assert "README.md" not in dockfix("--diff", ".")[2]


def test_what_the_application_makes_in_a_volume_is_not_made_in_the_image(
    web: Repository, dockfix: Run
) -> None:
    web.put("services/web/web.py", text="import os\nos.makedirs('/state/north/keys', exist_ok=True)\n")
    web.put("compose.yml", text="services: {web: {build: services/web, volumes: ['state:/state']}}\n")
    _, patch, _ = dockfix("--diff", ".")
    assert "mkdir -p /state && chown appuser:appuser /srv /state\n" in patch
    assert "north" not in patch


def test_a_working_directory_that_a_service_sets_is_given(web: Repository, dockfix: Run) -> None:
    web.put("services/web/Dockerfile", text=DOCKERFILE.replace('"web.py"', '"/srv/web.py"'))
    web.put("services/web/web.py", text="open('result.txt', 'w')\n")
    web.put("compose.yml", text="services: {web: {build: services/web, working_dir: /out}}\n")
    assert "mkdir -p /out && chown appuser:appuser /srv /out\n" in dockfix("--diff", ".")[1]


def test_a_service_with_the_home_of_root_is_a_review(web: Repository, dockfix: Run) -> None:
    web.put("compose.yml", text="services: {web: {build: services/web, environment: {HOME: /root}}}\n")
    assert "needs review: compose.yml:1 sets HOME to /root" in dockfix("--diff", ".")[2]
