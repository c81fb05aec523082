"""A script that inspects a running image; it is sent on standard input to a Python.

That is the Python of a container which shares the image's processes and network ("outside"), or the
image's own. It prints one JSON object. It works on Python 3.6 and later, whatever modules there are.
"""

import sys

sys.path[:] = [entry for entry in sys.path if entry]
sys.dont_write_bytecode = True

import json  # noqa: E402
import os  # noqa: E402
import shutil  # noqa: E402
import socket  # noqa: E402
import stat  # noqa: E402
import subprocess  # noqa: E402
import time  # noqa: E402
from typing import Any  # noqa: E402

LISTENING = "0A"
MAX_FILES = 20000


def place(pid: str) -> str:
    """The name of a process's view of the files, equal for those that share one, "" if it is not known."""
    try:
        return os.readlink("/proc/" + pid + "/ns/mnt")
    except OSError:
        return ""


def processes(outside: bool) -> "list[list[Any]]":
    """Every process of the image but this one: pid, effective uid and gid, command."""
    found = []  # type: list[Any]
    own = place("self") if outside else None
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid() or place(name) == own:
            continue
        try:
            with open("/proc/" + name + "/status") as status:
                ids = dict(line.split(":", 1) for line in status if line.startswith(("Uid:", "Gid:")))
            with open("/proc/" + name + "/cmdline", "rb") as command:
                words = command.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        except (OSError, ValueError):
            continue
        uid, gid = (int(ids[key].split()[1]) for key in ("Uid", "Gid"))
        found.append([int(name), uid, gid, words[:200]])
    return sorted(found)


def ports() -> "list[tuple[int, int]]":
    """The TCP ports in state LISTEN, each with an address family that reaches it."""
    found = {}  # type: dict[int, int]
    for name, family in (("/proc/net/tcp6", socket.AF_INET6), ("/proc/net/tcp", socket.AF_INET)):
        try:
            with open(name) as table:
                rows = [line.split() for line in table][1:]
        except OSError:
            continue
        for row in rows:
            if row[3] == LISTENING:
                found[int(row[1].rpartition(":")[2], 16)] = family
    return sorted(found.items())


def ask(port: int, family: int, path: str) -> "list[Any] | None":
    """Status and body of one request.

    Status 0 if the port does not speak HTTP, None if it does not respond.
    """
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    reply = b""
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(5)
    try:
        connection.connect((host, port))
        request = "GET " + path + " HTTP/1.0\r\nHost: localhost\r\nAccept: */*\r\n\r\n"
        connection.sendall(request.encode())
        while len(reply) < 65536:
            part = connection.recv(65536)
            if not part:
                break
            reply += part
    except OSError:
        if not reply:
            return None
    finally:
        connection.close()
    head, _, body = reply.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    is_http = words[:1] and words[0].startswith(b"HTTP/") and words[1:2] and words[1].isdigit()
    status = int(words[1]) if is_http else 0
    return [status, (body if is_http else reply).decode("utf-8", "replace")]


def answers(paths: "list[str]", others: "list[int]") -> "list[list[Any]]":
    """Each port's answer for each path, requested twice to tell whether it is stable.

    `others` are ports of other containers.
    """
    found = []  # type: list[Any]
    for port, family in ports():
        if port in others:
            continue
        for path in paths:
            first = ask(port, family, path)
            if first is None:
                continue
            second = ask(port, family, path) if first[0] else first
            found.append([port, path, first[0], first[1][:4000], first == second])
    return found


def become_first() -> None:
    """Take over the root directory, variables, user and groups of the image's first process."""
    with open("/proc/1/status") as status:
        facts = dict(line.rstrip("\n").split(":", 1) for line in status)
    with open("/proc/1/environ", "rb") as environment:
        entries = environment.read().split(b"\0")
    cwd = os.readlink("/proc/1/cwd")
    uid, gid = (int(facts[key].split()[1]) for key in ("Uid", "Gid"))
    os.environb.clear()
    os.environb.update(dict(entry.split(b"=", 1) for entry in entries if b"=" in entry))
    os.chroot("/proc/1/root")
    os.chdir(cwd if os.path.isdir(cwd) else "/")
    os.setgroups([int(group) for group in facts["Groups"].split()])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def unreadable(roots: "list[str]") -> "list[str]":
    """The paths at and below `roots` that this user cannot read or enter."""
    found = []  # type: list[Any]
    seen = 0
    for root in roots:
        if os.path.exists(root) and not os.access(root, os.R_OK):
            found.append(root)
        for folder, folders, files in os.walk(root):
            for name in folders + files:
                seen += 1
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    continue
                if not os.access(path, os.R_OK | (os.X_OK if name in folders else 0)):
                    found.append(path)
            if seen > MAX_FILES:
                return found[:50]
    return found[:50]


def unwritable(paths: "list[str]", home: str, workdir: str, sites: "list[str]") -> "list[str]":
    """The `paths` that this user cannot write, neither there nor where they moved to.

    `sites` are the directories of the image's Python packages.
    """
    moves = ((home, os.path.expanduser("~")), (workdir, os.getcwd()))
    found = []  # type: list[Any]
    for path in paths:
        choices = [path]
        for old, new in moves:
            stem = old.rstrip("/") + "/"
            if old and old != new and path.startswith(stem):
                choices.append(os.path.join(new, path[len(stem) :]))
        _, packaged, inner = path.rpartition("/site-packages/")
        # A package may have moved to the user's site or to a virtual environment.
        elsewhere = [os.path.join(entry, inner) for entry in sites if packaged]
        choices += [choice for choice in elsewhere if os.path.isdir(os.path.dirname(choice))]
        if not any(writable(choice) for choice in choices):
            found.append(path)
    return found


def writable(path: str) -> bool:
    """Whether this user can write the path, or create it in the nearest existing directory."""
    if os.path.lexists(path):
        return os.access(path, os.W_OK) or os.path.islink(path)
    parent = os.path.dirname(path)
    while not os.path.isdir(parent):
        if os.path.lexists(parent) or parent == "/":
            return False
        parent = os.path.dirname(parent)
    return os.access(parent, os.W_OK | os.X_OK)


def scripts() -> "dict[str, bool]":
    """The scripts of the installed distributions, and whether each is on PATH."""
    try:
        from importlib.metadata import distributions
    except ImportError:
        return {}
    names = set()
    for distribution in distributions():
        for entry in distribution.entry_points or ():
            if entry.group in ("console_scripts", "gui_scripts"):
                names.add(entry.name)
    return {name: shutil.which(name) is not None for name in sorted(names)}


def run(argv: "list[str]", limit: float) -> "list[Any]":
    """Exit code and output of a program; None if it cannot be started."""
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=limit,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return [None, ""]
    return [done.returncode, done.stdout.decode("utf-8", "replace")[-1000:]]


def written(folders: "list[str]", since: float) -> "list[str]":
    """The files in `folders` that were written `since` seconds ago or later."""
    try:
        with open("/proc/uptime") as uptime:
            now = float(uptime.read().split()[0])
        with open("/proc/1/stat") as stat:
            ticks = int(stat.read().rpartition(")")[2].split()[19])
        age = now - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        age = since
    begin = time.time() - age - 1
    found = []  # type: list[Any]
    for root in folders:
        for folder, _, files in os.walk(root):
            for name in files:
                path = os.path.join(folder, name)
                if os.lstat(path).st_mtime >= begin:
                    found.append(path)
    return sorted(found)[:200]


def read_since_copied(folders: "list[str]") -> "list[str]":
    """The files in `folders`, copies of the image's, that were read after that, and not written.

    A copy is changed when it is made; file systems note the first access after a change (mount(8), relatime).
    """
    found = []  # type: list[Any]
    for root in folders:
        for folder, _, files in os.walk(root):
            for path in (os.path.join(folder, name) for name in files):
                seen = os.lstat(path)
                if stat.S_ISREG(seen.st_mode) and seen.st_mtime_ns < seen.st_ctime_ns < seen.st_atime_ns:
                    found.append(path)
    return sorted(found)[:200]


def main() -> None:
    """Print the report that the only argument, a JSON object, asks for."""
    asked = json.loads(sys.argv[1])
    outside = asked.get("outside", False)
    report = {"uid": os.getuid(), "processes": processes(outside)}  # type: dict[str, Any]
    report["ports"] = [port for port, _ in ports()]
    report["answers"] = answers(asked["ask"], asked.get("others", [])) if "ask" in asked else []
    if outside:
        become_first()
    home = os.path.expanduser("~")
    report.update(uid=os.getuid(), gid=os.getgid(), home=home, cwd=os.getcwd())
    if asked.get("files"):
        sites = asked.get("sites") or sys.path
        report["unreadable"] = unreadable(asked["read"] + [home] * (home != "/"))
        old_home, old_workdir = asked["moved"]
        report["unwritable"] = unwritable(asked["write"], old_home, old_workdir, sites)
        report["written"] = written(asked["volumes"], asked["since"])
    if asked.get("opened"):
        report["opened"] = read_since_copied(asked["opened"])
    if asked.get("packages"):
        report["sites"] = sys.path
        report["scripts"] = scripts()
        report["pip_check"] = run([sys.executable, "-m", "pip", "check"], 60)
    if asked.get("commands"):
        report["health"] = run(asked["health"], 30)[0] if asked["health"] else None
        report["checks"] = [[line, *run(["sh", "-c", line], 60)] for line in asked["checks"]]
    print(json.dumps(report))


if __name__ == "__main__":
    main()
