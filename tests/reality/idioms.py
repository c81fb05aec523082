"""Commands as people combine them: modes, owners, links that may lead elsewhere, archives, accounts.

In a template, `<any>` is a file, directory or link, `<file>` and `<folder>` are such, `<new>` is a free
path, `<link>` a link; `<other>` is a folder neither around nor below the first one. A number behind a word
asks for another one (`<file2>`), and `<mode>`, `<umask>` and `<name>` are what they are called.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Final

from .constructs import CONSTRUCTS
from .worlds import FOLDERS, NAMES, UMASKS, Choices, Impossible

_HOLE: Final = re.compile(r"<(any|file|folder|other|new|link|mode|umask|name)(\d?)>")
_SEPARATING: Final = re.compile(r"\| xargs (?!-0)|\$\((?:ls|find) ")
_CLOSING: Final = ("600", "0640", "700", "0500", "400", "u=r,go=", "go-rwx", "a-w", "0", "o=", "g=u", "a=rX")
_SHARED: Final = ("2775", "g+s", "1777", "+t", "2770", "3777")
_MADE: Final = (
    "mkdir -p <folder>/<name>.d/in", "touch <folder>/<name>.t", "cp /etc/issue <folder>/<name>.i",
    "cp -r /tmp/work <folder>/<name>.w", "ln -s <folder> <folder>/<name>.l",
    "mkdir -m 0750 <folder>/<name>.m", "install -d <folder>/<name>.n", "rm -f <folder>/<name>",
)  # fmt: skip
# What happens below a link, which may lead to a folder.
_BELOW: Final = (
    "echo hi > @/<name>", "mkdir -p @/<name>.d", "rm -rf @/<name>", "touch @/<name>.t", "chmod -R g=u @",
    "chmod 700 @", "ls @/", "cp /etc/hostname @/", "rm -rf @", "mv @/<name> @/<name>.old", "cat @/<name>",
    "install -D -m 0600 /etc/issue @/i/<name>", "cp -r @/. /tmp/work", "cd @ && touch here",
    "find @/ -type f -exec chmod 600 {} +", "chmod -R a+rX @", "chmod g+w @",
)  # fmt: skip
_LINKED: Final = (
    "[ -d /nowhere ] && ln -s <folder> <new> || true", "test -e <new> || ln -s <folder> <new>",
    "[ -f /etc/hostname ] && ln -s <folder> <new> || mkdir -p <new>", "ln -s <folder> <new> || true",
    "[ -d <folder> ] && ln -sfn <folder> <new> || true", "if [ -d /etc ]; then ln -s <folder> <new>; fi",
    "if [ -d /nowhere ]; then ln -s <folder> <new>; else mkdir -p <new>; fi",
)  # fmt: skip
_PRIVATE: Final = (
    "echo s > <folder>/secret && chmod 600 <folder>/secret", "mkdir -p -m 700 <folder>/closed", "true",
    "mkdir -p <folder>/ro && touch <folder>/ro/f && chmod 400 <folder>/ro/f && chmod 500 <folder>/ro",
)  # fmt: skip
_PACKED: Final = (
    "tar -cpf /tmp/p.tar -C <folder> .", "cd <folder> && tar -cf /tmp/p.tar *",
    "tar -C <folder> -cf /tmp/p.tar .", "tar cf /tmp/p.tar <folder>", "tar -czf /tmp/p.tar -C <folder> .",
    "tar -cf /tmp/q.tar -C <folder> .",
)  # fmt: skip
_UNPACKED: Final = (
    "tar -xf /tmp/p.tar -C <other>", "tar xpf /tmp/p.tar -C <other>",
    "tar -xf /tmp/p.tar --no-same-owner -C <other>",
    "mkdir -p <other>/un && tar -C <other>/un -xf /tmp/p.tar", "tar -tf /tmp/p.tar",
    "cd <other> && tar -xf /tmp/p.tar --strip-components=1",
    "tar -xf /tmp/p.tar --no-same-permissions -C <other>",
    "mv /tmp/p.tar <other>/p.tar && tar -xf <other>/p.tar -C <other>", "tar -xf /tmp/q.tar -C <other>",
)  # fmt: skip
_AS_APP: Final = (
    "touch <new>", "mkdir -p <folder>/as", "echo hi > <new>", "touch ~/mine", "mkdir -p ~/.cache/x",
    "cat <folder>/a", "chmod 700 <folder>", "rm -rf <folder>/sub", "cp /etc/issue <new>",
)  # fmt: skip
_SWITCHES: Final = (
    "su app -c '@'", "su -s /bin/sh app -c '@'", "su - app -c '@'", "su -s /bin/sh -c '@' app",
    "runuser -u app -- sh -c '@'", "runuser app -c '@'", "su app -c '@' || true",
    "setpriv --reuid=10001 --regid=10001 --clear-groups sh -c '@'", "runuser -u app -- @",
    "su app -c '@' && chown 0:0 <folder>", "setpriv --reuid=10001 --regid=10001 --clear-groups @",
)  # fmt: skip

TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    **CONSTRUCTS,
    "round trip": (
        "mv <any> <any>.bak && mv <any>.bak <any>", "mv <any> /tmp/kept && mv /tmp/kept <any>",
        "mv <any> <any>.orig && ls <any>.orig && mv <any>.orig <any>",
        "mv <any> <any>.o && chmod 700 <any>.o && mv <any>.o <any>",
    ),
    "move": (
        "mv <any> <other>/moved && ln -s <other>/moved <any>", "mv -t <other> <any>",
        "mv -T <any> <other>/t", "mv -n <any> <other>/", "mv -v <any> <other>/kept",
        "mv <any> <other>/ || true", "mv <folder>/* <other>/",
    ),
    "onto a link": (
        "mv <file> <link>", "cp <file> <link>", "install <file> <link>", "cp -f <file> <link>",
        "ln -f <file> <link>", "mv -T <folder> <link>", "cp -r <folder> <link>", "cp -a <folder>/. <link>/",
        "mv <folder> <link>/", "mv <link> <new>", "cp -a <link> <new>", "cp <link> <new>",
        "tar -cf /tmp/p.tar -C <folder> . && tar -xf /tmp/p.tar -C <link>", "rm -rf <link>/",
        "rmdir <link>", "mkdir -p <link>/a/b", "install -d -m 700 <link>", "chmod g+s <link>/*",
    ),
    "link": (
        "ln -sfn <any> <folder>", "ln -sf <any> <folder>", "ln -s <any> <folder>/", "ln -sT <any> <new>",
        "ln -st <folder> <any>", "ln -sr <any> <new>", "ln -snf <any> <new>", "ln -s -f <any> <new>",
        "cd <folder> && ln -s <any> || true",
    ),
    "hard link": (
        "ln <file> <new> && chmod 600 <new>", "ln -f <file> <new>", "ln <file> <folder>/",
        "cp -l <file> <new>", "link <file> <new>", "ln <file> <new> && sed -i s/a/b/ <new>",
        "ln <file> <new> && rm <file>", "ln <file> <new> && echo x >> <new>",
        "ln <file> <new> && mv <new> <folder>/h && chmod 640 <file>",
    ),
    "copy": (
        "cp --preserve=mode <file> <new>", "cp --preserve=ownership <file> <new>", "cp -n <file> <new>",
        "cp --preserve=mode,ownership <file> <new>", "cp --no-preserve=mode <file> <new>",
        "cp -u <file> <new>", "cp --remove-destination <file> <new>", "cp -t <folder> <file>",
        "cp --parents <file> <folder>", "cp -s <file> <new>", "cp -L <file> <new>", "cp -d <file> <new>",
        "cp -P <file> <new>", "cp -v <file> <new>",
        "cp <file> <new> && chmod 600 <new> && cp -a <new> <folder>/", "cp -T <file> <new>",
        "cp --preserve=all <file> <new>", "cp --preserve=timestamps <file> <new>",
    ),
    "copy of a tree": (
        "cp -rT <folder> <other>", "cp -a <folder>/. <other>/", "cp -rL <folder> <new>",
         "cp -rn <folder>/. <other>/", "cp -r <folder>/* <other>/",
        "cp -a <folder>/* <other>/", "cp -dR <folder> <new>", "cp -rp <folder>/. <other>",
        "cp -r --preserve=mode <folder> <new>", "cp -r --no-preserve=mode,ownership <folder> <new>",
        "cp -R --preserve=ownership <folder> <new>", "cp -rf <folder>/. <other>/", "cp -rH <folder> <new>",
        "cp -a <folder> <other>", "cp -r <folder> <new>",
    ),
    "install": (
        "install -t <folder> <file>", "install -Dm644 <file> <new>/d/f", "install -D -t <new>/d <file>",
        "install -dm 0700 <new>", "install -d <new> <new>/in <folder>/more",
        "install --mode=600 <file> <new>", "install -d -m 2775 <new>", "install -d -m u=rwx,go= <new>/in",
        "install -C -m 0640 <file> <new>", "install -p <file> <new>",
    ),
    "install as root": (
        "install -o 10001 -g 10001 -m 0600 <file> <new>", "install -o 10001 -d <new>/x <new>/y",
        "install -d -o 10001 -g 0 -m 0770 <folder>", "install -D -o 10001 <file> <new>/d/f",
    ),
    "mode": (
        "chmod --reference=<any> <any2>", "chmod 755 <any> <any2>", "chmod -v u+rwX,go-rwx <any>",
        "chmod <mode> <any>", "chmod -R 2775 <folder>", "chmod -R u=rwX,g=rX,o= <folder>",
        "chmod 00755 <folder>", "chmod <mode> <folder>", "chmod -R g=u <folder>", "chmod -R a+rX <folder>",
        "chmod -f g=o <any>", "chmod 0 <any>", "chmod -R +x <folder>", "chmod u+rwx,g+s <folder>",
        "chmod -c -R o= <folder>", "chmod -x <any>", "chmod -R g+rwX <folder> && chmod g+s <folder>",
        "chmod -R a-w <folder>",
    ),
    "shared directory": tuple(
        f"chmod {mode} <folder> && {made}" for mode in _SHARED for made in _MADE
    ),
    "owner": (
        "chown -h 10001:10001 <any>", "chown -RL 10001 <folder>", "chown -RH 20002 <folder>",
        "chgrp -h 10001 <any>", "chown --reference=<any> <any2>", "chown 10001.10001 <any>",
        "chown +10001:+0 <any>", "chown -v 10001 <any> <any2>", "chown -R 10001: <folder> || true",
        "chown $(id -u) <any>", "chown -R 10001:0 <folder> && chmod -R g=u <folder>",
        "chgrp -R 0 <folder> && chmod -R g=u <folder>", "chown -P -R 10001 <folder>",
        "chown -R -h 0:0 <folder>", "chown 10001 <folder>/*", "chown -R 10001:10001 <folder>/*",
        "chgrp 10001 <any>", "chgrp -R 10001 <folder>",
    ),
    "directory": (
        "mkdir -pm 0700 <new>/in", "mkdir -pvm 700 <new>", "mkdir -m700 <new>",
        "mkdir --mode=750 -p <new>/x/y", "mkdir -m u=rwx,go= <new>", "mkdir -p <new>/a <new>/b",
        "mkdir -m 2775 <new>", "mkdir -p -m 1777 <new>", "mkdir -m a=rx <new>", "mkdir --parents <new>/z",
    ),
    "umask": (
        "(umask <umask> && mkdir -p <new>/in) && touch <new>/t",
        "(umask <umask>; echo hi > <new>); touch <new>2",
        "umask <umask> && mkdir -p <new>/in && touch <new>/in/f", "sh -c 'umask <umask>; touch <new>'",
        "(umask <umask> && cp /etc/issue <new> && cp -p <new> <new>2)",
        "umask <umask>; install -D /etc/issue <new>/i; mkdir -m 777 <new>/m",
    ),
    "write": (
        ": > <new>", "> <new>", "cat <file> > <new>", "cat <file> /etc/issue >> <new>",
        "echo hi | tee <new> <new>2", "echo hi >| <new>", "{ echo a; echo b; } > <new>",
        "dd if=<file> of=<new> 2>/dev/null", "touch -c <new>", "sort -o <new> <file>",
        "sort <file> | uniq > <new>", "tee <new> < <file>", "touch -r <file> <new>",
        "touch <new> <folder>/t", "truncate -s 0 <new>", "printf a > <new> && printf b > <folder>/q",
        "(cd <folder> && echo hi > inside)", "exec 3> <new>", "cp /dev/null <new>",
        "sed -n p <file> > <new>", "base64 <file> > <new>", "echo hi > <new> 2>&1",
        "ls <folder> > <new> 2>/dev/null",
    ),
    "temporary": (
        'T=$(mktemp -d) && cp <file> "$T/a" && mv "$T/a" <new> && rm -rf "$T"',
        'T=$(mktemp -d) && mv "$T" <new>', 'T=$(mktemp) && echo hi > "$T" && mv "$T" <new>',
        'T=$(mktemp) && cp "$T" <new> && rm -f "$T"',
        "T=$(mktemp -p <folder>) && mv $T <new> && chmod 644 <new>",
        "cat <file> > <new>.tmp && mv <new>.tmp <new>",
        'T="$(mktemp -d <folder>/t.XXXXXX)" && cd "$T" && touch x && cp -r "$T" <new> && rm -rf "$T"',
    ),
    "edit": (
        "sed -i s/a/b/ <file> <file2>", "sed -ri s/a/b/ <file>", "sed -Ei s/a/b/ <file>",
        "sed -i.b s/a/b/ <file>", "sed -i'' -e s/a/b/ <file>", "sed --in-place=.orig s/a/b/ <file>",
        "sed -e s/a/b/ -i <file>", "sed -i --follow-symlinks s/a/b/ <file>", "sed -i s/a/b/ <folder>/*.txt",
        "perl -i.bak -pe s/a/b/ <file>", "perl -i -ne print <file>", "gzip -k <file>",
        "gzip -c <file> > <file>.z", "gzip -9f <file>", "gzip -f <file> && gunzip <file>.gz",
        "sed s/a/b/ <file> > <file>.new && mv <file>.new <file>",
    ),
    "removal": (
        "unlink <file>", "rm -r <folder>", "rm -rf <folder> <file>", "rm -rf <folder>/*.txt",
        "rm -rf -- <folder>", "rm -f <file> <file>.none", "rm -d <folder> || true",
        'D=<folder>; rm -rf "${D:?}"/*', "rm -rf <folder>/?", "rm -rf <folder> && mkdir <folder>",
        "cd <folder> && rm -rf ./*", "[ -d <folder> ] && rm -rf <folder>",
        "rmdir <folder> 2>/dev/null || true", "rm -rf <folder>/a <folder>/sub",
        "rm -rf <folder>/..?* || true", "find <folder> -mindepth 1 -maxdepth 1 -exec rm -rf {} +",
    ),
    "find": (
        "find <folder> -type f -exec rm -f {} \\;", "find <folder> -name '*.txt' -exec chmod 600 {} +",
        "find <folder> -type d -exec chmod 2775 {} +", "find <folder> -perm 644 -exec chmod 600 {} \\;",
        "find <folder> -maxdepth 1 -type f -exec cp {} <other> \\;", "find <folder> -empty -delete",
        "find <folder> -type f -name 'a*' -exec mv {} <other> \\;",
        "find <folder> ! -name a -type f -delete", "find <folder> -type d -name sub -exec rm -rf {} +",
        "find <folder> -type f -exec touch {} +", "find <folder> -type f -exec sed -i s/a/b/ {} +",
        "find <folder> -type d -empty -exec rmdir {} \\;",
        "find <folder> <other> -type f -exec chmod g=u {} +",
        "find <folder> -path '*/sub*' -exec chmod 700 {} +", "find <folder> -type l -exec rm {} +",
        "find <folder> -type f -exec sh -c 'chmod 600 \"$1\"' _ {} \\;",
    ),
    "xargs": (
        "find <folder> -type f -print0 | xargs -0 chmod 600", "find <folder> -type f | xargs rm -f",
        "find <folder> -type d -print0 | xargs -0 -r chmod g+s",
        "echo <folder>/n1 <folder>/n2 | xargs touch", "echo <other>/made | xargs mkdir -p",
        "ls -d <folder>/* | xargs -I{} cp -r {} <other>/",
        "find <folder> -type f | xargs -I{} mv {} <other>", "printf '<file>\\n' | xargs rm",
        "find <folder> -name '*.conf' | xargs sed -i s/a/b/", "find <folder> -print0 | xargs -0 ls",
        "echo <folder> | xargs -n1 chmod 700", "find <folder> -type f | xargs -I F cp F <other>",
    ),
    "loop": (
        "ls <folder> | while read f; do rm -rf <folder>/$f; done",
        'for f in <folder>/*; do chmod 600 "$f"; done',
        "for f in $(ls <folder>); do mv <folder>/$f <other>/; done", "while false; do touch <new>; done",
        'find <folder> -type f | while read f; do chmod 640 "$f"; done',
        "for f in a b; do mkdir -p <folder>/$f; chmod 750 <folder>/$f; done",
    ),
    "stream": (
        "tar -C <folder> -cf - . | tar -C <other> -xf -",
        "(cd <folder> && tar cf - .) | (cd <other> && tar xpf -)",
        "tar -cf - -C <folder> . | tar -xf - -C <other> --no-same-owner",
        "cat <file> | tee <folder>/tee > /dev/null",
    ),
    "archive": tuple(
        f"{private} && {pack} && {unpack}" for private in _PRIVATE for pack in _PACKED for unpack in _UNPACKED
    ),
    "later archive": (*_PACKED, *_UNPACKED),
    "shell": (
        "bash -c 'pushd <folder> && touch pushed && popd && touch <new>'",
        'f() { mkdir -p "$1"; }; f <new>', "[ -e <new> ] || mkdir -p <new>",
        "[ -f <file> ] && chmod 600 <file>", "! [ -d <folder> ] || touch <folder>/or",
        "case x in x) touch <new>;; *) mkdir <new>;; esac", "cd <folder>; cd ..; touch up",
        "cd <folder> && cd - && touch back", "cd $(dirname <file>) && touch dir",
        "export D=<folder>; touch $D/exported", "D=<folder> && cp <file> $D/", 'eval "touch <new>"',
        "set -e; mkdir -p <new>; cd <new>; touch in", "touch <folder>/$(basename <file>).b",
        "if grep -q hi <file>; then echo x > <new>; fi",
        "test -d <folder> && { touch <new>; chmod 600 <new>; }",
        "(cd <folder> && touch sub && chmod 600 sub) && ls", "mkdir -p <new> && cd <new> && touch x y",
        "sh -ec 'cd <folder>; touch ec'", "cd /tmp && touch <new> || true",
        "true && touch <new> || touch <new>2", "chmod +x <file> && <file> || true",
        "cp <file> <new> && sh <new>", "env X=1 touch <new>", "nice touch <new>", "timeout 5 touch <new>",
        "command touch <new>",
    ),
    "linked perhaps": tuple(
        f"{linked}\n{below.replace('@', '<new>')}" for linked in _LINKED for below in _BELOW
    ),
    "below a link": tuple(
        below.replace("@", "<link>") for below in (*_BELOW, "chown -R 10001 @/", "chown 10001 @")
    ),
    "another user": tuple(
        switch.replace("@", todo)
        for switch in _SWITCHES
        for todo in _AS_APP
        if "-- @" not in switch or ">" not in todo
    ),
    # None stays: whoever read it would wait.
    "pipe": (
        "mkfifo <new> && rm <new>", "mkfifo -m 600 <new> && chmod 666 <new> && rm -f <new>",
        "mknod <new> p && rm <new>", "mkfifo <new> && mv <new> <folder>/pipe && rm <folder>/pipe",
        "mkdir -p <new> && mkfifo <new>/p && rm -r <new>",
    ),
    "split": (
        "split -b 1 <file> <new>.", "split -l 1 <file> <new>", "cd <folder> && split -b 1 /etc/issue",
        "split -d -n 2 <file> <new>- && chmod 600 <new>-00", "split -b 1 - <new>. < <file>",
        "split -b 1 <file> <new>. && cat <new>.* > <new>", "csplit -s -f <new> <file> 1",
    ),
    "tree of hard links": (
        "cp -al <folder> <new>", "cp -rl <folder> <new>", "cp -al <folder>/. <other>/",
        "cp -lR <folder> <new>", "cp -al <folder> <new> && find <new> -type f -exec chmod 600 {} +",
        "cp -lf <file> <file2>", "cp -al <folder> <new> && rm -rf <folder>",
        "cp -l <file> <folder>/ || true", "cp -al <file> <new> && echo hi >> <new>",
    ),
    "more install": (
        "install -t <folder> <file> <file2>", "install -m 0755 -d <new> && install -m 0644 <file> <new>/f",
        "install <file> <file2> <folder>", "install -D -m 755 -t <new> <file>",
        "install -v -m 600 /dev/null <new>", "install -m 600 /dev/stdin <new> < <file>",
        "install -m 640 <file> <folder>/i && mv <folder>/i <new>", "install -b -m 600 <file> <file2>",
        "install -d -m 700 <new>/a/b", "install -m u=rw,go= <file> <new>",
    ),
    "more copies": (
        "cp -r <folder>/. <new>", "cp --backup=simple <file> <file2>", "mv -b <file> <file2>",
        "cp --attributes-only <file> <new>", "cp -rup <folder>/. <other>/", "cp -ar <folder> <other>/n",
        "cp --reflink=auto <file> <new>", "cp -xa <folder> <new>", "cp -rs <folder> <new>",
        "cp -r <folder> <other> <new>", "cp <folder>/* <other>/ || true", "cp -R -P <folder> <new>",
        "cp -r -t <other> <folder>", "cp --parents -r <folder> <other>", "cp -a --parents <file> <folder>",
        "cd <folder> && cp -r --parents . <other>", "cp -pr <folder>/* <other>/ 2>/dev/null || true",
        "cp -Lr <folder>/. <other>/", "cp -a <folder>/. <new>/", "cat <file> <file2> > <new>",
        "mkdir -p <new> && cp -r <folder>/* <new>/", "cp -r <folder>/. <other>/. && rm -rf <folder>",
    ),
    "more moves": (
        "mv <file> <file2> <folder>", "mv -u <file> <new>", "mv -f <any> <new>",
        "mv <folder> <new> && mkdir <folder>", "mkdir -p <new> && mv <file> <new>/",
        "mv <folder> <folder>.old && mkdir -p <folder> && cp -a <folder>.old/. <folder>/",
        "mkdir -p <new> && mv <folder>/* <new>/", "mv <folder>/.[!.]* <other>/ || true",
        "mkdir -p <new> || true\nmv <folder>/* <new>/", "mv <folder>/* <folder>/.[!.]* <other>/ || true",
        "mkdir -p <new> && mv <file> <new>/m && ln -s <new>/m <file>", "mv -t <other> <folder>/*",
        "mkdir <folder>/opt || true\nmv <folder>/* <other>/", "mv -f <folder>/*.txt <other>/ || true",
        "[ -d /nowhere ] && mkdir <folder>/opt || true\nmv <folder>/* <other>/",
        "[ -d /etc ] && mkdir <folder>/opt || true\nmv <folder>/* <other>/", "cd <folder> && mv ./* ..",
        "mv <folder>/ <new>", "mv -n <folder>/* <other>/",
    ),
    "more modes": (
        "chmod a=r,u+w <file>", "chmod ug=rwx,o= <folder>", "chmod -R ug+rwX,o-rwx <folder>",
        "chmod u+s,g-s <file>", "chmod =rx <any>", "chmod g-s <folder>", "chmod -R +t <folder>",
        "touch <new> && chmod 444 <new> && echo x >> <new>", "chmod -w <file> && sed -i s/a/b/ <file>",
        "mkdir <new> && chmod 555 <new> && touch <new>/x", "mkdir -m 1777 <new> && touch <new>/x",
        "chmod -R u+w <folder> && rm -rf <folder>", "chmod 0777 <folder> && chmod 644 <folder>/* || true",
        "chmod o+t,g+s <folder>", "chmod a+rwx <any> && chmod g-w <any>", "chmod u=g <file>",
        "chmod g=u,o=g <any>", "chmod -R a=rX,u+w <folder>",
        "chmod 6755 <file> && chown 10001 <file> || true", "chmod u-x+X <any>",
        "chmod -R 755 <folder> && find <folder> -type f -exec chmod 644 {} +",
    ),
    "more find": (
        "find <folder> \\( -type f -o -type l \\) -delete",
        "find <folder> -mindepth 1 -type d -exec rm -rf {} +",
        "find <folder> -not -user 10001 -exec chmod g+r {} +",
        "find <folder> -newer <file> -type f -delete",
        "find <folder> -type f ! -name '*.txt' -exec rm {} +",
        "find <folder> -depth -type d -exec chmod 750 {} \\;",
        "find <folder> -name a -o -name b.txt | xargs rm -f",
        "cd <folder> && find . -type f -exec chmod 640 {} +",
        "find <folder> -type f -exec mv {} {}.bak \\;", "find <folder> -type f -exec cp {} {}.copy \\;",
        "find <folder> -type f -exec install -m 600 {} <other> \\;",
        "find <folder> -depth -type d -exec mkdir {}/new \\;",
        "find <folder> -type d -exec touch {}/mark \\;",
        "find <folder> -type f -exec ln -s {} <other>/ \\;",
        "find <folder> -type d -exec chmod 755 {} + -o -type f -exec chmod 644 {} +",
        "find <folder> -type d -exec chmod 755 {} \\; -o -type f -exec chmod 644 {} \\;",
        "find <folder> -type f -exec cp -p {} <other>/c \\;",
        "find <folder> -name '*.txt' -exec cp {} <new>/ \\;",
        "find <folder> -type d -print0 | xargs -0 chmod 755", "find <folder> -exec touch {} +",
        "find <folder> -type f -name 'a*' -execdir mv {} moved \\;", "find <folder> -xtype l -delete",
        "find <folder> -type f -links 1 -exec chmod o= {} +", "find <folder> -prune -exec chmod 700 {} +",
        "find <folder> -maxdepth 0 -exec chmod 700 {} \\;",
        "find <folder> -mindepth 1 -exec chmod g-w {} +",
        "find <folder> -type f -exec sed -i.bak s/a/b/ {} +", "find <folder> -iname A -delete",
        "find <folder> -type f -exec cp --parents {} <other> \\;",
        "find <folder> -type d -exec cp /etc/issue {} \\;",
        "find <folder> -type f -print0 | xargs -0 -I{} cp {} <new>", "find <folder> -size 0 -delete",
        "find <folder> -type f -exec mv -t <other> {} +", "find <folder> -type f -exec cp -t <other> {} +",
    ),
    "more archives": (
        "tar -cf <new> --owner=10001 --group=10001 -C <folder> . && tar -xf <new> -C <other>",
        "tar -cf <new> --mode=700 -C <folder> . && tar -xf <new> -C <other>",
        "tar -cf <new> --exclude=a -C <folder> . && tar -xf <new> -C <other> --no-same-owner",
        "tar -C <folder> -czf <new>.tgz . && tar -xzf <new>.tgz -C <other> && rm <new>.tgz",
        "tar -cf - <folder> | (cd <other> && tar xf -)", "tar -cf <new> --remove-files -C <folder> .",
        "tar cf <new> <file> && tar tf <new>", "tar cf <new> <file> <file2> && tar xf <new> -C <folder>",
        "tar -C <folder> -cf <new> . && tar -xf <new> --transform s/a/z/ -C <other>",
        "tar -C <folder> -cf <new> . && tar -xkf <new> -C <other> || true",
        "tar -C <folder> -cf <new> . && tar --overwrite -xf <new> -C <other>",
        "tar -C <folder> -cf <new> . && tar -xmf <new> --no-overwrite-dir -C <other>",
        "tar -C <folder> -cf <new> . && tar -rf <new> <file> && tar -xf <new> -C <other>",
        "tar -C <folder> -cf <new> . && mkdir <new>d && tar -xf <new> -C <new>d --no-same-owner -p",
        "tar -C <folder> -cf <new> . && tar -xf <new> --owner=0 -C <other>",
        "tar -C <folder> -cf <new> . && tar xOf <new> > <new>.out || true", "gzip -r <folder>",
        "gzip < <file> > <new>.gz && gunzip <new>.gz", "gunzip -f <file> || true",
        "gzip -c <file> | gunzip > <new>", "gzip -k <file> && zcat <file>.gz > <new>", "bzip2 <file>",
        "tar -C <folder> -cf - . | gzip > <new>", "tar -C <folder> -cO . > <new> || true",
    ),
    "more text": (
        "echo hi | tee -a <file> <new>", "sed s/a/b/ <file> | tee <new> > /dev/null",
        "tr a b < <file> > <new>", "head -c 10 /dev/zero > <new>", "yes | head -1 > <new>",
        "diff <file> <file2> > <new> || true", "md5sum <file> | tee <new>", "wc -l <file> > <new>",
        "env > <new>",  "sort -u <file> -o <file>", "truncate -s 10 <new> <file>",
        "shred -u <file>",
        "dd if=/dev/zero of=<file> bs=1 count=1 conv=notrunc 2>/dev/null",
        "dd of=<new> < <file> 2>/dev/null", "touch -a <file>", "touch -m <new>", "touch -h <link>",
        "touch --no-create <new>", "fallocate -l 1 <new>", "ln -s <new>2 <new> && echo hi > <new>",
        "ln -s <new>2 <new> && touch <new> && chmod 600 <new>2",
        "ln -s <new>2 <new> && cp <file> <new> || true", "script -qc true <new> || true",
        "printf '' >> <file>", "sed -i -e '1i x' -e '$a y' <file>",
        "sed -i '/hi/d' <file> && chmod o= <file>", "awk 1 <file> >> <file2>",
        "sed -i.orig s/a/b/ <file> && rm <file>.orig", "cat <file> | sed s/a/b/ > <new>; chmod +x <new>",
    ),
    "more owners": (
        "chown -R $(id -u):$(id -g) <folder>", "chown --no-dereference 10001 <any>", "chown -c 10001 <any>",
        "find <folder> -user root -exec chown -h 10001 {} +",
        "find <folder> -exec chown -h 10001:10001 {} +", "chown -R 10001 <folder> && chmod -R 700 <folder>",
        "chown 10001:10001 <folder> <folder>/*", "chown -R 10001:10001 <folder> <other>",
        "find <folder> -type d -exec chown 10001 {} +",
        "find <folder> ! -user 10001 -exec chown 10001:10001 {} +",
        "chown -R :10001 <folder> && chmod -R g+w <folder>",
        "install -d -o 10001 -g 10001 <new> && touch <new>/root", "chown 10001 $(find <folder> -type f)",
        "find <folder> -type f -print0 | xargs -0 chown 10001:0",
        "chown -R --from=0:0 10001:10001 <folder>",
    ),
    "more accounts": (
        "useradd -m -u <uid> <user> && usermod -u 4<uid> <user>",
        "useradd -m -u <uid> <user> && usermod -g 0 <user>",
        "groupadd -g <uid> <user> && useradd -m -u <uid> -g <user> <user> && groupmod -g 4<uid> <user>",
        "groupadd -g <uid> <user> && useradd -m -u <uid> -g <user> <user> && usermod -u 4<uid> <user>",
        "useradd -m -u <uid> <user> && usermod -l n<user> <user>",
        "useradd -u <uid> <user> && passwd -d <user>",
        "useradd -m -u <uid> <user> && su <user> -c 'touch ~/own'",

        "getent passwd <user> || useradd -m -u <uid> <user>", "id <user> || useradd -u <uid> -m <user>",
        "useradd -m -d <folder>/home -u <uid> <user>",
        "useradd -rm -d <new> -s /bin/sh -g root -u <uid> <user>",
        "adduser --system --no-create-home --uid <uid> <user>",
        "addgroup --gid <uid> g<user> && adduser --uid <uid> --gid <uid> --disabled-login --gecos '' <user>",
        "useradd -m -u <uid> <user> && chmod 750 /home/<user> && su <user> -c 'mkdir -p ~/.config'",
        "mkdir -p /home/<user> && useradd -u <uid> <user> && chown <user> /home/<user>",
    ),
    "account": (
        "useradd -m -d <folder> -u <uid> <user>", "useradd -m -d <new> -u <uid> <user>",
        "useradd -r -u <uid> <user>", "useradd -d <folder> -u <uid> <user>",
        "useradd -u <uid> -U -m <user> && touch /home/<user>/x", "useradd -M -u <uid> <user>",
        "adduser --disabled-password --gecos '' --uid <uid> <user>",
        "adduser --system --uid <uid> --home <folder> <user>",
        "adduser --system --group --uid <uid> <user>",
        "adduser --disabled-password --gecos '' --no-create-home --uid <uid> <user>",
        "adduser --disabled-password --gecos '' --home <new> --uid <uid> <user>",
        "useradd -m -u <uid> <user> && userdel -r <user>", "useradd -b <folder> -m -u <uid> <user>",
        "useradd -m -u <uid> <user> && usermod -d <new> -m <user>",
        "useradd -m -u <uid> <user> && usermod -aG 0 <user>",
        "groupadd -g <uid> g<user> && useradd -m -g g<user> -u <uid> <user>",
        "useradd -m -k /nonexistent -u <uid> <user>",
        "useradd -m -g 0 -u <uid> <user> && chown <user> <folder>",
        "useradd -ms /bin/sh -u <uid> <user> && install -d -o <user> -g <user> <new>",
        "useradd -m -u <uid> <user> && chown -R <user>: <folder>",
    ),
}  # fmt: skip
"""Commands by what they show."""
_WEIGHTS: Final = {
    "account": 2, "linked perhaps": 5, "below a link": 4, "copy": 5, "copy of a tree": 5, "mode": 5,
    "write": 6, "find": 5, "shell": 6, "another user": 4, "archive": 4, "shared directory": 4,
    "install as root": 2, "stream": 2, "code": 1, "here string": 2, "variable": 5, "loop over names": 5,
    "nested": 5, "condition": 5, "function": 4, "more find": 6, "more copies": 5, "more moves": 5,
    "more archives": 4, "more modes": 4, "more accounts": 2, "trap": 1,
}  # fmt: skip
_ROOTS: Final = ("account", "more accounts", "more owners", "another user", "install as root")


def write_idiom(choices: Choices, kind: str) -> str:
    """A command of a kind, with the paths of the world; raises Impossible if that lacks one."""
    if kind in _ROOTS and not choices.is_root:
        raise Impossible
    if kind == "another user" and "app" not in choices.world.accounts:
        raise Impossible
    chosen: dict[str, str] = {}
    number = choices.random.randrange(10)
    text = (
        choices.random.choice(TEMPLATES[kind])
        .replace("<user>", f"u{number}")
        .replace("<uid>", f"3000{number}")
    )

    def fill(match: re.Match[str]) -> str:
        if match[0] not in chosen:
            chosen[match[0]] = _choose(choices, match[1], chosen)
        return chosen[match[0]]

    text = _HOLE.sub(fill, text)
    if kind == "tree of hard links" and chosen.get("<new>", "").startswith(chosen.get("<folder>", "?") + "/"):
        # cp would link its own links.
        raise Impossible
    # xargs and `for` separate names at their blanks.
    if _SEPARATING.search(text) and any(" " in path for path in choices.world.files | choices.world.folders):
        raise Impossible
    return text


def _choose(choices: Choices, hole: str, chosen: Mapping[str, str]) -> str:
    random, world = choices.random, choices.world
    words = {"mode": _CLOSING, "umask": UMASKS, "name": NAMES[:4]}
    if hole in words:
        return random.choice(words[hole])
    paths: Mapping[str, Callable[[], str]] = {
        "any": choices.anything, "file": choices.file, "folder": choices.folder, "other": choices.folder,
        "new": choices.new, "link": lambda: choices.pick(world.links),
    }  # fmt: skip
    path = paths[hole]()
    if " " in path or path.startswith("/etc") or path in chosen.values():
        raise Impossible
    if hole == "new" and (posixpath.dirname(path) not in world.folders or path in world.files):
        raise Impossible
    if hole == "any" and path in FOLDERS[-4:]:
        raise Impossible
    first = chosen.get("<folder>") or chosen.get("<any>") or ""
    if (
        hole == "other"
        and first
        and (f"{path}/".startswith(f"{first}/") or f"{first}/".startswith(f"{path}/"))
    ):
        raise Impossible
    return path


IDIOMS: Final = tuple((kind, _WEIGHTS.get(kind, 3)) for kind in TEMPLATES)
"""The kinds, and how often each is taken."""
