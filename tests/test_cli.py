"""The command line: what it answers, what it says when it cannot, and what it never does."""

import csv
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_study import TABLES, write_folder, write_workbook
from typer.testing import CliRunner

import arms_irr
from arms_irr.analysis.gold import MEASURES
from arms_irr.cli.main import EXAMPLES, app
from arms_irr.cli.show import SYNTHETIC
from arms_irr.planning.simulate import EXAMPLES as SIMULATED
from arms_irr.statistics.agreement import COEFFICIENTS
from arms_irr.statistics.icc import FORMS
from arms_irr.statistics.weights import WEIGHTS

PILOT = Path(__file__).parents[1] / "data" / "pilot"
COMMANDS = [command.__name__ for command in EXAMPLES]


def run(*arguments, **environment):
    """The command in this process, as in a pipe: no terminal, no COLUMNS unless given."""
    environment = {"COLUMNS": None, "ARMS_IRR_DEBUG": None, **environment}
    return CliRunner().invoke(app, [str(a) for a in arguments], env=environment)


def fine(*arguments, **environment):
    result = run(*arguments, **environment)
    assert result.exit_code == 0, result.output
    return result


def refused(code, *arguments):
    """What stderr says; nothing on stdout, no traceback."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    assert result.stdout == ""
    return result.stderr


def process(*arguments, **options):
    options = {"capture_output": True, "text": True, "encoding": "utf-8", "timeout": 60, **options}
    return subprocess.run([sys.executable, "-m", "arms_irr", *map(str, arguments)], check=False, **options)


@pytest.fixture
def broken(tmp_path):
    """A typo in a category, a contradicting duplicate and a rater that the raters' table lacks."""
    head, *rows = TABLES["ratings"]
    rows[0] = (*rows[0][:3], "Lowe")
    other = next(row for row in rows[5:] if row[3] == "Medium")
    rows += [(*other[:3], "High"), ("Ghost", *rows[3][1:])]
    return write_folder(tmp_path / "broken", ratings=[head, *rows])


# --- help and version -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_is_a_command(command):
    for flag in ("--help", "-h"):
        text = " ".join(fine(command, flag).stdout.split())
        assert f"Example: arms-irr {command} " in text


def test_help_lists_every_command_untruncated_and_completion():
    text = fine("--help").stdout
    assert "..." not in text.replace("[ARGS]...", "")
    assert "--install-completion" in text
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\w", text, re.M)


def test_help_names_what_the_tables_hold():
    text = " ".join(fine("agreement", "--help").stdout.split())
    assert f"the option: {', '.join(COEFFICIENTS)}." in text
    assert f"every coefficient: {', '.join(WEIGHTS)}." in text
    listed = re.search(
        r"by repeating the option: ([\w, ]+)\.", " ".join(fine("gold", "--help").stdout.split())
    )
    assert set(listed[1].split(", ")) == set(MEASURES)
    forms = " ".join(fine("icc", "--help").stdout.split())
    assert all(form in forms for form in FORMS)
    assert " or ".join(SIMULATED) in " ".join(fine("simulate", "--help").stdout.split())


def test_version():
    assert fine("--version").stdout == f"arms-irr {arms_irr.__version__}\n"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("arms-irr agreement x --coefficient gw", "gwet"),
        ("arms-irr gold x --by factor,ca", "factor,case"),
        ("arms-irr icc x --form ", "ICC(A,1)"),
        ("arms-irr simulate p", "pilot"),
        ("arms-irr ch", "check"),
    ],
)
def test_the_tab_key_offers_names(words, offered):
    asked = {
        "_ARMS_IRR_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    result = CliRunner().invoke(app, [], prog_name="arms-irr", env=asked)
    assert offered in result.stdout.split("\n")


# --- check ------------------------------------------------------------------------------------------------


def test_check_tells_what_was_recognised_and_warns():
    text = fine("check", PILOT).stdout
    assert "20 raters, 2 cases" in text
    assert "one row per rating, 520 rows" in text
    assert "2 warnings" in text
    assert "cases.csv, column risk_band" in text
    assert "no errors, but read the warnings" in text


def test_check_lists_all_errors_at_once_with_place_and_remedy(broken):
    result = run("check", broken)
    assert result.exit_code == 1
    for said in ("'Lowe'", "Did you mean 'Low'?", "Ghost", "ratings.csv, row 2", "3 errors"):
        assert said in result.stdout
    assert "cannot be used" in result.stdout
    # Every other command tells the same problems and computes nothing.
    told = refused(1, "agreement", broken)
    assert "3 problems" in told
    assert "'Lowe'" in told
    assert "Ghost" in told


def test_check_as_json(broken):
    result = run("check", broken, "--json")
    facts = json.loads(result.stdout)
    assert result.exit_code == 1
    assert facts["usable"] is False
    errors = [problem for problem in facts["problems"] if problem["severity"] == "error"]
    assert len(errors) == 3
    assert {"file", "rows", "column", "value", "message", "remedy", "place"} <= set(errors[0])
    facts = json.loads(fine("check", PILOT, "--json").stdout)
    assert (facts["usable"], facts["synthetic"], facts["raters"], facts["ratings"]) == (True, True, 20, 520)


def test_a_workbook_is_a_study(tmp_path):
    path = write_workbook(tmp_path / "study.xlsx")
    assert "The study can be used" in fine("check", path).stdout
    assert "Synthetic" in fine("gold", path, "--by", "case").stdout


# --- tables -----------------------------------------------------------------------------------------------


def exact_by_case():
    """Counted from the files with the standard library alone."""
    gold = {(r["case"], r["factor"]): r["rating"] for r in csv.DictReader((PILOT / "gold.csv").open())}
    shares = {}
    for case in ("case_a", "case_b"):
        rows = [
            r
            for r in csv.DictReader((PILOT / "ratings.csv").open())
            if r["case"] == case and r["factor"] != "overall" and r["rating"] != "Unable to rate"
        ]
        shares[case] = sum(r["rating"] == gold[case, r["factor"]] for r in rows), len(rows)
    return shares


def test_gold_table_shows_what_the_files_hold():
    text = fine("gold", PILOT, "--by", "case").stdout
    for case, (hits, n) in exact_by_case().items():
        line = next(line for line in text.split("\n") if line.startswith(case))
        assert line.split()[1] == f"{100 * hits / n:.1f}"
        assert str(n) in line.split()
        assert re.search(r"\d\d\.\d to \d\d\.\d", line)


def test_gold_by_factor_and_case_is_the_default_and_every_mark_is_explained():
    text = fine("gold", PILOT).stdout
    table, below = text.split("\n\na: ")
    rows = [line for line in table.split("\n") if " case_a " in line or " case_b " in line]
    assert len(rows) == 26
    marks = {mark for row in rows for mark in row.split("  ")[-1].split(", ") if mark.isalpha()}
    assert marks == {"a", "b", "c"}
    assert all(re.search(rf"^{mark}: ", "a: " + below, re.M) for mark in marks)
    assert all(re.search(r"  [a-z](, [a-z])*$", row) for row in rows if "n/a" in row)


def test_gold_statistic_and_raters():
    text = fine("gold", PILOT, "--by", "kind,case", "--statistic", "mean_signed_error,exact").stdout
    assert re.search(r"[+−]0\.\d\d steps +−?0\.\d\d to 0\.\d\d", text)
    assert re.search(r"\d\d\.\d % +\d\d\.\d to \d\d\.\d", text)
    text = fine("gold", PILOT, "--raters").stdout
    assert len(re.findall(r"^officer_\d\d ", text, re.M)) == 20
    assert "no ranking" in text


def test_agreement_table_numbers_and_sizes():
    text = fine("agreement", PILOT).stdout
    result = arms_irr.read_study(PILOT).agreement(["case"])
    for row in result.where("gwet", case="case_b"):
        e = row.estimate
        shown = f"{e.weights} +{e.value:.3f} +{e.ci_low:.3f} to {e.ci_high:.3f} +12 +20 +219"
        assert re.search(shown, text)
    assert len(re.findall(r"Gwet's AC2 ", text)) == 4


def test_agreement_options():
    rows = rows_of(
        "agreement",
        PILOT,
        "--by",
        "kind",
        "--by",
        "case",
        "--coefficient",
        "gwet,percent",
        "--weights",
        "linear",
        "--target",
        "subjects",
        "--confidence",
        "0.9",
    )
    assert list(rows[0])[:2] == ["kind", "case"]
    assert {row["coefficient"] for row in rows} == {"gwet", "percent"}
    assert {(row["weights"], row["target"], row["confidence_level"]) for row in rows} == {
        ("linear", "subjects", "0.9")
    }
    assert len(rows_of("agreement", PILOT, "--by", "all", "--coefficient", "gwet")) == 1


def test_what_the_design_cannot_carry_is_shown_only_on_request():
    asked = "agreement", PILOT, "--by", "factor,case", "--coefficient", "conger"
    assert {row["estimate"] for row in rows_of(*asked)} == {""}
    text = fine(*asked).stdout
    assert re.search(r"n/a +n/a .* a$", text, re.M)
    assert "a: a single subject" in text
    rows = rows_of("icc", PILOT, "--by", "kind,case", "--force")
    shown = [row for row in rows if row["estimate"]]
    assert len(shown) >= 4
    assert all("forced" in row["flags"] for row in shown)


def test_icc_form_and_seed():
    rows = rows_of("icc", PILOT, "--form", "ICC(C,1)")
    assert [row["coefficient"] for row in rows] == ["ICC(C,1)"] * 2
    first, same, other = (fine("icc", PILOT, "--seed", seed, "--csv").stdout for seed in (1, 1, 2))
    assert first == same != other


def test_design_counts_every_cell_and_tells_what_to_look_at():
    text = fine("design", PILOT).stdout
    assert text.index("20 officers rated 2 cases") < text.index("grouping")
    assert re.search(r"^factor x case .*\bGwet's AC\b.* 26 +0 +0$", text, re.M)
    assert re.search(r"^ +Fleiss' kappa, .* 0 +0 +26 +a$", text, re.M)
    assert "Look instead at percent agreement" in text
    n = len(arms_irr.read_study(PILOT).design())
    every = fine("design", PILOT, "--all").stdout
    assert (
        len(re.findall(r"  (?:not identified|identified|weak)  ", every))
        == n
        == len(rows_of("design", PILOT))
    )


# --- machines ---------------------------------------------------------------------------------------------


def rows_of(*arguments):
    result = fine(*arguments, "--csv")
    return list(csv.DictReader(io.StringIO(result.stdout)))


@pytest.mark.parametrize("command", ["design", "gold", "agreement", "icc"])
def test_json_and_csv_hold_the_same_rows_with_full_precision(command):
    content = json.loads(fine(command, PILOT, "--json").stdout)
    assert content["synthetic"] is True
    assert {"rows", "notes", "seed", "question", "flags"} <= set(content)
    plain = rows_of(command, PILOT)
    assert len(plain) == len(content["rows"]) > 0
    for one, other in zip(plain, content["rows"], strict=True):
        assert list(one) == list(other)
        value = other["estimate"]
        assert one["estimate"] == ("" if value is None else repr(value))


def test_synthetic_data_are_declared_everywhere_and_csv_stays_pure(tmp_path):
    for command in ("check", "design", "gold", "agreement", "icc"):
        assert SYNTHETIC in fine(command, PILOT).stdout
    result = fine("gold", PILOT, "--csv")
    assert SYNTHETIC in result.stderr
    assert SYNTHETIC not in result.stdout
    real = write_folder(tmp_path / "real")
    settings = real / "study.toml"
    settings.write_text(settings.read_text("utf-8").replace("synthetic = true", "synthetic = false"), "utf-8")
    assert SYNTHETIC not in fine("gold", real, "--by", "case").output
    assert json.loads(fine("gold", real, "--json").stdout)["synthetic"] is False


def test_a_pipe_gets_whole_lines_without_colour_and_columns_is_obeyed():
    text = fine("gold", PILOT).stdout
    assert "\x1b" not in text
    assert "…" not in text
    assert "offence_related_sexual_interest  case_a" in text
    assert all(line == line.rstrip() for line in text.split("\n"))
    narrow = fine("agreement", PILOT, COLUMNS="100").stdout
    assert max(map(len, narrow.split("\n"))) <= 100
    # Too narrow a screen costs no digit.
    numbers = re.compile(r"\d+\.\d+ to \d+\.\d+")
    tiny = fine("gold", PILOT, COLUMNS="40").stdout
    assert numbers.findall(tiny) == numbers.findall(text)
    assert "offence_related_" in tiny


def test_markup_in_the_data_is_text(tmp_path):
    cases = [("case", "risk_band", "title"), *((c, "[red]x[/] :smile:", "") for c in ("H1", "L1", "L2"))]
    text = fine("gold", write_folder(tmp_path / "s", cases=cases), "--by", "risk_band").stdout
    assert "[red]x[/] :smile:" in text


# --- a wrong command is 2, wrong data are 1 ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gold", PILOT, "--by", "factr"), "Did you mean 'factor'?"),
        (("gold", PILOT, "--by", "case,case"), "twice"),
        (("gold", PILOT, "--confidence", "95"), "Did you mean 0.95?"),
        (("agreement", PILOT, "--confidence", "95"), "Did you mean 0.95?"),
        (("icc", PILOT, "--confidence", "nan"), "not between 0 and 1"),
        (("evaluate", PILOT, "--confidence", "95"), "Did you mean 0.95?"),
        (("gold", PILOT, "--statistic", "exat"), "Did you mean 'exact'?"),
        (("gold", PILOT, "--raters", "--by", "case"), "Leave out --by"),
        (("agreement", PILOT, "--coefficient", "gwett"), "Did you mean 'gwet'?"),
        (("agreement", PILOT, "--coefficient", "cohen"), "exactly 2 raters"),
        (("agreement", PILOT, "--weights", "quadratc"), "Did you mean 'quadratic'?"),
        (("agreement", PILOT, "--target", "officers"), "'raters'"),
        (("icc", PILOT, "--form", "ICC(A;1)"), "Did you mean 'ICC(A,1)'?"),
        (("icc", PILOT, "--seed", "-1"), "0"),
        (("icc", PILOT, "--json", "--csv"), "Give one of them"),
        (("check", PILOT.with_name("pilto")), "Did you mean"),
        (("check", "no\nsuch"), "Give the folder"),
        (("simulate", "pilto"), "Did you mean 'pilot'?"),
        (("agrement", PILOT), "Did you mean 'agreement'?"),
        (("gold",), "STUDY"),
        (("gold", PILOT, "--bye", "case"), "--by"),
    ],
)
def test_a_wrong_command_is_2_and_told_what_is_right(arguments, said):
    assert said in refused(2, *arguments)


def test_a_study_without_gold_is_told_so(tmp_path):
    folder = write_folder(tmp_path / "s")
    (folder / "gold.csv").unlink()
    settings = folder / "study.toml"
    settings.write_text(settings.read_text("utf-8") + '[files]\ngold = "none"\n', "utf-8")
    for extra in ((), ("--raters",)):
        assert "no gold standard" in refused(2, "gold", folder, *extra)
    fine("agreement", folder)


def spoil(name, content):
    def spoiled(folder):
        (folder / name).write_bytes(content)

    return spoiled


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (lambda folder: (folder / "study.toml").unlink(), "has no study.toml"),
        (spoil("study.toml", b'[study]\ntitel = "x"\ninstrument = "tiny.toml"\n'), "titel"),
        (spoil("study.toml", b"[study\n"), "study.toml"),
        (spoil("study.toml", b'[study]\ntitle = "x"\ninstrument = "amrs-12"\n'), "Did you mean 'arms-12'?"),
        (spoil("ratings.csv", b""), "ratings.csv"),
        (spoil("ratings.csv", b"rater,case,factor,rating\n"), "ratings.csv"),
        (spoil("ratings.csv", bytes(range(256)) * 20), "ratings.csv"),
        (spoil("gold.csv", b"PK\x03\x04" + bytes(500)), "gold.csv"),
        (lambda folder: (folder / "ratings.csv").unlink(), "ratings.csv"),
    ],
    ids=[
        "no study.toml",
        "unknown key",
        "no toml",
        "unknown instrument",
        "empty",
        "head only",
        "binary",
        "zip",
        "no file",
    ],
)
def test_bad_data_are_1_and_say_where(tmp_path, spoiled, said):
    folder = write_folder(tmp_path / "s")
    spoiled(folder)
    assert said in refused(1, "gold", folder)
    result = run("check", folder)
    assert result.exit_code == 1
    assert said in result.stdout


def test_a_file_that_is_no_study(tmp_path):
    for name, content in (
        ("ratings.csv", b"a,b\n1,2\n"),
        ("study.xlsx", b"no workbook"),
        ("empty.xlsx", b""),
    ):
        (tmp_path / name).write_bytes(content)
        assert name in refused(1, "agreement", tmp_path / name)


def test_no_traceback_from_what_nobody_expected(monkeypatch):
    def fails(path):
        raise RuntimeError("a fault\nof ours")

    monkeypatch.setattr("arms_irr.study.opening.read_study", fails)
    told = refused(3, "design", PILOT)
    assert "RuntimeError: a fault of ours" in told
    assert "report it" in told
    assert told.count("\n") == 1
    assert "Traceback" in run("design", PILOT, ARMS_IRR_DEBUG="1").stderr


def test_ctrl_c_is_130_with_one_sentence(monkeypatch):
    def interrupted(path):
        raise KeyboardInterrupt

    monkeypatch.setattr("arms_irr.study.opening.read_study", interrupted)
    assert refused(130, "design", PILOT).count("\n") == 1


# --- simulate and evaluate --------------------------------------------------------------------------------


def test_simulate_writes_the_shipped_example_and_replaces_nothing_real(tmp_path, monkeypatch):
    text = fine("simulate", "pilot", "-o", tmp_path / "mine").stdout
    assert SYNTHETIC in text
    written = {path.name: path.read_bytes() for path in (tmp_path / "mine").iterdir()}
    shipped = {path.name: path.read_bytes() for path in PILOT.iterdir()}
    shipped.pop("claims.toml", None)  # claims are made by people, not simulated
    assert written == shipped
    fine("simulate", "pilot", "-o", tmp_path / "mine", "--seed", 2)
    assert (tmp_path / "mine" / "ratings.csv").read_bytes() != (PILOT / "ratings.csv").read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("dear")
    assert "Give another folder" in refused(2, "simulate", "pilot", "-o", other)
    assert "cannot be written" in refused(2, "simulate", "pilot", "-o", other / "thesis.txt" / "below")
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]
    monkeypatch.chdir(tmp_path)
    fine("simulate", "pilot")
    assert (tmp_path / "pilot" / "study.toml").exists()


QUICK = ("--sections", "study", "--format", "md")  # where the point is not what stands in the report


@pytest.fixture
def report(tmp_path):
    """A report, what was said of it, and its study."""
    study, out = write_folder(tmp_path / "study"), tmp_path / "reports" / "small"
    return out, fine("evaluate", study, "-o", out, *QUICK).stdout, study


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_evaluate_says_where_the_report_is_and_what_to_do_next(report):
    out, text, study = report
    assert f"The report is {out / 'report.md'}." in text
    assert "Next:" in text
    assert SYNTHETIC in text
    several = fine("evaluate", study, "-o", out, "--sections", "study,gold", "--format", "html,md", "--format", "xlsx").stdout
    assert f"The report is in {out}: report.html, report.md, report.xlsx." in several
    assert {path.name for path in out.glob("report.*")} == {"report.html", "report.md", "report.xlsx", "report.json"}


def test_evaluate_goes_to_reports_by_default(tmp_path, monkeypatch):
    study = write_folder(tmp_path / "my study")
    monkeypatch.chdir(tmp_path)
    assert "reports/my study/report.md" in fine("evaluate", study, *QUICK).stdout.replace("\n", " ")
    assert (tmp_path / "reports" / "my study" / "report.md").exists()


@pytest.mark.parametrize(
    ("error", "code"), [(RuntimeError("a fault"), 3), (KeyboardInterrupt(), 130), (MemoryError(), 3)]
)
def test_an_error_leaves_the_old_report_as_it_was(report, broken, monkeypatch, error, code):
    def fails(*args, **kwargs):
        raise error

    out, _, study = report
    before = contents(out)
    monkeypatch.setattr("arms_irr.reporting.evaluation.render", fails)
    refused(code, "evaluate", study, "-o", out, *QUICK)
    refused(1, "evaluate", broken, "-o", out, *QUICK)
    assert contents(out) == before
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_evaluate_leaves_other_peoples_folders_alone(tmp_path):
    folder = tmp_path / "theses"
    folder.mkdir()
    (folder / "thesis.txt").write_text("dear")
    for out in (folder, folder / "thesis.txt", folder / "thesis.txt" / "below"):
        assert "Error" in refused(2, "evaluate", PILOT, "-o", out, *QUICK)
    assert contents(folder) == {Path("thesis.txt"): b"dear"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "htm"), "unknown format 'htm'. Did you mean 'html'?"),
        (("--format", "html,word"), "unknown format 'word'"),
        (("--sections", "gold,missd"), "unknown section 'missd'. Did you mean 'missed'?"),
        (("--lang", "xx"), "en"),
        (("--pseudonyms", "hide"), "keep, renumber"),
        (("--min-cell", "0"), "--min-cell"),
        (("--seed", "-1"), "--seed"),
    ],
)
def test_options_of_evaluate_that_are_none(tmp_path, arguments, said):
    out = tmp_path / "r"
    assert said in " ".join(refused(2, "evaluate", PILOT, "-o", out, *arguments).split())
    assert not out.exists()


def test_options_of_evaluate_reach_the_report(report):
    out, _, study = report
    fine("evaluate", study, "-o", out, "--sections", "gold,data-quality", "--format", "md", "--confidence", "0.9", "--seed", "7",
         "--pseudonyms", "renumber", "--min-cell", "1")
    settings = json.loads((out / "manifest.json").read_text("utf-8"))["settings"]
    assert settings == {"confidence_level": 0.9, "seed": 7, "formats": ["md"], "sections": ["gold", "data-quality"],
                        "pseudonyms": "renumber", "min_cell": 1, "language": "en"}
    text = (out / "report.md").read_text("utf-8")
    assert "90 % interval" in text
    assert "| police | 1 |" in text


def test_wrong_settings_of_a_report_are_1_and_all_told(report):
    out, _, study = report
    before = contents(out)
    settings = study / "study.toml"
    settings.write_text(settings.read_text("utf-8") + '[report]\ncost_ratio = 2\nrating_matrix = "yes"\n', "utf-8")
    told = refused(1, "evaluate", study, "-o", out, *QUICK)
    for said in ("2 problems", "'cost_ratio'", "Did you mean 'cost_ratios'?", "'rating_matrix'", "study.toml"):
        assert said in " ".join(told.split())
    assert contents(out) == before


def test_mistakes_of_a_template_are_1(report, tmp_path):
    out, _, study = report
    paper = tmp_path / "house.docx"
    paper.write_text("no zip")
    told = refused(1, "evaluate", study, "-o", out, "--sections", "study", "--format", "docx", "--template", paper)
    assert "house.docx" in told
    assert (out / "report.md").exists(), "the old report"


# --- a real process ---------------------------------------------------------------------------------------


def test_exit_codes_and_streams_of_a_process(broken):
    good, bad, wrong = process("check", PILOT), process("design", broken), process("check", "nowhere")
    assert (good.returncode, bad.returncode, wrong.returncode) == (0, 1, 2)
    assert good.stdout.startswith("Study: ")
    assert bad.stdout == wrong.stdout == ""
    assert "Traceback" not in good.stderr + bad.stderr + wrong.stderr


def test_a_code_page_without_our_characters(tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    out = process("check", write_folder(tmp_path / "s"), env=environment)
    assert out.returncode == 0
    assert "Small – “quoted”" in out.stdout


def test_a_reader_who_has_enough():
    with subprocess.Popen(
        [sys.executable, "-m", "arms_irr", "design", str(PILOT), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    ) as running:
        assert running.stdout.readline() == "{\n"
        running.stdout.close()
        told = running.stderr.read()
        assert running.wait(30) == 128 + signal.SIGPIPE
    assert "Broken" not in told
    assert "Traceback" not in told


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["check", PILOT]])
def test_a_full_disk(arguments):
    with open("/dev/full", "w") as full:
        done = process(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert "Something went wrong (OSError: [Errno 28]" in done.stderr
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr


def test_a_closed_stream():
    closed = f"exec {shlex.quote(sys.executable)} -m arms_irr check {shlex.quote(str(PILOT))} >&-"
    done = subprocess.run(["sh", "-c", closed], stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


RUN_ALL = """
import sys
from arms_irr.cli.main import app
for arguments in sys.argv[2:]:
    try:
        app(arguments.split("|"))
    except SystemExit as stop:
        assert not stop.code
    assert not set(sys.argv[1].split(",")) & set(sys.modules), arguments
"""


@pytest.mark.parametrize(
    ("heavy", "commands"),
    [
        (
            "numpy,pandas,scipy,rich,matplotlib",
            ["--help", "agreement|--help", "evaluate|--help", "--version"],
        ),
        (
            "pandas,matplotlib,scipy.stats,statsmodels,openpyxl,pyarrow",
            [f"{command}|{PILOT}" for command in ("check", "design", "gold", "agreement", "icc")],
        ),
    ],
    ids=["help", "answers"],
)
def test_a_command_loads_only_what_it_needs(heavy, commands):
    words = [sys.executable, "-c", RUN_ALL, heavy, *commands]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_terminal_gets_its_width(tmp_path):
    import fcntl
    import struct
    import termios

    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")} | {
        "TERM": "xterm"
    }
    with subprocess.Popen(
        [sys.executable, "-m", "arms_irr", "design", str(PILOT)],
        stdout=slave,
        stderr=subprocess.DEVNULL,
        stdin=slave,
        env=environment,
    ) as running:
        os.close(slave)
        seen = b""
        while True:
            try:
                seen += (piece := os.read(master, 65536))
            except OSError:
                break
            if not piece:
                break
    os.close(master)
    assert running.returncode == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", seen.decode())
    assert 60 < max(len(line) for line in text.splitlines()) <= 100


@pytest.mark.skipif(
    not shutil.which("arms-irr", path=str(Path(sys.executable).parent)), reason="not installed"
)
def test_the_installed_command():
    command = shutil.which("arms-irr", path=str(Path(sys.executable).parent))
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == f"arms-irr {arms_irr.__version__}\n"


def test_a_narrow_screen_and_a_column_without_a_head(monkeypatch):
    """A head may be empty and the screen narrower than the table."""
    monkeypatch.setenv("COLUMNS", "60")
    result = CliRunner().invoke(app, ["certify", str(Path(__file__).parents[1] / "data" / "certification"), "--characteristics"])
    assert result.exit_code == 0, result.output
