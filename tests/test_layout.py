"""The tree keeps its own rules."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import harness

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "harness").rglob("*.py"))


def test_the_loop_fits_on_two_pages() -> None:
    assert len((ROOT / "harness" / "loop.py").read_text().splitlines()) <= 200


def test_no_module_is_over_600_lines() -> None:
    sizes = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in MODULES}
    assert {path: size for path, size in sizes.items() if size > 600} == {}


def test_the_public_names_are_sorted_and_all_there() -> None:
    assert harness.__all__ == sorted(harness.__all__, key=lambda name: (name.islower(), name))
    for name in harness.__all__:
        assert eval(f"harness.{name}") is not None  # noqa: S307 - our own names


def test_importing_the_package_pulls_in_no_heavy_part() -> None:
    code = "import harness, sys; print([m for m in sys.modules if m.split('.')[0] in {'playwright', 'docker',"
    code += " 'starlette', 'onnxruntime', 'rapidocr', 'h11', 'openai', 'anthropic', 'mcp', 'inspect_ai'}])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_every_module_imports_and_says_what_it_is() -> None:
    for info in pkgutil.walk_packages(harness.__path__, "harness."):
        module = importlib.import_module(info.name)
        assert module.__doc__, info.name


PARTS = {
    "cli/pooled": "integration/test_pooled_run",
    "cli/vouching": "cli/test_trace_sign",
    "errors": "test_layout",
    "evals/containment/canary": "evals/containment/test_runner",
    "evals/containment/cases": "evals/containment/test_catalogue",
    "evals/containment/door": "evals/containment/test_runner",
    "evals/containment/machine": "evals/containment/test_runner",
    "evals/containment/model": "evals/containment/test_runner",
    "evals/containment/model_data": "evals/containment/test_runner",
    "evals/containment/model_keys": "evals/containment/test_runner",
    "evals/containment/pages_more": "evals/containment/test_catalogue",
    "evals/containment/pages_navigation": "evals/containment/test_catalogue",
    "evals/containment/pages_socket": "evals/containment/test_catalogue",
    "evals/containment/pages_subresource": "evals/containment/test_catalogue",
    "evals/containment/play": "evals/containment/test_runner",
    "evals/containment/play_driven": "evals/containment/test_runner",
    "evals/containment/play_raw": "evals/containment/test_runner",
    "evals/containment/raw": "evals/containment/test_catalogue",
    "evals/containment/rebinding": "evals/containment/test_runner",
    "evals/containment/rig": "evals/containment/test_runner",
    "evals/containment/site": "evals/containment/test_heard",
    "evals/containment/targets": "evals/containment/test_catalogue",
    "evals/containment/templates": "evals/containment/test_catalogue",
    "evals/containment/urls": "evals/containment/test_catalogue",
    "evals/containment/waiting": "evals/containment/test_runner",
    "gateway/upstreams/link": "gateway/upstreams/test_http",
    "gateway/upstreams/ticket": "gateway/upstreams/test_asgi",
    "gateway/upstreams/wsclient": "gateway/test_websocket",
    "gateway/wire": "gateway/test_http1",
    "journal": "test_loop",
    "lines": "approval/test_terminal",
    "models/local/engine": "models/local/test_ocr",
    "models/local/follow": "models/local/test_model",
    "models/local/layout": "models/local/test_model",
    "models/local/pixels": "models/local/test_model",
    "models/local/sentences": "models/local/test_grammar",
    "policy/conditions": "policy/test_rules",
    "policy/examples": "policy/test_check",
    "policy/table": "policy/test_engine",
    "replay/verdict": "replay/test_live",
    "result": "test_checks",
    "sandbox/fill": "integration/test_secrets",
    "sandbox/hosted": "sandbox/test_bubblewrap",
    "sandbox/open_net": "sandbox/test_open_world",
    "sandbox/overlays": "sandbox/test_dialogs",
    "sandbox/probe": "sandbox/test_open_world",
    "sandbox/tab": "sandbox/test_tabs",
    "sandbox/worlds": "sandbox/test_look",
    "testing": "test_loop",
    "trace/events": "trace/test_decode",
    "worlds/shop/forms": "worlds/shop/test_site",
    "worlds/shop/goods": "worlds/shop/test_store",
    "worlds/shop/pages": "worlds/shop/test_site",
    "yamlfile": "test_task",
}
"""Modules that are parts of another, and the tests that go through them."""


def test_every_module_with_behaviour_has_tests_of_its_own() -> None:
    tested = {
        path.relative_to(ROOT / "tests").with_name(path.stem.removeprefix("test_")).as_posix()
        for path in (ROOT / "tests").rglob("test_*.py")
    }
    missing = []
    for path in MODULES:
        name = path.relative_to(ROOT / "harness").with_suffix("").as_posix()
        whole = [one for one in tested if name == one or name.startswith(f"{one}_")]
        if path.stem in {"__init__", "_version", "base"} or whole:
            continue
        if name not in PARTS or not (ROOT / "tests" / f"{PARTS[name]}.py").is_file():
            missing.append(name)
    assert missing == []


def test_errors_are_at_most_a_dozen() -> None:
    tree = ast.parse((ROOT / "harness" / "errors.py").read_text())
    assert sum(isinstance(node, ast.ClassDef) for node in tree.body) <= 12
