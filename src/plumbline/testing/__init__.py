"""Planted models whose bias is a dial, hypothesis strategies, and the laws every method keeps.

A planted model never uses a method's own formula: it draws answers from a stated distribution,
so the population value of a statistic at a dial is known in closed form or by simulation.

    from plumbline.testing import PlantedChooser
    run = plumbline.audit(PlantedChooser(position=0.3, seed=1), metrics=["option_position"])

Real models are tested with `assert_no_gap`, and in pytest with the fixture of that name.
"""

from __future__ import annotations

from plumbline.testing.gap import GapShown, InsufficientEvidence, assert_no_gap
from plumbline.testing.laws import assert_no_finding, assert_recovered, only
from plumbline.testing.planted_anchor import PlantedAnchor, planted_anchor
from plumbline.testing.planted_bigram import PlantedBigram, gendered_text
from plumbline.testing.planted_choice import PlantedChooser
from plumbline.testing.planted_clicks import planted_clicks
from plumbline.testing.planted_examinees import PlantedExaminee
from plumbline.testing.planted_extractor import PlantedExtractor
from plumbline.testing.planted_feedback import PlantedFeedback
from plumbline.testing.planted_inferrer import PlantedInferrer
from plumbline.testing.planted_jobs import PlantedJobs
from plumbline.testing.planted_judge import PlantedJudge
from plumbline.testing.planted_labeller import PlantedLabeller
from plumbline.testing.planted_letters import PlantedLetters
from plumbline.testing.planted_mentions import PlantedMentions
from plumbline.testing.planted_reader import planted_reader
from plumbline.testing.planted_recaller import PlantedRecaller
from plumbline.testing.planted_responder import PlantedMirror, PlantedResponder
from plumbline.testing.planted_retrieval import Lookups, planted_retrieval
from plumbline.testing.planted_retriever import PlantedRetriever
from plumbline.testing.planted_reviewer import PlantedReviewer
from plumbline.testing.planted_scout import PlantedScout
from plumbline.testing.planted_solver import PlantedSolver
from plumbline.testing.planted_sorter import PlantedSorter
from plumbline.testing.planted_table import planted_records, planted_table
from plumbline.testing.planted_talker import PlantedTalker
from plumbline.testing.planted_text import PlantedClassifier, PlantedLM, PlantedWriter
from plumbline.testing.planted_texts import PlantedStages, PlantedTexts
from plumbline.testing.planted_vectors import PlantedEmbedder

__all__ = [
    "GapShown",
    "InsufficientEvidence",
    "Lookups",
    "PlantedAnchor",
    "PlantedBigram",
    "PlantedChooser",
    "PlantedClassifier",
    "PlantedEmbedder",
    "PlantedExaminee",
    "PlantedExtractor",
    "PlantedFeedback",
    "PlantedInferrer",
    "PlantedJobs",
    "PlantedJudge",
    "PlantedLM",
    "PlantedLabeller",
    "PlantedLetters",
    "PlantedMentions",
    "PlantedMirror",
    "PlantedRecaller",
    "PlantedResponder",
    "PlantedRetriever",
    "PlantedReviewer",
    "PlantedScout",
    "PlantedSolver",
    "PlantedSorter",
    "PlantedStages",
    "PlantedTalker",
    "PlantedTexts",
    "PlantedWriter",
    "assert_no_finding",
    "assert_no_gap",
    "assert_recovered",
    "gendered_text",
    "only",
    "planted_anchor",
    "planted_clicks",
    "planted_reader",
    "planted_records",
    "planted_retrieval",
    "planted_table",
]
