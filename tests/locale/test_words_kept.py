"""Texts made below the reader's language stay English text, and can still be told in another language."""

from __future__ import annotations

import copy
import json
import pickle
import re

import pandas as pd
import pytest

import permeability as pm
from permeability.cli.progress import STEPS, in_words
from permeability.cli.streams import set_json, set_language
from permeability.core.texts import Said, Worded
from permeability.locale.language import words
from permeability.project import settling
from permeability.project.checks.account import account, account_text
from permeability.ranking.ranking_notes import draw_notes

ENGLISH = re.compile(
    r"\b(rows|cells|edges|grids|about|core|layers|memory|candidates for|not used|kilometres)\b"
)


def test_a_worded_text_is_a_text_that_pickles_and_copies() -> None:
    note = Worded(Said("{n} cells", {"n": 1200}))
    for other in (pickle.loads(pickle.dumps(note)), copy.deepcopy(note)):
        assert other == note == "1,200 cells"
        assert other.said == note.said
    assert json.dumps({note: note}) == '{"1,200 cells": "1,200 cells"}'


@pytest.mark.parametrize("language", ["mn", "ru"])
def test_account_effort_and_steps_are_told_in_the_readers_language(language, tmp_path) -> None:
    tr = words(language)
    project = pm.open_project(pm.samples.tiny_project(tmp_path / "tiny"))
    rows = account(project)
    assert ENGLISH.search(account_text(rows))
    text = account_text(rows, tr)
    for name in ("barriers", "patches", "pairs", *project.spec.layers):  # names of the project file stay
        text = text.replace(name, "")
    assert not ENGLISH.search(text)
    effort = settling.settle_effort(project, levels=2, origins=2)
    assert ENGLISH.search(settling.effort_text(effort))
    assert not ENGLISH.search(settling.effort_text(effort, tr))
    try:
        set_language(language)
        set_json(False)  # a command that spoke JSON in this process may have been the last
        assert {in_words(f"khulan: {s}") for s in STEPS}.isdisjoint(f"khulan: {s}" for s in STEPS)
        assert in_words("something new") == "something new"
    finally:
        set_language(None)


@pytest.mark.parametrize("language", ["mn", "ru"])
def test_notes_of_a_ranking_are_known_by_their_text_not_by_their_words(language) -> None:
    sites = pd.DataFrame({"id": [f"s{i}" for i in range(15)], "alike": [1] * 15, "has_gain": [True] * 15})
    gaps = pd.DataFrame({"clear": [True], "what": ["s3"], "share": [0.5]})
    notes = draw_notes(sites, gaps)
    assert len(notes) == 2
    tr = words(language)
    for note in notes:
        told = tr.said(note)
        assert told != note
        assert "s3" in told
        assert not re.search(r"\b(sections|ranking|more|draws)\b", told)
