"""CIFAR-10 cut, carried in several calls and put together again: on made-up bytes, with the published MD5 of those."""
import hashlib
import json
import os
import random
import sys
import tempfile
import unittest
from unittest import mock

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts/gpu"))
import pieces  # noqa: E402


class PiecesTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.source, self.out, self.store = (os.path.join(self.folder.name, n) for n in ("source", "out", "store"))
        os.makedirs(self.source)
        rng = random.Random(1)
        self.data = {name: rng.randbytes(5000) for name in pieces.OFFICIAL}
        for name, data in self.data.items():
            pieces.write(os.path.join(self.source, name + ".bin"), data)
        md5 = {name: hashlib.md5(data).hexdigest() for name, data in self.data.items()}
        self.patch = mock.patch.dict(pieces.OFFICIAL, md5)
        self.patch.start()

    def tearDown(self):
        self.patch.stop()
        self.folder.cleanup()

    def carry(self, names):
        """A folder as one call carries it."""
        call = tempfile.mkdtemp(dir=self.folder.name)
        for name in [*names, pieces.MANIFEST]:
            pieces.write(os.path.join(call, name), pieces.content(os.path.join(self.out, name)))
        return call

    def test_in_two_calls(self):
        names = [name for name, _ in pieces.split(self.source, self.out, 2000)]
        self.assertEqual(len(names), 18)
        self.assertEqual(sorted(pieces.keep(self.carry(names[:7]), self.store)), sorted(names[7:]))
        with self.assertRaisesRegex(pieces.WrongPieces, "still missing: .*" + names[7]):
            pieces.join(self.store, self.out + "_bin")
        self.assertEqual(pieces.keep(self.carry(names[7:]), self.store), [])
        pieces.join(self.store, self.out + "_bin")
        for name, data in self.data.items():
            self.assertEqual(pieces.content(os.path.join(self.out + "_bin", name + ".bin")), data)

    def test_damage_is_found(self):
        name = pieces.split(self.source, self.out, 2000)[3][0]
        call = self.carry([name])
        pieces.write(os.path.join(call, name), b"x" + pieces.content(os.path.join(call, name))[1:])
        with self.assertRaisesRegex(pieces.WrongPieces, name + ": its SHA-256"):
            pieces.keep(call, self.store)
        with self.assertRaisesRegex(pieces.WrongPieces, "expected manifest.json"):
            pieces.keep(self.source, self.store)

    def test_other_images_are_refused(self):
        names = [name for name, _ in pieces.split(self.source, self.out, 10000)]
        pieces.keep(self.carry(names), self.store)
        with mock.patch.dict(pieces.OFFICIAL, {"test_batch": "0" * 32}):
            with self.assertRaisesRegex(pieces.WrongPieces, "test_batch.bin: its MD5"):
                pieces.join(self.store, self.out + "_bin")

    def test_a_folder_without_them_is_named(self):
        os.remove(os.path.join(self.source, "test_batch.bin"))
        with self.assertRaisesRegex(pieces.WrongPieces, "expected data_batch_1.bin"):
            pieces.split(self.source, self.out, 2000)

    def test_mosaics_become_records(self):
        side, tiles = 6, 2
        with mock.patch.multiple(pieces, SIDE=side, TILES=tiles):
            # Image i holds the colour (i, 10 + i, 20 + i) everywhere.
            mosaic = bytes(v for r in range(side) for c in range(side) for i in [r // 3 * tiles + c // 3] for v in (i, 10 + i, 20 + i))
            records = pieces.records(mosaic, bytes([7, 8, 9, 6]))
        self.assertEqual(len(records), 4 * (1 + 27))
        self.assertEqual(records[28:56], bytes([8] + [1] * 9 + [11] * 9 + [21] * 9))


if __name__ == "__main__":
    unittest.main()
