from __future__ import annotations

import pytest

from dockfix.files.candidates import Build
from dockfix.repository.arguments import UNKNOWN, fill_expressions
from dockfix.repository.build_places import make_build, matches, spread


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("$/Dockerfile", "a/b/Dockerfile", True),
        ("$/Dockerfile", "Dockerfile", True),
        ("$/Dockerfile", "a/Dockerfile.dev", False),
        ("docker/$.Dockerfile", "docker/web.Dockerfile", True),
        ("docker/$.Dockerfile", "docker/.Dockerfile", True),
        ("docker/$.Dockerfile", "other/web.Dockerfile", False),
        ("a$b$c", "a-b-c", True),
        ("a$b$c", "a-c", False),
        ("aa$aa", "aaa", False),
        ("$", "anything/at/all", True),
        ("x", "x", True),
    ],
)
def test_which_names_a_path_with_unknown_parts_may_be(pattern: str, name: str, fits: bool) -> None:
    assert matches(pattern, name) is fits


def test_a_build_with_an_unknown_part_belongs_to_each_file_that_it_may_mean() -> None:
    build = Build("ci.yml", f"services/{UNKNOWN}/Dockerfile", f"services/{UNKNOWN}", "run", ("acme/x",))
    found = spread(
        {build.dockerfile: [build]}, ["services/a/Dockerfile", "services/b/Dockerfile", "Dockerfile"]
    )
    assert found == {
        f"services/{name}/Dockerfile": [
            Build("ci.yml", f"services/{name}/Dockerfile", f"services/{name}", "run")
        ]
        for name in ("a", "b")
    }


def test_a_path_from_an_unknown_folder_means_the_file_beside_the_script_before_any_other() -> None:
    build = Build("tools/build.sh", f"{UNKNOWN}/Dockerfile", UNKNOWN, "run")
    names = ["tools/Dockerfile", "far/away/Dockerfile"]
    assert list(spread({build.dockerfile: [build]}, names)) == ["tools/Dockerfile"]
    assert list(spread({build.dockerfile: [build]}, names[1:])) == ["far/away/Dockerfile"]


def test_what_leads_upwards_from_an_unknown_folder_is_unknown() -> None:
    (found,) = make_build("a/b.sh", "$HERE/../src", "$HERE/../src/Dockerfile", file_from_start=True)
    assert (found.context, found.dockerfile) == (f"{UNKNOWN}/src", f"{UNKNOWN}/src/Dockerfile")


@pytest.mark.parametrize(
    ("target", "names"), [("", ["b/Dockerfile"]), (UNKNOWN, ["a/Dockerfile", "b/Dockerfile"])]
)
def test_a_build_of_an_unknown_file_may_be_one_of_any_that_no_other_names(
    target: str, names: list[str]
) -> None:
    own = Build("compose.yaml", "a/Dockerfile", "a")
    (one,) = make_build("a.sh", "$X", "$X", file_from_start=True, target=target)
    found = spread({own.dockerfile: [own], one.dockerfile: [one]}, ["a/Dockerfile", "b/Dockerfile"])
    assert [name for name, rows in found.items() if Build("a.sh", name, UNKNOWN, target) in rows] == names
    assert own in found["a/Dockerfile"]


@pytest.mark.parametrize(
    ("pattern", "context", "image", "name", "images"),
    [
        ("services/$/Dockerfile", "services/$", "$/$", "services/web/Dockerfile", ("$/web",)),
        ("services/$/Dockerfile", "services/$", "acme/app-$", "services/web/Dockerfile", ("acme/app-web",)),
        ("docker/$.Dockerfile", "", "acme/$", "docker/web.Dockerfile", ("acme/web",)),
        ("Dockerfile.$", "", "$", "Dockerfile.ubuntu", ()),
        ("$/x/$/Dockerfile", "", "acme/$", "a/x/b/Dockerfile", ()),
        ("$/Dockerfile", "$", "acme/$", "a/b/Dockerfile", ()),
    ],
)
def test_the_unknown_part_of_an_image_is_that_of_the_path(
    pattern: str, context: str, image: str, name: str, images: tuple[str, ...]
) -> None:
    build = Build("ci.yml", pattern, context, images=(image,))
    (found,) = spread({pattern: [build]}, [name])[name]
    assert found.images == images


def test_a_known_file_has_no_unknown_image() -> None:
    (found,) = make_build("ci.yml", ".", images=("acme/$", "$/web"))
    assert found.images == ("$/web",)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("a/${X}/b", "a/$/b"),
        ("${X:-d}/$Y", "d/$"),
        ("${{ matrix.a }}/b", "$/b"),
        ("${{ github.workspace }}/b", "./b"),
        ("$(dirname $0)/b", "$/b"),
        ("`pwd`", "$"),
        ("{{ .x }}", "$"),
        ("plain", "plain"),
    ],
)
def test_an_expression_in_a_path_is_one_unknown_part(text: str, filled: str) -> None:
    assert fill_expressions(text) == filled
