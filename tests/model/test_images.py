"""Known facts about base images, by reference."""

from __future__ import annotations

import pickle
import re

import pytest

from dockfix import fix
from dockfix.knowledge import read_table
from dockfix.model.images import find_image, infer_image
from dockfix.results import Changed

# reference: family, release, account_command
FAMILIES = {
    "mcr.microsoft.com/dotnet/aspnet:7.0": ("debian", "", "useradd"),
    "mcr.microsoft.com/dotnet/aspnet:8.0": ("debian", "", "useradd"),
    "mcr.microsoft.com/dotnet/aspnet:10.0": ("ubuntu", "", "useradd"),
    "mcr.microsoft.com/dotnet/aspnet:8.0-alpine": ("alpine", "", "busybox"),
    "openjdk:17-jdk-slim": ("debian", "", "useradd"),
    "openjdk:17": ("rhel", "", "useradd"),
    "python:3.12-slim-bookworm": ("debian", "bookworm", "adduser"),
    "python:3.12-slim-trixie": ("debian", "trixie", "useradd"),
    "python:3.12-slim": ("debian", "trixie", "useradd"),
    "python:3-slim": ("debian", "trixie", "useradd"),
    "python:slim": ("debian", "trixie", "useradd"),
    "python:3.12.1-slim": ("debian", "bookworm", "adduser"),
    "python:3.13.5-slim": ("debian", "bookworm", "adduser"),
    "python:3.13.6-slim": ("debian", "trixie", "useradd"),
    "python:3.16-rc-slim": ("debian", "trixie", "useradd"),
    "python:3.8-slim": ("debian", "bookworm", "adduser"),
    "python:3.6-slim": ("debian", "", "adduser"),
    "python:3.8.10-slim-buster": ("debian", "buster", "adduser"),
    "python": ("debian", "trixie", "adduser"),
    "python:3.13": ("debian", "trixie", "adduser"),
    "python:2.7-jessie": ("debian", "jessie", "adduser"),
    "python:3.12-alpine": ("alpine", "", "busybox"),
    "python:3.12-alpine3.20": ("alpine", "3.20", "busybox"),
    "python:3.12-windowsservercore-ltsc2022": ("windows", "", "none"),
    "ghcr.io/astral-sh/uv:python3.12-bookworm-slim": ("debian", "bookworm", "adduser"),
    "ghcr.io/astral-sh/uv:0.5.1-python3.13-alpine": ("alpine", "", "busybox"),
    "ghcr.io/astral-sh/uv:0.5": ("scratch", "", "none"),
    "opea/comps-base:latest": ("debian", "trixie", "useradd"),
    "prefecthq/prefect:3-python3.12": ("debian", "", "useradd"),
    "oven/bun:1": ("debian", "", "useradd"),
    "ghcr.io/prefix-dev/pixi:0.40-bookworm-slim": ("debian", "bookworm", "adduser"),
    "ghcr.io/prefix-dev/pixi:0.40-noble": ("ubuntu", "", "useradd"),
    "rocm/dev-ubuntu-22.04": ("ubuntu", "", "useradd"),
    "tiangolo/uvicorn-gunicorn-fastapi:python3.8-alpine3.10": ("alpine", "3.10", "busybox"),
    "debian": ("debian", "trixie", "useradd"),
    "debian:bookworm-slim": ("debian", "bookworm", "adduser"),
    "debian:12.5-slim": ("debian", "bookworm", "adduser"),
    "debian:13-slim": ("debian", "trixie", "useradd"),
    "ubuntu": ("ubuntu", "24.04", "useradd"),
    "ubuntu:noble": ("ubuntu", "", "useradd"),
    "ubuntu:22.04": ("ubuntu", "22.04", "adduser"),
    "nvidia/cuda:12.2.0-runtime-ubuntu22.04": ("ubuntu", "22.04", "adduser"),
    "nvidia/cuda:11.0-base-ubi8": ("rhel", "8", "useradd"),
    "nvcr.io/nvidia/pytorch:22.04-py3": ("ubuntu", "", "useradd"),
    "alpine:3.20": ("alpine", "", "busybox"),
    "node:20-slim": ("debian", "", "useradd"),
    "node:20-alpine": ("alpine", "", "busybox"),
    "rockylinux:9": ("rhel", "", "useradd"),
    "opensuse/leap:15.6": ("suse", "", "useradd"),
    "archlinux": ("arch", "", "useradd"),
    "busybox:1.36": ("busybox", "", "busybox"),
    "scratch": ("scratch", "", "none"),
    "gcr.io/distroless/python3-debian12": ("distroless", "", "none"),
    "cgr.dev/chainguard/wolfi-base": ("wolfi", "", "busybox"),
    "mcr.microsoft.com/windows/servercore:ltsc2022": ("windows", "", "none"),
    "registry.access.redhat.com/ubi9/ubi-micro": ("rhel", "", "none"),
    "registry.example.com/platform/python:3.12": ("unknown", "", "useradd"),
}

# What pip each has.
PIPS = {
    "python:2.7": "silent",
    "python:3.6.12": "silent",
    "python:3.6": "warns",
    "python:3.7.9-slim-buster": "silent",
    "python:3.7.16": "warns",
    "python:3.7": "quiet",
    "python:3.8.8": "silent",
    "python:3.8.10-slim-buster": "warns",
    "python:3.8.17": "quiet",
    "python:3.8-alpine": "quiet",
    "python:3.9.10-slim-bullseye": "warns",
    "python:3.9": "quiet",
    "python:3.10.5": "warns",
    "python:3.10.6": "quiet",
    "python:3.11.0rc1": "quiet",
    "python:3.11.0a7": "unknown",
    "python:3": "quiet",
    "python:2": "silent",
    "python:3.99": "quiet",
    "python:nonsense": "quiet",
    "pypy:3.10": "unknown",
    "ubuntu:20.04": "silent",
    "ubuntu:22.04": "warns",
    "ubuntu:24.04": "quiet",
    "debian:bookworm": "quiet",
    "alpine:3.20": "unknown",
}

# The same image under other names.
MIRRORS = [
    "gitlab.example.com/group/sub/dependency_proxy/containers/python:3.12-slim",
    "docker.io/library/python:3.12-slim",
    "docker.io/python:3.12-slim",
    "index.docker.io/library/python:3.12-slim",
    "registry.hub.docker.com/library/python:3.12-slim",
    "public.ecr.aws/docker/library/python:3.12-slim",
    "mirror.gcr.io/library/python:3.12-slim",
    "registry.example.com:5000/proxy/library/python:3.12-slim",
    "library/python:3.12-slim",
    "arm64v8/python:3.12-slim",
    "docker.io/arm32v7/python:3.12-slim",
    "python:3.12-slim@sha256:0123456789abcdef",
    '"python:3.12-slim"',
]

# reference: (user, reuse, home of that account, uid, gid)
ACCOUNTS = {
    "node:20": ("root", "node", "/home/node", 1000, 1000),
    "gradle:8-jdk21": ("root", "gradle", "/home/gradle", 1000, 1000),
    "mcr.microsoft.com/dotnet/aspnet:8.0": ("root", "app", "/home/app", 1654, 1654),
    "mcr.microsoft.com/dotnet/sdk:10.0-alpine": ("root", "app", "/home/app", 1654, 1654),
    "mcr.microsoft.com/dotnet/runtime:9.0-noble-chiseled": ("1654", "", "/home/app", 1654, 1654),
    "gcr.io/distroless/python3-debian12": ("root", "nonroot", "/home/nonroot", 65532, 65532),
    "gcr.io/distroless/python3-debian12:nonroot": ("65532", "65532", "/home/nonroot", 65532, 65532),
    "cgr.dev/chainguard/wolfi-base": ("root", "nonroot", "/home/nonroot", 65532, 65532),
    "quay.io/jupyter/scipy-notebook": ("jovyan", "", "/home/jovyan", 1000, 100),
    "pangeo/pangeo-notebook:2026.06.04": ("jovyan", "", "/home/jovyan", 1000, 1000),
    "mambaorg/micromamba:2.0.5": ("mambauser", "", "/home/mambauser", 57439, 57439),
    "registry.access.redhat.com/ubi9/python-312-minimal": ("1001", "", "/opt/app-root/src", 1001, 0),
    "registry.access.redhat.com/ubi9/python-311": ("1001", "", "/opt/app-root/src", 1001, 0),
    "apache/airflow:2.9.0": ("airflow", "", "/home/airflow", 50000, 0),
    "jenkins/jenkins:lts": ("jenkins", "", "/var/jenkins_home", 1000, 1000),
}

_MICRODNF = "microdnf install -y shadow-utils && microdnf clean all"
PREPARATIONS = {
    "registry.access.redhat.com/ubi9/ubi-minimal:9.4": _MICRODNF,
    "amazonlinux:2": "yum install -y shadow-utils && yum clean all",
    "amazonlinux:2023": "dnf install -y shadow-utils && dnf clean all",
    "rockylinux:9-minimal": _MICRODNF,
    "rockylinux:9": "",
    "python:3.12-slim": "",
}

PROCESSES = [
    "phusion/baseimage:jammy-1.0.4",
    "lscr.io/linuxserver/baseimage-alpine:3.19",
    "postgres:16",
    "docker:dind",
]


@pytest.mark.parametrize("reference", FAMILIES)
def test_family(reference: str) -> None:
    image = find_image(reference)
    assert (image.family, image.release, image.account_command) == FAMILIES[reference]
    assert image.known == (image.family != "unknown")


@pytest.mark.parametrize("reference", PIPS)
def test_pip(reference: str) -> None:
    assert find_image(reference).pip == PIPS[reference]


@pytest.mark.parametrize("reference", MIRRORS)
def test_mirrors_are_the_same_image(reference: str) -> None:
    assert find_image(reference) == find_image("python:3.12-slim")


def test_a_digest_alone_tells_no_suite() -> None:
    assert find_image("python@sha256:0123").tag == ""


@pytest.mark.parametrize("reference", ACCOUNTS)
def test_accounts(reference: str) -> None:
    image = find_image(reference)
    user, reuse, home, uid, gid = ACCOUNTS[reference]
    account = next(one for one in image.accounts if one.name == (reuse or user))
    assert (image.user, image.reuse, account.home, account.uid, account.gid) == ACCOUNTS[reference]
    assert (user, reuse, home, uid, gid) == ACCOUNTS[reference]


@pytest.mark.parametrize("reference", PREPARATIONS)
def test_what_must_come_before_useradd(reference: str) -> None:
    assert find_image(reference).prepare == PREPARATIONS[reference]


@pytest.mark.parametrize("reference", PROCESSES)
def test_main_processes_that_must_be_roots(reference: str) -> None:
    assert find_image(reference).process


def test_the_reason_of_nginx_names_an_image_that_needs_no_root() -> None:
    assert "nginxinc/nginx-unprivileged" in find_image("nginx:1.27-alpine").process
    assert "nginxinc" not in find_image("httpd:2.4").process


def test_images_that_start_by_themselves() -> None:
    assert find_image("tiangolo/uvicorn-gunicorn:python3.11").starts
    assert not find_image("python:3.12").starts


@pytest.mark.parametrize(
    ("reference", "python"),
    [
        ("python:3.12", "image"),
        ("ghcr.io/astral-sh/uv:python3.12-bookworm-slim", "image"),
        ("continuumio/miniconda3", "conda"),
        ("nvidia/cuda:12.2.0-runtime-ubuntu22.04", "system"),
        ("debian:bookworm", "none"),
    ],
)
def test_whose_python_it_is(reference: str, python: str) -> None:
    assert find_image(reference).python == python


def test_an_override_comes_first() -> None:
    overrides = {"registry.example.com/*/python": {"like": "python:{tag}", "user": "app"}}
    image = find_image("registry.example.com/platform/python:3.12-alpine", overrides)
    assert (image.known, image.family, image.user, image.python) == (True, "alpine", "app", "image")
    assert find_image("python:3.12-slim", overrides) == find_image("python:3.12-slim")


def test_the_star_of_an_override_is_the_tag_it_is_like() -> None:
    image = find_image("acme/base:py-3.8.10-slim-buster", {"acme/base:py-*": {"like": "python:{*}"}})
    assert (image.release, image.pip) == ("buster", "warns")


def test_a_wrong_key_of_an_override_is_named() -> None:
    with pytest.raises(ValueError, match="acme: famly"):
        find_image("acme", {"acme": {"famly": "debian"}})


@pytest.mark.parametrize(
    ("managers", "family", "command"),
    [
        (["apt-get"], "debian", "useradd"),
        (["apk"], "alpine", "busybox"),
        (["dnf"], "rhel", "useradd"),
        ([], "unknown", "useradd"),
        (["rpm-ostree"], "unknown", "useradd"),
    ],
)
def test_package_managers_give_the_family_away(managers: list[str], family: str, command: str) -> None:
    image = infer_image(find_image("registry.example.com/runtime:1"), managers)
    assert (image.family, image.account_command, image.known) == (family, command, False)
    assert image.name == "registry.example.com/runtime"


def test_path_of_an_image_is_whole() -> None:
    path = find_image("continuumio/miniconda3").env["PATH"]
    assert path.startswith("/opt/conda/bin:")
    assert path.endswith("/usr/bin:/sbin:/bin")


def test_images_travel_between_processes() -> None:
    image = find_image("node:20")
    assert pickle.loads(pickle.dumps(image)) == image


def test_every_table_is_sound() -> None:
    table = read_table("bases")
    for row in table["image"]:
        assert row["images"], row
        for pattern in row["images"]:
            image = find_image(pattern.replace("*", "1").replace("?", "1"))
            assert image.known, pattern
    families = set(table["family"]) | {"unknown"}
    named = {row.get("family", "unknown") for row in (*table["image"], *table["release"])}
    assert named <= families


def test_each_row_of_the_table_names_its_source_or_why_it_is_uncertain() -> None:
    rows = read_table("bases")["image"]
    place = re.compile(r'[\w.-]+/[\w.-]+(?:, [\w./-]+|#\d+)|[A-Z][\w /-]+ documentation(?:, "[^"]+")+')
    for row in rows:
        source, uncertain = row.get("source", ""), row.get("uncertain", "")
        assert source or uncertain, row["images"]
        assert all(place.fullmatch(one) for one in source.split("; ") if source), source


def test_what_a_table_is_uncertain_of_needs_review() -> None:
    uncertain = "FROM rocm/pytorch\nCOPY . .\nCMD python app.py\n"
    result = fix(uncertain)
    assert isinstance(result, Changed)
    assert [one.message for one in result.reviews if one.code == "unknown-base"] == [
        "dockfix is not certain of the base image rocm/pytorch: "
        "each has a working directory and accounts of its own"
    ]
