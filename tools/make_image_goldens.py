#!/usr/bin/env python3
"""Makes the goldens of image files: tests/golden/pillow13/pixels.json and orientation.json.

    pip install transformers numpy pillow   # made with transformers 5.24.0, numpy 2.4.6, Pillow 13.0.0
    tools/make_image_goldens.py tests/golden/pillow13

pixels.json holds small PNG and WebP files of every kind with transparent pixels, and PNGs with fewer colours in the
palette than indices in use, as hexadecimal text. Each has the CRC-32 of its RGB bytes under convert_to_rgb of transformers,
which lays transparent pixels on white, and under Pillow's convert("RGB"), which drops alpha. blend.ground is the CRC-32
of all 256 values under all 256 opacities (value by value) on white.

orientation.json holds small JPEG, PNG and WebP files with an orientation in EXIF, in XMP, in a PNG's text, or in several
of them, also in ways that do not count. Each has the orientation by which PIL.ImageOps.exif_transpose rotates it; 1 when
it does not.
"""
import argparse
import io
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps
from transformers.image_transforms import convert_to_rgb

RANDOM = np.random.default_rng(13)


# ---- PNG and RIFF by hand, because the files must also hold what no encoder writes

def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed(row, depth):
    if depth == 16:
        return row.astype(">u2").tobytes()
    bits = "".join(format(int(v), f"0{depth}b") for v in row)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # per colour type of PNG


def png(samples, depth, color, before=b"", after=b"", interlaced=False):
    height, width = samples.shape[:2]
    parts = [samples]
    if interlaced:
        adam7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in adam7]
    rows = b"".join(b"\0" + packed(row.reshape(-1), depth) for part in parts if part.size for row in part)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows)) + after +
            chunk(b"IEND", b""))


def riff(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)


def encoded(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


# ---- pixels

def some_samples(depth, color, width, height):
    samples = RANDOM.integers(0, 1 << depth, (height, width, CHANNELS[color]))
    if color in (4, 6):  # often transparent or opaque
        ends = RANDOM.choice([0, (1 << depth) - 1], (height, width))
        samples[..., -1] = np.where(RANDOM.random((height, width)) < .4, ends, samples[..., -1])
    return samples


def key_of(samples, color):
    return chunk(b"tRNS", struct.pack(f">{CHANNELS[color]}H", *(int(v) for v in samples[0, 0])))


def pixel_files():
    for depth, color in [(8, 6), (16, 6), (8, 4), (16, 4)]:
        for interlaced in (False, True):
            samples = some_samples(depth, color, 9, 7)
            yield f"alpha {color}/{depth}{' interlaced' * interlaced}", png(samples, depth, color, interlaced=interlaced)
    for depth, color in [(8, 2), (16, 2), (1, 0), (2, 0), (4, 0), (8, 0), (16, 0)]:
        samples = some_samples(depth, color, 9, 7)
        if color == 0 and depth != 8:  # a number that Pillow finds among its pixels
            samples[0, 0] = 200 if depth == 16 else 0
        yield f"transparent colour {color}/{depth}", png(samples, depth, color, key_of(samples, color))
    samples = some_samples(8, 0, 9, 7)
    samples[1, 1], samples[2, 2] = 0, 255
    for number in (0, 255, 256 + int(samples[0, 0, 0]), 65535):
        yield f"transparent grey {number}", png(samples, 8, 0, chunk(b"tRNS", struct.pack(">H", number)))
    for number in (1, 85, 255):  # Pillow compares with samples scaled to 8 bits
        yield f"transparent grey {number} of 2 bits", png(samples & 3, 2, 0, chunk(b"tRNS", struct.pack(">H", number)))
    samples = some_samples(16, 2, 9, 7)
    high = struct.pack(">3H", *(int(v) >> 8 for v in samples[0, 0]))
    yield "transparent colour of high bytes", png(samples, 16, 2, chunk(b"tRNS", high))
    yield "alpha and a colour", png(some_samples(8, 6, 9, 7), 8, 6, chunk(b"tRNS", bytes(6)))
    for depth in (1, 2, 4, 8):
        samples = some_samples(depth, 3, 9, 7) if depth < 8 else RANDOM.integers(0, 16, (7, 9, 1))
        used = min(1 << depth, 16)
        colors = RANDOM.integers(0, 256, 3 * used).astype(np.uint8).tobytes()
        alphas = RANDOM.integers(0, 256, used).astype(np.uint8).tobytes()
        half = max(1, used // 2)
        whole, short = chunk(b"PLTE", colors), chunk(b"PLTE", colors[:3 * half])
        one = b"\xff" * (half - 1) + b"\0"
        for name, before in {"": whole, " short": short, " alphas": whole + chunk(b"tRNS", alphas),
                             " fewer alphas": whole + chunk(b"tRNS", alphas[:half]),
                             " short, more alphas": short + chunk(b"tRNS", alphas),
                             " one transparent": whole + chunk(b"tRNS", one),
                             " alphas first": chunk(b"tRNS", alphas) + whole,
                             " alphas twice": whole + chunk(b"tRNS", alphas[::-1]) + chunk(b"tRNS", alphas)}.items():
            yield f"palette of {depth} bits{name}", png(samples, depth, 3, before)
    noisy = Image.fromarray(some_samples(8, 6, 24, 20).astype(np.uint8))
    smooth = noisy.resize((24, 20), Image.Resampling.BICUBIC, (0, 0, 3, 3))
    for name, image in {"noise": noisy, "smooth": smooth, "opaque": smooth.convert("RGB")}.items():
        yield f"WebP lossless {name}", encoded(image, "WEBP", lossless=True, exact=True)
        yield f"WebP lossy {name}", encoded(image, "WEBP", quality=70)
    yield "WebP animation", encoded(smooth, "WEBP", save_all=True, append_images=[noisy], lossless=True,
                                    background=(255, 0, 0, 255))
    corner = Image.new("RGBA", (24, 20))
    corner.paste(smooth.crop((4, 4, 14, 12)), (4, 4))
    yield "WebP animation in a corner", encoded(corner, "WEBP", save_all=True, append_images=[smooth], lossless=True)
    yield "APNG", encoded(smooth.resize((9, 7)), "PNG", save_all=True, append_images=[noisy.resize((9, 7))])


def pixel_rows():
    for name, file in pixel_files():
        white = convert_to_rgb(Image.open(io.BytesIO(file)), return_numpy=True)
        dropped = np.array(Image.open(io.BytesIO(file)).convert("RGB"))
        yield {"name": name, "width": white.shape[1], "height": white.shape[0], "white": zlib.crc32(white.tobytes()),
               "drop": zlib.crc32(dropped.tobytes()), "file": file.hex()}


def blend():
    values, alphas = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8), indexing="ij")
    image = Image.fromarray(np.stack([values, values, values, alphas], -1))
    return {"ground": zlib.crc32(convert_to_rgb(image, return_numpy=True)[..., 0].tobytes())}


# ---- orientation

HEADER, XMP_HEADER = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
XMP, PROFILE = b"XML:com.adobe.xmp", b"Raw profile type exif"
SHORT, ORIENTATION, MAKER = 3, 0x112, 0x10F
LYING = Image.fromarray((np.arange(48).reshape(6, 8) * 5).astype(np.uint8))


def tiff(entries, big=False, magic=42, data=b""):
    """entries: tag, type, count, and four bytes or a number, stored as a SHORT."""
    end = ">" if big else "<"
    file = (b"MM" if big else b"II") + struct.pack(end + "HIH", magic, 8, len(entries))
    for tag, type, count, value in entries:
        field = value if isinstance(value, bytes) else struct.pack(end + "HH", value, 0)
        file += struct.pack(end + "HHI", tag, type, count) + field
    return file + bytes(4) + data


def exif(orientation, big=False):
    return tiff([(ORIENTATION, SHORT, 1, orientation)], big)


def attribute(value):
    return f'<x:xmpmeta><rdf:Description tiff:Orientation="{value}"/></x:xmpmeta>'.encode()


def element(value):
    return f"<x:xmpmeta><tiff:Orientation>{value}</tiff:Orientation></x:xmpmeta>".encode()


def jpeg(*segments, jfif=True):
    file = encoded(LYING, "JPEG", quality=90, optimize=True)
    if not jfif:  # Pillow then looks for the resolution in EXIF, and ignores faults there
        file = file[:2] + file[4 + struct.unpack(">H", file[4:6])[0]:]
    return file[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(s) + 2) + s for s in segments) + file[2:]


def lying_png(before=b"", after=b""):
    return png(np.array(LYING)[..., None].astype(int), 8, 0, before, after)


def webp(exif_data=None, xmp=None, flags=None):
    file = encoded(LYING.convert("RGB"), "WEBP", lossless=True)
    if flags is None:
        flags = (8 if exif_data is not None else 0) | (4 if xmp is not None else 0)
    size = struct.pack("<I", LYING.width - 1)[:3] + struct.pack("<I", LYING.height - 1)[:3]
    body = b"WEBP" + riff(b"VP8X", struct.pack("<I", flags) + size) + file[12:]
    body += riff(b"EXIF", exif_data) if exif_data is not None else b""
    return riff(b"RIFF", body + (riff(b"XMP ", xmp) if xmp is not None else b""))


def text(keyword, value):
    return chunk(b"tEXt", keyword + b"\0" + value)


def ztext(keyword, value):
    return chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(value))


def itext(keyword, value, compressed=False):
    return chunk(b"iTXt", keyword + bytes([0, compressed, 0, 0, 0]) + (zlib.compress(value) if compressed else value))


def profile(block, name=b"exif"):
    digits = block.hex().encode()
    lines = b"\n".join(digits[i:i + 72] for i in range(0, len(digits), 72))
    return b"\n" + name + b"\n%8d\n" % len(block) + lines + b"\n"


def orientation_files():
    for value in range(10):
        yield f"JPEG XMP attribute {value}", jpeg(XMP_HEADER + attribute(value))
        yield f"PNG XMP {value}", lying_png(itext(XMP, element(value)))
        yield f"WebP XMP {value}", webp(xmp=attribute(value))
        yield f"PNG profile {value}", lying_png(ztext(PROFILE, profile(HEADER + exif(value, value % 2))))
    for name, packet in {"element": element(6), "blanks": b'tiff:Orientation = "6"', "other quotes": b"tiff:Orientation='6'",
                         "two digits": b'tiff:Orientation="66"', "second": b'tiff:Orientation="x" tiff:Orientation="6"',
                         "first of two": b'tiff:Orientation="1" tiff:Orientation="6"', "lower case": b"tiff:orientation>6",
                         "other name": b'exif:Orientation="6"', "UTF-16": attribute(6).decode().encode("utf-16"),
                         "a name in a name": b"tiff:Orientationtiff:Orientation>3", "cut": b'tiff:Orientation="'}.items():
        yield f"JPEG XMP {name}", jpeg(XMP_HEADER + packet)
    for in_exif in (0, 1, 3, 9):
        yield f"JPEG EXIF {in_exif} and XMP", jpeg(HEADER + exif(in_exif), XMP_HEADER + attribute(8))
        yield f"PNG EXIF {in_exif} and XMP", lying_png(chunk(b"eXIf", exif(in_exif)) + itext(XMP, attribute(8)))
        yield f"WebP EXIF {in_exif} and XMP", webp(exif(in_exif), attribute(8))
    xmp, silent = XMP_HEADER + attribute(8), tiff([(MAKER, 2, 4, b"abc\0")])
    yield "JPEG EXIF without, XMP", jpeg(HEADER + silent, xmp)
    yield "PNG profile without, XMP", lying_png(text(PROFILE, profile(HEADER + silent)) + itext(XMP, attribute(8)))
    yield "JPEG EXIF empty, XMP", jpeg(HEADER, xmp)
    yield "JPEG EXIF of BigTIFF, XMP", jpeg(HEADER + tiff([(ORIENTATION, SHORT, 1, 6)], magic=43), xmp, jfif=False)
    yield "JPEG EXIF no TIFF, XMP", jpeg(HEADER + b"abcdefghijkl", xmp, jfif=False)
    yield "JPEG EXIF in two segments", jpeg(HEADER + exif(6)[:13], HEADER + exif(6)[13:])
    yield "JPEG EXIF twice", jpeg(HEADER + exif(6), HEADER + exif(8))
    yield "JPEG EXIF two headers", jpeg(HEADER + HEADER + exif(6))
    yield "JPEG EXIF other header", jpeg(b"Exif\0\xff" + exif(6))
    yield "JPEG XMP twice", jpeg(xmp, XMP_HEADER + attribute(6))
    yield "JPEG XMP extension", jpeg(b"http://ns.adobe.com/xmp/extension/\0" + attribute(6))
    for type, value in {1: b"\6\0\0\0", 2: b"6\0\0\0", 4: b"\6\0\0\0", 6: b"\6\0\0\0", 7: b"\6\0\0\0", 8: 6, 9: b"\6\0\0\0",
                        11: struct.pack("<f", 6), 13: b"\6\0\0\0", 14: b"\6\0\0\0", 99: b"\6\0\0\0"}.items():
        yield f"JPEG EXIF of type {type}, XMP", jpeg(HEADER + tiff([(ORIENTATION, type, 1, value)]), xmp)
    for type, data in {5: struct.pack("<II", 12, 2), 10: struct.pack("<ii", -12, -2), 12: struct.pack("<d", 6),
                       16: struct.pack("<Q", 6)}.items():
        yield f"JPEG EXIF of type {type}, XMP", jpeg(HEADER + tiff([(ORIENTATION, type, 1, b"\x1a\0\0\0")], data=data), xmp)
    for name, entries in {"two values": [(ORIENTATION, SHORT, 2, struct.pack("<HH", 6, 8))],
                          "no value": [(ORIENTATION, SHORT, 0, 6)], "twice": [(ORIENTATION, SHORT, 1, 6), (ORIENTATION, SHORT, 1, 8)],
                          "behind a lost value": [(0x10E, 2, 20, b"\x1e\0\0\0"), (ORIENTATION, SHORT, 1, 6)],
                          "behind a huge value": [(0x10E, 2, 9999, b"\x1e\0\0\0"), (ORIENTATION, SHORT, 1, 6)]}.items():
        yield f"JPEG EXIF {name}, XMP", jpeg(HEADER + tiff(entries), xmp)
    yield "PNG XMP compressed", lying_png(itext(XMP, attribute(6), True))
    yield "PNG XMP in tEXt", lying_png(text(XMP, attribute(6)))
    yield "PNG XMP in zTXt", lying_png(ztext(XMP, attribute(6)))
    yield "PNG XMP after the picture", lying_png(itext(XMP, attribute(6)), itext(XMP, attribute(8)))
    yield "PNG XMP then no UTF-8", lying_png(itext(XMP, attribute(6)) + itext(XMP, attribute(8) + b"\xff"))
    yield "PNG XMP no UTF-8", lying_png(itext(XMP, attribute(8) + b"\xff"))
    yield "PNG XMP damaged", lying_png(chunk(b"iTXt", XMP + b"\0\1\0\0\0" + b"xx" + zlib.compress(attribute(6))))
    yield "PNG XMP cut", lying_png(chunk(b"iTXt", XMP + b"\0\1\0\0\0" + zlib.compress(attribute(6) * 20)[:-8]))
    yield "PNG profile in tEXt", lying_png(text(PROFILE, profile(HEADER + exif(6))))
    yield "PNG profile in iTXt", lying_png(itext(PROFILE, profile(exif(6)), True))
    yield "PNG profile of APP1", lying_png(ztext(b"Raw profile type APP1", profile(HEADER + exif(6), b"generic profile")))
    yield "PNG profile of XMP", lying_png(ztext(b"Raw profile type xmp", profile(attribute(6), b"xmp")))
    yield "PNG profile after the picture", lying_png(b"", ztext(PROFILE, profile(exif(6))))
    yield "PNG profile and EXIF", lying_png(chunk(b"eXIf", exif(3)) + text(PROFILE, profile(exif(6))))
    yield "PNG profile and XMP", lying_png(text(PROFILE, profile(exif(6))) + itext(XMP, attribute(8)))
    yield "PNG text named exif", lying_png(text(b"exif", exif(6)))
    yield "PNG EXIF after the picture", lying_png(b"", chunk(b"eXIf", exif(6)))
    yield "PNG EXIF with header", lying_png(chunk(b"eXIf", HEADER + exif(6)))
    yield "PNG EXIF after the end", lying_png() + chunk(b"eXIf", exif(6))
    for flags in (0, 4, 8):
        yield f"WebP flags {flags}", webp(exif(6), attribute(8), flags)
    yield "WebP EXIF with header", webp(HEADER + exif(6, True))
    yield "WebP EXIF without, XMP", webp(silent, attribute(8))
    frames = [LYING, LYING.transpose(Image.Transpose.ROTATE_180)]
    apng = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    second, end = apng.rindex(b"fcTL") - 4, apng.index(b"IEND") - 4
    yield "APNG XMP before the second frame", apng[:second] + itext(XMP, attribute(6)) + apng[second:]
    yield "APNG XMP after the second frame", apng[:end] + itext(XMP, attribute(6)) + apng[end:]


def orientation_of(file):
    turned = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB"))
    lying = Image.open(io.BytesIO(file)).convert("RGB")
    methods = [None, "FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90"]
    for orientation, method in enumerate(methods, 1):
        expected = np.array(lying.transpose(Image.Transpose[method]) if method else lying)
        if expected.shape == turned.shape and (expected == turned).all():
            return orientation
    raise ValueError("no orientation fits")


def orientation_rows():
    for name, file in orientation_files():
        yield {"name": name, "orientation": orientation_of(file), "file": file.hex()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=pathlib.Path)
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)

    def write(name, rows, **more):
        lines = ",\n".join(json.dumps(row) for row in rows)
        head = "".join(f"{json.dumps(key)}: {json.dumps(value)},\n" for key, value in more.items())
        (folder / name).write_text(f"{{{head}\"files\": [\n{lines}\n]}}\n")

    write("pixels.json", pixel_rows(), blend=blend())
    write("orientation.json", orientation_rows())


if __name__ == "__main__":
    main()
