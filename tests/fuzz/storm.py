"""Coverage-guided fuzzing of one parser, where atheris is installed: `python -m tests.fuzz.storm NAME SECONDS FOLDER`.

Ends with status 0 when nothing was found; otherwise the traceback and the input stand on standard error.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

atheris = import_module("atheris")

with atheris.instrument_imports(include=["keystead"]):
    from tests.fuzz.documents import DOCUMENTS
    from tests.fuzz.requests import REQUESTS
    from tests.fuzz.tokens import TOKENS

TARGETS = {target.name: target for target in (*REQUESTS, *TOKENS, *DOCUMENTS)}


def main() -> None:
    """Fuzz until the time is up."""
    name, seconds, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    target = TARGETS[name]
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate((*target.seeds, *target.words)):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [f"-max_total_time={seconds}", "-max_len=16384", "-timeout=20", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], target.feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
