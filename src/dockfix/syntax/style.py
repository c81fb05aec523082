"""Insert lines in the file's own style: letter case, line ends, blank lines, comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dockfix.edits import Edit
from dockfix.lazy import cached_property
from dockfix.syntax.tree import Blank, Comment, Directive, Dockerfile, Instruction, Node

MAX_WIDTH = 100


@dataclass(frozen=True, slots=True)
class NewLine:
    """An instruction to insert: keyword, arguments, and its comment, for files with comments."""

    keyword: str
    args: str
    comment: str


class Layout:
    """The style of one parsed file."""

    def __init__(self, tree: Dockerfile) -> None:
        self.tree = tree

    @cached_property
    def lower_case(self) -> bool:
        """Whether most keywords are in lower case."""
        names = [one.name for one in self.tree.instructions]
        return sum(name.islower() for name in names) * 2 > len(names)

    @property
    def separates(self) -> bool:
        """Whether most adjacent instructions have a blank line between them."""
        return self._habits[0]

    @property
    def comments(self) -> bool:
        """Whether most instructions after the first have a comment directly above."""
        return self._habits[1]

    @cached_property
    def _habits(self) -> tuple[bool, bool]:
        gaps = separated = introduced = 0
        first, blank = True, False
        last: type[Node] = Directive
        for node in self.tree.nodes:
            kind = type(node)
            if kind is Instruction:
                if not first:
                    gaps += 1
                    separated += blank
                    introduced += last is Comment
                first = blank = False
            elif kind is Blank:
                blank = True
            last = kind
        return separated * 2 > gaps, introduced * 2 > gaps

    def insert_before(
        self,
        instruction: Instruction,
        lines: Sequence[NewLine],
        *,
        follows: bool = False,
        precedes: bool = False,
    ) -> Edit:
        """Insert lines above an instruction and its comment block.

        `follows`: they come after others inserted there; `precedes`: others come after them.
        """
        nodes = self.tree.nodes
        at = nodes.index(instruction)
        while at and isinstance(nodes[at - 1], Comment):
            at -= 1
        start = nodes[at].start
        text = "".join(self._written(line) + self._gap for line in lines)
        lead = self._gap if not follows and at and isinstance(nodes[at - 1], Instruction) else ""
        # A paragraph with an introductory comment stays separate.
        begins = at and isinstance(nodes[at], Comment) and isinstance(nodes[at - 1], Blank)
        tail = self.tree.eol if begins and not precedes and not self._gap else ""
        return Edit(start, start, lead + text + tail)

    def insert_after(
        self, instruction: Instruction, lines: Sequence[NewLine], *, follows: bool = False
    ) -> Edit:
        """Insert lines directly after an instruction, or after others inserted there."""
        text = "".join(self._gap + self._written(line) for line in lines)
        after = self.tree.nodes.index(instruction) + 1
        if after < len(self.tree.nodes) and not isinstance(self.tree.nodes[after], Blank):
            text = text.removeprefix(self._gap) + self._gap if follows else text + self._gap
        if not self.tree.text[: instruction.end].endswith("\n"):
            text = self.tree.eol + text.removesuffix(self.tree.eol)
        return Edit(instruction.end, instruction.end, text)

    @property
    def _gap(self) -> str:
        return self.tree.eol if self.separates else ""

    def _written(self, line: NewLine) -> str:
        eol = self.tree.eol
        keyword = line.keyword.lower() if self.lower_case else line.keyword
        comment = f"# {line.comment}{eol}" if self.comments else ""
        written = f"{keyword} {line.args}"
        if line.keyword == "RUN" and len(written) > MAX_WIDTH:
            written = written.replace(" && ", f" {self.tree.escape}{eol}    && ")
        return comment + written + eol
