"""The registry of codes: one row for each code of a finding; transforms have their own.

Users' configurations, reports and baselines contain these names: rows may be added, but a name never
changes. The long explanation of a row is in `explanations/NAME.md`, which is loaded only to be printed.
"""

from __future__ import annotations

from typing import Final

from dockfix.results import Changed, Code, Kind, Trial

BROKEN: Final = "broken-guarantee-"
"""The prefix of the codes of broken guarantees."""


def _refusal(name: str, summary: str, *cases: str, folds: bool = False) -> Code:
    return Code(name, (Kind.REFUSAL,), summary, cases, folds=folds)


def _review(
    name: str, summary: str, *cases: str, answered_by: tuple[Trial, ...] = (), folds: bool = False
) -> Code:
    return Code(name, (Kind.REVIEW,), summary, cases, answered_by, folds)


def _note(name: str, summary: str, *cases: str, answered_by: tuple[Trial, ...] = ()) -> Code:
    return Code(name, (Kind.NOTE,), summary, cases, answered_by)


def _failure(name: str, summary: str, *cases: str) -> Code:
    return Code(name, (Kind.FAILURE,), summary, cases)


def _guarantee(name: str, promise: str) -> Code:
    return Code(BROKEN + name, (Kind.GUARANTEE,), promise, (f"guarantees/{name}",))


RUNS_AS_ROOT: Final = Code(
    "runs-as-root",
    (Kind.CHANGE,),
    "The image runs as root, and dockfix can change that.",
    ("cases/issue-example-without-comments-and-blank-lines",),
)

# Why a file as a whole is left alone.
IGNORED: Final = _refusal(
    "ignored",
    "A comment in the file tells dockfix to leave it alone.",
    "cases/file-ignored-by-a-comment",
    folds=True,
)
TEMPLATE: Final = _refusal(
    "template",
    "The file is a template that has yet to become a Dockerfile.",
    "cases/template",
    "runs/template-by-its-name",
    folds=True,
)
GENERATED: Final = _refusal(
    "generated", "The file is generated from another one.", "cases/generated-from-a-template", folds=True
)
REJECTED_BY_BUILDKIT: Final = _refusal(
    "rejected-by-buildkit", "BuildKit's parser does not accept the file.", "cases/unknown-instruction"
)
OPEN_INSTRUCTION: Final = _refusal(
    "open-instruction",
    "The file ends in the middle of an instruction.",
    "cases/instruction-left-open-at-the-end",
)
WINDOWS: Final = _refusal("windows", "The image is a Windows image.", "cases/windows", folds=True)
GITHUB_ACTION: Final = _refusal(
    "github-action", "The image belongs to a GitHub Docker action.", "cases/github-action", folds=True
)
DEV_CONTAINER: Final = _refusal(
    "dev-container", "The image is a dev container.", "cases/dev-container", folds=True
)
BASE_OF_OTHERS: Final = _refusal(
    "base-of-others",
    "Other Dockerfiles of the repository build on this image.",
    "runs/base-that-another-dockerfile-is-built-on",
)

BASELINED: Final = _refusal(
    "baselined",
    "The baseline records all that there is to say of the file.",
    "runs/file-that-the-baseline-records",
    folds=True,
)

# Why an image has to keep root.
UNKNOWN_USER: Final = _refusal(
    "unknown-user",
    "USER is a variable whose value is missing from the file, or is root.",
    "cases/user-that-nothing-names",
)
DROPS_PRIVILEGES: Final = _refusal(
    "drops-privileges", "The start command drops root by itself.", "cases/entrypoint-drops-privileges"
)
NEEDS_ROOT_PROCESS: Final = _refusal(
    "needs-root-process", "A process that the image starts needs root.", "cases/cron"
)
ROOT_HOME: Final = _refusal(
    "root-home",
    "The image needs something below /root, which only root can enter.",
    "cases/models-kept-in-roots-home",
)
ABSOLUTE_REFERENCE: Final = _refusal(
    "absolute-reference",
    "An absolute path may name a file that a relative COPY puts into /.",
    "cases/absolute-reference-that-nobody-can-place",
)
STEP_WOULD_FAIL: Final = _refusal(
    "step-would-fail",
    "A build step that works as root would fail in the rewrite.",
    "cases/archives-copied-to-roots-home",
)

# What a person has to look at before the change is made.
UNKNOWN_BASE: Final = _review(
    "unknown-base",
    "dockfix knows nothing about the base image.",
    "cases/unknown-base",
    answered_by=(Trial.BUILDS, Trial.ANSWERS_ALIKE),
)
NOT_PYTHON: Final = _review(
    "not-python",
    "Nothing in the file looks like Python.",
    "cases/no-python-in-it",
    answered_by=(Trial.ANSWERS_ALIKE, Trial.MAY_WRITE),
    folds=True,
)
OTHER_LANGUAGE: Final = _review(
    "other-language",
    "The image is of another language than Python, and was asked for.",
    "cases/node-that-was-asked-for",
    answered_by=(Trial.ANSWERS_ALIKE, Trial.MAY_WRITE),
)
FINAL_USER_ROOT: Final = _review(
    "final-user-root",
    "The file switches back to root at its end, which looks deliberate.",
    "cases/final-user-root-with-nothing-behind-it",
    answered_by=(Trial.ANSWERS_ALIKE, Trial.MAY_WRITE),
)
STARTS_NOTHING: Final = _review(
    "starts-nothing", "The image has neither CMD nor ENTRYPOINT.", "cases/image-that-starts-nothing"
)
OPAQUE_COMMAND: Final = _review(
    "opaque-command",
    "dockfix cannot read the start command.",
    "cases/start-in-a-foreign-shell",
    answered_by=(Trial.ANSWERS_ALIKE, Trial.MAY_WRITE),
)
BUILDS_DIFFER: Final = _review(
    "builds-differ",
    "Builds of one file give an argument values that need different changes.",
    "runs/image-whose-builds-need-different-changes",
)
UNKNOWN_CONTEXT: Final = Code(
    "unknown-context",
    (Kind.REVIEW, Kind.NOTE),
    "The folder that the image is built from is not known.",
    ("runs/sources-that-no-folder-holds", "runs/context-that-only-the-build-knows"),
    answered_by=(Trial.ANSWERS_ALIKE, Trial.MAY_WRITE),
)
UNREAD_ENTRYPOINT: Final = _review(
    "unread-entrypoint",
    "dockfix cannot find the script that the image starts.",
    "cases/entrypoint-script-that-cannot-be-read",
    answered_by=(Trial.ANSWERS_ALIKE, Trial.MAY_WRITE),
)
WORKS_IN_ROOT_DIRECTORY: Final = _review(
    "works-in-root-directory",
    "The image works in /, where the user cannot write.",
    "cases/relative-reference-to-an-absolute-copy",
    answered_by=(Trial.MAY_WRITE,),
)
WRITES_TO_SYSTEM_DIRECTORY: Final = _review(
    "writes-to-system-directory",
    "The application writes to a system directory.",
    "cases/log-in-a-directory-of-the-system",
    answered_by=(Trial.ANSWERS_ALIKE, Trial.MAY_WRITE),
)
USES_ROOT_HOME: Final = _review(
    "uses-root-home",
    "Files are written to root's home.",
    "runs/application-that-writes-into-the-home-of-root",
    answered_by=(Trial.ANSWERS_ALIKE, Trial.MAY_WRITE),
)
DENIED_TO_USER: Final = _review(
    "denied-to-user",
    "The user is denied something that root can do in the image.",
    "cases/start-that-changes-a-mode-of-the-systems",
    answered_by=(Trial.ANSWERS_ALIKE, Trial.MAY_WRITE),
)
FOREIGN_OWNER: Final = _review(
    "foreign-owner",
    "What the image gets when it is started belongs to root, or to another user.",
    "runs/add-on-of-home-assistant",
    "cases/job-of-sagemaker",
)
UNFINISHED_MOVE: Final = Code(
    "unfinished-move",
    (Kind.REVIEW, Kind.NOTE),
    "The image runs as a user that is denied something it needs.",
    ("cases/user-that-nobody-creates", "cases/unfinished-write-to-a-system-directory"),
    (Trial.REPAIRS,),
)
INSTALLS_ROOT_TOOL: Final = _review(
    "installs-root-tool",
    "The image installs a program that only root can use.",
    "cases/service-of-roots-installed",
    answered_by=(Trial.ANSWERS_ALIKE,),
)
ONBUILD: Final = _review(
    "onbuild",
    "ONBUILD steps run in every image that is built on this one.",
    "cases/steps-for-images-built-on-it",
)
LOW_PORT: Final = Code(
    "low-port",
    (Kind.REVIEW, Kind.NOTE),
    "The application uses a port below 1024.",
    ("cases/low-port", "runs/port-that-a-setting-chooses"),
    (Trial.ANSWERS_WITH_CLOSED_PORTS,),
)

UNKNOWN_NAME: Final = Code(
    "unknown-name",
    (Kind.REVIEW, Kind.NOTE),
    "A comment for dockfix names something that does not exist.",
    ("cases/comment-that-ignores-a-misspelt-name", "cases/comment-that-accepts-a-misspelt-name"),
)

# Effects of the change that the file does not show.
UNUSED_COMMENT: Final = _note(
    "unused-comment", "A comment for dockfix changes nothing.", "cases/comment-that-leaves-nothing-out"
)
EXISTING_VOLUMES: Final = Code(
    "existing-volumes",
    (Kind.REVIEW, Kind.NOTE),
    "Volumes and folders made before the change still belong to root.",
    ("cases/volume-below-the-copies", "runs/folder-of-the-host-where-the-application-writes"),
)
NAMED_USER: Final = _note(
    "named-user",
    "A manifest asks for a number, and USER is a name.",
    "runs/pod-that-asks-for-a-number-and-gets-a-name",
)
NUMERIC_USER: Final = _note(
    "numeric-user", "USER is a number because a manifest asks for one.", "runs/pod-that-asks-for-a-number"
)
READ_ONLY_ROOT: Final = _note(
    "read-only-root",
    "Directories that must be writable where the root file system is read-only.",
    "cases/caches-on-a-read-only-root",
)
STAGE_STAYS_ROOT: Final = _note(
    "stage-stays-root",
    "A stage with its own start command keeps root.",
    "runs/stage-that-changes-owners-stays-root",
)
NOTHING_READ: Final = _note(
    "nothing-read",
    "Nothing but the Dockerfile was read.",
    "runs/lone-file-whose-sources-are-elsewhere",
    answered_by=(Trial.ANSWERS_ALIKE, Trial.MAY_WRITE),
)
MAY_WRITE: Final = _note(
    "may-write",
    "The application may write to a directory that the user does not own.",
    "runs/directory-that-a-setting-chooses",
    answered_by=(Trial.MAY_WRITE,),
)
UNKNOWN_PLACE: Final = _note(
    "unknown-place",
    "The application writes to an unknown path.",
    "runs/place-that-only-the-caller-knows",
    answered_by=(Trial.MAY_WRITE,),
)
MAY_NEED_ROOT: Final = _note(
    "may-need-root",
    "The application may do something that needs root.",
    "runs/change-of-user-that-may-be-refused",
    answered_by=(Trial.ANSWERS_ALIKE,),
)
EVIDENCE_CUT: Final = _review(
    "evidence-cut",
    "The application is large, and only part of it was read.",
    "runs/application-of-many-modules",
    answered_by=(Trial.ANSWERS_ALIKE, Trial.MAY_WRITE),
)
MANIFEST_USER: Final = _note(
    "manifest-user",
    "A manifest still runs the image as root.",
    "runs/service-that-runs-as-root-all-the-same",
)
MANIFEST_PRIVILEGED: Final = _review(
    "manifest-privileged", "A manifest runs the image in privileged mode.", "runs/service-that-is-privileged"
)
MANIFEST_READ_ONLY: Final = _note(
    "manifest-read-only",
    "A manifest makes the file system read-only, and the application writes to it.",
    "runs/read-only-service-that-writes",
)
MANIFEST_MOUNT: Final = Code(
    "manifest-mount",
    (Kind.REVIEW, Kind.NOTE),
    "A manifest mounts something below /root.",
    ("runs/volume-in-the-home-of-root", "runs/mount-of-a-service-that-stays-root"),
)
MANIFEST_GROUP: Final = _review(
    "manifest-group",
    "A pod writes to a volume and does not set fsGroup.",
    "runs/pod-with-a-volume-of-root",
)
FOLLOWS: Final = _note(
    "follows",
    "A manifest was edited to match the Dockerfile that it runs.",
    "runs/service-that-follows-its-image",
)

STALE_FACTS: Final = _note(
    "stale-facts",
    "The recorded facts of a base image are not those of the image.",
    "runs/base-that-has-changed",
)

# What a search does not look into.
VENDORED: Final = _refusal(
    "vendored", "The file is vendored: a copy of another project's file.", "runs/folder-of-copies", folds=True
)
SUBMODULE: Final = _refusal(
    "submodule", "A git submodule is a repository of its own.", "runs/submodule", folds=True
)
OUTSIDE: Final = _refusal(
    "outside",
    "A link points outside the folder that is searched.",
    "runs/link-that-leads-outside",
)
UNREAD_DESCRIPTION: Final = _refusal(
    "unread-description",
    "A file that describes what is built or run cannot be read.",
    "runs/compose-file-that-is-not-yaml",
    folds=True,
)
DEAD_LINK: Final = _refusal("dead-link", "A symbolic link is broken.", "runs/link-to-nothing")
NOT_A_FILE: Final = Code(
    "not-a-file",
    (Kind.REFUSAL, Kind.FAILURE),
    "Something with the name of a Dockerfile is not a file.",
    ("runs/folder-named-dockerfile", "runs/pipe-named-outright"),
)

# Dockerfiles inside other files.
NOT_PLAIN_TEXT: Final = _refusal(
    "not-plain-text", "The Dockerfile is assembled by code.", "runs/dockerfile-built-from-parts"
)
HOLE_IN_THE_WAY: Final = _refusal(
    "hole-in-the-way",
    "An instruction depends on a value that is filled in later.",
    "runs/image-that-is-filled-in-later",
)
CANNOT_CARRY: Final = _refusal(
    "cannot-carry",
    "The fixed Dockerfile cannot be written back into the file that holds it.",
    "runs/string-that-cannot-hold-a-new-line",
)

# What came of trying a rewrite.
NOT_PROVEN: Final = _refusal(
    "not-proven", "The rewrite could not be proven.", "runs/inside-a-file-that-nobody-builds"
)
REWRITE_BREAKS: Final = Code(
    "rewrite-breaks",
    (Kind.REFUSAL, Kind.FAILURE),
    "The rewritten image does not behave like the original.",
    ("runs/rewrite-that-breaks", "runs/rewrite-that-breaks-and-cannot-be-kept"),
)

# Files that cannot be read or written.
MISSING: Final = _failure("missing", "There is no such file.", "runs/name-of-no-file")
UNREADABLE: Final = _failure(
    "unreadable", "The file or folder cannot be read.", "runs/file-that-may-not-be-read"
)
EMPTY: Final = _failure("empty", "The file is empty.", "runs/empty-file")
TOO_LARGE: Final = _failure(
    "too-large", "The file is too large to be a Dockerfile.", "runs/file-of-many-mebibytes"
)
NOT_UTF_8: Final = _failure("not-utf-8", "The file is not UTF-8 text.", "runs/latin-1")
NUL_BYTE: Final = _failure("nul-byte", "The file contains a NUL byte.", "runs/nul-byte")
READ_ONLY: Final = _failure(
    "read-only", "The file or its folder is read-only.", "runs/file-that-may-not-be-written"
)
CHANGED_MEANWHILE: Final = _failure(
    "changed-meanwhile",
    "Somebody else changed the file in the meantime.",
    "runs/file-that-an-editor-saves-meanwhile",
)
NOT_INSPECTED: Final = _failure(
    "not-inspected",
    "Recorded facts of a base image cannot be compared with the image.",
    "runs/base-that-is-gone",
)
NOT_WRITTEN: Final = _failure("not-written", "The system refused to write the file.", "runs/full-disk")
UNCOMMITTED: Final = _failure(
    "uncommitted", "The file has changes that are not committed.", "runs/change-that-is-not-committed"
)

# Failures of dockfix itself.
TIMEOUT: Final = _failure("timeout", "The file took too long.", "runs/file-that-takes-too-long")
CRASH: Final = _failure(
    "crash", "The process that worked on the file crashed.", "runs/file-that-ends-its-process"
)
INTERNAL_ERROR: Final = _failure("internal-error", "dockfix itself failed.", "runs/error-of-our-own")

# What every rewrite has to keep.
ACCEPTED_BY_BUILDKIT: Final = _guarantee("accepted-by-buildkit", "BuildKit's parser accepts the rewrite")
KEEPS_EVERY_INSTRUCTION: Final = _guarantee(
    "keeps-every-instruction", "Every instruction of the original is still there, in the original order"
)
SHIPS_AS_NON_ROOT: Final = _guarantee("ships-as-non-root", "The image runs as a user")
NO_ROOT_STEP_BELOW_USER: Final = _guarantee("no-root-step-below-user", "No step below USER needs root")
NAMES_RESOLVE: Final = _guarantee(
    "names-resolve", "USER and `--chown` name only accounts that exist at that point"
)
COPIES_ARE_OWNED: Final = _guarantee("copies-are-owned", "The application's copied files belong to the user")
DIRECTORIES_ARE_OWNED: Final = _guarantee(
    "directories-are-owned", "The working directory, volumes and data directories belong to the user"
)
USER_INSTALLS_ARE_ON_PATH: Final = _guarantee(
    "user-installs-are-on-path", "The user can find the packages and scripts that pip installs"
)
NOTHING_IN_ROOT_HOME: Final = _guarantee(
    "nothing-in-root-home", "The image starts and reads nothing below /root"
)
MOUNTS_ARE_USABLE: Final = _guarantee(
    "mounts-are-usable", "Cache, secret and ssh mounts below USER belong to the user"
)
SERVES_ANY_UID: Final = _guarantee(
    "serves-any-uid", "With `--any-uid`, any uid of group 0 may do what the image's user may"
)

CODES: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Code))
"""Every row, in the order of this file."""
REVIEWS: Final = tuple(code.name for code in CODES if Kind.REVIEW in code.kinds)
"""What can be accepted."""
_BY_NAME: Final = {code.name: code for code in CODES}


def named(name: str) -> Code:
    """The row of that name. Raises KeyError if there is none."""
    return _BY_NAME[name]


def finishes_move(change: Changed) -> bool:
    """Whether a change is for an image that runs as a user already, and is denied something."""
    return any(one.code == UNFINISHED_MOVE.name for one in (*change.reviews, *change.accepted))


def fault_of(change: Changed) -> Code:
    """What is wrong with the image that a change is for."""
    return UNFINISHED_MOVE if finishes_move(change) else RUNS_AS_ROOT
