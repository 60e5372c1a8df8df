"""Small files of the kinds that messengers send."""

import io

from PIL import Image


def _png() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(made, "PNG")
    return made.getvalue()


PNG = _png()
AMR = b"#!AMR\n" + bytes([0x3C]) + bytes(31)
MP4 = (24).to_bytes(4, "big") + b"ftypisom" + bytes(4) + b"isommp42" + bytes(200)
