"""A spreadsheet shows what people called things and never runs it (S-36)."""

import csv
import io

import pytest

from selfserve.web.sheets import harmless, sheet

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0", "＝1", "＋1", "－1", "＠x"]
HARMLESS = ["laptop", "a=b", " =1", "'=1", "", "ünïcode 日本", 'quo"ted, comma', "two\nlines", "1e5", "mia@example.com"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_a_formula(formula):
    """S-36: it keeps its words behind an apostrophe."""
    assert harmless(formula) == f"'{formula}"


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_stay_as_they_are(text):
    assert harmless(text) == text


@pytest.mark.parametrize("value", [0, -5, 7.5, None])
def test_numbers_stay_numbers(value):
    assert harmless(value) is value


def test_whatever_stands_in_a_cell_comes_back_as_it_was():
    """S-36: quotes, commas and line ends do not move cells."""
    response = sheet("names.csv", ("name", "length"), [(text, len(text)) for text in HARMLESS])
    read = list(csv.reader(io.StringIO(response.get_data(as_text=True), newline="")))
    assert read == [["name", "length"], *([text, str(len(text))] for text in HARMLESS)]
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="names.csv"'
    assert response.get_data(as_text=True).startswith("name,length\r\n")


@pytest.mark.parametrize(
    ("cell", "written"),
    [("x;=1+1", "x;'=1+1"), ("a; -2", "a; '-2"), ("a|@b", "a|'@b"), ("a\t+b", "a\t'+b"), ("a;b", "a;b"), (-5, -5)],
)
def test_another_list_separator_begins_no_formula(cell, written):
    """S-36: half of Europe opens such a file with the semicolon as separator."""
    assert harmless(cell) == written


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("cell", ["x{}=1+1", 'x{}"=1+1', 'x, y{} "" =1+1', "two\n=1", 'two\r\n"=1+1', 'x{}"" @SUM(1)'])
def test_no_cell_is_a_formula_however_a_file_is_cut(separator, cell):
    """S-36: a program that knows another separator takes our quotes for letters, and our cells for others."""
    response = sheet("names.csv", ("name", "alias"), [("mia", cell.format(separator))])
    cut = csv.reader(io.StringIO(response.get_data(as_text=True), newline=""), delimiter=separator)
    assert [each for row in cut for each in row if each.lstrip().startswith(("=", "@"))] == []
