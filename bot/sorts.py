"""Sorts of words: what a message is about when its very words were never seen.

From ten examples nobody learns that Lyon is a city as Paris is, or that `quicker` asks for what
`faster` does. A sort is wider than a concept of `bot.concepts`: words of one kind (cities, meals,
currencies, weekdays) or of one field, and a word may be of several. Written from general
knowledge of the fields that service desks and assistants are asked about, among them those of the
public sets in the README, without their rows; over the recogniser's validation splits they
brought 2 points (SMP2017, HINT3), 0.5 to 0.9 (Banking77, HWU64), and nothing in telecom and
insurance.
"""

from __future__ import annotations

from bot.concepts import stem
from bot.lexicon import Lexicon

# Groups end with a slash.
_ENGLISH = """
    monday tuesday wednesday thursday friday saturday sunday mon tue wed thu thur fri sat sun
    weekday weekend / january february march april june july august september october november
    december jan feb mar apr jun jul aug sep sept oct nov dec month / today tonight tomorrow
    yesterday / morning afternoon evening noon midnight night dawn / am pm oclock hour minute
    second / one two three four five six seven eight nine ten eleven twelve thirteen fifteen
    twenty thirty forty fifty sixty hundred thousand / first second third fourth fifth last
    next previous / dollar usd euro eur gbp pound sterling yen yuan rmb franc aud cad currency
    peso rupee bitcoin crypto krona ruble / london paris berlin madrid rome tokyo beijing
    shanghai moscow sydney chicago boston seattle denver dallas houston miami atlanta phoenix
    philadelphia detroit toronto dubai mumbai delhi singapore york angeles francisco vegas
    orlando portland austin city town / america usa england uk britain france germany spain
    italy japan china india russia canada mexico brazil australia ireland scotland europe asia
    africa country abroad foreign overseas international / airport flight fly plane airline
    boarding airplane departure / train railway station rail metro subway tram bus coach / taxi
    cab uber lyft ride / car vehicle truck auto automobile van suv / drive road highway route
    traffic commute jam lane / tire tyre oil brake engine battery mileage mpg gas petrol fuel
    gasoline diesel / hotel motel hostel lodging accommodation room suite / trip travel journey
    vacation holiday tour itinerary / passport visa vaccine shot luggage baggage suitcase /
    restaurant diner cafe bistro eatery steakhouse pub bar / pizza burger sandwich sushi pasta
    noodle rice steak chicken beef pork fish salad soup curry taco bread cake pie cookie cheese
    egg lasagna spaghetti meatloaf lamb shrimp tofu / breakfast lunch dinner supper brunch meal
    dish cuisine food snack / recipe cook bake boil fry roast grill stew steam ingredient
    seasoning oven / salt sugar butter milk cream flour vinegar garlic onion pepper spice sauce
    / chinese mexican italian thai indian french japanese korean greek vietnamese / coffee tea
    espresso latte beer wine juice soda drink beverage cocktail / apple banana orange lemon
    strawberry tomato potato carrot lettuce spinach avocado fruit vegetable / calorie calories
    nutrition protein carb fat vitamin healthy diet / weather forecast temperature humidity
    climate rain rainy snow sunny cloudy windy storm umbrella hot cold warm degrees celsius
    fahrenheit / music song track album playlist tune melody singer band artist lyrics concert
    / rock jazz pop rap classical blues metal country folk reggae genre / play shuffle listen
    skip pause resume / loud louder quiet quieter volume mute unmute sound speaker noise /
    movie movies film cinema theater theatre actor actress director trailer show series episode
    tv television / book novel audiobook author chapter read story / podcast radio station fm
    broadcast channel / news headline article politics election president politician government
    / sport football soccer basketball baseball tennis cricket hockey golf game match team
    league score player / game gaming chess puzzle quiz trivia riddle / joke funny humor laugh
    humour hilarious / calendar schedule agenda appointment meeting event conference / remind
    reminder remember notify alert notification / alarm wake snooze timer stopwatch countdown /
    list todo checklist grocery shopping task chore / light lamp bulb brightness dim brighten
    brighter dimmer / color colour red blue green yellow orange purple pink black white brown /
    email gmail outlook inbox unread / facebook twitter instagram tweet post linkedin whatsapp
    social / text sms message chat / mother mom mum father dad parent sister brother son
    daughter wife husband uncle aunt cousin grandma grandpa family relative friend boss
    colleague child kid baby / doctor hospital clinic nurse dentist medicine pharmacy
    prescription ill sick pain fever cough cold flu symptom / salary wage income paycheck
    payday / tax taxes irs w2 1099 / bank branch / account checking savings / balance funds
    money cash / deposit withdraw withdrawal atm cashpoint / loan mortgage credit debt interest
    apr borrow lend / stock share market nasdaq invest investment retirement 401k pension ira
    fund / budget spend spent expense expenditure / card visa mastercard amex maestro
    contactless / insurance insured policy premium coverage deductible copay beneficiary claim
    / score rating rank history report / identity id verify verification proof document
    passport license licence / fraud fraudulent scam hacked hacker suspicious stolen theft
    thief unauthorised unauthorized unrecognised unrecognized / pending waiting processing
    outstanding / declined rejected denied refused / reverted reversed returned canceled
    cancelled / duplicate twice double / exchange convert conversion / fee commission charge
    surcharge / apple google samsung android iphone ios mobile phone smartphone device tablet
    ipad / laptop computer pc desktop notebook windows mac macos linux ubuntu / screen display
    monitor touchscreen keyboard mouse printer scanner camera / app application software
    program / usb bluetooth cable charger plug / website site web page browser url internet /
    mattress bed pillow sheet topper cushion sofa chair furniture / size width height length
    inch cm feet foot centimeter dimension king queen single thickness / weight heavy light kg
    kilogram lbs pounds / material foam latex memory cotton fabric leather wood / compare
    comparison difference different versus vs better best / offer discount coupon promo
    promotion deal sale voucher reward points cashback emi instalment installment / trial
    sample demo test try tryout / store shop showroom outlet dealer distributor retailer nearby
    near / pin pincode postcode zip zipcode postal / language translate translation spanish
    french german italian english chinese mandarin japanese word meaning definition define
    synonym spell pronounce / math calculate sum add plus minus multiply divided times square
    root percent percentage fraction / measure convert conversion ounce cup tablespoon teaspoon
    gallon liter litre mile kilometer km inch / date day year birthday anniversary / born birth
    old age / hello hi hey greetings howdy / bye goodbye farewell later / thanks thankful
    appreciate grateful / yes yeah yep yup sure correct right okay affirmative true / no nope
    nah negative false wrong incorrect / maybe perhaps possibly unsure / who whom whose / when
    until / where whereabouts / how way / robot human ai bot machine computer person / hobby
    interest favorite favourite fun / love like enjoy hate dislike / happy sad angry glad bored
    tired feeling mood / repeat again rerun restate / stop cancel abort quit end halt silence
    shut / start begin launch open initiate / off disable deactivate / increase raise up higher
    more boost / decrease lower down less reduce / delete remove erase clear drop / create add
    new make set insert put / change modify edit update adjust switch / show display tell give
    list view see / find search look locate lookup / send forward reply respond answer / buy
    purchase order get / sell sold / book reserve reservation table / confirm confirmation
    check verify / status state progress update track / job work office career vacation pto
    sick leave / school college university student teacher homework exam class course / dog cat
    pet animal bird horse fish / house home apartment flat condo rent mortgage landlord /
    bedroom kitchen bathroom garage hallway / electricity water gas utility bill power energy /
    topup top load reload recharge / virtual disposable physical plastic / link connect pair
    sync / terms conditions policy rules agreement / minimum maximum limit cap / address street
    location moved move / early late delay / urgent asap immediately quickly fast rush express
    / expire expiration expiry / activate activation / replace replacement / swallowed stuck
    kept retained / arrive arrival come came receive get got deliver reach show appear / send
    sent post mail dispatch ship / lose lost losing missing misplaced gone disappear vanish /
    steal stole stolen rob theft thief burglar / want need wish prefer require / help assist
    assistance aid guide advise advice support / allow permit able possible can could / ask
    question inquire enquire query wonder inquiry enquiry / explain reason cause why happen /
    wrong incorrect mistake mistaken error inaccurate / apply application request submit /
    eligible qualify eligibility requirement required criteria necessary needed / extra
    additional another second more spare / free complimentary nothing / accept take supported
    work usable valid / use using used usage utilize utilise / someone somebody else others
    friend people anyone anybody / child children kid teenager teen minor daughter son under
    young / amount sum total quantity value much / history past previous old earlier former
    recent recently last / statement receipt invoice bill slip / recipient beneficiary payee
    receiver / purchase transaction payment bought spending / unknown strange unfamiliar
    unrecognized weird odd suspicious unexpected / merchant seller shop store vendor shopkeeper
    retailer business / rate ratio pricing / instant instantly immediate immediately
    straightaway now / security safe secure safety protect protection privacy private / contact
    reach call phone talk speak / talk speak chat converse discuss conversation say said / tell
    inform explain describe let know / understand know learn idea aware clarify / think believe
    guess suppose / long duration take last wait / soon quickly fast quick quicker faster speed
    expedite hurry / still yet already not / never always usually often regularly every daily
    weekly monthly yearly annual annually / today now current currently present / future
    upcoming later coming next / begin start commence / finish complete done end over / fail
    unsuccessful unable cannot / fix repair resolve solve mend correct / break broke broken
    damage crack crash / open close / near nearby close closest nearest around local / far
    distance miles away / big large huge small little tiny / new newer newest latest recent
    fresh / good great nice excellent awesome amazing wonderful best better top / bad poor
    terrible awful horrible worst worse / cheap cheaper cheapest affordable inexpensive low
    budget / expensive costly pricey high overpriced / full whole entire all complete / part
    partial half portion some / empty nothing none zero blank / many several few multiple
    various lots number count / only single one just sole / both together combine merge joint /
    separate split divide share apart / different other another alternative instead / kind type
    sort model category version variety / option choice choose select pick alternative /
    feature function benefit advantage / plan package bundle subscription / detail info
    information data specifics / instruction step procedure process manual guide tutorial /
    document paperwork form file pdf / signature sign / photo picture image selfie pic camera /
    video clip youtube stream netflix / password passcode pin code secret / code otp passcode /
    email inbox mail / phone mobile cell telephone number / location gps whereabouts position /
    map directions navigate route / walk run exercise gym workout fitness yoga / swim pool
    beach sea ocean / mountain hike camping park lake forest / holiday christmas easter
    thanksgiving halloween hanukkah festival / party celebrate celebration wedding / gift
    present birthday / clothes shirt dress shoes jacket pants jeans hat sock coat outfit /
    fashion style wear / hair haircut salon beauty makeup / water thirsty drink / hungry eat
    ate food / tip gratuity waiter server / smoke fire / police law legal lawyer court crime /
    army war military / science physics chemistry biology / math algebra geometry / history
    historical ancient / president king queen minister leader / company business corporation
    firm startup office / ceo founder manager boss supervisor / employee staff worker coworker
    colleague / hire hired fired resign interview resume / meeting meetings call zoom
    conference / deadline due date / rent landlord lease tenant / broker agent representative
    rep advisor adviser / accident crash collision wreck incident injury injured / theft
    burglary robbery vandalism / flood storm hurricane tornado hail fire earthquake / dependent
    spouse wife husband partner / cancel terminate discontinue / renew renewal extend / enroll
    enrol sign join / quote estimate quotation / pay paid payment / autopay automatic
    automatically auto recurring / frequency monthly quarterly annually biweekly / method mode
    way means / cheque check checkbook chequebook / coin change / gold silver metal / wire
    transfer / withdraw withdrew withdrawal withdrawn / top reload refill recharge / exceed
    exceeded over maximum / pair sync bluetooth / update upgrade / install uninstall / download
    upload / crash freeze hang / slow slowly lag / quiet silent silence mute hush shush shh /
    louder volume higher / temperature heat heater cool ac / vacuum clean mop / coffee brew
    espresso / play put / shuffle random / repeat loop / fact trivia / flip coin dice roll /
    translate say / review rating stars recommend recommendation suggest suggestion / expire
    spoil fresh rotten / pto vacation days off / apr interest rate / spending history /
    timezone zone time / qq wechat weixin alipay taobao weibo douyin / nba cba fifa uefa nfl
    mlb nhl
"""
_CHINESE = """
    星期一 星期二 星期三 星期四 星期五 星期六 星期天 星期日 周一 周二 周三 周四 周五 周六 周日
    礼拜天 礼拜一 周末 星期 礼拜 / 今天 明天 后天 昨天 前天 今晚 明晚 今早 明早 今日 明日
    大后天 / 早上 上午 中午 下午 晚上 凌晨 傍晚 夜里 清晨 半夜 / 一月 二月 三月 四月 五月
    六月 七月 八月 九月 十月 十一月 十二月 月份 本月 上月 上个月 下个月 这个月 / 春节 元旦
    国庆 中秋 端午 清明 五一 除夕 情人节 圣诞 母亲节 父亲节 儿童节 元宵 放假 / 北京 上海
    广州 深圳 天津 重庆 成都 武汉 杭州 南京 西安 沈阳 青岛 大连 厦门 苏州 长沙 郑州 济南
    合肥 福州 昆明 哈尔滨 长春 石家庄 太原 南昌 南宁 贵阳 兰州 海口 三亚 宁波 无锡 拉萨 银川
    西宁 乌鲁木齐 呼和浩特 温州 东莞 佛山 珠海 桂林 丽江 徐州 烟台 洛阳 常州 香港 澳门 台北
    / 河北 河南 山东 山西 江苏 浙江 安徽 福建 江西 湖北 湖南 广东 广西 海南 四川 贵州 云南
    陕西 甘肃 青海 宁夏 新疆 西藏 内蒙古 黑龙江 吉林 辽宁 台湾 / 美国 日本 韩国 英国 法国
    德国 意大利 俄罗斯 泰国 新加坡 澳大利亚 加拿大 印度 西班牙 越南 马来西亚 / 飞机 航班 机票
    飞往 飞到 起飞 机场 头等舱 经济舱 / 火车 高铁 动车 火车票 车次 列车 硬座 硬卧 软卧 车票
    / 汽车 大巴 客车 长途车 汽车票 班车 / 公交 地铁 公交车 地铁站 路车 / 开车 打车 出租车
    滴滴 自驾 堵车 路况 导航 路线 怎么走 / 酒店 宾馆 旅馆 住宿 民宿 客栈 / 天气 下雨 下雪
    气温 温度 天晴 刮风 雾霾 空气 雨伞 降温 台风 / 菜 菜谱 做法 怎么做 炒 红烧 清蒸 炖 煮
    煎 凉拌 汤 鸡蛋 豆腐 排骨 牛肉 猪肉 鸡肉 鱼 虾 土豆 茄子 西红柿 番茄 白菜 面条 饺子
    米饭 蛋糕 / 吃饭 餐厅 饭店 火锅 烧烤 美食 小吃 川菜 粤菜 自助餐 外卖 好吃 / 电影 影片
    影院 上映 票房 大片 喜剧片 恐怖片 动作片 / 电视剧 连续剧 综艺 节目 动漫 动画片 纪录片
    第几集 全集 集 / 电视台 卫视 央视 频道 中央 体育频道 少儿频道 / 电台 广播 收音机 调频
    / 歌 歌曲 音乐 唱 听歌 首歌 专辑 歌词 演唱 乐队 铃声 / 演员 导演 主演 明星 歌手 歌星
    / 小说 作者 连载 言情 武侠 玄幻 网文 看书 / 诗 诗词 古诗 唐诗 宋词 诗人 李白 杜甫
    苏轼 白居易 朗诵 诗句 / 谜语 猜谜 脑筋急转弯 灯谜 / 笑话 段子 搞笑 幽默 / 新闻 头条
    资讯 热点 报道 时事 / 股票 股价 大盘 涨停 股市 上证 基金 行情 / 彩票 双色球 大乐透
    开奖 中奖 / 足球 篮球 比赛 球队 联赛 世界杯 欧冠 英超 中超 比分 赛程 球员 / 翻译 英语
    英文 日语 单词 怎么读 怎么说 拼音 / 计算 等于 加 减 乘 除以 平方 开方 多少 / 短信
    发短信 消息 微信 发送 / 邮件 邮箱 发邮件 收件箱 信件 / 打电话 拨打 呼叫 拨号 拨通 回拨
    去电 / 联系人 通讯录 号码簿 名片 / 提醒 日程 备忘 安排 会议 闹钟 日历 闹铃 叫我 起床
    / 打开 启动 运行 进入 开启 / 软件 应用 程序 下载 安装 卸载 / 网站 网页 网址 浏览器
    百度 搜狐 新浪 淘宝 京东 / 地图 附近 周边 最近的 在哪 位置 / 医生 医院 感冒 发烧 头疼
    咳嗽 药 症状 生病 肚子疼 治疗 失眠 健康 减肥 / 爸爸 妈妈 爷爷 奶奶 哥哥 姐姐 弟弟 妹妹
    老公 老婆 儿子 女儿 家人 朋友 / 你好 您好 早安 晚安 在吗 嗨 哈喽 / 谢谢 多谢 感谢
    辛苦了 / 再见 拜拜 回见 / 喜欢 爱 讨厌 想你 / 你是谁 你叫什么 你几岁 你多大 机器人
    你会 / 高兴 开心 难过 伤心 生气 无聊 郁闷 烦 累 / 漂亮 好看 帅 美女 可爱 丑 / 颜色
    红色 白色 黑色 蓝色 绿色 黄色 灰色 粉色 色差 / 尺码 尺寸 大小 码数 型号 规格 多大 长度
    宽度 身高 / 体重 斤 公斤 重量 克 / 材质 面料 纯棉 布料 质地 材料 / 质量 品质 正品
    假货 真假 正版 行货 / 赠品 送礼 礼品 送的 赠送 / 顺丰 圆通 中通 申通 韵达 邮政
    天天快递 / 包邮 运费 邮费 快递费 / 差评 好评 评价 评论 晒图 / 补发 少发 漏发 缺货
    有货 库存 现货 断货 / 拆开 包装 破损 坏的 瑕疵 漏了 碎了 / 修改地址 改地址 收货地址
    换地址 / 催 快点 尽快 赶紧 抓紧 急用 / 支付宝 微信支付 货到付款 花呗 信用卡 刷卡 /
    差价 保价 降价 贵了 便宜点 优惠点 议价 / 漫游 长途 国际 境外 / 彩铃 来电显示 呼叫转移
    来电 / 积分 兑换 兑 / 停机 复机 报停 挂失 / 入网 过户 补卡 换卡 销号 / 想 想要
    需要 希望 打算 / 请 帮我 帮忙 麻烦 给我 替我 / 告诉我 说说 讲讲 介绍 说明 讲一下 /
    知道 了解 清楚 明白 晓得 / 觉得 认为 感觉 以为 / 推荐 建议 介绍 哪个好 / 播放 放
    放一首 来一首 来首 听 放首 / 看 观看 收看 想看 播 / 找 搜 搜索 查找 寻找 搜一下 /
    切换 换到 转到 调到 换台 / 停止 暂停 关掉 停 / 继续 接着 恢复 / 下一首 下一个 上一首
    上一个 / 快进 后退 快退 / 大声 小声 音量 调大 调小 静音 / 发 发给 发送 寄 寄给 /
    打给 给 拨 / 回复 回 转发 / 写 写一封 新建 创建 / 删除 清空 / 设置 设定 定 定个
    / 提醒我 叫醒 别忘 / 预订 预定 订 订购 订票 / 买 购买 拍 入手 下单 / 卖 出售 有卖
    / 退 退货 退掉 / 换 更换 调换 / 开 打开 启动 运行 / 关 关闭 退出 / 去 到 前往
    出发 / 回 返回 返程 往返 / 直达 中转 经停 / 多远 距离 公里 路程 / 最早 最晚 最快
    末班 首班 / 票价 多少钱 价格 票 / 头等 经济 舱 / 坐 乘 乘坐 搭 / 路线 线路 怎么去
    怎么到 / 附近 周围 旁边 / 银行 取款机 / 超市 商场 商店 便利店 / 加油站 停车场 /
    学校 大学 中学 小学 幼儿园 学院 / 公园 景点 旅游 旅行 景区 / 电话 手机 号码 / 手机
    电脑 笔记本 平板 / 电影 片子 / 演的 主演 出演 / 上集 下集 大结局 / 直播 转播 重播
    / 几点播 几点放 节目单 节目表 / 歌手 谁唱 唱的 / 经典 老歌 流行 摇滚 民谣 古典 /
    讲个 说个 来个 / 猜 打一 / 背 念 读 朗读 / 下一句 上一句 全文 / 意思 含义 解释 /
    英文 英语 翻译成 用英语 / 反义词 近义词 成语 造句 / 几 多少 第几 / 等于 乘以 加上
    减去 / 股 指数 涨 跌 / 新浪 腾讯 网易 凤凰 / 国内 国际 娱乐 体育 科技 财经 军事 /
    比分 战况 战绩 / 对阵 对战 赛程 / 冠军 排名 积分榜 射手榜 / 星座 运势 白羊 金牛 双子
    巨蟹 狮子 处女 天秤 天蝎 射手 摩羯 水瓶 双鱼 / 属相 生肖 / 农历 阳历 阴历 黄历
    几月几号 / 时间 日期 几号 星期几 / 高血压 糖尿病 心脏病 胃病 关节炎 / 吃什么 食疗 营养
    补 / 甜 咸 辣 酸 苦 / 早餐 午餐 晚餐 夜宵 / 咖啡 茶 牛奶 果汁 啤酒 白酒 红酒 /
    苹果 香蕉 西瓜 橙子 葡萄 草莓 / 萝卜 黄瓜 豆角 青椒 蘑菇 芹菜 菠菜 韭菜 / 羊肉 鸭
    鸡翅 里脊 五花肉 肉丝 肉片 / 馒头 包子 面包 饼 粥 / 宝贝 商品 产品 东西 货 货品 /
    亲 店家 老板 掌柜 客服 / 什么时候 几天 多久 / 发货 寄出 出库 / 到货 送到 收到 到了
    / 没收到 未收到 没到 还没到 / 物流 快递 单号 / 签收 代收 / 改 修改 更改 / 地址
    收件人 / 备注 留言 / 优惠 便宜 打折 券 满减 / 赠 赠品 送 / 包 包邮 / 退款 退钱
    / 运费险 运费 / 破 坏 损坏 / 少 漏 缺 / 错 发错 不对 / 真 正品 假 / 质量
    好不好 怎么样 / 适合 合适 可以用 能用 / 区别 不同 差别 / 颜色 色 / 保修 质保 维修
    售后 / 发票 收据 / 安装 装 / 使用 怎么用 用法 / 说明书 教程 / 定制 定做 订做 /
    批发 批量 团购 / 付款 支付 / 货到付款 到付 / 分期 花呗 / 取消 不要了 不想要 / 申请
    提交 / 同意 处理 / 等 等待 / 急 着急 快点 / 满意 喜欢 / 不满 失望 生气 / 话费
    余额 欠费 费用 / 充值 缴费 交费 / 账单 详单 清单 / 套餐 资费 月租 / 流量 上网 /
    短信 彩信 / 宽带 网络 / 密码 服务密码 / 办理 开通 订购 / 停用 退订 取消 / 改号
    换号 / 亲情号 亲情 短号 / 国内 省内 本地 / 剩余 还剩 还有多少 / 查 查询 查一下 /
    上个月 上月 本月 这个月 当月 / 明细 消费 / 呼转 转移 转接 / 来电 来显 / 挂失 紧急
    丢 / 营业厅 网点 / 信用 额度 / 借 借款 贷款 / 还 还款 / 利息 利率 / 提现 取现
"""


def _numbered(groups: str, first: int) -> dict[str, tuple[int, ...]]:
    """The numbers of the groups of each word."""
    found: dict[str, tuple[int, ...]] = {}
    for number, group in enumerate(groups.split("/"), first):
        for word in group.split():
            found[word] = (*found.get(word, ()), number)
    return found


_STEMS: dict[str, tuple[int, ...]] = {}
for _word, _own in _numbered(_ENGLISH, 0).items():
    _bare = stem(_word)
    _STEMS[_bare] = tuple(dict.fromkeys((*_STEMS.get(_bare, ()), *_own)))
_WORDS = Lexicon(_numbered(_CHINESE, _ENGLISH.count("/") + 1))


def sorts_of_word(word: str) -> tuple[int, ...]:
    """The sorts of an English word, in any of its forms."""
    return _STEMS.get(stem(word), ())


def sorts_in(run: str) -> list[int]:
    """The sorts of the words of a Chinese text."""
    return [sort for _, _, own in _WORDS.find(run) for sort in own]
