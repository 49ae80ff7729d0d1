import io
import math

import pytest
from harness.errors import ActionError, InputError
from harness.models.catalogue import ModelFacts, ours
from harness.models.images import Smart, count, seen
from harness.models.scaling import Space, fit, sharpest, shrink, space
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

SIDES = st.integers(1, 4_000)
KNOWN = [facts for facts in ours().models.values() if facts.image is not None]


def png(width: int, height: int, mode: str = "RGB") -> bytes:
    picture = Image.linear_gradient("L").resize((width, height)).convert(mode)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("model", "size", "sent"),
    [
        ("unknown", (1920, 1080), (1920, 1080)),
        ("gpt-4o", (1280, 720), (1280, 720)),
        ("gpt-4o", (1920, 1080), (1365, 768)),
        ("computer-use-preview", (1024, 768), (1024, 768)),
        ("gpt-5.4", (3840, 2160), (3840, 2160)),
        ("gpt-5.4", (7680, 4320), (4256, 2394)),
        ("gpt-5.6", (7680, 4320), (7338, 4128)),
        ("gpt-5-mini", (1280, 720), (1280, 720)),
        ("claude-haiku-4-5", (1280, 720), (1280, 720)),
        ("claude-haiku-4-5", (1920, 1080), (1456, 819)),
        ("claude-opus-5-5", (1920, 1080), (1920, 1080)),
        ("gemini-3.5-flash", (1920, 1080), (1920, 1080)),
        ("qwen2.5-vl-7b", (1280, 720), (1260, 700)),
        ("qwen3-vl-8b", (1280, 720), (1280, 704)),
        ("ui-tars-1.5-7b", (1920, 1080), (1904, 1064)),
        ("qwen2.5-vl-7b", (20, 20), (20, 20)),
    ],
)
def test_a_screenshot_is_sent_as_the_model_sees_it(
    model: str, size: tuple[int, int], sent: tuple[int, int]
) -> None:
    assert fit(*size, ours().find(model)) == sent


@settings(max_examples=400, deadline=None)
@given(facts=st.sampled_from(KNOWN), width=st.integers(1, 9_000), height=st.integers(1, 9_000))
def test_what_is_sent_is_never_enlarged_and_never_resized_again(
    facts: ModelFacts, width: int, height: int
) -> None:
    assume(max(width, height) < 100 * min(width, height))
    rule = facts.image
    assert rule is not None
    sent = fit(width, height, facts)
    assert 1 <= sent[0] <= width
    assert 1 <= sent[1] <= height
    if not isinstance(rule, Smart) or min(width, height) >= 512:
        assert seen(rule, *sent, sharpest(facts)) == sent
        assert fit(*sent, facts) == sent
    assert count(rule, *sent, sharpest(facts)) >= 1
    if not isinstance(rule, Smart) and min(width, height) >= 200:
        assert sent[0] / sent[1] == pytest.approx(width / height, rel=0.02)


def test_a_picture_is_made_smaller_and_always_to_the_same_bytes() -> None:
    large = png(1920, 1080)
    small = shrink(large, (1456, 819))
    with Image.open(io.BytesIO(small)) as picture:
        assert picture.size == (1456, 819)
        assert picture.format == "PNG"
    assert shrink(large, (1456, 819)) == small
    assert shrink(large, (1920, 1080)) is large


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA"])
def test_pictures_of_any_mode_are_read(mode: str) -> None:
    with Image.open(io.BytesIO(shrink(png(64, 48, mode), (32, 24)))) as picture:
        assert (picture.size, picture.mode) == ((32, 24), "RGB")


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", png(50, 50)[:60], png(50, 50)[:90]])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=f"these {len(data)} bytes are not a PNG file"):
        shrink(data, (10, 10))


def test_a_picture_is_not_enlarged() -> None:
    with pytest.raises(InputError, match="100x50 is not enlarged to 100x51"):
        shrink(png(100, 50), (100, 51))
    with pytest.raises(InputError, match="whole number of pixels"):
        shrink(png(100, 50), (0, 50))


@settings(max_examples=300, deadline=None)
@given(view=st.tuples(SIDES, SIDES), data=st.data())
def test_a_models_pixel_comes_back_exact_from_a_page_no_smaller(
    view: tuple[int, int], data: st.DataObject
) -> None:
    width, height = data.draw(st.integers(1, view[0])), data.draw(st.integers(1, view[1]))
    frame = Space("pixels", width, height, *view)
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    assert frame.to_model(*frame.to_view(x, y)) == (x, y)


@settings(max_examples=300, deadline=None)
@given(
    model=st.tuples(SIDES, SIDES),
    view=st.tuples(SIDES, SIDES),
    kind=st.sampled_from(["pixels", "thousandths"]),
    data=st.data(),
)
def test_a_pixel_of_the_page_is_met_within_half_a_pixel_of_the_model(
    model: tuple[int, int], view: tuple[int, int], kind: str, data: st.DataObject
) -> None:
    frame = Space("pixels", *model, *view) if kind == "pixels" else Space("thousandths", 1000, 1000, *view)
    at = data.draw(st.integers(0, view[0] - 1)), data.draw(st.integers(0, view[1] - 1))
    named = frame.to_model(*at)
    back = frame.to_view(*named)
    sides = zip(at, named, back, (frame.width, frame.height), view, strict=True)
    for page, chosen, again, side, whole in sides:
        half = whole / side / 2
        assert abs((chosen + 0.5) * whole / side - (page + 0.5)) <= half + 1e-9
        assert abs(again - page) <= half + 0.5 + 1e-9
        if side >= whole:
            assert again == page


@pytest.mark.parametrize(
    ("at", "on"),
    [((0, 0), (0, 0)), ((500, 500), (640, 360)), ((999, 999), (1279, 719)), ((1000, 1000), (1279, 719))],
)
def test_thousandths_reach_both_edges(at: tuple[int, int], on: tuple[int, int]) -> None:
    assert Space("thousandths", 1000, 1000, 1280, 720).to_view(*at) == on


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        ("pixels", (1456, 0)),
        ("pixels", (0, 819)),
        ("pixels", (-1, 0)),
        ("pixels", (math.nan, 0)),
        ("pixels", (0, math.inf)),
        ("thousandths", (1001, 0)),
        ("thousandths", (0, -0.5)),
    ],
)
def test_what_is_outside_is_refused_and_nothing_is_clicked(kind: str, at: tuple[float, float]) -> None:
    frame = (
        Space("pixels", 1456, 819, 1920, 1080) if kind == "pixels" else Space("thousandths", 1000, 1000, 9, 9)
    )
    assert not frame.inside(*at)
    with pytest.raises(ActionError, match="outside the picture of"):
        frame.to_view(*at)


def test_fractions_of_a_pixel_stay_in_the_picture() -> None:
    frame = Space("pixels", 1456, 819, 1920, 1080)
    assert frame.inside(1455.9, 818.9)
    assert frame.to_view(1455.9, 818.9) == (1919, 1079)
    assert frame.to_view(728.0, 0.0) == frame.to_view(728, 0)


@pytest.mark.parametrize("at", [(1920, 0), (0, 1080), (-1, 0)])
def test_a_pixel_that_is_not_on_the_page_has_no_coordinates(at: tuple[int, int]) -> None:
    with pytest.raises(ActionError, match="outside the page of 1920x1080"):
        Space("pixels", 1456, 819, 1920, 1080).to_model(*at)


def test_a_frame_is_made_for_what_was_sent() -> None:
    view = (1920, 1080)
    assert space((1456, 819), view, ours().find("claude-haiku-4-5"), kind="pixels") == Space(
        "pixels", 1456, 819, *view
    )
    assert space(view, view, ours().find("gemini-3.5-flash"), kind="thousandths") == Space(
        "thousandths", 1000, 1000, *view
    )
    qwen = ours().find("qwen2.5-vl")
    assert space((1280, 720), (1280, 720), qwen, kind="pixels").width == 1288
    assert space(fit(1280, 720, qwen), (1280, 720), qwen, kind="pixels").width == 1260


def test_a_frame_without_pixels_is_refused() -> None:
    with pytest.raises(InputError, match="view_width of a space is at least one pixel, not 0"):
        Space("pixels", 10, 10, 0, 10)
    with pytest.raises(InputError):
        space((0, 10), (10, 10), ours().find("gpt-4o"), kind="pixels")
