"""A network between programs of this machine: each reaches each other one by a gate, and can be cut off."""

from tests.sinks.gate import Gate


class Network:
    """Gates between members, which have names. What passes a member that is cut off waits, as packets do."""

    def __init__(self) -> None:
        self._gates: dict[tuple[str, str, int], Gate] = {}

    def port(self, member: str, other: str, port: int) -> int:
        """Return the port by which a member reaches a port of another one."""
        gate = self._gates.get((member, other, port))
        if gate is None:
            gate = self._gates[member, other, port] = Gate(port)
        return gate.port

    def cut_off(self, member: str) -> None:
        """Let nothing through from and to a member, without closing a connection."""
        for gate in self._of(member):
            gate.hold()

    def join(self, member: str) -> None:
        """Let through what is there for a member that was cut off."""
        for gate in self._of(member):
            gate.release()

    def close(self) -> None:
        for gate in self._gates.values():
            gate.close()

    def _of(self, member: str) -> list[Gate]:
        return [gate for (one, other, _), gate in self._gates.items() if member in (one, other)]
