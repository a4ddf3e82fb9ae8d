"""A gateway that has delivered, and is stopped, for tests of the commands about delivery."""

from pathlib import Path

import anyio
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.errors import Culprit, SinkError, SinkRefused
from gateway.home import Home
from gateway.state.store import State
from tests.build import event_line, keep
from tests.delivery.recorder import Recorder
from tests.delivery.work import deliver, make
from tests.gateway import DEFAULTS

WORDS = "HTTP 400: revenue is no number"


class Stopped:
    """The sink is called "events". Its journal has 10 events, of which two are dead letters: 3 and 7."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "gateway.toml"
        self.file.write_text(DEFAULTS)
        self.home = Home(folder / "data/journal")
        with self.home.own():
            State.prepare(self.home.state, self.home.journal)
        self.keep(0, 10)
        culprits = {number: Culprit("revenue is no number", answer=WORDS) for number in (3, 7)}
        self.deliver(SinkRefused("refused", culprits))

    def open(self) -> State:
        return State.open(self.home.state, self.home.journal)

    def keep(self, first: int, end: int) -> None:
        lines = [
            event_line(number, event="Order Completed" if number % 2 else "Signed Up")
            for number in range(first, end)
        ]
        keep(self.home.partition(0), lines)

    def deliver(self, *script: SinkError, sink: str = "events") -> Recorder:
        """Run delivery until everything is delivered or an attempt fails."""
        recorder = Recorder(script=list(script))
        state = self.open()
        anyio.run(deliver, make(recorder, self.home.folder, state, sink))
        state.close()
        return recorder

    def run(self, *arguments: str) -> Result:
        """Run a command of `gateway`."""
        return CliRunner().invoke(main, [*arguments, "--config", str(self.file)])
