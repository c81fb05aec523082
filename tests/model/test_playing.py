"""What commands leave behind: owners, modes, capabilities, and removals."""

from __future__ import annotations

import pytest
from trees import APP, plant, play, show

from dockfix.model.changes import Change
from dockfix.model.filetree import FileTree, Kind, Node
from dockfix.model.permissions import ROOT, Identity

D = "/d dir"
F = "/d/f file 0 640"

# (tree, who, script, path, what stands there afterwards)
LEFT: list[tuple[tuple[str, ...], Identity, str, str, str]] = [
    # New things: the umask, -m, and what a directory that sets the group hands down.
    ((), ROOT, "mkdir /x", "/x", "dir 0 755"),
    ((), ROOT, "umask 027 && mkdir /x", "/x", "dir 0 750"),
    ((), ROOT, "umask u=rwx,go= && mkdir -p /x/y", "/x", "dir 0 700"),
    ((), ROOT, "mkdir -p -m 700 /x/y", "/x", "dir 0 755"),
    ((), ROOT, "mkdir -p -m 700 /x/y", "/x/y", "dir 0 700"),
    (("/x dir 0 755",), ROOT, "mkdir -p -m 700 /x", "/x", "dir 0 755"),
    ((), ROOT, "umask 077; (umask 022; mkdir /x); mkdir /y", "/x", "dir 0 755"),
    (("/d dir 0:50 2775",), ROOT, "mkdir /d/x", "/d/x", "dir 0:50 2755"),
    (("/d dir 0:50 2775",), ROOT, "mkdir -p -m 700 /d/x", "/d/x", "dir 0:50 2700"),
    (("/d dir 0:50 2775",), ROOT, "touch /d/x", "/d/x", "file 0:50 644"),
    (("/d dir 10001",), APP, "echo hi > /d/x", "/d/x", "file 10001 644"),
    (("/d dir 10001",), APP, "echo hi | tee /d/x", "/d/x", "file 10001 644"),
    # Writing keeps owner and mode, and takes capabilities; set-id bits unless root writes.
    ((D, F), ROOT, "echo hi >> /d/f", "/d/f", "file 0 640"),
    ((D, "/d/f file 7 640"), ROOT, "echo hi > /d/f", "/d/f", "file 7 640"),
    ((D, "/d/f file 0 755 capable"), ROOT, "echo hi > /d/f", "/d/f", "file 0 755"),
    ((D, "/d/f file 0 4755"), ROOT, "echo hi > /d/f", "/d/f", "file 0 4755"),
    ((D, "/d/f file 0 4777"), APP, "echo hi > /d/f", "/d/f", "file 0 777"),
    ((D, "/d/f file 7 600 | absent"), ROOT, "touch /d/f", "/d/f", "file 7 600 | file 0 644"),
    # In the place of the old file: only root can keep its owner; a link becomes a file.
    ((D, "/d/f file 7 640"), ROOT, "sed -i s/a/b/ /d/f", "/d/f", "file 7 640"),
    (("/d dir 10001", F), APP, "cp /d/f /d/f", "/d/f", "file 0 640"),
    (("/d dir 10001", "/d/f file 0 644"), APP, "sed -i s/a/b/ /d/f", "/d/f", "file 10001 644"),
    ((D, F, "/l link /d/f"), ROOT, "sed -i s/a/b/ /l", "/l", "file 0 640"),
    ((D, "/d/f file 7 755 capable"), ROOT, "sed -i.bak s/a/b/ /d/f", "/d/f", "file 7 755"),
    ((D, "/d/f file 7 755 capable"), ROOT, "sed -i.bak s/a/b/ /d/f", "/d/f.bak", "file 7 755 capable"),
    # What cannot be written is replaced, with -f and in a directory of one's own.
    (("/d dir 10001", F, "/g file 0 644"), APP, "cp -f /g /d/f", "/d/f", "file 10001 644"),
    (("/d dir 10001", "/d/f file 0 666", "/g file 0 644"), APP, "cp -f /g /d/f", "/d/f", "file 0 666"),
    ((D, F, "/g file 0 644"), APP, "cp -f /g /d/f", "/d/f", "file 0 640"),
    ((D, F), ROOT, "gzip /d/f", "/d/f", "absent"),
    ((D, F), ROOT, "gzip /d/f", "/d/f.gz", "file 0 640"),
    ((D, "/d/f.gz file 0 640"), ROOT, "gunzip -k /d/f.gz", "/d/f", "file 0 640"),
    ((D, "/d/f.gz file 0 640"), ROOT, "gunzip -k /d/f.gz", "/d/f.gz", "file 0 640"),
    # Owners: set-id bits and capabilities of files go with them.
    ((D, "/d/f file 0 6755 capable"), ROOT, "chown 7 /d/f", "/d/f", "file 7:0 755"),
    ((D, "/d/f file 0 2644"), ROOT, "chown 7:7 /d/f", "/d/f", "file 7 2644"),
    (("/d dir 0 2755",), ROOT, "chown 7:7 /d", "/d", "dir 7 2755"),
    ((D, F), ROOT, "chown -R 7:7 /d", "/d/f", "file 7 640"),
    ((D, F), ROOT, "chown --from=7 -R 9 /d", "/d/f", "file 0 640"),
    ((D, "/d/f file 0:7"), ROOT, "chown --from=:7 9 /d/f", "/d/f", "file 9:7 755"),
    ((D, F, "/l link /d"), ROOT, "chown -R 7 /l", "/d/f", "file 0 640"),
    ((D, F, "/l link /d/f"), ROOT, "chown 7 /l", "/d/f", "file 7:0 640"),
    ((D, F, "/l link /d/f"), ROOT, "chown -h 7 /l", "/d/f", "file 0 640"),
    ((D, F), ROOT, "chgrp -R 50 /d", "/d/f", "file 0:50 640"),
    ((D, "/d/f file 0"), ROOT, "setcap cap_net_raw+ep /d/f; chown 7:7 /d/f", "/d/f", "file 7 755"),
    ((D, "/d/f file 0"), ROOT, "chown 7:7 /d/f; setcap cap_net_raw+ep /d/f", "/d/f", "file 7 755 capable"),
    # Modes.
    ((D, F), ROOT, "chmod -R u=rwX,go=rX /d", "/d/f", "file 0 644"),
    ((D, F), ROOT, "chmod g=u /d/f", "/d/f", "file 0 660"),
    ((D, F), ROOT, "umask 077; chmod +x /d/f", "/d/f", "file 0 740"),
    ((D, F, "/l link /d"), ROOT, "chmod -R 700 /l", "/d/f", "file 0 700"),
    (("/d dir 10001:50",), APP, "chmod g+s /d", "/d", "dir 10001:50 755"),
    ((D, "/d/a file", "/d/.b file"), ROOT, "chmod 600 /d/*", "/d/a", "file 0 600"),
    ((D, "/d/a file", "/d/.b file"), ROOT, "chmod 600 /d/*", "/d/.b", "file 0 755"),
    # cp: new files are whoever copies', existing ones keep owner and mode.
    ((D, F), ROOT, "cp /d/f /g", "/g", "file 0 640"),
    ((D, "/d/f file 7 4666"), ROOT, "cp /d/f /g", "/g", "file 0 644"),
    ((D, "/d/f file 7 4755 capable"), ROOT, "cp -p /d/f /g", "/g", "file 7 4755"),
    ((D, "/d/f file 7 4755 capable"), ROOT, "cp -a /d/f /g", "/g", "file 7 4755 capable"),
    (("/d dir 10001", "/d/f file 7 4755"), APP, "cp -p /d/f /d/g", "/d/g", "file 10001 755"),
    ((D, F, "/g file 7 600"), ROOT, "cp /d/f /g", "/g", "file 7 600"),
    ((D, F), ROOT, "cp -r /d /e", "/e/f", "file 0 640"),
    ((D, F, "/e dir"), ROOT, "cp -r /d /e", "/e/d/f", "file 0 640"),
    ((D, F, "/e dir 7 700"), ROOT, "cp -r /d/. /e", "/e/f", "file 0 640"),
    ((D, F, "/e dir 7 700"), ROOT, "cp -r /d/. /e", "/e", "dir 7 700"),
    ((D, F, "/e dir 7 700"), ROOT, "cp -a /d/. /e", "/e", "dir 0 755"),
    (("/s dir 0 757", "/d dir 10001:50"), APP, "cp -rp /s/. /d", "/d", "dir 10001:50 757"),
    ((D, F, "/l link /d/f"), ROOT, "cp /l /g", "/g", "file 0 640"),
    ((D, F, "/l link /d/f"), ROOT, "cp -a /l /g", "/g", "link /d/f"),
    ((D, F, "/g link /h", "/h file 7 600"), ROOT, "cp /d/f /g", "/h", "file 7 600"),
    ((D, "/d/a file 0 600", "/d/b file 0 644", "/e dir"), ROOT, "cp /d/* /e/", "/e/a", "file 0 600"),
    # mv: the same thing elsewhere.
    ((D, "/d/f file 7 4755 capable"), ROOT, "mv /d/f /g", "/g", "file 7 4755 capable"),
    ((D, "/d/f file 7 4755 capable"), ROOT, "mv /d/f /g", "/d/f", "absent"),
    ((D, F, "/e dir"), ROOT, "mv /d /e", "/e/d/f", "file 0 640"),
    ((D, F, "/e dir"), ROOT, "mv -T /d /e", "/e/f", "file 0 640"),
    ((D, F, "/l link /d/f", "/e dir"), ROOT, "mv /l /e", "/e/l", "link /d/f"),
    ((D, F, "/e dir 7 | absent"), ROOT, "mv /d/f /e", "/e", "dir 7 755 | file 0 640"),
    # ln.
    ((D,), ROOT, "ln -s /a /d", "/d/a", "link /a"),
    ((D, "/l link /d"), ROOT, "ln -sfn /a /l", "/l", "link /a"),
    ((D, "/l link /d"), ROOT, "ln -sf /a /l", "/d/a", "link /a"),
    ((D, "/l link /d"), ROOT, "ln -s a /l/b", "/d/b", "link a"),
    ((D, F), ROOT, "ln /d/f /g", "/g", "file 0 640"),
    # A link for each path that a pattern, a loop over one, or find names.
    ((D, F, "/e dir"), ROOT, "ln -s /d/* /e", "/e/f", "link /d/f"),
    ((D, F, "/e dir"), ROOT, 'for x in /d/*; do ln -s "$x" /e/; done', "/e/f", "absent | link /d/f"),
    ((D, F, "/e dir"), ROOT, "find /d -type f -exec ln -s {} /e/ \\;", "/e/f", "absent | link /d/f"),
    # A relative one leads from where it stands to where its target's links lead.
    ((D, F, "/e dir"), ROOT, "ln -sr /d/f /e/g", "/e/g", "link ../d/f"),
    ((D, F, "/l link /d/f", "/e dir"), ROOT, "ln -sr /l /e/g", "/e/g", "link ../d/f"),
    ((D, F, "/l link /e", "/e dir", "/e/in dir"), ROOT, "ln -sr /d/f /l/in/g", "/e/in/g", "link ../../d/f"),
    (
        (D, "/d/.f file", "/e dir"),
        ROOT,
        "find /d -type f -exec ln -s {} /e/ \\;",
        "/e/.f",
        "absent | link /d/.f",
    ),
    (
        (D, "/d/in dir", "/d/in/f file", "/e dir"),
        ROOT,
        "find /d -type f -exec ln -s {} /e/ \\;",
        "/e/f",
        "absent | link /d/in/f",
    ),
    ((D, F, "/e dir"), ROOT, "cp -rs /d/. /e", "/e/f", "link /d/f"),
    ((D, F, "/e dir"), ROOT, "cp -s /d/f /e/g", "/e/g", "link /d/f"),
    # install: a new file each time, whatever the umask.
    ((D, F), ROOT, "umask 077; install /d/f /g", "/g", "file 0 755"),
    ((D, F, "/e dir"), ROOT, "install -m 600 -o 7 -g 8 /d/f /e", "/e/f", "file 7:8 600"),
    ((D, F, "/e dir"), ROOT, "install -m 600 /d/f /e", "/e", "dir 0 755"),
    ((D, F, "/e dir 0:50 2755"), ROOT, "install -g 8 /d/f /e", "/e/f", "file 0:8 755"),
    ((D, F, "/e file 7 444"), ROOT, "install /d/f /e", "/e", "file 0 755"),
    ((D, F), ROOT, "umask 077; install -D -m 600 /d/f /e/g", "/e", "dir 0 755"),
    ((), ROOT, "umask 077; install -d -m 700 -o 7 /x/y", "/x/y", "dir 7:0 700"),
    ((), ROOT, "umask 077; install -d -m 700 -o 7 /x/y", "/x", "dir 0 755"),
    ((D,), ROOT, "install -d -m 700 /d", "/d", "dir 0 700"),
    # find.
    ((D, F), ROOT, "find /d -type f -exec chmod 600 {} +", "/d/f", "file 0 600"),
    ((D, F), ROOT, "find /d -type f -exec chmod 600 {} +", "/d", "dir 0 755"),
    ((D, F), ROOT, "find /d -type d -exec chmod 700 {} \\;", "/d", "dir 0 700"),
    ((D, F), ROOT, "find /d -name x -exec chmod 600 {} +", "/d/f", "file 0 640 | file 0 600"),
    ((D, F), ROOT, "find /d -user 7 -exec chown 9 {} +", "/d/f", "file 0 640"),
    ((D, F), ROOT, "find /d -user root -exec chown 9 {} +", "/d/f", "file 9:0 640"),
    ((D, F), ROOT, "find /d -type f -delete", "/d/f", "absent"),
    ((D, F), ROOT, "find /d -name '*.pyc' -delete", "/d/f", "file 0 640"),
    ((D, F), ROOT, "find /d -name 'f*' -delete", "/d/f", "absent"),
    ((D, F), ROOT, "find /d -type d -name x -exec rm -rf {} +", "/d/f", "file 0 640"),
    (
        (D, "/d/l link /f", "/f file 0 640"),
        ROOT,
        "find /d -exec chown 9 {} +",
        "/f",
        "file 0 640 | file 9:0 640",
    ),
    ((D, "/d/l link /f", "/f file 0 640"), ROOT, "find /d -exec chown -h 9 {} +", "/f", "file 0 640"),
    ((D, "/d/l link /f", "/f file 0 640"), ROOT, "find /d -type f -exec chown 9 {} +", "/f", "file 0 640"),
    # What find copies or moves to where no directory is gets that name; nothing makes a directory for it.
    ((D, F), ROOT, "find /d -type f -exec cp {} /e \\;", "/e", "absent | file 0 640 | any 0 755"),
    ((D, F), ROOT, "find /d -type f -exec mv {} /e \\;", "/e", "absent | file 0 640 | any 0 755"),
    ((D, F), ROOT, "find /d -type f -exec cp {} /e/in \\;", "/e", "absent"),
    ((D, F), ROOT, "find /d -type f -exec cp {} /e/in \\;", "/e/in", "absent"),
    # What find prints, xargs appends or puts in the place of its placeholder; what echo prints too.
    ((D, F), ROOT, "find /d -type f -print0 | xargs -0 chmod 600", "/d/f", "file 0 600"),
    ((D, F), ROOT, "find /d -type f | xargs rm", "/d/f", "absent"),
    (
        (D, F, "/e dir"),
        ROOT,
        "find /d -type f | xargs -I F cp F /e",
        "/e/f",
        "file 0 640 | any 0 755 | absent",
    ),
    ((), ROOT, "echo /x /y | xargs -n 1 mkdir", "/y", "dir 0 755"),
    ((D, F), ROOT, "ls /d | xargs chmod 600", "/d/f", "file 0 640"),
    ((), ROOT, "printf '%s\\n' /x /y | xargs -n 1 mkdir", "/y", "dir 0 755"),
    ((D, "/s file 0 644"), ROOT, "echo a b | xargs -I{} install -m 600 /s /d/{}", "/d/a", "file 0 600"),
    ((D,), ROOT, "mktemp /d/XXXX | xargs -I{} mv {} /d/a", "/d/a", "file 0 600"),
    # Under a name that is not known, anything in the directory may be closed.
    ((D, F), ROOT, "for x in $L; do chmod 600 /d/$x; done", "/d/f", "file 0 640 | any 0 600"),
    ((D, F), ROOT, "chmod 600 /d/$(cat names)", "/d/new", "any 0 600 | absent"),
    ((D, F), ROOT, "chmod 644 /d/$(cat names)", "/d/f", "file 0 640"),
    ((D, F), ROOT, "chmod 888 /d/$(cat names)", "/d/f", "file 0 640"),
    ((D, F), ROOT, 'while read x; do install -o 7 -m 600 /s "/d/in/$x"; done', "/d/f", "file 0 640"),
    (
        (D, "/s file 0 644"),
        ROOT,
        "ls | xargs -I F install -o 7 -m 600 /s /d/F",
        "/d/new",
        "any 7:0 600 | absent",
    ),
    ((D, "/e dir"), ROOT, "mkdir -m 700 /d/$x && touch /e/f", "/d/new", "any 0 700 | absent"),
    # A shell's variables and directory end with it; a loop starts each round anew, and may end early.
    ((), ROOT, "D=/x; (D=/y; touch $D); mkdir $D", "/x", "dir 0 755"),
    ((D,), ROOT, "mkdir /d/a /d/b; cd /d; for x in a b; do (cd $x && touch f); done", "/d/b/f", "file 0 644"),
    ((), ROOT, "for x in /a /b; do [ $x = /a ] && continue; touch $x; done", "/a", "absent | file 0 644"),
    ((), ROOT, "for x in /a /b; do touch $x; break; done", "/a", "file 0 644"),
    ((), ROOT, "for x in /a /b; do touch $x; break; done", "/b", "absent | file 0 644"),
    ((), ROOT, "if [ -e /x ]; then exit 0; fi; touch /a", "/a", "absent | file 0 644"),
    ((), ROOT, "test -e /x || exit 1; touch /a", "/a", "file 0 644"),
    ((), ROOT, "f() { [ -e /x ] && return; touch /a; }; f; touch /b", "/a", "absent | file 0 644"),
    ((), ROOT, "f() { [ -e /x ] && return; touch /a; }; f; touch /b", "/b", "file 0 644"),
    ((), ROOT, "n=1; while [ $n -lt 3 ]; do touch /a$n; n=$((n+1)); done", "/a2", "absent"),
    ((), ROOT, 'trap "rm -rf /x" EXIT; mkdir /x', "/x", "dir 0 755 | absent"),
    # What gzip -r, split and shred leave, and pipes with a mode.
    ((D, F), ROOT, "gzip -r /d", "/d/f", "file 0 640 | file 0 640 | any 0 755 | absent"),
    ((D, F), ROOT, "gzip -r /d", "/d/f.gz", "file 0 640 | any 0 755 | absent"),
    ((D, F), ROOT, "split -b 1 /d/f /d/part.", "/d/part.aa", "file 0 644 | absent"),
    ((D, F), ROOT, "csplit -f /d/part /d/f 1", "/d/part00", "file 0 644 | absent"),
    (("/f file 0 640",), ROOT, "split -b 1 /f", "/xaa", "file 0 644 | absent"),
    ((D, F), ROOT, "shred -u /d/f", "/d/f", "absent"),
    ((), ROOT, "mkfifo -m 600 /p", "/p", "file 0 600"),
    ((), ROOT, "mkfifo -m 600 /p", "/600", "absent"),
    ((D, F), ROOT, "tar -cf /t --remove-files -C /d .", "/d/f", "file 0 640 | absent"),
    # cp --parents makes the directories as they are where they come from.
    (("/d dir 7 2750", F, "/e dir"), ROOT, "cp --parents /d/f /e", "/e/d", "dir 0 750"),
    (("/d dir 7 2750", F, "/e dir"), ROOT, "cp -p --parents /d/f /e", "/e/d", "dir 7 2750"),
    # Alternatives of find; what -o separates in parentheses is not told apart.
    (
        (D, F),
        ROOT,
        "find /d -type d -exec chmod 700 {} + -o -type f -exec chmod 600 {} +",
        "/d/f",
        "file 0 600",
    ),
    ((D, F), ROOT, "find /d -type d -exec chmod 700 {} + -o -type f -exec chmod 600 {} +", "/d", "dir 0 700"),
    ((D, F), ROOT, "find /d -name f -o -name g -exec chmod 600 {} +", "/d/f", "file 0 640 | file 0 600"),
    ((D, F), ROOT, "find /d \\( -type f -o -type l \\) -delete", "/d/f", "file 0 640 | absent"),
    ((D, F), ROOT, "find /d -name f -o -name g | xargs rm", "/d/f", "file 0 640 | absent"),
    ((D, F), ROOT, "find /d -type f -or -name x | xargs rm", "/d/f", "file 0 640 | absent"),
    ((D, F), ROOT, "find /d -type d , -name f | xargs rm", "/d/f", "file 0 640 | absent"),
    (
        (D, F),
        ROOT,
        "find /d -type f -exec install -o 7 -g 7 {} /e +",
        "/e",
        "absent | file 7 755 | any 7 755",
    ),
    # The backup of an edit is beside the file.
    ((D, F), ROOT, "find /d -type f -exec sed -i.b s/a/b/ {} +", "/d/f.b", "file 0 640 | any 0 755 | absent"),
    (
        (D, "/d/f file 7 640"),
        ROOT,
        "find /d -exec sed -i.b s/a/b/ {} +",
        "/d/f.b",
        "file 7 640 | any 0 755 | absent",
    ),
    # All arguments of a function; a file in each directory that find selects; names by a pattern's.
    ((D, F), ROOT, 'f() { chmod "$@"; }; f 600 /d/f', "/d/f", "file 0 600"),
    (
        ("/d dir | any",),
        ROOT,
        "find /d -type d -exec touch {}/mark \\;",
        "/d/mark",
        "any 0 755 | any 0 755 | absent",
    ),
    ((D, F), ROOT, 'for x in /d/f*; do mv "$x" "${x%f*}g"; done', "/d/g", "absent | file 0 640"),
    (
        (D, "/d/a.b file 0 640"),
        ROOT,
        'for x in /d/*.b; do mv "$x" "${x%.b}.c"; done',
        "/d/a.c",
        "absent | file 0 640",
    ),
    ((), ROOT, "for ((i=0; i<2; i++)); do touch /f$i; done", "/f0", "absent"),
    (
        (D, "/d/f file 0 755 capable"),
        ROOT,
        "find /d | xargs sed -i s/a/b/",
        "/d/f",
        "file 0 755 capable | file 0 755",
    ),
    # What an archive says, and where it may be unpacked.
    (
        (D, F, "/e dir"),
        ROOT,
        "tar -cf /t --mode=600 --owner=7 -C /d f; tar -xf /t -C /e",
        "/e/f",
        "file 7:0 600 | any 7:0 600 | any 0 755 | absent",
    ),
    (
        (D, F, "/e any"),
        ROOT,
        "tar -cf /t -C /d f; tar -xf /t -C /e",
        "/e/f",
        "any 0 755 | file 0 640 | any 0 640 | any 0 755 | absent",
    ),
    (
        ("/d dir 0:50 2755",),
        ROOT,
        "tar -xf /t -C /d",
        "/d/x",
        "any an archive's 755 | dir 0:50 2755 | dir 0:an archive's 2755 | absent",
    ),
    ((D, F, "/e dir"), ROOT, 'for x in /e/*; do ln -s "$x" /d/; done', "/d/g", "absent"),
    ((D, "/e any"), ROOT, 'for x in /e/*; do ln -s "$x" /d/; done', "/d/g", "any 0 755 | absent"),
    ((D, F), ROOT, "rm -rf /d/f/", "/d/f", "file 0 640 | absent"),
    ((), ROOT, "bash -c 'tee >(cat > /f) < /x'", "/f", "file 0 644"),
    (("/d absent | dir",), ROOT, "ln -s /a /d", "/d/a", "absent | link /a"),
    ((D, F), ROOT, "find /d -depth -type d -exec mkdir {}/x \\;", "/d/x", "any 0 755 | absent"),
    ((D, F, "/l link /d/f"), ROOT, "sed -i.b s/a/b/ /l", "/l.b", "link /d/f"),
    # Names of the same file: its owner and mode are the file's; what replaces one name leaves the other.
    ((D, F), ROOT, "ln /d/f /g; chmod 600 /g", "/d/f", "file 0 640 | file 0 600"),
    ((D, F), ROOT, "ln /d/f /g; mv /g /h; chown 7 /h", "/d/f", "file 0 640 | file 7:0 640"),
    ((D, "/d/f file 7 640"), ROOT, "cp -l /d/f /g", "/g", "file 7 640"),
    # The trees of cp -al share their files, listed or not, but no directories.
    ((D, F), ROOT, "cp -al /d /e; chmod -R 600 /e", "/d/f", "file 0 640 | file 0 600"),
    ((D, F), ROOT, "cp -al /d /e; chmod -R 700 /e", "/d", "dir 0 755"),
    (
        (D,),
        ROOT,
        "tar -xf /x.tar --no-same-owner -C /d; cp -al /d /e; chmod -R 600 /e",
        "/d/x",
        "any 0 755 | any 0 600 | absent",
    ),
    # The mode and owner of another file, or of nobody knows which.
    ((D, F, "/g file 7 4711"), ROOT, "chmod --reference=/g /d/f", "/d/f", "file 0 4711"),
    ((D, F, "/g file 7 4711"), ROOT, "chown --reference=/g /d/f", "/d/f", "file 7 640"),
    ((D, F), ROOT, "chown $(cat /x) /d/f", "/d/f", "file 0 640 | file an unknown owner 640"),
    ((D, F), ROOT, "chmod $MODE /d/f", "/d/f", "file 0 640 | file 0 0"),
    ((D, F), ROOT, "chown +7:+8 /d/f", "/d/f", "file 7:8 640"),
    # cp keeps what it is told to.
    ((D, "/d/f file 7 4755"), ROOT, "cp --preserve=mode /d/f /g", "/g", "file 0 4755"),
    ((D, "/d/f file 7 4755"), ROOT, "cp --preserve=ownership /d/f /g", "/g", "file 7 755"),
    ((D, "/d/f file 7 4755"), ROOT, "cp --no-preserve=mode /d/f /g", "/g", "file 0 644"),
    ((D, F, "/g file 7 600"), ROOT, "cp --remove-destination /d/f /g", "/g", "file 0 640"),
    ((D, F, "/e dir"), ROOT, "cp --parents /d/f /e", "/e/d/f", "file 0 640"),
    ((D, F, "/l link /d", "/e dir"), ROOT, "cp -r /l/. /e", "/e/f", "file 0 640"),
    ((D, "/d/l link /f", "/f file 0 600"), ROOT, "cp -rL /d /e", "/e/l", "file 0 600"),
    # A directory is entered even with -n, which means links to directories.
    ((D,), ROOT, "ln -sfn /a /d", "/d/a", "link /a"),
    ((D, F), ROOT, "ln -sr /d/f /l", "/l", "link d/f"),
    # Below what may be a link, both places may have changed.
    ((D, F), ROOT, "test -e /l || ln -s /d /l; touch /l/x", "/d/x", "absent | file 0 644"),
    ((D, F), ROOT, "[ -d /d ] && ln -s /d /l || mkdir /l; chmod 600 /l/f", "/d/f", "file 0 640 | file 0 600"),
    # Where a shell is.
    (("/d dir", "/e dir"), ROOT, "cd /d; cd /e; cd -; touch x", "/d/x", "file 0 644"),
    (("/d dir", "/e dir"), ROOT, "cd /d; pushd /e; popd; touch x", "/d/x", "file 0 644"),
    # A missing file stays missing.
    ((D,), ROOT, "touch -c /d/f", "/d/f", "absent"),
    # What is not given away inherits the group of its directory.
    (("/d dir 0:50 2775", "/e dir 0:7 2775"), ROOT, "cp -r /d/. /e", "/e", "dir 0:7 2775"),
    (("/d dir 10001:50 2775",), APP, "mkdir -m 2755 /d/x", "/d/x", "dir 10001:50 755"),
    # chown -R follows links where it is told to.
    ((D, "/d/l link /f", "/f file 0 640"), ROOT, "chown -RL 7 /d", "/d/l", "link /f"),
    ((D, "/d/l link /f", "/f file 0 640"), ROOT, "chown -RL 7 /d", "/f", "file 0 640 | file 7:0 640"),
    # The modes of what a step packs are those of what it unpacks.
    (
        (D, "/d/f file 7 400", "/e dir"),
        ROOT,
        "tar -cf /a -C /d f && tar -xf /a -C /e",
        "/e/g",
        "file 7 400 | any 7 400 | any 0 755 | absent",
    ),
    # Archives: whose they say, for root; the unpacker's, for others.
    ((D,), ROOT, "tar -xf /a.tar -C /d", "/d/x", "any an archive's 755 | absent"),
    ((D,), ROOT, "tar -xf /a.tar --no-same-owner -C /d", "/d/x", "any 0 755 | absent"),
    (("/d dir 10001",), APP, "tar -xf /a.tar -C /d", "/d/x", "any 10001 755 | absent"),
    # What may have happened, or not.
    ((D,), ROOT, "if true; then chown 7 /d; fi", "/d", "dir 0 755 | dir 7:0 755"),
    ((D, F), ROOT, "rm /d/f || true", "/d/f", "file 0 640 | absent"),
    ((D, F), ROOT, "[ -f /d/f ] && rm -r /d", "/d/f", "file 0 640 | absent"),
    ((), ROOT, "mkdir /x || true", "/x", "absent | dir 0 755"),
    ((), ROOT, "for d in a b; do mkdir -m 700 /$d; done", "/b", "dir 0 700"),
    ((D, "/d/f file 0 600 | absent"), ROOT, "cp /d/f /g", "/g", "file 0 600"),
    # Ways: each begins where the branch does, and what differs at their ends is not known.
    (("/d dir", "/e dir"), ROOT, "if true; then cd /d; else cd /e; fi; touch x", "/d/x", "absent"),
    (("/d dir", "/e dir"), ROOT, "if true; then cd /d; else touch x; fi", "/x", "absent | file 0 644"),
    (("/d dir", "/e dir"), ROOT, "if true; then cd /d; touch x; fi; cd /; touch y", "/y", "file 0 644"),
    (
        ("/d dir", "/e dir"),
        ROOT,
        "if a; then cd /d; elif b; then cd /d; else cd /d; fi; touch x",
        "/d/x",
        "file 0 644",
    ),
    (("/d dir",), ROOT, "cd /d || exit 1; touch x", "/d/x", "file 0 644"),
    (("/d dir",), ROOT, "if true; then umask 077; fi; touch /d/x", "/d/x", "file 0 600"),
    (("/d dir",), ROOT, "(umask 077; cd /d); touch x", "/x", "file 0 644"),
    (("/d dir",), ROOT, "case $a in x) cd /d; touch y;; *) touch z;; esac", "/z", "absent | file 0 644"),
    (("/d dir",), ROOT, "[ -d /d ] && cd /d && touch x", "/d/x", "absent | file 0 644"),
    (("/d dir 0 4755",), ROOT, "install -d /d", "/d", "dir 0 755"),
    (("/d dir 0:50 2775",), ROOT, "install -d -m 750 /d/x", "/d/x", "dir 0:50 750"),
    (("/d dir | absent",), ROOT, "echo hi | tee /d", "/d", "dir 0 755 | file 0 644"),
    ((D, F), ROOT, "rm /d/f; tar -xf /a.tar -C /d", "/d/f", "absent | any an archive's 755"),
    (("/d dir 10001", "/d/f file 10001 4755"), APP, "sed -i s/a/b/ /d/f", "/d/f", "file 10001 755"),
    (("/d dir 10001", "/d/f file 10001 4755"), ROOT, "sed -i s/a/b/ /d/f", "/d/f", "file 10001 4755"),
    ((), ROOT, "if a; then sh -c 'touch /x'; fi", "/x", "absent | file 0 644"),
    ((), ROOT, "su -c 'umask 077; touch /x' || true", "/x", "absent | file 0 600"),
    (("/f file 0 1644",), ROOT, "gzip /f", "/f.gz", "file 0 644"),
    (("/t dir 0 1777", "/t/f file"), APP, "sed -i.bak s/a/b/ /t/f; true", "/t/f.bak", "absent"),
    # What is gone is gone.
    ((D, F), ROOT, "rm -rf /d", "/d/f", "absent"),
    ((D, F), ROOT, "rm -rf /d/*", "/d/f", "absent"),
    ((D, F), ROOT, "rm -rf /d && mkdir /d", "/d/f", "absent"),
]


@pytest.mark.parametrize(("tree", "who", "script", "path", "expected"), LEFT)
def test_left(tree: tuple[str, ...], who: Identity, script: str, path: str, expected: str) -> None:
    planted = plant("/etc dir", *tree)
    play(planted, script, who)
    assert show(planted, path) == expected


def test_what_a_directory_is_not_known_to_hold_changes_with_it() -> None:
    tree = plant("/d dir")
    play(tree, "tar -xf /a.tar --no-same-owner -C /d && chown -R 7:7 /d && chmod -R go= /d")
    assert show(tree, "/d/x/y") == "any 7 700 | absent"


@pytest.mark.parametrize("command", ["chown -h 7:50 /l", "chown -R 7:50 /l"])
def test_a_link_has_an_owner_wherever_it_leads(command: str) -> None:
    tree = plant("/l link /none")
    play(tree, command)
    assert [(one.uid, one.gid) for one in tree.look("/l")] == [(7, 50)]


def test_a_group_without_a_known_number_may_be_the_one_that_is_meant() -> None:
    tree = FileTree({"/f": (Node(Kind.FILE, 5, "web"),)})
    tree.change("/f", Change(7, only_group=50))
    assert [one.uid for one in tree.look("/f")] == [5, 7]


def test_an_archive_may_take_the_place_of_files() -> None:
    tree = plant("/d dir", "/d/a file 7 600 capable")
    play(tree, "tar -xf /a.tar --no-same-owner -C /d")
    assert show(tree, "/d/a") == "file 7 600 capable | any 0 755"


def test_a_pattern_may_leave_out_what_nobody_listed() -> None:
    tree = plant("/d dir", "/d/a file")
    play(tree, "tar -xf /a.tar --no-same-owner -C /d && chmod 600 /d/*")
    assert show(tree, "/d/a") == "file 0 600 | any 0 600"
    assert show(tree, "/d/x") == "any 0 755 | any 0 600 | absent"


def test_what_is_denied_leaves_all_as_it_is() -> None:
    tree = plant("/d dir", "/d/f file 0 644")
    assert play(tree, "rm /d/f; touch /d/g; chmod 777 /d/f", APP) == "denied"
    assert (show(tree, "/d/f"), show(tree, "/d/g")) == ("file 0 644", "absent")
