"""A result folder proves itself: checksums in its record, the published schema, a repetition to the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from places import REPOSITORY

import permeability as pm
from permeability.cli.commands import cli
from permeability.core.errors import ProjectError

SCHEMA = json.loads((REPOSITORY / "permeability/data/schema/record.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sealed")
    pm.run_project(pm.samples.tiny_project(folder / "tiny"), folder / "tiny" / "results")
    return folder / "tiny"


@pytest.fixture
def results(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "tiny")) / "results"


def count(results: Path) -> int:
    return sum(p.is_file() for p in results.rglob("*"))


def verify(folder: Path, *more: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["verify", str(folder), *more])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_the_record_holds_the_checksum_of_every_other_file(made: Path) -> None:
    folder = made / "results"
    told = json.loads((folder / "record.json").read_text(encoding="utf-8"))["checksums"]
    there = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    assert set(told) == set(there) - {"record.json"}
    for name, sums in told.items():
        assert sums == {"bytes": there[name].stat().st_size, "sha256": hashlib.sha256(there[name].read_bytes()).hexdigest()}  # fmt: skip


def test_the_record_obeys_the_published_schema(made: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    record = json.loads((made / "results" / "record.json").read_text(encoding="utf-8"))
    jsonschema.validate(record, SCHEMA)
    unknown = set(record) - set(SCHEMA["properties"])
    assert unknown == set(), "say in the schema what the new key is"
    for key in SCHEMA["required"]:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({k: v for k, v in record.items() if k != key}, SCHEMA)


def test_a_whole_folder_is_said_to_be_whole(results: Path) -> None:
    code, said = verify(results)
    assert code == 0
    assert hashlib.sha256((results / "record.json").read_bytes()).hexdigest() in said
    assert verify(results / "record.json") == (code, said)


def test_what_is_changed_missing_or_extra_is_named(results: Path) -> None:
    (results / "scenarios" / "note.txt").write_text("mine")
    assert verify(results)[0] == 0
    assert verify(results, "--strict")[0] == 3
    same_size = (results / "sites.csv").read_bytes()[:-2] + b"9\n"
    (results / "sites.csv").write_bytes(same_size)
    with (results / "pairs.csv").open("ab") as more:
        more.write(b"\n")
    (results / "impact.csv").unlink()
    code, said = verify(results)
    assert code == 3
    assert [line.split() for line in said.splitlines()[:4]] == [["changed", "pairs.csv"], ["changed", "sites.csv"], ["missing", "impact.csv"], ["extra", "scenarios/note.txt"]]  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")
def test_links_and_pipes_are_no_files(results: Path, tmp_path: Path) -> None:
    """A link to the same bytes elsewhere, and a pipe, which would be waited for without end."""
    (results / "sites.csv").rename(tmp_path / "elsewhere.csv")
    (results / "sites.csv").symlink_to(tmp_path / "elsewhere.csv")
    (results / "pairs.csv").unlink()
    os.mkfifo(results / "pairs.csv")
    shutil.move(results / "scenarios", tmp_path / "scenarios")
    (results / "scenarios").symlink_to(tmp_path / "scenarios")
    found = pm.verify_results(results)
    assert found.changed == ("pairs.csv", "sites.csv")
    assert found.missing
    assert all(name.startswith("scenarios/") for name in found.missing)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "J06"),
        ("[" * 100_000, "J06"),
        ("[]", "J31"),
        ("{}", "J31"),
        ('{"checksums": {}}', "J31"),
        ('{"checksums": {"a": "b"}}', "J31"),
        ('{"checksums": {"a": {"bytes": 1, "sha256": "short"}}}', "J31"),
        ('{"checksums": {"../project.toml": {"bytes": 1, "sha256": "%s"}}}' % ("0" * 64), "J32"),
        ('{"checksums": {"/etc/passwd": {"bytes": 1, "sha256": "%s"}}}' % ("0" * 64), "J32"),
        ('{"checksums": {"C:\\\\boot.ini": {"bytes": 1, "sha256": "%s"}}}' % ("0" * 64), "J32"),
    ],
)
def test_records_that_are_none(results: Path, text: str, code: str) -> None:
    (results / "record.json").write_text(text)
    with pytest.raises(ProjectError) as caught:
        pm.verify_results(results)
    assert caught.value.code == code
    assert caught.value.exit_code == 2


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ProjectError, match="J06"):
            pm.verify_results(place)


def test_a_repetition_gives_the_same_bytes(results: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cli, ["rerun", str(results), "--out", str(tmp_path / "again"), "--workers", "1"]
    )
    assert (done.exit_code, done.output.splitlines()[-1]) == (
        0,
        f"{count(results)} of {count(results)} files have the same bytes.",
    )
    assert pm.verify_results(tmp_path / "again").ok


def test_a_repetition_names_what_is_other(results: Path) -> None:
    """A record whose sums are those of an edited table, from another version of a library."""
    (results / "sites.csv").write_text("rank\n1\n")
    summary = results / "summary.json"
    summary.write_text(
        summary.read_text(encoding="utf-8").replace("An invented example.", "Another."), encoding="utf-8"
    )
    record = json.loads((results / "record.json").read_text(encoding="utf-8"))
    record["software"]["numpy"] = "1.0"
    for name in ("sites.csv", "summary.json"):
        record["checksums"][name] = {
            "bytes": 7,
            "sha256": hashlib.sha256((results / name).read_bytes()).hexdigest(),
        }
    (results / "record.json").write_text(json.dumps(record), encoding="utf-8")
    done = CliRunner().invoke(cli, ["rerun", str(results)])
    assert done.exit_code == 3
    for words in ("other version: numpy 1.0, now ", "differs  sites.csv", "differs  summary.json", f"{count(results) - 3} of {count(results)}", "statement: 'Another.' -> 'An invented example.'", "1 numbers of summary.json differ"):  # fmt: skip
        assert words in done.output


def test_a_repetition_wants_the_same_inputs(results: Path, tmp_path: Path) -> None:
    project = results.parent / "project.toml"
    text = project.read_text(encoding="utf-8")
    project.write_text(text + "# a word more\n", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"(?s)J34.*project.toml"):
        pm.rerun(results)
    project.unlink()
    with pytest.raises(ProjectError, match=r"J33.*project.toml"):
        pm.rerun(results)
    project.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match="J35"):
        pm.rerun(results, project=project, out=results)
    assert pm.verify_results(results).ok
