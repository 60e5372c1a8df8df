"""axe-core (MPL-2.0, a development package of the console) run against a page."""

from functools import cache

from playwright.async_api import Page

from tests.journeys.gateway import ROOT

AXE = ROOT / "gateway" / "console" / "node_modules" / "axe-core" / "axe.min.js"
# Colours on their way from one state to the next are nobody's fault.
_RUN = """async () => {
  for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
  const changing = document.getAnimations().filter((each) => each instanceof CSSTransition);
  await Promise.allSettled(changing.map((each) => each.finished));
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.filter((each) => ['serious', 'critical'].includes(each.impact)).flatMap(
    (each) => each.nodes.map((node) => `${each.id}: ${node.target.join(' ')}: ` +
      (node.any[0] || node.all[0] || node.none[0] || { message: '' }).message));
}"""


@cache
def _source() -> str:
    return AXE.read_text(encoding="utf-8")


async def find_faults(page: Page) -> list[str]:
    """Faults that axe calls serious or critical."""
    if not await page.evaluate("'axe' in window"):
        # Not as an element: the page's policy, which stays in force, admits none.
        await page.evaluate(_source())
    found: list[str] = await page.evaluate(_RUN)
    return found
