"""A database that several gateways share, and members of it."""

from collections.abc import Callable
from contextlib import closing

from gateway.config.secret import Secret
from gateway.postgresql.connection import Session
from gateway.postgresql.place import Remote
from gateway.state.leases import LEASE_SECONDS, Leases, Member

ID = bytes(16)
"""The id of its journal."""

PARTITIONS = [str(number) for number in range(8)]

Join = Callable[..., Leases]
"""Makes a member: of the node of a name, since a time, at a place."""


class Shared:
    """A database that several gateways share."""

    def __init__(self, address: str) -> None:
        self.url = Secret(address)
        self.place = Remote(self.url, "state")

    def run(self, statement: str) -> None:
        with closing(Session.connect(self.url)) as session:
            session.execute(statement)

    def vanish(self, leases: Leases) -> None:
        """Let the leases end as if the member had said nothing for some time."""
        self.run(f"UPDATE members SET expires_at = clock_timestamp() WHERE id = '{leases.member.id}'")

    def leases(self, member: Member, lease_seconds: float = LEASE_SECONDS) -> Leases:
        return Leases(self.url, member, lease_seconds)
