"""The settings of a mailbox."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final

from channels.contract import Secret
from channels.errors import SettingsError, Words, check_range
from channels.forms import Group

GROUPS: Final = (
    Group(name="incoming", label=Words("Incoming mail", "收信", "收信")),
    Group(name="outgoing", label=Words("Outgoing mail", "发信", "寄信")),
    Group(name="oauth", label=Words("Sign-in by OAuth", "OAuth 登录", "OAuth 登入")),
    Group(
        name="listen",
        label=Words("Mail from your server", "接收自有服务器投递", "接收自有伺服器投遞"),
    ),
    Group(name="dkim", label=Words("DKIM signature", "DKIM 签名", "DKIM 簽章")),
)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
_MICROSOFT: Final = ("outlook.office365.com", "imap-mail.outlook.com")
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]{1,190}")
_TOKEN_URLS: Final = ("https://", "http://127.0.0.1:")  # a token server of one's own host

Choices = Mapping[str, Mapping[str, str]]


def _words(en: str, zh_hans: str, zh_hant: str) -> dict[str, str]:
    return Words(en, zh_hans, zh_hant).by_language()


_SECURITY: Final[Choices] = {
    "tls": _words("TLS", "TLS", "TLS"),
    "starttls": _words("STARTTLS", "STARTTLS", "STARTTLS"),
    "none": _words("None", "不加密", "不加密"),
}
_AFTER: Final[Choices] = {
    "leave": _words("Leave it as it is", "保持原样", "保持原樣"),
    "flag": _words("Mark it as read", "标为已读", "標為已讀"),
    "move": _words("Move it", "移到其他文件夹", "移到其他資料夾"),
}
_OAUTH: Final[Choices] = {
    "": _words("No, by password", "不使用，用密码", "不使用，用密碼"),
    "microsoft": _words("Microsoft", "Microsoft", "Microsoft"),
    "google": _words("Google", "Google", "Google"),
    "custom": _words("Another provider", "其他服务商", "其他服務商"),
}
_PROTOCOLS: Final[Choices] = {
    "lmtp": _words("LMTP", "LMTP", "LMTP"),
    "smtp": _words("SMTP", "SMTP", "SMTP"),
}
_BY_TOKEN: Final = ("oauth", ("microsoft", "google", "custom"))


def _form(en: str, zh_hans: str, zh_hant: str, group: str = "", **more: Any) -> Mapping[str, Any]:
    """What the form says of a setting."""
    named = {"group": group} if group else {}
    return {"label": _words(en, zh_hans, zh_hant), **named, **more}


def _incoming(en: str, zh_hans: str, zh_hant: str, **more: Any) -> Mapping[str, Any]:
    return _form(en, zh_hans, zh_hant, "incoming", **more)


def _outgoing(en: str, zh_hans: str, zh_hant: str, **more: Any) -> Mapping[str, Any]:
    return _form(en, zh_hans, zh_hant, "outgoing", **more)


def _token(
    en: str, zh_hans: str, zh_hant: str, when: Sequence[str] = _BY_TOKEN[1]
) -> Mapping[str, Any]:
    return _form(en, zh_hans, zh_hant, "oauth", only_if=("oauth", when))


def _listen(en: str, zh_hans: str, zh_hant: str, **more: Any) -> Mapping[str, Any]:
    return _form(en, zh_hans, zh_hant, "listen", advanced=True, **more)


def _dkim(en: str, zh_hans: str, zh_hant: str, **more: Any) -> Mapping[str, Any]:
    return _form(en, zh_hans, zh_hant, "dkim", advanced=True, **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings:
    """One mailbox: who we are, where mail comes from, where it goes."""

    address: str = field(
        default="", metadata=_form("Mail address", "邮箱地址", "信箱地址", required=True)
    )
    display_name: str = field(
        default="", metadata=_form("Sender's name", "发件人名称", "寄件人名稱")
    )
    username: str = field(
        default="",
        metadata=_form(
            "User name (empty: the address)",
            "用户名（留空则为邮箱地址）",
            "使用者名稱（留空則為信箱地址）",
            advanced=True,
        ),
    )
    password: Secret = field(
        default=Secret(),
        metadata=_form(
            "Password or authorisation code",
            "密码或授权码",
            "密碼或授權碼",
            only_if=("oauth", ("",)),
        ),
    )
    aliases: tuple[str, ...] = field(
        default=(),
        metadata=_form(
            "Further addresses of ours", "我方其他邮箱地址", "我方其他信箱地址", advanced=True
        ),
    )
    staff: tuple[str, ...] = field(
        default=(),
        metadata=_form(
            "Staff (addresses or @domains) whose forwards count as the customer's mail",
            "员工地址或 @域名：其转发的邮件视为客户来信",
            "員工地址或 @網域：其轉寄的郵件視為客戶來信",
            advanced=True,
        ),
    )
    imap_host: str = field(
        default="",
        metadata=_incoming(
            "IMAP server (empty: none)",
            "IMAP 服务器（留空则不收取）",
            "IMAP 伺服器（留空則不收取）",
        ),
    )
    imap_port: int = field(
        default=993,
        metadata=_incoming("IMAP port (TLS)", "IMAP 端口（TLS）", "IMAP 連接埠（TLS）"),
    )
    folders: tuple[str, ...] = field(
        default=("INBOX",),
        metadata=_incoming("Folders", "收取的文件夹", "收取的資料夾", advanced=True),
    )
    after_fetch: str = field(
        default="leave",
        metadata=_incoming(
            "What happens to mail that was fetched",
            "收取后的邮件",
            "收取後的郵件",
            choices=_AFTER,
            advanced=True,
        ),
    )
    move_to: str = field(
        default="",
        metadata=_incoming(
            "Folder to move to",
            "移至文件夹",
            "移至資料夾",
            only_if=("after_fetch", ("move",)),
            advanced=True,
        ),
    )
    first_days: int = field(
        default=0,
        metadata=_incoming(
            "Days of earlier mail to fetch at the first start",
            "首次启动时收取多少天内的旧邮件",
            "首次啟動時收取多少天內的舊郵件",
            advanced=True,
        ),
    )
    poll_seconds: int = field(
        default=60,
        metadata=_incoming(
            "Seconds between looks", "轮询间隔（秒）", "輪詢間隔（秒）", advanced=True
        ),
    )
    max_mail_mb: int = field(
        default=25,
        metadata=_incoming(
            "Largest mail (MB)", "单封邮件上限（MB）", "單封郵件上限（MB）", advanced=True
        ),
    )
    trusted_host: str = field(
        default="",
        metadata=_incoming(
            "Host whose Authentication-Results are trusted",
            "可信的 Authentication-Results 主机",
            "可信的 Authentication-Results 主機",
            advanced=True,
        ),
    )
    spam_limit: int = field(
        default=10,
        metadata=_incoming(
            "Score of the spam filter from which mail waits for a decision (0: none)",
            "垃圾邮件评分达到多少时待人工确认（0 为不限）",
            "垃圾郵件評分達到多少時待人工確認（0 為不限）",
            advanced=True,
        ),
    )
    smtp_host: str = field(
        default="", metadata=_outgoing("SMTP server", "SMTP 服务器", "SMTP 伺服器", required=True)
    )
    smtp_port: int = field(
        default=465, metadata=_outgoing("SMTP port", "SMTP 端口", "SMTP 連接埠")
    )
    smtp_security: str = field(
        default="tls",
        metadata=_outgoing("SMTP security", "SMTP 加密", "SMTP 加密", choices=_SECURITY),
    )
    signature: str = field(
        default="", metadata=_outgoing("Signature", "签名", "簽名檔", long=True)
    )
    sent_folder: str = field(
        default="",
        metadata=_outgoing(
            "Folder for copies of sent mail (empty: none)",
            "已发送副本文件夹（留空则不存）",
            "寄件備份資料夾（留空則不存）",
            advanced=True,
        ),
    )
    plus_addresses: bool = field(
        default=False,
        metadata=_outgoing(
            "The server delivers name+anything@ to us (signed reply addresses)",
            "服务器会把 名称+任意@ 投递给我们（签名回复地址）",
            "伺服器會把 名稱+任意@ 投遞給我們（簽章回覆地址）",
            advanced=True,
        ),
    )
    delivery_reports: bool = field(
        default=True,
        metadata=_outgoing(
            "Ask for reports of failed delivery",
            "请求投递失败报告",
            "請求投遞失敗報告",
            advanced=True,
        ),
    )
    per_minute: int = field(
        default=60,
        metadata=_outgoing(
            "Mails sent in a minute at most", "每分钟最多发送", "每分鐘最多寄出", advanced=True
        ),
    )
    auto_per_hour: int = field(
        default=4,
        metadata=_outgoing(
            "Automatic mails to one address in an hour",
            "每小时给同一地址的自动邮件上限",
            "每小時給同一地址的自動郵件上限",
            advanced=True,
        ),
    )
    auto_per_day: int = field(
        default=12,
        metadata=_outgoing(
            "Automatic mails to one address in a day",
            "每天给同一地址的自动邮件上限",
            "每天給同一地址的自動郵件上限",
            advanced=True,
        ),
    )
    oauth: str = field(
        default="",
        metadata=_form("Sign-in by OAuth", "OAuth 登录", "OAuth 登入", "oauth", choices=_OAUTH),
    )
    oauth_client_id: str = field(
        default="", metadata=_token("OAuth client id", "OAuth 客户端 ID", "OAuth 用戶端 ID")
    )
    oauth_client_secret: Secret = field(
        default=Secret(),
        metadata=_token("OAuth client secret", "OAuth 客户端密钥", "OAuth 用戶端密鑰"),
    )
    oauth_refresh_token: Secret = field(
        default=Secret(),
        metadata=_token("OAuth refresh token", "OAuth 刷新令牌", "OAuth 更新權杖"),
    )
    oauth_tenant: str = field(
        default="common",
        metadata=_token("Microsoft tenant", "Microsoft 租户", "Microsoft 租用戶", ("microsoft",)),
    )
    oauth_url: str = field(
        default="", metadata=_token("Token address", "令牌地址", "權杖位址", ("custom",))
    )
    listen_port: int = field(
        default=0,
        metadata=_listen(
            "Port on which we take mail from your server (0: none)",
            "接收贵方邮件服务器投递的端口（0 为关闭）",
            "接收貴方郵件伺服器投遞的連接埠（0 為關閉）",
        ),
    )
    listen_host: str = field(
        default="127.0.0.1", metadata=_listen("Address to listen on", "监听地址", "監聽位址")
    )
    listen_protocol: str = field(
        default="lmtp", metadata=_listen("Protocol", "协议", "協定", choices=_PROTOCOLS)
    )
    listen_certificate: str = field(
        default="",
        metadata=_listen(
            "File with certificate and key for STARTTLS (PEM)",
            "STARTTLS 证书与私钥文件（PEM）",
            "STARTTLS 憑證與私鑰檔案（PEM）",
        ),
    )
    dkim_domain: str = field(
        default="",
        metadata=_dkim(
            "DKIM domain (empty: unsigned)",
            "DKIM 域名（留空则不签名）",
            "DKIM 網域（留空則不簽章）",
        ),
    )
    dkim_selector: str = field(
        default="", metadata=_dkim("DKIM selector", "DKIM 选择器", "DKIM 選擇器")
    )
    dkim_key: Secret = field(
        default=Secret(),
        metadata=_dkim(
            "DKIM private key (PEM)", "DKIM 私钥（PEM）", "DKIM 私鑰（PEM）", long=True
        ),
    )
    certificates: str = field(
        default="",
        metadata=_form(
            "File with further certificate authorities (PEM)",
            "额外的 CA 证书文件（PEM）",
            "額外的 CA 憑證檔案（PEM）",
            advanced=True,
        ),
    )

    def __post_init__(self) -> None:
        """Checks what can be checked without a network."""
        for name, value in (("address", self.address), *(("aliases", a) for a in self.aliases)):
            _check_address(name, value)
        _check_host("imap_host", self.imap_host)
        _check_host("smtp_host", self.smtp_host)
        for name, known in (
            ("after_fetch", _AFTER),
            ("smtp_security", _SECURITY),
            ("oauth", _OAUTH),
            ("listen_protocol", _PROTOCOLS),
        ):
            _check_choice(name, getattr(self, name), known)
        for name, low, high in (
            ("imap_port", 1, 65_535),
            ("smtp_port", 1, 65_535),
            ("listen_port", 0, 65_535),
            ("poll_seconds", 5, 3_600),
            ("first_days", 0, 365),
            ("max_mail_mb", 1, 60),
            ("spam_limit", 0, 1_000),
            ("per_minute", 20, 6_000),
            ("auto_per_hour", 1, 1_000),
            ("auto_per_day", 1, 10_000),
        ):
            check_range(name, getattr(self, name), low, high)
        self._check_together()

    def _check_together(self) -> None:
        if self.smtp_security == "none" and self._signs_in and not self._is_local:
            raise SettingsError("smtp_security", _IN_CLEAR)
        if self.imap_host and not self.folders:
            raise SettingsError("folders", _NEEDED)
        if self.after_fetch == "move" and not self.move_to:
            raise SettingsError("move_to", _NEEDED)
        if self.oauth and not (self.oauth_client_id and self.oauth_refresh_token):
            missing = "oauth_refresh_token" if self.oauth_client_id else "oauth_client_id"
            raise SettingsError(missing, _NEEDED)
        if self.oauth == "custom" and not self.oauth_url.startswith(_TOKEN_URLS):
            raise SettingsError("oauth_url", _HTTPS)
        if self.dkim_domain and not (self.dkim_selector and self.dkim_key):
            missing = "dkim_key" if self.dkim_selector else "dkim_selector"
            raise SettingsError(missing, _NEEDED)

    @property
    def _signs_in(self) -> bool:
        return bool(self.password or self.oauth)

    @property
    def _is_local(self) -> bool:
        try:
            return self.smtp_host == "localhost" or ip_address(self.smtp_host).is_loopback
        except ValueError:
            return False

    @property
    def user(self) -> str:
        """Who signs in."""
        return self.username or self.address

    @property
    def domain(self) -> str:
        """Of our address, in lower case."""
        return self.address.rpartition("@")[2].lower()

    @property
    def is_microsoft(self) -> bool:
        """Whether Microsoft's servers receive the mail: they tell verdicts without their name."""
        return self.imap_host.lower() in _MICROSOFT

    @property
    def max_mail_bytes(self) -> int:
        """Larger mails are not fetched whole."""
        return self.max_mail_mb * 1_000_000

    def is_ours(self, address: str) -> bool:
        """Whether mail to that address comes to us; what follows a `+` does not count."""
        local, _, domain = address.lower().rpartition("@")
        plain = f"{local.partition('+')[0]}@{domain}"
        return plain in {one.lower() for one in (self.address, *self.aliases)}

    def is_staff(self, address: str) -> bool:
        """Whether one of our people writes from that address."""
        lower, staff = address.lower(), {one.lower() for one in self.staff}
        return lower in staff or f"@{lower.rpartition('@')[2]}" in staff


_NEEDED: Final = Words("a value is needed", "此项必填", "此項必填")
_IN_CLEAR: Final = Words(
    "choose TLS or STARTTLS: without it the password would be sent in clear; only a server on "
    "this host may do without",
    "请选择 TLS 或 STARTTLS：不加密会以明文发送密码，仅本机服务器可以不加密",
    "請選擇 TLS 或 STARTTLS：不加密會以明文傳送密碼，僅本機伺服器可以不加密",
)
_HTTPS: Final = Words(
    "give an address that begins with https://",
    "请填写以 https:// 开头的地址",
    "請填寫以 https:// 開頭的位址",
)


def _check_address(name: str, value: str) -> None:
    if value and not _ADDRESS.fullmatch(value):
        raise SettingsError(
            name,
            Words(
                f"{value[:60]!r} is no mail address; write name@example.com",
                f"“{value[:60]}”不是邮箱地址；格式为 name@example.com",
                f"「{value[:60]}」不是信箱地址；格式為 name@example.com",
            ),
        )


def _check_host(name: str, value: str) -> None:
    if value and not _HOST.fullmatch(value):
        raise SettingsError(
            name,
            Words(
                "give the server's name alone, such as imap.example.com",
                "请只填写服务器名称，例如 imap.example.com",
                "請只填寫伺服器名稱，例如 imap.example.com",
            ),
        )


def _check_choice(name: str, value: str, known: Choices) -> None:
    if value not in known:
        listed = ", ".join(one or '""' for one in known)
        raise SettingsError(
            name,
            Words(f"choose one of {listed}", f"可选：{listed}", f"可選：{listed}"),
        )
