"""Prove a rewrite on a container engine: build and run before and after, and compare."""

from dockfix.verify.engine import Engine, EngineError, find_engine
from dockfix.verify.options import VerifyOptions
from dockfix.verify.prover import Case, Prover, prove
from dockfix.verify.verdict import Kind, Verdict

__all__ = [
    "Case",
    "Engine",
    "EngineError",
    "Kind",
    "Prover",
    "Verdict",
    "VerifyOptions",
    "find_engine",
    "prove",
]
