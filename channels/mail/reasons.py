"""Why mail comes back: the words of mail servers, and what they mean in plain words."""

from __future__ import annotations

import re

from channels.mail.model import Reason

# The first pattern that fits decides: from the plainest words to the vaguest.
_WORDS: tuple[tuple[Reason, str], ...] = (
    (
        Reason.MAILBOX_FULL,
        r"(?:mailbox|inbox|quota|account|storage|user|disk|邮箱|信箱|郵箱)[^.\n]{0,60}(?:full|"
        r"exceed|over ?quota|"
        r"over the|out of|已满|已滿|空间不足|容量)|over ?quota|quota (?:has been )?exceed|"
        r"exceed\w* [^.\n]{0,30}"
        r"(?:quota|storage)|insufficient (?:disk|system|user) (?:space|storage)|"
        r"not enough (?:disk|storage|"
        r"free|mailbox) space|too much mail data|enough space|邮箱已满|邮箱空间|容量不足|"
        r"超出配额|收件箱已满|"
        r"can'?t (?:create|write) [^.\n]{0,30}(?:quota|space)|full mailbox|mailbox size limit|"
        r"mailbox would exceed|incoming mailbox|has exceeded (?:his|their|its)",
    ),
    (
        Reason.TOO_BIG,
        r"message (?:is )?(?:too (?:big|large|long)|size)[^.\n]{0,40}|size limit|"
        r"exceeds? [^.\n]{0,40}"
        r"(?:message size|maximum size|size limit|fixed limit|fixed maximum)|"
        r"message length exceeds|"
        r"too large|max(?:imum)? message size|邮件过大|邮件太大|超过.{0,10}大小|"
        r"message exceeded|mail size limit",
    ),
    (
        Reason.VIRUS,
        r"\bvirus\b|infected|malware|病毒",
    ),
    (
        Reason.AUTHENTICATION,
        r"\bspf\b[^.\n]{0,60}(?:fail|not pass|check|record|auth|suspicious)|dmarc|\bdkim\b|"
        r"sender id|"
        r"unauthenticated (?:email|mail|sender)|not authenticated|"
        r"authentication[- ](?:checks? )?fail|"
        r"does not pass authentication|5\.7\.(?:2[0-9]|30)\b|domain[^.\n]{0,30}不符合spf",
    ),
    (
        Reason.SUSPENDED,
        r"(?:account|mailbox|user|recipient|address)[^.\n]{0,50}(?:disabled|suspend|inactive|"
        r"deactivated|"
        r"locked|frozen|expired|been closed|not active|停用|冻结|禁用|暫停)|(?:disabled|"
        r"suspended|inactive|"
        r"deactivated) (?:account|mailbox|user|recipient|address)|temporarily disabled|"
        r"账号已?(?:停用|冻结|被禁)",
    ),
    (
        Reason.HOST_UNKNOWN,
        r"host (?:or domain )?(?:name )?(?:not found|unknown|lookup)|unknown (?:host|domain)|"
        r"domain (?:name )?"
        r"(?:not found|does not exist|is not valid)|no such (?:host|domain)|(?:couldn'?t|"
        r"could not|cannot|can't|unable to) "
        r"(?:find|locate|resolve|look ?up) (?:any |a |the )?(?:host|domain|server|dns|"
        r"mail exchanger|mx)|"
        r"host \S{1,100} not found|dns lookup failure|nxdomain|name or service not known|"
        r"unrout(?:e)?able (?:mail )?(?:domain|address)|"
        r"no mail (?:server|exchanger|host)|"
        r"illegal host|bad destination (?:host|system)|invalid domain|"
        r"domain[^.\n]{0,40}couldn'?t be found|recipient'?s? domain "
        r"[^.\n]{0,20}(?:exist|invalid)|dns (?:error|failure|type)|no matches to nameserver|"
        r"no mx|all relevant mx records point to "
        r"non-existent|域名(?:不存在|错误|无法解析)|找不到.{0,6}(?:域名|主机|服务器)|"
        r"server for domain|illegal domain|domain is not reachable",
    ),
    (
        Reason.NOT_ACCEPTED,
        r"null ?mx|does not (?:accept|receive) (?:any )?(?:e?mail|messages)|"
        r"domain [^.\n]{0,60}accepts? no mail|not accepting (?:any )?mail|"
        r"smtp protocol returned a permanent error",
    ),
    (
        Reason.MOVED,
        r"(?:has )?moved to|address (?:has )?changed|recipient has moved|has been replaced by|"
        r"no longer (?:at this|uses this)",
    ),
    (
        Reason.USER_UNKNOWN,
        r"(?:user|recipient|mailbox|address(?:ee)?|account|inbox|e-?mail|"
        r"alias)[^.\n]{0,60}(?:unknown|not (?:be )?found|"
        r"(?:does|did)(?: not|n'?t) exist|no longer (?:available|exist|valid|accept)|invalid|"
        r"not exist|not known|not listed|isn'?t|is not (?:a )?(?:valid|"
        r"known|local|registered|recogni)|doesn'?t (?:have|exist))|(?:unknown|invalid|no such|"
        r"non-?exist\w*|bad|nonexistent|undeliverable) "
        r"(?:local |virtual )?(?:user|recipient|mailbox|address|account|e-?mail|rcpt)|"
        r"no (?:such )?(?:mailbox|user|account|recipient)|not a valid (?:mailbox|user|"
        r"recipient|address)|user (?:not|un)|not (?:a )?known (?:user|at this)|"
        r"no longer (?:on server|here|works|employed|with)|there is no (?:one|user|account)|"
        r"not our customer|is not an? (?:active|user)|doesn'?t have an? [^.\n]{0,30}account|"
        r"recipientnotfound|can'?t be delivered to this user|\b5\.1\.1\b|"
        r"invalid [^.\n]{0,30}user ?id|用户不存在|收件人不存在|邮箱不存在|不存在该用户|无此用户|"
        r"收件人.{0,12}(?:不存在|无效)|"
        r"地址(?:不存在|错误|有误)|帐号不存在|账号不存在|user not local|"
        r"mailbox unavailable|mailbox not found|recipient rejected|"
        r"recipient address rejected: (?:user|access|undeliverable)|list of known|"
        r"not list(?:ed)? in|"
        r"couldn'?t be found|wasn'?t found|unknown to|destin\w+ inconnu|utilisateur inconnu|"
        r"destinatario (?:sconosciuto|desconocido)|empfänger unbekannt|name not found",
    ),
    (
        Reason.REPUTATION,
        r"reputation|sender ?score",
    ),
    (
        Reason.TOO_MANY,
        r"too many (?:connection|concurrent|recipient|session|message|emails?|hops? from)|"
        r"rate ?limit|too frequent|throttl|"
        r"connection (?:rate|frequency)|frequency limited|发信频率|频率(?:超|过)|"
        r"exceeded [^.\n]{0,40}(?:rate|per (?:hour|minute|day))|receiving mail at a rate",
    ),
    (
        Reason.BLOCKED,
        r"block ?list|black ?list|\bdnsbl\b|\brbl\b|spamhaus|barracuda|spamcop|"
        r"\bclient host\b[^.\n]{0,60}(?:reject|block)|"
        r"(?:ip|host|server)[^.\n]{0,40}(?:blocked|banned|denied|refused|listed)|no ptr|"
        r"reverse dns|access denied[^.\n]{0,40}ip|"
        r"黑名单|ip.{0,10}(?:被拒|拒绝|封)",
    ),
    (
        Reason.SPAM,
        r"\bspam|junk|unsolicited|\bube\b|\bbulk\b|looks like|垃圾(?:邮件|信)|suspected|"
        r"content (?:rejected|filter)|bogofilter",
    ),
    (
        Reason.SECURITY,
        r"relay(?:ing)? (?:access )?(?:denied|not|prohibited)|unable to relay|"
        r"authentication required|must (?:authenticate|issue a starttls)|tls|ssl|certificate|"
        r"禁止转发|encrypt",
    ),
    (
        Reason.SYNTAX,
        r"syntax error|command (?:not|un)recogni[sz]ed|bad sequence|invalid (?:command|"
        r"argument)|domain missing or malformed|\b50[0-4] 5\.5\.",
    ),
    (
        Reason.NETWORK,
        r"connection (?:refused|reset|lost|dropped|closed|was)|network (?:is )?(?:unreachable|"
        r"error)|no route to host|(?:too many|hop count|mail) (?:hops|exceeded|loop)|"
        r"loop(?:s|ing)? (?:back|detected)|routing loop|"
        r"连接(?:失败|被拒)|establish an smtp connection|dns server",
    ),
    (
        Reason.EXPIRED,
        r"(?:delivery|retry) (?:time|period)[^.\n]{0,30}(?:expir|exceed|out)|time ?out (?:for|"
        r"exceeded)|retry timeout|"
        r"could not be delivered for|too long|(?:been )?(?:in|"
        r"on) (?:the )?(?:mail )?queue (?:for|too)|expired|not be delivered (?:within|after|"
        r"in \d)|"
        r"for more than \d+ (?:days?|hours?)|connection timed out|timed out|time-?out|"
        r"temporary failure|warning: (?:could not|message)|still being retried|"
        r"not delivered within|"
        r"not responding|aborted after|超时",
    ),
    (Reason.NETWORK, r"unable to connect|could not connect"),
    (
        Reason.POLICY,
        r"polic(?:y|ies)|not (?:permitted|allowed)|prohibited|restricted|violat|"
        r"5\.7\.[01]\b[^\n]{0,40}(?:denied|access)|contains (?:a )?(?:url|link)|"
        r"attachment (?:type|name)|策略|不允许",
    ),
    (
        Reason.FILTERED,
        r"filter|because the recipient|recipient (?:is|has) (?:blocked|refus|reject|not accept)|"
        r"due to (?:extended )?inactivity|not accept|設定|拒收|"
        r"permanent failure for one or more recipients|mailbox currently unavailable|"
        r"resolver\.rst|not delivered to",
    ),
    (
        Reason.SYSTEM,
        r"system (?:error|failure|config)|internal (?:error|server)|local (?:error|"
        r"configuration)|server error|i/?o error|can'?t (?:create|open)|cannot open|"
        r"(?:resources?|service) (?:temporarily |currently )?(?:unavailable|exhausted)|"
        r"insufficient|configuration error|temporarily unavailable|服务器(?:错误|异常)",
    ),
    (
        Reason.REJECTED,
        r"reject|denied|refus|sender (?:address )?(?:not|un|invalid)|from address|mail from|"
        r"拒绝|拒收|not (?:a )?member|not allowed to post|権限|权限|權限",
    ),
)  # fmt: skip
_PATTERNS = tuple((reason, re.compile(f"(?i){words}")) for reason, words in _WORDS)

_CODES: dict[str, Reason] = {
    "1.0": Reason.USER_UNKNOWN, "1.1": Reason.USER_UNKNOWN, "1.2": Reason.HOST_UNKNOWN,
    "1.3": Reason.USER_UNKNOWN, "1.6": Reason.MOVED, "1.8": Reason.REJECTED,
    "1.10": Reason.USER_UNKNOWN, "2.0": Reason.FILTERED, "2.1": Reason.SUSPENDED,
    "2.2": Reason.MAILBOX_FULL, "2.3": Reason.TOO_BIG, "2.4": Reason.FILTERED,
    "3.4": Reason.TOO_BIG, "3.0": Reason.SYSTEM, "3.2": Reason.NOT_ACCEPTED,
    "3.5": Reason.SYSTEM, "4.1": Reason.EXPIRED, "4.2": Reason.NETWORK,
    "4.3": Reason.NETWORK, "4.4": Reason.HOST_UNKNOWN, "4.6": Reason.NETWORK,
    "4.7": Reason.EXPIRED, "5.0": Reason.SYNTAX, "5.1": Reason.SYNTAX, "5.2": Reason.SYNTAX,
    "5.3": Reason.TOO_MANY, "7.0": Reason.POLICY, "7.1": Reason.POLICY,
    "7.7": Reason.AUTHENTICATION,
    "7.9": Reason.POLICY, "7.26": Reason.AUTHENTICATION, "7.25": Reason.BLOCKED,
}  # fmt: skip

_TEXTS: dict[Reason, tuple[str, str, str]] = {
    Reason.USER_UNKNOWN: (
        "收件地址不存在",
        "收件地址不存在",
        "The address does not exist",
    ),
    Reason.HOST_UNKNOWN: (
        "收件地址的域名不存在",
        "收件地址的網域不存在",
        "The domain of the address does not exist",
    ),
    Reason.MOVED: (
        "收件人已更换地址",
        "收件人已更換地址",
        "The recipient has moved to another address",
    ),
    Reason.NOT_ACCEPTED: (
        "对方域名不接收邮件",
        "對方網域不接收郵件",
        "The domain does not accept mail",
    ),
    Reason.MAILBOX_FULL: (
        "对方邮箱已满",
        "對方信箱已滿",
        "The recipient's mailbox is full",
    ),
    Reason.TOO_BIG: (
        "邮件太大，对方拒收",
        "郵件太大，對方拒收",
        "The mail is too big for the recipient",
    ),
    Reason.SUSPENDED: (
        "对方邮箱已停用",
        "對方信箱已停用",
        "The recipient's mailbox is disabled",
    ),
    Reason.FILTERED: (
        "被对方的规则拦截",
        "被對方的規則攔截",
        "The recipient's filter turned the mail away",
    ),
    Reason.SPAM: (
        "被对方判为垃圾邮件",
        "被對方判為垃圾郵件",
        "The other side took the mail for spam",
    ),
    Reason.VIRUS: (
        "被对方判为含有病毒",
        "被對方判為含有病毒",
        "The other side found a virus in the mail",
    ),
    Reason.BLOCKED: (
        "发信服务器被对方屏蔽",
        "寄信伺服器被對方封鎖",
        "Our mail server is blocked by the other side",
    ),
    Reason.REPUTATION: (
        "发信服务器信誉不足，被对方拒收",
        "寄信伺服器信譽不足，被對方拒收",
        "Our mail server's reputation is too low for the other side",
    ),
    Reason.AUTHENTICATION: (
        "发信域名的验证（SPF、DKIM、DMARC）未通过",
        "寄信網域的驗證（SPF、DKIM、DMARC）未通過",
        "The check of our domain (SPF, DKIM, DMARC) failed",
    ),
    Reason.POLICY: (
        "违反对方的收信规定",
        "違反對方的收信規定",
        "The mail breaks a rule of the other side",
    ),
    Reason.SECURITY: (
        "对方要求的安全条件不满足",
        "對方要求的安全條件不滿足",
        "The other side asks for a security that was not met",
    ),
    Reason.REJECTED: (
        "对方服务器拒收",
        "對方伺服器拒收",
        "The other side refused the mail",
    ),
    Reason.TOO_MANY: (
        "发信过于频繁，被对方限制",
        "寄信過於頻繁，被對方限制",
        "Too many mails at once for the other side",
    ),
    Reason.SYNTAX: (
        "对方服务器看不懂投递命令",
        "對方伺服器看不懂投遞命令",
        "The other side did not understand the delivery",
    ),
    Reason.EXPIRED: (
        "多次投递未成功，已超时",
        "多次投遞未成功，已逾時",
        "The mail could not be delivered in time",
    ),
    Reason.NETWORK: (
        "连接不上对方服务器",
        "連不上對方伺服器",
        "The other side's server could not be reached",
    ),
    Reason.SYSTEM: (
        "对方服务器出错",
        "對方伺服器出錯",
        "The other side's server failed",
    ),
    Reason.UNKNOWN: (
        "对方没有说明原因",
        "對方沒有說明原因",
        "The other side gave no reason",
    ),
}  # fmt: skip


def judge_reason(diagnostic: str, status: str, report: str) -> Reason:
    """Why a mail came back.

    Args:
        diagnostic: what the refusing server said.
        status: the enhanced code, such as `5.1.1`.
        report: the report's own words, asked when the others say nothing.
    """
    code = _CODES.get(status.partition(".")[2])
    for text in (diagnostic, report):
        for reason, pattern in _PATTERNS:
            if pattern.search(text[:4000]):
                return reason
        if code is not None:
            return code
    return Reason.UNKNOWN


def reason_text(reason: Reason, language: str) -> str:
    """The reason for people: `zh-Hans`, `zh-Hant`, else English."""
    simplified, traditional, english = _TEXTS[reason]
    return {"zh-Hans": simplified, "zh-Hant": traditional}.get(language, english)
