"""Images in which jobs of CI systems run their steps."""

from __future__ import annotations

import pytest

from dockfix.repository.job_images import read_jobs

WORKFLOW = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps: [{run: docker build -t ghcr.io/acme/ci .}]
  test:
    container: ghcr.io/acme/ci
  lint:
    container:
      image: ghcr.io/acme/lint:1
      options: --cpus 1
  install:
    container: {image: ghcr.io/acme/root, options: --user root}
  other:
    container: {image: ghcr.io/acme/other, options: "-u 1001:1001"}
"""
PIPELINE = """\
image: registry.example.com/acme/ci
test:
  image: {name: registry.example.com/acme/test, entrypoint: [""]}
install:
  image:
    name: registry.example.com/acme/root
    docker: {user: root}
  script: [apt-get update]
"""


def test_jobs_of_a_workflow() -> None:
    found = [(one.image, one.line, one.user) for one in read_jobs(".github/workflows/ci.yml", WORKFLOW)]
    assert [(image, line) for image, line, _ in found] == [
        ("ghcr.io/acme/ci", 7),
        ("ghcr.io/acme/lint:1", 10),
        ("ghcr.io/acme/other", 15),
    ]
    assert [user and user.value for _, _, user in found] == [None, None, "1001:1001"]


def test_jobs_of_a_pipeline() -> None:
    found = [(one.image, one.line) for one in read_jobs(".gitlab-ci.yml", PIPELINE)]
    assert found == [("registry.example.com/acme/ci", 1), ("registry.example.com/acme/test", 3)]


def test_steps_of_cloud_build() -> None:
    text = (
        "steps:\n  - name: gcr.io/cloud-builders/git\n    args: [clone]\n"
        "  - name: 'gcr.io/${PROJECT_ID}/run:1'\n"
    )
    found = [(one.image, one.line) for one in read_jobs("ops/cloudbuild-nightly.yaml", text)]
    assert found == [("gcr.io/cloud-builders/git", 2), ("$/run", 4)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".github/workflows/ci.yml", "jobs: [container: x]"),
        (".github/workflows/ci.yml", "container: {image: x}"),
        (".gitlab-ci.yml", "test: {image: [x]}"),
        ("cloudbuild.yaml", "steps: {name: x}"),
        ("cloudbuild.yaml", "steps: [{name: [x]}]"),
        ("compose.yaml", "services: {web: {image: x}}"),
    ],
)
def test_other_files_have_no_jobs(path: str, text: str) -> None:
    assert not list(read_jobs(path, text))
