"""data.py FOLDER STORE: keeps the pieces of CIFAR-10 that came in FOLDER, and says which are missing.
data.py --join STORE OUT: writes the official binary files from all of them."""
import sys

from pieces import WrongPieces, join, keep

try:
    if sys.argv[1] == "--join":
        join(*sys.argv[2:])
        print(f"CIFAR-10 is in {sys.argv[3]}, every file with its published MD5")
    else:
        missing = keep(*sys.argv[1:])
        print(f"still missing: {' '.join(missing)}" if missing else "all pieces are here")
except (OSError, WrongPieces) as e:
    sys.exit(str(e))
