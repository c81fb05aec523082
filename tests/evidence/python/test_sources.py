from __future__ import annotations

from collections.abc import Mapping

import pytest
from folders import listing

from dockfix import Changed, fix
from dockfix.context import Context
from dockfix.evidence.claims import Kind
from dockfix.evidence.python.places import is_likely_directory
from dockfix.evidence.python.sources import Reading, read_sources
from dockfix.options import Options
from dockfix.syntax.parser import parse

DOCKERFILE = 'FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n'


WRITER = "open('/data/x', 'w')\n"


def read(files: Mapping[str, str], dockerfile: str = DOCKERFILE) -> Reading:
    return read_sources(parse(dockerfile), files.get, listing(files))


def found(source: str, dockerfile: str = DOCKERFILE, **more: str) -> list[str]:
    """The evidence in main.py as `kind what`, with a question mark if it is uncertain."""
    files = {"main.py": source} | {name.replace("__", "/") + ".py": text for name, text in more.items()}
    return [f"{one.kind} {one.what}{'' if one.certain else '?'}" for one in read(files, dockerfile).claims]


WRITES = {
    "open": ('open("/data/a.txt", "w")', "/data/a.txt"),
    "shared": ('open("/tmp/a.txt", "w")', "/tmp/a.txt"),
    "flags": ('import os\nos.open("/data/a", os.O_CREAT | os.O_WRONLY, 0o600)', "/data/a"),
    "append": ('with open("log.txt", mode="ab") as f: pass', "/app/log.txt"),
    "path-open": ('from pathlib import Path\nPath("/data/a").open("w")', "/data/a"),
    "write-text": ('import pathlib\npathlib.Path("/data", "a").write_text("x")', "/data/a"),
    "mkdir": ('from pathlib import Path\n(Path("/data") / "up").mkdir(parents=True)', "/data/up"),
    "makedirs": ('import os\nos.makedirs(os.path.join("/data", "up"), exist_ok=True)', "/data/up"),
    "constant": ('import os\nBASE = "/data"\nUP = f"{BASE}/up"\nos.makedirs(UP)', "/data/up"),
    "late-constant": ('import os\ndef f():\n    os.makedirs(UP)\nUP = "/data/up"', "/data/up"),
    "function-local": ('import os\ndef f():\n    d = "/data"\n    os.makedirs(d + "/up")', "/data/up"),
    "file": ('from pathlib import Path\n(Path(__file__).resolve().parent / "out").mkdir()', "/app/out"),
    "file-parents": ('from pathlib import Path\n(Path(__file__).parents[1] / "out").mkdir()', "/out"),
    "dirname": ('import os\nopen(os.path.join(os.path.dirname(__file__), "x"), "w")', "/app/x"),
    "cwd": ('import os\nos.makedirs(os.getcwd() + "/out")', "/app/out"),
    "unknown-name": ('def save(name):\n    open(f"/data/{name}.txt", "w")', "/data/"),
    "attribute": (
        'class Store:\n    place = "/data"\n    def put(self):\n        open(self.place + "/a", "w")',
        "/data/a",
    ),
    "instance": (
        'class Settings:\n    place: str = "/data"\nsettings = Settings()\nopen(settings.place + "/a", "w")',
        "/data/a",
    ),
    "function": ('def place():\n    return "/data"\nopen(place() + "/a", "w")', "/data/a"),
    "no-path": (
        'def save(path):\n    open(path, "w")\nsave("/data/a")\nsave("\\x1b[0G")',
        "/data/a?",
    ),
    "separator": ('import os\nopen(os.sep + "data/a", "w")', "/data/a"),
    "imported-separator": ('from os import sep\nopen(f"{sep}data/a", "w")', "/data/a"),
    "separator-made-absolute": (
        'import os\nopen(os.path.join(os.path.abspath(os.sep), "data"), "w")',
        "/data",
    ),
    "joined-list": ('PARTS = ["", "data", "a"]\nopen("/".join(PARTS), "w")', "/data/a"),
    "unpacked-list": ('import os\nPARTS = ("data", "a")\nopen(os.path.join("/", *PARTS), "w")', "/data/a"),
    "unpacked-in-joinpath": ('from pathlib import Path\nPath("/").joinpath(*["srv", "a"]).touch()', "/srv/a"),
    "anchor": ('from pathlib import Path\nPath(Path.cwd().anchor, "data").mkdir()', "/data"),
    "last-parent": ('from pathlib import Path\n(Path(__file__).parents[-1] / "data").mkdir()', "/data"),
    "percent": ('R = "/data"\nopen("%s/%s.txt" % (R, "a"), "w")', "/data/a.txt"),
    "percent-by-name": ('open("%(r)s/a" % {"r": "/data"}, "w")', "/data/a"),
    "reversed-string": ('place = "".join(reversed("atad/"))\nopen(place + "/x", "w")', "?"),
    "reversed-list": ('place = "/".join(reversed(["x", "data", ""]))\nopen(place, "w")', "/data/x"),
    "percent-unknown": ('def save(n):\n    open("/data/%05d.txt" % n, "w")', "/data/"),
    "format": ('open("{}/{}".format("/data", "a"), "w")', "/data/a"),
    "format-by-name": ('P = {"r": "/data"}\nopen("{r}/{r[0]}".format(**P), "w")', "/data/"),
    "format-invalid": ('open("/data/{".format(1), "w")', "?"),
    "augmented": ('p = "/srv"\np += "/data"\nopen(p, "w")', "/srv/data?"),
    "bound-to-itself": ('def f():\n    p = "/srv"\n    p = p + "/data"\n    open(p, "w")', "/srv/data?"),
    "split": ('P = "/data:/srv"\nopen(P.split(":")[0] + "/a", "w")', "/data/a"),
    "sliced": ('P = "file:/data"\nopen(P[5:] + "/a", "w")', "/data/a"),
    "stripped": ('open(" /data ".strip() + "/a", "w")', "/data/a"),
    "renamed": ('from pathlib import Path\nPath("/data/a.txt").with_suffix(".csv").touch()', "/data/a.csv"),
    "got": ('PLACES = {"up": "/data/up"}\nimport os\nos.makedirs(PLACES.get("up", "x"))', "/data/up"),
    "each-value": ('import os\nP = {"a": "/data"}\nfor n, p in P.items():\n    os.makedirs(p)', "/data"),
    "namespace": (
        'from types import SimpleNamespace as N\nP = N(up="/data/up")\nopen(P.up, "w")',
        "/data/up",
    ),
    "by-name": ('class C:\n    up = "/data/up"\nopen(getattr(C, "up"), "w")', "/data/up?"),
    "argument-named-like-it": ('import lib\nlib.Store(persist_directory="/data/up")', "/data/up?"),
    "file-named-like-it": ('import lib\nlib.Store(db_path="/data/a.db")', "/data/a.db?"),
    "lock-by-path": ('import fasteners\nfasteners.InterProcessLock(path="/data/a.lock")', "/data/a.lock"),
    "lock-by-filename": ('import portalocker as p\np.Lock(filename="/data/a.lock")', "/data/a.lock"),
    "lock-by-lock-file": ('import filelock\nfilelock.FileLock(lock_file="/data/a.lock")', "/data/a.lock"),
    "wave-file": ('from scipy.io import wavfile\nwavfile.write("a.wav", "/rate", data)', "/app/a.wav"),
    "metrics": (
        'from prometheus_client import write_to_textfile as w\nw(path="/data/a.prom", registry=R)',
        "/data/a.prom",
    ),
    "milvus-lite": ('from pymilvus import MilvusClient\nMilvusClient(uri="/data/a.db")', "/data/a.db"),
    "log-named-like-it": ('import lib\nlib.Store(logfile="/data/a.log")', "/data/a.log?"),
    "database-named-like-it": ('import lib\nlib.Store(database="/data/a.db")', "/data/a.db?"),
    "destination-named-like-it": ('import lib\nlib.Store(dest="/data/up")', "/data/up?"),
    "aligned-key-named-like-it": ('import lib\nlib.Get({"outputs"  :   "/data/up"})', "/data/up?"),
    "key-named-like-it": ('import lib\nlib.Get({"cachedir": "/data/up"})', "/data/up?"),
    "option-named-like-it": ('import lib\nlib.add("--user-data-dir=/data/up")', "/data/up?"),
    "dictionary": (
        'import os\nCONF = {"paths": {"up": "/data/up"}}\nos.makedirs(CONF["paths"]["up"])',
        "/data/up",
    ),
    "dictionary-any": (
        'import os\nCONF = {"a": "/data/a"}\ndef f(kind):\n    os.makedirs(CONF[kind])',
        "/data/a?",
    ),
    "enum": (
        'import os, enum\nclass P(enum.Enum):\n    UP = "/data/up"\nos.makedirs(P.UP.value)',
        "/data/up",
    ),
    "factory": (
        "import dataclasses, pathlib\n@dataclasses.dataclass\nclass C:\n"
        '    out: pathlib.Path = dataclasses.field(default_factory=lambda: pathlib.Path("/data/up"))\n'
        "C().out.mkdir()",
        "/data/up",
    ),
    "property": (
        "import pathlib\nclass C:\n    @property\n    def out(self):\n"
        '        return pathlib.Path("/data/up")\nC().out.mkdir()',
        "/data/up",
    ),
    "set-defaults": (
        "import argparse, os\np = argparse.ArgumentParser()\np.set_defaults(place='/data/up')\n"
        "a = p.parse_args()\nos.makedirs(a.place)",
        "/data/up?",
    ),
    "class-constant": (
        'class P:\n    ROOT = "/data"\n    A = ROOT + "/a"\ndef f(path=P.A):\n    open(path, "w")\nf()',
        "/data/a?",
    ),
    "fifo": ('import os\nos.mkfifo("/data/ctl")', "/data/ctl"),
    "lock": ('from filelock import FileLock\nFileLock("/data/.lock").acquire()', "/data/.lock"),
    "command": ('import subprocess\nsubprocess.run(["mkdir", "-p", "/data/up"])', "/data/up"),
    "command-line": ('import os\nos.system("date > /data/stamp")', "/data/stamp"),
    "command-formatted": (
        'import subprocess\ndef f(n):\n    subprocess.run(f"pg_dump x > /data/{n}.sql", shell=True)',
        "/data/",
    ),
    "command-cwd": ('import subprocess\nsubprocess.run(["touch", "x"], cwd="/data")', "/data/x"),
    "command-shell": ('import subprocess\nsubprocess.run(["sh", "-c", "cp a /data/b"])', "/data/b"),
    "argument": ('def save(path):\n    open(path, "w")\nsave("/data/a")', "/data/a"),
    "loop": ('import os\nfor d in ["/data/a"]:\n    os.makedirs(d)', "/data/a"),
    "logging": ('import logging\nlogging.basicConfig(filename="/var/log/app.log")', "/var/log/app.log"),
    "handler": (
        'from logging.handlers import RotatingFileHandler as H\nh = H("/var/log/app.log")',
        "/var/log/app.log",
    ),
    "dict-config": (
        'L = {"handlers": {"f": {"class": "logging.FileHandler", "filename": "/logs/a.log"}}}',
        "/logs/a.log",
    ),
    "loguru": ('from loguru import logger\nlogger.add("/logs/a.log", rotation="1 MB")', "/logs/a.log"),
    "sqlite": ('import sqlite3\nsqlite3.connect("/data/a.db")', "/data/a.db"),
    "engine": ('from sqlalchemy import create_engine\ncreate_engine("sqlite:////data/a.db")', "/data/a.db"),
    "shelve": ('import shelve\nshelve.open("/data/s")', "/data/s"),
    "copy": ('import shutil\nshutil.copy("a", "/data/a")', "/data/a"),
    "frame": ('import pandas as pd\npd.DataFrame().to_csv("/data/a.csv")', "/data/a.csv"),
    "tempfile": ('import tempfile\ntempfile.mkdtemp(dir="/data/tmp")', "/data/tmp"),
    "uploads": (
        'import os\nfrom flask import Flask\napp = Flask(__name__)\napp.config["UPLOADS"] = "/data/up"\n'
        'os.makedirs(app.config["UPLOADS"])',
        "/data/up?",
    ),
    "environment": ('import os\nos.makedirs(os.environ.get("PLACE", "/data"))', "/data"),
    "alternatives": ('import os\nos.makedirs("/a" if x else "/b")', "/a?;/b?"),
    "rebound": ('import os\nD = "/a"\nif x:\n    D = "/b"\nos.makedirs(D)', "/a?;/b?"),
    "rebound-surely": ('import os\nD = "/a"\nD = "/b"\nos.makedirs(D)', "/b?"),
    "rebound-in-a-function": (
        'import os\ndef f():\n    d = "/a"\n    if x:\n        d = "/b"\n    os.makedirs(d)\nf()',
        "/a?;/b?",
    ),
    "rebound-on-every-way": (
        'import os\nd = "/a"\nif x:\n    d = "/b"\nelif y:\n    d = "/c"\nelse:\n    d = "/d"\n'
        "os.makedirs(d)",
        "/b?;/c?;/d?",
    ),
    "rebound-on-the-other-way": (
        'import os\ndef f():\n    d = "/a"\n    if x:\n        d = "/b"\n    else:\n'
        "        os.makedirs(d)\nf()",
        "/a?",
    ),
    "rebound-on-this-way": (
        'import os\ndef f():\n    d = "/a"\n    if x:\n        d = "/b"\n        os.makedirs(d)\nf()',
        "/b?",
    ),
    "rebound-after-an-error": (
        'import os\ntry:\n    d = os.path.join("/a", "b")\nexcept KeyError:\n    d = "/c"\nos.makedirs(d)',
        "/a/b?;/c?",
    ),
    "rebound-in-a-loop": ('import os\nd = "/a"\nwhile x:\n    d = "/b"\nos.makedirs(d)', "/a?;/b?"),
    "rebound-in-another-method": (
        'import os\nclass A:\n    def __init__(self):\n        self.d = "/a"\n'
        '    def f(self):\n        self.d = "/b"\n'
        "    def g(self):\n        os.makedirs(self.d)\nA().g()",
        "/a?;/b?",
    ),
    "set-in-a-dictionary": (
        'import os\nC = {"d": "/a"}\nC["d"] = "/srv/b"\nos.makedirs(C["d"])',
        "/a?;/srv/b?",
    ),
    "set-in-a-list": ('import os\nD = ["/a"]\nD[0] = "/srv/b"\nos.makedirs(D[0])', "/a?;/srv/b?"),
    "put-before-the-others": (
        'import os\nD = ["/a"]\nD.insert(0, "/srv/b")\nos.makedirs(D[0])',
        "/a?;/srv/b?",
    ),
    "update": ('import os\nC = {"d": "/a"}\nC.update(d="/srv/b")\nos.makedirs(C["d"])', "/a?;/srv/b?"),
    "update-with-a-table": (
        'import os\nC = {"d": "/a"}\nC.update({"n": 1, "d": "/srv/b"})\nos.makedirs(C.get("d"))',
        "/a?;/srv/b?",
    ),
    "default-of-a-key": ('import os\nC = {}\nC.setdefault("d", "/srv/b")\nos.makedirs(C["d"])', "/srv/b?"),
    "set-in-what-is-passed": (
        'import os\nC = {"d": "/a"}\ndef f(c):\n    os.makedirs(c["d"])\nC["d"] = "/srv/b"\nf(C)',
        "/a?;/srv/b?",
    ),
    "set-in-another": ('import os\nC = {"d": "/a"}\nD = {}\nD["d"] = "/srv/b"\nos.makedirs(C["d"])', "/a"),
    "attribute-of-a-class": (
        'import os\nclass A:\n    d = "/a"\nA.d = "/srv/b"\nos.makedirs(A().d)',
        "/a?;/srv/b?",
    ),
    "attribute-of-an-instance": (
        'import os\nclass A:\n    def __init__(self):\n        self.d = "/a"\n'
        '    def f(self):\n        os.makedirs(self.d)\na = A()\na.d = "/srv/b"\na.f()',
        "/a?;/srv/b?",
    ),
    "attribute-of-an-heir": (
        'import os\nclass A:\n    d = "/a"\n    def f(self):\n        os.makedirs(self.d)\n'
        'class B(A):\n    pass\nb = B()\nb.d = "/srv/b"\nb.f()',
        "/a?;/srv/b?",
    ),
    "attribute-of-another-class": (
        'import os\nclass A:\n    d = "/a"\nclass B:\n    pass\nB.d = "/srv/b"\nos.makedirs(A.d)',
        "/a",
    ),
    "attribute-of-nothing": (
        'import os\ndef f(a=None):\n    os.makedirs(a.d)\ndef g(b=None):\n    b.d = "/b"',
        "?",
    ),
    "attribute-of-a-namespace": (
        'import os\nfrom types import SimpleNamespace as N\nn = N(d="/a")\nn.d = "/srv/b"\nos.makedirs(n.d)',
        "/a?;/srv/b?",
    ),
    "attribute-set-by-name": (
        'import os\nclass A:\n    d = "/a"\nsetattr(A, "d", "/srv/b")\nos.makedirs(A.d)',
        "/a?;/srv/b?",
    ),
    "attribute-of-a-frozen-object": (
        'import os\nclass A:\n    def __init__(self):\n        object.__setattr__(self, "d", "/srv/b")\n'
        "os.makedirs(A().d)",
        "/srv/b",
    ),
    "chained": ('import os\nA = B = "/srv/b"\nos.makedirs(B)', "/srv/b"),
    "chained-comparison": ('import os\nA = "/a"\nB = A == "/b"\nos.makedirs(A)', "/a"),
    "global-in-a-function": (
        'import os\nD = "/a"\ndef f(d):\n    global D\n    D = d\nf("/srv/b")\nos.makedirs(D)',
        "/a?;/srv/b?",
    ),
    "global-only-in-a-function": (
        'import os\ndef f():\n    global D\n    D = "/srv/b"\nf()\nos.makedirs(D)',
        "/srv/b",
    ),
    "name-of-the-function-around": (
        'import os\ndef f():\n    d = "/a"\n    def g():\n        nonlocal d\n        d = "/srv/b"\n'
        "    g()\n    os.makedirs(d)\nf()",
        "/a?;/srv/b?",
    ),
    "same-name-in-a-function": (
        'import os\nD = "/a"\ndef f():\n    D = "/b"\nos.makedirs(D)',
        "/a",
    ),
    "method-of-an-heir": (
        "import os\nclass A:\n    def d(self):\n        pass\n"
        "    def f(self):\n        os.makedirs(self.d())\n"
        'class B(A):\n    def d(self):\n        return "/srv/b"\nB().f()',
        "/srv/b?",
    ),
    "property-of-an-heir": (
        'import os\nclass A:\n    d = "/a"\n    def f(self):\n        os.makedirs(self.d)\n'
        'class B(A):\n    @property\n    def d(self):\n        return "/srv/b"\nB().f()',
        "/a?;/srv/b?",
    ),
    "passed-to-super": (
        "import os\nclass A:\n    def __init__(self, d):\n        os.makedirs(d)\n"
        'class B(A):\n    def __init__(self):\n        super().__init__("/srv/b")\nB()',
        "/srv/b",
    ),
    "passed-to-a-base": (
        "import os\nclass A:\n    def __init__(self, d):\n        os.makedirs(d)\n"
        'class B(A):\n    def __init__(self):\n        A.__init__(self, "/srv/b")\nB()',
        "/srv/b",
    ),
    "passed-to-an-heir": (
        "import os\nclass A:\n    def __init__(self, d):\n        os.makedirs(d)\n"
        'class B(A):\n    pass\nB("/srv/b")',
        "/srv/b",
    ),
    "passed-to-another-base": (
        "import os\nclass A:\n    def __init__(self, d):\n        os.makedirs(d)\n"
        "class B:\n    def __init__(self, d):\n        pass\n"
        'class C(B):\n    def __init__(self):\n        super().__init__("/b")\nA("/srv/a")\nC()',
        "/srv/a",
    ),
    "passed-or-left-out": (
        'import os\ndef f(d="/a"):\n    os.makedirs(d)\nf()\nf("/srv/b")',
        "/a?;/srv/b?",
    ),
    "passed-in-a-table": (
        'import os\ndef f(d="/a"):\n    os.makedirs(d)\noptions = {"d": "/srv/b"}\nf(**options)',
        "/srv/b?",
    ),
    "passed-in-a-table-of-others": (
        'import os\ndef f(d="/a", n=0):\n    os.makedirs(d)\nf(**{"n": 1})',
        "/a?",
    ),
    "passed-in-a-list": ('import os\ndef f(n, d="/a"):\n    os.makedirs(d)\nf(*("x", "/srv/b"))', "/srv/b?"),
    "passed-to-a-thread": (
        "import os, threading\ndef f(n, d):\n    os.makedirs(d)\n"
        'threading.Thread(target=f, args=(1, "/srv/b")).start()',
        "/srv/b",
    ),
    "passed-to-a-process-by-name": (
        "import os, multiprocessing as m\ndef f(d):\n    os.makedirs(d)\n"
        'm.Process(target=f, kwargs={"d": "/srv/b"}).start()',
        "/srv/b",
    ),
    "passed-to-an-executor": (
        'import os\ndef f(d):\n    os.makedirs(d)\npool.submit(f, "/srv/b")\n'
        'loop.run_in_executor(None, f, "/srv/c")',
        "/srv/b?;/srv/c?",
    ),
    "passed-to-a-method-later": (
        "import os, functools\nclass A:\n    def f(self, d):\n        os.makedirs(d)\n"
        'g = functools.partial(A().f, "/srv/b")\ng()',
        "/srv/b",
    ),
    "passed-with-a-function": ('import os\ndef f(d="/a"):\n    os.makedirs(d)\nlib.each(f, "/b")', "/a?"),
    "default-of-nothing": (
        'import os\ndef f(d=None):\n    d = d or "/srv/b"\n    os.makedirs(d)\nf()',
        "/srv/b?",
    ),
    "default-of-an-empty-text": ('import os\nD = ""\nos.makedirs(D or "/srv/b")', "/srv/b"),
    "default-of-what-is-set": ('import os\nD = "/srv/a"\nos.makedirs(D or "/b")', "/srv/a"),
    "default-of-either": (
        'import os\nos.makedirs(("/srv/a" if x else None) or "/srv/b")',
        "/srv/a?;/srv/b?",
    ),
    "target-of-a-path": (
        'from pathlib import Path\nd = Path("/srv/b")\nPath("/srv/a/x").rename(d / "x")',
        "/srv/b/x",
    ),
    "replaced-path": ('from pathlib import Path\nPath("/a").replace("/srv/b/x")', "/srv/b/x"),
    "link": ('from pathlib import Path\nPath("/srv/b/x").symlink_to("/a")', "/srv/b/x"),
    "replaced-text": ('t = "/a/b".replace("/a", "/c")\nopen("/srv/b", "w")', "/srv/b"),
    "replaced-bracket": ('t = n.replace("/(", "/a/b)")\nopen("/srv/b", "w")', "/srv/b"),
    "replaced-field": ('t = now.replace(tzinfo="/a")\nopen("/srv/b", "w")', "/srv/b"),
    "renamed-column": ('t = rows.rename("total")\nopen("/srv/b", "w")', "/srv/b"),
    "appended": (
        'import os\nD = ["/a"]\nD.append("/srv/b")\nfor d in D:\n    os.makedirs(d)',
        "/a;/srv/b?",
    ),
    "appended-to-another": (
        'import os\nD = ["/a"]\nE = []\nE.append("/b")\nfor d in D:\n    os.makedirs(d)',
        "/a",
    ),
    "appended-by-a-method": (
        "import os\nclass A:\n    def __init__(self):\n        self.d = []\n"
        "    def add(self, d):\n        self.d.append(d)\n"
        "    def f(self):\n        for d in self.d:\n            os.makedirs(d)\n"
        'a = A()\na.add("/srv/b")\na.f()',
        "/srv/b?",
    ),
    "added-to-a-dictionary": (
        'import os\nC = {"a": "/a"}\nC["b"] = "/srv/b"\nfor d in C.values():\n    os.makedirs(d)',
        "/a;/srv/b?",
    ),
    "added-pair": (
        'import os\nC = {"a": "/a"}\nC["b"] = "/srv/b"\nfor n, d in C.items():\n    os.makedirs(d)',
        "/a;/srv/b?",
    ),
    "any-of-a-dictionary": (
        'import os\nC = {"a": "/a"}\nC["b"] = "/srv/b"\ndef f(n):\n    os.makedirs(C[n])',
        "/a?;/srv/b?",
    ),
    "any-path-of-a-dictionary": (
        'import os\nC = {}\nC["a"] = "/srv/b"\nC["b"] = "loss"\ndef f(n):\n    os.makedirs(C[n])',
        "/srv/b?",
    ),
    "set-by-any-key": (
        'import os\nC = {}\nfor n in ("a", "b"):\n    C[n] = "/srv/" + n\nos.makedirs(C["b"])',
        "/srv/a?;/srv/b?",
    ),
    "option": (
        'import argparse, os\np = argparse.ArgumentParser()\np.add_argument("--out-dir", default="/data")\n'
        "a = p.parse_args()\nos.makedirs(a.out_dir)",
        "/data?",
    ),
    "plain-name": ('df.to_pickle("train")', "/app/train"),
    "saved-model": ('model.save("trained")', "/app/trained"),
    "download": ('def f(name):\n    blob.download_to_filename("/documents/" + name)', "/documents/"),
    "database-url": ('DB_URL = "sqlite:///./sessions.db"\nserve(db=DB_URL)', "/app/sessions.db"),
    "url-argument": ('RecordManager("a", db_url="sqlite:///records.sql")', "/app/records.sql"),
    "sqlite-url": ('import sqlite3\nsqlite3.connect("file:///data/a.db?mode=rwc", uri=True)', "/data/a.db"),
    "tracking": ('import mlflow\nmlflow.set_tracking_uri("file:///data/runs")', "/data/runs"),
    "extracted": ('import tarfile\ntarfile.open("a.tar").extractall("/data/a")', "/data/a"),
    "unpacked": ('import shutil\nshutil.unpack_archive("a.zip", extract_dir="/data/a")', "/data/a"),
    "cloned": ('import git\ngit.Repo.clone_from("u", to_path="/data/a")', "/data/a"),
    "socket": (
        'import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind("/srv/a.sock")',
        "/srv/a.sock",
    ),
    "module-under-another-name": ('import soundfile as sf\nsf.write("/data/x.wav", d, 1)', "/data/x.wav"),
    "program-by-another-name": ('import subprocess as sp\nsp.run(["touch", "/data/x"])', "/data/x"),
    "compressed": ('import bz2\nbz2.BZ2File("/data/x", "w")', "/data/x"),
    "raster": ('import rasterio\nrasterio.open("/data/x.tif", "w", driver="GTiff")', "/data/x.tif"),
    "served-socket": ('import uvicorn\nuvicorn.run("main:app", uds="/srv/a.sock")', "/srv/a.sock"),
    "session": ('from telethon import TelegramClient\nTelegramClient("/data/bot", 1, "k")', "/data/bot"),
    "lock-of-a-library": ('from filelock import FileLock\nFileLock("/data/a.lock")', "/data/a.lock"),
    "index": ('import faiss\nfaiss.write_index(index, "/data/index")', "/data/index"),
    "store": ('from qdrant_client import QdrantClient\nQdrantClient(path="/data/q")', "/data/q"),
    "collection": ('Store.from_documents(rows, persist_directory="/data/c")', "/data/c"),
    "board": ('from tensorboardX import SummaryWriter\nSummaryWriter("/data/runs")', "/data/runs"),
    "training": ('from transformers import TrainingArguments as A\nA(output_dir="/data/a")', "/data/a"),
    "cookies": ('YoutubeDL({"cookiefile": "/data/a.txt", "outtmpl": "%(id)s"})', "/app/%(id)s;/data/a.txt"),
    "upload-folder": ('app.config.update(UPLOAD_FOLDER="/data/up")', "/data/up"),
    "unknown": ("import sys\nopen(sys.argv[1], 'w')", "?"),
    "comprehension": (
        'import os\nB = "/srv"\nfor d in [os.path.join(B, n) for n in ("x", "y")]:\n    os.makedirs(d)',
        "/srv/x;/srv/y",
    ),
    "comprehension-of-constants": (
        'import os\nDIRS = {f"/srv/{n}" for n in ("x", "y")}\nfor d in DIRS:\n    os.makedirs(d)',
        "/srv/x;/srv/y",
    ),
    "joined-comprehension": ('import os\nos.makedirs("/srv/" + "-".join(n for n in ("x", "y")))', "/srv/"),
    "numbered": ('import os\nfor i, d in enumerate(["/srv/x"]):\n    os.makedirs(d)', "/srv/x"),
    "paired": (
        'import os\nfor n, d in zip((1, 2), ("/srv/x", "/srv/y")):\n    os.makedirs(d)',
        "/srv/x;/srv/y",
    ),
    "character": ("import os\nos.makedirs(chr(47) + 'srv')", "/srv"),
    "starred": ('import os\na, *_, d = ("/a", "/b", "/c", "/srv/x")\nos.makedirs(d)', "/srv/x"),
    "rest": ('import os\na, *rest = ("/a", "/b", "/c")\nfor d in rest:\n    os.makedirs(d)', "/b;/c"),
    "template": (
        'import os\nfrom string import Template\nos.makedirs(Template("$base/x$$").substitute(base="/srv"))',
        "/srv/x$",
    ),
    "template-of-a-table": (
        'import os, string\nos.makedirs(string.Template("${base}/x").safe_substitute({"base": "/srv"}))',
        "/srv/x",
    ),
    "field-of-a-dataclass": (
        "import os\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    n: int\n    d: str\n"
        'a = A(1, "/srv/x")\nos.makedirs(a.d)',
        "/srv/x",
    ),
    "field-by-its-name": (
        "import os\nfrom typing import NamedTuple\nclass A(NamedTuple):\n    d: str = '/srv/x'\n"
        "os.makedirs(A(d='/srv/y').d)",
        "/srv/x;/srv/y",
    ),
}


@pytest.mark.parametrize(
    "source",
    [
        "from telethon import TelegramClient\nTelegramClient(StringSession(), 1)",
        "import faiss\nfaiss.write_index(index, faiss.VectorIOWriter())",
        'from qdrant_client import QdrantClient\nQdrantClient("http://qdrant:6333")',
        "Store.from_documents(rows, embeddings)",
        'from pymilvus import MilvusClient\nMilvusClient(uri="http://milvus:19530")',
        'import subprocess\nsubprocess.run(["make", "-C", "docs"])',
    ],
)
def test_what_is_kept_in_memory_or_elsewhere_is_not_a_write(source: str) -> None:
    assert found(source) == []


@pytest.mark.parametrize("name", WRITES)
def test_writes_are_found_where_they_lead(name: str) -> None:
    source, places = WRITES[name]
    assert found(source) == [f"write {place}" for place in places.split(";")]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ('["coverage", "run", "worker.py"]', ["write /app?", "write /etc/a"]),
        ('["python", "manage.py", "makemigrations"]', ["write /app?", "write /etc/b"]),
        ('["black", "."] if quick else ["python", "worker.py"]', ["write /app?", "write /etc/a"]),
        ('["sysctl", "-p"] if quick else ["python", "worker.py"]', ["root sysctl?", "write /etc/a"]),
        ('"black . && systemctl stop x"', ["root systemctl", "write /app?"]),
    ],
)
def test_commands_are_followed_whatever_else_they_do(command: str, expected: list[str]) -> None:
    source = f"import subprocess\nsubprocess.run({command})"
    more = {"worker": 'open("/etc/a", "w")', "manage": 'open("/etc/b", "w")'}
    assert found(source, **more) == expected


def test_commands_that_are_not_known_are_not_launched() -> None:
    source = "import subprocess\nfrom conf import settings\nsubprocess.run(settings.COMMAND, shell=True)\n"
    source += 'subprocess.run({"a": "touch /etc/c"}, shell=True)'
    assert read({"main.py": source}).launches == ()


def test_values_are_looked_up_again_in_the_settings_of_what_is_started() -> None:
    write = 'import os\nos.makedirs(app.config["DATA_DIR"])\n'
    files = {
        "main.py": f'{write}import subprocess\nsubprocess.run(["python", "worker.py"])',
        "worker.py": f'{write}load("worker.toml")',
        "worker.toml": 'DATA_DIR = "/srv/data"',
    }
    claims = [f"{one.file} {one.what}" for one in read(files).claims]
    assert "worker.py /srv/data" in claims


def test_handled_failure_of_a_command_excuses_what_the_command_writes() -> None:
    start = 'import os, subprocess as sp\ntry:\n    sp.run(["touch", "/etc/a"], check=True)\n'
    write = '    os.makedirs("/etc/b")\nexcept sp.CalledProcessError:\n    pass'
    assert found(start + write) == ["write /etc/a?", "write /etc/b"]


@pytest.mark.parametrize(
    "source",
    [
        'open("/data/a")',
        'open("/data/a", "rb").read()',
        'import os\nos.open("/data/a", os.O_RDONLY)',
        'open("/dev/stderr", "w")',
        "import tempfile\ntempfile.mkdtemp()",
        'import sqlite3\nsqlite3.connect(":memory:")',
        'from sqlalchemy import create_engine\ncreate_engine("postgresql://a/b")',
        "sftp.mkdir(path)",
        "user.save()",
        "user.save(update_fields=names)",
        "image.save(buffer, format='PNG')",
        "import os, tempfile\n_, name = tempfile.mkstemp()\nos.remove(name)",
        "text = \"open('/data', 'w')\"  # os.makedirs(\"/data\")",
        "model.save(commit=False)",
        'items = []\nitems.remove("/a/b")',
        'import mlflow\nmlflow.set_tracking_uri("http://tracking:5000")',
        'import socket\ns = socket.socket()\ns.bind(("0.0.0.0", 8000))',
        'import uvicorn\nuvicorn.run("main:app", port=8000)',
        "def links(job): return {'html': f'/reports/{job}', 'output': f'/api/reports/{job}'}",
        'import lib\nlib.Site(template_dir="/data", static_folder="/data", config_file="/data/a")',
        'import lib\nlib.Store(persist_directory="data", db_path=name)',
    ],
)
def test_what_writes_nothing_of_the_image_says_nothing(source: str) -> None:
    assert found(source) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("app.run(host='0.0.0.0', port=80)", ["port 80"]),
        ("app.run(port=8000)", []),
        ("import uvicorn\nPORT = 443\nuvicorn.run('main:app', port=PORT)", ["port 443"]),
        ("import os, uvicorn\nuvicorn.run(app, port=int(os.environ.get('PORT', '80')))", ["port 80"]),
        ("from http.server import HTTPServer\nHTTPServer(('', 80), H)", ["port 80"]),
        ("import socket\ns = socket.socket()\ns.bind(('0.0.0.0', 25))", ["port 25"]),
        ("import os, socket\nsocket.socket().bind(('', 443 if os.name else 8000))", ["port 443?"]),
        ("import os, socket\nsocket.socket().bind(('', 8000 if os.name else 443))", ["port 443?"]),
        ("import socket\ns = socket.socket()\ns.listen(5)", []),
        ("server.add_insecure_port('[::]:443')", ["port 443"]),
        ("smtp = smtplib.SMTP('host', port=25)", []),
    ],
)
def test_low_ports(source: str, expected: list[str]) -> None:
    assert found(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import docker\ndocker.from_env()", ["docker docker.from_env"]),
        ("from docker import DockerClient as Client\nClient()", ["docker docker.DockerClient"]),
        (
            "try:\n    import docker\nexcept ImportError:\n    docker = None\n"
            "def logs():\n    return docker.from_env().containers.get('web').logs()",
            ["docker docker.from_env"],
        ),
        ("import docker\ndocker.DockerClient(base_url='tcp://proxy:2375')", []),
        ("import docker\ndocker.DockerClient('ssh://build.example')", []),
        ("import docker\ndocker.APIClient(address)", ["docker docker.APIClient"]),
        ("import aiodocker\nasync def f():\n    aiodocker.Docker()", ["docker aiodocker.Docker"]),
        ("from settings import Settings\nSettings.from_env()", []),
        ("SOCKET = 'unix:///var/run/docker.sock'", ["docker /var/run/docker.sock"]),
        ("SOCKET = 'unix://var/run/docker.sock'", ["docker /var/run/docker.sock"]),
        ("# '/run/docker.sock'\n\"Or /run/docker.sock.\"", []),
    ],
)
def test_uses_of_dockers_socket(source: str, expected: list[str]) -> None:
    assert found(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os\nos.setuid(33)", ["root os.setuid"]),
        ("from icmplib import ping\nping('a')", ["root icmplib.ping"]),
        ("from icmplib import ping\nping('a', privileged=False)", []),
        ("import subprocess\nsubprocess.run(['tcpdump', '-i', 'eth0'])", ["root tcpdump"]),
        ("import subprocess\nsubprocess.run(['tcpdump', '-r', 'a.pcap'])", []),
        ("from os import chown\nchown('a', 1, 1)", ["root os.chown"]),
        ("import socket\nsocket.socket(socket.AF_INET, socket.SOCK_RAW, 1)", ["root raw socket"]),
        ("import subprocess\nsubprocess.run(['apt-get', 'install', 'x'])", ["root apt-get"]),
        ("import os\nos.system('mount -t tmpfs x /mnt')", ["root mount"]),
        ("import subprocess as sp\nC = ['iptables', '-L']\nsp.check_call(C)", ["root iptables"]),
        ("import subprocess\nsubprocess.run('cd / && systemctl restart x', shell=True)", ["root systemctl"]),
        (
            "import subprocess\nsubprocess.run(['id'], user='nobody')",
            ["root another user's process"],
        ),
        ("import subprocess\nsubprocess.run(['id'], user=None)", []),
        ("import os\ntry:\n    os.setgid(1)\nexcept PermissionError:\n    pass", ["root os.setgid?"]),
        ("import os\ntry:\n    os.setgid(1)\nexcept OSError:\n    raise", ["root os.setgid"]),
        ("import os\ntry:\n    os.setgid(1)\nexcept CalledProcessError:\n    pass", ["root os.setgid"]),
        (
            "import os\nif os.getuid() == 0:\n    os.setgid(1)",
            ["root os.getuid() compared with 0?", "root os.setgid?"],
        ),
        ("import os\nos.system('dpkg -l; ip addr; mount')", []),
        ("import os\nos.system('dpkg -i a.deb')", ["root dpkg"]),
        ("import os\nif os.geteuid() != 0: exit()", ["root os.geteuid() compared with 0?"]),
        ("import subprocess\nsubprocess.run(['ls', 'mount'])", []),
        ("print('apt-get install x')", []),
    ],
)
def test_needs_of_root(source: str, expected: list[str]) -> None:
    assert found(source) == expected


@pytest.mark.parametrize(
    ("source", "env", "expected"),
    [
        ("import os\nos.makedirs(os.path.expanduser('~/.app'))", "", ["home ~/.app"]),
        ("from pathlib import Path\n(Path.home() / 'x').mkdir()", "", ["home ~/x"]),
        (
            "from transformers import AutoModel\nAutoModel.from_pretrained('b/c')",
            "",
            ["home ~/.cache/huggingface"],
        ),
        (
            "from transformers import AutoModel\nAutoModel.from_pretrained('b/c')",
            "ENV HF_HOME=/m\n",
            ["write /m"],
        ),
        (
            "from playwright.sync_api import sync_playwright\nsync_playwright()",
            "ENV PLAYWRIGHT_BROWSERS_PATH=/m\n",
            [],
        ),
        ("from transformers import AutoModel\nAutoModel.from_pretrained('/models/b')", "", []),
        ("from w import M\nM.from_pretrained('model')", "", ["home ~/.cache/huggingface?"]),
        (
            "from transformers import AutoModel\nAutoModel.from_pretrained('b/c', cache_dir='/m')",
            "",
            ["write /m"],
        ),
        ("import nltk\nnltk.download('punkt')", "", ["home ~/nltk_data"]),
        ("import os\nos.makedirs('/root/.app')", "", ["write /root/.app"]),
    ],
)
def test_homes(source: str, env: str, expected: list[str]) -> None:
    assert found(source, DOCKERFILE.replace("COPY", env + "COPY")) == expected


def test_constants_are_followed_across_the_applications_own_imports() -> None:
    assert found(
        "from shop import config\nfrom shop.store import Store\nStore().put()",
        shop____init__="",
        shop__config="import os\nBASE = os.environ.get('BASE', '/data')\n",
        shop__store="from .config import BASE\nfrom .paths import *\n"
        "class Store:\n    def put(self):\n        open(f'{BASE}/{SUB}/a', 'w')\n",
        shop__paths="SUB = 'orders'\n",
        other="open('/never/imported', 'w')",
    ) == ["write /data/orders/a"]


@pytest.mark.parametrize(
    "reader",
    ["os.makedirs(conf.D)", "from conf import D\nos.makedirs(D)", "conf.make()", "C.D = C.D\nconf.make()"],
)
def test_a_module_whose_names_another_one_sets(reader: str) -> None:
    conf = 'import os\nD = "/a"\ndef make():\n    os.makedirs(D)\n'
    source = f'import os, conf\nimport conf as C\nconf.D = "/srv/b"\n{reader}\n'
    assert set(found(source, conf=conf)) == {"write /a?", "write /srv/b?"}


@pytest.mark.parametrize(
    "imported", ["from store import Store", "from store import Store as Base", "import store as s"]
)
def test_a_class_that_inherits_may_set_what_the_methods_of_its_base_write(imported: str) -> None:
    store = 'import os\nclass Store:\n    d = "/a"\n    def put(self):\n        os.makedirs(self.d)\n'
    base = {"from store import Store": "Store", "import store as s": "s.Store"}.get(imported, "Base")
    source = (
        f'{imported}\nclass Middle({base}):\n    pass\nclass Big(Middle):\n    d = "/srv/b"\nBig().put()\n'
    )
    assert set(found(source, store=store)) == {"write /a?", "write /srv/b?"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("%(root)s/data", ["write /srv/b/data"]),
        ("${root}/data", ["write /srv/b/data"]),
        ("${DEFAULT:root}/data", ["write /srv/b/data"]),
        ("%(other)s/data", ["write "]),
        ("%(data)s/data", ["write "]),
    ],
)
def test_a_value_of_an_ini_file_may_begin_with_another_one(value: str, expected: list[str]) -> None:
    read_file = 'c = configparser.ConfigParser()\nc.read("a.ini")\n'
    source = f'import configparser, os\n{read_file}os.makedirs(c["x"]["data"])\n'
    files = {"main.py": source, "a.ini": f"[DEFAULT]\nroot = /srv/b\n[x]\ndata = {value}\n"}
    assert [f"{one.kind} {one.what}" for one in read(files).claims] == expected


@pytest.mark.parametrize("count", [12, 40])
@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("for d in [{}]:\n    os.makedirs(d)", '"/srv/{}", '),
        ("def f(d):\n    os.makedirs(d)\n{}", 'f("/srv/{}")\n'),
    ],
)
def test_a_place_that_has_many_values_is_unknown_beyond_a_limit(source: str, place: str, count: int) -> None:
    places = [f"/srv/{number}" for number in range(count)]
    text = "import os\n" + source.format("".join(place.format(number) for number in range(count)))
    writes = [one.what for one in read({"main.py": text}).claims]
    assert set(writes) - {""} <= set(places)
    assert len(writes) == 12 if count == 12 else "" in writes


@pytest.mark.parametrize(
    ("imported", "expected"),
    [
        ('D = "/a"\nfrom local import *', "/srv/b?"),
        ('from local import *\nD = "/a"', "/a?"),
        ('D = "/a"\ntry:\n    from local import *\nexcept ImportError:\n    pass', "/a?;/srv/b?"),
        ('D = "/a"\ntry:\n    from other import *\nexcept ImportError:\n    pass', "/a"),
        ('try:\n    from local import D\nexcept ImportError:\n    D = "/a"', "/a?;/srv/b?"),
        ('D = "/a"\nif x:\n    from local import E as D', "/a?;/srv/c?"),
        ('D = "/a"\ndef f():\n    global D\n    from local import D\nf()', "/a?;/srv/b?"),
        ('def f():\n    from local import D\n    os.makedirs(D)\nD = "/a"\nf()', "/a;/srv/b"),
    ],
)
def test_an_imported_name_is_one_of_the_values_of_a_name(imported: str, expected: str) -> None:
    local = 'D = "/srv/b"\nE = "/srv/c"\n'
    writes = found(f"import os\n{imported}\nos.makedirs(D)\n", local=local)
    assert sorted(writes) == [f"write {place}" for place in expected.split(";")]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ('json.loads(os.environ["PLACES"])["up"]', "/data/up"),
        ('json.loads(os.getenv("PLACES", "{}")).get("up")', "/data/up"),
        ('ast.literal_eval(os.environ["PLACES"])["up"]', "/data/up"),
        ('lib.parsed("env", os.environ["PLACES"])["up"]', ""),
        ("S().places['up']", "/data/up?"),
    ],
)
def test_a_path_in_the_structured_value_of_a_variable_is_found(place: str, expected: str) -> None:
    dockerfile = DOCKERFILE.replace("COPY", 'ENV PLACES=\'{"up": "/data/up"}\'\nCOPY')
    settings = "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    places: dict"
    source = f"import ast, json, os\nimport lib\n{settings}\nos.makedirs({place})"
    assert found(source, dockerfile) == [f"write {expected or '?'}"]


@pytest.mark.parametrize("text", ["{[]: 1}", "{", "1 +", "'", "(" * 400])
def test_a_text_that_is_not_a_literal_is_an_unknown_place(text: str) -> None:
    assert found(f"import ast, os\nos.makedirs(ast.literal_eval({text!r}))") == ["write ?"]


def test_a_setting_that_is_extended_is_found_where_it_is_extended() -> None:
    source = 'MEDIA_ROOT = "/srv"\nMEDIA_ROOT += "/up"\n'
    places = [(one.line, one.what) for one in read({"main.py": source}).claims]
    assert (2, "/srv/up") in places


def test_fields_of_nested_settings_are_set_by_variables() -> None:
    source = (
        "import os\nfrom pydantic import BaseModel\nfrom pydantic_settings import BaseSettings\n"
        "class Store(BaseModel):\n    dir: str = '/srv/x'\n"
        "class Settings(BaseSettings):\n    model_config = dict(env_nested_delimiter='__')\n"
        "    store: Store = Store()\nos.makedirs(Settings().store.dir)\n"
    )
    text = DOCKERFILE.replace("COPY", "ENV STORE__DIR=/srv/y\nCOPY")
    assert found(source, text) == ["write /srv/x", "write /srv/y"]
    assert found(source.replace("env_nested_delimiter", "extra"), text) == ["write /srv/x"]


def test_the_images_environment_goes_before_a_default() -> None:
    text = DOCKERFILE.replace("COPY", "ENV PLACE=/srv/files\nCOPY")
    assert found("import os\nos.makedirs(os.getenv('PLACE', '/data'))", text) == ["write /srv/files"]


def test_an_empty_default_is_no_place() -> None:
    setting = "import os, pathlib\nplace = pathlib.Path(os.environ.get('PLACE', ''))\n"
    assert "write /app/out" not in found(f"{setting}(place / 'out').mkdir()")
    text = DOCKERFILE.replace("COPY", "ENV PLACE=/srv/files\nCOPY")
    assert found(f"{setting}(place / 'out').mkdir()", text) == ["write /srv/files/out"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("for name in names:\n    import_module(f'parts.{name}')\n", ["mail", "pings"]),
        ("for name in names:\n    import_module('.'.join(('parts', name)))\n", ["mail", "pings"]),
        ("for name in names:\n    __import__('parts.%s' % name)\n", ["mail", "pings"]),
        ("import_module(  'parts.mail' )\n", ["mail"]),
        ("NAMES = ['parts.mail']\nfor name in NAMES:\n    client.load_extension(name)\n", ["mail"]),
        ("import_module(name)\n", []),
    ],
)
@pytest.mark.parametrize("package", [{}, {"parts/__init__.py": ""}])
def test_modules_that_are_imported_by_a_string_are_read(
    package: dict[str, str], source: str, expected: list[str]
) -> None:
    parts = {f"parts/{one}.py": f"open('/data/{one}/x', 'w')\n" for one in ("mail", "pings")}
    reading = read({"main.py": f"from importlib import import_module\n{source}"} | parts | package)
    assert [one.what for one in reading.claims] == [f"/data/{one}/x" for one in expected]


@pytest.mark.parametrize(
    "call",
    [
        "exec(open('jobs/daily.py').read())",
        "exec(Path('jobs/daily.py').read_text())",
        "exec(compile(open('jobs/daily.py').read(), 'daily', 'exec'))",
        "runpy.run_path('jobs/daily.py')",
        "runpy.run_path(os.environ['JOB'])",
        "spec_from_file_location('daily', os.path.join('jobs', 'daily.py'))",
        "imp.load_source('daily', 'jobs/daily.py')",
        "[runpy.run_path(one) for one in glob('jobs/*.py')]",
        "import_string('jobs.daily:run')",
        "exec('open(\\'/mnt/in/a.txt\\', \\'w\\')')",
    ],
)
def test_code_that_is_executed_by_its_file_or_from_a_string_is_read(call: str) -> None:
    imports = "import imp, os, runpy\nfrom importlib.util import spec_from_file_location\n"
    files = {"main.py": imports + call + "\n", "jobs/daily.py": "open('/mnt/in/a.txt', 'w')\n"}
    reading = read(files, DOCKERFILE.replace("COPY", "ENV JOB=/app/jobs/daily.py\nCOPY"))
    assert [one.what for one in reading.claims] == ["/mnt/in/a.txt"]


@pytest.mark.parametrize(
    "call", ["exec(sys.stdin.read())", "exec(fetch(url))", "runpy.run_path(sys.argv[1])"]
)
def test_code_that_nobody_knows_may_write_anywhere(call: str) -> None:
    (claim,) = read({"main.py": f"import runpy, sys\n\n{call}\n"}).claims
    assert (claim.kind, claim.what, claim.line, claim.certain) == (Kind.WRITE, "", 3, False)


@pytest.mark.parametrize(
    "code",
    [
        "app.config.from_pyfile('local.cfg', silent=True)",
        "def exec(self): pass",
        "exec('mount = 1')",
    ],
)
def test_what_executes_no_unknown_code_writes_nowhere(code: str) -> None:
    assert not read({"main.py": f"{code}\n"}).claims


@pytest.mark.parametrize(
    "source",
    [
        "import uvicorn\nuvicorn.run('shop.web:app')",
        "scheduler.add_job('shop.web:refresh')",
        "queue.enqueue('shop.web.refresh')",
        "app = Celery('shop', include=['shop.web'])",
        "import pkgutil, shop\nfor f, n, _ in pkgutil.walk_packages(shop.__path__, 'shop.'):\n    load(f, n)",
    ],
)
def test_modules_that_are_named_by_strings_are_read(source: str) -> None:
    reading = read({"main.py": source, "shop/__init__.py": "", "shop/web.py": "open('/srv/x', 'w')\n"})
    assert [one.what for one in reading.claims] == ["/srv/x"]


@pytest.mark.parametrize(
    "source",
    [
        "for a, n, _ in pkgutil.iter_modules(__path__):\n    import_module(f'{__name__}.' + n)",
        "for n in names:\n    import_module('.' + n, package=__package__)",
    ],
)
def test_a_package_that_imports_its_modules_by_their_names_is_read(source: str) -> None:
    package = {"shop/__init__.py": f"from importlib import import_module\n{source}\n"}
    reading = read({"main.py": "import shop", "shop/web.py": "open('/srv/x', 'w')\n"} | package)
    assert [one.what for one in reading.claims] == ["/srv/x"]


def test_the_tasks_of_packages_are_found() -> None:
    files = {"shop/__init__.py": "", "shop/tasks.py": "open('/srv/x', 'w')\n"}
    found = read({"main.py": "app.autodiscover_tasks(['shop'])\n"} | files).claims
    assert [one.what for one in found] == ["/srv/x"]


@pytest.mark.parametrize(
    ("start", "main"),
    [
        ('["python", "manage.py", "collect"]', ""),
        (
            '["python", "main.py"]',
            "import settings\nfrom django.core.management import call_command\ncall_command('collect')\n",
        ),
    ],
)
def test_a_command_of_a_django_app_is_read(start: str, main: str) -> None:
    files = {
        "main.py": main,
        "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\nimport django\n",
        "settings.py": "INSTALLED_APPS = ['shop']\n",
        "shop/__init__.py": "",
        "shop/management/commands/collect.py": "open('/srv/x', 'w')\n",
        "shop/management/commands/other.py": "open('/srv/y', 'w')\n",
    }
    reading = read(files, DOCKERFILE.replace('["python", "main.py"]', start))
    assert [one.what for one in reading.claims] == ["/srv/x"]


def test_django_settings_are_found_through_manage_py() -> None:
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\n",
        "site1/__init__.py": "",
        "site1/settings.py": "from pathlib import Path\nBASE_DIR = Path(__file__).resolve().parent.parent\n"
        "INSTALLED_APPS = ['django.contrib.admin', 'shop.apps.ShopConfig']\n"
        "MEDIA_ROOT = BASE_DIR / 'media'\nSTATIC_ROOT = '/static'\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'db.sqlite3'}}"
        "\n",
        "shop/__init__.py": "",
        "shop/apps.py": "",
        "shop/views.py": "from django.conf import settings\nopen(settings.MEDIA_ROOT / 'x.txt', 'w')\n",
    }
    text = DOCKERFILE.replace('"main.py"', '"manage.py", "runserver", "0.0.0.0:80"')
    assert [f"{one.file}:{one.line} {one.what} {one.certain}" for one in read(files, text).claims] == [
        "Dockerfile:4 80 True",
        "shop/views.py:2 /app/media/x.txt True",
        "site1/settings.py:4 /app/media True",
        "site1/settings.py:5 /static False",
        "site1/settings.py:6 /app/db.sqlite3 True",
    ]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "gunicorn -b :80 --pid /run/app/g.pid --access-logfile - main:app",
            ["port 80", "write /run/app/g.pid"],
        ),
        ('["gunicorn", "--bind=0.0.0.0:443", "main:app"]', ["port 443"]),
        ("uvicorn main:app --host 0.0.0.0 --port 80", ["port 80"]),
        ("python -m uvicorn main:app --port 80", ["port 80"]),
        ("poetry run uvicorn main:app --port 80", ["port 80"]),
        (
            "celery -A main beat -s /data/schedule --pidfile=/data/b.pid",
            ["write /data/b.pid", "write /data/schedule"],
        ),
        ("celery -A main worker -B", ["write /app/celerybeat-schedule"]),
        ("python -m http.server 80", ["port 80"]),
        ("streamlit run main.py --server.port=80", ["port 80"]),
        ("sh -c 'exec uvicorn main:app --port 80'", ["port 80"]),
    ],
)
def test_flags_of_servers(command: str, expected: list[str]) -> None:
    text = DOCKERFILE.replace('["python", "main.py"]', command)
    assert sorted(found("app = 1", text)) == expected


@pytest.mark.parametrize(
    ("variable", "command", "expected"),
    [
        ("FLASK_RUN_PORT=80", "flask --app main run", ["port 80"]),
        ("FLASK_RUN_PORT=80", "flask --app main run --port 8000", []),
        ("PORT=80", "gunicorn main:app", ["port 80"]),
        ("PORT=80", "gunicorn -b :8000 main:app", []),
        ("STREAMLIT_SERVER_PORT=80", "streamlit run main.py", ["port 80"]),
        ("UVICORN_UDS=/srv/web.sock", "uvicorn main:app", ["write /srv/web.sock"]),
        ("UVICORN_UDS=/srv/web.sock", "uvicorn main:app --port 8000", ["write /srv/web.sock"]),
        ("UVICORN_UDS=/srv/web.sock", "uvicorn main:app --uds /srv/x", ["write /srv/x"]),
        ('GUNICORN_CMD_ARGS="--pid /srv/pid -b :80"', "gunicorn main:app", ["port 80", "write /srv/pid"]),
    ],
)
def test_variables_of_servers(variable: str, command: str, expected: list[str]) -> None:
    text = DOCKERFILE.replace("COPY", f"ENV {variable}\nCOPY").replace('["python", "main.py"]', command)
    assert sorted(found("app = 1", text)) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ('["pytest", "--junitxml=/data/r.xml"]', ["write /data/r.xml"]),
        (
            '["scrapy", "crawl", "x", "-o", "/data/x.json", "-s", "JOBDIR=/srv/jobs"]',
            ["write /data/x.json", "write /srv/jobs"],
        ),
        ('["python", "main.py", "--output-dir", "/data/out"]', ["write /data/out"]),
        ('["python", "main.py", "--config-dir", "/data", "--input", "/data/x", "--output", "out"]', []),
    ],
)
def test_options_that_are_named_like_a_place_to_write(command: str, expected: list[str]) -> None:
    text = DOCKERFILE.replace('["python", "main.py"]', command)
    assert sorted(found("app = 1", text)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import sys\nopen(sys.argv[1], 'w')\n", ["write /data/out?", "write ?"]),
        ("import sys\nprint(open(sys.argv[1]).read())\n", []),
    ],
)
def test_operands_of_code_that_writes_to_an_unknown_place(source: str, expected: list[str]) -> None:
    text = DOCKERFILE.replace(
        '["python", "main.py"]', '["python", "main.py", "/app", "/app/x.csv", "/usr/bin/env", "/data/out"]'
    )
    claims = read({"main.py": source, "x.csv": ""}, text).claims
    assert [f"{one.kind} {one.what}{'' if one.certain else '?'}" for one in claims] == expected


@pytest.mark.parametrize(
    "command",
    [
        "gunicorn main",
        "gunicorn --bind 0.0.0.0:8000 main",
        "gunicorn -b :8000 --workers 2 main",
        "gunicorn --bind localhost:http main",
        "gunicorn -c unix:conf.py main",
        "waitress-serve --listen 127.0.0.1:8000 main",
        "hypercorn -b 0.0.0.0:8000 main:app",
    ],
)
def test_an_address_is_not_taken_for_the_application(command: str) -> None:
    text = DOCKERFILE.replace('["python", "main.py"]', command)
    reading = read({"main.py": WRITER}, text)
    assert [str(one) for one in reading.claims] == ["main.py:1: write /data/x"]


@pytest.mark.parametrize(
    "command",
    [
        "functions-framework --target=handle",
        "functions-framework --target=handle --source main.py",
        "litestar --app main:app run",
        "sanic main:app --host 0.0.0.0",
        "faust -A main worker",
        "procrastinate --app main.app worker",
        "taskiq worker broker:broker main",
        "dramatiq broker:broker main",
        "faststream run main:app",
        "nameko run main --broker amqp://queue",
        "flask --app main run",
        "env FLASK_APP=main flask run",
        "torchrun --nproc_per_node 2 main.py",
        "accelerate launch --num_processes 2 -m main",
        "python -m debugpy --listen 0.0.0.0:5678 main.py",
        "python -m debugpy --listen 5678 -m uvicorn main:app",
        "opentelemetry-instrument --traces_exporter console --service_name=web uvicorn main:app",
        "watchmedo auto-restart -d . -p '*.py' -- python main.py",
    ],
)
def test_the_application_of_a_runner_is_read(command: str) -> None:
    text = DOCKERFILE.replace('["python", "main.py"]', command)
    reading = read({"main.py": WRITER, "broker.py": "broker = 1\n"}, text)
    assert [str(one) for one in reading.claims] == ["main.py:1: write /data/x"]


@pytest.mark.parametrize(
    ("command", "files"),
    [
        (
            "fastapi run",
            {"app/main.py": "from app import store\n", "app/__init__.py": "", "app/store.py": WRITER},
        ),
        ("streamlit run main.py", {"main.py": "", "pages/1_Stock.py": WRITER}),
        (
            "streamlit run main.py",
            {
                "main.py": "import streamlit as st\nst.navigation([st.Page('views/stock.py')])\n",
                "views/stock.py": WRITER,
            },
        ),
        ("uvicorn main:app --app-dir src", {"src/main.py": "import store\n", "src/store.py": WRITER}),
        ("python ledger", {"ledger/__main__.py": "import store\n", "ledger/store.py": WRITER}),
        ("python .", {"__main__.py": WRITER}),
        (
            "alembic upgrade head",
            {"alembic.ini": "[alembic]\nscript_location = %(here)s/moves\n", "moves/env.py": WRITER},
        ),
        (
            "/opt/venv/bin/ledger",
            {
                "setup.cfg": "[options.entry_points]\nconsole_scripts =\n  ledger = main:run\n",
                "main.py": WRITER,
            },
        ),
        ("python main.py", {"main.py": "import uvicorn\nuvicorn.run('web:app')\n", "web.py": WRITER}),
        ("python main.py", {"main.py": "jobs.add_job('nightly:run', 'cron')\n", "nightly.py": WRITER}),
    ],
)
def test_what_a_start_reaches_is_read(command: str, files: Mapping[str, str]) -> None:
    reading = read(files, DOCKERFILE.replace('["python", "main.py"]', command))
    assert [one.what for one in reading.claims if one.certain] == ["/data/x"]


def test_a_notebook_that_is_run_is_not_read() -> None:
    text = DOCKERFILE.replace('["python", "main.py"]', "papermill report.ipynb -")
    assert read({"report.ipynb": "{}"}, text).unread == ("/app/report.ipynb",)


@pytest.mark.parametrize(
    "script",
    [
        "(cd /srv && echo there)\nexec python main.py\n",
        'cd -- "$(dirname -- "$0")"\nexec python main.py\n',
        "cd /srv && cd - > /dev/null\nexec python /app/main.py\n",
    ],
)
def test_a_script_runs_code_where_it_stands(script: str) -> None:
    text = DOCKERFILE.replace('["python", "main.py"]', '["/app/start.sh"]')
    reading = read({"main.py": WRITER, "start.sh": f"#!/bin/bash\n{script}"}, text)
    assert [str(one) for one in reading.claims] == ["main.py:1: write /data/x"]


@pytest.mark.parametrize(
    ("variable", "command"),
    [
        ("FLASK_APP=main:app", "flask run"),
        ("LITESTAR_APP=main:app", "litestar run"),
        ("FUNCTION_SOURCE=main.py", "functions-framework --target handle"),
        ("PROCRASTINATE_APP=main.app", "procrastinate worker"),
    ],
)
def test_an_application_that_a_variable_names_is_read(variable: str, command: str) -> None:
    text = DOCKERFILE.replace('CMD ["python", "main.py"]', f"ENV {variable}\nCMD {command}")
    reading = read({"main.py": WRITER, "app.py": "open('/data/y', 'w')\n"}, text)
    assert [str(one) for one in reading.claims] == ["main.py:1: write /data/x"]


def test_a_configuration_of_gunicorn_is_run() -> None:
    files = {
        "web.py": "app = 1\n",
        "deploy/settings.py": "import os\nos.makedirs('/data/pids')\npidfile = '/data/pids/web'\n",
    }
    text = DOCKERFILE.replace('["python", "main.py"]', "gunicorn -c python:deploy.settings web:app")
    assert [str(one) for one in read(files, text).claims] == [
        "deploy/settings.py:2: write /data/pids",
        "deploy/settings.py:3: write /data/pids/web",
    ]


def test_a_port_in_the_configuration_of_streamlit() -> None:
    files = {"main.py": "", ".streamlit/config.toml": "[server]\nport = 80\n"}
    text = DOCKERFILE.replace('["python", "main.py"]', "streamlit run main.py")
    assert [str(one) for one in read(files, text).claims] == [".streamlit/config.toml:2: port 80"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("os.chdir('/data')", ["write /app/x", "write /data/x"]),
        ("os.chdir('data')", ["write /app/data/x", "write /app/x"]),
        ("os.chdir(os.path.dirname(__file__))", ["write /app/x"]),
        ("os.chdir(input())", ["write /app/x"]),
    ],
)
def test_relative_paths_after_a_change_of_directory(change: str, expected: list[str]) -> None:
    assert sorted(found(f"import os\n{change}\nopen('x', 'w')")) == expected


@pytest.mark.parametrize(
    "command",
    [
        "watchfiles --filter python celery.__main__.main --args '-A shop.jobs worker -l INFO'",
        "watchfiles --filter python 'celery -A shop.jobs worker' shop",
        "watchfiles 'python -m shop.jobs'",
        "watchfiles shop.jobs.main",
    ],
)
def test_what_watchfiles_runs_again_is_followed(command: str) -> None:
    files = {"shop/__init__.py": "", "shop/jobs.py": "open('/data/a', 'w')\n"}
    text = DOCKERFILE.replace('["python", "main.py"]', command)
    assert [str(one) for one in read(files, text).claims] == ["shop/jobs.py:1: write /data/a"]


@pytest.mark.parametrize("program", ["arq", "python -m arq", "huey_consumer.py", "arq --watch src"])
def test_the_last_word_of_a_dotted_name_is_no_module(program: str) -> None:
    """Both split the name at its last dot: arq/cli.py and huey/utils.py."""
    files = {"src/__init__.py": "", "src/jobs.py": "open('/data/a', 'w')\n"}
    text = DOCKERFILE.replace('["python", "main.py"]', f"{program} src.jobs.Settings")
    assert [str(one) for one in read(files, text).claims] == ["src/jobs.py:1: write /data/a"]


@pytest.mark.parametrize(
    "named", ["jobs", "jobs.queue", "jobs:queue", "shop", "shop.celery", "shop.celery.queue"]
)
def test_a_celery_application_is_followed_by_any_of_its_names(named: str) -> None:
    body = "from store import keep\nqueue = Celery('shop')\n"
    store = "from pathlib import Path\nPath('/data/videos').mkdir(parents=True)\n"
    files = {"jobs.py": body, "shop/__init__.py": "", "shop/celery.py": body, "store.py": store}
    text = DOCKERFILE.replace('["python", "main.py"]', f"celery -A {named} worker")
    assert [(str(one), one.certain) for one in read(files, text).claims] == [
        ("store.py:2: write /data/videos", True)
    ]


def test_a_start_script_and_a_gunicorn_configuration_are_read() -> None:
    files = {
        "start.sh": "#!/bin/sh\nset -e\npython prepare.py\nexec gunicorn -c conf/g.py web:app\n",
        "prepare.py": "import os\nos.makedirs('/cache/a')\n",
        "web.py": "open('/cache/b', 'w')\n",
        "conf/g.py": "bind = '0.0.0.0:80'\npidfile = '/run/web/pid'\nworker_tmp_dir = '/dev/shm'\n",
    }
    text = DOCKERFILE.replace('["python", "main.py"]', '["./start.sh"]')
    assert [str(one) for one in read(files, text).claims] == [
        "conf/g.py:1: port 80",
        "conf/g.py:2: write /run/web/pid",
        "prepare.py:2: write /cache/a",
        "web.py:1: write /cache/b",
    ]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("import os\nPORT = os.getenv('PORT', '80')\nbind = f'0.0.0.0:{PORT}'\n", ["port 80"]),
        ("import os\nbind = '0.0.0.0:' + os.getenv('PORT', '80')\n", ["port 80"]),
        ("bind = ['0.0.0.0:8000', '[::]:443', 'unix:/srv/web.sock']\n", ["port 443", "write /srv/web.sock"]),
        ("import os\nLOG = os.path.join('/srv', 'log')\naccesslog = LOG + '/a'\n", ["write /srv/log/a"]),
        ("import os\nbind = os.environ['BIND']\naccesslog = os.getenv('LOG', '-')\npidfile = None\n", []),
    ],
)  # fmt: skip
def test_values_that_a_gunicorn_configuration_computes(config: str, expected: list[str]) -> None:
    text = DOCKERFILE.replace('["python", "main.py"]', "gunicorn -c conf/g.py web:app")
    files = {"web.py": "", "conf/g.py": config}
    assert [f"{one.kind} {one.what}" for one in read(files, text).claims] == expected


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("if [ -f /app/own.py ]; then C=/app/own.py; else C=/app/conf/g.py; fi\n", ["conf/g.py:1: port 80"]),
        ("[ -f /app/own.py ] && C=/app/conf/g.py\n", ["conf/g.py:1: port 80"]),
        ("C=$(choose)\n", []),
    ],
)
def test_a_gunicorn_configuration_that_a_script_chooses(chosen: str, expected: list[str]) -> None:
    files = {
        "start.sh": f'{chosen}exec gunicorn -c "${{C:-none.py}}" web:app\n',
        "web.py": "",
        "conf/g.py": "bind = ':80'\n",
    }
    text = DOCKERFILE.replace('["python", "main.py"]', '["./start.sh"]')
    reading = read(files, text)
    assert [str(one) for one in reading.claims] == expected
    assert reading.start_known


@pytest.mark.parametrize(
    ("script", "modules"),
    [
        ("M=app.main\n[ -f /app/main.py ] && M=main\nexec uvicorn $M:app\n", ["main.py"]),
        ("if [ -f x ]; then M=main; else M=other; fi\nexec uvicorn $M:app\n", ["main.py", "other.py"]),
    ],
)
def test_an_application_that_a_script_chooses(script: str, modules: list[str]) -> None:
    files = {"start.sh": script, "main.py": "", "other.py": ""}
    reading = read(files, DOCKERFILE.replace('["python", "main.py"]', '["./start.sh"]'))
    assert sorted(reading.modules) == modules
    assert reading.claims == ()


@pytest.mark.parametrize(
    ("script", "ports"),
    [
        ("PORT=80\nuvicorn web:app --port $PORT\n", ["80"]),
        ("export PORT=${PORT:-443}\nexec gunicorn -b 0.0.0.0:${PORT} web:app\n", ["443"]),
        ('if [ $T = 1 ]; then P=443; else P=80; fi\nuvicorn web:app --port "$P"\n', ["443", "80"]),
        ("P=80\nP=$(choose)\nuvicorn web:app --port $P\n", []),
        ("P=8000\n[ -f x ] && P=9000\nuvicorn web:app --port $P\n", []),
    ],
)  # fmt: skip
def test_a_port_may_stand_in_a_variable_of_the_start_script(script: str, ports: list[str]) -> None:
    text = DOCKERFILE.replace('["python", "main.py"]', '["./start.sh"]')
    found = read({"start.sh": script, "web.py": ""}, text).claims
    assert [one.what for one in found] == ports


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("pytest", ["checks/test_net.py", "test_top.py"]),
        ("python -m pytest -v --reruns 3 checks/", ["checks/test_net.py"]),
        ("uv run pytest checks/test_net.py::test_a", ["checks/test_net.py"]),
    ],
)
def test_what_pytest_collects_is_started(command: str, files: list[str]) -> None:
    source = "def test_a():\n    open('/mnt/in/a.txt', 'w')\n"
    context = {"test_top.py": source, "checks/test_net.py": source, "checks/net.py": source}
    found = read(context, DOCKERFILE.replace('["python", "main.py"]', command)).claims
    assert [str(one) for one in found] == [f"{file}:2: write /mnt/in/a.txt" for file in files]


REASONS = {
    "gunicorn": "gunicorn switches to its own user",
    "uwsgi": "uwsgi gives its socket to another user",
}


@pytest.mark.parametrize(
    ("command", "name", "text", "line"),
    [
        ("uwsgi --ini web.ini", "web.ini", "[uwsgi]\nsocket = :8000\nchown-socket = www-data\n", 3),
        ("uwsgi web.ini", "web.ini", "[uwsgi]\nchown-socket=33\n", 2),
        ("uwsgi --yaml web.yml", "web.yml", "uwsgi:\n  http: :8000\n  chown-socket: web\n", 3),
        ("gunicorn -c conf.py web:app", "conf.py", "bind = '0.0.0.0:8000'\nuser = 'www-data'\n", 2),
        ("gunicorn web:app", "gunicorn.conf.py", "group = 33\n", 1),
    ],
)
def test_a_server_whose_configuration_names_another_user_needs_root(
    command: str, name: str, text: str, line: int
) -> None:
    reading = read({name: text, "web.py": ""}, DOCKERFILE.replace('["python", "main.py"]', command))
    program = command.partition(" ")[0]
    assert [(str(one), one.line) for one in reading.needs_root] == [
        (f"{name}:{line}: root {REASONS[program]}", line)
    ]


@pytest.mark.parametrize(
    "call", ["./start.sh {}", "sh -e start.sh {}", "bash ./start.sh {}", ". ./start.sh {}"]
)
@pytest.mark.parametrize("passed", ['exec "$@"', "$@", 'poetry run "${@}"'])
def test_a_command_that_a_start_script_is_given_is_started(call: str, passed: str) -> None:
    files = {"start.sh": f"#!/bin/sh\nset -e\n{passed}\n", "job.py": "open('/data/x', 'w')\n"}
    text = DOCKERFILE.replace('["python", "main.py"]', call.format("python job.py"))
    assert [str(one) for one in read(files, text).claims] == ["job.py:1: write /data/x"]


@pytest.mark.parametrize(
    ("command", "name", "text"),
    [
        ("uwsgi --ini web.ini", "web.ini", "[uwsgi]\nuid = www-data\ngid = 33\nchown-sockets = web\n"),
        ("gunicorn web:app", "gunicorn.conf.py", "user = None\ngroup = os.environ.get('GROUP')\n"),
        ("gunicorn web:app", "gunicorn.conf.py", "user_agent = 'x'\n"),
    ],
)
def test_a_server_that_stays_with_its_user_does_not_surely_need_root(
    command: str, name: str, text: str
) -> None:
    reading = read({name: text, "web.py": ""}, DOCKERFILE.replace('["python", "main.py"]', command))
    assert reading.needs_root == ()


def test_the_directories_that_must_be_the_users() -> None:
    reading = read(
        {
            "main.py": "import os\nos.makedirs('/data/up')\nos.makedirs('/new/up', exist_ok=True)\n"
            "open('/srv/out/a.txt', 'w')\n"
            "open(f'/logs/{x}.log', 'a')\n"
            "os.makedirs(os.path.expanduser('~/.app'))\nos.setuid(1)\nopen('/maybe' if x else '/b', 'w')\n"
        }
    )
    assert reading.directories == ("/data", "/logs", "/new/up", "/srv/out")
    assert reading.caches == ("~/.app",)
    assert [one.line for one in reading.needs_root] == [7]
    assert reading.start_known


def test_where_the_start_is_not_known_nothing_is_certain() -> None:
    text = DOCKERFILE.replace('CMD ["python", "main.py"]\n', "")
    reading = read({"main.py": "open('/data/a', 'w')\n", "tests/app.py": "open('/data/b', 'w')\n"}, text)
    assert [(one.kind, one.what, one.certain) for one in reading.claims] == [(Kind.WRITE, "/data/a", False)]
    assert not reading.start_known
    assert reading.directories == ()


@pytest.mark.parametrize(
    "source",
    [
        "def broken(:\n    open('/a', 'w')\n",
        "x = (\nopen('/data/a', 'w')\n",
        "class A(A):\n    x = x\n    def f(self):\n        open(self.x + x, 'w')\n",
        "def f(p):\n    f(p)\n    open(p, 'w')\n",
        "a = b\nb = a\nopen(a, 'w')\n",
        "from main import a\nopen(a, 'w')\n",
        "\ud800",
    ],
)
def test_odd_sources_are_read_without_an_error(source: str) -> None:
    assert all(not one.certain for one in read({"main.py": source}).claims)


def test_ini_files_of_uwsgi_are_command_lines() -> None:
    dockerfile = 'FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD ["uwsgi", "--ini", "u.ini"]\n'
    ini = "[uwsgi]\nmodule = main:app\nsocket = /run/u.sock\n; logto = /no.log\nhttp = :80\n"
    reading = read({"u.ini": ini, "main.py": 'open("/data/a", "w")\n'}, dockerfile)
    assert [str(one) for one in reading.claims] == [
        "main.py:1: write /data/a",
        "u.ini:3: write /run/u.sock",
        "u.ini:5: port 80",
    ]


@pytest.mark.parametrize(
    "setup",
    [
        'setup(entry_points={"console_scripts": ["tool=main:run"]})',
        "setup(entry_points={\n  'console_scripts': [\n    'tool = main:run',\n  ],\n})",
    ],
)
def test_console_scripts_of_setup_py(setup: str) -> None:
    dockerfile = 'FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install .\nCMD ["tool"]\n'
    reading = read({"setup.py": setup, "main.py": 'def run():\n    open("/data/a", "w")\n'}, dockerfile)
    assert [str(one) for one in reading.claims] == ["main.py:2: write /data/a"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            'import subprocess, sys\nsubprocess.run([sys.executable, "-m", "pip", "install", "x"])',
            ["install pip"],
        ),
        ('import os\nos.system("pip install x")', ["install pip"]),
        ('import subprocess\nsubprocess.run("uv pip install x", shell=True)', ["install uv"]),
        ('import os\nos.system("pip freeze")', []),
        ('import os\nos.system("pip install --target out x")', []),
    ],
)
def test_packages_that_are_installed_at_run_time(source: str, expected: list[str]) -> None:
    assert found(source) == expected


@pytest.mark.parametrize(
    ("start", "more", "expected"),
    [
        ('["python", "mian.py"]', {}, ["missing /app/mian.py"]),
        ('["python", "main.py"]', {}, []),
        ('["uvicorn", "web.main:app"]', {}, ["missing web.main"]),
        ('["uvicorn", "web.main:app"]', {"web/main.py": ""}, []),
        ('["uvicorn", "web.main:app"]', {"requirements.txt": "web==1\n"}, []),
        ('["gunicorn", "my_web.wsgi"]', {"pyproject.toml": '[project]\nname = "my-web"\n'}, []),
        ('["python", "-m", "jobs"]', {}, ["missing jobs"]),
        ('["python", "-m", "jobs"]', {"jobs/__main__.py": ""}, []),
        ('["python", "-m", "http.server"]', {}, []),
        ('["celery", "-A", "jobs", "worker"]', {"jobs/tasks.py": ""}, []),
        ('["flask", "run"]', {"wsgi.py": ""}, []),
        ('["python", "$SCRIPT"]', {}, []),
    ],
)
def test_code_that_is_started_and_not_there(start: str, more: dict[str, str], expected: list[str]) -> None:
    dockerfile = f"FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD {start}\n"
    claims = read({"main.py": "", **more}, dockerfile).claims
    assert [f"{one.kind} {one.what}" for one in claims if one.kind is Kind.MISSING] == expected


@pytest.mark.parametrize(
    ("copy", "start", "expected"),
    [
        ("dist dist", '["play"]', ["missing play (from dist)"]),
        ("dist/play-*.whl /tmp/", '["play", "--all"]', ["missing play (from dist/play-*.whl)"]),
        ("ci/wheels/ /wheels/", '["play"]', []),
        ("play /usr/bin/", '["play"]', []),
        ("dist dist", '["python", "main.py"]', []),
    ],
)
def test_an_application_that_another_build_packs_is_missing(
    copy: str, start: str, expected: list[str]
) -> None:
    files = {"main.py": "", "ci/wheels/play-1-py3-none-any.whl": ""}
    dockerfile = f"FROM python:3.12\nWORKDIR /app\nCOPY {copy}\nCOPY main.py .\nRUN make\nCMD {start}\n"
    assert [f"{one.kind} {one.what}" for one in read(files, dockerfile).claims] == expected


@pytest.mark.parametrize(("name", "expected"), [("aerich", []), ("black", ["missing aerich"])])
def test_dependencies_beside_what_is_copied_are_installed(name: str, expected: list[str]) -> None:
    files = {"main.py": "", "api/pyproject.toml": f'[project]\ndependencies = ["{name}"]\n', "api/x.py": ""}
    dockerfile = (
        "FROM python:3.12\nWORKDIR /app\nCOPY api/pyproject.toml api/\nRUN uv sync\nCOPY api api\n"
        'CMD ["python", "-m", "aerich"]\n'
    )
    claims = read(files, dockerfile).claims
    assert [f"{one.kind} {one.what}" for one in claims if one.kind is Kind.MISSING] == expected


@pytest.mark.parametrize("step", ["RUN curl -o mian.py https://example.org/", "RUN mv main.py mian.py"])
def test_code_that_a_step_makes_is_not_missing(step: str) -> None:
    dockerfile = f'FROM python:3.12\nWORKDIR /app\nCOPY . .\n{step}\nCMD ["python", "mian.py"]\n'
    assert read({"main.py": ""}, dockerfile).claims == ()


@pytest.mark.parametrize(
    ("files", "written"),
    [
        ({"pyproject.toml": "", "src/shop/__init__.py": "open('/data/a', 'w')"}, True),
        (
            {
                "pyproject.toml": '[tool.poetry]\npackages = [{include = "shop", from = "parts"}]\n',
                "parts/shop/__init__.py": "open('/data/a', 'w')",
            },
            True,
        ),
        ({"pyproject.toml": "", "parts/shop/__init__.py": "open('/data/a', 'w')"}, False),
        ({"libs/shop/setup.py": "", "libs/shop/shop/__init__.py": "open('/data/a', 'w')"}, True),
        ({"libs/shop/pyproject.toml": "", "libs/shop/src/shop.py": "open('/data/a', 'w')"}, True),
        ({"libs/other/shop.py": "open('/data/a', 'w')"}, False),
        ({"tests/pyproject.toml": "", "tests/shop.py": "open('/data/a', 'w')"}, False),
    ],
)
def test_projects_of_the_context_may_be_installed(files: dict[str, str], written: bool) -> None:
    claims = read({"main.py": "import shop\n", **files}).claims
    assert [one.what for one in claims] == (["/data/a"] if written else [])


def test_a_project_whose_files_are_copied_one_by_one_may_be_installed() -> None:
    steps = "COPY pyproject.toml main.py ./\nCOPY src src\n"
    files = {"pyproject.toml": "", "main.py": "import shop", "src/shop/__init__.py": "open('/data/a', 'w')"}
    claims = read(files, DOCKERFILE.replace("COPY . .\n", steps)).claims
    assert [one.what for one in claims] == ["/data/a"]


@pytest.mark.parametrize("final", ["COPY --from=build /srv/src src\n", ""])
def test_an_environment_of_another_stage_names_the_projects_there(final: str) -> None:
    dockerfile = (
        "FROM python:3.12 AS build\nWORKDIR /srv\nCOPY pyproject.toml .\nCOPY src src\nRUN uv sync\n"
        f"FROM python:3.12\nWORKDIR /srv\nCOPY --from=build /srv/.venv .venv\n{final}"
        'CMD ["uvicorn", "shop.web:app"]\n'
    )
    project = '[project]\nname = "shop"\n'
    files = {"pyproject.toml": project, "src/shop/web.py": "open('/data/a', 'w')"}
    assert [one.what for one in read(files, dockerfile).claims] == (["/data/a"] if final else [])


@pytest.mark.parametrize(
    ("expression", "leads_above"),
    [
        ("Path(__file__).parent.parent.parent", True),
        ("Path(__file__).resolve().parents[2]", True),
        ("dirname(dirname(dirname(abspath(__file__))))", True),
        ("Path(__file__).parent\nBASE = HERE.parent.parent", True),
        ("Path(__file__).parent.parent", False),
        ("Path(__file__).resolve().parents[1]", False),
        ("dirname(dirname(__file__))", False),
        ("Path(other).parent.parent.parent.parent", False),
    ],
)
def test_a_module_may_lead_above_the_working_directory(expression: str, leads_above: bool) -> None:
    dockerfile = DOCKERFILE.replace("main.py", "pkg/main.py")
    names = read({"pkg/main.py": f"HERE = {expression}\n"}, dockerfile).names
    assert (".." in names) == leads_above


@pytest.mark.parametrize(("levels", "moves"), [(2, True), (3, False)])
def test_what_leads_above_the_root_directory_keeps_it_as_the_working_directory(
    levels: int, moves: bool
) -> None:
    text = 'FROM python:3.12-slim\nCOPY . .\nCMD ["python", "pkg/app.py"]\n'
    source = f"from pathlib import Path\nopen(Path(__file__).parents[{levels - 1}] / 'data/x').read()\n"
    files = {"Dockerfile": text, "pkg/app.py": source, "data/x": ""}
    result = fix(text, Options(), Context("Dockerfile", read=files.get, names=listing(files)))
    assert isinstance(result, Changed)
    assert ("WORKDIR" in result.text) == moves


def test_what_a_module_defines_is_not_done_by_the_step_that_imports_it() -> None:
    text = (
        "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n"
        'RUN apt-get update && python -c "import app"\nCMD ["python", "app.py"]\n'
    )
    source = (
        "def main():\n    open('/tmp/ca.pem', 'w').write('x')\n\nif __name__ == '__main__':\n    main()\n"
    )
    files = {"Dockerfile": text, "app.py": source}
    result = fix(text, Options(), Context("Dockerfile", read=files.get, names=listing(files)))
    assert isinstance(result, Changed)
    # Nothing made it yet, so that chown would fail.
    assert "/tmp/ca.pem" not in result.text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/data", True),
        ("/var/lib/shop", True),
        ("/data/state", False),
        ("/srv/shop/out", False),
        ("/a.db", False),
    ],
)
def test_a_path_of_unknown_kind_is_a_directory_where_nothing_around_it_can_be_given(
    path: str, expected: bool
) -> None:
    assert is_likely_directory(path) is expected


def test_a_module_of_comments_has_nothing_to_bind() -> None:
    files = {
        "main.py": "import conf\nopen(conf.ROOT + '/x', 'w')\n",
        "conf.py": "# ROOT = '/data'\n# conf.ROOT = '/srv'\n",
    }
    assert [one.what for one in read(files).claims if one.what] == []
