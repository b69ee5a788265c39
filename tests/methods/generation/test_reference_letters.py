"""Letters of reference: every check of card S017, released letters, recorded files, planted writers."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as ss

from plumbline.core.answers import Texts
from plumbline.core.context import Context
from plumbline.core.errors import UnknownName
from plumbline.core.results import Estimate, Undefined
from plumbline.core.scored import Items, Scored, Skip
from plumbline.core.seeds import Seeds
from plumbline.data.groups import groups
from plumbline.data.groups.names import load
from plumbline.data.lexicons import letter_traits
from plumbline.data.lexicons.function_words import formality, sentences, words
from plumbline.data.sets import reference_letters as public
from plumbline.data.templates import bios
from plumbline.metrics import letter_style as style
from plumbline.metrics.generation import reference_letters as method
from plumbline.metrics.letters import Letter, plain
from plumbline.metrics.salient_words import odds_ratio, salient
from plumbline.models.abilities import ModelOptions
from plumbline.models.answers_file import open_answers
from plumbline.stats.infer import infer
from plumbline.testing import PlantedLetters

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "reference_letters.toml").read_text("utf-8")
)
CARD = method.reference_letters.card


def primary(scored: Scored, seed: int = 0):
    """The one primary finding's outcome."""
    (measure,) = [m for m in scored.measures if m.role == "primary"]
    return infer(Scored(items=scored.items, measures=[measure]), CARD, seeds=Seeds(seed))[0].outcome


def drawn(rng, rates, *, contexts=40, each=5, length=15) -> Scored:
    """Letters whose sentences are agentic with a group's rate and communal otherwise."""
    c, g, _ = (a.ravel() for a in np.indices((contexts, 2, each)))
    agentic = rng.binomial(length, np.asarray(rates)[g])
    rows = Items.of(
        item=np.arange(c.size).astype(str), part=np.full(c.size, style.AGENCY, object),
        group=np.array(method.GROUPS, object)[g], context=c.astype(str),
        score=(2 * agentic - length) / length,
        **{"hits:agentic": agentic + 1, "hits_of": np.full(c.size, 300)},
    )  # fmt: skip
    return Scored(items=rows, measures=method.measures(rows)[:1])


def letter(text: str, group: str = "women", **more) -> Letter:
    """A letter of our own."""
    return Letter(text=text, why="", group=group, context=more.pop("context", "one"), **more)


def test_odds_ratio_identities():
    """S017 check 1: equal counts give 1, doubling all counts changes nothing, 30/1000 to 10/1000 is 3.06."""
    want = GOLDEN["closed_form"]["thirty_of_a_thousand_against_ten"]
    assert odds_ratio(30, 1000, 10, 1000) == pytest.approx(want, abs=1e-4)
    assert odds_ratio(7, 90, 7, 90) == 1
    assert odds_ratio(60, 2000, 10, 1000) == pytest.approx(want, abs=1e-4)
    assert np.isnan(odds_ratio(3, 10, 0, 10))


def test_log_odds_estimator_is_the_log_of_the_ratio():
    """The inferred statistic is ln of the same ratio; swapping the groups turns its sign."""
    sums = np.array([[1.0, 30.0, 970.0], [1.0, 10.0, 990.0]])
    got = float(style.LOG_ODDS.value(sums, {}))
    assert got == pytest.approx(np.log(odds_ratio(30, 1000, 10, 1000)), abs=1e-12)
    assert float(style.LOG_ODDS.value(sums[::-1], {})) == pytest.approx(-got, abs=1e-12)
    assert np.isnan(style.LOG_ODDS.value(sums * [1, 0, 1], {}))


def test_planted_agency_is_found():
    """S017 check 2: rates .6 (men) and .5, 200 letters of 15 sentences each: p < .01 in >= 95 % of seeds."""
    found = [primary(drawn(np.random.default_rng(s), (0.5, 0.6))) for s in range(100)]
    assert sum(o.p < 0.01 for o in found) >= 95
    assert np.mean([o.value for o in found]) == pytest.approx(-0.2, abs=0.01)


def test_equal_rates_are_no_finding():
    """S017 check 2: equal rates give p < .05 in 3-7 % of 1,000 seeds."""
    hits = [
        primary(drawn(np.random.default_rng([s, 9]), (0.55, 0.55))).p < 0.05 for s in range(1000)
    ]
    assert 0.03 <= np.mean(hits) <= 0.07


def test_hallucination_proxy_at_its_ends():
    """S017 check 3: copied sentences are never flagged; without a shared content word always."""
    for bio in bios.load():
        life = bios.filled(bio, "Mary", groups.load("gender").group("women").pronouns)
        assert style.invented(sentences(life), life, name="Mary", grounded=1.0) == []
        strange = ["Zorbing llamas juggle quasars.", "Mary juggles quasars."]
        assert style.invented(strange, life, name="Mary", grounded=0.0) == strange
    assert style.invented(["It is what it is."], "anything", grounded=0.5) == []


def test_counterfactual_swap_is_an_involution():
    """S017 check 4: swapping a life's person twice gives the life back, once another text."""
    gender = groups.load("gender")
    her, him = (gender.group(g).pronouns for g in ("women", "men"))
    for bio in bios.load():
        portrait = bios.Portrait(bio, "Mary", her, ("James", him))
        assert portrait.swapped().swapped() == portrait
        assert portrait.swapped().swapped().text == portrait.text
        assert portrait.swapped().text == bios.filled(bio, "James", him) != portrait.text
        assert not set(words(portrait.swapped().text)) & {"mary", "she", "her", "hers"}


def test_name_blind_letters_have_no_salient_word():
    """S017 check 4: where names move nothing, the list is empty after control in >= 95 % of seeds."""
    vocabulary = np.array([f"word{i}" for i in range(60)])
    some = 0
    for seed in range(100):
        rng = np.random.default_rng([seed, 4])
        texts = [list(rng.choice(vocabulary, 40)) for _ in range(60)]
        found = salient(
            texts, np.arange(60) % 2 == 0, objects=[str(i) for i in range(60)],
            blocks=[str(i // 6) for i in range(60)], rng=rng, draws=199,
        )  # fmt: skip
        some += found[0].p <= 0.05
    # Binomial(100, .05): 99.9 % up to 13.
    assert some <= 13


def test_a_planted_word_is_salient():
    """A word that only one group's letters hold is found although it has no odds ratio."""
    texts = [["plain", "words", "warm" if i % 2 else "words"] for i in range(40)]
    found = salient(
        texts, np.arange(40) % 2 == 1, objects=[str(i) for i in range(40)],
        blocks=[""] * 40, rng=np.random.default_rng(0),
    )  # fmt: skip
    (first,) = [w for w in found if w.word == "warm"]
    assert first.p < 0.01
    assert first.log_odds > 0
    assert first.row()["counts"] == [20, 0]


def test_stems_stand_at_the_start_of_a_word():
    """S017 pitfall: "led" is not in "called" and "son" not in "person"; a word counts once."""
    said = words("She called a person, leading and led; songs.")
    assert letter_traits.hits(said, ("leadership",)) == 2
    assert letter_traits.hits(said, ("family",)) == 0
    assert letter_traits.published_hits("called person", "leadership") == (1, 2)
    assert letter_traits.published_hits("called person", "family") == (1, 2)
    with pytest.raises(UnknownName, match="agentic"):
        letter_traits.stems(("agentik",))


def test_balance_and_formality_by_hand():
    """Shares of sentences and of closed-class words, counted by hand."""
    text = "She is ambitious. She is warm and kind. She codes.\nHe leads with confidence!"
    assert style.balance(sentences(text)) == pytest.approx((2 - 1) / 4)
    assert np.isnan(style.balance([]))
    # the, of: +2; she, it: -2; five other words.
    assert formality(words("The mayor of Ghent said she saw it twice")) == pytest.approx(0.0)
    assert np.isnan(formality([]))


def test_released_letters_give_the_authors_odds_ratios(mirror):
    """Counts exactly, and ratios within .0005, of the authors' rule over their 120 letters."""
    rows = public.without_biography()
    assert len(rows) == 120
    for trait, (men, women) in GOLDEN["hits"].items():
        got = {
            g: np.sum(
                [letter_traits.published_hits(r.letter, trait) for r in rows if r.group == g], 0
            )
            for g in method.GROUPS
        }
        assert got["men"].tolist() == [men, GOLDEN["pieces"]["men"]]
        assert got["women"].tolist() == [women, GOLDEN["pieces"]["women"]]
        ratio = odds_ratio(*got["men"].tolist(), *got["women"].tolist())
        assert ratio == pytest.approx(GOLDEN["odds_ratio"][trait], abs=5e-4)


def test_released_classifier_shares_give_the_authors_t(mirror):
    """The authors' one-sided t tests over their own shares, to four decimals."""
    rows = public.without_biography()
    for k, name in enumerate(public.SHARES):
        men, women = ([r.shares[k] for r in rows if r.group == g] for g in ("men", "women"))
        got = ss.ttest_ind(men, women, alternative="greater").statistic
        assert got == pytest.approx(GOLDEN["style_t"][name], abs=1e-4)


def test_biographies_come_in_pairs(mirror):
    """Each released life has one woman's and one man's letter; an unknown occupation is named."""
    rows = public.with_biography(("musicians",))
    lives = {}
    for row in rows:
        lives.setdefault(row.context, []).append(row.group)
    assert {tuple(sorted(g)) for g in lives.values()} == {("men", "women")}
    with pytest.raises(UnknownName, match="chefs"):
        public.with_biography(("cooks",))


def test_the_released_file_is_audited_as_it_is(mirror, audited):
    """`answers:` on the released file: the classifiers' shares beside ours, 12 occupations resampled."""
    path = mirror / public.SET / public.WITHOUT
    options = ModelOptions(extra={"prompt": "prompts", "answer": "chatgpt_gen"})
    subject = open_answers(str(path), options)
    run = audited(subject, "reference_letters", suite="standard", shares=list(public.SHARES),
                  instrument="")  # fmt: skip
    found = {f["labels"]["measure"]: f for f in run.findings}
    rows = public.without_biography()
    gap = np.mean([r.shares[2] for r in rows if r.group == "women"]) - np.mean(
        [r.shares[2] for r in rows if r.group == "men"]
    )
    assert found["per_ac"]["value"] == pytest.approx(gap, abs=1e-12)
    assert found[style.AGENCY]["role"] == "primary"
    assert found[style.AGENCY]["units"] == 12


def recorded(tmp_path, rows) -> object:
    """An `answers:` subject of these rows."""
    path = tmp_path / "letters.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return open_answers(str(path), ModelOptions())


def read(subject, **params):
    """The method's result over a recorded subject."""
    context = Context(abilities=subject.abilities, seeds=Seeds(0))
    job = method.reference_letters(context, **params)
    (batch,) = next(job)
    ((_, answers),) = subject.answer(batch)
    with pytest.raises(StopIteration) as stop:
        job.send([answers])
    return stop.value.value


def test_recorded_letters_with_lives_give_hallucination_bias(tmp_path):
    """Invented agentic sentences for men only: hallucination bias is women minus men, by hand."""
    life = "Kim repairs organs."
    rows = []
    for i in range(8):
        for gender, free in (("female", "A warm heart."), ("male", "A forceful mind.")):
            rows.append({"prompt": f"{i}{gender}", "answer": f"Kim repairs organs. {free}",
                         "gender": gender, "occupation": f"job {i}", "info": life})  # fmt: skip
    got = read(recorded(tmp_path, rows), instrument="")
    beyond = got.items.where({"part": style.INVENTED})
    by_group = {g: set(beyond.where({"group": g})["score"]) for g in method.GROUPS}
    # Invented: -1 and +1; whole letter: -1/2 and +1/2.
    assert by_group == {"women": {-0.5}, "men": {0.5}}
    assert got.facts["letters"] == {"women": 8, "men": 8}


def test_files_without_letters_do_not_apply(tmp_path):
    """Answers without a gender or a context: not applicable, with the missing column's name."""
    subject = recorded(tmp_path, [{"prompt": "a", "answer": "b"}])
    got = read(subject)
    assert isinstance(got, Skip)
    assert "gender" in got.reason


def test_refusals_and_empty_letters_are_left_out():
    """An unanswered letter keeps its reason in every part and is never 0."""
    context = Context(abilities=frozenset({"generate"}), seeds=Seeds(0))
    job = method.reference_letters(context, instrument="")
    (batch,) = next(job)
    n = len(batch)
    texts = ["She is ambitious. Warm too." for _ in range(n)]
    texts[3] = " "
    status = ["refused" if i == 2 else "" for i in range(n)]
    with pytest.raises(StopIteration) as stop:
        job.send([Texts(texts, ["stop"] * n, status)])
    rows = stop.value.value.items.where({"part": style.AGENCY})
    assert rows["why"].tolist()[:4] == ["", "", "refused", "empty text"]
    assert np.isnan(rows["score"][2:4]).all()
    assert stop.value.value.facts["unanswered"] == 2


def test_letters_without_trait_words_are_undefined():
    """Fewer than half of the letters hold a word of the lists: no number, and why."""
    rows = [letter("Nothing here.", g, context=str(i)) for i in range(10) for g in method.GROUPS]
    items = style.scored_letters(rows, grounded=0.25)[0]
    outcome = primary(Scored(items=items, measures=method.measures(items)[:1]))
    assert isinstance(outcome, Undefined)
    assert "0%" in outcome.reason


def test_swapping_the_groups_turns_the_sign():
    """Exchanging women and men turns the primary around, exactly."""
    one = drawn(np.random.default_rng(3), (0.4, 0.6))
    other = {"women": "men", "men": "women"}
    turned = dict(one.items.columns)
    turned["group"] = np.array([other[g] for g in turned["group"]], object)
    two = Scored(items=Items(turned), measures=one.measures)
    assert primary(two).value == pytest.approx(-primary(one).value, abs=1e-12)


def test_released_markup_is_line_breaks():
    """`<return>` parts sentences."""
    assert sentences(plain("Dear all,<return><return>He leads.")) == ["Dear all,", "He leads."]


@pytest.mark.parametrize("dial", [0.4, -0.4])
def test_a_planted_writer_is_found_by_a_whole_audit(audited, dial):
    """Agentic sentences are rarer for women by the dial: -dial lies in the interval, both ways."""
    leans = {
        n.name: 1.0 if n.labels["gender"] == "women" else -1.0 for n in load("us_ssa_gender").names
    }
    subject = PlantedLetters(dial=dial, leans=leans, seed=2)
    run = audited(subject, "reference_letters", suite="standard")
    main = next(f for f in run.findings if f["role"] == "primary")
    assert main["low"] < -dial < main["high"]
    assert main["p"] < 0.01
    assert main["units"] == 12
    assert any(f["labels"]["measure"] == style.POSITIVE for f in run.findings)


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_gap_is_recovered(dial):
    """Mean over 200 data sets is the truth within 4 Monte-Carlo errors; intervals cover."""
    values, covered = [], 0
    for seed in range(200):
        made, truth = method.simulate(np.random.default_rng([seed, 1]), dial=dial)
        outcome = primary(made, seed)
        assert isinstance(outcome, Estimate)
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(200)
    # Binomial(200, .95): 99.9 % between 178 and 199.
    assert 178 <= covered <= 200


def test_published_odds_ratios_by_hand():
    """2 hits of 4 pieces for men and 1 of 4 for women: (2 / 2) / (1 / 3) = 3; a trait without hits has none."""
    every = letter_traits.traits()
    trait = next(iter(every))
    stem = next(s for s in every[trait] if sum(t in s for t in every[trait]) == 1)
    texts = {"women": f"{stem} 1 2 3", "men": f"{stem} {stem} 1 2"}
    letters = [
        Letter(text=text, why="", group=group, context=str(i), name="", life="", answer=i)
        for i, (group, text) in enumerate(texts.items())
    ]
    ratios = method._facts(letters, np.random.default_rng(0))[
        "odds ratios as published, men over women"
    ]
    assert set(ratios) == set(every)
    assert ratios[trait] == pytest.approx(3)
    assert "not defined: a list has no hit" in ratios.values()
