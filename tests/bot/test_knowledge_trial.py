"""Trials of the article index on files of one's own."""

from pathlib import Path

import pytest

from bot.knowledge_trial import TrialError, read_entries, read_questions, run_trial

KB = """{"id": "a", "question": "怎么退款", "similar": ["钱怎么退"], "answer": "点申请退款。"}
{"id": "b", "question": "怎么开发票", "answer": "在订单页开票。"}
"""
QUESTIONS = """{"question": "如何退钱", "gold": ["a"]}
{"question": "开票", "gold": ["b"]}
{"question": "火星上有水吗", "gold": []}
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_trial_tells_recall_rank_and_what_is_not_known(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    report = run_trial(
        read_entries(written(tmp_path, "kb.jsonl", KB)),
        read_questions(written(tmp_path, "q.jsonl", QUESTIONS)),
        lambda done, total: told.append((done, total)),
    )
    assert (report.entries, report.questions, report.unanswerable) == (2, 2, 1)
    assert report.recalls == {1: 1.0, 3: 1.0, 10: 1.0}
    assert (report.mrr, report.auroc) == (1.0, 1.0)
    assert told[-1] == (3, 3)


@pytest.mark.parametrize(
    ("kb", "told"),
    [
        ("", "no entry"),
        ("{}", "line 1: `id` must be a text"),
        ('{"id": "a"}', "needs `question`"),
        ('{"id": "a", "question": "x"}\n{"id": "a", "question": "y"}', "line 2: the id 'a'"),
        ('{"id": "a", "question": "x", "similar": [1]}', "`similar` must be"),
        ("[1]", "must be an object"),
        ("{", "is not JSON"),
    ],
)
def test_broken_files_are_named_with_line_and_remedy(tmp_path: Path, kb: str, told: str) -> None:
    with pytest.raises(TrialError, match=told):
        read_entries(written(tmp_path, "kb.jsonl", kb))


def test_a_question_must_name_entries_that_are_there(tmp_path: Path) -> None:
    articles = read_entries(written(tmp_path, "kb.jsonl", KB))
    questions = read_questions(written(tmp_path, "q", '{"question": "x", "gold": ["c"]}'))
    with pytest.raises(TrialError, match="'c', which is not in the knowledge base"):
        run_trial(articles, questions, lambda done, total: None)
