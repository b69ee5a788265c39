"""Runs are looked up among what exists; nothing outside of the folder can be reached."""

from __future__ import annotations

import json
import random
import shutil

import pytest
from stored import change_header

from plumbline.core.errors import BadInput, StoreError, UnknownName
from plumbline.server.folder import RunFolder

OUTSIDE = [
    "..",
    ".",
    "../day-1",
    "day-1/..",
    "/etc",
    "day-1/run.json",
    "",
    "day-1\x00",
    "*",
    "day-?",
    "DAY-1",
    ".hidden",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_only_directories_of_the_folder_are_runs(folder, name):
    """A name is compared with the entries, never joined to a path."""
    (folder / ".hidden").mkdir()
    with pytest.raises(UnknownName):
        RunFolder(folder).find(name)


@pytest.mark.parametrize(
    "path",
    [
        "/runs/..%2f..%2fetc", "/runs/%2e%2e", "/runs/%2e%2e%2fsecret", "/runs/..%5c..", "/runs/day-1%00", "/runs/*",
        "/runs/%2fetc", "/runs/none/answers", "/runs/%ff%fe", "/static/..%2fapp.py", "/static/%2e%2e/app.py",
        "/static/../app.py", "/runs/day-1/findings/0", "/runs/day-1/findings/99999", "/runs/day-1/findings/-1",
    ],
)  # fmt: skip
def test_no_address_leads_out(client, path):
    """Encoded dots, slashes, NULs and wildcards are a page that does not exist."""
    got = client.get(f"http://127.0.0.1:8000{path}")
    assert got.status_code == 404
    assert "from __future__" not in got.text


def test_links_out_of_the_folder_are_not_there(client, folder, tmp_path):
    """A link to a run elsewhere is no run; a file that is a link outward is not read."""
    shutil.copytree(folder / "day-1", tmp_path / "secret")
    (folder / "linked").symlink_to(tmp_path / "secret", target_is_directory=True)
    assert client.get("/runs/linked").status_code == 404
    assert "linked" not in client.get("/").text
    for leaf in ("run.json", "findings.parquet", "items.parquet", "answers.parquet"):
        own = folder / f"has-{leaf}"
        shutil.copytree(folder / "day-1", own)
        (own / leaf).unlink()
        (own / leaf).symlink_to(tmp_path / "secret" / leaf)
        with pytest.raises(StoreError, match="leads out of the folder"):
            RunFolder(folder).file(own.name, leaf)
    assert client.get("/runs/has-run.json").status_code == 422
    assert client.get("/runs/has-findings.parquet").status_code == 422
    assert client.get("/runs/has-answers.parquet/answers").status_code == 422
    assert "leads out of the folder" in client.get("/runs/has-items.parquet/findings/1").text


def test_a_link_to_another_run_of_the_folder_is_one(client, folder):
    """`latest` may be a link."""
    (folder / "latest").symlink_to(folder / "day-3", target_is_directory=True)
    assert client.get("/runs/latest").status_code == 200


def test_a_name_with_wildcards_is_that_run_only(client, folder):
    """Signs that DuckDB would expand are taken as they are written."""
    (folder / "day-1").rename(folder / "day-[12]")
    (folder / "day-2").rename(folder / "d*?")
    for name in ("day-%5B12%5D", "d%2A%3F"):
        assert client.get(f"/runs/{name}").status_code == 200
        assert client.get(f"/runs/{name}/answers").status_code == 200
        assert client.get(f"/runs/{name}/findings/1").status_code == 200
    assert client.get("/").text.count('data-name="started"') == 3


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path):
    """It says what to do."""
    with pytest.raises(BadInput, match="audit something with --out"):
        RunFolder(tmp_path / "none")


DAMAGES = {
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda _: "",
    "list": lambda _: "[]",
    "number": lambda _: "7",
    "deep": lambda _: "[" * 100_000,
    "no subject": lambda text: json.dumps(
        {k: v for k, v in json.loads(text).items() if k != "subject"}
    ),
    "index of words": lambda text: json.dumps({**json.loads(text), "index": {"value": "high"}}),
    "index NaN": lambda text: text.replace('"value":', '"value": NaN, "was":', 1),
    "plan of nothing": lambda text: json.dumps({**json.loads(text), "plan": {}}),
    "seed of words": lambda text: json.dumps({**json.loads(text), "seed": "seven"}),
    "binary": lambda _: "\udcff\udcfe",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_header_is_a_row_with_its_reason(client, folder, damage):
    """The other runs are shown as before; the run's own pages say what is wrong with it."""
    path = folder / "day-2" / "run.json"
    path.write_bytes(DAMAGES[damage](path.read_text("utf-8")).encode("utf-8", "surrogateescape"))
    page = client.get("/")
    assert page.status_code == 200
    assert page.text.count('data-name="started"') == 2
    assert "day-2/run.json is damaged" in page.text
    for address in (
        "/runs/day-2",
        "/runs/day-2/findings/1",
        "/runs/day-2/answers",
        "/compare?a=day-1&b=day-2",
    ):
        assert client.get(address).status_code == 422
    assert client.get("/history?model=planted").status_code == 200


@pytest.mark.parametrize("leaf", ["findings", "items", "answers"])
@pytest.mark.parametrize("kept", [0, 10, 500])
def test_a_damaged_table_is_told_where_it_is_needed(client, folder, leaf, kept):
    """Cut after so many bytes: never a failure of the server."""
    path = folder / "day-2" / f"{leaf}.parquet"
    path.write_bytes(path.read_bytes()[:kept])
    assert client.get("/").status_code == 200
    row = '<strong class="state">damaged</strong>'
    assert (row in client.get("/").text) == (leaf == "findings")
    for address in (
        "/runs/day-2",
        "/runs/day-2/findings/1",
        "/runs/day-2/answers",
        "/runs/day-2/figures",
    ):
        assert client.get(address).status_code in {200, 422}
    assert client.get("/runs/day-2/answers").status_code == (200 if leaf == "items" else 422)
    assert client.get("/runs/day-2").status_code == (422 if leaf == "findings" else 200)
    assert client.get("/runs/day-1").status_code == 200


def test_an_unfinished_run_says_so(client, folder):
    """A directory without run.json: it runs, or it was stopped while it was written."""
    (folder / "day-2" / "run.json").unlink()
    page = client.get("/").text
    assert "unfinished" in page
    assert "has no run.json" in page
    assert client.get("/runs/day-2").status_code == 422


def test_a_run_that_is_written_again_is_read_again(client, folder):
    """What is kept in memory follows the files."""
    assert "planted" in client.get("/runs/day-1").text
    header = json.loads((folder / "day-1" / "run.json").read_text("utf-8"))
    change_header(folder / "day-1", subject={**header["subject"], "model": "another"})
    assert "Audit of another" in client.get("/runs/day-1").text
    assert "another" in client.get("/").text


def test_explanations_are_not_listed_as_runs(client, folder):
    """They judge nothing; asked for by name, the page says what they are."""
    change_header(folder / "day-1", explainer="logit_lens")
    assert "day-1" not in client.get("/").text
    got = client.get("/runs/day-1")
    assert got.status_code == 422
    assert "is an explanation" in got.text


def test_a_run_of_a_later_version_is_shown_as_far_as_it_is_known(client, folder):
    """Fields that this version does not know are no damage; what cannot be inferred again says so."""
    path = folder / "day-2" / "run.json"
    found = json.loads(path.read_text("utf-8"))
    found["later"] = {"a": 1}
    for measure in found["measures"]["weat"]:
        measure["hindsight"] = [1]
    path.write_text(json.dumps(found), "utf-8")
    for address in ("/runs/day-2", "/runs/day-2/findings/1", "/runs/day-2/answers"):
        assert client.get(address).status_code == 200
    got = client.get("/compare?a=day-1&b=day-2")
    assert got.status_code == 422
    assert "hindsight" in got.text
    assert client.get("/history?model=planted").status_code == 200


def test_no_damage_of_a_header_is_a_failure_of_the_server(client, folder):
    """Thirty headers with one value replaced at random: pages or explained errors, never a 500."""
    path = folder / "day-2" / "run.json"
    whole = path.read_text("utf-8")
    rng = random.Random(7)
    junk = [
        None,
        0,
        -1,
        1.5,
        "",
        "x",
        [],
        {},
        [1],
        {"a": 1},
        True,
        "\ud800",
        1e308,
        {"value": None},
    ]
    for round_ in range(30):
        found = json.loads(whole)
        place, key = found, ""
        while isinstance(place, dict | list) and place and (not key or rng.random() < 0.6):
            holder = place
            key = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
            place = place[key]
        holder[key] = rng.choice(junk)
        path.write_text(json.dumps(found), "utf-8")
        addresses = ["/", "/runs/day-2", "/runs/day-2/findings/1", "/runs/day-2/answers"]
        if round_ % 3 == 0:
            addresses.append("/history?model=planted")
        for address in addresses:
            assert client.get(address).status_code in {200, 422}, (address, key, holder[key])
