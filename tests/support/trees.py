"""Small file trees, and scripts replayed on them, for tests of the model."""

from __future__ import annotations

from dockfix.model.actors import Actor
from dockfix.model.filetree import ABSENT, FileTree, Kind, Node, Nodes
from dockfix.model.identities import Accounts
from dockfix.model.images import find_image
from dockfix.model.lineage import read_stages, trace
from dockfix.model.outcomes import ask
from dockfix.model.permissions import ROOT, Answer, Identity, Verdict
from dockfix.model.playing import perform
from dockfix.model.replay import Replay
from dockfix.model.runs import walk_script
from dockfix.options import Options
from dockfix.syntax.parser import parse
from dockfix.syntax.shell import parse_script

APP = Identity(10001, frozenset({10001}), 10001, "/home/app")
_KINDS = {"dir": Kind.DIRECTORY, "file": Kind.FILE, "any": Kind.ANY}


def plant(*lines: str) -> FileTree:
    """A tree of `PATH KIND [OWNER] [MODE]` and `PATH link TARGET` lines; root's 0755 unless they say more.

    `|` parts alternatives, one of them may be `absent`. What is not named is not there.
    """
    nodes: dict[str, Nodes] = {"/": (Node(Kind.DIRECTORY),)}
    for line in lines:
        path, _, rest = line.partition(" ")
        nodes[path] = tuple(_read(one.split()) for one in rest.split("|"))
    return FileTree(nodes)


def _read(words: list[str]) -> Node:
    kind, *rest = words
    if kind == "absent":
        return ABSENT
    if kind == "link":
        return Node(Kind.LINK, mode=0o777, target=rest[0])
    uid, _, gid = (rest[0] if rest else "0").partition(":")
    mode = int(rest[1], 8) if len(rest) > 1 else 0o755
    return Node(_KINDS[kind], int(uid), int(gid or uid), mode, capable="capable" in rest[2:])


def show(tree: FileTree, path: str) -> str:
    """What may be at a path, in the notation of `plant`."""
    return " | ".join(_show(one) for one in tree.look(path))


def _show(node: Node) -> str:
    if node.kind is Kind.ABSENT:
        return "absent"
    if node.kind is Kind.LINK:
        return f"link {node.target}"
    kind = next(name for name, kind in _KINDS.items() if kind is node.kind)
    owner = f"{node.uid}" if node.uid == node.gid else f"{node.uid}:{node.gid}"
    return f"{kind} {owner} {node.mode:o}{' capable' * node.capable}"


def play(tree: FileTree, script: str, who: Identity = ROOT, cwd: str = "/") -> str:
    """Replay a script: "allowed", "denied" if something in it certainly is, else "unsure".

    Changes the tree.
    """
    accounts = Accounts(find_image("python:3.12-slim-bookworm"))
    answers: list[frozenset[Answer]] = []
    for one in walk_script(parse_script(script), cwd, {"HOME": who.home}):
        actor = Actor(who, 1, one.umask, one.optional)
        for operation in one.effect(who.home).operations:
            found = ask(tree, operation, who)
            answers.append(found)
            if any(answer.verdict is Verdict.ALLOWED for answer in found):
                perform(tree, operation, actor, accounts)
    denied = [[one.verdict is Verdict.DENIED for one in found] for found in answers]
    if any(found and all(found) for found in denied):
        return "denied"
    return "unsure" if any(map(any, denied)) else "allowed"


def replay(text: str) -> Replay:
    """A replay of the last stage of a Dockerfile.

    A text without FROM is based on a Debian image of Python.
    """
    text = text if text.startswith("FROM ") else f"FROM python:3.12-slim-bookworm\n{text}"
    lineage = trace(read_stages(parse(text), Options())[-1])
    return Replay(lineage, range(len(lineage.steps)))
