"""The registry of codes: one row for each thing that a finding can say.

Reports, configurations and caches of other people hold these names: a row may be added, and a name
never changed. What a row means at length is in `explanations/NAME.md`, which no run loads.
"""

from __future__ import annotations

from typing import Final

from dockfix.results import Code, Kind

_REFUSAL: Final = (Kind.REFUSAL,)
_REVIEW: Final = (Kind.REVIEW,)
_NOTE: Final = (Kind.NOTE,)
_FAILURE: Final = (Kind.FAILURE,)
_GUARANTEE: Final = (Kind.GUARANTEE,)

# The file as a whole.
IGNORED: Final = Code("ignored", _REFUSAL, "A comment in the file tells dockfix to leave it alone.")
TEMPLATE: Final = Code("template", _REFUSAL, "The file is a template from which a Dockerfile is made.")
REJECTED_BY_BUILDKIT: Final = Code("rejected-by-buildkit", _REFUSAL, "BuildKit does not accept the file.")
OPEN_INSTRUCTION: Final = Code(
    "open-instruction", _REFUSAL, "The last instruction is continued where the file ends."
)
WINDOWS: Final = Code("windows", _REFUSAL, "The image is a Windows image.")
GITHUB_ACTION: Final = Code(
    "github-action", _REFUSAL, "The image is that of a GitHub Docker action, which has to run as root."
)
DEV_CONTAINER: Final = Code(
    "dev-container", _REFUSAL, "The image is a dev container, whose user devcontainer.json sets."
)
BASE_OF_OTHERS: Final = Code(
    "base-of-others", _REFUSAL, "Other Dockerfiles of the repository are built on this image."
)

# Why an image has to stay root's.
UNKNOWN_USER: Final = Code(
    "unknown-user", _REFUSAL, "USER comes from a variable that has no value here, or root's."
)
DROPS_PRIVILEGES: Final = Code("drops-privileges", _REFUSAL, "What the image starts gives up root by itself.")
NEEDS_ROOT_PROCESS: Final = Code("needs-root-process", _REFUSAL, "What the image starts needs root.")
ROOT_HOME: Final = Code(
    "root-home", _REFUSAL, "The image uses something in /root, which nobody but root may enter."
)
ABSOLUTE_REFERENCE: Final = Code(
    "absolute-reference", _REFUSAL, "A path may name what a relative COPY puts into the root directory."
)

# What a person has to look at.
UNKNOWN_BASE: Final = Code("unknown-base", _REVIEW, "dockfix does not know the base image.")
NOT_PYTHON: Final = Code("not-python", _REVIEW, "Nothing in the file looks like Python.")
FINAL_USER_ROOT: Final = Code("final-user-root", _REVIEW, "The file goes back to root on purpose at its end.")
STARTS_NOTHING: Final = Code("starts-nothing", _REVIEW, "The image has neither CMD nor ENTRYPOINT.")
OPAQUE_COMMAND: Final = Code("opaque-command", _REVIEW, "dockfix cannot read the start command.")
UNREAD_ENTRYPOINT: Final = Code(
    "unread-entrypoint", _REVIEW, "The script that the image starts cannot be read."
)
WORKS_IN_ROOT_DIRECTORY: Final = Code("works-in-root-directory", _REVIEW, "The image works in /.")
WRITES_TO_SYSTEM_DIRECTORY: Final = Code(
    "writes-to-system-directory", _REVIEW, "The application writes where only root may."
)
USES_ROOT_HOME: Final = Code(
    "uses-root-home", _REVIEW, "The image or the application puts files into root's home."
)
DENIED_TO_USER: Final = Code(
    "denied-to-user", _REVIEW, "Something that root could do is denied to the new user."
)
INSTALLS_ROOT_TOOL: Final = Code(
    "installs-root-tool", _REVIEW, "The image installs a program that only root can use."
)
ONBUILD: Final = Code("onbuild", _REVIEW, "ONBUILD steps run in images that are built on others.")
LOW_PORT: Final = Code("low-port", (Kind.REVIEW, Kind.NOTE), "The application opens a port below 1024.")

# What the file cannot know and people will meet.
EXISTING_VOLUMES: Final = Code(
    "existing-volumes", _NOTE, "Volumes and folders made before the change still hold root's files."
)
NAMED_USER: Final = Code(
    "named-user", _NOTE, "Kubernetes cannot check that a user given by name is not root."
)
NUMERIC_USER: Final = Code("numeric-user", _NOTE, "USER is a number because a manifest asks for one.")
MAY_WRITE: Final = Code(
    "may-write", _NOTE, "The application may write to a directory that is not the user's."
)
UNKNOWN_PLACE: Final = Code("unknown-place", _NOTE, "The application writes somewhere unknown.")
MAY_NEED_ROOT: Final = Code("may-need-root", _NOTE, "The application may do something that needs root.")
EVIDENCE_CUT: Final = Code("evidence-cut", _NOTE, "Only a part of a large application was read.")
MANIFEST_USER: Final = Code("manifest-user", _NOTE, "A manifest runs the image as root all the same.")
MANIFEST_PRIVILEGED: Final = Code("manifest-privileged", _NOTE, "A manifest runs the image privileged.")
MANIFEST_READ_ONLY: Final = Code(
    "manifest-read-only", _NOTE, "A manifest makes the file system read-only where the application writes."
)
MANIFEST_MOUNT: Final = Code("manifest-mount", _NOTE, "A manifest mounts something below /root.")
MANIFEST_GROUP: Final = Code(
    "manifest-group", _NOTE, "A Kubernetes volume that the application writes has no fsGroup."
)
FOLLOWS: Final = Code("follows", _NOTE, "A manifest was edited to follow the Dockerfile that it runs.")

# What a search passes over.
VENDORED: Final = Code("vendored", _REFUSAL, "The file lies in a folder of copies from elsewhere.")
SUBMODULE: Final = Code("submodule", _REFUSAL, "A git submodule is a repository of its own.")
OUTSIDE: Final = Code("outside", _REFUSAL, "A link leads out of the folder that is searched.")
DEAD_LINK: Final = Code("dead-link", _REFUSAL, "A link leads to nothing or to itself.")
NOT_A_FILE: Final = Code("not-a-file", (Kind.REFUSAL, Kind.FAILURE), "The path is not a regular file.")

# Dockerfiles inside other files.
NOT_PLAIN_TEXT: Final = Code("not-plain-text", _REFUSAL, "The Dockerfile is put together while code runs.")
HOLE_IN_THE_WAY: Final = Code(
    "hole-in-the-way", _REFUSAL, "A value that is filled in later hides what an instruction does."
)
CANNOT_CARRY: Final = Code(
    "cannot-carry", _REFUSAL, "The fixed Dockerfile cannot be written into the file that holds it."
)

# What came of trying a rewrite.
NOT_PROVEN: Final = Code("not-proven", _REFUSAL, "The rewrite could not be proven.")
REWRITE_BREAKS: Final = Code(
    "rewrite-breaks", (Kind.REFUSAL, Kind.FAILURE), "The rewrite does not do what the original does."
)

# Files that cannot be read or written.
MISSING: Final = Code("missing", _FAILURE, "There is no such file.")
UNREADABLE: Final = Code("unreadable", _FAILURE, "The file or folder cannot be read.")
EMPTY: Final = Code("empty", _FAILURE, "The file is empty.")
TOO_LARGE: Final = Code("too-large", _FAILURE, "The file is too large for a Dockerfile.")
NOT_UTF_8: Final = Code("not-utf-8", _FAILURE, "The file is not UTF-8 text.")
NUL_BYTE: Final = Code("nul-byte", _FAILURE, "The file holds a NUL byte.")
READ_ONLY: Final = Code("read-only", _FAILURE, "The file or its folder may not be written.")
CHANGED_MEANWHILE: Final = Code(
    "changed-meanwhile", _FAILURE, "Somebody else changed the file since it was read or written."
)
NOT_WRITTEN: Final = Code("not-written", _FAILURE, "The system refused to write the file.")
UNCOMMITTED: Final = Code("uncommitted", _FAILURE, "The file has changes that are not committed.")

# Our own failures.
TIMEOUT: Final = Code("timeout", _FAILURE, "The file took too long.")
CRASH: Final = Code("crash", _FAILURE, "The process that worked on the file died.")
INTERNAL_ERROR: Final = Code("internal-error", _FAILURE, "dockfix raised an error.")

# What every rewrite keeps.
BROKEN: Final = "broken-guarantee-"
ACCEPTED_BY_BUILDKIT: Final = Code(
    BROKEN + "accepted-by-buildkit", _GUARANTEE, "BuildKit's parser accepts the rewrite"
)
KEEPS_EVERY_INSTRUCTION: Final = Code(
    BROKEN + "keeps-every-instruction",
    _GUARANTEE,
    "Every instruction of the original is still there, in its order",
)
SHIPS_AS_NON_ROOT: Final = Code(BROKEN + "ships-as-non-root", _GUARANTEE, "The image runs as a user")
NO_ROOT_STEP_BELOW_USER: Final = Code(
    BROKEN + "no-root-step-below-user", _GUARANTEE, "No step below USER needs root"
)
NAMES_RESOLVE: Final = Code(
    BROKEN + "names-resolve",
    _GUARANTEE,
    "Every account that USER and `--chown` name exists by then",
)
COPIES_ARE_OWNED: Final = Code(
    BROKEN + "copies-are-owned", _GUARANTEE, "What is copied for the application is the user's"
)
DIRECTORIES_ARE_OWNED: Final = Code(
    BROKEN + "directories-are-owned",
    _GUARANTEE,
    "Working directory, volumes and directories for data are the user's",
)
USER_INSTALLS_ARE_ON_PATH: Final = Code(
    BROKEN + "user-installs-are-on-path",
    _GUARANTEE,
    "What pip installs for the user is found: packages and scripts",
)
NOTHING_IN_ROOT_HOME: Final = Code(
    BROKEN + "nothing-in-root-home",
    _GUARANTEE,
    "Nothing that the image starts or reads stands in /root",
)
MOUNTS_ARE_USABLE: Final = Code(
    BROKEN + "mounts-are-usable", _GUARANTEE, "Cache, secret and ssh mounts below USER are the user's"
)

CODES: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Code))
_BY_NAME: Final = {code.name: code for code in CODES}


def named(name: str) -> Code:
    """The row of that name. Raises KeyError."""
    return _BY_NAME[name]
