"""Charts rendered with their values: what templates write, and what is read from it."""

from __future__ import annotations

from typing import Any

import pytest

from dockfix.context import Deployment
from dockfix.repository.go_templates import parse_template
from dockfix.repository.manifests import read_manifests
from dockfix.repository.template_functions import FUNCTIONS
from dockfix.repository.template_rendering import Renderer
from dockfix.repository.yaml_nodes import read_typed

VALUES = read_typed("""
name: web
count: 3
enabled: false
text: "true"
empty: []
rows: [a, b]
map: {k: {v: 1}, "a-b": x}
inner: "{{ .Values.name }}-x"
""")


def render(text: str, values: Any = VALUES, *, alternatives: bool = False) -> str:
    template = parse_template(text)
    dot = {"Values": values}
    renderer = Renderer(FUNCTIONS, template.defined, alternatives)
    renderer.render(template.nodes, dot, {"$": dot})
    return "".join(piece for piece, _ in renderer.pieces)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a {{ .Values.name }} b", "a web b"),
        ("a\n  {{- .Values.name -}}\n b", "awebb"),
        ("a {{- /* a }} comment */ -}} b", "ab"),
        ('{{ "}}" }}', "}}"),
        ("{{ .Values.missing }}{{ .Values.missing.more }}", ""),
        ("{{ .Values.count }} {{ .Values.enabled }}", "3 false"),
        ('{{ .Values.missing | default "x" | quote }}', '"x"'),
        ("{{ if .Values.enabled }}a{{ else if .Values.rows }}b{{ else }}c{{ end }}", "b"),
        ("{{ if .Values.empty }}a{{ else }}c{{ end }}", "c"),
        ("{{ with .Values.map.k }}{{ .v }}{{ end }}", "1"),
        ("{{ range $i, $one := .Values.rows }}{{ $i }}={{ $one }};{{ end }}", "0=a;1=b;"),
        ("{{ range $key, $one := .Values.map }}{{ $key }},{{ end }}", "a-b,k,"),
        ("{{ range .Values.empty }}x{{ else }}none{{ end }}", "none"),
        ('{{ $x := "a" }}{{ if true }}{{ $x = "b" }}{{ end }}{{ $x }}', "b"),
        ('{{ define "n" }}<{{ . }}>{{ end }}{{ include "n" .Values.name }}{{ template "n" 1 }}', "<web><1>"),
        ("{{ tpl .Values.inner . }}", "web-x"),
        ('{{ index .Values.map "a-b" }} {{ (index .Values.rows 1) }}', "x b"),
        ("x:{{ toYaml .Values.map | nindent 2 }}", "x:\n  a-b: x\n  k:\n    v: 1"),
        ('{{ printf "%s-%d" .Values.name 2 | upper | trunc 4 }}', "WEB-"),
        ("{{ and .Values.name .Values.enabled }} {{ or .Values.enabled .Values.name }}", "false web"),
        ('{{ eq .Values.name "web" }} {{ ne .Values.count 3 }} {{ not .Values.enabled }}', "true false true"),
        ('{{ ternary "a" "b" (eq .Values.text "true") }}', "a"),
        ('{{ (dict "a" (list 1 2)).a | len }}', "2"),
        ('{{ hasKey .Values "enabled" }} {{ kindIs "map" .Values.map }}', "true true"),
        # What only the cluster knows.
        ("{{ lookup 1 2 }}", "$"),
        ('{{ include "gone" . }}', "$"),
        ("{{ .Values.name.Method 1 }}", "$"),
        ("{{ if lookup 1 }}a{{ else }}b{{ end }}", "ba"),
        ("{{ range lookup 1 }}{{ . }};{{ end }}", "$;"),
        ("{{ now | default 1 }}", "$"),
    ],
)
def test_what_a_template_writes(text: str, expected: str) -> None:
    assert render(text) == expected


@pytest.mark.parametrize(
    "text", ["{{ if x }}", "{{ end }}", "{{ (1 }}", "{{ ~ }}", "{{ a", "{{ if 1 }}{{ else }}", "{{ ( ) ) }}"]
)
def test_what_is_not_a_template_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        render(text)


def test_alternatives_stand_in_front_of_what_is_chosen() -> None:
    text = "{{ if .Values.enabled }}\na: 1\n{{ else }}\na: 2\n{{ end }}b: {{ if .Values.enabled }}x{{ end }}y"
    assert render(text, alternatives=True) == "\na: 1\n\na: 2\nb: y"


@pytest.mark.parametrize(
    "text",
    [
        "{{ range until 100 }}" * 10 + "x" + "{{ end }}" * 10,
        '{{ define "n" }}{{ include "n" . }}{{ include "n" . }}{{ end }}{{ include "n" . }}',
        '{{ $x := "aaaaaaaa" }}' + "{{ $x = print $x $x $x $x $x $x $x $x }}" * 30 + "{{ $x }}",
        "{{ $x := list 1 }}" + "{{ $x = list $x $x }}" * 30 + "{{ toYaml $x }}",
        "{{ range until 100 }}" * 2 + "{{ indent 100 $.Values.long }}" + "{{ end }}" * 2,
    ],
)
def test_what_a_template_may_cost_is_limited(text: str) -> None:
    values = {"long": "\n" * 100_000}
    with pytest.raises(ValueError, match="too much"):
        render(text, values)


POD = """
spec:
  containers:
    - name: web
      image: acme/web
{container}
  volumes:
    - name: data
      {volume}
"""
MOUNT = "      volumeMounts: [{name: data, mountPath: /data}]"


def read(container: str, volume: str = "emptyDir: {}", values: str = "on: false\n") -> list[Deployment]:
    files = {"c/values.yaml": values}
    text = POD.replace("{container}", container).replace("{volume}", volume)
    return list(read_manifests([("c/templates/pod.yaml", text)], read=files.get))


def mounts(rows: list[Deployment]) -> list[tuple[str, bool]]:
    return [(mount.target.value, mount.is_open) for one in rows for mount in one.mounts]


def test_a_volume_that_other_values_make_a_claim_may_be_one() -> None:
    volume = """
      {{- if .Values.on }}
      persistentVolumeClaim: {claimName: x}
      {{- else }}
      emptyDir: {}
      {{- end }}
"""
    assert mounts(read(MOUNT, volume.lstrip("\n"))) == [("/data", True), ("/data", False)]
    assert mounts(read(MOUNT + "{{/* */}}")) == [("/data", True)]


def test_a_mount_that_other_values_bring_counts_unless_they_name_its_place() -> None:
    offered = "{{ if .Values.on }}\n" + MOUNT + "\n{{ end }}"
    assert mounts(read(offered)) == [("/data", True)]
    named = MOUNT.replace("/data", "{{ .Values.place }}").replace("[{", "\n        - {").replace("}]", "}")
    assert (
        mounts(read("{{ with .Values.on }}\n" + named.replace(".Values.place", ".place") + "\n{{ end }}"))
        == []
    )


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("command: {{ toJson .Values.command }}", ("a", "b")),
        ("command: {{ lookup 1 }}", ("$",)),
        ("command: {{ toYaml .Values.gone | nindent 8 }}", None),
        ("{{- with .Values.gone }}\n      command: {{ toYaml . | nindent 8 }}\n{{- end }}", None),
    ],
)
def test_a_command_that_is_unknown_is_not_the_image_s_own(
    command: str, expected: tuple[str, ...] | None
) -> None:
    rows = read(f"      {command}", values="command: [a, b]\n")
    assert [one.entrypoint for one in rows] == [expected]


def test_settings_of_templates_have_lines_and_no_offsets() -> None:
    rows = read("      {{- if true }}\n      securityContext: {runAsUser: 5}\n      {{- end }}")
    assert [(one.line, one.user and (one.user.value, one.user.line, one.user.end)) for one in rows] == [
        (4, ("5", 7, 0))
    ]
