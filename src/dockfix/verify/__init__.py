"""Prove a rewrite on a container engine: build and run before and after, and compare."""

from dockfix.options.request import VerifyOptions
from dockfix.runner.verdict import Ground, Kind, Verdict
from dockfix.verify.engine import Engine, EngineError, find_engine
from dockfix.verify.prover import Case, Prover, prove, stage_names
from dockfix.verify.recipes import Recipe, find_recipes

__all__ = [
    "Case",
    "Engine",
    "EngineError",
    "Ground",
    "Kind",
    "Prover",
    "Recipe",
    "Verdict",
    "VerifyOptions",
    "find_engine",
    "find_recipes",
    "prove",
    "stage_names",
]
