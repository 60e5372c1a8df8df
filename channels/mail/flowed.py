"""Text that was broken into lines for the way: `format=flowed` (RFC 3676) put together again."""

from __future__ import annotations


def unflow(text: str, *, delsp: bool) -> str:
    """Joins soft line ends of equal quotation; `delsp` drops the space that marks them.

    Signs of quotation stay, written once before the whole paragraph.
    """
    out: list[str] = []
    paragraph: list[str] = []
    depth = 0
    for line in text.replace("\r\n", "\n").split("\n"):
        level, content = _level(line)
        soft = content.endswith(" ") and content != "-- "
        if paragraph and (level != depth or content == "-- "):
            out.append(_quoted("".join(paragraph), depth))
            paragraph = []
        depth = level
        if soft:
            paragraph.append(content[:-1] if delsp else content)
        else:
            out.append(_quoted("".join([*paragraph, content]), level))
            paragraph = []
    if paragraph:
        out.append(_quoted("".join(paragraph), depth))
    return "\n".join(out)


def _level(line: str) -> tuple[int, str]:
    content = line.lstrip(">")
    return len(line) - len(content), content.removeprefix(" ")


def _quoted(content: str, depth: int) -> str:
    return f"{'>' * min(depth, 20)} {content}" if depth else content
