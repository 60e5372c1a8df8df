"""Settings of mail providers as they publish them, to be filled into the form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from channels.errors import Words
from channels.forms import Preset

_CODE: Final = Words(
    "Switch IMAP/SMTP on in the web mail's settings and enter the authorisation code made there: "
    "the sign-in password is refused.",
    "请先在网页邮箱设置中开启 IMAP/SMTP 服务，并填写生成的授权码：登录密码会被拒绝。",
    "請先在網頁信箱設定中開啟 IMAP/SMTP 服務，並填寫產生的授權碼：登入密碼會被拒絕。",
)
_CLIENT: Final = Words(
    "Enter the client password from the account's security settings where the administrator "
    "demands one.",
    "若管理员要求，请填写账号安全设置中的客户端专用密码。",
    "若管理員要求，請填寫帳號安全設定中的用戶端專用密碼。",
)
_MICROSOFT: Final = Words(
    "Passwords are refused: register an application in Entra ID with IMAP.AccessAsUser.All, "
    "SMTP.Send and offline_access, and enter its client id and a refresh token.",
    "不接受密码：请在 Entra ID 注册应用并授予 IMAP.AccessAsUser.All、SMTP.Send 与 "
    "offline_access，然后填写客户端 ID 和刷新令牌。",
    "不接受密碼：請在 Entra ID 註冊應用程式並授予 IMAP.AccessAsUser.All、SMTP.Send 與 "
    "offline_access，然後填寫用戶端 ID 和更新權杖。",
)
_GOOGLE: Final = Words(
    "Enter an app password (with two-step verification), or an OAuth client with a refresh token "
    "for https://mail.google.com/.",
    "请填写应用专用密码（需两步验证），或填写 OAuth 客户端及 https://mail.google.com/ "
    "的刷新令牌。",
    "請填寫應用程式密碼（需兩步驟驗證），或填寫 OAuth 用戶端及 https://mail.google.com/ "
    "的更新權杖。",
)


def _servers(imap: str, smtp: str, **more: str | int | bool) -> Mapping[str, str | int | bool]:
    return {
        "imap_host": imap,
        "imap_port": 993,
        "smtp_host": smtp,
        "smtp_port": 465,
        "smtp_security": "tls",
        "oauth": "",
        "plus_addresses": False,
        **more,
    }


PRESETS: Final = (
    Preset(
        name="163",
        label=Words("NetEase 163", "网易 163 邮箱", "網易 163 信箱"),
        values=_servers("imap.163.com", "smtp.163.com"),
        help=_CODE,
    ),
    Preset(
        name="126",
        label=Words("NetEase 126", "网易 126 邮箱", "網易 126 信箱"),
        values=_servers("imap.126.com", "smtp.126.com"),
        help=_CODE,
    ),
    Preset(
        name="qq",
        label=Words("QQ Mail", "QQ 邮箱", "QQ 信箱"),
        values=_servers("imap.qq.com", "smtp.qq.com"),
        help=_CODE,
    ),
    Preset(
        name="aliyun",
        label=Words("Alibaba Mail for business", "阿里企业邮箱", "阿里企業信箱"),
        values=_servers("imap.qiye.aliyun.com", "smtp.qiye.aliyun.com"),
        help=_CLIENT,
    ),
    Preset(
        name="exmail",
        label=Words("Tencent Exmail", "腾讯企业邮箱", "騰訊企業信箱"),
        values=_servers("imap.exmail.qq.com", "smtp.exmail.qq.com"),
        help=_CLIENT,
    ),
    Preset(
        name="outlook",
        label=Words("Microsoft 365, Outlook", "Microsoft 365、Outlook", "Microsoft 365、Outlook"),
        values=_servers(
            "outlook.office365.com",
            "smtp.office365.com",
            smtp_port=587,
            smtp_security="starttls",
            oauth="microsoft",
            plus_addresses=True,
        ),
        help=_MICROSOFT,
    ),
    Preset(
        name="gmail",
        label=Words(
            "Gmail, Google Workspace", "Gmail、Google Workspace", "Gmail、Google Workspace"
        ),
        values=_servers("imap.gmail.com", "smtp.gmail.com", plus_addresses=True),
        help=_GOOGLE,
    ),
    Preset(
        name="custom",
        label=Words("Another mail server", "其他邮件服务器", "其他郵件伺服器"),
        values={},
    ),
)
