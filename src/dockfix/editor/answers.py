"""The server's answers about a reading: diagnostics, code actions, a code lens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lsprotocol.types import (
    CodeAction,
    CodeActionKind,
    CodeDescription,
    CodeLens,
    Command,
    Diagnostic,
    DiagnosticSeverity,
    OptionalVersionedTextDocumentIdentifier,
    TextDocumentEdit,
    TextEdit,
    WorkspaceEdit,
)

from dockfix.checks import codes
from dockfix.checks.explanations import page_of
from dockfix.editor.labels import label
from dockfix.editor.reading import Reading
from dockfix.model.lineage import find_lineages, read_stages
from dockfix.results import Changed, Failed, Finding, Skipped, Unchanged
from dockfix.transforms import TRANSFORMS

RUN_AS_USER: Final = "dockfix.runAsUser"
"""The command that applies the whole change of a document: [uri]."""
EXPLAIN: Final = "dockfix.explain"
"""The command that shows what a code means: [name]."""
FIX_ALL: Final = f"{CodeActionKind.SourceFixAll.value}.dockfix"
_SEVERITIES: Final = {
    "root": DiagnosticSeverity.Warning,
    "review": DiagnosticSeverity.Warning,
    "accepted": DiagnosticSeverity.Hint,
    "reason": DiagnosticSeverity.Information,
    "note": DiagnosticSeverity.Information,
    "error": DiagnosticSeverity.Error,
}


def diagnose(reading: Reading) -> list[Diagnostic]:
    """A diagnostic for each finding.

    Those about the whole file are placed at the FROM of the shipped stage.
    """
    return [_diagnostic(reading, kind, finding) for kind, finding in reading.findings]


def _diagnostic(reading: Reading, kind: str, finding: Finding) -> Diagnostic:
    return Diagnostic(
        reading.line_range(finding.line or reading.head),
        "\n".join(map(label, filter(None, (finding.message, finding.help)))),
        severity=_SEVERITIES[kind],
        code=finding.code,
        code_description=CodeDescription(page_of(codes.named(finding.code))),
        source="dockfix",
    )


def find_actions(reading: Reading) -> Iterator[CodeAction]:
    """The whole change, as a quick fix and for fixing on save, then each transform that is valid alone.

    Applying one transform after another leads to the whole change: those that depend on others follow
    them.
    """
    result = reading.file.result
    if isinstance(result, Changed):
        yield from _whole_change(reading, result)
    if isinstance(result, Changed | Unchanged):
        for transform in TRANSFORMS:
            if own := reading.fix_with(transform.name):
                title = f"Only {transform.name}: {transform.code.summary}"
                yield CodeAction(title, kind=CodeActionKind.QuickFix, edit=edit_of(reading, own))


def _whole_change(reading: Reading, result: Changed) -> Iterator[CodeAction]:
    edit = edit_of(reading, reading.edits(reading.file.edits))
    reviews = ", ".join(dict.fromkeys(review.code for review in result.reviews))
    begun = codes.finishes_move(result)
    what = "Give this image's user what it needs" if begun else "Run this image as a user"
    yield CodeAction(
        f"{what} (check first: {reviews})" if reviews else what,
        kind=CodeActionKind.QuickFix,
        diagnostics=[one for one in diagnose(reading) if one.code == codes.fault_of(result).name],
        is_preferred=reading.file.applies,
        edit=edit,
    )
    if reading.file.applies:
        yield CodeAction(what, kind=FIX_ALL, edit=edit)


def edit_of(reading: Reading, edits: tuple[TextEdit, ...]) -> WorkspaceEdit:
    """A workspace edit of this version of the document."""
    document = OptionalVersionedTextDocumentIdentifier(reading.uri, reading.version)
    return WorkspaceEdit(document_changes=[TextDocumentEdit(document, list(edits))])


def find_lens(reading: Reading) -> CodeLens:
    """The outcome, above the FROM of the shipped stage."""
    return CodeLens(reading.line_range(reading.head), command=_outcome(reading))


def _outcome(reading: Reading) -> Command:
    match reading.file.result:
        case Changed(reviews=reviews) as result if reviews and not reading.file.applies:
            names = ", ".join(dict.fromkeys(review.code for review in reviews))
            state = f"Runs as {label(_user_of(reading))}" if codes.finishes_move(result) else "Runs as root"
            title = f"{state}: can be changed after a review ({names})"
            return Command(title, command=RUN_AS_USER, arguments=[reading.uri])
        case Changed(transforms=transforms) as result:
            count = f"{len(transforms)} change{'s' * (len(transforms) != 1)}"
            title = f"Runs as root: run it as a user ({count})"
            if codes.finishes_move(result):
                title = f"Runs as {label(_user_of(reading))}: give it what it needs ({count})"
            return Command(title, command=RUN_AS_USER, arguments=[reading.uri])
        case Unchanged():
            user = label(_user_of(reading))
            return Command(f"Runs as {user}", command=EXPLAIN, arguments=[codes.RUNS_AS_ROOT.name])
        case Skipped(reasons=reasons):
            title = f"Left alone: {label(reasons[0].message)}"
            return Command(title, command=EXPLAIN, arguments=[reasons[0].code])
        case Failed(error=error):
            return Command(f"Not fixed: {label(error.message)}", command=EXPLAIN, arguments=[error.code])


def _user_of(reading: Reading) -> str:
    """The user that the image runs as, as named in the file."""
    stages = read_stages(reading.tree, reading.place.options)
    return find_lineages(stages, ())[0].end.user or "root" if stages else "nobody"
