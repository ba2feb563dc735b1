"""The trial: a whole hub for a made-up class on one machine, as one ordinary user, gone when it is stopped.

In: a course and an empty folder. Out: a running JupyterHub with the marking service, formgrader, students and staff,
by the same configuration as a real hub. As all servers run as one Unix user, it is no wall between students.
"""

from saiten.hub.trial.place import Person, Place, prepare
from saiten.hub.trial.ports import Ports, choose_ports
from saiten.hub.trial.proxy import proxy_command
from saiten.hub.trial.run import RunningHub, start

__all__ = ["Person", "Place", "Ports", "RunningHub", "choose_ports", "prepare", "proxy_command", "start"]
