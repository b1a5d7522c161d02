"""CSV reading: what is accepted, and the place that every refusal names."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.table import parse_number, read_table
from theory.errors import InvalidInput


@pytest.fixture
def write(tmp_path):
    def to_file(content: str | bytes):
        path = tmp_path / "data.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file


def test_a_plain_table(write):
    table = read_table(write('a,"b, c",y\n1, -2.5 ,1e-3\n"4",5,+6\n'))
    assert table.names == ("a", "b, c", "y") and table.samples == 2
    assert table.values.tolist() == [[1, -2.5, 0.001], [4, 5, 6]]
    assert table.rationals() == [[1, Fraction(-5, 2), Fraction(1, 1000)], [4, 5, 6]]


@pytest.mark.parametrize("content", ["\ufeffa,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\n\n1,2\n\n", "a,b\n1,2", "\na,b\n1,2\n"])
def test_marks_line_ends_and_blank_lines_do_not_matter(write, content):
    table = read_table(write(content))
    assert table.names == ("a", "b") and table.values.tolist() == [[1, 2]]


def test_columns_that_are_not_wanted_may_hold_text(write):
    table = read_table(write("id,a,y\nx1,1,2\n,3,4\n"), ["y", "a"])
    assert table.names == ("y", "a") and table.values.tolist() == [[2, 1], [4, 3]]


@pytest.mark.parametrize(
    ("content", "place", "got"),
    [
        ("a,b\n1,2\n3,\n", "line 3, column b", "missing"),
        ("a,b\n1,NA\n", "line 2, column b", "missing"),
        ("a,b\nnan,1\n", "line 2, column a", "missing"),
        ("a,b\n1,red\n", "line 2, column b", "'red'"),
        ("a,b\n1,1_000\n", "line 2, column b", "1_000"),
        ("a,b\n1,\u0663\n", "line 2, column b", "got"),
        ("a,b\n1,1/2\n", "line 2, column b", "1/2"),
        ("a,b\n1,inf\n", "line 2, column b", "inf"),
        ("a,b\n1,1e999\n", "line 2, column b", "1e999"),
        ("a,b\n1,1e-999999999\n", "line 2, column b", "1e-999999999"),
        ("a,b\n1," + "9" * 500 + "\n", "line 2, column b", "999"),
        ("a,b\n1,2\n1,2,3\n", "line 3", "3 cells"),
        ("a,b\n1,2\n1\n", "line 3", "1 cells"),
        ("a,b\n\n\n1\n", "line 4", "1 cells"),
        ('a,b\n1,"2\n', "line 2", "end of data"),
        ("a,b\n", "data.csv", "header alone"),
        ("", "data.csv", "empty file"),
        ("\n\n", "data.csv", "empty file"),
        ("a,a\n1,2\n", "header", "a more than once"),
        ("a, a \n1,2\n", "header", "a more than once"),
        (",a\n1,2\n", "header", "no name for column 1"),
        (b"a,b\n1,\xff\n", "data", "UTF-8"),
    ],
)
def test_refusals_name_their_place(write, content, place, got):
    with pytest.raises(InvalidInput) as caught:
        read_table(write(content))
    assert place in str(caught.value) and got in str(caught.value)


def test_an_absent_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InvalidInput, match="readable file"):
            read_table(path)


def test_an_absent_column_lists_the_columns(write):
    with pytest.raises(InvalidInput, match=r"'z'.*a, b"):
        read_table(write("a,b\n1,2\n"), ["z"])
    with pytest.raises(InvalidInput, match="separated by commas"):
        read_table(write("a;b\n1;2\n"), ["a"])
    with pytest.raises(InvalidInput, match=r"'z'.*a, b"):
        read_table(write("a,b\n1,2\n")).select(["z"])


def test_standardized_columns(write):
    table = read_table(write("a,b\n1,10\n2,30\n6,20\n")).standardized()
    assert table.values.mean(axis=0) == pytest.approx([0, 0], abs=1e-15)
    assert np.mean(table.values**2, axis=0) == pytest.approx([1, 1])


@pytest.mark.parametrize("content", ["a,b\n0.1,1\n0.1,2\n0.1,3\n", "a,b\n1,2\n"])
def test_constant_columns_cannot_be_standardized(write, content):
    """A constant 0.1 has a tiny nonzero standard deviation in floats; a single row makes every column constant."""
    with pytest.raises(InvalidInput, match="constant a"):
        read_table(write(content)).standardized()


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_decimals_are_read_exactly(number):
    text = str(number)
    assert parse_number("cell", text) == float(number) and Fraction(text) == Fraction(number)


@given(st.text(max_size=8))
def test_any_cell_is_a_finite_number_or_refused(text):
    try:
        value = parse_number("cell", text)
    except InvalidInput as error:
        assert error.argument == "cell"
    else:
        assert float(Fraction(text)) == value
