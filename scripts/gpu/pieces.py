"""CIFAR-10 in pieces that travel one by one.

Every file is cut into parts of at most so many bytes, NAME.000, NAME.001, ...; manifest.json says how long
each file and each part is, with their SHA-256. The files are the official binary ones, or lossless WebP mosaics of
100 x 100 images each with the labels of all 60,000 images in labels.bin.
"""
import hashlib
import json
import os
import subprocess

OFFICIAL = {"data_batch_1": "5dd7e06a14cb22eb9f671a540d1b7c25", "data_batch_2": "5ea93a67294ea407fff1d09f752e9692",
            "data_batch_3": "942cd6a4bcdd0dd3c604fbe906cb4421", "data_batch_4": "ae636b3ba5c66a11e91e8cb52e771fcb",
            "data_batch_5": "53f37980c15c3d472c316c40844f3f0d", "test_batch": "803d5f7f4d78ea53de84dbe85f74fb6d"}
SIDE, TILES = 3200, 100
MANIFEST = "manifest.json"


class WrongPieces(Exception):
    pass


def digest(data):
    return hashlib.sha256(data).hexdigest()


def content(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path + ".part", "wb") as f:
        f.write(data)
    os.replace(path + ".part", path)


def sources(folder):
    """The files of `folder` that hold CIFAR-10: names, labels first."""
    binary, mosaics = ([f"{name}.{end}" for name in OFFICIAL] for end in ("bin", "webp"))
    for names in (binary, ["labels.bin", *mosaics]):
        if all(os.path.exists(os.path.join(folder, name)) for name in names):
            return names
    raise WrongPieces(f"{folder}: expected data_batch_1.bin to data_batch_5.bin and test_batch.bin, or the same as .webp with "
                      "labels.bin beside them")


def split(folder, out, most):
    """Writes the pieces and the manifest; returns the names of the pieces with their sizes."""
    os.makedirs(out, exist_ok=True)
    files, pieces = {}, []
    for name in sources(folder):
        data = content(os.path.join(folder, name))
        parts = [data[at:at + most] for at in range(0, len(data), most)]
        names = [f"{name}.{i:03}" for i in range(len(parts))]
        files[name] = {"bytes": len(data), "sha256": digest(data),
                       "pieces": [{"name": n, "bytes": len(p), "sha256": digest(p)} for n, p in zip(names, parts)]}
        for n, p in zip(names, parts):
            write(os.path.join(out, n), p)
            pieces.append((n, len(p)))
    write(os.path.join(out, MANIFEST), (json.dumps({"files": files}, indent=1) + "\n").encode())
    return pieces


def keep(folder, store):
    """Takes the pieces that lie in `folder` into `store`, each checked against the manifest that came along. Returns the
    names of those still missing."""
    os.makedirs(store, exist_ok=True)
    path = os.path.join(folder, MANIFEST)
    if not os.path.exists(path):
        raise WrongPieces(f"{folder}: expected {MANIFEST}, which every call that carries pieces carries, too; "
                          "scripts/cifar10_pieces makes them")
    manifest = json.loads(content(path))
    missing = []
    for file in manifest["files"].values():
        for piece in file["pieces"]:
            kept, come = os.path.join(store, piece["name"]), os.path.join(folder, piece["name"])
            if os.path.exists(come) and folder != store:
                data = content(come)
                if digest(data) != piece["sha256"]:
                    raise WrongPieces(f"{come}: its SHA-256 is not that of the manifest; it was damaged on the way: send it "
                                      "again")
                write(kept, data)
            if not os.path.exists(kept) or digest(content(kept)) != piece["sha256"]:
                missing.append(piece["name"])
    if folder != store:
        write(os.path.join(store, MANIFEST), content(path))
    return missing


def pixels(path):
    """A mosaic's pixels: red, green and blue by turns, row by row."""
    try:
        from PIL import Image
    except ImportError:
        try:
            done = subprocess.run(["dwebp", "-quiet", "-ppm", path, "-o", "-"], check=True, stdout=subprocess.PIPE)
        except FileNotFoundError:
            raise WrongPieces("the mosaics are WebP: install Pillow or dwebp (Debian package webp)") from None
        return done.stdout[-SIDE * SIDE * 3:]
    Image.MAX_IMAGE_PIXELS = None
    return Image.open(path).convert("RGB").tobytes()


def records(mosaic, labels):
    """The official form: a label, then the image's red, green and blue plane."""
    rows, tile = [mosaic[3 * SIDE * r:3 * SIDE * (r + 1)] for r in range(SIDE)], 3 * (SIDE // TILES)
    out = bytearray()
    for i, label in enumerate(labels):
        top, left = i // TILES * (SIDE // TILES), i % TILES * tile
        image = b"".join(row[left:left + tile] for row in rows[top:top + SIDE // TILES])
        out += bytes([label]) + image[0::3] + image[1::3] + image[2::3]
    return bytes(out)


def join(store, out):
    """Puts the files together and writes the official binary files, each with its published MD5."""
    missing = keep(store, store)
    if missing:
        raise WrongPieces(f"still missing: {' '.join(missing)}; carry them in a call of `scripts/gpu_check data FOLDER`")
    manifest = json.loads(content(os.path.join(store, MANIFEST)))
    os.makedirs(out, exist_ok=True)
    whole = {}
    for name, file in manifest["files"].items():
        whole[name] = b"".join(content(os.path.join(store, p["name"])) for p in file["pieces"])
        if digest(whole[name]) != file["sha256"]:
            raise WrongPieces(f"{name}: put together, its SHA-256 is not that of the manifest")
    for batch, (name, md5) in enumerate(OFFICIAL.items()):
        target = os.path.join(out, name + ".bin")
        if os.path.exists(target) and hashlib.md5(content(target)).hexdigest() == md5:
            continue
        data = whole.get(name + ".bin")
        if data is None:
            path = os.path.join(store, name + ".webp")
            write(path, whole[name + ".webp"])
            count = TILES * TILES
            data = records(pixels(path), whole["labels.bin"][batch * count:(batch + 1) * count])
        if hashlib.md5(data).hexdigest() != md5:
            raise WrongPieces(f"{name}.bin: its MD5 is not the published one, {md5}")
        write(target, data)
