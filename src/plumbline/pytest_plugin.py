"""The fixture `assert_no_gap` for pytest.

pytest imports this module at every start, for every project in an environment that has plumbline. So it
imports nothing but pytest itself; all the rest is loaded when a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from plumbline.audit.store import Run
    from plumbline.testing.sessions import Audits


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--plumbline-out`."""
    parser.getgroup("plumbline").addoption(
        "--plumbline-out",
        metavar="DIR",
        help="Keep the runs of assert_no_gap, with their reports, below this folder.",
    )


@pytest.fixture(scope="session")
def plumbline_audits(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Audits]:
    """The session's opened models and runs; each model and plan is audited once."""
    from plumbline.testing.sessions import Audits

    given = request.config.getoption("--plumbline-out")
    if given is None:
        audits = Audits(tmp_path_factory.mktemp("plumbline"))
    else:
        # Workers of pytest-xdist are processes of their own: each has a folder of its own.
        worker = getattr(request.config, "workerinput", {}).get("workerid", "")
        audits = Audits(request.config.invocation_params.dir / given / worker, kept=_report)
    yield audits
    audits.close()


@pytest.fixture(scope="session")
def assert_no_gap(plumbline_audits: Audits) -> Callable[..., Run]:
    """`plumbline.testing.assert_no_gap` with the session's models and runs, and pytest's outcomes."""

    def asserted(
        model: Any, *, metrics: Any, margin: float | None = None, labels: Any = None,
        insufficient: Any = "fail", **plan: Any,
    ) -> Run:  # fmt: skip
        from plumbline.audit.store import Run
        from plumbline.testing.gap import already_made, gap_outcome, stated

        __tracebackhide__ = True
        names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
        stated(names, margin, insufficient)
        if isinstance(model, Run):
            already_made(plan)
            run = model
        else:
            run = plumbline_audits.run(model, metrics=names, **plan)
        outcome, message = gap_outcome(run, names, margin=margin, labels=labels)
        # A gap, and evidence that is not there, are told in the finding's own words.
        if outcome == "insufficient" and insufficient == "skip":
            pytest.skip(message)
        if outcome == "fail" or (outcome == "insufficient" and insufficient == "fail"):
            pytest.fail(message, pytrace=False)
        return run

    return asserted


def _report(run: Run) -> None:
    from plumbline.report import html

    if run.folder is not None:
        html.write(run, Path(run.folder) / "report.html")
