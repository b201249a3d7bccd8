"""An app with a timer that writes down each of its runs."""

import json
import os
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.timer_trigger(schedule="0 0 3 * * *", arg_name="timer")
def nightly(timer: func.TimerRequest) -> None:
    run = {name: getattr(timer, name) for name in ("past_due", "schedule", "schedule_status")}
    file = Path(os.environ["RUNS_FILE"])
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(run), encoding="utf-8")
    unfinished.rename(file)


@app.route(route="page")
def page(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("page")


@app.route(route="{*path}")
def zz_everything(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("everything")
