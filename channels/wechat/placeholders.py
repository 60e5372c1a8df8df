"""What stands in a conversation for what cannot be shown."""

from __future__ import annotations

from channels.errors import Words


def unsupported(kind: str) -> Words:
    """For a kind of message that we do not know."""
    return Words(
        f"[A message that cannot be shown here: {kind}]",
        f"[此处无法显示的消息：{kind}]",
        f"[此處無法顯示的訊息：{kind}]",
    )


def lost_file(why: Words) -> Words:
    """For a file that did not come."""
    return Words(
        f"[A file that could not be taken: {why.en}]",
        f"[文件未能接收：{why.zh_hans}]",
        f"[檔案未能接收：{why.zh_hant}]",
    )


def location(label: str, latitude: str, longitude: str) -> Words:
    """For a place on the map."""
    where = f"{label} ({latitude}, {longitude})".strip()
    return Words(f"[Location] {where}", f"[位置] {where}", f"[位置] {where}")
