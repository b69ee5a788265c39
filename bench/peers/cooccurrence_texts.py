"""The texts of `cooccurrence.py`, and the lists that both sides read: groups, targets, words that are left out."""

import random
import tomllib
from pathlib import Path

LEXICONS = Path(__file__).resolve().parents[2] / "src" / "plumbline" / "data" / "lexicons"
WORDS, SEED = 60, 20261130


def lists():
    """(words for women, words for men, function words), lower case."""
    groups = tomllib.loads((LEXICONS / "group_words.toml").read_text("utf-8"))["gender"]
    functions = tomllib.loads((LEXICONS / "function_words.toml").read_text("utf-8"))
    stop = {word for some in functions.values() if isinstance(some, list) for word in some}
    women, men = ([w.lower() for w in groups[name]] for name in list(groups)[:2])
    return women, men, sorted(stop)


def responses(count):
    """Texts of lower-case words: group, function and made-up content words, of which 60 are targets."""
    women, men, stop = lists()
    rng = random.Random(SEED)
    content = [
        "".join(rng.choice("bcdfglmnprst") + rng.choice("aeiou") for _ in range(3))
        for _ in range(2000)
    ]
    kinds = [women, men, stop, content]
    texts = [
        " ".join(rng.choice(rng.choices(kinds, weights=(1, 1, 8, 10))[0]) for _ in range(WORDS))
        for _ in range(count)
    ]
    return texts, sorted(set(content))[:60]
