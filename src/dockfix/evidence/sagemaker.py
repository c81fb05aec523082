"""What SageMaker mounts into the images of its jobs and endpoints, and what of it an application names.

Only /opt/ml/code is the image's own. AWS asks that the containers of endpoints run as root, and does not
document who may write to a job's folders; reports say that another user could not.

Source: Amazon SageMaker AI Developer Guide, "Custom Inference Code with Hosting Services" (root users), "How
Amazon SageMaker AI Provides Training Information", "How Amazon SageMaker AI Processes Training Output", "How
to Build Your Own Processing Container"; aws/sagemaker-training-toolkit, ENVIRONMENT_VARIABLES.md;
aws/sagemaker-python-sdk#4325, aws/sagemaker-python-sdk#4764, aws/sagemaker-inference-toolkit#72.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dockfix.evidence.claims import Claim, Kind
from dockfix.evidence.python.modules import Module
from dockfix.model.plan import Plan

_MARKS: Final = ("/opt/ml", "SM_", "sagemaker_")
_FOLDER: Final = r"/opt/ml(?:/(?:model|input|output|checkpoints|processing|config)(?![\w-])|/?(?![\w./-]))"
_VARIABLE: Final = r"SM_(?:MODEL_DIR|OUTPUT_DIR|OUTPUT_DATA_DIR|INPUT_DIR|INPUT_CONFIG_DIR|CHANNEL_\w+)"
_TOOLKIT: Final = r"sagemaker_(?:training|inference|containers)"
_NAMED: Final = re.compile(
    rf"^(?:[^#\n]*?['\"]({_FOLDER}|{_VARIABLE}\b)|[ \t]*(?:from|import)[ \t]+({_TOOLKIT})\b)", re.MULTILINE
)
_PROGRAM: Final = "SAGEMAKER_PROGRAM"
"""The variable that names the script of a training image. Source: aws/sagemaker-training-toolkit, README."""
_WORD: Final = re.compile(rf"(?<![\w./-]){_FOLDER}[\w./-]*")


def find_named_folders(module: Module) -> Iterator[Claim]:
    """What a module names first of the folders, the variables for them, and the toolkits."""
    source = module.source
    found = _NAMED.search(source) if any(mark in source for mark in _MARKS) else None
    if found is not None:
        line = source.count("\n", 0, found.end()) + 1
        yield Claim(Kind.PLATFORM, found[1] or found[2], module.file, line)


def find_started_folders(plan: Plan, file: str, line: int) -> Iterator[Claim]:
    """What the start's command lines name, and the image's variables, which count for `line` of `file`."""
    for one in plan.starting.commands:
        for path in _WORD.findall(" ".join(word.text for word in one.command.words)):
            yield Claim(Kind.PLATFORM, path, one.where or file, one.line)
    for name, value in plan.starting.variables.items():
        if name == _PROGRAM or _WORD.match(value):
            yield Claim(Kind.PLATFORM, name, file, line)
