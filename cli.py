"""The command line. Data goes to stdout, talk to stderr; `--json` gives data to programs.

Exit codes: 0 done, 1 the product said no, 2 wrong usage or setting, 130 interrupted.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from contracts.errors import CodeVoiceError, InvalidBank, InvalidInput, SettingError

app = typer.Typer(
    help="Technical interviews by voice: durable, and graded so that a person can check.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
interview_app = typer.Typer(help="Start and follow interviews over HTTP.", no_args_is_help=True)
questions_app = typer.Typer(help="Check, import and export questions.", no_args_is_help=True)
grade_app = typer.Typer(help="Measure the grader.", no_args_is_help=True)
config_app = typer.Typer(help="Look at the settings.", no_args_is_help=True)
app.add_typer(interview_app, name="interview")
app.add_typer(questions_app, name="questions")
app.add_typer(grade_app, name="grade")
app.add_typer(config_app, name="config")

out = Console()
talk = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Transport = Annotated[
    Literal["direct", "livekit"],
    typer.Option(help="livekit: start a LiveKit server too, unless LIVEKIT_URL names one."),
]
InterviewId = Annotated[str, typer.Argument(help="The interview's id.")]


def print_json(data: Any) -> None:
    out.print_json(json.dumps(data, default=str))


def print_line(text: str) -> None:
    """As it is: not wrapped, no markup read, no colours."""
    out.print(text, soft_wrap=True, markup=False, highlight=False)


# --- running the product ---------------------------------------------------------------------


@app.command()
def up(
    fresh_interview: Annotated[
        bool, typer.Option("--interview/--no-interview", help="Make an interview to join.")
    ] = True,
    transport: Transport = "direct",
) -> None:
    """Start the whole product on this machine and print a link to an interview."""
    from local.run import run_product

    livekit = transport == "livekit"
    asyncio.run(run_product(talk, out, with_interview=fresh_interview, livekit=livekit))


@app.command()
def worker(
    queues: Annotated[
        str, typer.Option(help="Comma-separated: interviews, grading, conversations.")
    ] = "interviews,grading,conversations",
    ready_file: Annotated[Path | None, typer.Option(help="There while all are polled.")] = None,
) -> None:
    """Poll task queues: conversations in one process, interviews and grading in another."""
    import worker as worker_module

    worker_module.run(tuple(name.strip() for name in queues.split(",")), ready_file)


@app.command()
def api() -> None:
    """Serve the HTTP API and the pages."""
    from api.app import serve

    serve()


@app.command()
def migrate() -> None:
    """Bring the database to the newest tables, with the starter bank and a key to the API."""
    from local.database import migrated

    print_line(asyncio.run(migrated()))


@app.command()
def demo(
    kill: Annotated[bool, typer.Option("--kill", help="Kill the bot in mid-answer.")] = False,
    questions: Annotated[int, typer.Option(min=1, max=10, help="Questions to ask.")] = 2,
    transport: Transport = "direct",
) -> None:
    """Hold a whole interview with nobody present and print it as it happens."""
    from bench.demo import hold_demo

    livekit = transport == "livekit"
    asyncio.run(hold_demo(talk, out, kill=kill, question_count=questions, livekit=livekit))


@app.command()
def bench(
    short: Annotated[bool, typer.Option("--short", help="Fewer rounds, for a quick look.")] = False,
    only: Annotated[str, typer.Option(help="Comma-separated names of measurements.")] = "",
    results: Annotated[Path, typer.Option(help="Where the figures go.")] = Path(
        "bench-results.json"
    ),
) -> None:
    """Measure speeds, memory, load and leaks; print them and write them as JSON."""
    from bench.run import measure

    names = tuple(name.strip() for name in only.split(",") if name.strip())
    asyncio.run(measure(talk, out, short=short, only=names, results=results))


@app.command()
def chaos(
    *,
    minutes: Annotated[float, typer.Option(min=0, help="For kills at named points.")] = 25.0,
    per_side: Annotated[int, typer.Option(min=1, help="Kills at each side of a point.")] = 15,
    lanes: Annotated[int, typer.Option(min=1, max=8, help="Products side by side.")] = 2,
    voice: Annotated[int, typer.Option(min=0, help="Spoken interviews after that.")] = 0,
    rooms: Annotated[int, typer.Option(min=0, help="Those in LiveKit's rooms.")] = 0,
    storm: Annotated[float, typer.Option(min=0, help="Minutes of storm after that.")] = 0.0,
    at_once: Annotated[int, typer.Option(min=1, help="Interviews in the storm.")] = 50,
    seed: Annotated[int | None, typer.Option(help="By chance, and told, when absent.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("chaos-report"),
) -> None:
    """Kill the product at every step and judge what candidates lost; exit 1 if anything."""
    from bench.chaos.run import run_chaos

    report = asyncio.run(
        run_chaos(
            talk,
            minutes=minutes,
            per_side=per_side,
            lanes=lanes,
            voice=voice,
            rooms=rooms,
            storm_minutes=storm,
            at_once=at_once,
            seed=seed,
            folder=folder,
        )
    )
    raise typer.Exit(0 if report.passed else 1)


@app.command()
def bench_turns(
    *,
    answers: Annotated[int, typer.Option(min=2, help="Answers of synthetic thinkers.")] = 300,
    seed: Annotated[int, typer.Option(help="Who the thinkers are.")] = 1,
    folder: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("turns-report"),
) -> None:
    """Draw the curve of answers cut off against waiting, for three ways of taking turns."""
    from bench.turns.run import run_bench_turns

    for figure in run_bench_turns(talk, answers=answers, seed=seed, folder=folder).figures:
        said = f"{figure.name}: {figure.shown}"
        if figure.at_most is not None:
            met = "met" if figure.met else "missed"
            said += f", at most {figure.at_most:g} {figure.unit}: {met}"
        out.print(said, markup=False, highlight=False)


@app.command()
def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare every interview's parts too; heal what can be.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check every part and setting: a line for each, with one act where something is wrong."""
    from local.doctor import examine, examine_deeply

    findings = asyncio.run(examine())
    if deep:
        findings += asyncio.run(examine_deeply())
    if as_json:
        print_json([finding.model_dump() for finding in findings])
    else:
        for finding in findings:
            mark = "[green]ok[/]" if finding.ok else "[red]no[/]"
            act = f"  → {finding.remedy}" if finding.remedy else ""
            out.print(f"{mark}  {finding.part}: {finding.state}{act}", soft_wrap=True)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@config_app.command("show")
def config_show(
    origin: Annotated[bool, typer.Option("--origin", help="Say where each came from.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the settings in force, secrets masked."""
    from settings import load, origins

    rows = origins(load())
    if as_json:
        print_json([row._asdict() for row in rows])
        return
    table = Table("setting", "value", *(["from"] if origin else []))
    for row in rows:
        table.add_row(row.name, row.value, *([row.origin] if origin else []))
    out.print(table)


# --- interviews, over HTTP -------------------------------------------------------------------


@interview_app.command("start")
def interview_start(
    topic: Annotated[list[str] | None, typer.Option(help="Draw from this topic; repeat.")] = None,
    count: Annotated[int, typer.Option(min=1, max=40, help="How many questions.")] = 4,
    minutes: Annotated[int, typer.Option(min=1, max=240, help="Asking time.")] = 20,
    name: Annotated[str | None, typer.Option(help="The candidate's name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Start an interview and print two links: the candidate's, then the report's for staff."""
    body: dict[str, Any] = {"question_count": count, "duration_minutes": minutes}
    if topic:
        body["topics"] = topic
    if name:
        body["candidate"] = {"name": name}
    made = _http("POST", "/interviews", json=body)
    if as_json:
        print_json(made)
    else:
        talk.print(f"interview {made['id']}, for the candidate:")
        out.print(made["join_url"], soft_wrap=True, highlight=False)
        talk.print("its report, for staff:")
        out.print(made["report_url"], soft_wrap=True, highlight=False)


@interview_app.command("status")
def interview_status(interview_id: InterviewId, as_json: AsJson = False) -> None:
    """Say how an interview stands."""
    _say_status(_http("GET", f"/interviews/{interview_id}"), as_json)


@interview_app.command("list")
def interview_list(
    status: Annotated[str | None, typer.Option(help="Only with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List interviews, newest first."""
    from local.product import Product

    found = list(islice(Product.running().interviews(status), limit))
    if as_json:
        print_json({"items": found})
        return
    table = Table("id", "status", "answered", "report version")
    for item in found:
        progress = item["progress"]
        answered = f"{progress['answered']} of {progress['total']}"
        table.add_row(item["id"], item["status"], answered, str(item["report_version"] or ""))
    out.print(table)


@interview_app.command("watch")
def interview_watch(
    interview_id: InterviewId,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON each.")] = False,
) -> None:
    """Follow an interview until it ends: a line for each change."""
    from local.product import Product

    for status in Product.running().follow(interview_id):
        if as_json:
            print_line(json.dumps(status))
        else:
            _status_line(status)


@interview_app.command("cancel")
def interview_cancel(interview_id: InterviewId, as_json: AsJson = False) -> None:
    """Cancel an interview. What was said so far is kept."""
    _say_status(_http("POST", f"/interviews/{interview_id}/cancel"), as_json)


def _http(method: str, path: str, **request: Any) -> Any:
    from local.product import Product

    return Product.running().call(method, path, **request)


def _say_status(status: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(status)
    else:
        _status_line(status)


def _status_line(status: dict[str, Any]) -> None:
    question = status.get("current_question") or {}
    place = f", question {question['number']} of {question['total']}" if question else ""
    out.print(f"{status['status']}{place}, version {status['state_version']}", highlight=False)


# --- questions and grading -------------------------------------------------------------------


@questions_app.command("check")
def questions_check(files: list[Path], as_json: AsJson = False) -> None:
    """Check question files; print each problem with file and line."""
    from questions.loader import check

    problems = [problem for file in files for problem in check(file)]
    if as_json:
        print_json([asdict(problem) for problem in problems])
    else:
        for problem in problems:
            print_line(str(problem))
    talk.print(f"{len(files)} files, {len(problems)} problems")
    raise typer.Exit(1 if problems else 0)


@questions_app.command("import")
def questions_import(files: list[Path], as_json: AsJson = False) -> None:
    """Put question files into the bank: all of them, or nothing when one has a problem."""
    from local.bank import import_files

    changed = asyncio.run(import_files(files))
    if as_json:
        print_json({"changed": changed})
    talk.print(f"{changed} questions new or changed")


@questions_app.command("export")
def questions_export(
    kind: Annotated[str, typer.Option("--format", help="yaml, json or csv.")] = "yaml",
) -> None:
    """Print the bank."""
    from local.bank import export

    sys.stdout.write(asyncio.run(export(kind)))


@grade_app.command("eval")
def grade_eval(
    data: Annotated[Path, typer.Option("--data", help="CSV of graded answers.")],
    as_json: AsJson = False,
) -> None:
    """Print the embedded grader's agreement with human graders: r, RMSE, QWK, with intervals."""
    from grading.embedded import EmbeddedGrader
    from grading.evaluate import evaluate

    agreement = asyncio.run(evaluate(data, EmbeddedGrader()))
    if as_json:
        print_json(agreement.model_dump(mode="json"))
        return
    heading, *rows = agreement.rows()
    table = Table(*heading)
    for row in rows:
        table.add_row(*row)
    out.print(table)
    took = agreement.latency
    print_line(
        f"grader {agreement.grader_version}, {took.p50_ms:g} ms for an answer (p95 "
        f"{took.p95_ms:g} ms; {took.words_median:.0f} words, median); {agreement.left_out} rows "
        "left out: they ask for no open answer"
    )


def _fail(error: CodeVoiceError) -> NoReturn:
    talk.print(f"[red]codevoice:[/] {error.detail}", soft_wrap=True, highlight=False)
    usage = isinstance(error, (SettingError, InvalidInput, InvalidBank))
    sys.exit(2 if usage else 1)


def main() -> None:
    """Runs a command; an error the product knows is one line, never a traceback."""
    try:
        app()
    except CodeVoiceError as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.exit(130)
    except asyncio.CancelledError:  # by SIGTERM
        sys.exit(143)


if __name__ == "__main__":
    main()
