"""What the facts of a real image mean for its rewrite."""

from __future__ import annotations

from typing import Any

import pytest
from base_facts import debian, image

from dockfix import Changed, Options, Skipped, Unchanged, fix
from dockfix.image_facts import Content, Entry, Group, ImageFacts, Interpreter, Login
from dockfix.model.images import Image, find_image, key_of
from dockfix.model.inspected import pip_kind, starts_application

BASE = "registry.example.org/acme/python:3"
KEY = "registry.example.org/acme/python:3"
APP = f'FROM {BASE}\nWORKDIR /app\nCOPY app.py .\nCMD ["python", "app.py"]\n'


def found(facts: ImageFacts, **settings: Any) -> Image:
    return find_image(BASE, settings.get("images"), {KEY: facts})


def codes(text: str, facts: ImageFacts, **options: Any) -> list[str]:
    """The codes of what keeps a file from being changed, [] for a change that is safe."""
    result = fix(text, Options(facts={KEY: facts}, **options))
    match result:
        case Changed(reviews=reviews):
            return [one.code for one in reviews]
        case Skipped(reasons=reasons):
            return [one.code for one in reasons]
    raise AssertionError(result)


def rewritten(text: str, facts: ImageFacts, **options: Any) -> str:
    result = fix(text, Options(facts={KEY: facts}, **options))
    assert isinstance(result, Changed), result
    assert result.safe, result.reviews
    return result.text


# -- names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("python", "python:latest"),
        ("docker.io/library/python:3.12", "python:3.12"),
        ("localhost:5000/acme/app", "localhost:5000/acme/app:latest"),
        (f"acme/app:1@sha256:{'a' * 64}", f"sha256:{'a' * 64}"),
    ],
)
def test_facts_are_found_by_name_and_tag_or_by_digest(reference: str, key: str) -> None:
    assert key_of(reference) == key


def test_facts_of_another_tag_are_not_used() -> None:
    assert not find_image("registry.example.org/acme/python:4", None, {KEY: image(debian())}).known


# -- files ------------------------------------------------------------------------------------------


def test_a_debian_with_its_own_adduser() -> None:
    base = found(image(debian()))
    assert (base.family, base.release, base.account_command) == ("debian", "bookworm", "adduser")
    assert (base.python, base.pip, base.user, base.shell) == ("image", "quiet", "root", True)


def commands(**found: str) -> dict[str, str]:
    return {"sh": "/bin/sh", **found}


@pytest.mark.parametrize(
    ("present", "command", "prepare"),
    [
        (commands(adduser="/usr/sbin/adduser", useradd="/usr/sbin/useradd"), "adduser", ""),
        (commands(useradd="/usr/sbin/useradd"), "useradd", ""),
        (commands(adduser="/usr/sbin/useradd", useradd="/usr/sbin/useradd"), "useradd", ""),
        (commands(adduser="/bin/busybox"), "busybox", ""),
        (
            commands(microdnf="/usr/bin/microdnf"),
            "useradd",
            "microdnf install -y shadow-utils && microdnf clean all",
        ),
        (commands(), "none", ""),
        ({"useradd": "/usr/sbin/useradd"}, "none", ""),
    ],
)
def test_the_command_that_creates_accounts(present: dict[str, str], command: str, prepare: str) -> None:
    base = found(image(debian(commands=present)))
    assert (base.account_command, base.prepare) == (command, prepare)


@pytest.mark.parametrize(
    ("system", "like", "family"),
    [
        ("alpine", (), "alpine"),
        ("rocky", ("rhel", "centos", "fedora"), "rhel"),
        ("ubuntu", ("debian",), "ubuntu"),
        ("acme-linux", (), "unknown"),
    ],
)
def test_the_distribution_of_os_release(system: str, like: tuple[str, ...], family: str) -> None:
    assert found(image(debian(system=system, like=like))).family == family


def test_without_a_shell_nothing_can_be_run_and_the_nonroot_account_is_used() -> None:
    accounts = (Login("root", 0, 0, "/root"), Login("nonroot", 65532, 65532, "/home/nonroot"))
    base = found(image(debian(commands={}, accounts=accounts)))
    assert (base.family, base.account_command, base.reuse) == ("distroless", "none", "nonroot")


@pytest.mark.parametrize(
    ("python", "expected"),
    [
        (Interpreter("/p", "image"), "image"),
        (Interpreter("/p", "image", is_managed=True), "system"),
        (Interpreter("/p", "system", is_managed=True), "system"),
        (Interpreter("/p", "conda"), "conda"),
        (Interpreter("/p", "venv"), "none"),
        (Interpreter("/other", "image"), "none"),
    ],
)
def test_the_python_that_a_start_finds_first(python: Interpreter, expected: str) -> None:
    base = found(image(debian(commands=commands(python3="/p"), pythons=(python,))))
    assert base.python == expected


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("", "unknown"), ("x", "unknown"), ("9.0.3", "silent"), ("21.0.1", "silent"), ("21.1", "warns"),
        ("22.0.4", "warns"), ("22.1", "quiet"), ("25.0.1", "quiet"),
    ],
)  # fmt: skip
def test_how_a_pip_treats_root(version: str, kind: str) -> None:
    assert pip_kind(version) == kind


def test_a_configuration_of_the_project_beats_the_image() -> None:
    base = found(image(debian()), images={"registry.example.org/acme/python": {"account_command": "useradd"}})
    assert (base.account_command, base.family) == ("useradd", "debian")


def test_the_real_image_beats_the_tables() -> None:
    base = find_image(
        "python:3.12-slim-bookworm", None, {"python:3.12-slim-bookworm": image(debian(pythons=()))}
    )
    assert (base.python, base.pip) == ("none", "unknown")


def test_a_registry_adds_the_configuration_to_what_the_tables_know() -> None:
    base = find_image("node:20-slim", None, {"node:20-slim": image(user="node")})
    assert (base.known, base.user, base.reuse) == (True, "node", "node")


# -- outcomes ---------------------------------------------------------------------------------------


def test_an_unknown_base_is_rewritten_by_its_facts() -> None:
    text = rewritten(APP, image(debian()))
    assert "RUN adduser --disabled-password --gecos '' appuser\nUSER appuser\n" in text


def test_a_base_that_starts_as_a_user_leaves_nothing_to_do() -> None:
    assert isinstance(fix(APP, Options(facts={KEY: image(debian(), user="app")})), Unchanged)
    assert isinstance(fix(APP, Options(facts={KEY: image(user="1001")})), Unchanged)


GOSU = '#!/bin/sh\nset -e\nif [ "$(id -u)" = 0 ]; then\n  exec gosu app "$0" "$@"\nfi\nexec "$@"\n'


@pytest.mark.parametrize("path", ["/usr/local/bin/entrypoint", "/entrypoint.sh"])
def test_a_start_script_of_the_base_that_drops_root_is_read(path: str) -> None:
    facts = image(debian(scripts={path: GOSU}), entrypoint=(path,))
    result = fix(APP, Options(facts={KEY: facts}))
    assert isinstance(result, Skipped)
    assert str(result.reasons[0]).startswith(f"line 1: the start command in {path} drops root by itself")


def test_an_entrypoint_of_the_file_takes_the_place_of_the_base_s() -> None:
    facts = image(debian(scripts={"/entrypoint.sh": GOSU}), entrypoint=("/entrypoint.sh",))
    assert codes(APP.replace("CMD", "ENTRYPOINT"), facts) == []


def test_a_start_script_that_a_registry_does_not_show_stays_a_question() -> None:
    text = f"FROM {BASE}\nRUN apt-get install -y x\nWORKDIR /app\nCOPY app.py .\nCMD python app.py\n"
    assert codes(text, image(entrypoint=("/entrypoint.sh",)))[0] == "unread-entrypoint"
    assert "unread-entrypoint" not in codes(text, image())


def test_a_registry_shows_the_start_but_not_the_distribution() -> None:
    text = APP.replace("WORKDIR", "RUN apt-get install -y x\nWORKDIR")
    assert "unknown-base" not in codes(text, image())
    assert codes(APP, image())[0] == "unknown-base"


def test_the_base_s_own_command_is_what_the_image_starts() -> None:
    text = f"FROM {BASE}\nWORKDIR /app\nRUN pip install x\n"
    assert "starts-nothing" in codes(text, image(debian(), command=("python3",)))
    assert codes(text, image(debian(), command=("gunicorn", "app:app"))) == []
    assert codes(text, image(debian(), command=("crond", "-f"))) == ["needs-root-process"]
    assert codes(text, image(debian(), command=("serve",), ports=("80/tcp",))) == ["low-port"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), False),
        (("/bin/bash",), False),
        (("/entrypoint.sh", "bash"), False),
        (("tini", "--"), False),
        (("/bin/sh", "-c", "python3"), False),
        (("tini", "--", "/serve"), True),
        (("python3", "app.py"), True),
    ],
)
def test_a_shell_or_an_interpreter_alone_is_no_application(words: tuple[str, ...], expected: bool) -> None:
    assert starts_application(image(command=words)) is expected


def test_onbuild_steps_of_the_base_need_a_look() -> None:
    assert codes(APP, image(debian(), onbuild=("COPY . /srv",))) == ["onbuild"]


def test_a_tag_that_says_onbuild_is_believed_only_without_facts() -> None:
    text, name = APP.replace(":3", ":3-onbuild"), KEY + "-onbuild"
    result = fix(text, Options(facts={name: image(debian())}))
    assert isinstance(result, Changed)
    assert result.safe


def test_a_volume_of_the_base_is_given_to_the_user_after_it_exists() -> None:
    text = rewritten(APP, image(debian(), volumes=("/data",)))
    assert "RUN adduser --disabled-password --gecos '' appuser" in text
    assert "chown appuser:appuser /data" in text
    assert text.index("adduser") < text.index("/data")


def test_an_account_of_the_base_with_the_wanted_name_is_not_created_again() -> None:
    content = debian(
        accounts=(Login("appuser", 4711, 4711, "/home/appuser"),),
        groups=(Group("appuser", 4711),),
        paths={"/home/appuser": Entry("directory", 0o700, 4711, 4711)},
    )
    text = rewritten(APP, image(content))
    assert "adduser" not in text
    assert "USER appuser\n" in text


def test_a_number_that_the_base_has_given_away_is_not_taken() -> None:
    content = debian(accounts=(Login("worker", 10001, 10001, "/nonexistent"),))
    assert "--uid 10002" in rewritten(APP, image(content), numeric=True)
    assert "USER 10001:10001\n" in rewritten(APP, image(content), numeric=True, uid=10001)


def test_directories_are_as_they_are_in_the_image() -> None:
    kept = {"/": Entry("directory", 0o755, is_listed=True)}
    absent = rewritten(APP, image(debian(paths=kept)))
    open_to_all = rewritten(APP, image(debian(paths={**kept, "/app": Entry("directory", 0o777)})))
    root = rewritten(APP, image(debian(paths={**kept, "/app": Entry("directory", 0o755)})))
    assert "chown" not in absent.replace("--chown", "")
    assert "chown" not in open_to_all.replace("--chown", "")
    assert "chown appuser:appuser /app" in root


def test_members_of_a_group_may_write_what_the_group_may() -> None:
    content = debian(
        accounts=(Login("app", 1000, 1000, "/home/app"),),
        groups=(Group("app", 1000), Group("data", 2000, ("app",))),
        paths={
            "/": Entry("directory", 0o755, is_listed=True),
            "/home/app": Entry("directory", 0o755, 1000, 1000),
            "/app": Entry("directory", 0o775, 0, 2000),
        },
    )
    assert "chown app:app /app" not in rewritten(APP, image(content), user="app")


def test_content_without_anything_is_a_scratch_image() -> None:
    base = found(image(Content()))
    assert (base.known, base.family, base.account_command) == (True, "scratch", "none")
