"""Who may do what: POSIX's rules, each with a command of a non-root account."""

from __future__ import annotations

import pytest
from trees import APP, plant, play

from dockfix.model.permissions import ROOT, Identity

OWN = "/app dir 10001"
FOREIGN = "/srv dir"
HOLDING = (OWN, "/app/mine file 10001 644", "/app/roots file 0 644")

# (tree, command, what becomes of it for the account)
RULES: list[tuple[tuple[str, ...], str, str]] = [
    # Creating, removing and renaming need write and search on the directory.
    ((OWN,), "touch /app/x", "allowed"),
    ((FOREIGN,), "touch /srv/x", "denied"),
    ((OWN,), "echo hi > /app/x", "allowed"),
    ((), "mkdir /x", "denied"),
    (HOLDING, "rm /app/roots", "allowed"),
    ((FOREIGN, "/srv/mine file 10001"), "rm /srv/mine", "denied"),
    ((FOREIGN, "/srv/mine file 10001"), "rm -f /srv/none", "allowed"),
    (("/app dir 10001 500",), "touch /app/x", "denied"),
    (("/app dir 0:10001 775",), "touch /app/x", "allowed"),
    (("/app dir 0 777",), "touch /app/x", "allowed"),
    # The owner's bits count alone for the owner, the group's for the group.
    (("/app dir 10001 077",), "touch /app/x", "denied"),
    (("/app dir 0:10001 707",), "touch /app/x", "denied"),
    # Writing a file needs the file, not its directory.
    ((FOREIGN, "/srv/mine file 10001 644"), "echo hi >> /srv/mine", "allowed"),
    (HOLDING, "echo hi >> /app/roots", "denied"),
    ((FOREIGN, "/srv/open file 0 666"), "echo hi > /srv/open", "allowed"),
    # What edits in place puts a new file there.
    (HOLDING, "sed -i s/a/b/ /app/roots", "allowed"),
    ((FOREIGN, "/srv/mine file 10001"), "sed -i s/a/b/ /srv/mine", "denied"),
    ((FOREIGN, "/srv/mine file 10001"), "perl -i -pe s/a/b/ /srv/mine", "denied"),
    ((FOREIGN, "/srv/mine file 10001"), "dos2unix /srv/mine", "denied"),
    ((FOREIGN, "/srv/mine file 10001"), "gzip /srv/mine", "denied"),
    ((OWN, "/app/secret file 0 600"), "sed -i s/a/b/ /app/secret", "denied"),
    ((FOREIGN, "/srv/mine file 10001", OWN, "/app/l link /srv/mine"), "sed -i s/a/b/ /app/l", "allowed"),
    # chmod and touch -d need the owner; chown and setcap need root.
    (HOLDING, "chmod 600 /app/mine", "allowed"),
    (HOLDING, "chmod 600 /app/roots", "denied"),
    (HOLDING, "touch -d yesterday /app/roots", "denied"),
    (HOLDING, "chown 7 /app/mine", "denied"),
    (HOLDING, "setcap cap_net_bind_service=+ep /app/mine", "denied"),
    (HOLDING, "chmod -R g+w /app", "denied"),
    ((OWN, "/app/mine file 10001"), "chmod -R g+w /app", "allowed"),
    ((OWN, "/app/x file 0 644 | absent"), "chmod -R g+w /app", "unsure"),
    ((OWN, "/app/sub dir 10001", "/app/sub/x file 10001"), "chmod -R 600 /app", "unsure"),
    # Every directory on the way must be enterable.
    (("/root dir 0 700", "/root/x file 0 644"), "cp /root/x /tmp/x", "denied"),
    (("/root dir 0 700", "/root/app dir 10001"), "touch /root/app/x", "denied"),
    (("/root dir 0 700",), "rm -rf /root/none", "denied"),
    (("/root dir 0 700",), "cd /root", "denied"),
    (("/home dir 0 755 | dir 0 700", "/home/app dir 10001"), "touch /home/app/x", "unsure"),
    # Sticky directories.
    (("/tmp dir 0 1777",), "touch /tmp/x", "allowed"),
    (("/tmp dir 0 1777", "/tmp/x file 0 666"), "rm /tmp/x", "denied"),
    (("/tmp dir 0 1777", "/tmp/x file 10001"), "rm /tmp/x", "allowed"),
    (("/tmp dir 10001 1777", "/tmp/x file 0"), "rm /tmp/x", "allowed"),
    (("/tmp dir 0 1777", "/tmp/x file 0 666"), "sed -i s/a/b/ /tmp/x", "denied"),
    (("/tmp dir 0 1777", "/tmp/x file 0", "/tmp/y file 10001"), "mv /tmp/y /tmp/x", "denied"),
    # Links are followed, also those on the way; a link itself belongs to its directory.
    ((OWN, "/data link /app"), "touch /data/x", "allowed"),
    ((FOREIGN, OWN, "/app/l link /srv"), "touch /app/l/x", "denied"),
    ((FOREIGN, OWN, "/app/l link /srv"), "rm /app/l", "allowed"),
    ((FOREIGN, OWN, "/srv/l link /app"), "rm /srv/l", "denied"),
    ((FOREIGN, OWN, "/app/x file 10001", "/srv/l link /app/x"), "ln -sfn /etc /srv/l", "denied"),
    ((FOREIGN, "/srv/x file 0"), 'f() { chmod "$@"; }; f 600 /srv/x', "denied"),
    ((OWN, "/app/d dir 0"), "find /app -exec touch {} +", "unsure"),
    ((OWN, "/app/d dir 0"), "find /app -type f -exec touch {} +", "allowed"),
    ((OWN, "/app/x file 0 644"), "shred -u /app/x", "denied"),
    # mkdir: the nearest directory that is there decides.
    ((OWN,), "mkdir -p /app/a/b/c", "allowed"),
    ((OWN,), "mkdir -p /app /data", "denied"),
    ((OWN, "/app/a dir 0"), "mkdir -p /app/a/b", "denied"),
    (("/root dir 0 700", "/data dir"), "mkdir -p /data", "allowed"),
    ((OWN, "/app/a dir 0 | absent"), "mkdir -p /app/a/b", "unsure"),
    # Removing a tree needs every directory in it that holds something.
    ((OWN, "/app/d dir 0", "/app/d/x file 0"), "rm -rf /app/d", "denied"),
    ((OWN, "/app/d dir 0"), "rm -rf /app/d", "allowed"),
    ((OWN, "/app/d any 0"), "rm -rf /app/d", "unsure"),
    ((OWN, "/app/d dir 10001", "/app/d/x file 0"), "rm -rf /app/d", "allowed"),
    ((OWN, "/app/d dir 10001", "/app/d/e dir 0", "/app/d/e/x file 0"), "rm -rf /app/*", "denied"),
    # mv: both directories, and a directory that changes its parent.
    ((OWN, FOREIGN, "/app/x file 0"), "mv /app/x /srv/x", "denied"),
    ((OWN, FOREIGN, "/srv/x file 10001"), "mv /srv/x /app/x", "denied"),
    ((OWN, "/app/x file 0 600", "/app/y file 0 600"), "mv -f /app/x /app/y", "allowed"),
    ((OWN, "/app/a dir 10001", "/app/d dir 0"), "mv /app/d /app/a/d", "denied"),
    ((OWN, "/app/d dir 0"), "mv /app/d /app/e", "allowed"),
    # cp: the source read, the target written; a whole tree, with all that is in it.
    ((OWN, "/x file 0 600"), "cp /x /app", "denied"),
    ((OWN, "/x file 0 644", "/app/x file 0 644"), "cp /x /app", "denied"),
    ((OWN, "/x file 0 644", "/app/x file 0 644"), "install /x /app", "allowed"),
    ((OWN, "/d dir", "/d/x file 0 600"), "cp -r /d /app", "denied"),
    ((OWN, "/d dir", "/d/x file 0 644"), "cp -r /d /app", "allowed"),
    ((OWN, "/d dir", "/d/x file", "/app/x file 0 644"), "cp -r /d/. /app", "denied"),
    # A hard link needs the file's owner, or the right to write it (fs.protected_hardlinks).
    ((OWN, "/app/x file 0 644"), "ln /app/x /app/y", "denied"),
    ((OWN, "/app/x file 10001 400"), "ln /app/x /app/y", "allowed"),
    # find must read the directories, and change what it finds.
    ((OWN, "/app/d dir 0 700"), "find /app -name x", "denied"),
    # What others own in a sticky directory stays.
    (("/d dir 0 1777", "/d/x file 0 666"), "find /d -mindepth 1 -delete", "unsure"),
    (("/d dir 0 1777", "/d/x file 10001"), "find /d -mindepth 1 -delete", "allowed"),
    (("/d dir 10001 1777", "/d/x file 0 666"), "find /d -mindepth 1 -delete", "allowed"),
    ((OWN, "/app/d dir 0 1777", "/app/d/x file 0 666"), "rm -rf /app/d", "denied"),
    ((OWN, "/app/x file 0"), "find /app -type f -delete", "allowed"),
    ((OWN, "/app/d dir 0", "/app/d/x file 0"), "find /app -type f -delete", "unsure"),
    ((OWN, "/app/x file 0"), "find /app -exec chmod 600 {} +", "denied"),
    ((OWN, "/app/l link /f", "/f file 0"), "find /app -exec chmod 600 {} +", "unsure"),
    ((OWN, "/app/x file 0 600"), "find /app -type f -exec sed -i s/a/b/ {} +", "unsure"),
    ((OWN, "/app/x file 0 644"), "find /app -type f -exec sed -i s/a/b/ {} +", "allowed"),
    # What is packed or read must be readable.
    ((OWN, "/d dir", "/d/x file 0 600"), "tar -cf /app/x.tar -C /d .", "denied"),
    ((OWN, "/x file 0 600"), "wc -l < /x", "denied"),
    # Links are walked to from where they stand, and only then followed.
    ((OWN, "/r dir 0 700", "/r/l link /app/x", "/app/x file 10001"), "chmod 600 /r/l", "denied"),
    ((OWN, "/r dir 0 700", "/r/l link /app"), "mkdir -p /r/l/x/y", "denied"),
    ((OWN, "/r dir 0 755", "/r/l link /app"), "mkdir -p /r/l/x/y", "allowed"),
    # Where nobody knows where it is.
    ((OWN,), 'cd "$X" && touch y', "denied"),
    ((OWN,), 'cd "$X"; cd ..; touch y', "denied"),
    ((OWN,), 'cd "$X"; touch /app/y', "allowed"),
    # An archive may write into any directory that is there, and say whose the directory is.
    ((OWN,), "tar -xf x.tar -C /app", "allowed"),
    ((OWN, "/app/d dir 0"), "tar -xf x.tar -C /app", "unsure"),
    (("/app dir 0 777",), "tar -xf x.tar -C /app", "unsure"),
    ((FOREIGN,), "tar -xf x.tar -C /srv", "denied"),
]


@pytest.mark.parametrize(("tree", "command", "expected"), RULES)
def test_rules(tree: tuple[str, ...], command: str, expected: str) -> None:
    assert play(plant("/etc dir", *tree), command, APP) == expected


@pytest.mark.parametrize("command", sorted({command for _, command, _ in RULES}))
def test_root_may_do_it_all(command: str) -> None:
    assert play(plant("/app dir 10001 0", "/srv dir 0 0", "/root dir 0 700"), command, ROOT) == "allowed"


def test_supplementary_groups_count() -> None:
    member = Identity(10001, frozenset({10001, 50}), 10001, "/home/app")
    assert play(plant("/data dir 0:50 775"), "touch /data/x", member) == "allowed"
    assert play(plant("/data dir 0:50 775"), "touch /data/x", APP) == "denied"
