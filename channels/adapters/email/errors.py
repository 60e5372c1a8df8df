"""What goes wrong with mail servers, in the words of those who can mend it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from typing import Final

from channels.errors import Words


class MailServerError(Exception):
    """A mail server cannot be used now.

    Args:
        words: what is wrong and how to mend it.
    """

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class SignInError(MailServerError):
    """The server refuses who we are: trying on would lock the account."""


class FolderError(MailServerError):
    """A folder is not there, or may not be read."""


class LostError(MailServerError):
    """The connection ended."""


LOST: Final = Words(
    "The connection to the mail server broke; it is made again.",
    "与邮件服务器的连接中断，正在重新连接。",
    "與郵件伺服器的連線中斷，正在重新連線。",
)


FAULT: Final = Words(
    "A fault of ours keeps mail from being taken; it is tried again. The log says more.",
    "我方程序出错，邮件暂时无法接收，正在重试；详情见日志。",
    "我方程式出錯，郵件暫時無法接收，正在重試；詳情見日誌。",
)


WAITS: Final = Words(
    "Mail waits: what keeps messages is full or out of reach. It is taken once that answers.",
    "邮件在等待：消息存储已满或无法连接，恢复后会自动接收。",
    "郵件在等待：訊息儲存已滿或無法連線，恢復後會自動接收。",
)


def silent(minutes: int) -> Words:
    """Nobody fetches any more."""
    return Words(
        f"The mailbox was not looked at for {minutes} minutes: the process that fetches is gone "
        "or stuck. Restart it, and see its log.",
        f"已有 {minutes} 分钟没有收取邮件：收信进程已退出或卡住，请重启并查看日志。",
        f"已有 {minutes} 分鐘沒有收取郵件：收信程序已結束或卡住，請重新啟動並查看日誌。",
    )


def refused(said: str) -> Words:
    """The server refuses user name and password."""
    return Words(
        "The mail server refuses user name and password; many providers ask for an authorisation "
        f"code or app password instead. It says: {said}",
        f"邮件服务器拒绝了用户名或密码；许多服务商要求使用授权码或应用专用密码。对方回复：{said}",
        f"郵件伺服器拒絕了使用者名稱或密碼；許多服務商要求使用授權碼或應用程式密碼。對方回覆：{said}",
    )


def no_folder(name: str, said: str) -> Words:
    """A folder cannot be opened."""
    return Words(
        f"The folder {name} cannot be opened; choose another or create it. "
        f"The server says: {said}",
        f"无法打开文件夹 {name}，请改选或新建。对方回复：{said}",
        f"無法開啟資料夾 {name}，請改選或新建。對方回覆：{said}",
    )


def unexpected(said: str) -> Words:
    """The server answers something else than was asked for."""
    return Words(
        f"The mail server did not do what was asked: {said}",
        f"邮件服务器未执行请求：{said}",
        f"郵件伺服器未執行請求：{said}",
    )


def no_authority(path: str, error: OSError) -> Words:
    """The file with a certificate authority of one's own cannot be used."""
    why = error.strerror or str(error)
    return Words(
        f"The file {path} holds no certificate authority ({why}); correct its path in the "
        "settings.",
        f"文件 {path} 中没有可用的 CA 证书（{why}），请在设置中更正路径。",
        f"檔案 {path} 中沒有可用的 CA 憑證（{why}），請在設定中更正路徑。",
    )


def left_out(uids: Sequence[int]) -> Words:
    """The server has messages that it does not give."""
    named = ", ".join(str(uid) for uid in uids[:10])
    return Words(
        f"The mail server does not give the messages with the UIDs {named}; they are asked for "
        "again.",
        f"邮件服务器未返回 UID 为 {named} 的邮件，正在重新获取。",
        f"郵件伺服器未傳回 UID 為 {named} 的郵件，正在重新取得。",
    )


def in_words(error: BaseException, host: str, port: int) -> Words:
    """Why a server was not reached, or the connection broke."""
    where = f"{host}:{port}"
    if isinstance(error, MailServerError):
        return error.words
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message
        return Words(
            f"The certificate of {where} is not valid ({why}); check the server's name, or name "
            "the authority that signed it.",
            f"{where} 的证书无效（{why}），请检查服务器名称，或指定签发机构的证书。",
            f"{where} 的憑證無效（{why}），請檢查伺服器名稱，或指定簽發機構的憑證。",
        )
    if isinstance(error, ssl.SSLError):
        why = error.reason or str(error)[:100]
        return Words(
            f"{where} does not speak TLS as is needed ({why}); check port and security.",
            f"与 {where} 建立 TLS 失败（{why}），请检查端口和加密方式。",
            f"與 {where} 建立 TLS 失敗（{why}），請檢查連接埠和加密方式。",
        )
    if isinstance(error, socket.gaierror):
        return Words(
            f"There is no server {host}; check the name.",
            f"找不到服务器 {host}，请检查名称。",
            f"找不到伺服器 {host}，請檢查名稱。",
        )
    if isinstance(error, TimeoutError):
        return Words(
            f"{where} does not answer; check name, port and firewall.",
            f"{where} 没有响应，请检查名称、端口和防火墙。",
            f"{where} 沒有回應，請檢查名稱、連接埠和防火牆。",
        )
    if isinstance(error, ConnectionRefusedError):
        return Words(
            f"Nobody listens at {where}; check the port.",
            f"{where} 无服务监听，请检查端口。",
            f"{where} 無服務監聽，請檢查連接埠。",
        )
    why = str(error)[:200] or type(error).__name__
    return Words(
        f"{where} cannot be reached: {why}",
        f"无法连接 {where}：{why}",
        f"無法連線 {where}：{why}",
    )
