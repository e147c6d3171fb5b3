"""The client list of `link`: a file, or the answer to a query, kept as one beside the output."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from linkage_rl.atomic import replacing
from linkage_rl.config.command import say
from linkage_rl.config.inputs import database_of
from linkage_rl.config.link_output import LinkOutput
from linkage_rl.config.link_settings import LinkSettings, is_url
from linkage_rl.tables.client_query import write_clients
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.ddl import stamp


@contextmanager
def clients_on_disk(settings: LinkSettings, output: LinkOutput) -> Iterator[LinkSettings]:
    """The settings with a file as the client list; rows of a database are read into one first.

    The file lies beside the output until the result is complete: a run that was interrupted goes
    on with the clients that it began with.

    Raises:
        LinkageError: The database cannot be read, or the disk is full.
    """
    if not is_url(settings.clients):
        yield settings
        return
    url = database_of(settings.clients)
    path, about = output.beside("clients.csv"), output.beside("clients.json")
    source = {"database": shown(url), "query": settings.query}
    try:
        kept = json.loads(about.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError):
        kept = {}
    if {name: kept.get(name) for name in source} == source:
        say(f"clients  going on with those that were read at {kept['read_at']}, in {path}")
    else:
        clients = write_clients(url, settings.query, path)
        if output.url is not None:
            # what is in the table is of other clients
            output.forget_linked()
        with replacing(about) as partial:
            text = json.dumps({**source, "read_at": stamp()}, ensure_ascii=False)
            partial.write_text(text, encoding="utf-8")
        say(f"clients  {clients:,} read from {shown(url)}")
    done = False
    try:
        yield replace(settings, clients=str(path), query="", encoding="utf-8", header_row=1)
        done = True
    finally:
        # without a finished client nothing has to go on
        if done or not output.has_begun():
            path.unlink(missing_ok=True)
            about.unlink(missing_ok=True)
