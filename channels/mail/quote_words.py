"""The words by which mail programs announce an earlier mail, in the languages they speak."""

from __future__ import annotations

import re

# Signs of the direction of writing, which programs put around names.
_DIRECTION = dict.fromkeys([*range(0x200E, 0x2010), *range(0x202A, 0x202F), 0x2066, 0x2069])


def undirected(line: str) -> str:
    """The line without signs of the direction of writing."""
    return line if line.isascii() else line.translate(_DIRECTION)


def _any(words: str) -> str:
    """A pattern for one of the words, which are separated by `|`; longest first."""
    return "|".join(
        re.escape(word.strip()) for word in sorted(words.split("|"), key=len, reverse=True)
    )


# Header lines of a quoted mail: `From: …`, `发件人：…`. One table for each field.
_FROM = (
    "From|发件人|發件人|寄件者|寄件人|发自|差出人|送信者|보낸 사람|보낸사람|발신|De|Von|Da|Fra|"
    "Från|Van|Od|"
    "От|От кого|Від|Feladó|Lähettäjä|Kimden|Gönderen|Expéditeur|Remitente|Mittente|Afzender|"
    "Absender|Αποστολέας|Από|מאת|من|Dari|Từ|Saatja|No|Nuo|De la|Odosielateľ|Pošiljatelj|จาก"
)
_SENT = (
    "Sent|Date|发送时间|發送時間|发送日期|寄件日期|传送时间|傳送時間|日期|时间|時間|送信日時|"
    "日時|日付|보낸 날짜|"
    "날짜|Envoyé|Envoyé le|Enviado el|Enviado|Enviada em|Fecha|Data|Date d'envoi|Gesendet|Datum|"
    "Gesendet am|Inviato|Sendt|Dato|Skickat|Verzonden|Wysłano|Odesláno|Odoslané|Дата|Отправлено|"
    "Надіслано|Küldve|Dátum|Lähetetty|Päiväys|Tarih|Gönderildi|Ημερομηνία|Ημ/νία|נשלח|תאריך|"
    "تاريخ|تم الإرسال|Tanggal|Dikirim|Ngày|Đã gửi|Trimis|Päivämäärä|วันที่|Send Time"
)
_TO = (
    "To|收件人|收件者|宛先|받는 사람|받는사람|수신|À|A|Para|An|Til|Till|Aan|Do|Komu|Кому|Címzett|"
    "Vastaanottaja|Kime|Alıcı|Destinataire|Destinatario|Προς|אל|إلى|Kepada|Đến|Saaja|Către|Pro|"
    "Risposta|Reply-To|回复|ถึง"
)
_COPY = (
    "Cc|Bcc|抄送|抄送人|副本|密送|密件副本|参照|참조|Copie|Copie à|Cópia|Kopie|Kopia|Kopi|Copia|"
    "CC|Копия|"
    "Másolat|Kopio|Bilgi|Κοιν.|עותק|نسخة|DW"
)
_SUBJECT = (
    "Subject|主题|主題|主旨|标题|標題|件名|제목|Objet|Asunto|Assunto|Betreff|Oggetto|Emne|Ämne|"
    "Onderwerp|"
    "Temat|Předmět|Predmet|Тема|Tárgy|Aihe|Konu|Θέμα|נושא|الموضوع|Subjek|Perihal|Chủ đề|Subiect|"
    "Teema|เรื่อง|Re"
)
_OTHER = "Importance|Reply-To|Attachments|附件|重要性|优先级|Priority|Message-ID|Organization"


def _field(words: str) -> str:
    return rf"(?:{_any(words)})"


HEADER_LINE = re.compile(
    r"(?i)[\s>*_|]{0,20}(?:(?P<from>"
    + _field(_FROM)
    + ")|(?P<sent>"
    + _field(_SENT)
    + ")|(?P<to>"
    + _field(_TO)
    + ")|(?P<cc>"
    + _field(_COPY)
    + ")|(?P<subject>"
    + _field(_SUBJECT)
    + ")|(?P<other>"
    + _field(_OTHER)
    + r"))[ \xa0]{0,4}\*{0,2}[ \xa0]{0,4}[:：]\*{0,2}(?P<value>.*)$"
)
_ROW = re.compile(r"\s{0,10}\|\s{0,4}([^|:：]{1,20}?)\s{0,4}\|(.*?)\|?\s*$")
_GAPS = re.compile(r"(?<=[一-鿿])[ \u3000\xa0]{1,4}(?=[一-鿿][ \u3000\xa0]{0,4}(?:[一-鿿]|[:：]))")


def header_line(line: str) -> re.Match[str] | None:
    """Whether a line is a header of a quoted mail; the group that matched names the field."""
    if row := _ROW.match(line[:2000]):  # | From | … |, a table of NetEase's and WPS's
        line = f"{row[1]}: {row[2]}"
    head = line[:60]
    if ":" not in head and "：" not in head:
        return None
    if "\u3000" in head or " " in head:  # 发 件 人
        line = _GAPS.sub("", head) + line[60:]
    return HEADER_LINE.match(line[:2000])


# Verbs at the end of "On … wrote:".
VERB = re.compile(
    r"(?i)(?:"
    + _any(
        "wrote|writes|写道|寫道|写到|寫到|写了|寫了|写信给|发表|来信|編寫|schrieb|"
        "hat geschrieben|a écrit|"
        "écrivait|escribió|ha escrito|escreveu|ha scritto|scrisse|schreef|heeft geschreven|skrev|"
        "har skrevet|har skrivit|kirjoitti|napisał(a)|napisał|napisała|pisze|napsal(a)|napsal|"
        "napsala|napísal|napísal(a)|написал(а)|написал|написала|пишет|пише|писал|писал(а)|написав|"
        "написа|yazdı|şunu yazdı|írta|a scris|έγραψε|כתב|כתבה|כתב/ה|كتب|menulis|đã viết|"
        "va escriure|idatzi du|rašė|kirjutas|rakstīja|napisao|napisal|skribis|さんは書きました|"
        "のメール|が書きました|さんが書きました|님이 작성|님이 작성한 메시지|작성|เขียน|เขียนว่า|"
        "ga shkrim|"
        "schrieb am|schrieb"
    )
    + r")"
)
ATTRIBUTION_END = re.compile(
    r"[:：]\s*(?:-{2,})?\s*$|(?i:\bwrote\s*(?:-{2,})?\s*$)|写道\s*$|寫道\s*$"
)
_LED = (
    r"on|at|in|le|am|il|el|em|op|den|dne|dnia|w dniu|pe|på|pada|vào|az|el dia|el día|no dia|"
    r"il giorno|la data de|στις|за|в"
)
# An attribution of a few old programs ends with the address.
ADDRESS_END = re.compile(r"<[^<>\s]{1,200}@[^<>\s]{1,200}>\s*$")
OPENER = re.compile(
    rf"(?i)^[\s>\"“\[-]{{0,10}}(?:(?:{_LED})[\s,.]|ב-|בתאריך|في|在|于|於|[\d<\"“]|"
    r"[^\W\d_]{2,12}[.,]? )"
)
# An opener that is one for certain: a date follows it at once.
DATED_OPENER = re.compile(
    rf"(?i)^(?:(?:{_LED})\s[^\n]{{0,20}}\d|在\s?(?:19|20)\d\d|(?:19|20)\d\d[年/.-]|"
    r"[^\W\d_]{2,9}[.,]?\s\d{1,2}\.?\s)"
)
DATE = re.compile(
    r"\b(?:19|20)\d\d\b|(?:19|20)\d\d\s*[年./-]|\d{1,2}[:.hH]\d{2}\b|\d{1,2}\s*[月时時点點]|"
    r"\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b"
)
EMAIL = re.compile(r"[^\s<>()\[\]\"':：;,，@]{1,128}@[^\s<>()\[\]\"':：;,，@]{1,255}")

# "-----Original Message-----" and its like.
_ORIGINAL = _any(
    "original|original message|original mail|original email|original appointment|"
    "forwarded message|"
    "forwarded by|begin forwarded message|reply message|replied message|原始邮件|原始郵件|"
    "邮件原件|"
    "原始信息|原始訊息|原邮件|原郵件|回复的原邮件|回复邮件|回覆郵件|转发邮件|轉寄郵件|转发的邮件|"
    "转发邮件信息|"
    "轉寄的郵件|轉寄信件|已转发邮件|转发消息|转发信息|历史邮件|ursprüngliche nachricht|"
    "original-nachricht|"
    "originalnachricht|urspruengliche nachricht|weitergeleitete nachricht|message d'origine|"
    "message original|message transféré|mensaje original|mensaje reenviado|mensagem original|"
    "mensagem encaminhada|messaggio originale|messaggio inoltrato|oorspronkelijk bericht|"
    "doorgestuurd bericht|oprindelig besked|oprindelig meddelelse|videresendt besked|"
    "opprinnelig melding|originalmeddelande|ursprungligt meddelande|vidarebefordrat meddelande|"
    "alkuperäinen viesti|välitetty viesti|wiadomość oryginalna|oryginalna wiadomość|"
    "wiadomość przekazana|původní zpráva|pôvodná správa|исходное сообщение|"
    "пересылаемое сообщение|оригинальное сообщение|пересланное сообщение|eredeti üzenet|"
    "orijinal mesaj|özgün ileti|mesaj original|元のメッセージ|転送メッセージ|원본 메시지|"
    "원본 메일|"
    "전달된 메시지|הודעה מקורית|הודעה שהועברה|الرسالة الأصلية|αρχικό μήνυμα|pesan asli|"
    "thư gốc|tin nhắn gốc|вихідне повідомлення"
)
SEPARATOR = re.compile(
    rf"(?i)^[\s>]{{0,20}}[-_=*－—~]{{2,60}}\s{{0,10}}(?:{_ORIGINAL})[^\n]{{0,60}}?\s{{0,10}}"
    rf"[-_=*－—~]{{2,60}}\s*$|^[\s>]{{0,20}}(?:begin forwarded message|"
    rf"anfang der weitergeleiteten "
    rf"nachricht|début du message (?:réexpédié|transféré)|inicio del mensaje reenviado|"
    rf"下面是被转发的邮件|开始转发的邮件|以下是轉寄的郵件|转发开始)\s*[:：]?\s*$"
)
FORWARD = re.compile(
    r"(?i)forward|转发|轉寄|轉發|被转发|weitergeleitet|transféré|réexpédié|reenviado|encaminhada|"
    r"inoltrato|doorgestuurd|videresendt|vidarebefordrat|välitetty|przekazana|пересыла|пересла|"
    r"転送|전달"
)
EARLIER = re.compile(
    r"(?i)[*_# ]{0,6}(?:previous (?:replies|messages)|earlier messages|之前的回复|历史回复|"
    r"先前的回覆|"
    r"历史消息)[*_: ：]{0,6}$"
)
DASHED = re.compile(r"^[\s>]{0,20}[-_=]{3,60}\s{0,4}[^-_=\n]{2,60}?\s{0,4}[-_=]{3,60}\s*$")
RULE = re.compile(r"^[\s>]{0,20}(?:[-_=*－—─]{5,}|(?:[*-] ){3,}[*-]?)\s*$")

# What our own mails carry on top, and other desks too.
MARKER = re.compile(
    r"(?i)请在此线以上回复|请在此行以上回复|請在此線以上回覆|請在此線以上回復|請在此行以上回覆|"
    r"(?:reply|write|type your reply|type your response)\s+above\s+this\s+line"
)

# Signatures of telephones and web mail.
_DEVICE = re.compile(
    r"(?i)^[\s*_]{0,10}(?:"
    r"(?:sent|posted)\s+(?:from|via|by|with|using)\s+(?!the\b|our\b)\S.{0,100}|"
    r"(?:get|download)\s+outlook\s+for\s.{0,80}|"
    r"(?:envoyé|expédié)\s+(?:de|depuis|à partir)\b.{0,100}|télécharg\w+ outlook.{0,60}|"
    r"(?:gesendet|diese nachricht wurde)\s+(?:von|mit|aus)\b.{0,100}|"
    r"von\s+mein\w*\s.{0,60}gesendet.{0,20}|outlook für \w+ beziehen.{0,40}|"
    r"(?:enviado|enviada)\s+(?:desde|do|de|a partir|via)\b.{0,100}|obtener outlook.{0,60}|"
    r"obter o outlook.{0,60}|(?:inviato|inviata)\s+(?:da|dal)\b.{0,100}|"
    r"(?:verzonden|verstuurd)\s+(?:vanaf|met|via|vanuit)\b.{0,100}|"
    r"(?:sendt|skickat|skickades)\s+(?:fra|från|via)\b.{0,80}|lähetetty\s.{0,80}|"
    r"wysłan[eo]\s+(?:z|za)\b.{0,80}|odesláno\s+z\b.{0,80}|отправлено\s+(?:с|из)\b.{0,80}|"
    r"надіслано\s+з\b.{0,80}|iphone'?umdan gönderildi|.{0,40}gönderildi|"
    r"(?:发|發|寄|传|傳)(?:送)?自\s*.{1,60}|(?:来自|來自)\s*(?:我的|我的 |qq邮箱|网易|iphone|"
    r"小米|华为).{0,40}|"
    r"(?:从|從)\s?.{0,40}(?:发送|發送|傳送|寄出|获取|取得)|我的\s?i(?:phone|pad)\s?(?:发送|傳送)|"
    r"使用\s?.{0,20}(?:邮箱|郵件).{0,10}发送|(?:获取|取得)\s?outlook.{0,40}|"
    r".{0,40}から(?:送信|送付)(?:されました)?|.{0,30}에서 보냄|나의 .{0,30}에서 보냄|"
    r"נשלח מה?-?.{0,60}|أُرسلت من .{0,60}|أرسلت من .{0,60}|trimis de pe .{0,60}"
    r")[\s*_]{0,5}$"
)


def device_signature(line: str) -> bool:
    """Whether a line is what a telephone or a web mail adds by itself."""
    return len(line) < 260 and bool(_DEVICE.match(re.sub(r"\s*[<\[(]?https?://\S+", "", line)))


# Closings that open a signature. "Thanks" is none: people mean it.
CLOSING = re.compile(
    r"(?i)^\s{0,4}(?:(?:with\s+)?(?:(?:my|our|many|very)\s+)?(?:best|kind|kindest|warm|"
    r"warmest)?\s*"
    r"regards|best|best wishes|sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)|"
    r"mit (?:freundlichen|besten|herzlichen) gr(?:ü|ue)(?:ß|ss)en|mit freundlichem gru(?:ß|ss)|"
    r"(?:schöne )?gr(?:ü|ue)(?:ß|ss)e|gru(?:ß|ss)|"
    r"(?:viele|beste|liebe|herzliche|freundliche) gr(?:ü|ue)(?:ß|ss)e|mfg|lg|vg|"
    r"(?:bien )?cordialement|bien à vous|(?:sinceres )?salutations|un cordial saludo|"
    r"saludos(?: cordiales)?|atentamente|atenciosamente|cumprimentos|att|abraços|"
    r"(?:cordiali|distinti) saluti|saluti|met (?:vriendelijke|hartelijke) groet(?:en)?|mvg|"
    r"groet(?:en|jes)?|(?:med )?(?:venlig|vennlig|vänlig|bedste|beste|kærlig|mange)a?\s+"
    r"h(?:i|ä)lsning(?:er|ar)?|med vänliga hälsningar|(?:venlig|kærlig|mange) hilsen(?:er)?|"
    r"med (?:venlig|vennlig|kærlig) hilsen|hilsen|mvh|kh|vh|bh|"
    r"ystävällisin terveisin|terveisin|z (?:poważaniem|powazaniem)|pozdrawiam|pozdrowienia|"
    r"s pozdravem|s pozdravom|с уважением|с наилучшими пожеланиями|з повагою|üdvözlettel|"
    r"saygılarımla|cu stimă|με εκτίμηση|敬具|顺颂商祺|順頌商祺|顺祝商祺|順頌時祺|此致|敬礼|敬禮|"
    r"祝商祺|敬上)\s*[,，.!。！:;]{0,3}\s*$"
)
DISCLAIMER = re.compile(
    r"(?i)^[\s*_]{0,10}(?:(?:e-?mail )?(?:confidentiality|privacy|legal)\s+(?:notice|disclaimer|"
    r"note)|"
    r"disclaimer\s*[:：]|this (?:e-?mail|message|communication)(?: and any (?:attachments?|"
    r"files))?.{0,80}"
    r"(?:confidential|intended (?:only|solely)|privileged)|the information (?:contained )?in this "
    r"(?:e-?mail|message|transmission).{0,80}(?:confidential|intended|privileged)|"
    r"diese (?:e-?mail|nachricht) enthält.{0,60}vertrauliche|"
    r"(?:本邮件|本電郵|本郵件|此电子邮件|此電子郵件|本电子邮件|本電子郵件|这封邮件|此邮件).{0,60}"
    r"(?:机密|機密|保密|仅供|僅供|仅限|僅限|仅发送)|(?:保密声明|保密聲明|免责声明|"
    r"免責聲明)\s*[:：]?)"
)
# A frame that NetEase's programs draw around a signature, with nothing in it.
FRAME = re.compile(r"^\s*\|[\s|]*$")
SHORT_RULE = re.compile(r"^\s*(?:[-_=*]{2,80}|[—─－]{1,80})\s*$")
# What tells that lines name a person and a firm.
CONTACT = re.compile(
    r"(?i)@|www\.|https?:|\b(?:tel|phone|mobile|fax|cell|inc|ltd|llc|gmbh|corp|co)\b|\+\d{2,}|"
    r"电话|手机|電話|手機|公司|部门|有限|集团|集團|经理|經理|総務|株式会社"
)
LIST_FOOTER = re.compile(
    r"(?i)mailing list|reply to this e-?mail directly|view it on|listinfo|unsubscribe|"
    r"you received this (?:message|email) because you are "
    r"subscribed|mailman"
)
