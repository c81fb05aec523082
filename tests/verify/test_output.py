from __future__ import annotations

import subprocess
import sys

import pytest

from dockfix.verify.output import Output, collect


def test_little_is_kept_whole() -> None:
    output = Output(4)
    for piece in (b"ab", b"cdef", b"gh"):
        output.add(piece)
    assert output.text == "abcdefgh"


def test_the_middle_of_much_is_left_out() -> None:
    output = Output(10)
    for number in range(1000):
        output.add(f"{number:04d} ".encode())
    assert output.text == "0000 0001 \n[4980 bytes are left out]\n0998 0999 "


def test_a_program_is_read_to_its_end() -> None:
    argv = [sys.executable, "-c", "import sys; print('x' * 300000); sys.exit(3)"]
    output = Output()
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert collect(process, 60, output) == 3
    assert output.text == "x" * 300000 + "\n"


def test_an_endless_program_runs_into_its_limit() -> None:
    argv = [sys.executable, "-c", "while True: print('x' * 10000)"]
    output = Output(1000)
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            collect(process, 1, output)
        process.kill()
    assert 2000 < len(output.text) < 100_000
