"""The house rules that a machine can hold."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "arms_irr"
FLOORS = {"errors": 0, "instruments": 1, "statistics": 2, "study": 3, "analysis": 4, "planning": 4, "plots": 5, "reporting": 6, "cli": 7}
MODULES = sorted(PACKAGE.rglob("*.py"))


def floor_of(path: Path) -> int:
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return {"__init__": 8, "__main__": 8}.get(name, FLOORS.get(name, -1))


def imports(tree: ast.AST):
    """Every import of the package, with the function it stands in (None at module level) and whether it is for types."""
    typing_only = {node for block in ast.walk(tree) if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
                   for node in ast.walk(block)}
    inside = {node: f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(f)}
    for node in ast.walk(tree):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else \
            [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module == "arms_irr":
            names = [f"arms_irr.{a.name}" for a in node.names]
        for name in names:
            yield name, inside.get(node), node in typing_only


def test_every_module_has_a_floor():
    assert all(floor_of(path) >= 0 for path in MODULES)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path):
    """Sanctioned looks upward: a Study's verbs, Result.plot, and the example's Study-making."""
    for name, function, typing_only in imports(ast.parse(path.read_text("utf-8"))):
        if not name.startswith("arms_irr.") or typing_only:
            continue
        target = FLOORS.get(name.split(".")[1], 8)
        if name == "arms_irr.__version__":
            continue
        upward = target > floor_of(path)
        sanctioned = function is not None and path.name in ("study.py", "result.py") and len(function.body) <= 6
        assert not upward or sanctioned, f"{path.name} looks up to {name}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "statistics").glob("*.py")), ids=lambda p: p.name)
def test_the_statistics_floor_needs_numpy_and_scipy_only(path):
    allowed = {"numpy", "scipy.special", "scipy.optimize", "scipy.linalg", "numpy.typing"}
    for name, _, _ in imports(ast.parse(path.read_text("utf-8"))):
        if name.split(".")[0] in sys.stdlib_module_names:
            continue
        assert name in allowed or name.startswith(("arms_irr.statistics", "arms_irr.errors")), name


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_public_things_have_docstrings_and_files_fit_in_the_head(path):
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= 420
    assert ast.get_docstring(tree), "the module says what its story is"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
        if isinstance(node, ast.FunctionDef):
            length = node.end_lineno - node.lineno - (ast.get_docstring(node) or "").count("\n")
            assert length <= 60, f"{node.name} has {length} lines"


def test_importing_costs_next_to_nothing():
    code = "import sys, arms_irr; print(*[m for m in ('numpy', 'pandas', 'scipy', 'matplotlib', 'statsmodels') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == ""


def test_the_questions_do_not_load_heavy_packages():
    """The command line's time is its imports: reading, counting and estimating need neither pandas nor matplotlib."""
    code = ("import sys, arms_irr as irr; s = irr.read_study(sys.argv[1]); s.design(); s.against_gold(); s.agreement(['case']); "
            "s.rater_agreement(); print(*[m for m in ('pandas', 'matplotlib', 'statsmodels', 'pingouin', 'scipy.stats') if m in sys.modules])")
    out = subprocess.run([sys.executable, "-c", code, str(ROOT / "data" / "pilot")], capture_output=True, text=True, check=True).stdout
    assert out.strip() == ""


def test_public_names_are_there():
    import arms_irr

    for name in arms_irr.__all__:
        assert getattr(arms_irr, name) is not None
    with pytest.raises(AttributeError):
        _ = arms_irr.nothing_of_the_kind


def test_constraints_hold_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+", line) for line in lines)
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    needed = {name.lower() for name in re.findall(r'"([A-Za-z0-9-]+)>=', text)}
    assert needed - {"hatchling"} <= pinned


def test_the_gate_runs_the_readme():
    """The commands of the README's two blocks stand in .ci/run to the letter."""
    readme, gate = (ROOT / "README.md").read_text("utf-8"), (ROOT / ".ci" / "run").read_text("utf-8")
    commands = re.findall(r"^pip install -c constraints\.txt .*$", readme, flags=re.MULTILINE)
    assert len(commands) == 2
    assert all(command in gate for command in commands)


def test_changelog_names_this_version():
    import arms_irr

    assert f"## {arms_irr.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f'version = "{arms_irr.__version__}"' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_the_readme_shows_real_output():
    readme = (ROOT / "README.md").read_text("utf-8")
    command = re.search(r"^\$ arms-irr (gold data/pilot .*)$", readme, flags=re.MULTILINE)[1]
    plain = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR")} | {"PYTHONIOENCODING": "utf-8"}
    out = subprocess.run([sys.executable, "-m", "arms_irr", *command.split()], capture_output=True, text=True, check=True, cwd=ROOT,
                         env=plain, encoding="utf-8").stdout
    assert out.rstrip() in readme
    text = (ROOT / "reports" / "example" / "report.md").read_text("utf-8")
    for number in re.findall(r"\*\*[^*]+\*\*", readme[readme.index("main points:"):readme.index("## Your own ratings")]):
        assert number in text
