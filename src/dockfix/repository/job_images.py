"""The images in which jobs of GitHub workflows, GitLab pipelines and Cloud Build run their steps.

See `jobs.<job_id>.container` in "Workflow syntax for GitHub Actions", `image` in GitLab's "CI/CD YAML syntax
reference", and `steps[].name` in Cloud Build's "Build configuration file schema": /workspace is root's.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dockfix.context import Deployment, Setting
from dockfix.repository.image_names import known_name
from dockfix.repository.parts import mapping_of

KIND: Final = "job"
_WORKFLOW: Final = re.compile(r"(?:^|/)\.github/workflows/[^/]*\.ya?ml$")
_CLOUD_BUILD: Final = re.compile(r"(?:^|/)\.?cloudbuild[^/]*\.ya?ml$")
_USER: Final = re.compile(r"(?:^|\s)(?:--user|-u)[\s=]+(\S+)")


def may_have_jobs(path: str, data: bytes) -> bool:
    """Whether a file may name the image of a job, at a first glance."""
    if _WORKFLOW.search(path):
        return b"container:" in data
    if _CLOUD_BUILD.search(path):
        return b"steps:" in data and b"name:" in data
    name = posixpath.basename(path)
    return "gitlab-ci" in name and name.endswith((".yml", ".yaml")) and b"image:" in data


def read_jobs(path: str, text: str) -> Iterator[Deployment]:
    """Each image in which jobs run as another user than root, as a deployment without a command."""
    if not may_have_jobs(path, text.encode("utf-8", "replace")):
        return
    from dockfix.repository.yaml_nodes import read_values

    is_workflow, is_cloud_build = _WORKFLOW.search(path), _CLOUD_BUILD.search(path)
    find = _of_workflow if is_workflow else _of_cloud_build if is_cloud_build else _of_pipeline
    found = (row for document in read_values(text) for row in find(mapping_of(document)))
    for image, user in dict.fromkeys(found):
        name = known_name(image)
        if user.partition(":")[0] in ("root", "0") or not name:
            continue
        named = re.search(rf"(?:image|container|name)[\"']?\s*:\s*[\"']?{re.escape(image)}", text)
        line = text.count("\n", 0, named.end() if named else 0) + 1
        yield Deployment(path, line, KIND, "", name, user=Setting(user, line) if user else None)


def _of_workflow(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(image, user) of the jobs of a GitHub workflow."""
    for job in mapping_of(content.get("jobs")).values():
        container = mapping_of(job).get("container")
        image = mapping_of(container).get("image", container)
        user = _USER.search(str(mapping_of(container).get("options") or ""))
        if isinstance(image, str) and image:
            yield image, user[1] if user else ""


def _of_cloud_build(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(image, "") of the steps of a Cloud Build configuration."""
    steps = content.get("steps")
    for step in map(mapping_of, steps if isinstance(steps, list) else ()):
        if isinstance(image := step.get("name"), str) and image:
            yield image, ""


def _of_pipeline(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(image, user) of the jobs of a GitLab pipeline, and of the default."""
    jobs = [content, *(job for name, job in content.items() if name != "image")]
    for job in map(mapping_of, jobs):
        written = job.get("image")
        image = mapping_of(written).get("name", written)
        user = mapping_of(mapping_of(written).get("docker")).get("user")
        if isinstance(image, str) and image:
            yield image, str(user or "")
