"""`saiten serve`: the marking service of a JupyterHub, with its pages.

In: a course, and the environment that JupyterHub gives to a service that it starts. Out: pages below the service's
prefix until it is told to stop. Exit code 0 or 2.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from saiten.cli.options import course_option


@click.command(name="serve")
@course_option
@click.option("--url", default="", metavar="URL", help="Where to listen; without it, what the hub says.")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="The port alone; 0 takes a free one.")
@click.option("--mend", is_flag=True, help="Make what is missing in the exchange, and mend the modes of what is there.")
def command(course_dir: Path | None, url: str, port: int | None, mend: bool) -> None:
    """Mark what students hand in on JupyterHub as it comes, and show it on pages.

    JupyterHub starts this as a managed service (image/jupyterhub_config.py has the lines). Students see their own
    exercises, hand-ins and feedback; who has the scope custom:saiten:assist sees everybody's and has work marked again;
    who has custom:saiten:instruct builds, checks and releases as well. Without --url and --port it listens where the
    hub says (JUPYTERHUB_SERVICE_URL). SIGTERM or Ctrl-C ends it; what is in the queue is taken up by the next start.

    It refuses to start where students could read the course's folder, list what others handed in, or rename a course in
    the exchange, and says which command mends it; --mend does it.

    \b
    Examples:
      saiten serve --course /srv/course                              as the hub's configuration has it
      saiten serve --course /srv/course --url http://127.0.0.1:10101
    """
    from saiten.course import Course
    from saiten.hub.desk import MarkingDesk
    from saiten.hub.exchange import require_exchange
    from saiten.hub.web.serve import Place, hub_auth_from, place_of, serve

    hub_auth_from(os.environ)  # says at once that there is no hub, before a course is opened
    place = place_of(url or os.environ.get("JUPYTERHUB_SERVICE_URL") or "http://127.0.0.1:10101")
    if port is not None:
        place = Place(place.host, port)
    course = Course.find(course_dir)
    for change in require_exchange(course, mend=mend):
        click.echo(change, err=True)
    with MarkingDesk.open(course) as desk:
        serve(desk, place, lambda address: click.echo(f"Serving {address}", err=True))
