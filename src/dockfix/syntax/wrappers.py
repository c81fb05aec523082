"""Commands that run another command: which words are their own, and where the other command begins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol, TypeVar

from dockfix.syntax.quoting import unquote
from dockfix.syntax.script import Redirect, Word

SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})

_WAITS: Final = re.compile(r"wait[-_]?(?:for|until)")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")


def find_awaited(words: Sequence[str]) -> Sequence[str]:
    """The command after the `--` of a script that waits for services (`wait-for-it.sh db:5432 -- CMD`)."""
    waits = bool(words) and _WAITS.match(words[0].rpartition("/")[2])
    return words[words.index("--") + 1 :] if waits and "--" in words else ()


class _Written(Protocol):
    @property
    def text(self) -> str: ...


_AnyWord = TypeVar("_AnyWord", bound=_Written)


def cd_operands(words: Iterable[_AnyWord]) -> list[_AnyWord]:
    """The words after `cd` or `pushd` without their options."""
    return [word for word in words if word.text not in ("-P", "-L", "--")]


def is_shell(program: str) -> bool:
    """Whether a program, given by its name or its path, is a shell."""
    return program.rpartition("/")[2] in SHELLS


def is_wrapper(program: str) -> bool:
    """Whether a program, given by its name or its path, only runs another one (`tini`, `timeout`)."""
    return program.rpartition("/")[2] in _WRAPPERS


@dataclass(frozen=True, slots=True)
class _Wrapper:
    """`values`: options whose value is a separate word.

    `operands`: the number of words before the command.

    `user`: the options that name the account, "operand" if the first operand does; `stops`: options with
    which it runs no command. `opens`: it creates the files that the operands name.
    """

    values: frozenset[str] = frozenset()
    operands: int = 0
    assigns: bool = False
    user: frozenset[str] = frozenset()
    stops: frozenset[str] = frozenset()
    opens: bool = False

    def redirect(self, operands: Iterable[Word]) -> tuple[Redirect, ...]:
        """What it opens, as the redirects of the command."""
        return tuple(Redirect(">>", one) for one in operands) if self.opens else ()


def _wrapper(
    values: str = "",
    operands: int = 0,
    assigns: bool = False,
    user: str = "",
    stops: str = "",
    opens: bool = False,
) -> _Wrapper:
    return _Wrapper(
        frozenset(values.split()), operands, assigns, frozenset(user.split()), frozenset(stops.split()), opens
    )


_PLAIN = _wrapper()
_AS_OPERAND = _wrapper(operands=1, user="operand")
_SETPRIV_VALUES = (
    "--reuid --regid --ruid --euid --rgid --egid --groups --inh-caps --ambient-caps --bounding-set"
    " --securebits --selinux-label --apparmor-profile --pdeathsig --ptracer"
)
_SUDO_VALUES = (
    "-u -g -h -p -C -r -t -T -D -U -R --user --group --host --prompt --close-from --role --type"
    " --command-timeout --chdir --other-user --chroot"
)
_XVFB_VALUES = "-e -f -n -p -s -w --error-file --auth-file --server-num --xauth-protocol --server-args --wait"

_WRAPPERS: Final = {
    "builtin": _PLAIN,
    "busybox": _PLAIN,
    "catatonit": _PLAIN,
    "chpst": _wrapper("-u -U -b -e -/ -n -l -L -m -d -o -p -f -c -r -t", user="-u"),
    "command": _wrapper(stops="-v -V"),
    "dbus-run-session": _wrapper("--config-file --dbus-daemon"),
    "doas": _wrapper("-u -C -a", user="-u", stops="-C -L"),
    "docker-init": _PLAIN,
    "dumb-init": _wrapper("-r --rewrite"),
    "eatmydata": _PLAIN,
    "env": _wrapper("-u -C -S --unset --chdir --split-string", assigns=True, stops="-S --split-string"),
    "exec": _wrapper("-a"),
    "fakeroot": _wrapper("-l -s -i -b --lib --faked"),
    "flock": _wrapper(
        "-w -E --timeout --wait --conflict-exit-code", operands=1, stops="-c --command", opens=True
    ),
    "gosu": _AS_OPERAND,
    "ionice": _wrapper("-c -n -p -P -u --class --classdata", stops="-p -P -u"),
    "nice": _wrapper("-n --adjustment"),
    "nohup": _PLAIN,
    "runuser": _wrapper("-u -g -G --user --group --supp-group", user="-u --user"),
    "s6-setuidgid": _AS_OPERAND,
    "setpriv": _wrapper(_SETPRIV_VALUES, user="--reuid --euid --ruid", stops="-d --dump"),
    "setsid": _PLAIN,
    "stdbuf": _wrapper("-i -o -e --input --output --error"),
    "su-exec": _AS_OPERAND,
    "sudo": _wrapper(_SUDO_VALUES, assigns=True, user="-u --user", stops="-l -v -e -K"),
    "time": _wrapper("-f -o --format --output"),
    "timeout": _wrapper("-k -s --kill-after --signal", operands=1),
    "tini": _wrapper("-p -e"),
    "tini-static": _wrapper("-p -e"),
    "unbuffer": _PLAIN,
    "xargs": _wrapper(
        "-I -n -P -L -d -a -s -E --max-args --max-procs --max-lines --delimiter --arg-file --max-chars"
        " --replace --process-slot-var"
    ),
    "xvfb-run": _wrapper(_XVFB_VALUES),
}


@dataclass(slots=True)
class Seen:
    """The words of a command without its wrappers, and the effects of the wrappers."""

    words: Sequence[Word]
    name: str = ""
    via: tuple[str, ...] = ()
    user: str = ""
    assignments: tuple[tuple[str, Word], ...] = ()
    redirects: tuple[Redirect, ...] = ()


def see_through(words: Sequence[Word]) -> Seen:
    """Strip the wrappers from a command's words; a wrapper that runs no command is kept."""
    seen = Seen(words)
    while seen.words:
        seen.name = base_name(seen.words[0])
        wrapper = _WRAPPERS.get(seen.name)
        if wrapper is None or not _take_off(seen, seen.name, wrapper):
            break
    return seen


def find_placeholder(words: Sequence[Word]) -> str:
    """What xargs, with these options, replaces in its command by what it reads, "" if it appends that."""
    texts = [word.value or word.text for word in words]
    for text, following in zip(texts, (*texts[1:], ""), strict=True):
        if text.startswith("-I"):
            return text[2:] or following
        if text.startswith(("-i", "--replace")):
            return text.removeprefix("-i").partition("=")[2] or "{}"
    return ""


def base_name(word: Word) -> str:
    """The command's name without its directory, "" if a variable holds it."""
    text = word.text
    if not text.isalnum():
        text = word.value or ""
    return text.rpartition("/")[2] if "/" in text else text


def _known_text(word: Word) -> str:
    """The word's value, or the word as written if the value is unknown."""
    value = word.value
    return word.text if value is None else value


def _take_off(seen: Seen, name: str, wrapper: _Wrapper) -> bool:
    words, at = seen.words, 1
    assignments: list[tuple[str, Word]] = []
    operands: list[Word] = []
    user = seen.user
    options_over = False
    while at < len(words):
        value = _known_text(words[at])
        if not options_over and value == "--":
            options_over = True
            at += 1
        elif not options_over and value.startswith("-") and (value != "-" or name == "env"):
            option, content, at = _option(words, at, value, wrapper.values)
            if option in wrapper.stops:
                return False
            if option in wrapper.user:
                user = content
        elif wrapper.assigns and (match := _ASSIGNMENT.match(value)):
            assignments.append((match[1], split_value(words[at], match[1])))
            at += 1
        elif len(operands) < wrapper.operands:
            if "operand" in wrapper.user:
                user = value
            operands.append(words[at])
            at += 1
        else:
            break
    if at >= len(words) or (name == "runuser" and user == seen.user):
        return False
    seen.words, seen.via, seen.user = words[at:], (*seen.via, name), user
    seen.assignments += tuple(assignments)
    seen.redirects += wrapper.redirect(operands)
    return True


def _option(words: Sequence[Word], at: int, value: str, with_value: frozenset[str]) -> tuple[str, str, int]:
    """(option, its value, index of the next word); of clustered short options, the last one counts."""
    if value.startswith("--"):
        option, equals, content = value.partition("=")
        if equals or option not in with_value:
            return option, content, at + 1
    else:
        index = next((i for i in range(1, len(value)) if f"-{value[i]}" in with_value), len(value) - 1)
        option, content = f"-{value[index]}", value[index + 1 :]
        if content or option not in with_value:
            return option, content, at + 1
    following = words[at + 1] if at + 1 < len(words) else None
    return option, (following.value or following.text) if following else "", at + 2


def split_value(word: Word, name: str) -> Word:
    """The value part of the word `NAME=value`."""
    skip = len(name) + 1 if word.text.startswith(f"{name}=") else 0
    return Word(word.start + skip if word.start >= 0 else -1, word.end, word.text[skip:], word.literal)


_AT_END: Final = frozenset({"EXIT", "0", "ERR"})


def inner_script(name: str, args: Sequence[Word]) -> tuple[str | None, str]:
    """(script that `sh -c`, `su -c` or `eval` runs, or `trap` at the end; account that su names)."""
    if name in SHELLS:
        return _shell_script(args), ""
    if name == "flock":
        scripts = (word for option, word in pairwise(args) if option.text in ("-c", "--command"))
        return next(map(_plain, scripts), None), ""
    if name in ("su", "runuser"):
        return _su_script(args)
    if name in ("eval", "trap") and args and args[0].text == "--":
        args = args[1:]
    if name == "eval" and args:
        parts = [_plain(word) for word in args]
        return (None if None in parts else " ".join(filter(None, parts))), ""
    if name == "trap" and any(word.text in _AT_END for word in args[1:]) and args[0].text != "-":
        return _plain(args[0]), ""
    return None, ""


def _plain(word: Word) -> str | None:
    return word.text if word.literal else unquote(word.text)


def _shell_script(args: Sequence[Word]) -> str | None:
    at = _find_script(args)
    return _plain(args[at]) if at is not None else None


def find_arguments(args: Sequence[Word]) -> Sequence[Word] | None:
    """The words behind the script of `sh -c`, the first of which is `$0`; None if it has no such script."""
    at = _find_script(args)
    return args[at + 1 :] if at is not None else None


def _find_script(args: Sequence[Word]) -> int | None:
    """The index of the script among the words of a shell, None without `-c`."""
    at, has_command = 0, False
    while at < len(args):
        value = args[at].value
        if value is None or not value.startswith(("-", "+")) or value == "-":
            break
        at += 1
        if value == "--":
            break
        if value in ("--rcfile", "--init-file"):
            at += 1
        elif not value.startswith("--"):
            has_command = has_command or "c" in value
            at += "o" in value[1:]
    return at if has_command and at < len(args) else None


def _su_script(args: Sequence[Word]) -> tuple[str | None, str]:
    script, user, at = None, "", 0
    values = ("-c", "-s", "-g", "-G", "-w", "--shell", "--group", "--supp-group", "--command")
    while at < len(args):
        value = args[at].value
        if value is None:
            value = args[at].text
        if value in values:
            if value in ("-c", "--command") and at + 1 < len(args):
                script = _plain(args[at + 1])
            at += 1
        elif value.startswith("--command="):
            script = _plain(Word(-1, -1, value[10:], literal=True))
        elif not value.startswith("-"):
            user = user or value
        elif value.endswith("c") and not value.startswith("--") and at + 1 < len(args):
            script = _plain(args[at + 1])
            at += 1
        at += 1
    return script, user or "root"
