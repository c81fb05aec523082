"""What a proof has shown of a Dockerfile, beyond what its text and its sources show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Learned:
    """`writes` are absolute paths that the application writes, folders with a slash at the end.

    `root_steps` are the build steps that another user is denied, as they are written, with single spaces;
    `reads` are places in root's home (`~/...`) that the application reads.
    """

    writes: tuple[str, ...] = ()
    root_steps: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"it writes {', '.join(self.writes)}" if self.writes else ""]
        parts.append(f"it reads {', '.join(self.reads)}" if self.reads else "")
        parts += [f"{step[:60]} needs root" for step in self.root_steps]
        return " and ".join(filter(None, parts))

    def joined(self, other: Learned) -> Learned:
        """Both together."""
        return Learned(
            tuple(sorted({*self.writes, *other.writes})),
            tuple(sorted({*self.root_steps, *other.root_steps})),
            tuple(sorted({*self.reads, *other.reads})),
        )


MAX_STEP: Final = 4000
"""The characters of a step that are kept."""
NOTHING: Final = Learned()


def name_step(text: str) -> str:
    """An instruction as `root_steps` has it, cut to a length that fits into a file of facts."""
    return " ".join(text.split())[:MAX_STEP]
