"""Shell scripts as commands: what runs, with which words, seen through wrappers and inner scripts."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockfix.syntax.quoting import unquote
from dockfix.syntax.shell import Command, Script, Word, parse_script, parse_words


def shown(command: Command) -> str:
    """A command in one line: assignments, name, words, redirects."""
    name = [command.name.text] if command.name else []
    return " ".join(
        [f"{key}={word.text}" for key, word in command.assignments]
        + name
        + [word.text for word in command.args]
        + [f"{redirect.operator}{redirect.target.text}" for redirect in command.redirects]
    )


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", []),
        ("# only", []),
        ("pip install x", ["pip install x"]),
        ("a && b || c; d & e", ["a", "b", "c", "d", "e"]),
        ("! a", ["a"]),
        ("a | b |& c", ["a", "b", "c"]),
        ("A=1 B='x y' pip install", ["A=1 B='x y' pip install"]),
        ("A=1", ["A=1"]),
        ("A=1 B=2 && c", ["A=1 B=2", "c"]),
        ("A=$(b)", ["A=$(b)", "b"]),
        ("A=$(b) c", ["A=$(b) c", "b"]),
        ("export A=b C", ["export A=b C"]),
        ("declare -x A=$(b)", ["declare -x A=$(b)", "b"]),
        ("unset A", ["unset A"]),
        ("(a; b)", ["a", "b"]),
        ("{ a; b; }", ["a", "b"]),
        ("{ a; b; } > f", [">f", "a", "b"]),
        ("(a) >> f", [">>f", "a"]),
        ("if a; then b; elif c; then d; else e; fi", ["a", "b", "c", "d", "e"]),
        ("for i in $(a) b; do c $i; done", ["a", "c $i"]),
        ("while a; do b; done < f", ["<f", "a", "b"]),
        ("until a; do b; done", ["a", "b"]),
        ("case $x in a|b) c;; *) d;; esac", ["c", "d"]),
        ("f() { a; }; f", ["a", "f"]),
        ("[ -f x ] && a", ["[ -f x", "a"]),
        ("[[ $x == 'a b' ]] || c", ["[[ $x == 'a b'", "c"]),
        ("test -f x", ["test -f x"]),
        ("[ $(a) = b ]", ["[ $(a) = b", "a"]),
        ("echo $(a `b`)", ["echo $(a `b`)", "a `b`", "b"]),
        ('echo "x $(a) y" ${Z:-$(b)}', ['echo "x $(a) y" ${Z:-$(b)}', "a", "b"]),
        ("echo '$(a)'", ["echo '$(a)'"]),
        ("diff <(a) <(b)", ["diff <(a) <(b)", "a", "b"]),
        ("((i++)); a", ["a"]),
        ("a > f 2>&1 < g", ["a >f 2>&1 <g"]),
        ("a &> f", ["a &>f"]),
        ("a > f b", ["a b >f"]),
        ("> f", [">f"]),
        (">f a", ["a >f"]),
        ("a && b > f", ["a", "b >f"]),
        ("a | b > f", ["a", "b >f"]),
        ("a <<< b", ["a <<<b"]),
        ("set -ex; a", ["set -ex", "a"]),
        ("apk add a `# why` b", ["apk add a b"]),
        ("`# why` && a && `# why` b", ["a", "b"]),
        ("a && (( b | c || d )) && ((e; f) || g)", ["a", "b", "c", "d", "e", "f", "g"]),
        ("a \\\n b", ["a b"]),
        ("python -c 'import x; y'", ["python -c 'import x; y'"]),
        ("é ü > ö", ["é ü >ö"]),
        ("echo ${A}", ["echo ${A}"]),
        ("cat <<EOF > f\n$(a) b\nEOF\nc", ["cat >f <<EOF", "a", "c"]),
        ("cat <<'EOF' > f\n$(a) b\nEOF\nc", ["cat >f <<'EOF'", "c"]),
        ("cat <<EOF | sh && a\nb\nEOF\nc", ["cat <<EOF", "sh", "a", "c"]),
    ],
)
def test_commands(script: str, expected: list[str]) -> None:
    parsed = parse_script(script)
    assert [shown(command) for command in parsed.commands] == expected
    assert parsed.understood


@pytest.mark.parametrize("script", ["if a; then b", "a &&", "(a", "a )", "'open", 'echo "x'])
def test_what_is_not_understood(script: str) -> None:
    assert not parse_script(script).understood


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("exec a b", (["exec"], "a b", "")),
        ("exec -a x a", (["exec"], "a", "")),
        ("env A=b C=d e", (["env"], "A=b C=d e", "")),
        ("env -u X -i A=b e", (["env"], "A=b e", "")),
        ("/usr/bin/env python x", (["env"], "python x", "")),
        ("time -p a", (["time"], "a", "")),
        ("nice -n 5 a", (["nice"], "a", "")),
        ("nice -10 a", (["nice"], "a", "")),
        ("command a", (["command"], "a", "")),
        ("nohup a", (["nohup"], "a", "")),
        ("sudo a", (["sudo"], "a", "")),
        ("sudo -E -u app A=b c -x", (["sudo"], "A=b c -x", "app")),
        ("sudo -Hu app c", (["sudo"], "c", "app")),
        ("sudo --user=app -- c", (["sudo"], "c", "app")),
        ("gosu app:app a b", (["gosu"], "a b", "app:app")),
        ("su-exec $U a", (["su-exec"], "a", "$U")),
        ("setpriv --reuid=1000 --regid 1000 --clear-groups a", (["setpriv"], "a", "1000")),
        ("runuser -u app -- a b", (["runuser"], "a b", "app")),
        ("tini -g -- a b", (["tini"], "a b", "")),
        ("/sbin/tini -p SIGTERM -- a", (["tini"], "a", "")),
        ("dumb-init -r 15:3 a", (["dumb-init"], "a", "")),
        ("xargs -0 -n1 pip install", (["xargs"], "pip install", "")),
        ("xargs -I {} a {}", (["xargs"], "a {}", "")),
        ("timeout 5 a", (["timeout"], "a", "")),
        ("flock -w 9 -x lock a -c", (["flock"], "a -c >>lock", "")),
        ("timeout -k 3 --signal=9 5m a", (["timeout"], "a", "")),
        (
            "exec env A=b nice timeout 5 gosu app pip x",
            (["exec", "env", "nice", "timeout", "gosu"], "A=b pip x", "app"),
        ),
        ("B=1 env A=2 c", (["env"], "B=1 A=2 c", "")),
    ],
)  # fmt: skip
def test_wrappers(script: str, expected: tuple[list[str], str, str]) -> None:
    (command,) = parse_script(script).commands
    assert (list(command.via), shown(command), command.user) == expected


@pytest.mark.parametrize(
    "script",
    [
        "command -v pip",
        "exec",
        "xargs",
        "env",
        "env -S 'a b'",
        "sudo -l",
        "gosu --version",
        "timeout 5",
        "flock lock -c 'a b'",
        "flock -n 9",
        "exec > f",
    ],
)
def test_wrappers_that_run_nothing_stay(script: str) -> None:
    (command,) = parse_script(script).commands
    assert command.name is not None
    assert command.name.text == script.partition(" ")[0]
    assert command.via == ()


@pytest.mark.parametrize(
    ("script", "expected", "user"),
    [
        ("sh -c 'a && b c'", ["a", "b c"], ""),
        ('bash -lc "a; b"', ["a", "b"], ""),
        ("/bin/bash -euo pipefail -c 'a'", ["a"], ""),
        ("bash -o pipefail -c 'a | b' arg", ["a", "b"], ""),
        ("bash --login -c a", ["a"], ""),
        ('sh -c "a $X \\"b\\""', ['a $X "b"'], ""),
        ("su app -c 'a b'", ["a b"], "app"),
        ("su - app -s /bin/sh -c 'a'", ["a"], "app"),
        ("su -c 'a' app", ["a"], "app"),
        ("su --command='a b' - app", ["a b"], "app"),
        ("su -lc 'a' app", ["a"], "app"),
        ("su -c a", ["a"], "root"),
        ("runuser app -c 'a'", ["a"], "app"),
        ("eval 'a b' c", ["a b c"], ""),
        ("eval -- 'a b'", ["a b"], ""),
        ("trap 'a b' EXIT", ["a b"], ""),
        ("trap -- 'a b' EXIT", ["a b"], ""),
        ("flock -n lock -c 'a b'", ["a b"], ""),
        ("sudo sh -c 'a > f'", ["a >f"], ""),
        ("bash -e <<EOF\na\nb c\nEOF", ["a", "b c"], ""),
        ("bash -c \"sh -c 'a'\"", ["sh -c 'a'"], ""),
    ],
)
def test_inner_scripts(script: str, expected: list[str], user: str) -> None:
    (command,) = parse_script(script).commands
    assert command.script is not None
    assert [shown(inner) for inner in command.script.commands] == expected
    assert command.user == user


@pytest.mark.parametrize(
    "script",
    ["sh x.sh", 'sh -c "$(a)"', "bash", "su app", "eval `a`", "sh -c", "cat <<E\na\nE", "trap -- - EXIT"],
)
def test_no_inner_script(script: str) -> None:
    assert parse_script(script).commands[0].script is None


def test_scopes() -> None:
    script = parse_script("cd a; (cd b; $(c)); f() { d; }; e | g")
    names = {shown(command): command.scope for command in script.commands}
    assert names["cd a"] == 0
    assert len({names["cd a"], names["cd b"], names["c"], names["d"], names["e"], names["g"]}) == 6
    assert script.parents[names["cd b"]] == 0
    assert script.parents[names["c"]] == names["cd b"]
    assert script.parents[0] == -1


@pytest.mark.parametrize(
    ("script", "piped"),
    [
        ("a | b", ["b"]),
        ("a | b | c && d", ["b", "c"]),
        ("a | while read l; do c; done", ["read l", "c"]),
        ("a | (b; c)", ["b", "c"]),
        ("cat <<E | sh && x\nE", ["sh"]),
        ("a | xargs pip", ["pip"]),
        ("a $(b)", []),
    ],
)
def test_piped(script: str, piped: list[str]) -> None:
    assert [shown(command) for command in parse_script(script).commands if command.piped] == piped


@pytest.mark.parametrize(
    ("text", "env", "expected"),
    [
        ("plain", {}, "plain"),
        ("'a b'", {}, "a b"),
        ('"a b"', {}, "a b"),
        ("a\\ b", {}, "a b"),
        ('a"b"c', {}, "abc"),
        ('"\\$A \\x \\""', {}, '$A \\x "'),
        ("'$A'", {}, "$A"),
        ("$A", {"A": "1"}, "1"),
        ("${A}/x", {"A": "1"}, "1/x"),
        ('"$A b"', {"A": "1"}, "1 b"),
        ("$A", {}, None),
        ("${A}", {}, None),
        ("${A:-x}", {}, "x"),
        ("${A:-x$B}", {"B": "y"}, "xy"),
        ("${A-x}", {"A": ""}, ""),
        ("${A:+x}", {"A": "1"}, "x"),
        ("${A:=x}", {}, "x"),
        ("${A:?x}", {}, None),
        ("${A##*/}", {"A": "a/b/c"}, "c"),
        ("${A#*/}", {"A": "a/b/c"}, "b/c"),
        ("${A%/*}", {"A": "a/b/c"}, "a/b"),
        ("${A%%/*}", {"A": "a/b/c"}, "a"),
        ("${A%.$B}.d", {"A": "a.c", "B": "c"}, "a.d"),
        ("${A%.x}", {"A": "a.c"}, "a.c"),
        ("${A%/*}", {}, None),
        ("${A/b/c}", {"A": "b"}, None),
        ('"$(dirname "$A")"/x', {"A": "/a/b"}, "/a/x"),
        ("$(dirname -- a)", {}, "."),
        ("$(basename ${A})", {"A": "/a/b/"}, "b"),
        ('"$(basename "$A" .sh)"', {"A": "/a/b.sh"}, "b"),
        ("$(dirname $A | tr a b)", {"A": "/a/b"}, None),
        ("$(dirname $A)", {}, None),
        ("$(ls)", {}, None),
        ("`ls`", {}, None),
        ('"x$(ls)"', {}, None),
        ("$1", {}, None),
        ("$?", {}, None),
        ("a$", {}, "a$"),
        ("*.txt", {}, "*.txt"),
        ("{a,b}", {}, "{a,b}"),
        ("~/x", {"HOME": "/root"}, "/root/x"),
        ("~/x", {}, "~/x"),
        ("~app/x", {"HOME": "/root"}, "~app/x"),
        ("x~", {"HOME": "/root"}, "x~"),
        ("$'a\\n'", {}, "a\n"),
        ("'open", {}, None),
    ],
)
def test_expanding_a_word(text: str, env: dict[str, str], expected: str | None) -> None:
    assert Word(0, len(text), text).expand(env) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"$(dirname "$0")"', "/app/scripts"),
        ("$(dirname $0)/conf", "/app/scripts/conf"),
        ('"$(dirname -- "${BASH_SOURCE[0]}")"', "/app/scripts"),
        ('$(dirname "$(readlink -f "$0")")', "/app/scripts"),
        ('"$(cd "$(dirname "${BASH_SOURCE[0]}")/.." >/dev/null 2>&1 && pwd)"/x', "/app/x"),
        ('$(dirname "$1")', None),
        ('$(cd "$(dirname "$0")" && ls)', None),
    ],
)
def test_place_of_the_script_itself(text: str, expected: str | None) -> None:
    assert Word(0, len(text), text).expand({"0": "/app/scripts/setup.sh"}) == expected
    assert Word(0, len(text), text).expand({}) is None


def test_value_knows_no_variable() -> None:
    assert Word(0, 3, "'a'").value == "a"
    assert Word(0, 2, "$A").value is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("'a $B'", "a $B"), ('"a ${B} \\$C"', "a ${B} $C"), ("a\\ b", "a b"), ('"$(a)"', None)],
)
def test_unquoting_keeps_variables(text: str, expected: str | None) -> None:
    assert unquote(text) == expected


@pytest.mark.parametrize(
    ("argv", "name", "args", "via"),
    [
        (["python", "a b.py"], "python", ["a b.py"], ()),
        (["tini", "--", "gunicorn", "$X"], "gunicorn", ["$X"], ("tini",)),
        (["/usr/bin/dumb-init", "python"], "python", [], ("dumb-init",)),
    ],
)
def test_json_form(argv: list[str], name: str, args: list[str], via: tuple[str, ...]) -> None:
    command = parse_words(argv)
    assert command.name is not None
    assert (command.name.value, [word.value for word in command.args], command.via) == (name, args, via)
    assert (command.start, command.end) == (-1, -1)


def test_json_form_with_a_shell() -> None:
    command = parse_words(["sh", "-c", "exec gunicorn app"])
    assert command.script is not None
    assert shown(command.script.commands[0]) == "gunicorn app"


def test_empty_json_form() -> None:
    assert parse_words([]).name is None


def _all(script: Script) -> Iterator[tuple[Script, Command]]:
    for command in script.commands:
        yield script, command
        if command.script:
            yield from _all(command.script)


PIECES = st.sampled_from(
    ["a", "pip install", " ", " && ", " | ", "; ", "\n", "(", ")", "$(", "`", "'", '"', "${A", "}",
     "{ ", "<<E",
     "E", " > f", "<<<", "if ", "then ", "fi", "sh -c ", "sudo -u x ", "env A=b ", "A=", "é",
     "\\", "#", "[ ", " ]", "\0"]
)  # fmt: skip


@given(st.one_of(st.lists(PIECES, max_size=20).map("".join), st.text(max_size=40)))
def test_any_script_is_read_with_true_spans(text: str) -> None:
    script = parse_script(text)
    for owner, command in _all(script):
        words = [command.name, *command.args, *(redirect.target for redirect in command.redirects)]
        for word in filter(None, words):
            assert owner.text[word.start : word.end] == word.text
        for _, value in command.assignments:
            assert owner.text[value.start : value.end] == value.text
        assert 0 <= command.scope < len(owner.parents)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000,
        "a && " * 20_000 + "b",
        "a || " * 5_000 + "b",
        "$(" * 5_000,
        "eval " * 5_000 + "x",
        "sudo " * 3_000 + "x",
    ],
)
def test_deep_nesting_is_no_trap(text: str) -> None:
    assert parse_script(text).text == text


def test_scripts_can_be_pickled() -> None:
    script = parse_script("sudo sh -c 'a > f' && A=1 b")
    assert pickle.loads(pickle.dumps(script)) == script


def test_the_grammar_is_imported_at_first_use_only() -> None:
    code = "import sys, dockfix.syntax.shell; print('tree_sitter' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("/a/{b,c}/d", ["/a/b/d", "/a/c/d"]),
        ("x{,.bak}", ["x", "x.bak"]),
        ("{a,b{1..3}}", ["a", "b1", "b2", "b3"]),
        ("{c..a}", ["c", "b", "a"]),
        ("{a,b}{1,2}", ["a1", "a2", "b1", "b2"]),
        ("'{a,b}' \"{a,b}\" \\{a,b}", ["'{a,b}'", '"{a,b}"', "\\{a,b}"]),
        ("{} {a} ${A:-{a,b}} {a,b", ["{}", "{a}", "${A:-{a,b}}", "{a,b"]),
        ("{1..9999}", ["{1..9999}"]),
    ],
)
def test_bash_expands_braces(words: str, expected: list[str]) -> None:
    (command,) = parse_script(f"x {words}", bash=True).commands
    assert [word.text for word in command.args] == expected
    (command,) = parse_script(f"x {words}").commands
    assert [word.text for word in command.args] == words.split()


def test_a_shell_that_is_named_expands_as_it_does() -> None:
    (bash, plain) = parse_script("bash -c 'x {a,b}'; sh -c 'x {a,b}'").commands
    assert bash.script is not None
    assert plain.script is not None
    assert [word.text for word in bash.script.commands[0].args] == ["a", "b"]
    assert [word.text for word in plain.script.commands[0].args] == ["{a,b}"]
