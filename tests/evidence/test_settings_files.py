from __future__ import annotations

import pytest
from folders import listing

from dockfix.evidence.python.sources import read_sources
from dockfix.syntax.parser import parse

APPLICATION = 'FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n'
SERVER = 'FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD ["uvicorn", "main:app", "--log-config=log.ini"]\n'


def found(files: dict[str, str], dockerfile: str = APPLICATION) -> list[str]:
    return [str(one) for one in read_sources(parse(dockerfile), files.get, listing(files)).claims]


def test_a_configuration_file_that_the_sources_name() -> None:
    files = {
        "main.py": 'load("conf/log.yml")\n',
        "conf/log.yml": "handlers:\n  a:\n    filename: /var/log/a.log\n",
    }
    assert found(files) == ["conf/log.yml:3: write /var/log/a.log"]


def test_a_configuration_file_beside_the_module_that_names_it() -> None:
    files = {
        "main.py": "import pkg.logs\n",
        "pkg/__init__.py": "",
        "pkg/logs.py": 'load("log.toml")\n',
        "pkg/log.toml": 'filename = "/srv/a.log"\n',
    }
    assert found(files) == ["pkg/log.toml:1: write /srv/a.log"]


def test_a_configuration_file_that_the_start_names() -> None:
    files = {"main.py": "app = 1\n", "log.ini": "[handler_a]\nargs=('/srv/logs/a.log',)\n; /srv/b.log\n"}
    assert found(files, SERVER) == ["log.ini:2: write /srv/logs/a.log"]


@pytest.mark.parametrize(
    "text",
    [
        "url: https://example.org/a.log",
        "filename: logs/a.log",
        "filename: ${HOME}/a.log",
        "# filename: /srv/a.log",
        "data: /srv/a.csv",
    ],
)
def test_what_is_no_place_to_write(text: str) -> None:
    assert found({"main.py": 'load("log.yml")\n', "log.yml": text}) == []


def test_a_file_that_nothing_names() -> None:
    assert found({"main.py": "print()\n", "log.yml": "filename: /srv/a.log"}) == []


def test_a_database_in_the_configuration_of_alembic() -> None:
    files = {"main.py": "", "alembic.ini": "[alembic]\nsqlalchemy.url = sqlite:////srv/a.db\n"}
    dockerfile = APPLICATION.replace('["python", "main.py"]', "alembic upgrade head && python main.py")
    assert found(files, dockerfile) == ["alembic.ini:2: write /srv/a.db"]
