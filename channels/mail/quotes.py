"""What the writer of a mail wrote: the text without quotation and signature.

Works on lines, once from top to bottom, with patterns that cannot run away: a hostile text costs
what its length costs. When nothing would be left, everything is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from channels.mail import quote_words as words
from channels.mail.html_text import Mark

LINES = 5000
CHARACTERS = 200_000
_JOINED = 6  # lines over which "On … wrote:" may spread
_BRACKET = re.compile(r">[^>]{0,40}[:：]\s*$")
_WRAPPED = 55  # characters of a quoted line that may have been broken by its sender


@dataclass(frozen=True, slots=True)
class Split:
    """The reply, and whether anything was left out of it; `cut` is the line of the quotation."""

    reply: str
    quoted: bool
    cut: int | None = None


@dataclass(slots=True)
class _Page:
    lines: list[str]
    marks: dict[int, Mark]
    quoted: list[bool] = field(default_factory=list)
    dropped: set[int] = field(default_factory=set)  # attributions, markers, headers

    def __post_init__(self) -> None:
        self.quoted = [is_quoted(line) for line in self.lines]
        opened = False  # an address whose bracket closes on the next line: "> wrote:"
        for index, line in enumerate(self.lines):
            if opened and self.quoted[index] and _BRACKET.match(line):
                self.quoted[index] = False
            if line.strip():
                opened = line.rfind("<") > line.rfind(">") or (opened and "@" in line)

    def blank(self, index: int) -> bool:
        return not self.lines[index].strip(" \t\xa0\u3000>＞")

    def next_text(self, index: int) -> int:
        """The first line from `index` on that says something, or the number of lines."""
        while index < len(self.lines) and self.blank(index):
            index += 1
        return index

    def is_one_block(self, index: int, *, top: bool) -> bool:
        """Whether one quotation begins here and no other follows.

        At the top of a mail the answer may stand below it, elsewhere nothing may.
        """
        while index < len(self.lines) and (self.quoted[index] or self.blank(index)):
            index += 1
        rest = range(index, len(self.lines))
        return not any(self.quoted[i] for i in rest) if top else not rest


def is_quoted(line: str) -> bool:
    """Whether a line carries the sign of quotation."""
    return line.lstrip(" \t")[:1] in (">", "＞")


def split_reply(text: str, marks: dict[int, Mark] | None = None) -> Split:
    """Takes the reply out of a text.

    Args:
        text: the whole text; of very long ones the beginning is looked at.
        marks: what the markup says of lines, by their number.
    """
    lines = text[:CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").split("\n")[:LINES]
    page = _Page(lines, marks or {})
    cut = _find_cut(page)
    kept = _kept(page, cut if cut is not None else len(lines))
    kept = _without_signature(page, kept)
    reply = "\n".join(page.lines[i].rstrip() for i in _trimmed(page, kept))
    if not reply.strip():
        return Split(text.strip(), quoted=False, cut=cut)
    return Split(reply.strip("\n"), quoted=len(reply.split()) < len(text.split()), cut=cut)


def _find_cut(page: _Page) -> int | None:
    """The line from which all is the earlier mail; marks attributions on the way."""
    index = 0
    spoken = False  # something of the writer's own was seen
    while index < len(page.lines):
        mark = page.marks.get(index)
        if mark is Mark.CUT and spoken:
            return index
        if page.blank(index):
            index += 1
            continue
        end = _announced(page, index)
        if end is None:
            spoken = spoken or not page.quoted[index]
            index += 1
            continue
        follows = page.next_text(end)
        answered = follows < len(page.lines) and page.quoted[follows] and not page.quoted[index]
        if page.quoted[index] and not answered:
            index = end  # the attribution is quoted itself
        elif spoken and not (answered and _speaks_later(page, follows)):
            return index
        else:
            page.dropped.update(range(index, end))
            index = end
    return None


def _announced(page: _Page, index: int) -> int | None:
    """Where the announcement of an earlier mail that begins here ends; None when none does."""
    line = page.lines[index]
    if not page.quoted[index] and words.MARKER.search(line[:300]):
        return index + 1
    if page.marks.get(index) is Mark.ATTRIBUTION:
        end = index
        while page.marks.get(end) is Mark.ATTRIBUTION or (
            end < len(page.lines) and end - index < 4 and page.blank(end)
        ):
            end += 1
        return end
    if words.SEPARATOR.match(line[:300]):
        return _headers_end(page, page.next_text(index + 1), announced=True) or index + 1
    if words.RULE.match(line[:200]) or line.strip() == "---":
        following = page.next_text(index + 1)
        if following < len(page.lines) and words.EARLIER.match(page.lines[following][:80]):
            return following + 1
    if words.DASHED.match(line[:200]):
        headers = _headers_end(page, page.next_text(index + 1))
        if headers is not None:
            return headers
    return _headers_end(page, index) or _attribution_end(page, index)


def _headers_end(page: _Page, index: int, *, announced: bool = False) -> int | None:
    """The end of a block of quoted headers that begins here: a sender or date, and another."""
    if index >= len(page.lines):
        return None
    first = words.header_line(page.lines[index])
    if first is None or (first.lastgroup is None):
        return None
    kinds = {_kind(first)}
    end, foreign = index + 1, 0
    addressed = "@" in page.lines[index]
    for position in range(index + 1, min(index + 14, len(page.lines))):
        found = words.header_line(page.lines[position])
        if found is not None:
            kinds.add(_kind(found))
            end, foreign = position + 1, 0
            addressed = addressed or "@" in page.lines[position]
        elif _may_stand_between(page, position, foreign, len(kinds)):
            foreign += 1
        else:
            break
    told = kinds - {"other"}
    if "from" not in told:
        return end if len(told) >= 3 and "subject" in told else None
    # A parcel has a sender and a receiver too: a subject or an address makes it a mail.
    sure = announced or (len(told) >= 2 and ("subject" in told or addressed))
    return end if sure else None


def _may_stand_between(page: _Page, position: int, foreign: int, kinds: int) -> bool:
    """Whether a line that is no header may stand among headers: one blank, or the rest of one."""
    if page.blank(position):
        return foreign < 1 and kinds < 3
    return foreign < 3 and _continues(page.lines[position])


def _kind(found: re.Match[str]) -> str:
    return next(
        name
        for name in ("from", "sent", "to", "cc", "subject", "other")
        if found[name] is not None
    )


def _continues(line: str) -> bool:
    """Whether a line goes on with the header before it: addresses, or the rest of a subject."""
    return bool(words.EMAIL.search(line[:500])) or line.rstrip().endswith((";", ",", ">"))


def _attribution_end(page: _Page, index: int) -> int | None:
    """The end of "On … wrote:" that begins here, over a few lines; None when there is none."""
    lines = page.lines
    first = words.undirected(lines[index]).lstrip("> \t")
    if not words.OPENER.match(first[:60]) and "@" not in first:
        return None
    joined = ""
    blanks = 0
    for position in range(index, min(index + _JOINED, len(lines))):
        line = words.undirected(lines[position]).strip(" \t\xa0")
        if page.quoted[position] != page.quoted[index]:
            return None
        bare = line.lstrip("> ") if page.quoted[index] and "<" not in line[:1] else line
        if not bare or (len(bare) < 3 and bare in "<>"):
            blanks += not bare
            if blanks > 2 or ("@" not in joined and "<" not in joined[-3:] and not _dated(joined)):
                return None
            joined += bare
            continue
        if len(joined) + len(bare) > 600:
            return None
        joined += " " + bare
        if words.DATED_OPENER.match(bare) and words.ADDRESS_END.search(bare[-404:]):
            follows = page.next_text(position + 1)
            if follows < len(lines) and page.quoted[follows] and not page.quoted[position]:
                return position + 1
        if words.ATTRIBUTION_END.search(bare[-60:]):
            nearer = any(
                words.DATED_OPENER.match(lines[later].lstrip("> \t")[:60])
                for later in range(index + 1, position + 1)
            )
            if nearer:
                return None
            told = _is_attribution(joined, position - index)
            return position + 1 if told or _introduces(page, joined, index, position) else None
        if blanks and not bare.startswith(("<", "mailto:", ">")):
            return None
    return None


def _dated(text: str) -> bool:
    return bool(words.DATE.search(text))


def _is_attribution(joined: str, breaks: int) -> bool:
    """Whether a joined line names a time or address, and says that somebody wrote."""
    said = bool(words.VERB.search(joined))
    address = bool(words.EMAIL.search(joined))
    dated = _dated(joined)
    if said:
        # A sentence of the writer's own may say "he wrote:"; a date or an address tells.
        return (dated or address) and (breaks < 3 or address)
    return address and dated and bool(re.search(r"[<(\[].{1,200}@.{1,200}[>)\]]|@", joined))


def _introduces(page: _Page, joined: str, start: int, end: int) -> bool:
    """Whether "Ann wrote:" without date and address introduces a quotation, the first or last."""
    if len(joined) > 100 or end > start + 1 or not words.VERB.search(joined[-40:]):
        return False
    follows = page.next_text(end + 1)
    if follows >= len(page.lines) or not page.quoted[follows]:
        return False
    return page.is_one_block(follows, top=not start or page.next_text(0) == start)


def _speaks_later(page: _Page, start: int) -> bool:
    """Whether the writer goes on below or between the quotation that begins at `start`."""
    return bool(_own_after(page, start))


def _own_after(page: _Page, start: int) -> list[int]:
    """Lines of the writer's own after a quotation begins, without broken ends and signature."""
    own: list[int] = []
    for index in range(start, len(page.lines)):
        if page.blank(index) or page.quoted[index]:
            continue
        if index in page.marks or _ends_text(page, index):
            break
        if _announced(page, index) is not None:
            break
        if _is_broken_end(page, index):
            page.quoted[index] = True
            continue
        own.append(index)
    return own


def _is_broken_end(page: _Page, index: int) -> bool:
    """Whether a bare line is the end of a quoted one that a program broke."""
    before, after = index - 1, index + 1
    return (
        before >= 0
        and page.quoted[before]
        and len(page.lines[before]) >= _WRAPPED
        and (after >= len(page.lines) or page.quoted[after] or page.blank(after))
        and len(page.lines[index]) < 60
        and (after < len(page.lines) and page.quoted[after])
    )


def _kept(page: _Page, cut: int) -> list[int]:
    """The lines before the cut that are the writer's own, or that the writer answers to."""
    rest = [i for i in range(cut) if i not in page.dropped]
    own = [i for i in rest if not page.quoted[i] and not page.blank(i)]
    quoted = [i for i in rest if page.quoted[i]]
    if not own or not quoted:
        return rest
    attributed = bool(page.dropped)
    last_own = own[-1]
    signature = next((i for i in own if _ends_text(page, i)), last_own + 1)
    speaking = [i for i in own if i < signature]
    if not speaking:
        return rest
    if speaking[-1] < quoted[0]:  # the quotation hangs below
        return [i for i in rest if i < quoted[0]]
    if attributed and speaking[0] > quoted[-1]:  # the answer stands below the quotation
        return [i for i in rest if i > quoted[-1]]
    if quoted[-1] > speaking[-1]:  # inline answers, and the rest of the quotation below
        return [i for i in rest if i <= speaking[-1] or not page.quoted[i]]
    return rest


def _ends_text(page: _Page, index: int) -> bool:
    """Whether a line opens a signature that a program set."""
    line = page.lines[index]
    return (
        line.rstrip("\r") in ("-- ", "--", "--\xa0")
        or page.marks.get(index) is Mark.SIGNATURE
        or words.device_signature(line)
    )


def _without_signature(page: _Page, kept: list[int]) -> list[int]:
    """Cuts signatures, what telephones add, closings, disclaimers and the footers of lists."""
    text = [i for i in kept if not page.blank(i)]
    for place, index in enumerate(text):
        if not page.quoted[index] and _opens_signature(page, text, place):
            return [i for i in kept if i < index]
    return kept


def _opens_signature(page: _Page, text: list[int], place: int) -> bool:
    """Whether with this line of the text that is left only a signature or a footer follows."""
    line, left = page.lines[text[place]], len(text) - place - 1
    if page.marks.get(text[place]) is Mark.SIGNATURE or line == "-- ":
        return True
    if left <= 15 and line.strip() == "--":
        return True
    if not place:
        return False
    if left <= 4 and words.device_signature(line):
        return True
    if left <= 7 and words.CLOSING.match(line[:80]):
        return _short(page, text[place + 1 :])
    if left <= 25 and words.DISCLAIMER.match(line[:300]):
        return True
    if left <= 8 and words.FRAME.match(line[:200]):
        return True
    if not left:
        return _is_address_alone(page, text[place])
    ruled = left <= 10 and bool(words.SHORT_RULE.match(line[:200]))
    following = text[place + 1 :]
    return ruled and (_is_footer(page, following) or _is_card(page, line, following))


def _short(page: _Page, following: list[int]) -> bool:
    return all(len(page.lines[i]) <= 80 and not page.quoted[i] for i in following)


def _is_footer(page: _Page, following: list[int]) -> bool:
    return any(words.LIST_FOOTER.search(page.lines[i][:300]) for i in following[:4])


def _is_card(page: _Page, rule: str, following: list[int]) -> bool:
    """Whether the lines under a rule are a person's name and how to reach that person."""
    lines = [page.lines[i].strip() for i in following]
    name = lines[0]
    return (
        len(rule.strip()) >= 3
        and len(lines) <= 8
        and len(name) <= 40
        and not re.search(r"[\d:：。！？?!]", name)
        and all(len(line) <= 80 and not line.endswith(("。", "？", "?", "！")) for line in lines)
        and any(words.CONTACT.search(line) for line in lines[1:])
    )


def _is_address_alone(page: _Page, index: int) -> bool:
    """Whether the last line is an address under an empty space: what Foxmail signs with."""
    alone = words.EMAIL.fullmatch(page.lines[index].strip())
    return bool(alone) and index >= 2 and page.blank(index - 1) and page.blank(index - 2)


def _trimmed(page: _Page, kept: list[int]) -> list[int]:
    """Without blank lines at both ends, and without rules that only led to the quotation."""
    start, end = 0, len(kept)
    while start < end and not page.lines[kept[start]].strip(" \t\xa0\u3000"):
        start += 1
    while end > start:
        line = page.lines[kept[end - 1]]
        if page.quoted[kept[end - 1]] or (
            line.strip(" \t\xa0\u3000") and not words.RULE.match(line[:200])
        ):
            break
        end -= 1
    return kept[start:end]
