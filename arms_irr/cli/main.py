"""``arms-irr``: the commands, and what becomes of an error."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer

from arms_irr import __version__
from arms_irr.cli.agreement import agreement
from arms_irr.cli.certify import certify
from arms_irr.cli.check import check
from arms_irr.cli.collect import collect
from arms_irr.cli.compare import compare
from arms_irr.cli.crosscheck import crosscheck
from arms_irr.cli.design import design
from arms_irr.cli.drift import drift
from arms_irr.cli.evaluate import evaluate
from arms_irr.cli.feedback import feedback
from arms_irr.cli.form import form
from arms_irr.cli.gold import gold
from arms_irr.cli.icc import icc
from arms_irr.cli.plan import plan
from arms_irr.cli.show import say
from arms_irr.cli.simulate import simulate
from arms_irr.cli.training import training
from arms_irr.cli.twin import twin
from arms_irr.errors import ArmsError, DataError

__all__ = ["app", "main"]

Command = Callable[..., Any]
EXAMPLES: dict[Command, str] = {
    check: "arms-irr check data/pilot",
    design: "arms-irr design data/pilot",
    gold: "arms-irr gold data/pilot --by kind,case --statistic exact",
    agreement: "arms-irr agreement data/pilot --by case --coefficient gwet --weights linear",
    icc: "arms-irr icc data/pilot --by case --form 'ICC(C,1)'",
    evaluate: "arms-irr evaluate data/pilot -o reports/pilot",
    feedback: "arms-irr feedback data/pilot -o feedback",
    compare: "arms-irr compare data/pilot data/second_exercise -o reports/comparison",
    certify: "arms-irr certify data/certification --characteristics",
    training: "arms-irr training data/training_pre_post",
    drift: "arms-irr drift data/training_pre_post",
    crosscheck: "arms-irr crosscheck data/pilot --emit r -o pilot.R",
    form: "arms-irr form arms-12 --cases cases.csv --raters raters.csv -o forms",
    collect: "arms-irr collect forms -o study",
    plan: "arms-irr plan data/pilot --officers 40 --cases 12 -o plan",
    simulate: "arms-irr simulate pilot -o my_pilot --seed 2",
    twin: "arms-irr twin data/pilot -o my_twin",
}

app = typer.Typer(
    name="arms-irr",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: arms-irr check STUDY. STUDY is a folder with a study.toml, or a workbook. "
    "Exit codes: 0 fine, 1 the data have problems, 2 the command was wrong. "
    "arms-irr --install-completion lets the Tab key complete commands and options.",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"arms-irr {__version__}")
        raise typer.Exit


@app.callback()
def arms_irr(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """How far raters agree with each other, and with the gold standard."""


def _told(command: Command) -> Command:
    """The command, with every error told in plain words on stderr and an exit code."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
            sys.stdout.flush()
        except typer.Exit:
            raise
        except (Exception, KeyboardInterrupt) as error:
            raise typer.Exit(_tell(error)) from None

    return run


def _tell(error: BaseException) -> int:
    """Say on stderr what went wrong; the exit code."""
    if isinstance(error, BrokenPipeError):  # the reader has enough, as in `arms-irr gold ... | head`
        _drop_output()
        return 141
    if isinstance(error, KeyboardInterrupt):
        say("Stopped before the end, as you asked.")
        return 130
    if isinstance(error, ArmsError):
        data = isinstance(error, DataError)
        say(str(error) if data else f"Error: {error}")
        return 1 if data else 2
    if isinstance(error, OSError):
        _drop_output()
    if os.environ.get("ARMS_IRR_DEBUG"):
        import traceback

        say("".join(traceback.format_exception(error)))
    what = " ".join(f"{type(error).__name__}: {error}".split())
    whose = "the computer refused" if isinstance(error, OSError) else "this is a fault of the program"
    say(
        f"Something went wrong ({what}): {whose}, so nothing more was done; if it goes on, please report it "
        "to the arms-irr project, with the command you typed."
    )
    return 3


def _drop_output() -> None:
    """Let what cannot be written go, or Python would complain about it on its way out."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: a stream that is no file, as in a notebook
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


for _command, _example in EXAMPLES.items():
    app.command(epilog=f"Example: {_example}")(_told(_command))


def main() -> None:
    """Run the command line and exit."""
    # Read when numpy is loaded, which no command has done yet. The models need many products of small matrices: threads
    # only wait for each other there, cost a third more, and many times that where the cores are busy with other work.
    for setting in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(setting, "1")
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif not stream.isatty():  # a pipe or file gets UTF-8 whatever the machine's own code page
            stream.reconfigure(encoding="utf-8", errors="replace")
        else:
            stream.reconfigure(errors="replace")
    if not (sys.warnoptions or os.environ.get("ARMS_IRR_DEBUG")):
        warnings.simplefilter(
            "ignore"
        )  # they speak to programmers; what matters to a user is a flag or a note
    try:
        app(prog_name="arms-irr")
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(_tell(error))
