"""ARPA n-gram models: the contract, probabilities worked out by hand, and damaged files."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from contract import LAWS, SAMPLES, Case, ask

from plumbline.core import questions as q
from plumbline.core.errors import BadInput, UnknownName
from plumbline.models.abilities import ModelOptions
from plumbline.models.arpa import open_arpa
from plumbline.models.resolve import open_model

# Our own numbers: P(cat|the) = 1/2, P(sat|the cat) = 1/4, weights 1/2, 1/4, 1/5.
L2, L4, L5, L8 = (math.log10(1 / n) for n in (2, 4, 5, 8))
TOY = rf"""
\data\
ngram 1=7
ngram 2=4
ngram 3=1

\1-grams:
-1.0	<unk>
-99	<s>	{L2:.9f}
{L8:.9f}	</s>
{L4:.9f}	the	{L4:.9f}
{L5:.9f}	cat	{L5:.9f}
{L8:.9f}	sat
{L8:.9f}	.

\2-grams:
{L2:.9f}	<s> the	0.0
{L2:.9f}	the cat	{L2:.9f}
{L4:.9f}	cat sat
{L2:.9f}	<unk> cat

\3-grams:
{L4:.9f}	the cat sat

\end\
"""


@pytest.fixture
def toy(tmp_path) -> Path:
    """The toy model as a file."""
    path = tmp_path / "toy.arpa"
    path.write_text(TOY, "utf-8")
    return path


def said(path, context, more, **options):
    """Probabilities and texts of a continuation's words, or the reason why there are none."""
    got = ask(open_arpa(str(path), ModelOptions(**options)), q.logprob([context], [more]))
    if got.status[0]:
        return got.status[0]
    values, pieces = got.row(0)
    return np.exp(values).tolist(), list(pieces)


def listed(path: Path) -> Path:
    """A unigram and bigram model of the contract's sample words."""
    texts = [c[0].text for c in SAMPLES["logprob"].columns["context"]]
    texts += SAMPLES["logprob"].columns["continuation"]
    words = sorted({w for t in texts for w in t.replace(".", " . ").split()})
    lines = ["\\data\\", f"ngram 1={len(words) + 1}", "ngram 2=2", "\\1-grams:", "-99\t<s>\t-0.1"]
    lines += [f"{-1 - k / 50}\t{w}\t-0.2" for k, w in enumerate(words)]
    lines += ["\\2-grams:", "-0.3\t<s> The", "-0.4\tthat she", "\\end\\"]
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture
def case(tmp_path) -> Case:
    """The adapter under the contract; every setting that moves a number moves the fingerprint."""
    path = listed(tmp_path / "words.arpa")
    long = q.logprob(["The nurse said " * 5, "The nurse"], [" that", " said"])
    options = ModelOptions(max_context=12)
    return Case(
        adapter=open_arpa(str(path), options), options=options,
        reopen=lambda o: open_arpa(str(path), o), too_long={"logprob": long},
        moves=(
            ModelOptions(), ModelOptions(bos="none"), ModelOptions(bos="The"),
            ModelOptions(system="Be kind."), ModelOptions(extra={"lower": True}),
            ModelOptions(extra={"split": False}),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_contract(law, case):
    """The adapter keeps the law."""
    law(case)


@pytest.mark.parametrize(
    ("context", "more", "want"),
    [
        ("", "the", [1 / 2]),  # <s> the
        ("", "cat", [1 / 2 * 1 / 5]),  # weight of <s>, then the unigram
        ("the", " cat", [1 / 2]),  # <s> the has weight 1; the cat
        ("the cat", " sat", [1 / 4]),  # the trigram
        ("sat cat", " sat", [1 / 4]),  # no trigram, no weight of "sat cat"; cat sat
        ("the cat", " .", [1 / 2 * 1 / 5 * 1 / 8]),  # weights of the cat and cat, then the unigram
        ("the", " cat sat.", [1 / 2, 1 / 4, 1 / 8]),  # sat has no weight
        ("zebra", " the cat", [1 / 4, 1 / 2]),  # an unlisted word is <unk>, here without a weight
        ("the zebra", " cat", [1 / 2]),  # <unk> cat
    ],
)
def test_probabilities_by_hand(toy, context, more, want):
    """Longest n-gram, else the history's weight times the shorter one; natural logs of ARPA's base 10."""
    got, _ = said(toy, context, more)
    assert got == pytest.approx(want, rel=1e-7)


def test_start_of_sentence_is_stated_and_can_be_left_out(toy):
    """`<s>` stands before the first word unless --bos says none; about() tells which."""
    assert open_arpa(str(toy), ModelOptions()).about()["bos"] == "<s>"
    assert open_arpa(str(toy), ModelOptions(bos="none")).about()["bos"] == "none"
    assert said(toy, "", "the", bos="none")[0] == pytest.approx([1 / 4])
    assert said(toy, "", "cat", bos="the")[0] == pytest.approx([1 / 2])
    with pytest.raises(BadInput, match="no such word"):
        open_arpa(str(toy), ModelOptions(bos="zebra"))


def test_a_weight_is_taken_exactly_where_the_longer_gram_is_missing(toy):
    """After `the`: only `cat` has a bigram; every other word is its unigram times the weight 1/4."""
    words = ["the", "cat", "sat", "."]
    got = [said(toy, "sat the", f" {w}")[0][0] for w in words]
    assert got == pytest.approx([1 / 16, 1 / 2, 1 / 32, 1 / 32], rel=1e-7)


def test_what_has_no_probability_has_a_reason(toy):
    """An unlisted word, a broken word and an empty continuation are unanswered, never a number."""
    assert said(toy, "the", " zebra") == "unknown word"
    assert said(toy, "the", " cat zebra") == "unknown word"
    assert said(toy, "the c", "at") == "the continuation begins inside a word"
    assert said(toy, "the", " ") == "no word to score"
    assert said(toy, "the cat", " sat", max_context=2) == "truncated: 3 words, 2 fit"


def test_spelling_settings(toy):
    """`lower` looks up lower case; without `split` a mark belongs to its word; others are refused."""
    assert said(toy, "", "The") == "unknown word"
    assert said(toy, "", "The", extra={"lower": True})[0] == pytest.approx([1 / 2])
    assert said(toy, "the", " cat.", extra={"split": False}) == "unknown word"
    assert said(toy, "the", " cat sat.")[1] == [" cat", " sat", "."]
    with pytest.raises(UnknownName):
        open_arpa(str(toy), ModelOptions(extra={"lowr": True}))


def test_chat_messages_end_before_the_continuation(toy):
    """A chat turn's last word and the answer's first one stay two words."""
    turn = q.prompt("the", role="user")
    got = ask(open_arpa(str(toy), ModelOptions()), q.logprob([turn], ["cat"]))
    assert np.exp(got.total) == pytest.approx([1 / 2])


def test_forms_and_compression(toy):
    """`arpa:FILE` opens through the table of forms, and a gzipped file gives the same answers."""
    packed = toy.with_suffix(".arpa.gz")
    packed.write_bytes(gzip.compress(toy.read_bytes()))
    one, two = open_model(f"arpa:{toy}"), open_model(f"arpa:{packed}")
    batch = q.logprob(["the cat", ""], [" sat.", "the cat"])
    np.testing.assert_array_equal(ask(one, batch).values, ask(two, batch).values)
    assert one.abilities == {"logprob"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("\\end\\", "", "cut off"),
        ("ngram 2=4", "ngram 2=5", "announces"),
        ("ngram 3=1\n", "", "announces"),
        ("\tcat sat\n", "\tcat\n", "line 19"),
        (f"{L4:.9f}\tthe cat sat", "0.25\tthe cat sat", "at most 0"),
        (f"{L8:.9f}\tsat", "nan\tsat", "log-probability"),
        (f"{L8:.9f}\tsat", "high\tsat", "log-probability"),
    ],
)
def test_damaged_files_are_bad_input(toy, old, new, says):
    """A file that is cut off, miscounted or no ARPA is refused with the place; never half read."""
    assert old in TOY
    toy.write_text(TOY.replace(old, new, 1), "utf-8")
    with pytest.raises(BadInput, match=says):
        open_arpa(str(toy), ModelOptions())


def test_a_file_that_is_not_there_is_bad_input(tmp_path):
    """The message says what the form wants, not what the system call said."""
    with pytest.raises(BadInput, match="no file at .*nowhere.arpa; arpa: wants"):
        open_model(f"arpa:{tmp_path / 'nowhere.arpa'}")


def test_a_file_that_is_no_arpa_is_bad_input(tmp_path):
    """Another text, half a gzip file and a path where nothing is are refused by name."""
    (tmp_path / "tale.arpa").write_text("the cat sat\n\\end\\\n", "utf-8")
    with pytest.raises(BadInput, match="announces"):
        open_arpa(str(tmp_path / "tale.arpa"), ModelOptions())
    (tmp_path / "half.arpa.gz").write_bytes(gzip.compress(TOY.encode())[:-20])
    with pytest.raises(BadInput, match="not a whole gzip file"):
        open_arpa(str(tmp_path / "half.arpa.gz"), ModelOptions())
    with pytest.raises(BadInput, match=r"none\.arpa"):
        open_arpa(str(tmp_path / "none.arpa"), ModelOptions())
