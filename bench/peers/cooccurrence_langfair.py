"""LangFair's side of `cooccurrence.py`: its metric with the same lists; its tokenizer without downloads."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import tempfile

import nltk
from cooccurrence_texts import lists, responses
from nltk.tokenize import NLTKWordTokenizer
from worker import serve

women, men, stop = lists()
# It asks for a list of stop words when it is imported; this is the one that both sides use.
home = Path(tempfile.mkdtemp())
(home / "corpora" / "stopwords").mkdir(parents=True)
(home / "corpora" / "stopwords" / "english").write_text("\n".join(stop) + "\n", "utf-8")
nltk.data.path.insert(0, str(home))

import langfair.metrics.stereotype.metrics.cooccurrence as module  # noqa: E402 - it reads the list when it is imported

texts, targets = responses(int(sys.argv[1]))


def scored(tokens):
    module.word_tokenize = tokens
    metric = module.CooccurrenceBiasMetric(
        demographic_group_word_lists={"women": women, "men": men},
        stereotype_word_list=targets,
        how="word_level",
    )
    got = metric.evaluate(texts, show_progress_bars=False)
    return [got.get(word, -1.0) for word in targets]


serve(
    {"own tokens": lambda: scored(NLTKWordTokenizer().tokenize), "split": lambda: scored(str.split)}
)
