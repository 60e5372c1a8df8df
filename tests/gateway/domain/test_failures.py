"""What a mail server said, in the words of those who are to mend it."""

from __future__ import annotations

import pytest

from gateway.domain.failures import explain_failure

WHO = "wang@qingchuan.example: "


@pytest.mark.parametrize(
    ("failure", "meaning"),
    [
        (f"{WHO}The mailbox … (550 5.1.1 unknown).", "There is no such mailbox"),
        (f"{WHO}The mailbox … (550 no such user here).", "There is no such mailbox"),
        (f"{WHO}The mailbox … (550 没门).", "does not exist, or mail to it is refused"),
        ("The mail is too large, or the mailbox is full (552 no).", "too large, or the mailbox"),
        ("The mailbox is busy (450 greylisted).", "come again later"),
        (f"{WHO}The mail was refused (554 looks like spam).", "as spam or by its rules"),
        (f"{WHO}The mailbox is full (邮箱空间不足).", "The mailbox is full"),
        (f"{WHO}Huh (999 eh).\nli@x.example: Huh (550 5.2.2 over quota).", "mailbox is full"),
    ],
)
def test_refusals_are_explained_with_or_without_a_status_code(failure: str, meaning: str) -> None:
    words = explain_failure(failure)
    assert words is not None
    assert meaning in words.en
    assert words.zh_hans
    assert words.zh_hant


@pytest.mark.parametrize(
    "failure",
    [
        "The platform did not answer.",
        "企业微信拒绝了这条消息 (95018 too large)",
        f"{WHO}Huh (999 eh).",
    ],
)
def test_what_says_nothing_more_is_left_as_it_is(failure: str) -> None:
    assert explain_failure(failure) is None
