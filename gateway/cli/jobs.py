"""A job that a command watches: its progress bar, and its end."""

import time

import click

from gateway.state.jobs import Job
from gateway.state.store import State

_LOOK_SECONDS = 0.1


def watch(state: State, job: Job, label: str) -> Job:
    """
    Show the progress of a job until it has ended, and return it.

    Ctrl-C ends the command, and not the job.
    """
    click.echo(f"{label} as job {job.id}; Ctrl-C leaves it running.", err=True)
    with click.progressbar(length=max(1, job.events), label=label, show_pos=True) as bar:
        done = 0
        while job.state == "running":
            time.sleep(_LOOK_SECONDS)
            job = state.jobs.read(job.id) or job
            now = progress(job)
            bar.update(now - done)
            done = now
    return job


def progress(job: Job) -> int:
    """Return the number of events of a job that are dealt with."""
    if job.kind == "replay":
        return job.events - sum(max(0, span.end - span.next) for span in job.positions.values())
    return job.sent + job.refused
