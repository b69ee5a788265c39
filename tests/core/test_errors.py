"""Messages about unknown names: near ones, all where they are few, and where to see the rest."""

from plumbline.core.errors import UnknownName


def test_near_names_are_told():
    """And what prints all of them, where a verb does."""
    assert str(UnknownName("metric", "wat", ["weat", "bbq"])) == (
        "unknown metric 'wat'. Nearest: weat. `plumbline list metrics` names all."
    )


def test_names_that_have_little_in_common_are_not_called_near():
    """Few names are listed; of many their number is told."""
    assert "Known: compare, serve." in str(UnknownName("place", "nonsense", ["serve", "compare"]))
    many = [f"method_{i}" for i in range(100)]
    assert "None of the 100 known names is near it." in str(UnknownName("place", "nope", many))


def test_a_method_of_a_package_that_is_not_installed():
    """The name says that it belongs to a package, and the message what to do."""
    said = str(UnknownName("method", "my_methods/praise_gap", ["weat"]))
    assert "pip install -e ." in said
