#!/usr/bin/env python3
"""Makes the goldens of GIF, BMP, TIFF, AVIF, HEIC and raw files: tests/golden/formats/pixels.json.

    pip install transformers numpy pillow pillow-heif rawpy
    tools/make_format_goldens.py tests/golden/formats
    # made with transformers 5.24.0, numpy 2.4.6, Pillow 13.0.0, pillow-heif 1.8.1, rawpy 0.28.0

The files are small and written as hexadecimal text. Each has the size of its upright image and the CRC-32 of its RGB bytes
under convert_to_rgb of transformers, which lays transparent pixels on white, and under Pillow's convert("RGB"), which drops
alpha. In a file with "tolerance", bytes may differ by so much from those of "pixels". For HEIC, that is another version of
libheif, which rounds differently where it doubles the resolution of colours.

A raw file is a DNG with JPEG previews. Its image is the preview that rawpy finds, read by Pillow and turned. Another DNG has
no preview.
"""
import argparse
import io
import json
import pathlib
import struct
import zlib

import numpy as np
import pillow_heif
import rawpy
from PIL import Image, ImageOps
from transformers.image_transforms import convert_to_rgb

RANDOM = np.random.default_rng(32)
pillow_heif.register_heif_opener()


def encoded(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def noise(width, height, channels=3, top=256):
    return RANDOM.integers(0, top, (height, width, channels)).astype(np.uint8)


def often_at_ends(samples):
    """Makes some of the last channel's values transparent or opaque."""
    ends = RANDOM.choice([0, 255], samples.shape[:2])
    samples[..., -1] = np.where(RANDOM.random(samples.shape[:2]) < .4, ends, samples[..., -1])
    return samples


NOISY = Image.fromarray(often_at_ends(noise(24, 20, 4)))
SMOOTH = NOISY.resize((24, 20), Image.Resampling.BICUBIC, (0, 0, 3, 3))


# ---- GIF by hand, because Pillow writes no first frame that leaves a part of the canvas open

def gif_codes(indices, bits):
    """The data of a frame: codes of one length, because a clear code comes before the table is full."""
    clear, length, codes = 1 << bits, bits + 1, []
    for i, index in enumerate(indices):
        if i % (clear // 2) == 0:
            codes.append(clear)
        codes.append(index)
    codes.append(clear + 1)
    value = sum(code << (i * length) for i, code in enumerate(codes))
    data = value.to_bytes((len(codes) * length + 7) // 8, "little")
    blocks = b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255))
    return bytes([bits]) + blocks + b"\0"


def gif(indices, canvas, place=(0, 0), colors=b"", local=b"", transparent=None, interlaced=False, background=0, bits=4):
    height, width = indices.shape
    def flags(palette):
        return 0x80 | ((len(palette) // 3).bit_length() - 2) if palette else 0
    file = b"GIF89a" + struct.pack("<HHBBB", *canvas, flags(colors), background, 0) + colors
    if transparent is not None:
        file += b"!\xf9\4" + struct.pack("<BHB", 1, 0, transparent) + b"\0"
    rows = np.concatenate([indices[0::8], indices[4::8], indices[2::4], indices[1::2]]) if interlaced else indices
    file += b"," + struct.pack("<HHHHB", *place, width, height, flags(local) | (0x40 if interlaced else 0)) + local
    return file + gif_codes([int(i) for i in rows.reshape(-1)], bits) + b";"


def gif_files():
    indices = RANDOM.integers(0, 16, (13, 9))
    colors, other = noise(16, 1).tobytes(), noise(16, 1).tobytes()
    ramp = bytes(v for i in range(16) for v in (i, i, i))
    yield "palette", gif(indices, (9, 13), colors=colors)
    yield "interlaced", gif(indices, (9, 13), colors=colors, interlaced=True)
    yield "interlaced, one row", gif(indices[:1], (9, 1), colors=colors, interlaced=True)
    yield "own palette", gif(indices, (9, 13), colors=colors, local=other)
    yield "no palette", gif(indices, (9, 13))
    yield "grey ramp", gif(indices, (9, 13), colors=ramp)
    yield "short grey ramp", gif(indices, (9, 13), colors=ramp[:12])
    yield "short palette", gif(indices, (9, 13), colors=colors[:12])
    yield "transparent colour", gif(indices, (9, 13), colors=colors, transparent=5)
    yield "transparent colour beyond the palette", gif(indices, (9, 13), colors=colors, transparent=200)
    yield "transparent grey", gif(indices, (9, 13), transparent=5)
    yield "frame in a corner", gif(indices, (15, 14), (5, 1), colors=colors, background=3)
    yield "transparent frame in a corner", gif(indices, (15, 14), (5, 1), colors=colors, transparent=7, background=3)
    yield "frame beyond the canvas", gif(indices, (7, 5), (2, 3), colors=colors)
    yield "no canvas", gif(indices, (0, 0), colors=colors)
    image = SMOOTH.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE, colors=100)
    yield "of Pillow", encoded(image, "GIF")
    yield "animation", encoded(SMOOTH, "GIF", save_all=True, append_images=[NOISY], disposal=2)
    yield "with a comment", encoded(image, "GIF", comment=b"words " * 60)


# ---- BMP

def bmp(width, height, bits, rows, header=40, compression=0, masks=(), colors=b"", count=None, offset=None):
    colors_of_header = len(colors) // 4 if count is None else count
    body = struct.pack("<iiHHIIiiII", width, height, 1, bits, compression, 0, 0, 0, colors_of_header, 0)
    if header == 12:
        body = struct.pack("<HHHH", width, height, 1, bits)
    stored = b"".join(struct.pack("<I", mask) for mask in masks)
    if header > 40:
        body = (body + stored).ljust(header - 4, b"\0")
        stored = b""
    start = 14 + header + len(stored) + len(colors)
    place = start if offset is None else offset
    return b"BM" + struct.pack("<IHHII", start + len(rows), 0, 0, place, header) + body + stored + colors + rows


def bmp_rows(samples, bits):
    """Rows of indices or pixels, each filled to four bytes."""
    rows = []
    for row in samples:
        text = "".join(format(int(v), f"0{bits}b") for v in row) if bits < 8 else ""
        data = bytes(int(text[i:i + 8].ljust(8, "0"), 2) for i in range(0, len(text), 8)) if bits < 8 else row.tobytes()
        rows.append(data + b"\0" * (-len(data) % 4))
    return b"".join(rows)


RUNS8 = bytes([5, 7, 0, 3, 1, 2, 3, 0, 1, 4, 0, 0]) + bytes([9, 3, 0, 0]) + bytes([2, 1, 0, 2, 3, 1, 3, 6, 0, 0]) + bytes([9, 8, 0, 1])
RUNS4 = bytes([5, 0x71, 0, 3, 0x12, 0x30, 1, 0x40, 0, 0]) + bytes([9, 0x3C, 0, 0]) + bytes([2, 0x12, 0, 2, 3, 1, 3, 0x61, 0, 0, 9, 0x8F, 0, 1])
LONG_RUN = bytes([20, 7, 0, 0, 9, 1, 0, 0, 9, 2, 0, 0, 9, 3, 0, 0, 9, 4])


def bmp_files():
    for bits in (1, 4, 8):
        samples = RANDOM.integers(0, min(1 << bits, 16), (5, 9)).astype(np.uint8)
        colors = noise(1 << bits if bits < 8 else 16, 1, 4).tobytes()
        rows = bmp_rows(samples, bits)
        yield f"{bits} bits", bmp(9, 5, bits, rows, colors=colors, count=0 if bits < 8 else None)
        yield f"{bits} bits from the top", bmp(9, -5, bits, rows, colors=colors)
        yield f"{bits} bits of OS/2", bmp(9, 5, bits, rows, 12, colors=noise(1 << bits, 1).tobytes())
        yield f"{bits} bits, palette not counted", bmp(9, 5, bits, rows, colors=colors, offset=54)
        yield f"{bits} bits, no place", bmp(9, 5, bits, rows, colors=colors, offset=0)
    yield "short palette", bmp(9, 5, 8, bmp_rows(RANDOM.integers(0, 16, (5, 9)).astype(np.uint8), 8), colors=noise(5, 1, 4).tobytes())
    ramp = bytes(v for i in range(256) for v in (i, i, i, 0))
    yield "grey", bmp(9, 5, 8, bmp_rows(noise(9, 5, 1)[..., 0], 8), colors=ramp)
    yield "black and white", bmp(9, 5, 1, bmp_rows(noise(9, 5, 1, 2)[..., 0], 1), colors=bytes([0, 0, 0, 0, 255, 255, 255, 0]))
    yield "24 bits", bmp(9, 5, 24, bmp_rows(noise(9, 5), 24))
    yield "24 bits of OS/2", bmp(9, 5, 24, bmp_rows(noise(9, 5), 24), 12)
    yield "32 bits", bmp(9, 5, 32, bmp_rows(noise(9, 5, 4), 32))
    yield "16 bits", bmp(9, 5, 16, bmp_rows(noise(9, 5, 2), 16))
    yield "all values of 16 bits", bmp(256, 4, 16, bmp_rows((np.arange(1024, dtype=np.uint16) * 63 + 31).reshape(4, 256), 16))
    yield "565", bmp(9, 5, 16, bmp_rows(noise(9, 5, 2), 16), compression=3, masks=(0xF800, 0x7E0, 0x1F))
    yield "565 in a long header", bmp(9, 5, 16, bmp_rows(noise(9, 5, 2), 16), 124, 3, (0xF800, 0x7E0, 0x1F, 0))
    layouts = [(0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0), (0xFF000000, 0xFF00, 0xFF, 0),
               (0xFF000000, 0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
               (0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF000000, 0xFF00, 0xFF, 0xFF0000), (0, 0, 0, 0)]
    for masks in layouts:
        name = ",".join(f"{mask:x}" for mask in masks)
        yield f"masks {name}", bmp(9, 5, 32, bmp_rows(often_at_ends(noise(9, 5, 4)), 32), 108, 3, masks)
    yield "masks after a short header", bmp(9, 5, 32, bmp_rows(noise(9, 5, 4), 32), compression=3, masks=layouts[0][:3])
    yield "masks of header 52", bmp(9, 5, 32, bmp_rows(noise(9, 5, 4), 32), 52, 3, layouts[1][:3])
    yield "masks of header 56", bmp(9, 5, 32, bmp_rows(noise(9, 5, 4), 32), 56, 3, layouts[5])
    yield "runs of 8 bits", bmp(9, 5, 8, RUNS8, compression=1, colors=noise(16, 1, 4).tobytes())
    yield "runs from the top", bmp(9, -5, 8, RUNS8, compression=1, colors=noise(16, 1, 4).tobytes())
    yield "runs of 4 bits", bmp(9, 5, 4, RUNS4, compression=2, colors=noise(16, 1, 4).tobytes())
    yield "a run longer than its row", bmp(9, 5, 8, LONG_RUN, compression=1, colors=noise(16, 1, 4).tobytes())
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        image = SMOOTH.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE) if mode == "P" else SMOOTH.convert(mode)
        yield f"of Pillow, {mode}", encoded(image, "BMP")


# ---- TIFF by hand, for byte orders, planes, tiles and samples that Pillow does not write

def packed(samples, bits, end):
    if bits >= 8:
        return samples.astype(samples.dtype.newbyteorder(end)).tobytes()
    rows = []
    for row in samples.reshape(samples.shape[0], -1):
        text = "".join(format(int(v), f"0{bits}b") for v in row)
        rows.append(bytes(int(text[i:i + 8].ljust(8, "0"), 2) for i in range(0, len(text), 8)))
    return b"".join(rows)


def tiff_directory(entries, place, end, big=False):
    """A directory at a place of the file, and the values that do not fit into it after it."""
    codes = {3: "H", 4: "I", 7: "B", 1: "B", 16: "Q"}
    head, entry, inline = (8, 20, 8) if big else (2, 12, 4)
    after = place + head + entry * len(entries) + (8 if big else 4)
    fields, values = b"", b""
    for tag, (kind, numbers) in sorted(entries.items()):
        data = struct.pack(f"{end}{len(numbers)}{codes[kind]}", *numbers)
        fields += struct.pack(end + ("HHQ" if big else "HHI"), tag, kind, len(numbers))
        if len(data) > inline:
            fields += struct.pack(end + ("Q" if big else "I"), after + len(values))
            values += data + b"\0" * (len(data) % 2)
        else:
            fields += data.ljust(inline, b"\0")
    return struct.pack(end + ("Q" if big else "H"), len(entries)) + fields + bytes(8 if big else 4) + values


def tiff(samples, photometric, bits=8, end="<", planar=False, tile=None, rows=None, compression=1, extra=(), format=1,
         palette=None, big=False, more=None):
    samples = np.atleast_3d(samples)
    height, width, channels = samples.shape
    parts = [samples[..., c:c + 1] for c in range(channels)] if planar else [samples]
    pieces = []
    for part in parts:
        if tile:
            padded = np.pad(part, ((0, -height % tile[1]), (0, -width % tile[0]), (0, 0)))
            pieces += [padded[y:y + tile[1], x:x + tile[0]] for y in range(0, height, tile[1]) for x in range(0, width, tile[0])]
        else:
            pieces += [part[y:y + (rows or height)] for y in range(0, height, rows or height)]
    data = [packed(piece, bits, end) for piece in pieces]
    if compression == 8:
        data = [zlib.compress(piece) for piece in data]
    start, places, at = 16 if big else 8, [], 16 if big else 8
    for piece in data:
        places.append(at)
        at += len(piece) + len(piece) % 2
    sizes = [len(piece) for piece in data]
    entries = {256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * channels), 259: (3, [compression]),
               262: (3, [photometric]), 277: (3, [channels]), 284: (3, [2 if planar else 1]), 339: (3, [format] * channels)}
    entries.update({322: (4, [tile[0]]), 323: (4, [tile[1]]), 324: (4, places), 325: (4, sizes)} if tile else
                   {273: (4, places), 278: (4, [rows or height]), 279: (4, sizes)})
    if extra:
        entries[338] = (3, list(extra))
    if palette is not None:
        entries[320] = (3, palette.T.reshape(-1).tolist())
    entries.update(more or {})
    mark = b"II" if end == "<" else b"MM"
    header = mark + (struct.pack(end + "HHHQ", 43, 8, 0, at) if big else struct.pack(end + "HI", 42, at))
    body = b"".join(piece + b"\0" * (len(piece) % 2) for piece in data)
    assert len(header) == start
    return header + body + tiff_directory(entries, at, end, big)


def tiff_files():
    for bits in (1, 2, 4, 8):
        samples = RANDOM.integers(0, 1 << bits, (7, 11)).astype(np.uint8)
        for photometric, name in ((0, "inverted grey"), (1, "grey")):
            yield f"{name} of {bits} bits", tiff(samples, photometric, bits)
        palette = RANDOM.integers(0, 65536, (1 << bits, 3))
        yield f"palette of {bits} bits", tiff(samples, 3, bits, palette=palette, compression=8)
    deep = RANDOM.integers(0, 600, (7, 11)).astype(np.uint16)
    signed = RANDOM.integers(-300, 600, (7, 11))
    for end in "<>":
        yield f"grey of 16 bits {end}", tiff(deep, 1, 16, end)
        yield f"grey of 16 bits, compressed {end}", tiff(deep, 1, 16, end, compression=8)
        yield f"signed grey of 16 bits {end}", tiff(signed.astype(np.int16), 1, 16, end, format=2)
        yield f"signed grey of 32 bits {end}", tiff(signed.astype(np.int32), 1, 32, end, format=2)
        yield f"floating-point grey {end}", tiff((signed + .7).astype(np.float32), 1, 32, end, format=3)
        for bits in (8, 16):
            kind = np.uint8 if bits == 8 else np.uint16
            for channels in (3, 4):
                samples = RANDOM.integers(0, 1 << bits, (7, 11, channels)).astype(kind)
                if channels == 3:
                    yield f"RGB of {bits} bits {end}", tiff(samples, 2, bits, end)
                    continue
                for extra in ((), (0,), (1,), (2,)):
                    yield f"RGB and {extra} of {bits} bits {end}", tiff(samples, 2, bits, end, extra=extra)
                yield f"CMYK of {bits} bits {end}", tiff(samples, 5, bits, end)
    yield "inverted grey of 16 bits", tiff(deep, 0, 16)
    yield "grey of 32 bits", tiff(RANDOM.integers(0, 600, (7, 11)).astype(np.uint32), 1, 32)
    yield "compressed RGB of 16 bits", tiff(RANDOM.integers(0, 65536, (7, 11, 3)).astype(np.uint16), 2, 16, compression=8)
    yield "signed grey of 8 bits", tiff(noise(11, 7, 1), 1, format=2)
    for extra in ((0,), (2,)):
        yield f"grey and {extra}", tiff(often_at_ends(noise(11, 7, 2)), 1, extra=extra)
    palette = RANDOM.integers(0, 65536, (256, 3))
    yield "palette and alpha", tiff(often_at_ends(noise(11, 7, 2)), 3, extra=(2,), palette=palette)
    yield "RGB and three extra samples", tiff(noise(11, 7, 6), 2, extra=(2, 0, 0))
    yield "CMYK and an extra sample", tiff(noise(11, 7, 5), 5, extra=(0,))
    large = noise(37, 35)
    yield "strips", tiff(large, 2, rows=8)
    yield "tiles", tiff(large, 2, tile=(16, 16))
    yield "compressed tiles", tiff(large, 2, tile=(16, 32), compression=8)
    yield "planes", tiff(large, 2, planar=True, rows=8)
    yield "compressed planes", tiff(large, 2, planar=True, rows=8, compression=8)
    yield "tiles of planes", tiff(large, 2, planar=True, tile=(16, 16), compression=8)
    yield "planes with alpha", tiff(often_at_ends(noise(11, 7, 4)), 2, planar=True, extra=(2,), compression=8)
    yield "tiles of grey of 4 bits", tiff(RANDOM.integers(0, 16, (35, 37)).astype(np.uint8), 1, 4, tile=(16, 16), compression=8)
    yield "BigTIFF", tiff(noise(11, 7), 2, big=True)
    for orientation in range(1, 9):
        yield f"orientation {orientation}", tiff(noise(11, 7), 2, more={274: (3, [orientation])})
        yield f"orientation {orientation} of YCbCr", encoded(SMOOTH.convert("RGB"), "TIFF", compression="jpeg", quality=90,
                                                            tiffinfo={274: orientation})
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    yield "orientation in XMP", tiff(noise(11, 7), 2, more={700: (1, list(xmp))})
    for compression in ("tiff_lzw", "packbits", "tiff_adobe_deflate", "tiff_deflate", "lzma", "zstd"):
        yield f"of Pillow, {compression}", encoded(SMOOTH, "TIFF", compression=compression)
    for compression in ("group3", "group4"):
        yield f"of Pillow, {compression}", encoded(SMOOTH.convert("1"), "TIFF", compression=compression)
    for mode in ("L", "RGB", "CMYK"):
        yield f"of Pillow, jpeg of {mode}", encoded(SMOOTH.convert("RGB").convert(mode), "TIFF", compression="jpeg", quality=80)
    yield "two pages", encoded(SMOOTH, "TIFF", save_all=True, append_images=[NOISY], compression="tiff_lzw")


# ---- AVIF and HEIC

def avif_files():
    for name, image in {"noise": NOISY, "smooth": SMOOTH, "opaque": SMOOTH.convert("RGB"), "grey": SMOOTH.convert("L")}.items():
        for subsampling in ("4:2:0", "4:4:4"):
            yield f"{name} {subsampling}", encoded(image, "AVIF", quality=80, subsampling=subsampling)
    yield "full quality", encoded(SMOOTH, "AVIF", quality=100, subsampling="4:4:4")
    yield "narrow range", encoded(SMOOTH, "AVIF", range="limited")
    yield "multiplied alpha", encoded(SMOOTH, "AVIF", alpha_premultiplied=True, subsampling="4:4:4")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        yield f"orientation {orientation}", encoded(SMOOTH.convert("RGB"), "AVIF", exif=exif, quality=60)
    yield "animation", encoded(SMOOTH, "AVIF", save_all=True, append_images=[NOISY], quality=60)


def heic_files():
    # Without loss and without a change of colours, so all versions of libheif agree.
    exact = {"quality": -1, "chroma": 444, "matrix_coefficients": 0}
    yield "without loss", encoded(SMOOTH.convert("RGB"), "HEIF", **exact)
    yield "without loss, with alpha", encoded(SMOOTH, "HEIF", **exact)
    yield "noise without loss, with alpha", encoded(NOISY, "HEIF", **exact)
    yield "4:4:4", encoded(SMOOTH.convert("RGB"), "HEIF", quality=80, chroma=444)
    yield "grey", encoded(SMOOTH.convert("L"), "HEIF", quality=80)
    for orientation in range(2, 9):  # in EXIF, and as a rotation and a mirroring
        exif = Image.Exif()
        exif[0x112] = orientation
        turned = encoded(SMOOTH.convert("RGB"), "HEIF", exif=exif.tobytes(), **exact)
        yield f"orientation {orientation}", turned
        if orientation == 6:
            assert b"irot\3" in turned
            yield "orientation in EXIF alone", turned.replace(b"irot\3", b"irot\0")
    yield "4:2:0", encoded(SMOOTH.convert("RGB"), "HEIF", quality=80)
    yield "4:2:0 with alpha", encoded(SMOOTH, "HEIF", quality=80)
    yield "noise 4:2:0", encoded(NOISY.convert("RGB"), "HEIF", quality=90)


# ---- raw

def dng(previews, orientation=1, own_exif=None):
    """A DNG: previews in JPEG, the first one in the main directory, and a field of 32 x 24 samples of a Bayer filter."""
    sensor = RANDOM.integers(0, 4096, (24, 32)).astype("<u2").tobytes()
    parts, file = [], b"II*\0" + bytes(4)
    for data in [*previews, sensor]:
        parts.append((len(file), len(data)))
        file += data + b"\0" * (len(data) % 2)
    def entries(index, extra):
        place, size = parts[index]
        return {273: (4, [place]), 279: (4, [size]), 277: (3, [1]), **extra}
    def preview(index, image):
        return entries(index, {254: (4, [1]), 256: (4, [image.width]), 257: (4, [image.height]), 258: (3, [8, 8, 8]),
                               259: (3, [7]), 262: (3, [6]), 277: (3, [3]), 278: (4, [image.height])})
    children = [entries(-1, {254: (4, [0]), 256: (4, [32]), 257: (4, [24]), 258: (3, [16]), 259: (3, [1]), 262: (3, [32803]),
                             278: (4, [24]), 33421: (3, [2, 2]), 33422: (1, [0, 1, 1, 2]), 50714: (3, [0]), 50717: (4, [4095])})]
    images = [Image.open(io.BytesIO(data)) for data in previews]
    children += [preview(i, image) for i, image in enumerate(images) if i > 0]
    places = []
    for child in children:
        places.append(len(file))
        file += tiff_directory(child, len(file), "<")
    maker, model = b"Maker\0", b"Model\0"
    main = {271: (1, list(maker)), 272: (1, list(model)), 274: (3, [orientation]), 330: (4, places),
            50706: (1, [1, 4, 0, 0]), 50708: (1, list(b"Maker Model\0"))}
    if images:
        main = {**preview(0, images[0]), **main}
    file = file[:4] + struct.pack("<I", len(file)) + file[8:]
    return file + tiff_directory(main, len(file), "<")


def raw_files():
    small = encoded(NOISY.convert("RGB").resize((16, 12)), "JPEG")
    large = SMOOTH.convert("RGB").resize((48, 40))
    for orientation in (1, 3, 6, 8):
        yield f"orientation {orientation}", dng([small, encoded(large, "JPEG")], orientation)
    exif = Image.Exif()
    exif[0x112] = 8
    yield "orientation in the preview", dng([small, encoded(large, "JPEG", exif=exif)], 6)
    yield "one preview", dng([encoded(large, "JPEG")])


def raw_image(file):
    """The last preview in the file, which is the largest one, turned as it says itself or else as the main directory says."""
    thumb = rawpy.imread(io.BytesIO(file)).extract_thumb()  # with EXIF data that libraw adds
    assert thumb.format == rawpy.ThumbFormat.JPEG
    image = Image.open(io.BytesIO(file[file.rindex(b"\xff\xd8\xff"):]))
    assert image.size == (48, 40) and np.array_equal(image, Image.open(io.BytesIO(thumb.data)))
    orientation = file[file.index(struct.pack("<HHI", 274, 3, 1)) + 8]
    if image.getexif().get(0x112) is None:
        image.getexif()[0x112] = orientation
    return ImageOps.exif_transpose(image)


def opened(format, file):
    if format == "RAW":
        return raw_image(file)
    image = Image.open(io.BytesIO(file))
    return ImageOps.exif_transpose(image)


def rows():
    kinds = {"GIF": gif_files, "BMP": bmp_files, "TIFF": tiff_files, "AVIF": avif_files, "HEIC": heic_files, "RAW": raw_files}
    for format, files in kinds.items():
        for name, file in files():
            try:
                white = convert_to_rgb(opened(format, file), return_numpy=True)
                dropped = np.array(opened(format, file).convert("RGB"))
            except Exception as error:  # names the file that Pillow does not read
                raise RuntimeError(f"{format} {name}") from error
            row = {"format": format, "name": name, "width": white.shape[1], "height": white.shape[0],
                   "white": zlib.crc32(white.tobytes()), "drop": zlib.crc32(dropped.tobytes())}
            if format == "HEIC" and "4:2:0" in name:
                row.update(tolerance=1, pixels=white.tobytes().hex())
            yield {**row, "file": file.hex()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=pathlib.Path)
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(row) for row in rows())
    (folder / "pixels.json").write_text(f'{{"raw_without_preview": "{dng([]).hex()}",\n"files": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
