"""Configurations of the gateways that are measured."""

from collections.abc import Mapping


def config(sinks: Mapping[str, str], *, ports: tuple[int, int] = (0, 0), processes: int | None = None) -> str:
    """
    Return a configuration with these sinks, of kinds by name, and one source whose key is `dev`.

    `ports`: of the intake and the inspector, 0 for any. `processes`: of delivery, None for the default.
    """
    tables = [
        f"[server]\nport = {ports[0]}",
        f"[inspector]\nport = {ports[1]}",
        '[sources.default]\nwrite_keys = ["dev"]',
    ]
    if processes is not None:
        tables.append(f"[delivery]\nprocesses = {processes}")
    for name, kind in sinks.items():
        path = f'\npath = "data/{name}.jsonl"' if kind == "json_lines" else ""
        tables.append(f'[sinks.{name}]\nkind = "{kind}"{path}')
    return "\n".join(tables) + "\n"
