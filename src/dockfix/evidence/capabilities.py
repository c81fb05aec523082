"""Capabilities and privileges that a deployment adds, which it gives to root alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dockfix.checks import codes
from dockfix.context import Deployment
from dockfix.model.plan import Plan
from dockfix.results import Finding

_DEFAULT: Final = frozenset(
    """
    CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT
    KILL AUDIT_WRITE
    """.split()
)
"""Those that root has anyway (moby, daemon/pkg/oci/caps/defaults.go): what it does with them is read."""
_HELP_PRIVILEGED: Final = "check whether it is needed; give the user the one device or capability that is"
_HELP: Final = "check what needs it, and give it to that program's file with setcap"


def find_capability_findings(plan: Plan) -> tuple[Finding, ...]:
    """The review for what is first added and the image's own user will not get; at most one.

    That is a capability, or all of them with all devices. Engines give added capabilities to root's
    processes; another user's start with none (capabilities(7): a change of user id from root clears the
    effective set). Devices keep their owner and mode.
    """
    names = plan.lineage.final.names()
    own = (one for one in plan.context.deployments if one.user is None and one.is_of(names))
    return tuple(finding for one in own for finding in _of_deployment(one))[:1]


def _of_deployment(one: Deployment) -> Iterator[Finding]:
    if one.privileged is not None:
        message = f"{one.at(one.privileged)} runs it in privileged mode, which only root's processes use"
        yield Finding(codes.MANIFEST_PRIVILEGED, 0, message, _HELP_PRIVILEGED)
    for setting in one.capabilities:
        name = setting.value.upper().removeprefix("CAP_")
        if name not in _DEFAULT:
            message = f"{one.at(setting)} adds the capability {name}, which only root's programs get"
            yield Finding(codes.DENIED_TO_USER, 0, message, _HELP)
