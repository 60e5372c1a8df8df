"""Files that become articles: Markdown, HTML as Confluence and 语雀 export it, Word, archives."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.article import Audience
from gateway.services.article_archive import ArchiveError, SourceFile, open_path, open_upload
from gateway.services.article_batches import BatchArticle
from gateway.services.article_reading import ReadFiles, read_files


def read(*files: tuple[str, str | bytes], default: str = "zh") -> ReadFiles:
    sources = [
        SourceFile(path, text.encode() if isinstance(text, str) else text) for path, text in files
    ]
    return read_files(sources, default, lambda done, total: None)


def one(path: str, text: str | bytes) -> BatchArticle:
    found = read((path, text))
    assert found.problems == []
    (article,) = found.articles
    return article


def test_front_matter_heading_and_names_give_what_is_missing() -> None:
    head = "---\ntitle: 退款\ncategory: billing\naudience: internal\nquestions: [怎么退]\n---\n文"
    full = one("zh/refunds.md", head)
    assert (full.slug, full.language, full.text.title) == ("refunds", "zh", "退款")
    assert (full.category, full.audience) == ("billing", Audience.INTERNAL)
    assert full.text.questions == ("怎么退",)
    bare = one("手册/账号/忘记密码.md", "# 如何重置密码\n\n点忘记密码。")
    assert (bare.slug, bare.category) == ("wang-ji-mi-ma", "账号")
    assert (bare.text.title, bare.text.body) == ("如何重置密码", "点忘记密码。")
    assert one("a/faq.en.md", "退款 refund").language == "en"
    assert one("x.md", "退款规则".encode("gb18030") + b"\r\n").text.body == "退款规则"


def test_markdown_loses_scripts_and_styles_but_not_code_that_quotes_them() -> None:
    text = (
        "# A\n<style>\np {}\n</style>\nRead `<script>` on.\n\n```html\n<script>x()</script>\n```\n"
    )
    article = one("a.md", text + "<SCRIPT src='e'>evil()</script >\nEnd.\n<script>open()")
    assert "p {}" not in article.text.body
    assert "evil" not in article.text.body
    assert "open" not in article.text.body
    assert "Read `<script>` on." in article.text.body
    assert "```html\n<script>x()</script>\n```" in article.text.body
    assert article.text.body.endswith("End.")


def test_two_files_of_one_name_get_addresses_of_their_own() -> None:
    found = read(("docs/pay/readme.md", "甲"), ("docs/ship/readme.md", "乙"))
    assert [article.slug for article in found.articles] == ["readme", "ship-readme"]


def test_a_confluence_page_loses_its_furniture() -> None:
    page = """<html><head><title>Support : Reset a router</title></head><body>
    <div id="breadcrumb-section">Home</div><div class="page-metadata">by admin</div>
    <h1 id="title-heading"><span id="title-text"> Support : Reset a router </span></h1>
    <div id="main-content"><p>Press <strong>reset</strong>.</p><script>x()</script>
    <table><tr><th>Lamp</th></tr><tr><td>red</td></tr></table></div>
    <div id="footer">Atlassian</div></body></html>"""
    found = read(("space/index.html", page), ("space/Reset-a-router_123.html", page))
    (article,) = found.articles
    assert article.text.title == "Reset a router"
    assert article.text.body.startswith("Press **reset**.")
    assert "| Lamp |" in article.text.body
    for gone in ("admin", "Home", "Atlassian", "x()"):
        assert gone not in article.text.body
    assert found.skipped == ["space/index.html: a table of contents"]


def test_a_yuque_page_is_read() -> None:
    page = "<h1>发票</h1><div class='lake-content'><h2>开票</h2><ul><li>申请</li></ul></div>"
    article = one("发票.html", page)
    assert (article.text.title, article.slug) == ("发票", "fa-piao")
    assert article.text.body == "## 开票\n\n- 申请"


def word(text: str) -> bytes:
    """A Word document of one heading and one paragraph."""
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = (
        f'<w:document {space}><w:body><w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr>'
        f"<w:r><w:t>标题</w:t></w:r></w:p><w:p><w:r><w:t>{text}</w:t></w:r></w:p>"
        "</w:body></w:document>"
    )
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r" Target="word/document.xml" Type="http://schemas.openxmlformats.org/'
        'officeDocument/2006/relationships/officeDocument"/></Relationships>'
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("word/document.xml", body)
        archive.writestr("_rels/.rels", relations)
        archive.writestr("[Content_Types].xml", "<Types/>")
    return made.getvalue()


def test_a_word_document_is_read() -> None:
    article = one("保修.docx", word("两年保修。"))
    assert article.text.body.endswith("两年保修。")
    assert article.slug == "bao-xiu"
    assert read(("x.docx", b"PK\x05\x06 no document")).problems[0].startswith("x.docx: ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("---\ntitle: a\nno end", "not closed"),
        ("---\ntitle: [a\n---\nx", "x.md: "),
        ("---\naudience: all\n---\nx", "public or internal"),
        ("", "no text"),
        (b"\xff\xff\x00", "no text in UTF-8"),
    ],
)
def test_broken_files_are_named_and_do_not_stop_the_others(text: str | bytes, told: str) -> None:
    found = read(("x.md", text), ("good.md", "gut"))
    assert len(found.articles) == 1
    assert told in found.problems[0]
    assert found.problems[0].startswith("x.md: ")


def bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.md", b"0" * 5_000_000)
    return made.getvalue()


def test_archives_that_do_harm_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="unpack to"):
        open_upload("a.zip", bomb())
    for name in ("../a.md", "/a.md", "C:/a.md"):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr(name, "x")
        with pytest.raises(ArchiveError, match="leads outside"):
            open_upload("a.zip", made.getvalue())
    with pytest.raises(ArchiveError, match="is empty"):
        open_upload("a.zip", b"")
    with pytest.raises(ArchiveError, match="of a kind that is not read"):
        open_upload("a.exe", b"MZ")
    (tmp_path / "a.md").write_text("x", encoding="utf-8")
    (tmp_path / "link.md").symlink_to("/etc/passwd")
    assert [file.path for file in open_path(tmp_path)] == ["a.md"]
    with pytest.raises(ArchiveError, match="cannot be read"):
        open_path(tmp_path / "nowhere.md")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["a.md", "a.html", "a.docx", "a.zip"]))
def test_rubbish_is_refused_in_words(content: bytes, name: str) -> None:
    try:
        files = open_upload(name, content)
    except ArchiveError:
        return
    found = read_files(files, "zh", lambda done, total: None)
    assert found.articles or found.problems
