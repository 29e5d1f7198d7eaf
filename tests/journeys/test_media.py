"""A merchandiser's pictures in Chromium: sent to an article, put in order by keyboard, described, seen in the shop."""

import io
import re

from PIL import Image, ImageDraw
from playwright.async_api import Page, expect

from tests.journeys.conftest import Open
from tests.journeys.test_browser import sign_in


def photograph(seed: int) -> bytes:
    """A picture wide enough for six renditions, with something to look at on its right."""
    picture = Image.linear_gradient("L").resize((1400, 900)).convert("RGB")
    ImageDraw.Draw(picture).ellipse((1000, 200, 1300, 500), fill=(250, 240, 200 - seed))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


async def test_pictures_from_the_desk_to_the_shop(browser_page: Page, shop: Open) -> None:
    page = browser_page
    page.set_default_timeout(60_000)  # pictures are unpacked in a process of their own, beside whatever else runs
    await sign_in(page, shop)
    await page.goto(shop.url + "/office/products?state=active")
    await page.locator("main td a[href*='/office/products/']").first.click()
    await page.locator(".shots > li").first.wait_for()
    before = await page.locator(".shots > li").count()
    article = page.url.partition("?")[0]

    # Two files at once.
    await page.set_input_files(
        "#files",
        [
            {"name": "front.jpg", "mimeType": "image/jpeg", "buffer": photograph(1)},
            {"name": "back.jpg", "mimeType": "image/jpeg", "buffer": photograph(2)},
        ],
    )
    await page.wait_for_url("**done=article**")
    await expect(page.locator(".shots > li")).to_have_count(before + 2)

    # The last one becomes the first, by keyboard alone.
    await page.locator("[data-handle]").last.focus()
    for _ in range(before + 1):
        await page.keyboard.press("ArrowLeft")
    await page.get_by_role("button", name=re.compile("Save the pictures|Bilder speichern")).click()
    await page.wait_for_load_state()
    await page.goto(article)
    first = page.locator(".shots > li a").first
    assert re.search(r"-1400x900\.jpg$", str(await first.get_attribute("href")))

    # What matters in it, and what it shows.
    await first.click()
    stage = page.locator(".stage img")
    await stage.wait_for()
    box = await stage.bounding_box()
    assert box
    await page.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.4)
    await expect(page.locator("#focal_x")).to_have_value("80")
    await page.locator("[data-point]").press("ArrowRight")
    await expect(page.locator("#focal_x")).to_have_value("81")
    await page.fill("[name='alt.en']", "A lamp in the fog")
    await page.locator("#describe button[type=submit]").click()
    await page.wait_for_url("**done=media**")

    # The shop has it, in the format and width that fit, cropped around the lamp.
    await page.goto(article)
    href = await page.locator("a[href*='/p/']").first.get_attribute("href")
    await page.goto(f"{shop.url}/en{href}")
    shown = page.locator(".gallery img").first
    await expect(shown).to_have_attribute("alt", "A lamp in the fog")
    await page.wait_for_function("document.querySelector('.gallery img').naturalWidth > 0")
    source = str(await shown.evaluate("image => image.currentSrc"))
    assert re.search(r"-1400x900\.jpg/1-\d+\.(avif|webp)$", source)
    assert await shown.evaluate("image => getComputedStyle(image).objectPosition") == "80% 40%"
    assert (await shown.get_attribute("width"), await shown.get_attribute("height")) == ("1400", "900")
