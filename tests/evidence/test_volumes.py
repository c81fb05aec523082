from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dockfix import Changed, Skipped, fix
from dockfix.evidence.python.path_strings import find_uses
from dockfix.files.build_context import describe_context
from dockfix.repository.manifests import read_manifests
from dockfix.results import Result

DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n'
WRITES = "open('data/seen', 'w')\n"
ASKS = "open(input(), 'w')\n"
READS = "print(open('data/seen').read())\n"


def run_by(folder: Path, source: str, name: str, manifest: str, dockerfile: str = DOCKERFILE) -> Result:
    """The result for a folder with one module (and a package `src`) whose image the manifest runs."""
    (folder / "src").mkdir()
    (folder / "src" / "more.py").write_text("")
    (folder / "main.py").write_text(source)
    (folder / "Dockerfile").write_text(dockerfile)
    context = describe_context(str(folder / "Dockerfile"))
    return fix(dockerfile, context=replace(context, deployments=read_manifests([(name, manifest)])))


def found(result: Result) -> tuple[list[str], list[str]]:
    """The codes of a change's reviews, and of its notes on volumes."""
    assert isinstance(result, Changed)
    notes = [one.code for one in result.notes if one.code == "existing-volumes"]
    return [one.code for one in result.reviews], notes


def compose(volume: str, more: str = "") -> str:
    return f'services:\n  web:\n    build: .\n    volumes: ["{volume}"]\n{more}'


Found = tuple[list[str], list[str]]
HELD: Found = (["existing-volumes"], [])
NOTED: Found = ([], ["existing-volumes"])
FREE: Found = ([], [])


@pytest.mark.parametrize(
    ("volume", "source", "expected"),
    [
        ("./data:/app/data", WRITES, HELD),
        (".:/app", WRITES, HELD),
        ("$PWD:/app", WRITES, HELD),
        ("./data:${DATA:-/app/data}", WRITES, HELD),
        ("./data:/app/data:ro", WRITES, FREE),
        ("./data:/app/data", READS, FREE),
        (".:/app", READS, FREE),
        ("./tmp:/tmp", READS, HELD),
        # Where it writes is not known: what is not code may be meant.
        ("./out:/app/out", ASKS, HELD),
        ("./out:/out", ASKS, HELD),
        ("./settings.yaml:/app/settings.yaml", ASKS, FREE),
        ("./src:/app/src", ASKS, FREE),
        (".:/app", ASKS, HELD),
        ("/dev/shm:/dev/shm", ASKS, FREE),
        ("/etc/localtime:/etc/localtime", ASKS, FREE),
        ("state:/app/data", WRITES, NOTED),
        ("state:/app/data", READS, FREE),
        ("state:/state", ASKS, NOTED),
        # The mount point is a variable without a value.
        ("./data:${DATA}", WRITES, HELD),
        ("./data:${DATA}", "print()\n", FREE),
        ("state:$DATA/state", WRITES, NOTED),
        # A folder on a drive of Windows; a volume would be created with the owner of the image's directory.
        ("C:/shop/data:/app/data", WRITES, HELD),
        ("c:/shop/data:/app/data:ro", WRITES, FREE),
        ("C:/shop/model.bin:/app/model.bin", ASKS, FREE),
    ],
)
def test_what_a_service_mounts(tmp_path: Path, volume: str, source: str, expected: Found) -> None:
    assert found(run_by(tmp_path, source, "compose.yaml", compose(volume))) == expected


@pytest.mark.parametrize("source", ["data", "./data", "D:/data", "/srv/data"])
def test_a_bind_mount_in_the_long_form_is_none_of_a_volume(tmp_path: Path, source: str) -> None:
    volume = f"{{type: bind, source: '{source}', target: /models/one.bin}}"
    manifest = f"services:\n  web:\n    build: .\n    volumes: [{volume}]\n"
    result = run_by(tmp_path, READS, "compose.yaml", manifest)
    assert isinstance(result, Changed)
    assert "/models" not in result.text
    assert found(result) == FREE


def test_a_volume_in_the_long_form_gets_its_directory(tmp_path: Path) -> None:
    manifest = "services:\n  web:\n    build: .\n    volumes: [{type: volume, source: m, target: /models}]\n"
    result = run_by(tmp_path, READS, "compose.yaml", manifest)
    assert isinstance(result, Changed)
    assert "mkdir -p /models && chown appuser:appuser /models" in result.text


@pytest.mark.parametrize(
    ("volume", "source", "made"),
    [
        ("state:/run/shop", READS, "/run/shop"),
        ("state:/tmp/shop", READS, "/tmp/shop"),
        ("state:/tmp", ASKS, ""),
        ("state:/state:nocopy", ASKS, ""),
        ("state:/state:ro", ASKS, ""),
        # An anonymous volume is new each time; nobody else fills it.
        ("/state", ASKS, "/state"),
        ("/app/data", READS, ""),
        # Below a system directory there may be files of the base.
        ("state:/usr/share/nginx/html", ASKS, ""),
        ("state:/usr/share/shop", "open('/usr/share/shop/a', mode)\n", "/usr/share/shop"),
        ("state:/etc/shop", "open('/etc/shop/a').read()\n", ""),
    ],
)
def test_the_directory_of_a_volume_is_made(tmp_path: Path, volume: str, source: str, made: str) -> None:
    result = run_by(tmp_path, source, "compose.yaml", compose(volume))
    assert isinstance(result, Changed)
    expected = f"mkdir -p {made} && chown appuser:appuser {made}"
    text = " ".join(result.text.replace("\\\n", "").split())
    assert expected in text if made else "mkdir" not in text


@pytest.mark.parametrize(("variable", "is_made"), [("STATE_DIR", True), ("PYTHONPATH", False)])
def test_a_variable_that_names_a_volume_in_a_system_directory(
    tmp_path: Path, variable: str, is_made: bool
) -> None:
    manifest = compose("state:/usr/share/shop", f"    environment: {{{variable}: /usr/share/shop}}\n")
    result = run_by(tmp_path, READS, "compose.yaml", manifest)
    assert isinstance(result, Changed)
    assert ("mkdir -p /usr/share/shop" in result.text) is is_made


DISTROLESS = 'FROM gcr.io/distroless/python3-debian12\nCOPY . /app\nWORKDIR /app\nCMD ["main.py"]\n'


@pytest.mark.parametrize(
    ("volume", "source", "dockerfile", "expected"),
    [
        ("logs:/var/log", "open('/var/log/shop', mode)\n", DOCKERFILE, HELD),
        ("logs:/var/log", READS, DOCKERFILE, NOTED),
        ("logs:/dev/shm/shop", "open('/dev/shm/shop/a', 'w')\n", DOCKERFILE, HELD),
        ("logs:/dev/shm", "open('/dev/shm/a', 'w')\n", DOCKERFILE, NOTED),
        ("logs:/state", ASKS, DISTROLESS, HELD),
        ("logs:/app/state", ASKS, DISTROLESS, HELD),
        ("logs:/tmp", ASKS, DISTROLESS, NOTED),
    ],
)
def test_a_volume_whose_directory_stays_roots(
    tmp_path: Path, volume: str, source: str, dockerfile: str, expected: Found
) -> None:
    assert found(run_by(tmp_path, source, "compose.yaml", compose(volume), dockerfile)) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("{type: none, o: bind, device: ./state}", HELD),
        ("{type: none, o: bind, device: '${PWD}/state'}", HELD),
        ("{type: nfs, o: 'addr=10.0.0.1,rw', device: ':/export'}", HELD),
        # Whatever the image has there, the options decide.
        ("{type: tmpfs, device: tmpfs}", FREE),
        ("{type: tmpfs, device: tmpfs, o: 'size=100m,uid=1000'}", FREE),
        ("{type: tmpfs, device: tmpfs, o: 'size=100m,mode=0755'}", HELD),
        ("{}", NOTED),
    ],
)
def test_a_named_volume_that_is_a_folder_of_the_host(tmp_path: Path, options: str, expected: Found) -> None:
    manifest = compose("state:/app/data") + f"volumes:\n  state: {{driver: local, driver_opts: {options}}}\n"
    assert found(run_by(tmp_path, WRITES, "compose.yaml", manifest)) == expected


@pytest.mark.parametrize(("volume", "expected"), [("state", HELD), ("state:ro", NOTED), ("other", NOTED)])
def test_a_volume_in_which_the_image_also_works_as_root(tmp_path: Path, volume: str, expected: Found) -> None:
    name, _, mode = volume.partition(":")
    seed = f"  seed:\n    build: .\n    user: root\n    volumes: ['{name}:/app/data{mode and ':' + mode}']\n"
    manifest = compose("state:/app/data", seed)
    assert found(run_by(tmp_path, WRITES, "compose.yaml", manifest)) == expected


OUTSIDE = "import os\nos.makedirs('/scratch/a', exist_ok=True)\n"
MADE = DOCKERFILE.replace("COPY", "RUN mkdir /app/data\nCOPY")


@pytest.mark.parametrize(
    ("service", "source", "dockerfile", "expected"),
    [
        # Where the image has no directory, a tmpfs is open to everybody.
        ("tmpfs: /app/data", WRITES, DOCKERFILE, FREE),
        ("tmpfs: /app/data", WRITES, MADE, HELD),
        ("tmpfs: ['/app/data:size=10m']", WRITES, MADE, HELD),
        ("tmpfs: ['/app/data:mode=1777']", WRITES, MADE, HELD),
        ("tmpfs: ['/app/data:uid=1000']", WRITES, MADE, FREE),
        ("tmpfs: ['/app/data:mode=0700']", WRITES, DOCKERFILE, HELD),
        ("tmpfs: /app/data", READS, MADE, FREE),
        ("tmpfs: [/tmp, /run]", WRITES, DOCKERFILE, FREE),
        # The rewrite makes the directory.
        ("tmpfs: /scratch", OUTSIDE, DOCKERFILE, HELD),
        ("volumes: [{type: tmpfs, target: /app/data}]", WRITES, MADE, HELD),
        ("volumes: [{type: tmpfs, target: /app/data, tmpfs: {mode: 0750}}]", WRITES, DOCKERFILE, HELD),
        # Nothing is taken over from the image.
        ("volumes: ['state:/app/data:nocopy']", WRITES, MADE, HELD),
        ("volumes: ['state:/app/data:nocopy,ro']", WRITES, MADE, FREE),
        (
            "volumes: [{type: volume, source: s, target: /app/data, volume: {nocopy: true}}]",
            WRITES,
            MADE,
            HELD,
        ),
        (
            "volumes: [{type: volume, source: s, target: /app/data, volume: {subpath: a}}]",
            WRITES,
            MADE,
            HELD,
        ),
    ],
)
def test_mounts_that_belong_to_root_whatever_the_image_has(
    tmp_path: Path, service: str, source: str, dockerfile: str, expected: Found
) -> None:
    manifest = f"services:\n  web:\n    build: .\n    {service}\n"
    assert found(run_by(tmp_path, source, "compose.yaml", manifest, dockerfile)) == expected


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("--tmpfs /app/data", HELD),
        ("--tmpfs /app/data:uid=1000,size=1m", FREE),
        ("--mount type=tmpfs,target=/app/data", HELD),
        ("--mount type=volume,source=s,target=/app/data,volume-nocopy", HELD),
        ("-v state:/app/data:nocopy", HELD),
        ("--mount type=tmpfs,dst=/tmp", FREE),
    ],
)
def test_mounts_of_a_command_that_belong_to_root(tmp_path: Path, flags: str, expected: Found) -> None:
    line = f"run:\n\tdocker run {flags} web\n"
    assert found(run_by(tmp_path, WRITES, "Makefile", line, MADE)) == expected


@pytest.mark.parametrize(
    "more",
    [
        "    user: root\n",
        "    user: '1000'\n",
        "    build: {context: ., target: other}\n",
    ],
)
def test_a_service_that_does_not_run_as_the_images_user(tmp_path: Path, more: str) -> None:
    manifest = compose("./data:/app/data", more).replace(
        "    build: .\n", "" if "build" in more else "    build: .\n"
    )
    assert found(run_by(tmp_path, WRITES, "compose.yaml", manifest)) == FREE


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("OUT_DIR: /out/of", HELD),
        ("LOG_PATH: /out/worker.log", HELD),
        ("APP_LOGGING__FILE__PATH: /out/worker.log", HELD),
        ("PYTHONPATH: /out/lib", FREE),
        ("LD_LIBRARY_PATH: /out/lib", FREE),
        ("MODEL_PATH: /out/model.onnx", FREE),
        ("OUT_DIR: /other", HELD),
    ],
)
def test_places_that_a_variable_of_the_service_names(tmp_path: Path, variable: str, expected: Found) -> None:
    named = compose("./out:/out", f"    environment: {{{variable}}}\n")
    assert found(run_by(tmp_path, READS, "compose.yaml", named)) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('subprocess.run(["dbt", "run"])', HELD),
        ('subprocess.run("cd x && npm run build", shell=True)', HELD),
        ('subprocess.run(["dbt", "run"], cwd="/tmp")', FREE),
        ('subprocess.run(["dbt", "run"], cwd="/app/models")', HELD),
        ('subprocess.run(["ls", "dbt"])', FREE),
    ],
)
def test_a_program_that_writes_where_it_runs_below_a_host_folder(
    tmp_path: Path, code: str, expected: Found
) -> None:
    source = f"import subprocess\n{code}\n"
    assert found(run_by(tmp_path, source, "compose.yaml", compose(".:/app"))) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # What an unknown call does with a path is unknown.
        ('TelegramClient("/data/bot", 1, "key")', HELD),
        ('options = {"cookiefile": "/data/cookies.txt"}', HELD),
        ('YoutubeDL({"outtmpl": "/data/%(id)s.%(ext)s"})', HELD),
        ('STATE = "/data/state"\nStore(STATE)', HELD),
        ('Store(f"/data/{name}")', HELD),
        ('open("/data/seen", mode)', HELD),
        ('open("/data/settings.yaml", encoding="utf-8")', FREE),
        ('Image.open("/data/logo.png")', FREE),
        ('Path("/data/settings.yaml").read_text()', FREE),
        ('Path("/data") / name', HELD),
        ('pd.read_csv("/data/rows.csv", sep=";")', FREE),
        ('torch.load("/data/model.pt")', FREE),
        ('load_dotenv("/data/.env")', FREE),
        ('app.mount("/data", StaticFiles(directory="/data/static"))', FREE),
        # Nothing that was read names it: a variable of an .env that is not committed may.
        ('@app.get("/data")\ndef data(): ...', HELD),
        ('# once it was in /data/state\nprint("/database")', HELD),
        ('duckdb.connect(os.getenv("STORE"))', HELD),
    ],
)
def test_a_path_below_a_host_folder_is_written_unless_it_is_known_to_be_read(
    tmp_path: Path, code: str, expected: Found
) -> None:
    manifest = compose("./data:/data")
    assert found(run_by(tmp_path, f"import os\n{code}\n", "compose.yaml", manifest)) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('Client("bot", workdir="data")', HELD),
        ('open("data/rows.csv")', FREE),
        ('Path("data").glob("*")', FREE),
    ],
)
def test_a_relative_path_below_a_host_folder(tmp_path: Path, code: str, expected: Found) -> None:
    manifest = compose("./data:/app/data")
    assert found(run_by(tmp_path, f"{code}\n", "compose.yaml", manifest)) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("session: /data/bot.session", HELD),
        ("session: /data/bot.session\nname: bot", HELD),
        ("# session: /data/bot", HELD),
    ],
)
def test_a_path_below_a_host_folder_in_a_configuration_file(
    tmp_path: Path, line: str, expected: Found
) -> None:
    (tmp_path / "bot.yml").write_text(f"{line}\n")
    source = 'import yaml\nsettings = yaml.safe_load(open("bot.yml"))\nClient(settings["session"])\n'
    assert found(run_by(tmp_path, source, "compose.yaml", compose("./data:/data"))) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [('YoutubeDL({"cookiefile": "cookies.txt"})', HELD), ('print(open("cookies.txt").read())', FREE)],
)
def test_a_file_of_the_host_that_may_be_written(tmp_path: Path, code: str, expected: Found) -> None:
    manifest = compose("./cookies.txt:/app/cookies.txt")
    assert found(run_by(tmp_path, f"{code}\n", "compose.yaml", manifest)) == expected


def test_addresses_and_versions_are_not_paths() -> None:
    uses, reads = find_uses(['serve(host="0.0.0.0", version="1.2", store="seen.db")'])
    assert (uses, reads) == (frozenset({"seen.db"}), frozenset())


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("dbt run", HELD),
        ("poetry run black .", HELD),
        ("ruff check --fix .", HELD),
        ("ruff check .", FREE),
        ("python manage.py makemigrations", HELD),
        ("python manage.py runserver", FREE),
        ("sh -c 'sleep 1 && dbt run'", HELD),
        ("pytest --cov=src", HELD),
        ("pytest -q", FREE),
        ("ls dbt", FREE),
    ],
)
def test_a_command_that_writes_where_it_runs_below_a_host_folder(
    tmp_path: Path, command: str, expected: Found
) -> None:
    (tmp_path / "manage.py").write_text("")
    manifest = compose(".:/app", f'    command: "{command}"\n')
    assert found(run_by(tmp_path, READS, "compose.yaml", manifest)) == expected


def test_places_that_the_command_of_the_service_writes(tmp_path: Path) -> None:
    written = compose("./log:/app/log", "    command: sh -c 'python main.py > log/all'\n")
    assert found(run_by(tmp_path, READS, "compose.yaml", written)) == HELD


def test_the_docker_socket_is_roots(tmp_path: Path) -> None:
    manifest = compose("/var/run/docker.sock:/var/run/docker.sock:ro")
    result = run_by(tmp_path, READS, "compose.yaml", manifest)
    assert isinstance(result, Skipped)
    assert [one.code for one in result.reasons] == ["needs-root-process"]


DENIED: Found = (["foreign-owner"], [])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("/etc/letsencrypt", DENIED),
        ("/etc/letsencrypt/live/shop.example", DENIED),
        ("/etc/letsencrypt/live/shop.example/fullchain.pem", FREE),
        ("/etc/nginx", FREE),
        ("/var/log/", DENIED),
        ("/var/run", DENIED),
        ("/var/run/dbus", FREE),
        ("/", DENIED),
        ("/root/models", FREE),
        ("~/.ssh", DENIED),
        ("~/.ssh/id_ed25519", DENIED),
        ("${HOME}/.config/gcloud", DENIED),
        ("/home/shop/.kube/config", DENIED),
        ("~/.sshrc", FREE),
        ("~/.gitconfig", FREE),
        ("./.ssh", FREE),
        ("state", FREE),
    ],
)
def test_what_only_its_owner_on_the_host_may_read(tmp_path: Path, source: str, expected: Found) -> None:
    assert found(run_by(tmp_path, READS, "compose.yaml", compose(f"{source}:/srv/in:ro"))) == expected


def test_what_is_mounted_in_roots_home_is_reported_once(tmp_path: Path) -> None:
    result = run_by(tmp_path, READS, "compose.yaml", compose("~/.ssh:/root/.ssh:ro"))
    assert found(result)[0] == ["manifest-mount"]


@pytest.mark.parametrize("kind", ["secret", "configMap", "projected"])
@pytest.mark.parametrize(
    ("mode", "group", "expected"),
    [
        ("0400", "", ["foreign-owner"]),
        ("256", "", ["foreign-owner"]),
        ("0440", "", ["foreign-owner"]),
        ("0o600", "", ["foreign-owner"]),
        ("0444", "", []),
        ("420", "", []),
        ("9" * 5_000, "", []),
        ("0400", "  securityContext: {fsGroup: 1000}\n", []),
    ],
)
def test_files_of_a_pod_that_only_root_may_read(
    tmp_path: Path, kind: str, mode: str, group: str, expected: list[str]
) -> None:
    pod = (
        f"kind: Pod\nspec:\n{group}  containers:\n    - image: web\n"
        "      volumeMounts: [{name: key, mountPath: /srv/key}]\n"
        f"  volumes: [{{name: key, {kind}: {{defaultMode: {mode}}}}}]\n"
    )
    assert found(run_by(tmp_path, READS, "pod.yaml", pod))[0] == expected


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ("emptyDir: {}", []),
        ("persistentVolumeClaim: {claimName: data}", ["manifest-group"]),
        ("hostPath: {path: /srv/data}", ["existing-volumes"]),
        ("configMap: {name: data}", []),
    ],
)
def test_what_a_pod_mounts(tmp_path: Path, volume: str, expected: list[str]) -> None:
    pod = (
        "kind: Pod\nspec:\n  containers:\n    - image: web\n"
        "      volumeMounts: [{name: data, mountPath: /app/data}]\n"
        f"  volumes:\n    - name: data\n      {volume}\n"
    )
    assert found(run_by(tmp_path, WRITES, "pod.yaml", pod))[0] == expected


@pytest.mark.parametrize(
    ("line", "help"),
    [
        (
            'docker run -v "$(pwd)/data:/app/data" web',
            "once: docker run --rm -u 0 -v FOLDER:/app/data --entrypoint chown web -R appuser /app/data",
        ),
        (
            "docker run -v /srv/data:/app/data web",
            "once: docker run --rm -u 0 -v /srv/data:/app/data --entrypoint chown web -R appuser /app/data",
        ),
    ],
)
def test_the_command_that_helps_is_named(tmp_path: Path, line: str, help: str) -> None:
    result = run_by(tmp_path, WRITES, "Makefile", f"run:\n\t{line}\n")
    assert isinstance(result, Changed)
    assert [one.help for one in result.reviews] == [help]


def test_words_of_a_manifest_never_make_a_command(tmp_path: Path) -> None:
    manifest = compose("./data:/app/data").replace("  web:", '  "web; rm -rf ~":')
    result = run_by(tmp_path, WRITES, "compose.yaml", manifest)
    assert isinstance(result, Changed)
    assert [one.help for one in result.reviews] == [
        "once: docker compose run --rm -u 0 --entrypoint chown SERVICE -R appuser /app/data"
    ]


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        (["./data:/data:ro"], False),
        (["./in:/data/in:ro"], True),
        (["state:/data", "./data:/data:ro"], True),
    ],
)
def test_places_of_variables_where_only_what_cannot_be_written_is_mounted(
    tmp_path: Path, volumes: list[str], expected: bool
) -> None:
    services = "".join(
        f'  job{at}:\n    build: .\n    environment:\n      DATA_DIR: /data\n    volumes: ["{one}"]\n'
        for at, one in enumerate(volumes)
    )
    manifest = f"services:\n{services}volumes:\n  state:\n"
    result = run_by(tmp_path, "print()\n", "compose.yaml", manifest)
    assert isinstance(result, Changed)
    assert ("mkdir -p /data" in result.text) == expected
