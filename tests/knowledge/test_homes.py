"""homes.toml is consistent, and command lines use what the tools' documentation says."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from dockfix.knowledge import read_table
from dockfix.knowledge.commands import Argument
from dockfix.knowledge.homes import (
    HomeUse,
    find_home_use,
    find_kind,
    find_module_use,
    find_system_place,
    find_variables,
    is_cache,
)
from dockfix.syntax.expansion import expand

TOOLS = read_table("homes")["tool"]
MOVES = read_table("homes")["move"]
KINDS = ("settings", "credentials", "data", "caches")
CONDITIONS = {"having", "unless", "having_env", "unless_env"}


def used(line: str) -> HomeUse | None:
    """The use of a command line; variables come first, as in a shell."""
    words = shlex.split(line)
    env = {}
    while re.match(r"[A-Z_0-9]+=", words[0]):
        name, _, env[name] = words.pop(0).partition("=")
    return find_home_use(words[0], [Argument(word, word) for word in words[1:]], env)


def places_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"place": one} if isinstance(one, str) else one for kind in KINDS for one in row.get(kind, ())]


def usual(text: str) -> str:
    """The location of a path of the table if no variable is set."""
    for name, default in (
        ("CONFIG", ".config"),
        ("CACHE", ".cache"),
        ("DATA", ".local/share"),
        ("STATE", ".local/state"),
    ):
        text = text.replace(f"$XDG_{name}_HOME", f"~/{default}")
    place = expand(text, {})
    assert place is not None, text
    return place


# -- the table -------------------------------------------------------------------------------------


def test_every_row_names_its_source_and_who_uses_it() -> None:
    for row in TOOLS:
        assert re.search(r"\w+[./]\w+", row["source"]), row
        assert places_of(row) or row["names"] == ["venv"], row  # which uses nothing of a home
        known = {"names", "modules", "source", "runs", "fetches", "writes", *KINDS}
        assert set(row) <= known, row


def test_rows_depend_on_nothing_but_the_conditions_of_the_head() -> None:
    for row in TOOLS:
        assert all(set(one) <= CONDITIONS | {"place", "system"} for one in places_of(row)), row
        assert all(
            set(one) <= CONDITIONS | {"place", "commands", "existing"} for one in row.get("writes", ())
        ), row


def test_no_place_stands_twice() -> None:
    places = [place for row in TOOLS for one in places_of(row) if (place := usual(one["place"]))]
    assert sorted(places) == sorted(set(places))


@pytest.mark.parametrize("key", ["names", "modules"])
def test_no_name_stands_twice(key: str) -> None:
    names = [name for row in TOOLS for name in row.get(key, ())]
    assert sorted(names) == sorted(set(names))


def test_places_are_in_the_home_or_are_what_a_variable_says() -> None:
    for row in TOOLS:
        for one in places_of(row):
            place = usual(one["place"])
            assert place.startswith(("~/", "/tmp/")) or re.fullmatch(r"\$[A-Z_]+", one["place"]), one
            assert one.get("system", "/etc").startswith("/"), one


def test_tools_that_a_row_runs_have_rows() -> None:
    names = {name for row in TOOLS for name in row["names"]}
    assert {name for row in TOOLS for name in row.get("runs", ())} <= names


def test_what_is_written_is_a_place_of_a_row() -> None:
    known = {usual(one["place"]) for row in TOOLS for one in places_of(row)}
    known |= {one["system"] for row in TOOLS for one in places_of(row) if "system" in one}
    written = {usual(one["place"]) for row in TOOLS for one in row.get("writes", ())}
    assert written - known == set()


@pytest.mark.parametrize("move", MOVES, ids=lambda move: str(move["variable"]))
def test_what_moves_is_no_cache_and_has_a_row(move: dict[str, Any]) -> None:
    assert find_kind(move["place"]) is not None
    assert not is_cache(move["place"])


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        ("PLAYWRIGHT_BROWSERS_PATH", "playwright install chromium"),
        ("HF_HOME", "hf download org/model"),
        ("POETRY_VIRTUALENVS_IN_PROJECT", "poetry install"),
        ("PIPENV_VENV_IN_PROJECT", "pipenv install"),
        ("UV_PYTHON_INSTALL_DIR", "uv python install 3.12"),
    ],
)
def test_the_variable_of_a_move_takes_what_is_written_out_of_the_home(variable: str, line: str) -> None:
    move = next(move for move in MOVES if move["variable"] == variable)
    before, after = used(line), used(f"{variable}={move['value']} {line}")
    assert before is not None
    assert after is not None
    assert before.writes[0].startswith(move["place"])
    assert not any(place.startswith("~") for place in after.writes)


def test_evidence_names_the_places_of_the_same_homes() -> None:
    places = {row["path"] for row in read_table("python")["home"]}
    assert {place for place in places if find_kind(place) is None} == set()


# -- command lines ---------------------------------------------------------------------------------

GIT = "~/.gitconfig ~/.config/git/config ~/.git-credentials ~/.config/git/credentials"
SSH = "~/.ssh/config ~/.ssh/known_hosts ~/.ssh"
FETCHING = {*GIT.split(), *SSH.split(), "~/.netrc"}
KEYRING = {"~/.config/python_keyring", "~/.local/share/python_keyring"}
"""What installers read besides, because they run git or ask the keyring; left out of the table below."""
PIP = "~/.config/pip/pip.conf ~/.pip/pip.conf"
POETRY = "~/.config/pypoetry/config.toml ~/.config/pypoetry/auth.toml ~/.local/share/pypoetry"
POETRY_ENVS = "~/.cache/pypoetry/virtualenvs"
HF_REST = "/accelerate /token /stored_tokens /datasets /modules"
HF = " ".join(f"~/.cache/huggingface{one}" for one in HF_REST.split())
HF_HUB = "~/.cache/huggingface/hub"
JUPYTER = "~/.jupyter ~/.local/share/jupyter ~/.ipython/profile_default"

LINES = [
    # (command line, what it reads, what it writes on purpose)
    ("pip install -r requirements.txt", PIP, ""),
    ("pip3.12 install flask", PIP, ""),
    ("pip --isolated install flask", "", ""),
    ("pip config set global.index-url https://example.org/simple", PIP, "~/.config/pip/pip.conf"),
    ("pip config --user set global.timeout 60", PIP, "~/.config/pip/pip.conf"),
    ("pip config --global set global.timeout 60", PIP, "/etc/pip.conf"),
    ("pip config --site set global.timeout 60", PIP, ""),
    ("pip config list", PIP, ""),
    ("XDG_CONFIG_HOME=/c pip config set a.b c", None, "/c/pip/pip.conf"),
    ("XDG_CONFIG_HOME=/c virtualenv /venv", "/c/virtualenv/virtualenv.ini", ""),
    ("PIP_CONFIG_FILE=/app/pip.conf pip install x", f"{PIP} /app/pip.conf", ""),
    ("PIP_CONFIG_FILE=/dev/null pip install x", PIP, ""),
    ("pip install --user flask", PIP, "~/.local/lib ~/.local/bin"),
    ("PIP_USER=1 pip install flask", PIP, "~/.local/lib ~/.local/bin"),
    ("PIP_USER=0 pip install flask", PIP, ""),
    ("PIP_USER=1 pip install --target /deps flask", PIP, ""),
    ("PYTHONUSERBASE=/opt/site pip install --user flask", PIP, "/opt/site/lib /opt/site/bin"),
    ("setup.py install --user", "~/.pydistutils.cfg", "~/.local/lib ~/.local/bin"),
    ("python3.11 app.py", "~/.local/lib", ""),
    ("PYTHONNOUSERSITE=1 python app.py", "", ""),
    ("python -I app.py", "", ""),
    ("poetry install --no-root", f"{POETRY} {POETRY_ENVS}", POETRY_ENVS),
    ("POETRY_VIRTUALENVS_CREATE=false poetry install", POETRY, ""),
    ("POETRY_VIRTUALENVS_IN_PROJECT=true poetry run flask", POETRY, ""),
    ("POETRY_VIRTUALENVS_PATH=/v poetry install", f"{POETRY} /v", "/v"),
    (
        "poetry config virtualenvs.create false",
        f"{POETRY} {POETRY_ENVS}",
        "~/.config/pypoetry/config.toml",
    ),
    (
        "poetry config http-basic.private user password",
        f"{POETRY} {POETRY_ENVS}",
        "~/.config/pypoetry/config.toml ~/.config/pypoetry/auth.toml",
    ),
    ("poetry config --local virtualenvs.in-project true", f"{POETRY} {POETRY_ENVS}", ""),
    (
        "uv sync --frozen",
        "~/.config/uv/uv.toml ~/.local/share/uv/credentials ~/.local/share/uv/python",
        "",
    ),
    (
        "UV_NO_CONFIG=1 uv pip install --system flask",
        "~/.local/share/uv/credentials ~/.local/share/uv/python",
        "",
    ),
    (
        "UV_PYTHON_INSTALL_DIR=/python uv python install 3.13",
        "~/.config/uv/uv.toml ~/.local/share/uv/credentials /python",
        "/python",
    ),
    (
        "uv tool install ruff",
        "~/.config/uv/uv.toml ~/.local/share/uv/credentials ~/.local/share/uv/python ~/.local/share/uv/tools",
        "~/.local/share/uv/tools ~/.local/bin",
    ),
    ("pipenv install --system --deploy", PIP, ""),
    ("pipenv sync", f"~/.local/share/virtualenvs {PIP}", "~/.local/share/virtualenvs"),
    ("WORKON_HOME=/venvs pipenv install", f"/venvs {PIP}", "/venvs"),
    (
        "pdm config pypi.url https://example.org",
        f"~/.config/pdm/config.toml ~/.local/share/pdm {PIP}",
        "~/.config/pdm/config.toml",
    ),
    (
        "hatch env create",
        f"~/.config/hatch/config.toml ~/.local/share/hatch {PIP}",
        "~/.local/share/hatch",
    ),
    ("virtualenv /venv", "~/.config/virtualenv/virtualenv.ini", ""),
    (
        "pipx install poetry",
        f"~/.local/share/pipx ~/.local/pipx {PIP}",
        "~/.local/share/pipx ~/.local/bin",
    ),
    ("pipx install --global poetry", f"~/.local/share/pipx ~/.local/pipx {PIP}", ""),
    ("twine upload dist/*", "~/.pypirc", ""),
    ("git clone https://example.org/x.git", "", ""),
    ("git config --global user.name me", "", "~/.gitconfig"),
    ("git -C /src config --global user.name me", "", "~/.gitconfig"),
    ("git config --global --get user.name", "", ""),
    ("git config user.name me", "", ""),
    ("git config --system user.name me", "", "/etc/gitconfig"),
    ("GIT_CONFIG_GLOBAL=/g git config --global a.b c", "/g", "/g"),
    ("git lfs install", "", "~/.gitconfig"),
    ("git lfs install --system", "", ""),
    ("ssh-keygen -t ed25519 -N ''", "", "~/.ssh"),
    ("ssh-keygen -t rsa -f /etc/keys/id -N ''", "", ""),
    ("curl -fsSL https://example.org/x", "~/.curlrc ~/.config/curlrc", ""),
    ("curl -q https://example.org/x", "", ""),
    ("wget https://example.org/x", "~/.wgetrc", ""),
    ("gpg --batch --recv-keys ABCD", "~/.gnupg/gpg.conf ~/.gnupg", "~/.gnupg"),
    ("GNUPGHOME=/keys gpg --import key", "/keys/gpg.conf /keys", "/keys"),
    ("bash -c true", "", ""),
    ("bash -lc true", "~/.profile ~/.bash_profile ~/.bash_login", ""),
    ("bash -i script", "~/.bashrc", ""),
    ("BASH_ENV=/env bash script", "/env", ""),
    ("npm ci", "~/.npmrc", ""),
    ("npm config set registry https://example.org", "~/.npmrc", "~/.npmrc"),
    ("npm config set -g registry https://example.org", "~/.npmrc", ""),
    ("npm run login", "~/.npmrc", ""),
    ("NPM_CONFIG_USERCONFIG=/n npm login", "/n", "/n"),
    ("yarn config set registry https://example.org", "~/.yarnrc ~/.yarnrc.yml ~/.npmrc", "~/.yarnrc"),
    ("cargo install ripgrep", None, "~/.cargo/bin"),
    ("RUSTUP_HOME=/r rustup default stable", "/r", "/r"),
    ("go install example.org/x@latest", "~/.config/go/env ~/go/bin", "~/go/bin"),
    ("go env -w GOPRIVATE=example.org", "~/.config/go/env ~/go/bin", "~/.config/go/env"),
    (
        "aws configure set region eu-west-1",
        "~/.aws/config ~/.aws/credentials ~/.aws/models",
        "~/.aws/config ~/.aws/credentials",
    ),
    ("aws --profile ci configure list", "~/.aws/config ~/.aws/credentials ~/.aws/models", ""),
    (
        "aws codeartifact login --tool pip --domain d --repository r",
        "~/.aws/config ~/.aws/credentials ~/.aws/models",
        "~/.config/pip/pip.conf",
    ),
    (
        "AWS_SHARED_CREDENTIALS_FILE=/run/secrets/aws aws s3 cp s3://a b",
        "~/.aws/config /run/secrets/aws ~/.aws/models",
        "",
    ),
    (
        "gcloud auth activate-service-account --key-file=k",
        "~/.boto ~/.config/gcloud",
        "~/.config/gcloud",
    ),
    ("gcloud auth configure-docker", "~/.boto ~/.config/gcloud", "~/.docker/config.json"),
    ("az login --identity", "~/.azure/config ~/.azure ~/.azure/cliextensions", "~/.azure"),
    ("kubectl config use-context x", "~/.kube/config", "~/.kube/config"),
    ("KUBECONFIG=/a:/b kubectl get pods", "/a /b", ""),
    ("kubectl --kubeconfig /k get pods", "", ""),
    (
        "helm repo add x https://example.org",
        "~/.config/helm/repositories.yaml ~/.config/helm/registry ~/.local/share/helm/plugins ~/.kube/config",
        "~/.config/helm/repositories.yaml",
    ),
    (
        "docker login -u me -p secret example.org",
        "~/.docker/config.json ~/.docker/cli-plugins",
        "~/.docker/config.json",
    ),
    ("dbt run", "~/.dbt/profiles.yml", ""),
    ("dbt run --profiles-dir .", "", ""),
    ("DBT_PROFILES_DIR=/dbt dbt run", "/dbt/profiles.yml", ""),
    ("kaggle datasets download x", "~/.kaggle ~/.config/kaggle", ""),
    ("hf download org/model", f"{HF} {HF_HUB}", HF_HUB),
    ("huggingface-cli download org/model --local-dir /m", HF, ""),
    (
        "HF_HOME=/opt/hf hf download org/model",
        " ".join(f"/opt/hf{one}" for one in f"{HF_REST} /hub".split()),
        "/opt/hf/hub",
    ),
    ("hf auth login --token x", f"{HF} {HF_HUB}", "~/.cache/huggingface/token"),
    ("nltk.downloader punkt", "~/nltk_data", "~/nltk_data"),
    ("NLTK_DATA=/n nltk.downloader punkt", "/n ~/nltk_data", "~/nltk_data"),
    ("nltk.downloader -d /usr/share/nltk_data punkt", "", ""),
    ("textblob.download_corpora", "~/nltk_data", "~/nltk_data"),
    ("spacy download en_core_web_sm", PIP, ""),
    ("playwright install --with-deps", "~/.cache/ms-playwright", "~/.cache/ms-playwright"),
    ("PLAYWRIGHT_BROWSERS_PATH=/b playwright install", "/b", "/b"),
    ("npx playwright install", "~/.npmrc", "~/.cache/ms-playwright"),
    ("ollama serve", "~/.ollama ~/.ollama/models", "~/.ollama/models"),
    ("rembg s", "~/.u2net ~/.rembg", "~/.u2net ~/.rembg"),
    ("U2NET_HOME=/m rembg d u2net", "/m ~/.rembg", "/m ~/.rembg"),
    ("jupyter lab --ip 0.0.0.0", JUPYTER, ""),
    ("jupyter notebook --generate-config", JUPYTER, "~/.jupyter"),
    ("ipykernel install --user --name x", JUPYTER, "~/.local/share/jupyter"),
    ("ipykernel install --name x", JUPYTER, ""),
    (
        "streamlit run app.py",
        "~/.streamlit/config.toml ~/.streamlit/credentials.toml ~/.streamlit/secrets.toml",
        "",
    ),
    ("wandb login key", "~/.config/wandb/settings", "~/.netrc"),
    ("prefect config set PREFECT_API_URL=x", None, "~/.prefect/profiles.toml"),
    ("AIRFLOW_HOME=/opt/airflow airflow db init", None, "/opt/airflow/airflow.cfg /opt/airflow"),
    ("dvc remote add --global x s3://y", None, "~/.config/dvc"),
    ("conda init bash", None, "~/.bashrc"),
    ("conda config --add channels conda-forge", None, "~/.condarc"),
    ("conda config --system --add channels conda-forge", None, "/etc/conda/.condarc"),
    ("pre-commit install-hooks", "~/.cache/pre-commit", "~/.cache/pre-commit"),
    ("XDG_CACHE_HOME=/x pre-commit run -a", "/x/pre-commit", "/x/pre-commit"),
    ("ansible-galaxy collection install a.b", None, "~/.ansible/collections"),
    ("psql -X -c 'select 1'", "~/.pg_service.conf ~/.pgpass ~/.postgresql", ""),
]


@pytest.mark.parametrize(("line", "reads", "writes"), LINES, ids=[line for line, _, _ in LINES])
def test_command_line(line: str, reads: str | None, writes: str) -> None:
    found = used(line)
    assert found is not None
    assert list(found.writes) == writes.split()
    if reads is not None:
        assert set(found.reads) - FETCHING - KEYRING == set(reads.split()) - FETCHING


@pytest.mark.parametrize(
    "line", ["pip install x", "uv sync", "poetry install", "npm ci", "cargo build", "go build", "git pull"]
)
def test_what_runs_git_reads_what_git_reads(line: str) -> None:
    found = used(line)
    assert found is not None
    assert set(found.reads) >= {*GIT.split(), *SSH.split()}


@pytest.mark.parametrize("line", ["cat x", "flask run", "gunicorn-x app:app", "make install"])
def test_a_program_without_a_row(line: str) -> None:
    assert used(line) is None


@pytest.mark.parametrize(
    ("line", "caches"),
    [
        ("pip install x", "~/.cache/pip"),
        ("PIP_CACHE_DIR=/cache pip install x", "/cache"),
        ("XDG_CACHE_HOME=/x uv sync", "/x/uv"),
        ("npm ci", "~/.npm"),
        ("streamlit run app.py", "~/.streamlit"),
        ("gunicorn app:app", "~/.gunicorn"),
        ("gunicorn --no-control-socket app:app", ""),
    ],
)
def test_caches_of_a_command_line(line: str, caches: str) -> None:
    found = used(line)
    assert found is not None
    assert list(found.caches) == caches.split()


def test_a_place_that_is_filled_only_where_it_is_there() -> None:
    found = used("NLTK_DATA=/n nltk.downloader punkt")
    assert found is not None
    assert (found.existing, found.writes) == (("/n",), ("~/nltk_data",))


def test_an_argument_that_is_not_known_is_read_as_it_stands() -> None:
    found = find_home_use("git", [Argument("config", "config"), Argument(None, "$HOW")], {})
    assert found is not None
    assert found.writes == ()


# -- packages --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "env", "reads", "writes"),
    [
        ("nltk", {}, "~/nltk_data", ""),
        ("nltk.corpus", {"NLTK_DATA": "/a:/b"}, "/a /b ~/nltk_data", ""),
        ("whisper", {}, "~/.cache/whisper", "~/.cache/whisper"),
        ("easyocr", {"EASYOCR_MODULE_PATH": "/m"}, "/m", "/m"),
        ("torch.hub", {"TORCH_HOME": "/t"}, "/t", "/t"),
        ("torchvision.models", {}, "~/.cache/torch", "~/.cache/torch"),
        ("deepface", {"DEEPFACE_HOME": "/d"}, "/d/.deepface", "/d/.deepface"),
        ("tiktoken", {}, "/tmp/data-gym-cache", "/tmp/data-gym-cache"),
        ("playwright.sync_api", {}, "~/.cache/ms-playwright", ""),
        ("boto3", {"AWS_CONFIG_FILE": "/c"}, "/c ~/.aws/credentials ~/.aws/models", ""),
        ("google.cloud.storage", {}, "~/.boto ~/.config/gcloud", ""),
        ("kubernetes.client", {}, "~/.kube/config", ""),
        ("streamlit", {}, None, ""),
        ("keras", {}, "~/.keras/keras.json ~/.keras", "~/.keras"),
        ("tensorflow.keras.applications", {}, "~/.keras/keras.json ~/.keras", "~/.keras"),
        ("requests", {}, "~/.netrc", ""),
        ("duckdb", {}, None, "~/.duckdb/extensions"),
        ("gensim.downloader", {"GENSIM_DATA_DIR": "/g"}, "/g", "/g"),
    ],
)
def test_package(module: str, env: dict[str, str], reads: str | None, writes: str) -> None:
    found = find_module_use(module, env)
    assert found is not None
    assert list(found.writes) == writes.split()
    if reads is not None:
        assert list(found.reads) == reads.split()


def test_a_package_that_fetches_by_itself_writes_what_it_reads() -> None:
    found = find_module_use("sentence_transformers", {"HF_HOME": "/opt/hf"})
    assert found is not None
    assert {"/opt/hf/hub", "/opt/hf/datasets"} < set(found.writes) < set(found.reads)


@pytest.mark.parametrize("module", ["flask", "torch", "gensim", "google", "tensorflow", "", "numpy.random"])
def test_a_package_without_a_row(module: str) -> None:
    assert find_module_use(module, {}) is None


def test_a_package_started_as_a_program_uses_what_it_imports() -> None:
    assert used("transformers.onnx --model x") == find_module_use("transformers", {})


# -- places ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "kind", "lost"),
    [
        ("~/.cache/pip", "caches", True),
        ("~/.cache/pip/http/a/b", "caches", True),
        ("~/.npm/_logs/", "caches", True),
        ("~/.cache/uv", "caches", True),
        ("~/.cache/pypoetry/artifacts", "caches", True),
        ("~/.cache/pypoetry", "caches", False),  # environments stand below
        ("~/.cache/pypoetry/virtualenvs/app", "data", False),
        ("~/.cache/huggingface", "caches", False),
        ("~/.cache/huggingface/hub/models--x", "data", False),
        ("~/.cache/torch/hub/checkpoints/x.pth", "data", False),
        ("~/.cache", None, False),
        ("~/.cache/unheard-of", None, False),
        ("~/.config/pip/pip.conf", "settings", False),
        ("~/.ssh/id_ed25519", "credentials", False),
        ("~/.ssh/config", "settings", False),
        ("~/.cargo/registry", "caches", True),
        ("~/.cargo", "caches", False),
        ("~", None, False),
    ],
)
def test_kind_of_a_place(place: str, kind: str | None, lost: bool) -> None:
    assert find_kind(place) == kind
    assert is_cache(place) is lost


@pytest.mark.parametrize(
    ("place", "variables"),
    [
        ("~/.cache/huggingface", ("HF_HOME", "XDG_CACHE_HOME")),
        ("~/.u2net/u2net.onnx", ("U2NET_HOME", "XDG_DATA_HOME")),
        ("~/.config/pip/pip.conf", ("XDG_CONFIG_HOME",)),
        ("~/.dbt/profiles.yml", ("DBT_PROFILES_DIR",)),
        ("~/.streamlit/config.toml", ()),
        ("~/somewhere", ()),
    ],
)
def test_variables_that_move_a_place(place: str, variables: tuple[str, ...]) -> None:
    assert find_variables(place) == variables


def test_what_every_user_reads_besides() -> None:
    assert find_system_place("~/.config/pip/pip.conf") == "/etc/pip.conf"
    assert find_system_place("~/.gitconfig") == "/etc/gitconfig"
    assert find_system_place("~/.streamlit/config.toml") == ""
    assert find_system_place("~/somewhere") == ""
