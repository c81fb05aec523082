"""Base images: the user they start as, how accounts are created, which Python and pip they bring.

The facts are in knowledge/bases.toml; tables of the project's configuration have the same form and take
precedence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, lru_cache
from typing import Any, Final

from dockfix.image_facts import ImageFacts
from dockfix.knowledge import read_table
from dockfix.model.inspected import describe_content, describe_start
from dockfix.syntax.globs import STAR, compile_glob

_STANDARD_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_VERSION: Final = re.compile(r"(?:python)?(\d{1,4}(?:\.\d{1,4}){0,3})(a|b|rc)?\d*$")
# Facts that depend on the release: one that the tag names overrides those taken over by `like`.
_DISTRIBUTION: Final = ("family", "release", "account_command", "prepare", "shell", "pip")
# Keys of a table that are no facts of the image itself.
_RULES: Final = frozenset({"images", "like", "versions", "source"})
_MAX_LIKENESS: Final = 4

Facts = dict[str, Any]
_NO_FACTS: Final[Facts] = {}


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the base image; `group` is its primary group."""

    name: str
    group: str
    uid: int | None
    gid: int | None
    home: str


@dataclass(frozen=True, slots=True)
class Image:
    """What is known about a base image; `known` is False if no table matches it.

    `family` is debian, ubuntu, alpine, wolfi, rhel, suse, arch, distroless, scratch, windows,
    busybox or unknown; `release` the suite or version where the tag tells it. `account_command` is
    adduser (Debian's), useradd, busybox (its adduser) or none, and `prepare` a command that has to
    come first. `reuse` names the account to use instead of a new one. `python` is image (pip can
    install for one user), system, conda or none; `pip` is silent (before 21.1), warns (21.1 to
    22.0), quiet (22.1 and later can be silenced) or unknown. `starts` says that its own command starts
    an application, on `ports`, `process` why its own main process has to be root, if CMD
    begins with a word that fits one of `process_of`, or those are empty,
    `platform` who runs it in a way of its own, whatever it starts; `uncertain` is why its facts need a
    person's look. `facts` are those of the real image, where it was inspected.
    """

    name: str
    tag: str
    known: bool
    family: str = "unknown"
    release: str = ""
    shell: bool = True
    user: str = "root"
    account_command: str = "useradd"
    prepare: str = ""
    accounts: tuple[Account, ...] = ()
    reuse: str = ""
    python: str = "none"
    pip: str = "unknown"
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    workdir_is_empty: bool = False
    starts: bool = False
    ports: tuple[int, ...] = ()
    process: str = ""
    process_of: tuple[str, ...] = ()
    platform: str = ""
    uncertain: str = ""
    facts: ImageFacts | None = None

    @property
    def is_certain(self) -> bool:
        """Whether nothing about it needs a person's look."""
        return self.known and not self.uncertain


NOT_FACTS: Final = frozenset({"name", "tag", "known", "facts"})
"""The fields of an image that no table sets."""
_FACTS: Final = frozenset(one.name for one in fields(Image)) - NOT_FACTS
# What a table knows about a base that its files do not show.
_BEHAVIOUR: Final = ("platform", "process", "process_of")


def find_image(
    reference: str,
    overrides: Mapping[str, Mapping[str, object]] | None = None,
    inspected: Mapping[str, ImageFacts] | None = None,
) -> Image:
    """The image that a FROM names; facts of the real image beat the tables, `overrides` beat both.

    `inspected` are facts by `key_of` their references, and by digest. Raises ValueError for an unknown
    key in a table of `overrides`.
    """
    real = inspected.get(key_of(reference)) if inspected else None
    if not overrides and real is None:
        return _find_known(reference)
    name, tag = split_reference(reference)
    own = tuple(_rule({**table, "images": [pattern]}) for pattern, table in (overrides or {}).items())
    if real is not None:
        return _inspected(name, tag, own, real)
    facts = _find_facts(name, tag, own, 0)
    return _find_known(reference) if facts is None else _image(name, tag, facts)


def key_of(reference: str) -> str:
    """What facts of an image are filed under: its digest if a reference has one, else `name:tag`."""
    digest = reference.strip().strip("\"'").partition("@")[2]
    return digest or ":".join(split_reference(reference))


def _inspected(name: str, tag: str, own: tuple[_Rule, ...], real: ImageFacts) -> Image:
    """An image as it was found; without its files, the tables decide what those would show."""
    table = _find_facts(name, tag, (), 0) or _NO_FACTS
    given: Facts = next((rule.facts for rule in own if rule.match(name, tag) is not None), _NO_FACTS)
    if real.content is None:
        known = bool(table or given)
        values: Facts = {**table, **describe_start(real), **given}
        found = _image(name, tag, values)
        return replace(found, known=known, uncertain="", facts=real)
    behaviour: Facts = {key: table[key] for key in _BEHAVIOUR if key in table}
    facts: Facts = {**behaviour, **describe_content(real.content), **describe_start(real), **given}
    return replace(_with_accounts(name, tag, facts), facts=real)


def with_start(image: Image, real: ImageFacts | None) -> Image:
    """An image whose files are only assumed, with the configuration that was found."""
    return image if real is None else replace(image, facts=real, **describe_start(real))


def infer_image(image: Image, package_managers: Iterable[str]) -> Image:
    """An unknown image, with the family that the package managers used in its file imply."""
    table = read_table("bases")
    for manager in package_managers:
        if facts := table["package_managers"].get(manager):
            return replace(_image(image.name, image.tag, facts), known=False)
    return image


@lru_cache(maxsize=4096)
def _find_known(reference: str) -> Image:
    name, tag = split_reference(reference)
    facts = _find_facts(name, tag, (), 0)
    return Image(name, tag, False) if facts is None else _image(name, tag, facts)


def split_reference(reference: str) -> tuple[str, str]:
    """(name without mirror and architecture prefixes, tag).

    The tag defaults to "latest" if there is no digest.
    """
    name, _, digest = reference.strip().strip("\"'").partition("@")
    tag = ""
    if ":" in name.rpartition("/")[2]:
        name, _, tag = name.rpartition(":")
    name = name.lower()
    for pattern in _mirrors():
        name = pattern.sub("", name, count=1)
    return name, tag or ("" if digest else "latest")


@cache
def _mirrors() -> tuple[re.Pattern[str], ...]:
    table = read_table("bases")
    return tuple(re.compile(pattern) for pattern in table["mirrors"])


@dataclass(frozen=True, slots=True)
class _Rule:
    """One table: patterns for `name` or `name:tag`, the image that it is like, and its own facts.

    Each pattern is stored with its literal prefix and whether it includes the tag.
    """

    patterns: tuple[tuple[str, str, bool], ...]
    like: str
    versions: str
    facts: Facts

    def match(self, name: str, tag: str) -> str | None:
        """What the last `*` of the first matching pattern stands for ("" without a `*`), or None."""
        for text, start, has_tag in self.patterns:
            whole = f"{name}:{tag}" if has_tag else name
            if whole.startswith(start) and (match := _pattern(text).fullmatch(whole)):
                return match[match.lastindex] if match.lastindex else ""
        return None


def _rule(table: Mapping[str, Any]) -> _Rule:
    unknown = set(table) - _FACTS - _RULES
    if unknown:
        raise ValueError(f"no such key for the image {table['images'][0]}: {', '.join(sorted(unknown))}")
    return _Rule(
        tuple(
            (text, re.split(r"[*?]", text, maxsplit=1)[0], ":" in text.rpartition("/")[2])
            for text in table["images"]
        ),
        table.get("like", ""),
        table.get("versions", ""),
        {key: value for key, value in table.items() if key in _FACTS},
    )


_WILDCARDS: Final = {"*": STAR, "?": "."}


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern with `*` and `?`; each `*` becomes a group."""
    return compile_glob([_WILDCARDS.get(char) or re.escape(char) for char in text])


@cache
def _rules() -> tuple[_Rule, ...]:
    return tuple(map(_rule, read_table("bases")["image"]))


@cache
def _releases() -> tuple[tuple[re.Pattern[str], Facts], ...]:
    rows = read_table("bases")["release"]
    return tuple(
        (re.compile(row["tag"]), {key: value for key, value in row.items() if key != "tag"}) for row in rows
    )


def _find_facts(name: str, tag: str, own: tuple[_Rule, ...], depth: int) -> Facts | None:
    for rule in (*own, *_rules()):
        star = rule.match(name, tag)
        if star is None:
            continue
        facts: Facts = {}
        if rule.like and depth < _MAX_LIKENESS:
            like = rule.like.replace("{*}", star).replace("{tag}", tag)
            facts = _find_facts(*split_reference(like), (), depth + 1) or {}
        release = {} if "{" in rule.like else _release_of(tag)
        if release:
            facts = _joined(_without_distribution(facts), release)
        if rule.versions:
            facts = {**(facts if "family" in facts else _version_facts(tag)), **_pip_facts(tag)}
        if release and release["family"] != rule.facts.get("family", release["family"]):
            return _joined(facts, _without_distribution(rule.facts))
        return _joined(facts, rule.facts)
    return None


def _joined(facts: Facts, more: Facts) -> Facts:
    """Facts updated with later ones; accounts are merged by name."""
    accounts = {row["name"]: row for row in (*facts.get("accounts", ()), *more.get("accounts", ()))}
    return {**facts, **more, "accounts": tuple(accounts.values())}


def _without_distribution(facts: Facts) -> Facts:
    return {key: value for key, value in facts.items() if key not in _DISTRIBUTION}


def _release_of(tag: str) -> Facts:
    """The facts of the first release of a distribution that a tag names, {} if it names none."""
    for piece in tag.split("-"):
        for pattern, facts in _releases():
            if match := pattern.fullmatch(piece):
                version = match[1] if pattern.groups and match[1] else ""
                return {**facts, "release": facts.get("release", version)}
    return {}


def _image(name: str, tag: str, facts: Facts) -> Image:
    defaults = read_table("bases")["family"].get(facts.get("family", ""), {})
    return _with_accounts(name, tag, _joined(defaults, facts))


def _with_accounts(name: str, tag: str, facts: Facts) -> Image:
    values = dict(facts)
    values["accounts"] = tuple(map(_account, values["accounts"]))
    values["ports"] = tuple(values.get("ports", ()))
    values["process_of"] = tuple(values.get("process_of", ()))
    env = values.get("env", {})
    values["env"] = {key: value.replace("$PATH", _STANDARD_PATH) for key, value in env.items()}
    return Image(name, tag, True, **values)


def _account(row: Mapping[str, Any]) -> Account:
    name, uid = row["name"], row.get("uid")
    return Account(name, row.get("group", name), uid, row.get("gid", uid), row.get("home", f"/home/{name}"))


# -- docker-library's python -----------------------------------------------------------------------


def _python_version(tag: str) -> tuple[tuple[int, ...], str] | None:
    """(numbers, "a", "b", "rc" or "") of the version in a tag, None if there is none."""
    for piece in tag.split("-"):
        if match := _VERSION.match(piece):
            return tuple(map(int, match[1].split("."))), match[2] or ("rc" if "-rc" in tag else "")
    return None


def _python_row(version: tuple[int, ...] | None) -> Facts:
    rows: list[Facts] = read_table("bases")["python"]
    if version is None or version == (3,):
        return rows[-1]
    if version == (2,):
        return next(row for row in rows if row["version"] == "2.7")
    minor = ".".join(map(str, version[:2]))
    return next((row for row in rows if row["version"] == minor), {} if version < (3, 10) else rows[-1])


def _reached(row: Facts, key: str, version: tuple[int, ...] | None) -> bool:
    """Whether a version is at least the one that `key` names; an incomplete version counts as the latest."""
    if key not in row:
        return False
    full = version is not None and len(version) > 2
    return not full or version >= tuple(map(int, row[key].split(".")))  # type: ignore[operator]


def _version_facts(tag: str) -> Facts:
    """Family and release for a tag that names only a version."""
    found = _python_version(tag)
    version = found[0] if found else None
    row = _python_row(version)
    for suite in ("trixie", "bookworm"):
        if _reached(row, suite, version):
            return _release_of(suite)
    return {"family": "debian", "account_command": "adduser" if row else "useradd"}


def _pip_facts(tag: str) -> Facts:
    found = _python_version(tag)
    version, stage = found or (None, "")
    row = _python_row(version)
    if not row or (
        stage and len(version or ()) > 2 and "quiet" in row and row["quiet"] != f"{row['version']}.0"
    ):
        return {"pip": "unknown"}
    if stage in ("a", "b") and row["version"] == "3.11":
        return {"pip": "unknown"}
    pip = next((kind for kind in ("quiet", "warns") if _reached(row, kind, version)), "silent")
    suite = _left_suite(tag) if len(version or ()) < 3 else ""
    return {"pip": suite if suite and pip != "silent" else pip}


@cache
def _suites() -> tuple[tuple[str, re.Pattern[str]], ...]:
    table = read_table("bases")["python_suites"]
    return tuple((kind, re.compile(pattern)) for kind, pattern in table.items())


def _left_suite(tag: str) -> str:
    """How the last pip of a suite behaves that the images dropped before pip 22.1; "" for other suites."""
    for kind, pattern in _suites():
        if any(pattern.fullmatch(piece) for piece in tag.split("-")):
            return kind
    return ""
