"""Install the peers, each in an environment of its own below `bench/.peers`.

    python bench/peers/setup.py [NAME ...]

Without names: all. An environment that is there is left as it is.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".peers"
# The processor's build of torch is enough, and langfair's own pins do not go together with a newer pyarrow.
WANTED = {
    "wefe": ("wefe==1.0.1",),
    "fairlearn": ("fairlearn==0.15.0",),
    "lmeval": ("torch==2.13.0", "lm-eval[hf]==0.4.13"),
    "langfair": ("torch==2.13.0", "langfair==0.8.0", "pyarrow<20", "numpy<2"),
}


def main() -> None:
    """Make what is missing."""
    for name in sys.argv[1:] or WANTED:
        folder = PEERS / name
        if (folder / ".ready").is_file():
            continue
        venv.create(folder, with_pip=True, clear=True)
        python = folder / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", *WANTED[name]], check=True)
        (folder / ".ready").touch()
        print(f"{name}: {' '.join(WANTED[name])}")


if __name__ == "__main__":
    main()
