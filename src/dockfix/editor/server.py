"""The server: it receives documents and sends answers, over standard input and output."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Final

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer

from dockfix import __version__
from dockfix.config import ConfigError
from dockfix.editor.answers import EXPLAIN, FIX_ALL, RUN_AS_USER, diagnose, edit_of, find_actions, find_lens
from dockfix.editor.hover import describe_line
from dockfix.editor.labels import label
from dockfix.editor.reading import Reading
from dockfix.editor.repositories import Place, Repositories, nowhere
from dockfix.explain.codes import explain
from dockfix.files.naming import is_dockerfile_name
from dockfix.results import Changed
from dockfix.runner.outcome import load_core_meanwhile

LANGUAGES: Final = frozenset({"dockerfile", "containerfile"})
PAUSE: Final = 0.015
"""Seconds without a keystroke after which diagnostics are sent."""
SETTLED: Final = 0.1
"""Seconds without a change on disk after which the repositories are read again."""


class Server(LanguageServer):
    """The open documents, each with the reading of its latest version."""

    def __init__(self) -> None:
        super().__init__("dockfix", __version__)
        self.repositories = Repositories()
        self._readings: dict[str, Reading] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._changed: asyncio.TimerHandle | None = None
        self._wrong = ""

    def read(self, uri: str) -> Reading | None:
        """The reading of a document's current version, None if it is not a Dockerfile."""
        document = self.workspace.get_text_document(uri)
        if not _is_meant(document.language_id, uri):
            return None
        known = self._readings.get(uri)
        if known is None or (known.version, known.text) != (document.version, document.source):
            place = self._place(uri)
            if place is None:
                return None
            width = document.position_codec.client_num_units
            known = self._readings[uri] = Reading(uri, document.version, document.source, place, width)
        return known

    def _place(self, uri: str) -> Place | None:
        """The place of a document; None, after showing a message, if the configuration is invalid."""
        path = uris.to_fs_path(uri) if uri.startswith("file:") else None
        try:
            if path and "\0" not in path:
                place = self.repositories.find(os.path.abspath(path))
            else:
                place = nowhere(os.curdir)
        except ConfigError as error:
            if self._wrong != str(error):
                self._wrong = str(error)
                message = types.ShowMessageParams(types.MessageType.Error, f"dockfix: {label(str(error))}")
                self.window_show_message(message)
            return None
        self._wrong = ""
        return place

    def publish(self, uri: str) -> None:
        """Send the diagnostics of a document."""
        self._waiting.pop(uri, None)
        reading = self.read(uri)
        found = [] if reading is None else diagnose(reading)
        version = None if reading is None else reading.version
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))

    def publish_soon(self, uri: str) -> None:
        """Send the diagnostics once typing pauses."""
        if (waiting := self._waiting.pop(uri, None)) is not None:
            waiting.cancel()
        self._waiting[uri] = asyncio.get_running_loop().call_later(PAUSE, self.publish, uri)

    def read_anew_soon(self) -> None:
        """Read the repositories again once changes on disk pause."""
        if self._changed is not None:
            self._changed.cancel()
        self._changed = asyncio.get_running_loop().call_later(SETTLED, self._read_anew)

    def _read_anew(self) -> None:
        self.repositories.forget()
        for uri in list(self._readings):
            del self._readings[uri]
            self.publish(uri)
        if self._can_refresh_lenses:
            self.workspace_code_lens_refresh(None)

    @property
    def _can_refresh_lenses(self) -> bool:
        workspace = self.client_capabilities.workspace
        return bool(workspace and workspace.code_lens and workspace.code_lens.refresh_support)

    def close_document(self, uri: str) -> None:
        """Forget a document."""
        if (waiting := self._waiting.pop(uri, None)) is not None:
            waiting.cancel()
        self._readings.pop(uri, None)
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


def _is_meant(language: str | None, uri: str) -> bool:
    return language in LANGUAGES or is_dockerfile_name(uri.rpartition("/")[2])


def _initialize(server: Server, params: types.InitializeParams) -> None:
    folders = params.workspace_folders or []
    root = folders[0].uri if folders else params.root_uri
    if root and (path := uris.to_fs_path(root)) and os.path.isdir(path):
        os.chdir(path)
    load_core_meanwhile()


async def _watch(server: Server, _: types.InitializedParams) -> None:
    workspace = server.client_capabilities.workspace
    watching = workspace.did_change_watched_files if workspace else None
    if watching is None or not watching.dynamic_registration:
        return
    options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*")])
    method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
    await server.client_register_capability_async(
        types.RegistrationParams([types.Registration("files", method, options)])
    )


def _open(server: Server, params: types.DidOpenTextDocumentParams) -> None:
    server.publish(params.text_document.uri)


async def _change(server: Server, params: types.DidChangeTextDocumentParams) -> None:
    server.publish_soon(params.text_document.uri)


async def _save(server: Server, _: types.DidSaveTextDocumentParams) -> None:
    server.read_anew_soon()


async def _watched(server: Server, _: types.DidChangeWatchedFilesParams) -> None:
    server.read_anew_soon()


def _close(server: Server, params: types.DidCloseTextDocumentParams) -> None:
    server.close_document(params.text_document.uri)


def _act(server: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    reading = server.read(params.text_document.uri)
    wanted = params.context.only
    found = [] if reading is None else list(find_actions(reading))
    return [one for one in found if not wanted or any(_is_kind(one.kind, kind) for kind in wanted)]


def _hover(server: Server, params: types.HoverParams) -> types.Hover | None:
    reading = server.read(params.text_document.uri)
    line = params.position.line + 1
    text = None if reading is None else describe_line(reading.tree, line, reading.place.options)
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text)) if text else None


def _lens(server: Server, params: types.CodeLensParams) -> list[types.CodeLens]:
    reading = server.read(params.text_document.uri)
    return [] if reading is None else [find_lens(reading)]


async def _run_as_user(server: Server, uri: str) -> None:
    reading = server.read(uri)
    if reading is not None and isinstance(reading.file.result, Changed):
        edit = edit_of(reading, reading.edits(reading.file.edits))
        await server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit, "Run as a user"))


def _explain(server: Server, name: str) -> None:
    server.window_show_message(types.ShowMessageParams(types.MessageType.Info, explain(name)))


_FEATURES: Final[Mapping[str, Callable[..., object]]] = {
    types.INITIALIZE: _initialize,
    types.INITIALIZED: _watch,
    types.TEXT_DOCUMENT_DID_OPEN: _open,
    types.TEXT_DOCUMENT_DID_CHANGE: _change,
    types.TEXT_DOCUMENT_DID_SAVE: _save,
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: _watched,
    types.TEXT_DOCUMENT_DID_CLOSE: _close,
    types.TEXT_DOCUMENT_CODE_ACTION: _act,
    types.TEXT_DOCUMENT_HOVER: _hover,
    types.TEXT_DOCUMENT_CODE_LENS: _lens,
}
_OPTIONS: Final = {
    types.TEXT_DOCUMENT_CODE_ACTION: types.CodeActionOptions(
        code_action_kinds=[types.CodeActionKind.QuickFix, FIX_ALL]
    )
}


def make_server() -> Server:
    """A server with all its features."""
    server = Server()
    for name, answer in _FEATURES.items():
        server.feature(name, _OPTIONS.get(name))(answer)
    server.command(RUN_AS_USER)(_run_as_user)
    server.command(EXPLAIN)(_explain)
    return server


def _is_kind(kind: types.CodeActionKind | str | None, wanted: types.CodeActionKind | str) -> bool:
    """Whether a kind is the wanted one or a subkind of it."""
    own, above = (one.value if isinstance(one, types.CodeActionKind) else one or "" for one in (kind, wanted))
    return own == above or own.startswith(f"{above}.")


def serve() -> None:
    """Serve one editor until it disconnects."""
    make_server().start_io()
