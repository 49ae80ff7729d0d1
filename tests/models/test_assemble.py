import pytest
from harness.errors import InputError
from harness.models.assemble import key


def test_the_first_key_that_is_set_is_taken() -> None:
    assert key({"A": " ", "B": " k "}, ["A", "B"], "x:y", "https://x.test/keys") == "k"


def test_a_missing_key_is_named_with_where_to_get_it() -> None:
    with pytest.raises(InputError, match=r"x:y needs a key: set A or B; get one at https://x\.test/keys"):
        key({}, ["A", "B"], "x:y", "https://x.test/keys")
