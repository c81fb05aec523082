"""The effects of commands: a table of command lines, run in /app by a user whose home is /home/app."""

from __future__ import annotations

import pytest

from dockfix.knowledge import read_table
from dockfix.model.effects import Effect, drops_privileges, effect, process_need, setting
from dockfix.syntax.shell import Command, parse_script, parse_words

ENV = {"HOME": "/home/app", "DATA": "/data", "PKGS": "curl git", "EMPTY": ""}

# What each line writes.
WRITES: dict[str, tuple[str, ...]] = {
    "true": (),
    "echo hello": (),
    "echo hello > log.txt": ("/app/log.txt",),
    "echo hello >> /var/log/x": ("/var/log/x",),
    "echo hello >/dev/null 2>&1": (),
    "echo hello > /dev/stderr": (),
    "gunicorn --timeout 300 web:app": ("/app",),
    "pytest --stdout=no --out report": ("/app/report",),
    "cat a.txt b.txt": (),
    "aws s3 cp x s3://bucket/x": (),
    "mlflow server --artifacts-destination s3://bucket/x": (),
    "cat a.txt b.txt > c.txt": ("/app/c.txt",),
    "echo x | tee /etc/x y": ("/etc/x", "/app/y"),
    "mkdir -p -m 700 a /data/b": ("/app/a", "/data/b"),
    'mkdir "$DATA/cache"': ("/data/cache",),
    "mkdir ~/.config": ("/home/app/.config",),
    "rm -rf /var/lib/apt/lists/*": ("/var/lib/apt/lists",),
    "rm -rf /tmp/* ~/.cache": ("/tmp", "/home/app/.cache"),
    "touch db.sqlite3": ("/app/db.sqlite3",),
    "sqlite3 -init seed.sql app.db 'select 1'": ("/app/app.db",),
    "sqlite3 :memory: 'select 1'": (),
    "sqlite3 -readonly app.db 'select 1'": (),
    "flock -w 5 /srv/app.lock mkdir cache": ("/srv/app.lock", "/app/cache"),
    "flock -n 9": (),
    "logrotate -s state /etc/logrotate.conf": ("/app/state",),
    "exec 3> log": ("/app/log",),
    "dd if=/dev/zero of=/srv/swap bs=1M count=1": ("/srv/swap",),
    "dd if=seed bs=1": (),
    "dd if=/dev/urandom of=/dev/null count=1": (),
    "uuidgen > id": ("/app/id",),
    "python -m zipfile -c /srv/a.zip a b": ("/srv/a.zip",),
    "python3 -m zipfile --extract a.zip out": ("/app/out",),
    "python3 -m zipfile -l a.zip": (),
    "python -m tarfile -c a.tar a b": ("/app/a.tar",),
    "python -m tarfile -e a.tar /srv": ("/srv",),
    "python -m tarfile -e a.tar": ("/app",),
    "python -m tarfile -t a.tar": (),
    "cp -r a b /srv/x": ("/srv/x",),
    "cp -t /srv a b": ("/srv",),
    "cp --target-directory=/srv a b": ("/srv",),
    "mv a /usr/local/bin/a": ("/app/a", "/usr/local/bin/a"),
    "ln -s /opt/x/bin/x /usr/local/bin/x": ("/usr/local/bin/x",),
    "ln -s /opt/x/bin/x": ("/app/x",),
    "install -m 755 x /usr/local/bin/x": ("/usr/local/bin/x",),
    "install -d /data/a": ("/data/a",),
    "curl -fsSL https://example.com/x": (),
    "curl -fsSLo /usr/local/bin/x https://example.com/x": ("/usr/local/bin/x",),
    "curl -LO https://example.com/x.tgz": ("/app",),
    "curl --output=x.tgz https://example.com/x.tgz": ("/app/x.tgz",),
    "curl -H 'A: b' -o x https://example.com": ("/app/x",),
    "wget https://example.com/x": ("/app",),
    "wget -q -O - https://example.com/x": (),
    "wget -qO- https://example.com/x": (),
    "wget -O /tmp/x https://example.com/x": ("/tmp/x",),
    "wget -P /opt https://example.com/x": ("/opt",),
    "tar xzf a.tgz": ("/app",),
    "tar -xzf a.tgz -C /opt --strip-components=1": ("/opt",),
    "tar -C /opt -xzf a.tgz": ("/opt",),
    "tar -C/opt -xzf a.tgz": ("/opt",),
    "tar xzfC a.tgz /opt": ("/opt",),
    "tar -xzC /opt": ("/opt",),
    "tar cf - .": (),
    "sed -i.bak 's/a/b/' settings.py": ("/app/settings.py",),
    "curl -o - https://example.com": (),
    "tar --extract --file a.tgz --directory /opt": ("/opt",),
    "tar tzf a.tgz": (),
    "tar czf /tmp/a.tgz .": ("/tmp/a.tgz",),
    "unzip -q a.zip -d /opt/a": ("/opt/a",),
    "unzip a.zip": ("/app",),
    "unzip -l a.zip": (),
    "git clone --depth 1 https://example.com/a/thing.git": ("/app/thing",),
    "git clone https://example.com/a/thing.git /src": ("/src",),
    "git -C /src checkout v1": ("/src",),
    "git rev-parse HEAD": (),
    "sed -i 's/a/b/' settings.py": ("/app/settings.py",),
    "sed -i -e 's/a/b/' -e 's/c/d/' settings.py": ("/app/settings.py",),
    "sed 's/a/b/' settings.py": (),
    "sed -n 'w /srv/all.txt' settings.py": ("/srv/all.txt",),
    "sed -e '/a/w /srv/a.txt' -e 's/b/c/gw /srv/b.txt' settings.py": ("/srv/a.txt", "/srv/b.txt"),
    "sed -i 's/a/b/;$w /srv/last' settings.py": ("/app/settings.py", "/srv/last"),
    "sed 's/show /hide /' settings.py": (),
    "awk '{ print $1 > \"/srv/out.txt\" }' data": ("/srv/out.txt",),
    'mawk \'END { printf "%s", n >> "sum.txt" }\' data': ("/app/sum.txt",),
    "awk '$1 > 5 { print; print $2 > \"/dev/stderr\" }' data": (),
    "awk '{ if ($1 > \"m\") print $1 }' data": (),
    "perl -pi -e 's/a/b/' settings.py": ("/app/settings.py",),
    "rsync -a src/ /srv/": ("/srv",),
    "openssl req -newkey rsa:2048 -keyout key.pem -out cert.pem -days 1": ("/app/key.pem", "/app/cert.pem"),
    "find . -name '*.pyc' -delete": ("/app",),
    "find /opt -type d -exec rm -rf {} +": ("/opt",),
    "find . -name x -print": (),
    "make -C src": ("/app/src",),
    "go build -o /usr/local/bin/x ./cmd/x": ("/usr/local/bin/x",),
    "npm ci --omit=dev": ("/app",),
    "npm --prefix ui install": ("/app/ui",),
    "yarn --cwd ui build": ("/app/ui",),
    "python -m venv /opt/venv": ("/opt/venv",),
    "python3.12 -m venv .venv": ("/app/.venv",),
    "virtualenv -p python3 /venv": ("/venv",),
    "python -m compileall .": ("/app",),
    "python manage.py collectstatic --noinput": ("/app",),
    "./manage.py compilemessages": ("/app",),
    "python -m nltk.downloader -d /usr/share/nltk_data punkt": ("/usr/share/nltk_data",),
    "playwright install chromium": ("/home/app/.cache/ms-playwright",),
    "uv sync --frozen --no-dev": ("/app", "/app/.venv"),
    "uv venv /opt/venv": ("/opt/venv", "/app/.venv"),
    "apt-get update > log": ("/app/log",),
    "mkdir /srv/{a,b}": ("/srv",),
    "git config --global user.name x": (),
    "pip config --site set global.timeout 60": ("/usr/local/pip.conf",),
    "xmllint --format --output out.xml in.xml": ("/app/out.xml",),
    ". /opt/venv/bin/activate": (),
    "mkdir $EMPTY a": ("/app/a",),
}

# Why each line needs root.
ROOT: dict[str, str] = {
    "apt-get install -y $PKGS": "installs system packages",
    "/usr/bin/apt-get update": "installs system packages",
    "useradd app": "changes accounts",
    "chown -R app:app /app": "changes owners",
    "chgrp app x": "changes owners",
    "install -o app x y": "changes owners",
    "ldconfig": "changes the system's settings",
    "npm install -g yarn": "installs for all users",
    "npm i --global yarn": "installs for all users",
    "gem install bundler": "installs for all users",
    "make install": "installs for all users",
    "make -j4 && make install": "",
    "make -C src install": "installs for all users",
    "make -j 4 all install": "installs for all users",
    "cmake --install build": "installs for all users",
    "python setup.py install": "installs for all users",
    "python3 setup.py develop": "installs for all users",
    "easy_install pip": "installs for all users",
    "conda install -y numpy": "changes conda's environment",
    "conda env update -n base -f environment.yml": "changes conda's environment",
    "conda info": "",
    "poetry install": "",
    "POETRY_VIRTUALENVS_CREATE=false poetry install": "installs for all users",
    "poetry config virtualenvs.create false": "installs for all users",
    "poetry config cache-dir /tmp": "",
    "pipenv install --system --deploy": "installs for all users",
    "pipenv install --deploy": "",
    "uv pip install --system -r requirements.txt": "uv --system",
    "UV_SYSTEM_PYTHON=1 uv pip install x": "installs for all users",
    "uv pip install -r requirements.txt": "",
    "playwright install --with-deps": "playwright --with-deps",
    "playwright install-deps": "installs system packages",
    "python -m playwright install --with-deps chromium": "playwright --with-deps",
    "python -m spacy download en_core_web_sm": "installs for all users",
    "git config --system x y": "changes the system's settings",
    "ssh-keygen -A": "ssh-keygen -A",
    "sudo touch x": "uses sudo",
    "exec 3> log": "",
    "uuidgen": "",
    "dd if=a of=b": "",
    "dd if=a of=$WHERE": "not understood: where it writes",
    "python -m zipfile -c a.zip a": "",
    "python -m tarfile -e a.tar": "",
    "su app -c 'touch x'": "",
    "gosu app touch x": "switches the user",
    "rm -rf $UNKNOWN": "not understood: where it writes",
    'echo x > "$(pwd)/y"': "not understood: where it writes",
    "ls | xargs rm": "not understood: where it writes",
    "bash install.sh": "not understood: bash",
    "curl https://example.com/x | sh": "",
    "./install.sh": "not understood: install.sh",
    "./make install": "not understood: make",
    "frobnicate --all": "not understood: frobnicate",
    "frobnicate --version": "",
    "frobnicate sub-command --help": "",
    "frobnicate --all --help": "not understood: frobnicate",
    "bash run --help": "not understood: bash",
    "python build.py": "not understood: python build.py",
    "python manage.py frobnicate": "not understood: python manage.py",
    "python -m frobnicate": "not understood: python frobnicate",
    "python -": "not understood: python -",
    "python -c 'import os; os.system(\"x\")'": "not understood: python -c",
    'python -c \'open("/etc/x", "w")\'': "not understood: python -c",
    "python -c 'import nltk; nltk.download(\"punkt\")'": "",
    "python --version": "",
    "$UNKNOWN install x": "not understood: $UNKNOWN",
    "find . -exec frobnicate {} +": "not understood: frobnicate",
    "find / -exec chown app {} +": "changes owners",
    "source ~/.bashrc": "",
    ". ./settings.sh": "not understood: source ./settings.sh",
}

# Whether each line runs code, and uses the home.
CODE = {
    "npm ci": (True, True),
    "npm config set x y": (False, True),
    "make": (True, False),
    "python manage.py migrate": (True, True),
    "python -c 'print(1)'": (True, True),
    "flask db upgrade": (True, True),
    "pytest -q": (True, True),
    "git config --global user.name x": (False, True),
    "mkdir x": (False, False),
    "python setup.py install": (True, False),
}

# What each line makes, and what only an owner may do.
MADE = {
    "mkdir -p a b/c": (("/app/a", "/app/b/c"), ()),
    "install -d -m 755 a": (("/app/a",), ()),
    "cp -r a b": ((), ()),
    "chmod +x entrypoint.sh": ((), ("/app/entrypoint.sh",)),
    "chmod -x entrypoint.sh": ((), ("/app/entrypoint.sh",)),
    "chmod -R g=u /app /data": ((), ("/app", "/data")),
    "chmod --reference=a b": ((), ("/app/b",)),
    "touch -t 202001010000 a": ((), ("/app/a",)),
    "find . -type f -exec chmod 644 {} ;": ((), ("/app",)),
}

NEEDS = {
    "/usr/sbin/sshd -D": True,
    "cron -f": True,
    "supercronic /app/crontab": False,
    "supervisord -n -c /etc/supervisord.conf": True,
    "/usr/bin/python3 /usr/bin/supervisord -n": True,
    "nginx -g 'daemon off;'": True,
    "apache2ctl -D FOREGROUND": True,
    "/sbin/init": True,
    "/init": True,
    "/app/init": False,
    "service nginx start": True,
    "/etc/init.d/nginx start": True,
    "dockerd": True,
    "gunicorn app:app": False,
    "gunicorn --user www-data app:app": True,
    "uwsgi --ini app.ini --chown-socket www-data": True,
    "uwsgi --ini app.ini --uid www-data": False,
    "uwsgi --ini app.ini": False,
    "celery -A app worker --uid=app": True,
    "celery -A app worker": False,
    "python app.py": False,
    "python -m smtpd -n": False,
    "start": False,
    "chown -R app /data": True,
    "sudo python app.py": True,
    "redis-server": False,
}

DROPS = {
    "gosu app python app.py": True,
    "exec su-exec app python app.py": True,
    "setpriv --reuid=app python app.py": True,
    "su app -c 'python app.py'": True,
    "su - app": True,
    "chroot --userspec=app / python app.py": True,
    "sudo -u app python app.py": True,
    "python app.py": False,
    "tini -- python app.py": False,
    "su -c 'python app.py'": False,
}


def only(line: str) -> Command:
    """The last command of a line, or the one before a pipe into a shell."""
    return parse_script(line).commands[0]


def last_effect(line: str) -> Effect:
    command = parse_script(line).commands[-1 if "|" in line and "sh" not in line.split() else 0]
    env = {**ENV, **{name: word.expand(ENV) or "" for name, word in command.assignments}}
    return effect(command, env, "/app", "/home/app")


@pytest.mark.parametrize("line", WRITES)
def test_writes(line: str) -> None:
    assert last_effect(line).writes == WRITES[line]


def test_bash_opens_a_connection_instead_of_a_file() -> None:
    (command,) = parse_script("true </dev/tcp/db/5432").commands
    assert effect(command, ENV, "/app", "/home/app").operations == ()


@pytest.mark.parametrize("line", ROOT)
def test_root(line: str) -> None:
    assert last_effect(line).root == ROOT[line]


@pytest.mark.parametrize("line", CODE)
def test_code_and_home(line: str) -> None:
    found = last_effect(line)
    assert (found.runs_code, found.home) == CODE[line]


@pytest.mark.parametrize("line", MADE)
def test_made_and_owned(line: str) -> None:
    found = last_effect(line)
    assert (found.makes, found.owns) == MADE[line]
    assert set(found.makes) <= set(found.writes)


def test_a_shell_that_reads_a_pipe_is_not_understood() -> None:
    piped = parse_script("curl https://example.com/x | sh").commands[-1]
    assert effect(piped, ENV, "/app", "/home/app").root == "not understood: sh"


def test_places_come_from_the_environment() -> None:
    command = only("playwright install")
    env = {**ENV, "PLAYWRIGHT_BROWSERS_PATH": "/ms-playwright"}
    assert effect(command, env, "/app", "/home/app").writes == ("/ms-playwright",)


def test_an_inner_script_speaks_for_itself() -> None:
    assert effect(only("sh -c 'apt-get update'"), ENV, "/app", "/home/app") == Effect()


def test_home_is_given_where_the_environment_has_none() -> None:
    assert effect(only("touch ~/x"), {}, "/app", "/home/me").writes == ("/home/me/x",)


@pytest.mark.parametrize("line", NEEDS)
def test_process_need(line: str) -> None:
    assert bool(process_need(only(line), {})) == NEEDS[line]


def test_process_need_of_the_exec_form() -> None:
    assert process_need(parse_words(["/usr/sbin/nginx", "-g", "daemon off;"]), {})


@pytest.mark.parametrize("line", DROPS)
def test_drops_privileges(line: str) -> None:
    assert drops_privileges(only(line)) == DROPS[line]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("poetry config virtualenvs.create false", ("POETRY_VIRTUALENVS_CREATE", "false")),
        ("poetry config --local virtualenvs.in-project true", ("POETRY_VIRTUALENVS_IN_PROJECT", "true")),
        ("/opt/poetry/bin/poetry config cache-dir /tmp", ("POETRY_CACHE_DIR", "/tmp")),
        ("pip config set global.user false", ("PIP_USER", "false")),
        ("poetry config --list", None),
        ("poetry install", None),
        ("poetry config $KEY false", None),
        ("make", None),
        ("$EMPTY $EMPTY", None),
    ],
)
def test_settings_for_later_commands(line: str, expected: tuple[str, str] | None) -> None:
    assert setting(only(line), ENV) == expected


def test_every_name_stands_once_without_conditions() -> None:
    plain: list[str] = []
    for row in read_table("commands")["command"]:
        if not any(key in row for key in ("having", "having_env", "lacking_env", "naming")):
            plain += row["names"]
    assert sorted({name for name in plain if plain.count(name) > 1}) == []
