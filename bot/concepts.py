"""Words of customer service that mean much the same, as concepts.

What customers write and what editors write rarely use the same words: 取消, 注销 and 关掉 ask for
one thing. Each group is a concept; a longer word wins over a shorter one inside it, and a word
belongs to the first group that names it. Groups are told apart by what they say about a
question: how it asks, whether it refuses or undoes, what is to be done, what it is about.
"""

from __future__ import annotations

from functools import lru_cache

from bot.lexicon import Lexicon

# Groups end with a slash.
_QUESTIONS = """
    为什么 为啥 为何 为毛 怎么回事 咋回事 什么原因 啥原因 什么情况 啥情况 原因是什么 何故
    怎么会 凭什么 干嘛 干吗 怎么搞的 咋搞的 / 怎么 怎样 怎么样 如何 咋 咋样 咋个 咋弄 怎么弄
    怎么办 咋办 怎么操作 怎么处理 如何处理 如何操作 怎么做 方法 办法 流程 步骤 方式 途径
    怎么搞 怎么才能 教程 / 什么时候 啥时候 几时 何时 什么时间 啥时间 几点 几号 哪天 哪一天
    多会儿 啥时 / 多久 多长时间 多少天 几天 多少时间 多长 要多久 需要多久 几个小时 几小时
    几个工作日 时效 多少小时 多快 几个月 / 哪里 哪儿 在哪 哪 哪个地方 什么地方 啥地方 何处
    位置 入口 地址 地点 从哪 去哪 哪些地方 / 多少 好多 几多 多大 / 多少钱 价格 价钱 费用
    收费 资费 价位 报价 单价 贵不贵 怎么卖 怎么收费 要钱 花钱 收钱 花多少 好多钱 / 什么 啥
    神马 哪些 什么样 哪种
"""
_REFUSALS = """
    不能 无法 没法 没办法 没有办法 不可以 不可 不了 不上 不起 不出 不出来 不成功 失败 没成功
    未成功 没能 不让 用不了 不支持 不给 不通过 没通过 未通过 通不过 不过 被拒 拒绝 不成
    不好使 / 没 没有 未 木有 无 还没 还没有 尚未 不曾
"""
_PERMISSIONS = """
    能 能不能 能否 可以 可不可以 可否 是否可以 是否能 能够 行不行 可行 支不支持
"""
_UNDOING = """
    关闭 取消 注销 停用 关掉 退订 停掉 关停 终止 停止 销户 撤销 撤消 删除 删掉 删 去掉 解除
    不要了 不用了 清除 销掉 / 解绑 解除绑定 取消绑定 解绑定 取消关联 不绑定
"""
_DEEDS = """
    开通 激活 启用 开启 打开 开放 启动 申请 订购 开办 / 修改 更改 改 变更 更换 换 调整
    重新设置 改成 改变 更新 换成 换个 重设 / 查询 查 查看 查一下 看到 查找 查到 怎么看 搜索
    找到 查阅 / 绑定 绑 绑卡 关联 添加 捆绑 连接 绑上 / 忘记 忘了 不记得 记不得 想不起来
    记不住 记不清 遗忘 忘掉 / 丢失 丢了 遗失 不见 不见了 没了 没找到 消失 弄丢 挂失 失窃
    被偷 看不到 不显示 / 登录 登陆 登入 登上 进入 登不上 / 注册 申请账号 新建账号 建账号
    注册账号 / 扣费 扣钱 扣款 扣 划扣 代扣 划款 扣除 被扣 / 还款 还钱 归还 偿还 还清 结清
    还上 还完 清偿 还贷 还掉 还账 / 提前还款 提前还 提前结清 提前还清 一次性还清 一次还清
    提早还款 一次结清 / 借款 借钱 贷款 借 贷 借贷 借出 借到 放款 / 提额 提升额度 提高额度
    增加额度 涨额度 / 逾期 过期 超期 晚还 没按时 拖欠 欠款 没按期 迟还 超过时间 / 到账 到帐
    入账 收到 到卡 打款 进账 下款 / 退款 退钱 返款 退回 退还 退费 返还 返回 钱退 / 付款 支付
    付钱 缴费 交费 缴纳 交钱 买单 付费 / 充值 充话费 充钱 冲值 充值卡 交话费 / 转账 转帐
    汇款 打钱 划转 转出 转钱 转给 / 取现 提现 取款 取钱 取出 提出来 套现 取出来 变现 / 审核
    审批 评估 评分 评定 资质 信用评分 征信 资格 / 分期 期数 期 分几期 几期 分次 分月 / 收货
    签收 收件 取件 收到货 / 退货 退换 换货 退换货 退掉 退货款 / 安装 下载 搭建 / 升级 换代
    版本 / 备份 导出 保存 存档 还原 回滚 / 成功 完成 好了 搞定 通过了 办好 / 联系 咨询 沟通
    投诉 举报 反映 申诉 / 限制 受限 冻结 封 封号 锁定 被锁 风控 停机 解冻 解锁 解封 禁用 /
    延长 缩短 续费 续期 续约
"""
_THINGS = """
    是不是 是否 有没有 会不会 对不对 要不要 / 密码 口令 pwd / 账号 账户 帐号 帐户 用户名 号
    户头 账号名 / 客服 人工 人工客服 服务人员 工作人员 坐席 客服人员 / 电话 手机号 手机号码
    号码 电话号码 手机 联系电话 / 利息 利率 日息 年利率 月息 息 日利率 年化 手续费 / 额度
    限额 上限 最高 最多 上限额度 多少额 / 余额 剩余 剩多少 剩下 还有多少 还剩 结余 剩 / 账单
    明细 记录 流水 清单 详单 交易记录 消费记录 对账单 交易明细 帐单 / 银行卡 储蓄卡 借记卡
    信用卡 卡号 卡片 / 身份证 证件 身份信息 实名 实名认证 身份 身份证号 / 验证码 短信
    短信验证码 校验码 动态码 短信码 / 条件 前提 门槛 具备 / 发票 开票 收据 票据 凭证
    报销凭证 / 快递 物流 包裹 送货 邮寄 运送 派送 发货 快递员 运输 / 订单 单子 单号 下单
    购买 拍下 / 优惠 折扣 打折 优惠券 红包 减免 促销 满减 返现 福利 抵用券 代金券 / 客户
    用户 顾客 会员 客人 消费者 / 套餐 流量 流量包 月租 包月 业务包 / 宽带 网络 上网 wifi
    无线网 网速 无线网络 路由器 光猫 网线 / 故障 坏了 出问题 有问题 异常 错误 报错 出错
    不正常 bug 毛病 卡死 崩溃 挂了 / 慢 卡顿 缓慢 很慢 太慢 变慢 转圈 / 原理 含义 意思 意义
    定义 概念 / 区别 差别 不同 差异 有什么区别 对比 / 安全 可靠 靠谱 放心 骗人 骗子 诈骗
    真的假的 真假 是真是假 可信 风险 泄露 被盗 盗用 / 使用 用到 应用 怎么用 运用 采用 /
    工作时间 营业时间 上班 几点上班 几点下班 下班 周末 节假日 休息 服务时间 / 公司 企业 商家
    店 店铺 卖家 机构 门店 营业厅 网点 / 自动 自动扣款 / 手机银行 app 客户端 小程序 / 增值
    理财 收益 存款 活期 定期 投资 基金 / 推荐 哪款 好用 / 便宜 实惠 低价 划算
"""
_ENGLISH = """
    cancel terminate unsubscribe stop end close deactivate discontinue quit leave / change
    modify update edit alter switch replace move adjust / reset recover restore regain
    retrieve / password passcode pin passphrase / login log-in signin sign-in logon log sign
    access / register signup enroll join create open / account profile user membership / pay
    payment paid pays charge charged billing billed bill / refund money-back reimburse
    reimbursement return returned / invoice receipt fapiao / price cost fee fees pricing
    rate expensive cheap much / order purchase buy bought purchased / delivery deliver
    shipping ship shipment parcel package arrive arrives arrival delivered shipped courier /
    track trace status progress where / address location place / broken fault faulty
    defective damaged damage defect crack cracked fails fail failed failure error problem
    issue trouble bug wrong / slow lag laggy sluggish speed slowly / internet network
    broadband connection wifi wi-fi online connect connected offline / router modem gateway
    box / phone mobile telephone number cell call / email e-mail mail inbox mailbox /
    install setup configure configuration installation set / delete remove erase wipe /
    forgot forget forgotten lost lose missing misplaced stolen / locked blocked suspended
    disabled frozen banned / unlock unblock unfreeze enable activate reactivate / upgrade
    downgrade plan subscription tier package renew renewal / storage space quota disk full
    capacity / backup back-up export save copy / help support assistance agent human person
    representative staff / contact reach hours open opening / warranty guarantee covered
    coverage repair repaired fix fixed replacement / complain complaint unhappy dissatisfied
    feedback / verify verification code otp authenticator two-factor 2fa factor / driver
    software program app application / remote teamviewer screen / card credit debit bank
    wallet / limit maximum max minimum / long duration take takes days / late delayed
    overdue delay / transfer send wire
"""
_FIRST = 0xE000  # private use: no text that customers write holds these characters


def _groups(text: str) -> list[list[str]]:
    return [group.split() for group in text.split("/")]


_SECTIONS = [
    _groups(section)
    for section in (_QUESTIONS, _REFUSALS, _PERMISSIONS, _UNDOING, _DEEDS, _THINGS)
]
_CHINESE = [group for section in _SECTIONS for group in section]
_NUMBERS: dict[str, int] = {}
for _number, _group in enumerate(_CHINESE):
    for _word in _group:
        _NUMBERS.setdefault(_word, _number)
_WORDS = Lexicon(_NUMBERS)


def _mask(first: int, count: int) -> int:
    return ((1 << count) - 1) << first


def _masks() -> list[int]:
    masks, first = [], 0
    for section in _SECTIONS:
        masks.append(_mask(first, len(section)))
        first += len(section)
    return masks


# Sets of concepts, bit by bit.
QUESTIONS, REFUSALS, PERMISSIONS, UNDOING, _CHINESE_DEEDS, _ = _masks()


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """An English word without the endings that only grammar needs; its form is no word."""
    for ending, kept in (("sses", "ss"), ("ies", "y"), ("ing", ""), ("ed", ""), ("es", "e")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: len(word) - len(ending)] + kept
            break
    else:
        if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
            word = word[:-1]
    if word.endswith("e") and len(word) > 4:
        word = word[:-1]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word


_STEMS: dict[str, int] = {}
for _number, _group in enumerate(_groups(_ENGLISH), len(_CHINESE)):
    for _word in _group:
        _STEMS.setdefault(stem(_word), _number)
DEEDS = _CHINESE_DEEDS | UNDOING | _mask(len(_CHINESE), len(_groups(_ENGLISH)))


def name_concepts(run: str) -> str:
    """A Chinese text with one private character in the place of each word of a concept."""
    found: list[str] = []
    done = 0
    for start, end, number in _WORDS.find(run):
        found += (run[done:start], chr(_FIRST + number))
        done = end
    return "".join((*found, run[done:]))


def concept_of(character: str) -> int | None:
    """The concept for which a character of `name_concepts` stands."""
    number = ord(character) - _FIRST
    return number if 0 <= number < len(_CHINESE) else None


def concept_of_stem(word: str) -> int | None:
    """The concept of an English word without its endings."""
    return _STEMS.get(word)
