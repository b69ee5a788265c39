"""A run with a million made-up answers: how long the dashboard takes for its pages of answers.

python bench/serve/answers.py [ROWS]     figures go to standard output; medians of five, warm
"""

import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np

from plumbline.server import answers

TIMES = 5
WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "is",
    "that",
    "for",
    "it",
    "as",
    "was",
    "with",
    "be",
    "by",
    "on",
    "not",
    "he",
    "his",
    "but",
    "at",
    "are",
    "this",
    "have",
    "from",
    "or",
    "had",
    "an",
    "they",
    "which",
    "one",
    "you",
    "were",
    "all",
    "her",
    "she",
    "there",
    "would",
    "their",
    "we",
    "him",
    "been",
    "has",
    "when",
    "who",
    "will",
    "no",
    "more",
    "if",
    "out",
    "so",
    "said",
    "what",
    "up",
    "its",
    "about",
    "nurse",
    "doctor",
    "teacher",
    "engineer",
    "lawyer",
    "cleaner",
    "woman",
    "man",
    "people",
    "often",
    "always",
    "never",
    "could",
    "should",
]


def make(path: Path, rows: int) -> None:
    """Write an answers.parquet as a run has one; about 400 characters a row, and a rare word."""
    rng = np.random.default_rng(0)
    pool = [" ".join(rng.choice(WORDS, 35)) for _ in range(20_000)]
    with duckdb.connect() as connection:
        connection.execute("set threads to 1")
        connection.register(
            "pool", {"id": np.arange(len(pool)), "text": np.array(pool, dtype=object)}
        )
        connection.execute(
            f"""
            copy (
                select case when i % 10 < 7 then 'regard' else 'bbq' end as metric, 0.0 as step,
                    case when i % 3 = 0 then 'regard' else 'subject' end as "to", 'generate' as ability,
                    i::double as row, md5(i::varchar) as key,
                    '{{"prompt": ["' || q.text || ' ' || i || '"]}}' as question,
                    '["' || a.text || case when i = {rows - 1000} then ' quokka' else '' end || '", "stop"]' as answer,
                    case when i % 50 = 0 then 'refused' else '' end as status
                from range({rows}) t(i)
                join pool q on q.id = (i * 7919) % {len(pool)} join pool a on a.id = (i * 104729 + 17) % {len(pool)}
                order by i
            ) to '{path}' (format parquet, compression zstd)
            """  # noqa: S608 - our own path and numbers
        )


def main(rows: int) -> None:
    """Print one line a kind of page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.parquet"
        make(path, rows)
        asked = {
            "first page": answers.Wanted(),
            "deep page": answers.Wanted(after=rows * 9 // 10),
            "deep page, backward": answers.Wanted(before=rows * 9 // 10),
            "filter: method and unanswered": answers.Wanted(metric="regard", state="unanswered"),
            "filter, deep": answers.Wanted(
                metric="regard", state="unanswered", after=rows * 9 // 10
            ),
            "filter, deep, backward": answers.Wanted(
                metric="regard", state="unanswered", before=rows * 9 // 10
            ),
            "search: frequent words": answers.Wanted(text="engineer lawyer"),
            "search: one row near the end": answers.Wanted(text="quokka"),
            "search: one row, backward": answers.Wanted(text="quokka", before=rows),
            "search: nothing found": answers.Wanted(text="wombat"),
        }
        print(
            f"{rows:,} answers, {path.stat().st_size / 2**20:.0f} MiB, DuckDB {duckdb.__version__}"
        )
        print(f"{'choices of the form':32} {timed(lambda: answers.choices(path)):8.0f} ms")
        for name, wanted in asked.items():
            shown = len(answers.page(path, wanted).rows)
            print(
                f"{name:32} {timed(lambda w=wanted: answers.page(path, w)):8.0f} ms   {shown} rows"
            )


def timed(work) -> float:
    """Median of a few calls, in milliseconds."""
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - began))
    return float(np.median(found))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
