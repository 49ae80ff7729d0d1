import pytest
from harness.errors import InputError
from harness.models.window import Window, encoded
from hypothesis import given
from hypothesis import strategies as st

GROW = st.integers(1, 20)


def windows(grow: int, keep: int) -> Window:
    return Window(grow=grow, keep=1 + keep % grow)


def test_the_window_grows_to_thirteen_and_is_cut_to_three() -> None:
    window = Window()
    sizes = [count - window.first(count) for count in range(40)]
    assert sizes[:26] == [*range(14), *range(3, 14), 3]
    assert [window.first(count) for count in (13, 14, 24, 25)] == [0, 11, 11, 22]


@given(grow=GROW, keep=st.integers(0, 50), count=st.integers(0, 500))
def test_between_cuts_the_beginning_stays(grow: int, keep: int, count: int) -> None:
    window = windows(grow, keep)
    first, after = window.first(count), window.first(count + 1)
    assert 0 <= first <= count
    assert count - first <= window.grow
    assert after == first or (count + 1 - after == window.keep and count - first == window.grow)


@given(grow=GROW, keep=st.integers(0, 50), sizes=st.lists(st.integers(0, 10**6), max_size=80))
def test_without_a_limit_on_bytes_sizes_do_not_matter(grow: int, keep: int, sizes: list[int]) -> None:
    window = windows(grow, keep)
    assert window.first_of(sizes) == window.first(len(sizes))


@given(
    grow=GROW,
    keep=st.integers(0, 50),
    sizes=st.lists(st.integers(0, 3_000), min_size=1, max_size=60),
    most=st.integers(1, 20_000),
)
def test_a_limit_on_bytes_holds_and_the_newest_is_always_sent(
    grow: int, keep: int, sizes: list[int], most: int
) -> None:
    shape = windows(grow, keep)
    window = Window(shape.grow, shape.keep, most)
    before = 0
    for count in range(1, len(sizes) + 1):
        first = window.first_of(sizes[:count])
        sent = sum(encoded(size) for size in sizes[first:count])
        assert before <= first < count
        assert sent <= most or first == count - 1
        assert count - first <= window.grow
        if first != before:
            assert count - first <= window.keep
        before = first


def test_a_cut_for_bytes_leaves_room_to_grow() -> None:
    window = Window(grow=13, keep=3, most_bytes=4_000)
    firsts = [window.first_of([750] * count) for count in range(1, 13)]
    assert firsts == [0, 0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 9]


def test_base64_makes_four_bytes_of_three() -> None:
    assert [encoded(size) for size in (0, 1, 3, 4)] == [0, 4, 4, 8]


@pytest.mark.parametrize(("grow", "keep", "most"), [(3, 4, None), (3, 0, None), (0, 0, None), (3, 1, 0)])
def test_a_window_that_shows_nothing_is_refused(grow: int, keep: int, most: int | None) -> None:
    with pytest.raises(InputError):
        Window(grow, keep, most)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(InputError, match="-1 screenshots"):
        Window().first(-1)
