"""Watch a job from a command: its progress bar, and its end."""

import sys
import time

import click

from gateway.cli.state import Opened
from gateway.inspector.queries.replays import progress
from gateway.state.jobs import Job

_LOOK_SECONDS = 0.1


def watch(gateway: Opened, job: Job, label: str) -> Job:
    """
    Show the progress of a job until it or the gateway has ended, and return the job.

    Ctrl-C ends the command, but not the job.
    """
    state = gateway.state
    if job.sink in state.paused():
        click.echo(f"Sink {job.sink} is paused; the job goes on when it is resumed.", err=True)
    click.echo(f"{label} as job {job.id}; Ctrl-C leaves it running.", err=True)
    with click.progressbar(length=max(1, job.events), label=label, show_pos=True, file=sys.stderr) as bar:
        done = 0
        while job.state == "running" and gateway.is_running():
            time.sleep(_LOOK_SECONDS)
            job = state.jobs.read(job.id) or job
            now = progress(job)
            bar.update(now - done)
            done = now
    if job.state == "running":
        click.echo("The gateway has stopped; the job goes on when it runs again.", err=True)
    return job
