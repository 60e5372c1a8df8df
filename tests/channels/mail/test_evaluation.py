"""Mails with known readings are scored field by field."""

import json
from pathlib import Path

import pytest

from channels.mail.evaluation import score_mails, score_replies
from gateway.__main__ import main
from tests.channels.mail.samples import file, mail, multipart, report, text

pytestmark = pytest.mark.usefixtures("unchanged_logs")

LETTER = multipart(
    "mixed",
    text("您好\n\n在 2024-05-06 10:21:33，客服 <d@x.example> 写道：\n> 请重试"),
    file("日志.txt", b"ABC"),
    From="=?utf-8?B?546L6Iqz?= <wang@x.example>",
    Subject="订单",
)


def test_fields_are_compared_as_their_kind_asks() -> None:
    expected = {
        "from_email": "Wang@x.example", "from_name": '"王芳"', "subject": "订 单",
        "reply": "> 您好",
        "text_contains": ["请重试"], "reply_not_contains": ["写道"], "attachments": ["日志.txt"],
        "auto_reply": False, "bounce": False, "strange": 1,
    }  # fmt: skip
    score = score_mails(
        [("a", LETTER, expected), ("b", report(), {"bounce_reason": "mailboxfull"})]
    )
    assert score.shares()["subject"] == (1, 1)
    assert sum(score.right.values()) == len(expected) - 1
    assert score.unknown == {"strange"}
    assert [(w.case, w.field, w.found) for w in score.wrong] == [
        ("b", "bounce_reason", "userunknown")
    ]
    assert len(score.spent) == 2
    assert score.percentile(0.5) > 0


def test_a_text_with_other_words_is_wrong() -> None:
    score = score_mails([("a", mail("one two three"), {"text": "one two four five"})])
    assert score.shares() == {"text": (0, 1)}


def test_replies() -> None:
    score = score_replies([
        ("a", "好\n\n-- \n王芳", {"reply": "好"}),
        ("b", "好\n\n-- \n王芳", {"reply_contains": ["王芳"]}),
    ])  # fmt: skip
    assert score.shares() == {"replies": (1, 2)}
    assert score.wrong[0].case == "b"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.eml").write_bytes(LETTER)
    row = {"id": "a", "file": "a.eml", "expect": {"subject": "订单", "from_name": "李雷"}}
    (tmp_path / "expected.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    reply = {"id": "r", "text": "好\n\n发自我的 iPhone", "reply": "好"}
    (tmp_path / "replies.jsonl").write_text(json.dumps(reply) + "\n", "utf-8")
    return tmp_path


def test_the_command_prints_shares_and_what_is_wrong(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mail", "evaluate", "--data", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "subject                 1 of 1     100.0%" in said
    assert "wrong: a from_name\n  expected '李雷'\n  found    '王芳'" in said
    assert main(["mail", "evaluate", "--data", str(folder), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["fields"]["replies"] == {"right": 1, "total": 1}
    assert figures["wrong"][0]["id"] == "a"


def test_a_folder_that_holds_nothing_or_nonsense_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mail", "evaluate", "--data", str(tmp_path)]) == 1
    assert "neither expected.jsonl nor replies.jsonl" in capsys.readouterr().err
    (tmp_path / "expected.jsonl").write_text('{"id": "a"}\n')
    assert main(["mail", "evaluate", "--data", str(tmp_path)]) == 1
    assert "needs id, file and expect" in capsys.readouterr().err


def test_the_command_shows_how_a_mail_is_read(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mail", "parse", str(folder / "a.eml"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found)[:14] == [
        "from", "to", "cc", "subject", "date", "message_id", "references", "text", "reply",
        "html_safe", "attachments", "charset_notes", "auto", "bounce",
    ]  # fmt: skip
    assert found["from"] == {"name": "王芳", "email": "wang@x.example"}
    assert (found["reply"], found["auto"], found["bounce"]) == ("您好", "none", None)
    assert found["attachments"] == [
        {
            "name": "日志.txt",
            "type": "application/octet-stream",
            "size": 3,
            "sha256": "b5d4045c3f466fa91fe2cc6abe79232a1a57cdf104f7a26e716e0a1e2789df78",
        }
    ]
    bounce = tmp_path / "b.eml"
    bounce.write_bytes(report())
    assert main(["mail", "parse", str(bounce)]) == 0
    said = capsys.readouterr().out
    assert "reason:         The address does not exist (userunknown, hard)" in said
    assert "concerns:       m7.c42@shop.example" in said
    assert main(["mail", "parse", str(bounce), "--json"]) == 0
    explanation = json.loads(capsys.readouterr().out)["bounce"]["explanation"]
    assert explanation["zh-Hans"] == "收件地址不存在"


def test_a_file_that_is_missing_or_empty_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mail", "parse", str(tmp_path / "none.eml")]) == 1
    assert "No such file" in capsys.readouterr().err
    (tmp_path / "empty.eml").write_bytes(b"\n")
    assert main(["mail", "parse", str(tmp_path / "empty.eml")]) == 1
    assert "is empty" in capsys.readouterr().err
