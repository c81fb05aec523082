"""Facts of base images for tests."""

from __future__ import annotations

from typing import Any

from dockfix.image_facts import Content, Entry, Group, ImageFacts, Interpreter, Login

DIGEST = "sha256:" + "0123456789abcdef" * 4
ROOT = Entry("directory", 0o755, is_listed=True)


def debian(**changes: Any) -> Content:
    """The files of a Debian 12 with Python, as they matter."""
    values: dict[str, Any] = {
        "system": "debian",
        "version": "12",
        "codename": "bookworm",
        "accounts": (Login("root", 0, 0, "/root", "/bin/bash"), Login("www-data", 33, 33, "/var/www")),
        "groups": (Group("root", 0), Group("www-data", 33)),
        "commands": {
            "adduser": "/usr/sbin/adduser",
            "python3": "/usr/local/bin/python3.12",
            "sh": "/usr/bin/dash",
            "useradd": "/usr/sbin/useradd",
        },
        "pythons": (Interpreter("/usr/local/bin/python3.12", "image", "3.12", "25.0.1"),),
        "paths": {"/": ROOT, "/srv": Entry("directory", 0o755)},
    }
    return Content(**{**values, **changes})


def image(content: Content | None = None, **settings: Any) -> ImageFacts:
    """The facts of an image, with a digest."""
    return ImageFacts(**{"digest": DIGEST, "content": content, **settings})
