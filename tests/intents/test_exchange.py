"""Import and export: every form there and back, and nothing half applied."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import load_workbook

from intents import tables
from intents.errors import CatalogueError
from intents.exchange import RefusedError, export_catalogue, import_catalogue
from intents.loading import load_catalogue
from intents.model import Catalogue
from tests.intents.test_validation import SOUND
from tests.intents.test_writing import bare

SMALL = replace(SOUND, articles=(), entities=("ticket_number",))


@pytest.fixture
def small() -> Catalogue:
    return SMALL


@pytest.fixture
def folder(small: Catalogue, tmp_path: Path) -> Path:
    """A catalogue folder of our own, with a small catalogue in it."""
    target = tmp_path / "catalogue"
    export_catalogue(small, target)
    return target


def content_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["out.zip", "out.csv", "out.xlsx", "project"])
def test_there_and_back(small: Catalogue, folder: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    export_catalogue(small, target)
    again, findings = import_catalogue(target, folder)
    assert findings == []
    assert bare(again) == bare(small)
    assert bare(load_catalogue(folder)) == bare(small)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_table_replaces_what_it_names_and_adds_intents(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "new.csv"
    table.write_text(
        "kind,name,language,text,buttons\n"
        "utterance,greet,en,howdy\n"
        'utterance,greet,en,"see you at [5](ticket_number)"\n'
        "utterance,loan_phone,en,lend me a phone\n"
        "utterance,loan_phone,zh,借一部手机\n"
        "response,utter_loan_phone,zh,没有借用机。,退款=/refund\n"
        "response,utter_loan_phone,en,We lend none.,Refund=/refund\n",
        "utf-8",
    )
    catalogue, findings = import_catalogue(table, folder)
    greet = next(intent for intent in catalogue.intents if intent.name == "greet")
    assert [u.text for u in greet.utterances if u.language == "en"] == ["howdy", "see you at 5"]
    assert [u.text for u in greet.utterances if u.language == "zh"] == ["你好", "在吗"]
    assert any(rule.steps == ("utter_loan_phone",) for rule in catalogue.rules)
    assert catalogue.responses["utter_loan_phone"][0].buttons[0].payload == "/refund"
    assert {finding.severity.value for finding in findings} == {"warning"}


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"kind,name,text\n", 1, "no column `language`"),
        (b"kind,name,language,text\nutterance,greet,fr,salut\n", 2, "one of zh, en"),
        (b"kind,name,language,text\nnote,greet,en,x\n", 2, "`kind` must be one of"),
        (b"kind,name,language,text\nutterance,,en,x\n", 2, "`name` must not be empty"),
        (b"kind,name,language,text\nutterance,say hi,en,x\n", 2, "letters, digits"),
        (b'kind,name,language,text\nutterance,greet,en,"[a]{b}"\n', 2, "must be JSON"),
        (b"kind,name,language,text\nresponse,hello,en,x\n", 2, "must be named"),
        (b"kind,name,language,text,buttons\nresponse,utter_x,en,x,go\n", 2, "Title=/intent"),
        ("kind,name,language,text\nutterance,greet,zh,早\n".encode("gb18030"), 2, "CSV UTF-8"),
        (b"kind,name,language,text\nutterance,greet,en," + b"x" * 10_001, 2, "10,000"),
        (b"", 1, "no column"),
        (b"kind,name,language,text\nutterance,greet,en,hi\0there\n", 2, "U+0000; remove it"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line_and_changes_nothing(
    folder: Path, tmp_path: Path, content: bytes, line: int, words: str
) -> None:
    before = content_of(folder)
    table = tmp_path / "table.csv"
    table.write_bytes(content)
    with pytest.raises(CatalogueError) as caught:
        import_catalogue(table, folder)
    assert (caught.value.file, caught.value.line) == ("table.csv", line)
    assert words in caught.value.message
    assert content_of(folder) == before


def test_mistakes_are_listed_and_nothing_is_applied(folder: Path, tmp_path: Path) -> None:
    before = content_of(folder)
    table = tmp_path / "table.csv"
    table.write_text("kind,name,language,text\nutterance,lonely,en,only one\n", "utf-8")
    with pytest.raises(RefusedError) as caught:
        import_catalogue(table, folder)
    assert {finding.place for finding in caught.value.findings} == {"intent lonely"}
    assert content_of(folder) == before


def test_an_import_that_dies_leaves_the_old_catalogue(
    small: Catalogue, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_catalogue(replace(small, session_minutes=7), tmp_path / "new.zip")
    before = content_of(folder)
    rename = Path.rename

    def broken(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise OSError("the disk is full")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(OSError, match="full"):
        import_catalogue(tmp_path / "new.zip", folder)
    assert content_of(folder) == before


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_what_a_dead_import_left_aside_is_put_back(
    small: Catalogue, folder: Path, tmp_path: Path
) -> None:
    before = content_of(folder)
    folder.rename(folder.with_name(f".{folder.name}.old"))
    (tmp_path / "table.csv").write_text("kind,name,language,text\n", "utf-8")
    import_catalogue(tmp_path / "table.csv", folder)
    assert set(content_of(folder)) == set(before)
    assert load_catalogue(folder).intents == small.intents


def test_a_large_import_tells_how_far_it_is(folder: Path, tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    lines = "".join(f"    - where is parcel number {n} of mine\n" for n in range(2000))
    (folder / "nlu" / "en" / "more.yml").write_text(
        f'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n{lines}', "utf-8"
    )
    import_catalogue(folder, tmp_path / "to", tell=lambda step, done: told.append((step, done)))
    steps = list(dict.fromkeys(step for step, _ in told))
    assert steps == ["reading", "writing", "reading back", "checking"]
    shares = [done for _, done in told]
    assert shares == sorted(shares)
    assert len(set(shares)) > 20


def test_rows_beyond_the_most_are_not_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_MOST_ROWS", 10)
    rows = "".join(f"utterance,greet,en,hello number {n}\n" for n in range(12))
    (tmp_path / "table.csv").write_text(f"kind,name,language,text\n{rows}", "utf-8")
    with pytest.raises(CatalogueError, match="more than 10 rows; split it"):
        import_catalogue(tmp_path / "table.csv", folder)


def test_hostile_archives(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content_of(folder)
    cases = {
        "bomb.zip": ({"domain.yml": b"0" * 60_000_000}, "unpacks to more than"),
        "empty.zip": ({"readme.txt": b"x"}, "holds no domain.yml"),
        "escape.zip": ({"../domain.yml": b"x", "a/../../b.yml": b"x"}, "holds no domain.yml"),
        "broken.zip": ({"p/domain.yml": b"version: [\n"}, "not valid YAML"),
    }
    for name, (files, words) in cases.items():
        with pytest.raises(CatalogueError, match=words):
            import_catalogue(zip_of(tmp_path / name, files), folder)
    for name, content in {
        "no.zip": b"PK?",
        "no.xlsx": b"PK?",
        "big.csv": b"x" * 50_500_000,
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CatalogueError, match=r"ZIP|XLSX|50 MB"):
            import_catalogue(tmp_path / name, folder)
    workbook = zip_of(tmp_path / "bomb.xlsx", {"xl/sharedStrings.xml": b"0" * 60_000_000})
    monkeypatch.setattr(tables, "_MOST_UNPACKED", 50_000_000)
    with pytest.raises(CatalogueError, match="unpacks to more than"):
        import_catalogue(workbook, folder)
    with pytest.raises(CatalogueError, match="does not exist"):
        import_catalogue(tmp_path / "nowhere", folder)
    assert content_of(folder) == before
    assert not (tmp_path.parent / "domain.yml").exists()


def test_cells_are_no_formulas(small: Catalogue, tmp_path: Path) -> None:
    greet = small.intents[0]
    evil = replace(greet.utterances[0], text="=cmd|' /C calc'!A0")
    catalogue = replace(small, intents=(replace(greet, utterances=(evil,)), *small.intents[1:]))
    export_catalogue(catalogue, tmp_path / "out.xlsx")
    export_catalogue(catalogue, tmp_path / "out.csv")
    sheet = load_workbook(io.BytesIO((tmp_path / "out.xlsx").read_bytes())).worksheets[0]
    assert sheet.cell(2, 4).value == "'=cmd|' /C calc'!A0"
    assert sheet.cell(2, 4).data_type == "s"
    assert "'=cmd" in (tmp_path / "out.csv").read_text("utf-8-sig")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(CatalogueError, match="not empty"):
        export_catalogue(catalogue, tmp_path / "full")


@pytest.mark.parametrize("escape", ["\\0", "\\ud800", "\\e"])
def test_escapes_of_what_no_database_holds_are_refused_by_line(
    folder: Path, tmp_path: Path, escape: str
) -> None:
    before = content_of(folder)
    wrong = f'version: "3.1"\nresponses:\n  utter_x:\n  - text: "hello{escape}there"\n'
    with pytest.raises(CatalogueError, match="remove it") as caught:
        import_catalogue(zip_of(tmp_path / "p.zip", {"domain.yml": wrong.encode()}), folder)
    assert (caught.value.file, caught.value.line) == ("domain.yml", 4)
    assert content_of(folder) == before


def test_an_unknown_ending_is_refused_and_makes_nothing(small: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"o\.pdf.*\.zip, \.csv or \.xlsx"):
        export_catalogue(small, tmp_path / "o.pdf")
    assert not (tmp_path / "o.pdf").exists()
